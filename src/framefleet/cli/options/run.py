"""The options that `run` and `plan` share: the fields of `Options`.

Values stay text here: `framefleet.config.options` checks them, whatever their source, with the same messages.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from framefleet.config.loading import own_settings, spelt
from framefleet.stages import registry

_RUN, _FLEET, _PICTURES, _OBJECTS, _SPEECH = "Run", "Endpoints", "Frames", "Objects", "Audio"
_OWN = "Per stage"
_STAGES = f"{', '.join(registry.SPECS)} ({','.join(registry.default())})"

# name: (metavar, help with the default in parentheses, panel).
# Options that are not given come from the environment, framefleet.toml or the defaults.
FLAGS: dict[str, tuple[str, str, str]] = {
    "stages": ("NAMES", f"stages to run: all, or a list of {_STAGES}", _RUN),
    "fps": ("NUMBER", "frames sampled per second of video (1)", _RUN),
    "max_workers": ("INTEGER|auto", "maximum requests in flight per endpoint (5)", _RUN),
    "batch_size": ("INTEGER", "frames per request (16)", _RUN),
    "output_dir": ("FOLDER", "folder for results (output)", _RUN),
    "journal": (
        "FOLDER",
        "keep a journal per video in this folder, which several hosts may share (one file in the output folder)",
        _RUN,
    ),
    "backend": ("auto|local|runpod", "where requests run; auto: the endpoint if configured, else local (auto)", _RUN),
    "sampling": (
        "exact|keyframes|ends",
        "exact: the frame on screen at each sample time; keyframes: the nearest keyframe, faster; "
        "ends: only 10 s at the start, in the middle and at the end (exact)",
        _RUN,
    ),
    "from_s": ("TIME", "analyze from this time on, such as 90 or 1:30", _RUN),
    "to_s": ("TIME", "analyze up to this time", _RUN),
    "dense_first": ("SECONDS", "sample four times as many frames in the first seconds (0)", _RUN),
    "scenes": ("FILE", "JSON with the start and end of each scene, instead of scene detection", _RUN),
    "price": ("NUMBER", "dollars per worker-second, instead of the price list", _FLEET),
    "max_cost": ("DOLLARS", "budget of the run: do not start above it, and stop before exceeding it", _FLEET),
    "max_attempts": ("INTEGER", "maximum paid attempts per request before its work counts as failed (3)", _FLEET),
    "patience_s": ("SECONDS", "give up after this long without progress or a reachable service (300)", _FLEET),
    "cold_start_s": ("SECONDS", "additional wait for workers in cold start (900)", _FLEET),
    "warm": ("INTEGER", "workers to wake per endpoint before decoding (0)", _FLEET),
    "max_side": ("INTEGER", "longest side of a frame as sent, in pixels (1280 to an endpoint)", _PICTURES),
    "jpeg_quality": ("INTEGER", "JPEG quality, 1 to 100 (90)", _PICTURES),
    "crop": ("X,Y,W,H", "crop each frame to x,y,w,h, in pixels", _PICTURES),
    "video_track": ("NUMBER", "video track, counted from 1 (the one players choose)", _PICTURES),
    "conf": ("NUMBER", "minimum confidence of an object, 0 to 1 (0.15)", _OBJECTS),
    "iou": ("NUMBER", "IoU threshold of non-maximum suppression per class, 0 to 1 (0.5)", _OBJECTS),
    "imgsz": (
        "INTEGER",
        "model input size, in pixels (on this machine the model's own, 1280 on an endpoint)",
        _OBJECTS,
    ),
    "max_det": ("INTEGER", "maximum objects per frame (300)", _OBJECTS),
    "classes": ("LABELS", "detect only these COCO labels or class ids, such as person,bus or 0,5", _OBJECTS),
    "yolo_model": (
        "TEXT",
        "local: d-fine-n, d-fine-s, yolox-tiny, yolox-s, yolov3-tiny or path of an .onnx file; "
        "endpoint: the model it must serve",
        _OBJECTS,
    ),
    "whisper_model": (
        "TEXT",
        "local: base, tiny.en, small, medium, large-v3, large-v3-turbo or folder of a faster-whisper model; "
        "endpoint: the model it must serve (base)",
        _SPEECH,
    ),
    "whisper_rpm": ("NUMBER", "rate limit of FRAMEFLEET_WHISPER_API, requests per minute, such as 3 (none)", _SPEECH),
    "language": ("CODE", "spoken language, such as en (detected)", _SPEECH),
    "speakers": ("NUMBER|auto", "how many people speak; auto: as many voices as can be told apart (auto)", _SPEECH),
    "speaker_names": ("S1=NAME,S2=NAME", "names for speakers, by their ids in the result", _SPEECH),
    "ast_model": ("TEXT", "sounds, local: folder of an AST model; endpoint: the model it must serve", _SPEECH),
    "sounds_threshold": ("NUMBER", "minimum score of a sound, 0 to 1 (0.3)", _SPEECH),
    "audio_track": (
        "NUMBER|LANGUAGE",
        "audio track: its number, counted from 1, or its language, such as eng (the one players choose)",
        _SPEECH,
    ),
    "audio_channel": (
        "left|right|mix|loudest",
        "audio channel; loudest follows the speaker (a mix that keeps every channel audible)",
        _SPEECH,
    ),
    "words": ("WORDS", "names and terms to expect in speech, such as ComfyUI,FrameFleet", _SPEECH),
    "task": ("transcribe|translate", "transcribe, or translate to English (transcribe)", _SPEECH),
}

# Options of single stages, also as text and checked with the others.
OWN_FLAGS = {
    name: (one.setting.metavar, f"{one.stage}: {one.setting.help}", _OWN) for name, one in own_settings().items()
}

# Short names.
SHORT = {"output_dir": "-o"}

# option: (field, value, help, panel)
SWITCHES: dict[str, tuple[str, bool, str, str]] = {
    "fresh": ("fresh", True, "discard the saved answers for this work and start over", _RUN),
    "verify": ("verify", True, "read the whole file to see whether it has changed, not only its size and times", _RUN),
    "hedge": ("hedge", True, "send stragglers a second time (at most 2 % of requests); the first answer wins", _FLEET),
    "runsync": ("runsync", True, "use RunPod's synchronous /runsync; interrupted requests cannot be resumed", _FLEET),
    "no_vad": ("vad", False, "disable voice activity detection: send all audio, silence included", _SPEECH),
    "no_speakers": ("speakers", False, "skip speakers: keep no voices", _SPEECH),
    "no_speech": ("speech", False, "skip speech", _SPEECH),
}


def with_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Return `command` with a parameter for each of FLAGS and SWITCHES, which it gets as the dict `flags`."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "flags"]

    def wrapped(**values: Any) -> int:
        flags = {name: values.pop(name) for name in FLAGS | OWN_FLAGS}
        flags |= {field: becomes for name, (field, becomes, _, _) in SWITCHES.items() if values.pop(name)}
        return command(**values, flags=flags)

    shared = [
        _parameter(name, Annotated[str | None, _option(name, takes, text, panel)], None)
        for name, (takes, text, panel) in (FLAGS | OWN_FLAGS).items()
    ]
    shared += [
        _parameter(name, Annotated[bool, typer.Option(spelt(name), help=text, rich_help_panel=panel)], False)
        for name, (_, _, text, panel) in SWITCHES.items()
    ]
    wrapped.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def _option(name: str, takes: str, text: str, panel: str) -> Any:
    names = [spelt(name), *([SHORT[name]] if name in SHORT else [])]
    return typer.Option(*names, help=text, metavar=takes, rich_help_panel=panel)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
