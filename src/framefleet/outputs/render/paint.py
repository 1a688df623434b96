"""Drawing on a frame: boxes, their labels, the subtitle and the legend."""

from collections.abc import Mapping

from av.video.frame import VideoFrame

from framefleet.outputs.palette import Rgb
from framefleet.outputs.render.canvas import Canvas
from framefleet.outputs.render.colours import (
    GREY,
    WHITE,
    Yuv,
    from_rgb,
    ink_on,
)
from framefleet.outputs.render.lettering import Patch, legible, patch
from framefleet.outputs.render.overlay import DrawnBox
from framefleet.results.query.cues import COLUMNS, Cue

_LABEL, _SUBTITLE, _STROKE = 1 / 40, 1 / 22, 1 / 240  # of the frame's shorter side
_SMALLEST = 10  # pixels: smaller letters are illegible
_LONGEST = 40  # characters of a label
_LETTER = 0.55  # average width of a character, of its size


class Painter:
    """A painter for upright frames of one size.

    `palette` has every label's colour; `legend` is one line about the boxes, in the upper right corner.
    """

    def __init__(self, width: int, height: int, palette: Mapping[str, Rgb], legend: str | None) -> None:
        self._size = width, height
        shorter = min(width, height)
        self._label = max(_SMALLEST, round(shorter * _LABEL))
        self._subtitle = max(_SMALLEST, round(shorter * _SUBTITLE))
        self._stroke = max(2, 2 * round(shorter * _STROKE / 2))
        self._legend = legend
        self._colours: dict[str, Yuv] = {label: from_rgb(rgb) for label, rgb in palette.items()}

    @property
    def columns(self) -> int:
        """Characters per line of subtitles."""
        return max(8, min(COLUMNS, int(0.9 * self._size[0] / (_LETTER * self._subtitle))))

    def paint(self, frame: VideoFrame, shown: list[DrawnBox], cue: Cue | None) -> None:
        """Draw on `frame`, which is writable and yuv420p."""
        canvas = Canvas(frame, *self._size)
        for thing in shown:
            canvas.outline(thing.box, self._stroke, self._colours[thing.label], dashed=not thing.seen)
        for thing in shown:
            self._name(canvas, thing)
        if self._legend:
            legend = patch(self._legend, max(_SMALLEST, round(self._label * 0.8)), WHITE, GREY)
            _paste_inside(canvas, canvas.width, 0, legend)
        if cue is not None:
            self._say(canvas, cue)

    def _name(self, canvas: Canvas, thing: DrawnBox) -> None:
        """Draw the name above the box, or inside it if there is no room above."""
        plate = self._colours[thing.label]
        made = patch(name_of(thing), self._label, ink_on(plate), plate)
        x, y, _, _ = canvas.snapped(thing.box)
        above = y - made.y.shape[0]
        _paste_inside(canvas, x, above if above >= 0 else y, made)

    def _say(self, canvas: Canvas, cue: Cue) -> None:
        """Draw the lines of the subtitle at the bottom, centred."""
        bottom = canvas.height - max(2, canvas.height // 24)
        for line in reversed(cue.lines):
            text = legible(line)
            if not text:
                continue
            made = patch(text, self._subtitle, WHITE, GREY)
            bottom -= made.y.shape[0]
            _paste_inside(canvas, (canvas.width - made.y.shape[1]) // 2, bottom, made)


def name_of(thing: DrawnBox) -> str:
    """Return a name such as `person #3 0.87`; `#3?` for an uncertain track, `class 15` for a label without glyphs."""
    label = legible(thing.label[:_LONGEST]) or f"class {thing.class_id}"
    track = "" if thing.track is None else f"#{thing.track}{'' if thing.certain else '?'}"
    return " ".join(part for part in (label, track, f"{thing.confidence:.2f}") if part)


def _paste_inside(canvas: Canvas, x: int, y: int, made: Patch) -> None:
    """Paste at x, y, moved into the frame and to even pixels."""
    height, wide = made.y.shape
    x = max(0, min(x, canvas.width - wide))
    y = max(0, min(y, canvas.height - height))
    canvas.paste(x // 2 * 2, y // 2 * 2, made)
