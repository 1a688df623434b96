"""The options that `run` and `plan` share, said once: they are the fields of `Options`."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from framefleet.config import Options

_RUN, _PICTURES, _OBJECTS, _SPEECH = "The run", "Pictures", "Objects", "Speech"

# name: (type, help, panel). What is not given comes from the environment, framefleet.toml or the defaults.
FLAGS: dict[str, tuple[Any, str, str]] = {
    "fps": (float, "pictures looked at a second of video [1]", _RUN),
    "max_workers": (int, "requests asked at once of an endpoint [5]", _RUN),
    "batch_size": (int, "pictures in a request [16]", _RUN),
    "output_dir": (Path, "folder for the results [output]", _RUN),
    "backend": (str, "auto (an endpoint where one is set, else here), local or runpod [auto]", _RUN),
    "price": (float, "dollars a worker's second, instead of the price list", _RUN),
    "max_side": (int, "longest side of a picture that is sent, in pixels [1280 to an endpoint]", _PICTURES),
    "jpeg_quality": (int, "1 to 100 [90]", _PICTURES),
    "crop": (str, "look only at x,y,w,h of the picture, in pixels", _PICTURES),
    "conf": (float, "least confidence of an object, 0 to 1 [0.15]", _OBJECTS),
    "iou": (float, "boxes of a class that overlap more than this are one object, 0 to 1 [0.5]", _OBJECTS),
    "imgsz": (int, "size the model looks at, in pixels [416 here, 1280 on an endpoint]", _OBJECTS),
    "max_det": (int, "most objects in a picture [300]", _OBJECTS),
    "classes": (str, "only these: COCO labels or class numbers, such as person,bus or 0,5", _OBJECTS),
    "yolo_model": (str, "here: a detector's .onnx file; on an endpoint: the model it must have", _OBJECTS),
    "whisper_model": (
        str,
        "here: a folder with a faster-whisper model; on an endpoint: the model it must have",
        _SPEECH,
    ),
    "language": (str, "language spoken, such as en [found out]", _SPEECH),
    "task": (str, "transcribe, or translate to English [transcribe]", _SPEECH),
}


def with_flags(command: Callable[..., int]) -> Callable[..., int]:
    """`command` with a parameter for each of FLAGS and for `--no-speech`, handed over as its `flags` dict."""
    own = [p for p in inspect.signature(command).parameters.values() if p.name != "flags"]

    def wrapped(**values: Any) -> int:
        flags = {name: values.pop(name) for name in FLAGS}
        flags["speech"] = False if values.pop("no_speech") else None
        return command(**values, flags=flags)

    shared = [
        _parameter(
            name, Annotated[kind | None, typer.Option(help=text, rich_help_panel=panel, show_default=False)], None
        )
        for name, (kind, text, panel) in FLAGS.items()
    ]
    shared.append(
        _parameter(
            "no_speech",
            Annotated[bool, typer.Option("--no-speech", help="do not listen", rich_help_panel=_SPEECH)],
            False,
        )
    )
    wrapped.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in [*own, *shared]}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


assert set(FLAGS) | {"speech"} == set(Options.__struct_fields__), "an option without a flag, or the other way round"
