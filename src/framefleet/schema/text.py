"""What is written in the picture."""

import msgspec

from framefleet.schema.objects import Box
from framefleet.timebase import Seconds

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Top left, top right, bottom right and bottom left of a line as it is read, in source pixels."""


class TextSpan(msgspec.Struct, frozen=True):
    """A text on screen from `start_s` to `end_s`, as read best in `readings` pictures of this stretch.

    `box` is x1, y1, x2, y2 in source pixels and `confidence` 0-1, both of the surest reading of this text. `quad` says
    how the text lies where it does not fill the box from left to right: top left, top right, bottom right and bottom
    left of it as it is read.
    """

    text: str
    start_s: Seconds
    end_s: Seconds
    box: Box
    confidence: float
    readings: int
    quad: Quad | None = None


class TextResult(msgspec.Struct, frozen=True):
    """What is written. `spans` are in the order of time, then from top to bottom.

    Of the pictures sampled, `read` were read, `unchanged` have the text of the one before, and `unknown` were not
    answered, or follow such a one: what is written in them is not known.
    """

    spans: list[TextSpan]
    read: int
    unchanged: int
    unknown: int
