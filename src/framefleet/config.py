"""What a run is asked to do. Flags go before environment, before framefleet.toml, before defaults.

This is the only place that reads the client's environment.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from framefleet.errors import UsageError

RUNPOD_BASE_URL = "https://api.runpod.ai/v2"
CONFIG_FILE = "framefleet.toml"

Backend = Literal["local", "runpod"]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Crop(msgspec.Struct, frozen=True):
    """A rectangle of the upright source picture, in its pixels."""

    x: Annotated[int, msgspec.Meta(ge=0)]
    y: Annotated[int, msgspec.Meta(ge=0)]
    width: Positive
    height: Positive


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run depends on besides the video. `None` means: what suits the place the stage runs in."""

    fps: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    max_workers: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    output_dir: Path = Path("output")
    backend: Literal["auto", "local", "runpod"] = "auto"
    speech: bool = True

    max_side: Annotated[int, msgspec.Meta(ge=32, le=16_384)] | None = None
    jpeg_quality: Annotated[int, msgspec.Meta(ge=1, le=100)] = 90
    crop: Crop | None = None

    yolo_model: str | None = None
    conf: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.15
    iou: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    imgsz: Annotated[int, msgspec.Meta(ge=32, le=4096)] | None = None
    max_det: Annotated[int, msgspec.Meta(ge=1, le=3000)] = 300
    classes: tuple[int, ...] | None = None

    whisper_model: str | None = None
    language: str | None = None
    task: Literal["transcribe", "translate"] = "transcribe"

    price: Annotated[float, msgspec.Meta(ge=0)] | None = None  # dollars a worker's second; None: by the table


class Secret:
    """A key that cannot be printed by accident; `reveal()` is for the one header it goes into."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Which endpoints there are and how to reach them."""

    endpoints: Mapping[str, str] = {}  # endpoint kind ("yolo") → RunPod endpoint id
    api_key: Secret | None = None
    base_url: str = RUNPOD_BASE_URL


ENDPOINT_KINDS = ("yolo", "whisper")


def load_options(
    flags: Mapping[str, Any], *, environ: Mapping[str, str] | None = None, folder: Path = Path()
) -> Options:
    """Options from `flags` (None: not given), `FRAMEFLEET_*`, framefleet.toml and defaults, in that order.

    Raises `UsageError` naming the option that makes no sense.
    """
    environ = os.environ if environ is None else environ
    names = Options.__struct_fields__
    layered: dict[str, Any] = {k: v for k, v in _read_toml(folder).items() if k in names}
    layered |= {n: environ[f"FRAMEFLEET_{n.upper()}"] for n in names if environ.get(f"FRAMEFLEET_{n.upper()}")}
    layered |= {k: v for k, v in flags.items() if v is not None}
    return make_options(layered)


def make_options(values: Mapping[str, Any]) -> Options:
    """Checked options from typed values or text. Raises `UsageError`."""
    values = dict(values)
    if isinstance(values.get("crop"), str):
        values["crop"] = parse_crop(values["crop"])
    if isinstance(values.get("classes"), str):
        values["classes"] = parse_classes(values["classes"])
    try:
        return msgspec.convert(values, Options, strict=False, from_attributes=True)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise UsageError(f"--{path.rstrip('`').replace('_', '-') or 'option'}: {reason}") from None


def parse_crop(text: str) -> Crop:
    """`x,y,w,h` in source pixels. Raises `UsageError`."""
    try:
        x, y, width, height = (int(part) for part in text.split(","))
        return msgspec.convert({"x": x, "y": y, "width": width, "height": height}, Crop)
    except (ValueError, msgspec.ValidationError):
        raise UsageError(f"--crop {text}: give x,y,width,height in pixels, such as 100,50,640,360") from None


def parse_classes(text: str) -> tuple[int, ...]:
    """Class numbers or COCO names, separated by commas. Raises `UsageError`."""
    from framefleet.weights import coco_labels

    labels = {label: number for number, label in enumerate(coco_labels())}
    numbers = []
    for part in (p.strip() for p in text.split(",")):
        if not part.isdecimal() and part not in labels:
            raise UsageError(f"--classes {part}: neither a class number nor a COCO label such as person or bus")
        numbers.append(int(part) if part.isdecimal() else labels[part])
    return tuple(numbers)


def load_fleet(*, environ: Mapping[str, str] | None = None, folder: Path = Path()) -> Fleet:
    """Endpoints from the environment or framefleet.toml; the key and the base URL from the environment alone.

    Raises `UsageError` when the base URL would send the key in the clear.
    """
    environ = os.environ if environ is None else environ
    listed = _read_toml(folder).get("endpoints", {})
    endpoints = {
        kind: environ.get(f"FRAMEFLEET_{kind.upper()}_ENDPOINT") or listed.get(kind) for kind in ENDPOINT_KINDS
    }
    key = environ.get("RUNPOD_API_KEY")
    return Fleet(
        endpoints={kind: str(value) for kind, value in endpoints.items() if value},
        api_key=Secret(key.strip()) if key and key.strip() else None,
        base_url=_checked_url(environ.get("RUNPOD_ENDPOINT_BASE_URL") or RUNPOD_BASE_URL),
    )


def _checked_url(url: str) -> str:
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        return url.rstrip("/")
    raise UsageError(
        f"RUNPOD_ENDPOINT_BASE_URL {url}: use https (http only on this machine), or the key would be readable"
    )


def _read_toml(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
