"""Detections of things on straight ways."""

from collections.abc import Callable, Iterable
from pathlib import Path

from framefleet.media.types import MediaInfo
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import TracksResult
from framefleet.stages.tracks.result import tracks_of

WIDTH, HEIGHT = 1280, 720
Way = Callable[[float], tuple[float, float]]


def thing(
    x: float, y: float, *, w: float = 60, h: float = 80, confidence: float = 0.8, class_id: int = 0
) -> DetectedObject:
    """A box around a centre."""
    return DetectedObject(class_id, f"kind {class_id}", confidence, (x - w / 2, y - h / 2, x + w / 2, y + h / 2))


def line(x: float, y: float, vx: float, vy: float) -> Way:
    return lambda t: (x + vx * t, y + vy * t)


def picture(index: int, objects: Iterable[DetectedObject] | None, fps: float = 1) -> Detection:
    return Detection(index, index / fps, index / fps, None if objects is None else list(objects))


def film(ways: Iterable[Way], count: int, fps: float = 1) -> list[Detection]:
    """Things in the order of `ways` in every picture."""
    there = list(ways)
    return [picture(k, [thing(*way(k / fps)) for way in there], fps) for k in range(count)]


def tracks(detections: list[Detection]) -> TracksResult:
    return tracks_of(detections, WIDTH, HEIGHT)


def places(result: TracksResult) -> list[list[tuple[int, int]]]:
    """(picture, place in it) of each track's boxes."""
    return [[(box.index, box.object) for box in track.boxes] for track in result.tracks]


def media() -> MediaInfo:
    from fractions import Fraction

    return MediaInfo(
        path=Path("a.mp4"), size_bytes=1, start=Fraction(0), duration_s=10.0, width=WIDTH, height=HEIGHT, rotation=0,
        fps=25.0, codec="h264", frame_count=250, audio=None,
    )  # fmt: skip
