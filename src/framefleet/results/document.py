"""The result of a run as one frozen tree, in video time and source pixels. Field names are public API."""

from typing import Literal

import msgspec

from framefleet.config import AudioChannel, Backend, Crop
from framefleet.fleet.cost import Cost
from framefleet.media.info import AudioInfo, DurationFrom
from framefleet.results.fuse import SceneEntry
from framefleet.stages.objects.merge import Detection
from framefleet.stages.sounds.merge import Sounds
from framefleet.stages.speech.merge import Transcription
from framefleet.stages.text.merge import TextResult
from framefleet.stages.tracks.track import TracksResult
from framefleet.units import Seconds, Span

SCHEMA_VERSION: Literal["1"] = "1"


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """The source. `start_s` is the first frame's presentation time in the file: zero of every other time here.

    `width` and `height` are of the upright picture. The coded one is `mirrored` from left to right, and then turned
    counter-clockwise by `rotation` degrees. It is the `track`-th of `tracks` of pictures, where there are several.
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


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What was really used: where a worker told (`yolo_imgsz`, `yolo_half`, models), its word goes before the wish."""

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
    audio_track: int | str | None = None
    audio_channel: AudioChannel | None = None
    video_track: int | None = None
    ast_model: str | None
    sounds_threshold: float

    @property
    def step_s(self) -> Seconds:
        """From one sampled picture to the next; without end where there is no rate."""
        return 1 / self.fps if self.fps > 0 else float("inf")


class StageTiming(msgspec.Struct, frozen=True, kw_only=True):
    """Wall seconds: `busy_s` with at least one request asked, `waiting_s` between requests with none.

    `done` counts pictures, or seconds of sound, that were worked on, and `per_s` those a busy second. `queue_mean` is
    how many payloads were there and not yet asked about, on average: 0 means that the stage waited for its input, and
    as many as are asked at once that its input waited for it. Null where there is no such thing.
    """

    busy_s: Seconds
    waiting_s: Seconds
    done: float | None = None
    per_s: float | None = None
    queue_mean: float | None = None


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """`decode` is what fed the stages, `pictures` and `sound`: `waiting_s` is how long it waited for them to take more.

    `sift` is, by stage, looking here at what is worth asking about. `overlap` is the sum of all busy times over the
    wall time: 1 for one thing after the other. `bottleneck` is what needed the most time (of parts that take turns,
    all together and among them the one that needed most), and `advice` what would help most.
    """

    wall_s: Seconds
    decode: dict[str, StageTiming]
    sift: dict[str, StageTiming] = {}
    stages: dict[str, StageTiming]
    overlap: float
    bottleneck: str | None
    advice: str | None


class FailureEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Work without an answer: pictures (`items`, their indices), or a stretch of sound, of video for scenes (`span_s`).

    `attempts` is 0 where asking was not what failed.
    """

    stage: str
    items: list[int] | None = None
    span_s: Span | None = None
    error: str
    attempts: int


class ModelUsed(msgspec.Struct, frozen=True, kw_only=True):
    """`model_id` is the sha256 of the weights."""

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
    """`detections` has an entry for every sampled picture. What was not asked for, or could not be done, is null."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    video: Video
    config: Config
    detections: list[Detection] | None
    transcription: Transcription | None
    scenes: list[SceneEntry] | None
    tracks: TracksResult | None
    sounds: Sounds | None
    text: TextResult | None
    cost: Cost
    timing: Timing
    failures: list[FailureEntry]
    provenance: Provenance
