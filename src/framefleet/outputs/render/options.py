"""What is asked of an annotated video."""

from fractions import Fraction
from typing import Literal

import msgspec

from framefleet.timebase import Seconds

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]


class RenderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How it is drawn, encoded and cut. Defaults: x264's `veryfast`, and a `crf` that is hardly told from the source.

    `boxes`: where tracks exist they `move` between samples, or they `hold` until the next one. `subtitles` are drawn,
    or a track that players show. `legend`: a line in the picture says what dashed boxes are. `start` and `end` are on
    the document's clock; `end` None is that of the video.
    """

    boxes: Literal["move", "hold"] = "move"
    subtitles: Literal["draw", "track", "none"] = "draw"
    legend: bool = True
    crf: float = 20.0
    preset: Preset = "veryfast"
    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def length_s(self, duration_s: Seconds) -> Seconds:
        """How long the new video will be, made of one of that duration."""
        end = Fraction(duration_s) if self.end is None else min(self.end, Fraction(duration_s))
        return float(max(end - self.start, Fraction(0)))
