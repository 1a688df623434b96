"""The faces of a video."""

import msgspec

from framefleet.schema.objects import Box
from framefleet.timebase import Seconds


class Face(msgspec.Struct, frozen=True, gc=False):
    """`box` is x1, y1, x2, y2 in source pixels; `confidence` is 0–1."""

    confidence: float
    box: Box


class FacesSeen(msgspec.Struct, frozen=True, gc=False):
    """The faces in the `index`-th sampled frame; null where it could not be decoded.

    `time_s` is when the frame was asked for and `pts_s` when it begins, null where none was decoded.
    """

    index: int
    time_s: Seconds
    pts_s: Seconds | None
    faces: list[Face] | None

    @property
    def shown_s(self) -> Seconds:
        """When the frame that was looked at begins, or else when it was asked for."""
        return self.time_s if self.pts_s is None else self.pts_s
