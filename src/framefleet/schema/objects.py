"""The result of the objects stage."""

import msgspec

from framefleet.timebase import Seconds

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in source pixels."""


class DetectedObject(msgspec.Struct, frozen=True, gc=False):
    """A detected object. `box` is x1, y1, x2, y2 in source pixels; `confidence` is 0–1."""

    class_id: int
    label: str
    confidence: float
    box: Box


class Detection(msgspec.Struct, frozen=True, gc=False):
    """The objects in the frame of the `index`-th sample. `objects` is null if it has no answer, [] if there are none.

    `time_s` is the sample's time and `pts_s` the time at which its frame begins, null if no frame was decoded.
    """

    index: int
    time_s: Seconds
    pts_s: Seconds | None
    objects: list[DetectedObject] | None

    @property
    def shown_s(self) -> Seconds:
        """The time at which the sample's frame begins, or the sample's time if that is unknown."""
        return self.time_s if self.pts_s is None else self.pts_s
