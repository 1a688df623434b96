"""The result of the text stage."""

import msgspec

from framefleet.schema.objects import Box
from framefleet.timebase import Seconds

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Top left, top right, bottom right and bottom left of a line in reading direction, in source pixels."""


class TextSpan(msgspec.Struct, frozen=True):
    """A text on screen from `start_s` to `end_s`, with the best of its readings in `readings` frames.

    `box` is x1, y1, x2, y2 in source pixels and `confidence` 0-1, both of the most confident reading of this text.
    `quad` has its corners if it does not fill the box from left to right: top left, top right, bottom right and bottom
    left in reading direction.
    """

    text: str
    start_s: Seconds
    end_s: Seconds
    box: Box
    confidence: float
    readings: int
    quad: Quad | None = None


class TextResult(msgspec.Struct, frozen=True):
    """The text in the video. `spans` are in the order of time, then from top to bottom.

    Of the samples, `read` were read, `unchanged` have the text of the frame before, and `unknown` have no answer or are
    unchanged from one without an answer, so their text is not known.
    """

    spans: list[TextSpan]
    read: int
    unchanged: int
    unknown: int
