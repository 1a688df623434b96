"""The options of a run. Flags take precedence over the environment, framefleet.toml and defaults, in that order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_type_hints

import msgspec

from framefleet.errors import UsageError
from framefleet.schema.document import AudioChannel, Crop

Positive = Annotated[int, msgspec.Meta(ge=1)]
Rate = Annotated[float, msgspec.Meta(gt=0, le=1000)]
Sampling = Literal["exact", "keyframes"]
Time = Annotated[float, msgspec.Meta(ge=0, le=1e7)]  # seconds on the video's clock
MaxSide = Annotated[int, msgspec.Meta(ge=32, le=16_384)]
JpegQuality = Annotated[int, msgspec.Meta(ge=1, le=100)]


@dataclass(frozen=True, slots=True)
class Setting:
    """The help for a field of a stage's own options, and whether an answer depends on it (`keyed`)."""

    help: str
    metavar: str = "TEXT"
    keyed: bool = True


class StageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one stage: `[stages.NAME]`, `FRAMEFLEET_<NAME>_<FIELD>`, `--NAME-FIELD`.

    Each field is `Annotated` with a `Setting` and has a default. One that is also in `Options` overrides it for this
    stage, if it is not None.
    """


class FrameOptions(StageOptions, frozen=True, kw_only=True):
    """The settings of a stage that reads frames: which frames, and in what form."""

    fps: Annotated[Rate | None, Setting("frames sampled per second of video", "NUMBER")] = None
    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None
    crop: Annotated[Crop | None, Setting("crop each frame to x,y,w,h, in pixels", "X,Y,W,H")] = None
    max_side: Annotated[MaxSide | None, Setting("longest side of a frame, in pixels", "INTEGER")] = None
    jpeg_quality: Annotated[JpegQuality | None, Setting("JPEG quality, 1 to 100", "INTEGER")] = None


def settings_of(options: type[StageOptions]) -> dict[str, tuple[Any, Setting]]:
    """Return each field's type and `Setting`. Raises `UsageError` for a field without one."""
    found: dict[str, tuple[Any, Setting]] = {}
    for field, hint in get_type_hints(options, include_extras=True).items():
        told = getattr(hint, "__metadata__", ())
        setting = next((one for one in told if isinstance(one, Setting)), None)
        if setting is None:
            raise UsageError(f"{options.__name__}.{field}: not described", hint="annotate it with a Setting")
        limits = tuple(one for one in told if one is not setting)
        found[field] = (Annotated[(hint.__origin__, *limits)] if limits else hint.__origin__), setting
    return found


class Declared(NamedTuple):
    """The part of a stage that the configuration needs."""

    options: type[StageOptions]
    endpoint: str | None


DECLARED: dict[str, Declared] = {}
"""By the stages' names. `stages.registry` fills it, since configuration must not import the stages."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run depends on besides the video. `None`: chosen to suit the backend that the stage runs on."""

    fps: Rate = 1.0
    max_workers: Annotated[int, msgspec.Meta(ge=1, le=1000)] | Literal["auto"] = 5
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 16
    output_dir: Path = Path("output")
    journal: Path | None = None  # a folder of journals, which hosts may share; None: a file in output_dir
    backend: str = "auto"  # or a backend's name
    stages: tuple[str, ...] | None = None  # None: the default ones
    speech: bool = True
    scenes: Path | None = None  # a JSON file of scenes, instead of detecting them
    sampling: Literal["exact", "keyframes", "ends"] = "exact"  # "ends": exact, 10 s at the start, middle and end
    from_s: Time | None = None  # the part to analyze
    to_s: Time | None = None
    dense_first: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 0.0  # seconds at the start with more samples
    audio_track: Positive | str | None = None  # counted from 1, or a language; None: the one that players choose
    audio_channel: AudioChannel | None = None  # None: all mixed, none lost in the mix

    video_track: Positive | None = None  # counted from 1; None: the one that players choose

    max_side: MaxSide | None = None
    jpeg_quality: JpegQuality = 90
    crop: Crop | None = None

    yolo_model: str | None = None
    conf: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.15
    iou: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    imgsz: Annotated[int, msgspec.Meta(ge=32, le=4096)] | None = None
    max_det: Annotated[int, msgspec.Meta(ge=1, le=3000)] = 300
    classes: tuple[int, ...] | None = None

    whisper_model: str | None = None
    language: str | None = None
    whisper_rpm: Annotated[float, msgspec.Meta(gt=0)] | None = None  # requests per minute that the API accepts
    vad: bool = True  # detect speech before sound is sent
    task: Literal["transcribe", "translate"] = "transcribe"
    words: tuple[str, ...] | None = None  # names and terms to expect in speech

    speakers: bool | Annotated[int, msgspec.Meta(ge=1, le=100)] | Literal["auto"] = "auto"  # how many; False: not asked
    speaker_names: tuple[tuple[str, str], ...] | None = None  # by the speakers' ids

    ast_model: str | None = None
    sounds_threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3

    price: Annotated[float, msgspec.Meta(ge=0)] | None = None  # dollars per worker and second; None: by the price list
    max_cost: Annotated[float, msgspec.Meta(ge=0)] | None = None  # dollars a run may cost
    max_attempts: Positive = 3
    patience_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 300.0
    cold_start_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 900.0
    hedge: bool = False
    runsync: bool = False
    warm: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    fresh: bool = False
    verify: bool = False  # read the file to see that it is unchanged, whatever its times say

    own: Mapping[str, StageOptions] = {}  # by stage, if any of its own settings are given

    @property
    def decoding(self) -> Sampling:
        """Whether samples show the exact frames or the nearest keyframes."""
        return "keyframes" if self.sampling == "keyframes" else "exact"
