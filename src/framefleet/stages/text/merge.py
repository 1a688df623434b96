"""From the readings, in whatever order they came, to what is written in the video and from when to when. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from framefleet.config import Crop
from framefleet.media.info import PictureTime, Sample
from framefleet.stages.text.spans import Shown, TextSpan, spans_of
from framefleet.units import Seconds
from framefleet.wire.ocr import OcrFrame, OcrReply, TextLine


class TextResult(msgspec.Struct, frozen=True):
    """What is written. `spans` are in the order of time, then from top to bottom.

    Of the pictures sampled, `read` were read, `unchanged` have the text of the one before, and `unknown` were not
    answered, or follow such a one: what is written in them is not known.
    """

    spans: list[TextSpan]
    read: int
    unchanged: int
    unknown: int


def merge(
    samples: Sequence[Sample],
    answers: Iterable[tuple[Sequence[PictureTime], OcrReply]],
    crop: Crop | None,
    duration_s: Seconds,
) -> TextResult:
    """All readings as spans on the video's clock, boxes moved from the crop's pixels to the source's."""
    frames = _by_index(answers)
    shown, unchanged = [], 0
    for place, sample in enumerate(samples):
        frame = frames.get(sample.index)
        if frame is None:
            continue
        end_s = samples[place + 1].time_s if place + 1 < len(samples) else max(duration_s, sample.time_s)
        if not frame.unchanged:
            shown.append(Shown(sample.time_s, end_s, _moved(frame.lines or [], crop)))
        elif shown and shown[-1].end_s == sample.time_s:  # else what it is like is not known, so neither is it
            unchanged += 1
            shown.append(Shown(sample.time_s, end_s, None))
    read = len(shown) - unchanged
    return TextResult(spans_of(shown), read, unchanged, len(samples) - len(shown))


def _by_index(answers: Iterable[tuple[Sequence[PictureTime], OcrReply]]) -> dict[int, OcrFrame]:
    """One answer a picture. Of several, one that was read counts, and always the same one, whichever came first."""
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
    return tuple(msgspec.structs.replace(line, box=_shift(line.box, crop)) for line in lines)


def _shift(box: tuple[float, float, float, float], crop: Crop) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    return round(x1 + crop.x, 2), round(y1 + crop.y, 2), round(x2 + crop.x, 2), round(y2 + crop.y, 2)
