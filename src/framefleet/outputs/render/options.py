"""Options of an annotated video."""

from fractions import Fraction
from typing import Literal

import msgspec

from framefleet.timebase import Seconds

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"]


class RenderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Options for drawing, encoding and cutting. The default `crf` is hardly distinguishable from the source.

    `boxes` `move` along tracks between samples, or `hold` until the next one. `subtitles` are drawn into the frames or
    written as a track that players show. `legend` explains dashed boxes in a line on the frame. `start` and `end` are
    on the document's clock; `end` None is that of the video.
    """

    boxes: Literal["move", "hold"] = "move"
    subtitles: Literal["draw", "track", "none"] = "draw"
    legend: bool = True
    crf: float = 20.0
    preset: Preset = "veryfast"
    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def length_s(self, duration_s: Seconds) -> Seconds:
        """Return the duration of the new video for a source of `duration_s`."""
        end = Fraction(duration_s) if self.end is None else min(self.end, Fraction(duration_s))
        return float(max(end - self.start, Fraction(0)))
