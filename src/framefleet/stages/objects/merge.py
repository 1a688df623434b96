"""The merge of replies, in any order, into one entry per sample. Pure."""

from collections.abc import Iterable, Sequence

from framefleet.media.types import PictureTime, Sample
from framefleet.protocol.yolo import YoloObject, YoloReply
from framefleet.schema.document import Crop
from framefleet.schema.objects import Box, DetectedObject, Detection
from framefleet.timebase import Seconds


def merge(
    samples: Sequence[Sample],
    answers: Iterable[tuple[Sequence[PictureTime], YoloReply]],
    crop: Crop | None,
    unanswered: Iterable[PictureTime] = (),
) -> list[Detection]:
    """Return one entry per sample, by index, with boxes moved from the crop's pixels to the source's.

    Of several answers for one frame the first with objects counts.
    """
    times: dict[int, Seconds] = {fact.index: fact.pts_s for fact in unanswered}
    found: dict[int, list[YoloObject]] = {}
    for facts, reply in answers:
        times.update({fact.index: fact.pts_s for fact in facts})
        for frame in reply.frames:
            if frame.objects is not None:
                found.setdefault(frame.index, frame.objects)
    return [
        Detection(
            sample.index, sample.time_s, times.get(sample.index), _placed(found.get(sample.index), crop)
        )
        for sample in samples
    ]  # fmt: skip


def _placed(objects: list[YoloObject] | None, crop: Crop | None) -> list[DetectedObject] | None:
    """Return a worker's objects in the document's form."""
    if objects is None:
        return None
    at = (0, 0) if crop is None else (crop.x, crop.y)
    return [DetectedObject(thing.class_id, thing.label, thing.confidence, _shift(thing.box, *at)) for thing in objects]


def _shift(box: Box, x: int, y: int) -> Box:
    if (x, y) == (0, 0):
        return box
    x1, y1, x2, y2 = box
    return round(x1 + x, 2), round(y1 + y, 2), round(x2 + x, 2), round(y2 + y, 2)
