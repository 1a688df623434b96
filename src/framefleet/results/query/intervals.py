"""The analysed frames, each once, and the interval that each of them stands for. Pure."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from framefleet.stages.when import counted_s
from framefleet.timebase import Seconds, Span

_ROUNDING_S = 2e-6  # of the difference between two times in a document


class FrameInterval(NamedTuple):
    """A frame and the time from when it counts until the next one does."""

    span: Span
    picture: Detection


def frame_intervals(document: Document) -> list[FrameInterval]:
    """Return the frames ordered by time. Several samples of one keyframe are one, the first that has an answer."""
    if not document.detections:
        return []
    by_time: dict[Seconds, list[Detection]] = {}
    for detection in document.detections:
        by_time.setdefault(counted(document, detection), []).append(detection)
    starts = sorted(by_time)
    edges = pairwise([*starts, max(document.video.duration_s, starts[-1])])
    return [
        FrameInterval(Span(start_s, _until(document, start_s, until_s)), _answered(by_time[start_s]))
        for start_s, until_s in edges
    ]


def _until(document: Document, start_s: Seconds, next_s: Seconds) -> Seconds:
    """Return until when a frame counts: with exact sampling one step at most, as parts may not have been analyzed."""
    step_s = document.config.step_s
    far = document.config.sampling == "exact" and next_s - start_s > step_s + _ROUNDING_S
    return round(start_s + step_s, 6) if far else next_s


def counted(document: Document, detection: Detection) -> Seconds:
    """Return the time at which the frame counts."""
    return counted_s(detection.time_s, detection.pts_s, document.config.sampling)


def commonest(document: Document) -> list[str]:
    """Return every detected label by number of boxes, descending; ties go by first appearance."""
    counts = Counter(thing.label for _, picture in frame_intervals(document) for thing in picture.objects or ())
    return [label for label, _ in counts.most_common()]


def _answered(same: Sequence[Detection]) -> Detection:
    return next((detection for detection in same if detection.objects is not None), same[0])
