"""The pictures that count, each once, and the time for which each of them speaks. Pure."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from framefleet.stages.when import counted_s
from framefleet.timebase import Seconds, Span


class FrameInterval(NamedTuple):
    """A picture and the time from when it counts to when the next one does."""

    span: Span
    picture: Detection


def frame_intervals(document: Document) -> list[FrameInterval]:
    """In the order of time. Of several samples of one keyframe the first that was answered speaks for all."""
    if not document.detections:
        return []
    by_time: dict[Seconds, list[Detection]] = {}
    for detection in document.detections:
        by_time.setdefault(counted(document, detection), []).append(detection)
    starts = sorted(by_time)
    end_s = document.video.duration_s
    if document.config.sampling == "exact":
        end_s = min(end_s, round(starts[-1] + document.config.step_s, 6))
    edges = pairwise([*starts, max(end_s, starts[-1])])
    return [FrameInterval(Span(start_s, until_s), _answered(by_time[start_s])) for start_s, until_s in edges]


def counted(document: Document, detection: Detection) -> Seconds:
    """When the picture counts."""
    return counted_s(detection.time_s, detection.pts_s, document.config.sampling)


def commonest(document: Document) -> list[str]:
    """Every label that was seen, that of the most boxes first; of as many, that which was seen first."""
    counts = Counter(thing.label for _, picture in frame_intervals(document) for thing in picture.objects or ())
    return [label for label, _ in counts.most_common()]


def _answered(same: Sequence[Detection]) -> Detection:
    return next((detection for detection in same if detection.objects is not None), same[0])
