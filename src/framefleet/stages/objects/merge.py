"""From the replies, in whatever order they came, to one entry for every sample. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from framefleet.config import Crop
from framefleet.media.info import PictureTime, Sample
from framefleet.units import Seconds
from framefleet.wire.yolo import DetectedObject, YoloReply


class Detection(msgspec.Struct, frozen=True, gc=False):
    """What is in the `index`-th sampled picture. `objects` is null where it was not answered, [] where it is empty.

    `time_s` is when the picture was asked for and `pts_s` when its frame begins, null where no frame was decoded.
    """

    index: int
    time_s: Seconds
    pts_s: Seconds | None
    objects: list[DetectedObject] | None

    @property
    def shown_s(self) -> Seconds:
        """When the frame that was looked at begins, or else when it was asked for."""
        return self.time_s if self.pts_s is None else self.pts_s


def merge(
    samples: Sequence[Sample],
    answers: Iterable[tuple[Sequence[PictureTime], YoloReply]],
    crop: Crop | None,
    unanswered: Iterable[PictureTime] = (),
) -> list[Detection]:
    """One entry a sample, by index. Boxes move from the crop's pixels to the source's.

    Of several answers for one picture the first with objects counts.
    """
    times: dict[int, Seconds] = {fact.index: fact.pts_s for fact in unanswered}
    found: dict[int, list[DetectedObject]] = {}
    for facts, reply in answers:
        times.update({fact.index: fact.pts_s for fact in facts})
        for frame in reply.frames:
            if frame.objects is not None:
                found.setdefault(frame.index, frame.objects)
    return [
        Detection(
            sample.index, sample.time_s, times.get(sample.index), _moved(found.get(sample.index), crop)
        )
        for sample in samples
    ]  # fmt: skip


def _moved(objects: list[DetectedObject] | None, crop: Crop | None) -> list[DetectedObject] | None:
    if objects is None or crop is None or (crop.x, crop.y) == (0, 0):
        return objects
    return [msgspec.structs.replace(thing, box=_shift(thing.box, crop)) for thing in objects]


def _shift(box: tuple[float, float, float, float], crop: Crop) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box
    return round(x1 + crop.x, 2), round(y1 + crop.y, 2), round(x2 + crop.x, 2), round(y2 + crop.y, 2)
