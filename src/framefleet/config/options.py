"""What a run is asked to do. Flags go before environment, before framefleet.toml, before defaults."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from framefleet.schema.document import AudioChannel, Crop

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run depends on besides the video. `None` means: what suits the place the stage runs in."""

    fps: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0
    max_workers: Annotated[int, msgspec.Meta(ge=1, le=1000)] | Literal["auto"] = 5
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    output_dir: Path = Path("output")
    backend: str = "auto"  # or a backend's name
    stages: tuple[str, ...] | None = None  # None: the default ones
    speech: bool = True
    scenes: Path | None = None  # a JSON file of scenes, instead of looking for them
    sampling: Literal["exact", "keyframes"] = "exact"
    audio_track: Positive | str | None = None  # counted from 1, or a language; None: the one that players take
    audio_channel: AudioChannel | None = None  # None: all mixed, none lost in the mix

    video_track: Positive | None = None  # counted from 1; None: the one that players take

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
    whisper_rpm: Annotated[float, msgspec.Meta(gt=0)] | None = None  # requests a minute that the API takes
    vad: bool = True  # look for speech before sound is sent
    task: Literal["transcribe", "translate"] = "transcribe"

    ast_model: str | None = None
    sounds_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3

    price: Annotated[float, msgspec.Meta(ge=0)] | None = None  # dollars a worker's second; None: by the table
    max_cost: Annotated[float, msgspec.Meta(ge=0)] | None = None  # dollars a run may cost
    max_attempts: Positive = 3
    patience_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 300.0
    cold_start_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 900.0
    hedge: bool = False
    runsync: bool = False
    warm: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    fresh: bool = False
