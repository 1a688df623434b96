"""The options that `run` and `plan` share, said once: they are the fields of `Options`.

They come as text: `framefleet.config.options` checks them, wherever they come from, and says the same of each.
"""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from framefleet.config.loading import own_settings
from framefleet.stages import registry

_RUN, _FLEET, _PICTURES, _OBJECTS, _SPEECH = "The run", "Endpoints", "Pictures", "Objects", "Sound"
_OWN = "Of one stage alone"
_STAGES = f"{', '.join(registry.SPECS)} ({','.join(registry.default())})"

# name: (what it takes, help with the default in brackets, panel).
# What is not given comes from the environment, framefleet.toml or the defaults.
FLAGS: dict[str, tuple[str, str, str]] = {
    "stages": ("NAMES", f"what to look for: all, or some of {_STAGES}", _RUN),
    "fps": ("NUMBER", "pictures looked at a second of video (1)", _RUN),
    "max_workers": ("INTEGER|auto", "requests asked at once of an endpoint, at most (5)", _RUN),
    "batch_size": ("INTEGER", "pictures in a request (16)", _RUN),
    "output_dir": ("FOLDER", "folder for the results (output)", _RUN),
    "backend": ("auto|local|runpod", "auto (an endpoint where one is set, else here), local or runpod (auto)", _RUN),
    "sampling": (
        "exact|keyframes",
        "what is on screen at each time, or fast: the nearest keyframes (exact)",
        _RUN,
    ),
    "scenes": ("FILE", "JSON with the start and end of each scene, instead of looking for them", _RUN),
    "price": ("NUMBER", "dollars a worker's second, instead of the price list", _FLEET),
    "max_cost": ("DOLLARS", "do not start what would cost more, and stop before it does", _FLEET),
    "max_attempts": ("INTEGER", "times a request is paid for before its work counts as failed (3)", _FLEET),
    "patience_s": ("SECONDS", "how long to wait while the service is away or nothing moves (300)", _FLEET),
    "cold_start_s": ("SECONDS", "how long to wait for workers that are starting, besides (900)", _FLEET),
    "warm": ("INTEGER", "wake this many workers of each endpoint before decoding (0)", _FLEET),
    "max_side": ("INTEGER", "longest side of a picture that is sent, in pixels (1280 to an endpoint)", _PICTURES),
    "jpeg_quality": ("INTEGER", "1 to 100 (90)", _PICTURES),
    "crop": ("X,Y,W,H", "look only at x,y,w,h of the picture, in pixels", _PICTURES),
    "video_track": ("NUMBER", "video track to look at, of several, counted from 1 (the one players take)", _PICTURES),
    "conf": ("NUMBER", "least confidence of an object, 0 to 1 (0.15)", _OBJECTS),
    "iou": ("NUMBER", "boxes of a class that overlap more than this are one object, 0 to 1 (0.5)", _OBJECTS),
    "imgsz": ("INTEGER", "size the model looks at, in pixels (416 here, 1280 on an endpoint)", _OBJECTS),
    "max_det": ("INTEGER", "most objects in a picture (300)", _OBJECTS),
    "classes": ("LABELS", "only these: COCO labels or class numbers, such as person,bus or 0,5", _OBJECTS),
    "yolo_model": ("TEXT", "here: a detector's .onnx file; on an endpoint: the model it must have", _OBJECTS),
    "whisper_model": (
        "TEXT",
        "here: a folder with a faster-whisper model; on an endpoint: the model it must have",
        _SPEECH,
    ),
    "whisper_rpm": ("NUMBER", "requests a minute that FRAMEFLEET_WHISPER_API takes, such as 3 (no limit)", _SPEECH),
    "language": ("CODE", "language spoken, such as en (found out)", _SPEECH),
    "ast_model": ("TEXT", "sounds, here: a folder with an AST model; on an endpoint: the model it must have", _SPEECH),
    "sounds_threshold": ("NUMBER", "least score of a sound, 0 to 1 (0.3)", _SPEECH),
    "audio_track": (
        "NUMBER|LANGUAGE",
        "audio track to listen to: its number, counted from 1, or its language, such as eng (the one players take)",
        _SPEECH,
    ),
    "audio_channel": (
        "left|right|mix|loudest",
        "channel to listen to; loudest changes with who speaks (all mixed, none lost in the mix)",
        _SPEECH,
    ),
    "task": ("transcribe|translate", "transcribe, or translate to English (transcribe)", _SPEECH),
}

# The stages' own: a text as well, checked with the others.
OWN_FLAGS = {
    name: (one.setting.metavar, f"{one.stage}: {one.setting.help}", _OWN) for name, one in own_settings().items()
}

# What else an option is called: as most commands have it.
SHORT = {"output_dir": "-o"}

# option: (field, what it becomes, help, panel)
SWITCHES: dict[str, tuple[str, bool, str, str]] = {
    "fresh": ("fresh", True, "forget what is known of this work and start over", _RUN),
    "hedge": ("hedge", True, "send a straggler a second time (at most 2 % of requests); the first answer wins", _FLEET),
    "runsync": ("runsync", True, "let RunPod hold a request until it is answered; what is interrupted is lost", _FLEET),
    "no_vad": ("vad", False, "send all sound, also where nobody speaks", _SPEECH),
    "no_speech": ("speech", False, "do not listen", _SPEECH),
}


def with_flags(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with a parameter for each of FLAGS and SWITCHES, handed over as its `flags` dict."""
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
        _parameter(name, Annotated[bool, typer.Option(_spelt(name), help=text, rich_help_panel=panel)], False)
        for name, (_, _, text, panel) in SWITCHES.items()
    ]
    wrapped.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def _option(name: str, takes: str, text: str, panel: str) -> Any:
    names = [_spelt(name), SHORT[name]] if name in SHORT else []
    return typer.Option(*names, help=text, metavar=takes, rich_help_panel=panel)


def _spelt(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
