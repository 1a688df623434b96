"""The document: the result of a run as one frozen tree, in video time and source pixels. Field names are public API."""

from typing import Annotated, Any, Literal

import msgspec

from framefleet.schema.artifact import Artifact
from framefleet.schema.cost import Backend, Cost
from framefleet.schema.objects import Detection
from framefleet.schema.results import StageName, StageResult
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import Sounds
from framefleet.schema.speakers import Speaker
from framefleet.schema.speech import Transcription
from framefleet.schema.text import TextResult
from framefleet.schema.timing import Timing
from framefleet.schema.tracks import TracksResult
from framefleet.timebase import Seconds, Span

SCHEMA_VERSION: Literal["2"] = "2"

DurationFrom = Literal["header", "index", "counted", "estimated"]
"""The source of a duration: `counted` means all packets, read one by one; `index` the last packets, found by the file's
index or at its end; `header` a header alone, for a file that ends before it; `estimated` the size and the bit rate,
which is unreliable."""

AudioChannel = Literal["left", "right", "mix", "loudest"]


class AudioInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The audio stream that was used. `start_s` is on the video's clock: negative if the sound begins first.

    It is the `track`-th of the file's `tracks` audio streams, counted from 1 in their order; null if unknown.
    `language` is the file's own tag for it, such as `eng`. `duration_s` is 0 for a stream without sound in it, and
    `duration_from` is its source; null if that was not recorded.
    """

    codec: str
    sample_rate: int
    channels: int
    start_s: Seconds
    duration_s: Seconds
    track: int | None = None
    tracks: int | None = None
    language: str | None = None
    duration_from: DurationFrom | None = None


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """The source video. `start_s` is the first frame's presentation time in the file: the zero of all other times here.

    `width` and `height` are those of the upright frame. The coded frame is `mirrored` from left to right, and then
    rotated counter-clockwise by `rotation` degrees. It is the `track`-th of `tracks` video streams, if there are
    several.
    """

    path: str
    sha256: str
    start_s: Seconds
    duration_s: Seconds
    width: int
    height: int
    fps: float
    codec: str
    frame_count: int
    audio: AudioInfo | None
    rotation: int = 0
    mirrored: bool = False
    track: int | None = None
    tracks: int | None = None
    duration_from: DurationFrom | None = None


class Crop(msgspec.Struct, frozen=True):
    """A rectangle of the upright source frame, in its pixels."""

    x: Annotated[int, msgspec.Meta(ge=0)]
    y: Annotated[int, msgspec.Meta(ge=0)]
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The options that were used. What a worker reported (`yolo_imgsz`, `yolo_half`, models) replaces what was
    requested.

    `yolo_fallback_for` is the model that this machine prefers, if a lesser one was used because it was not there, or
    does not take the size requested. `yolo_imgsz_fixed`: the model only takes that size, whatever was requested.

    `fps`, `crop`, `sampling`, `max_side` and `jpeg_quality` are those of the objects stage. `stages` has the options
    that were set for single stages, by name; absent if there are none. `parts` are the parts of the video that were
    analyzed; absent if all of it was. In the first `dense_first_s` seconds of them there are more samples.
    """

    backend: dict[str, Backend]
    fps: float
    max_workers: int | Literal["auto"]
    batch_size: int
    max_side: int | None
    jpeg_quality: int
    crop: Crop | None
    yolo_model: str | None
    yolo_conf: float
    yolo_iou: float
    yolo_imgsz: int | None
    yolo_half: bool | None
    yolo_max_det: int
    yolo_classes: list[int] | None
    whisper_model: str | None
    language: str | None
    task: str
    sampling: str
    yolo_fallback_for: str | None = None
    yolo_imgsz_fixed: bool | None = None
    audio_track: int | str | None = None
    audio_channel: AudioChannel | None = None
    video_track: int | None = None
    sounds_model: str | None
    sounds_threshold: float
    stages: dict[str, dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    parts: list[Span] | msgspec.UnsetType = msgspec.UNSET
    dense_first_s: Seconds | msgspec.UnsetType = msgspec.UNSET

    @property
    def step_s(self) -> Seconds:
        """The time from one sample to the next; infinite if there is no rate."""
        return 1 / self.fps if self.fps > 0 else float("inf")


class FailureEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Work without an answer: frames (`items`, the indices of their samples), or a stretch of sound, or of video for
    scenes (`span_s`).

    `attempts` is 0 if it failed before any request.
    """

    stage: str
    items: list[int] | None = None
    span_s: Span | None = None
    error: str
    attempts: int


class ModelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was used. `model_id` is the sha256 of the weights."""

    model: str
    model_id: str
    device: str
    gpu: str | None


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    framefleet_version: str
    python: str
    platform: str
    started_at: str
    finished_at: str
    models: dict[str, list[ModelUsed]]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run. `detections` has an entry for every sample. The part of a stage that was not run, or failed,
    is null.

    `results` has the results of further stages by name. It, and `artifacts`, are absent if there are none.
    """

    schema_version: Literal["2"] = SCHEMA_VERSION
    video: Video
    config: Config
    detections: list[Detection] | None
    transcription: Transcription | None
    scenes: list[SceneEntry] | None
    tracks: TracksResult | None
    sounds: Sounds | None
    text: TextResult | None
    speakers: list[Speaker] | None = None
    results: dict[StageName, StageResult] | msgspec.UnsetType = msgspec.UNSET
    cost: Cost
    timing: Timing
    failures: list[FailureEntry]
    provenance: Provenance
    artifacts: list[Artifact] | msgspec.UnsetType = msgspec.UNSET

    @property
    def further(self) -> dict[str, StageResult]:
        """The `results`; {} if they are absent."""
        return {} if self.results is msgspec.UNSET else self.results
