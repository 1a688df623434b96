"""What is seen."""

import msgspec

from framefleet.timebase import Seconds

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in source pixels."""


class DetectedObject(msgspec.Struct, frozen=True, gc=False):
    """`box` is x1, y1, x2, y2 in source pixels; `confidence` is 0–1."""

    class_id: int
    label: str
    confidence: float
    box: Box


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
