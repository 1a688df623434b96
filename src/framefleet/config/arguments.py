"""The options by name, for callers in Python: editors complete them, and type checkers know them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict

from framefleet.schema.document import AudioChannel, Crop


class OptionArguments(TypedDict, total=False):
    """The fields of `Options` and of the stages' own options, each in the forms that `load_options` takes.

    None: not given.
    """

    fps: float | None
    max_workers: int | Literal["auto"] | None
    batch_size: int | None
    output_dir: Path | str | None
    journal: Path | str | None
    backend: str | None
    stages: Sequence[str] | str | None
    speech: bool | None
    scenes: Path | str | None
    sampling: Literal["exact", "keyframes", "ends"] | None
    from_s: float | str | None
    to_s: float | str | None
    dense_first: float | None
    audio_track: int | str | None
    audio_channel: AudioChannel | None

    video_track: int | None

    max_side: int | None
    jpeg_quality: int | None
    crop: Crop | str | None

    yolo_model: str | None
    conf: float | None
    iou: float | None
    imgsz: int | None
    max_det: int | None
    classes: Sequence[int | str] | str | None

    whisper_model: str | None
    language: str | None
    whisper_rpm: float | None
    vad: bool | None
    task: Literal["transcribe", "translate"] | None
    words: Sequence[str] | str | None

    speakers: bool | int | Literal["auto"] | None
    speaker_names: Sequence[Sequence[str]] | str | None

    ast_model: str | None
    sounds_threshold: float | None

    price: float | None
    max_cost: float | None
    max_attempts: int | None
    patience_s: float | None
    cold_start_s: float | None
    hedge: bool | None
    runsync: bool | None
    warm: int | None
    fresh: bool | None
    verify: bool | None

    objects_fps: float | None
    objects_sampling: Literal["exact", "keyframes"] | None
    objects_crop: Crop | str | None
    objects_max_side: int | None
    objects_jpeg_quality: int | None
    text_fps: float | None
    text_sampling: Literal["exact", "keyframes"] | None
    text_crop: Crop | str | None
    text_max_side: int | None
    text_jpeg_quality: int | None
    scenes_sampling: Literal["exact", "keyframes"] | None
    faces_fps: float | None
    faces_sampling: Literal["exact", "keyframes"] | None
    faces_crop: Crop | str | None
    faces_max_side: int | None
    looks_sampling: Literal["exact", "keyframes"] | None
