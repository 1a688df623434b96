"""A small document with something in every field."""

from pathlib import Path

from framefleet.fleet.billing.estimate import Estimate, stage_cost, total
from framefleet.results.assemble.fusion import fuse
from framefleet.schema.codec import encode
from framefleet.schema.document import (
    AudioInfo,
    Config,
    Crop,
    Document,
    FailureEntry,
    ModelUsed,
    Provenance,
    Video,
)
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import (
    Segment,
    Skipped,
    Transcription,
    Word,
)
from framefleet.schema.timing import StageTiming, Timing
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import Scene
from framefleet.timebase import Span


def make_document() -> Document:
    estimate = Estimate(seconds=1.0, usd=0.1, usd_sequential=0.2)
    cost = stage_cost("runpod", [], gpu="NVIDIA L4", price=None, estimated=estimate, alone_s=1.0)
    return Document(
        video=Video(
            path="clip.mp4",
            sha256="ab" * 32,
            start_s=0.5,
            duration_s=2.0,
            width=160,
            height=120,
            fps=25.0,
            codec="h264",
            frame_count=50,
            audio=AudioInfo(codec="aac", sample_rate=48_000, channels=1, start_s=0.0, duration_s=2.0),
        ),
        config=Config(
            backend={"objects": "runpod"},
            fps=1.0,
            max_workers=5,
            batch_size=16,
            max_side=1280,
            jpeg_quality=90,
            crop=Crop(0, 0, 80, 60),
            yolo_model="yolo11m",
            yolo_conf=0.15,
            yolo_iou=0.5,
            yolo_imgsz=1280,
            yolo_half=True,
            yolo_max_det=300,
            yolo_classes=[0, 5],
            whisper_model=None,
            language="en",
            task="transcribe",
            sampling="exact",
            sounds_model=None,
            sounds_threshold=0.3,
        ),
        detections=[
            Detection(0, 0.0, 0.0, [DetectedObject(0, "person", 0.9, (1.0, 2.0, 3.0, 4.5))]),
            Detection(1, 1.0, None, None),
        ],
        transcription=Transcription(
            "en",
            "Hello",
            [Segment(0.0, 0.4, "Hello", -0.1, 0.0, [Word(0.0, 0.4, " Hello", 0.9)])],
            [Skipped(1.0, 2.0, "why not")],
        ),
        scenes=fuse([Scene(0, 0.0, 2.0, 1.0)], {}),
        tracks=TracksResult([Track(1, "person", 0, 0.0, 0.0, True, [TrackBox(0, 0, 0.0, (1.0, 2.0, 3.0, 4.5), 0.9)])]),
        sounds=Sounds(0.3, [SoundEvent("Speech", 0, 0.0, 0.5, 0.9, 0.8)]),
        text=None,
        cost=total({"objects": cost}),
        timing=Timing(
            wall_s=1.0,
            decode={"pictures": StageTiming(busy_s=0.2, waiting_s=0.3)},
            stages={"objects": StageTiming(busy_s=0.5, waiting_s=0.1)},
            overlap=0.7,
            bottleneck="objects",
            advice=None,
        ),
        failures=[
            FailureEntry(stage="objects", items=[1], error="lost", attempts=2),
            FailureEntry(stage="speech", span_s=Span(0.5, 1.0), error="noise", attempts=0),
        ],
        provenance=Provenance(
            framefleet_version="0.1.0",
            python="3.11",
            platform="here",
            started_at="2026-01-01T00:00:00+00:00",
            finished_at="2026-01-01T00:00:01+00:00",
            models={"objects": [ModelUsed(model="yolo11m", model_id="ab", device="cuda:0", gpu="NVIDIA L4")]},
        ),
    )


def write_document(document: Document, path: Path) -> None:
    """Write the document to any file."""
    path.write_bytes(encode(document))
