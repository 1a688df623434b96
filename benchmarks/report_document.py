"""A generated document of the size of a long film's: objects crossing the frame, speech, sounds, text, cuts."""

from __future__ import annotations

import numpy as np

from framefleet.results.assemble.fusion import fuse
from framefleet.schema.cost import Cost, EndpointCost
from framefleet.schema.document import (
    AudioInfo,
    Config,
    Document,
    FailureEntry,
    ModelUsed,
    Provenance,
    Video,
)
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.timing import StageTiming, Timing
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import scenes_between
from framefleet.timebase import Span

WIDTH, HEIGHT = 1920, 1080
LABELS = (
    "person", "car", "chair", "bottle", "cup", "dog", "bicycle", "bus", "backpack", "handbag", "truck", "umbrella",
    "laptop", "book", "clock", "tv", "bird", "horse", "boat", "bench",
)  # fmt: skip
SOUNDS = (
    "Speech", "Music", "Vehicle", "Silence", "Laughter", "Applause", "Dog", "Wind", "Footsteps",
    "Door", "Rain", "Siren",
)  # fmt: skip
EACH = 24  # samples in which an object is seen, on average


def make_document(seconds: int, boxes: int, words: int, sha256: str = "0" * 64, seed: int = 1) -> Document:
    """Return a document with about these numbers of each, at one frame per second."""
    rng = np.random.default_rng(seed)
    detections, tracks = _seen(rng, seconds, boxes)
    cuts = (float(cut) for cut in np.round(rng.uniform(1, seconds, seconds // 8), 2))
    scenes = scenes_between(cuts, [Span(0.0, float(seconds))])
    said, sounds, text = _said(rng, seconds, words), _heard(rng, seconds), _written(rng, seconds)
    return Document(
        video=Video(
            path="long film.mp4", sha256=sha256, start_s=0.0, duration_s=float(seconds), width=WIDTH, height=HEIGHT,
            fps=25.0, codec="h264", frame_count=25 * seconds,
            audio=AudioInfo(codec="aac", sample_rate=48_000, channels=2, start_s=0.0, duration_s=float(seconds)),
        ),
        config=_config(),
        detections=detections,
        transcription=said,
        scenes=fuse(scenes, {"objects": detections, "speech": said, "sounds": sounds, "text": text}),
        tracks=tracks,
        sounds=sounds,
        text=text,
        cost=_cost(seconds),
        timing=_timing(seconds),
        failures=[
            FailureEntry(stage="objects", items=list(range(640, 656)), error="out of memory", attempts=3),
            FailureEntry(stage="speech", span_s=Span(1800.0, 1812.5), error="the worker did not answer", attempts=3),
        ],
        provenance=Provenance(
            framefleet_version="0.1.0", python="3.11.7", platform="Linux-6.1-x86_64",
            started_at="2026-01-01T10:00:00+00:00", finished_at="2026-01-01T10:03:21+00:00",
            models={"objects": [ModelUsed(model="yolo11m", model_id="ab" * 32, device="cuda:0", gpu="NVIDIA L4")]},
        ),
    )  # fmt: skip


def _seen(rng: np.random.Generator, seconds: int, boxes: int) -> tuple[list[Detection], TracksResult]:
    objects: list[list[DetectedObject]] = [[] for _ in range(seconds)]
    tracks = []
    for number in range(1, boxes // EACH + 1):
        length = int(min(seconds, 1 + rng.geometric(1 / (EACH - 1))))
        first = int(rng.integers(0, seconds - length + 1))
        label = int(min(rng.zipf(1.6) - 1, len(LABELS) - 1))
        sightings = [TrackBox(at, len(objects[at]), float(at), box, sure) for at, box, sure in _way(rng, first, length)]
        for one in sightings:
            objects[one.index].append(DetectedObject(label, LABELS[label], one.confidence, one.box))
        certain = bool(rng.random() < 0.7)
        last = sightings[-1].time_s
        tracks.append(Track(number, LABELS[label], label, float(first), last, certain, sightings))
    detections = [Detection(i, float(i), float(i), found) for i, found in enumerate(objects)]
    for index in range(640, min(656, seconds)):
        detections[index] = Detection(index, float(index), float(index), None)
    return detections, TracksResult(tracks)


def _way(
    rng: np.random.Generator, first: int, length: int
) -> list[tuple[int, tuple[float, float, float, float], float]]:
    """Return the boxes of an object that crosses the frame, with a detector's jitter of a few pixels."""
    size = rng.uniform(40, 400, 2) * (1, 1.6)
    start, speed = rng.uniform((0, 0), (WIDTH, HEIGHT)), rng.normal(0, 18, 2)
    sure = rng.uniform(0.3, 0.95)
    way = []
    for step in range(length):
        centre = np.clip(start + speed * step + rng.normal(0, 3, 2), 0, (WIDTH, HEIGHT))
        half = (size + rng.normal(0, 4, 2)) / 2
        low, high = np.clip([centre - half, centre + half], 0, (WIDTH, HEIGHT))
        confidence = float(np.clip(sure + rng.normal(0, 0.05), 0.15, 0.99).round(4))
        way.append((first + step, (*low.round(2).tolist(), *high.round(2).tolist()), confidence))
    return way


def _said(rng: np.random.Generator, seconds: int, words: int) -> Transcription:
    book = ["".join(rng.choice(list("aeiourstlnmdkpbgfh"), int(rng.integers(2, 9)))) for _ in range(4000)]
    segments = []
    pace = seconds / words
    for first in range(0, words, 8):
        spoken, at = [], first * pace
        for _ in range(8):
            long = float(rng.uniform(0.4, 0.95) * pace)
            name = book[int(min(rng.zipf(1.25), len(book))) - 1]
            spoken.append(Word(round(at, 2), round(at + long, 2), f" {name}", round(float(rng.uniform(0.4, 1)), 4)))
            at += pace
        text = "".join(word.word for word in spoken).strip()
        segments.append(Segment(spoken[0].start_s, spoken[-1].end_s, text, -0.2, 0.01, spoken))
    return Transcription("en", " ".join(segment.text for segment in segments), segments)


def _heard(rng: np.random.Generator, seconds: int) -> Sounds:
    events = []
    for class_id, label in enumerate(SOUNDS):
        at = float(rng.uniform(0, 60))
        while at < seconds:
            long = float(rng.exponential(20 / (1 + class_id)) + 0.48)
            score = round(float(rng.uniform(0.3, 1)), 4)
            events.append(SoundEvent(label, class_id, round(at, 3), round(min(at + long, seconds), 3), score, score))
            at += long + float(rng.exponential(40 + 30 * class_id)) + 0.5
    return Sounds(0.3, sorted(events, key=lambda event: event.start_s))


def _written(rng: np.random.Generator, seconds: int) -> TextResult:
    spans = []
    for at in sorted(rng.integers(0, seconds, seconds // 9).tolist()):
        end = min(float(seconds), at + float(rng.integers(1, 12)))
        left, top = rng.uniform((0, 0), (WIDTH - 400, HEIGHT - 60)).round(1).tolist()
        text = f"CHANNEL {at % 97} · item {at}"
        spans.append(TextSpan(text, float(at), end, (left, top, left + 380.0, top + 44.0), 0.93, 3))
    return TextResult(spans, seconds, 0, 0)


def _config() -> Config:
    return Config(
        backend={"objects": "runpod", "speech": "runpod"}, fps=1.0, max_workers=5, batch_size=16, max_side=1280,
        jpeg_quality=90, crop=None, yolo_model="yolo11m", yolo_conf=0.15, yolo_iou=0.5, yolo_imgsz=1280, yolo_half=True,
        yolo_max_det=300, yolo_classes=None, whisper_model="large-v3-turbo", language="en", task="transcribe",
        sampling="exact", sounds_model="ast", sounds_threshold=0.3,
    )  # fmt: skip


def _cost(seconds: int) -> Cost:
    stages = {
        name: EndpointCost(
            backend="runpod", remote=True, billed=True, usd_per_s=0.00019, rate_source="price list",
            requests=requests, workers=workers,
            execution_s=work, delay_s=9.0, first_delay_s=6.0, billed_s=work + 9.0 * workers,
            usd=(work + 9.0 * workers) * 0.00019, usd_estimated=work * 0.00025, usd_sequential=work * 0.0003,
        )
        for name, requests, workers, work in (("objects", seconds // 16, 5, seconds / 80), ("speech", 8, 4, 96.0))
    }  # fmt: skip
    return Cost(
        usd=sum(one.usd for one in stages.values()), usd_estimated=sum(one.usd_estimated for one in stages.values()),
        usd_sequential=sum(one.usd_sequential for one in stages.values()), stages=stages,
    )  # fmt: skip


def _timing(seconds: int) -> Timing:
    return Timing(
        wall_s=201.0,
        decode={"pictures": StageTiming(busy_s=188.0, waiting_s=3.0), "sound": StageTiming(busy_s=21.0, waiting_s=8.0)},
        stages={
            "objects": StageTiming(busy_s=96.0, waiting_s=88.0, done=float(seconds), per_s=75.0, queue_mean=0.2),
            "speech": StageTiming(busy_s=58.0, waiting_s=11.0, done=float(seconds), per_s=124.0, queue_mean=1.5),
        },
        overlap=2.1,
        bottleneck="decode",
        advice="decode was 2.0 × slower than the rest: try --sampling keyframes",
    )  # fmt: skip
