"""The merge of readings, in any order, into the text in the video and its spans. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from framefleet.media.types import PictureTime, Sample
from framefleet.protocol.ocr import (
    OcrFrame,
    OcrReply,
    Point,
    TextLine,
)
from framefleet.schema.document import Crop
from framefleet.schema.text import TextResult
from framefleet.stages.text.spans import PictureLines, spans_of
from framefleet.stages.when import counted_s
from framefleet.timebase import Seconds

_ROUNDING_S = 2e-6  # of the difference between two times in a document


def merge(
    samples: Sequence[Sample],
    answers: Iterable[tuple[Sequence[PictureTime], OcrReply]],
    crop: Crop | None,
    duration_s: Seconds,
    step_s: Seconds,
    sampling: str = "exact",
) -> TextResult:
    """Merge all readings into spans on the video's clock, with boxes moved from the crop's pixels to the source's.

    `step_s` is the longest time from one sample to the next within a part of the video: no frame counts longer.
    `sampling` determines the time of a frame (`counted_s`). Several samples of one keyframe count as one reading.
    """
    answers = list(answers)
    frames, clock = _by_index(answers), _clock(samples, answers, sampling, duration_s, step_s)
    shown: list[PictureLines] = []
    last: tuple[TextLine, ...] = ()  # that were read
    read, unchanged, known = 0, 0, -1
    for place, sample in enumerate(samples):
        frame = frames.get(sample.index)
        if frame is None or (frame.unchanged and known != place - 1):
            continue  # unchanged from an unknown frame: unknown too
        lines = None if frame.unchanged else _moved(frame.lines or [], crop)
        read, unchanged, known = read + (lines is not None), unchanged + (lines is None), place
        last = last if lines is None else lines
        if lines is None and shown and shown[-1].end_s < clock[place][0]:
            lines = last  # the same lines, after a part of the video that was not looked at
        if not shown or shown[-1].start_s != clock[place][0]:
            shown.append(PictureLines(*clock[place], lines))
        elif shown[-1].lines is None:  # the same frame again, this time read
            shown[-1] = PictureLines(*clock[place], lines)
    return TextResult(spans_of(shown), read, unchanged, len(samples) - read - unchanged)


def _clock(
    samples: Sequence[Sample],
    answers: Iterable[tuple[Sequence[PictureTime], OcrReply]],
    sampling: str,
    duration_s: Seconds,
    step_s: Seconds,
) -> list[tuple[Seconds, Seconds, Seconds]]:
    """Return for each sample's frame its time, the next frame's time, and until when it is assumed to be on screen.

    The last is one sample step later at most. A keyframe of unknown time does not affect its neighbours.
    """
    begins = {fact.index: fact.pts_s for facts, _ in answers for fact in facts}
    starts, pts_s = [], 0.0
    for sample in samples:
        pts_s = begins.get(sample.index, pts_s)
        starts.append(counted_s(sample.time_s, pts_s, sampling))
    clock: list[tuple[Seconds, Seconds, Seconds]] = []
    after_s = end_s = max([duration_s, *starts[-1:]])
    for start_s in reversed(starts):
        end_s, after_s = (after_s if after_s > start_s else end_s), start_s
        near = end_s - start_s <= step_s + _ROUNDING_S
        until_s = end_s if near else round(start_s + step_s, 6)
        clock.append((start_s, until_s if sampling == "exact" else end_s, until_s))
    return clock[::-1]


def _by_index(answers: Iterable[tuple[Sequence[PictureTime], OcrReply]]) -> dict[int, OcrFrame]:
    """Return one answer per frame. Of several, one that was read counts, independent of the order of arrival."""
    given: dict[int, list[OcrFrame]] = defaultdict(list)
    for _, reply in answers:
        for frame in reply.frames:
            if frame.lines is not None or frame.unchanged:
                given[frame.index].append(frame)
    return {index: min(frames, key=_rank) for index, frames in given.items()}


def _rank(frame: OcrFrame) -> tuple[bool, bytes]:
    return frame.lines is None, msgspec.json.encode(frame.lines)


def _moved(lines: Sequence[TextLine], crop: Crop | None) -> tuple[TextLine, ...]:
    if crop is None or (crop.x, crop.y) == (0, 0):
        return tuple(lines)
    return tuple(_shifted(line, crop) for line in lines)


def _shifted(line: TextLine, crop: Crop) -> TextLine:
    def moved(x: float, y: float) -> Point:
        return round(x + crop.x, 2), round(y + crop.y, 2)

    x1, y1, x2, y2 = line.box
    quad = tuple(moved(*corner) for corner in line.quad) if line.quad is not None else None
    return msgspec.structs.replace(line, box=(*moved(x1, y1), *moved(x2, y2)), quad=quad)
