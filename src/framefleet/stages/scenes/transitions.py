"""Detection of transitions that no two consecutive frames show: fades, dissolves and changes of slides. Pure.

Neighbouring frames of a slow transition differ no more than those of a pan do, and white pages with other words differ
less than frames with a moving person. So each kind is detected by what is particular to it:

- a *fade* passes through frames of one colour, next to dimmed copies of its neighbours, and ends in another scene. A
  flash, a strobe or a blink ends in the scene in which it began;
- each frame of a *dissolve* is a mixture of its first and last frame, in a growing proportion. That of a pan is not;
- a *slide* is a page that stands still, as the one before did, with most of its content changed.

What looks like a hard cut, but only changes the light (a lamp, an exposure that adapts), is none.

Measured on a synthetic series, 25 fps footage from photographs held still or panned, 0.5 to 2 s per transition
(`benchmarks/scene_transitions.py`): all fades are found whatever moves, dissolves as long as the motion is slow, and
nothing is found in films of hard cuts.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean as mean

import cv2
import numpy as np
from numpy.typing import NDArray

from framefleet.schema.scenes import Transition
from framefleet.timebase import Seconds

_SIZE = 24, 14  # pixels, width and height: at that size motion changes little, another scene everything
_SIDE_BY_SIDE = 3  # frames before and after, which show how fast things move anyway

_DIM = 0.3  # of the contrast before: a frame below that is on the way to one colour, or back
_BLANK = 5.0  # of 255: the spread of a frame of one colour, including noise and a logo in a corner
_COPY = 0.45  # similarity of a dimmed frame to its neighbour, despite motion
_SAME_SCENE = 0.7  # similarity of frames of one scene two seconds apart; for two scenes it is up to 0.6
_SAME_LIT = 0.87  # of neighbouring frames that differ in their light alone; two scenes stay below `_OTHER_SCENE`
_PEAK = 10  # frames that are searched for the brightest before and after a fade: 2 s

_SHORTEST, _LONGEST = 3, 12  # samples of a dissolve: 0.6 to 2.4 s
_MIXTURE = 0.35  # the largest residual of a mixture, relative to the difference of its ends; a pan leaves 0.5 and more
_OTHER_SCENE = 0.6  # the largest similarity of a dissolve's ends: under changing light it stays at 0.8 and more
_LEAST_CHANGE = 12.0  # of 255, between a dissolve's ends
_FRAMES = 0.75  # of its samples must be distinct frames: a few frames a second show no dissolve
_STRIDE = 0.6  # the most that the proportion may grow from one frame to the next: more is a cut
_FASTER = 1.2  # times as fast as things move before and after

_STILL = 4  # consecutive frames that do not change: 0.8 s
_MOVED = 8  # of 255: coding changes the pixels of a still by less
_STILL_SHARE = 0.003  # of all pixels: a pointer moves, or a clock advances
_OTHER_PAGE = 0.6  # of the content of either slide: another line in a list of three changes less
_ON_IT = 0.004  # minimum share of pixels that differ from the page around them: an empty page is not a slide
_TILES = 3, 4  # rows and columns: in each the page has one colour, or part of a gradient
_PLAIN = 4.0  # of 255, from a tile's median
_PLAIN_SHARE = 0.65  # slides have 0.9, photographs half

Pixels = NDArray[np.uint8]
"""(height, width, 3), RGB."""

Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Passage:
    """A transition from one scene to another, between these times; the new scene begins at `at_s`.

    `kind` is None if what looks like a transition returns to the same scene, so that there is no cut.
    """

    kind: Transition | None
    since_s: Seconds
    at_s: Seconds
    until_s: Seconds


class _Look:
    """The features of a sample at `time_s` whose frame is on screen since `shown_s`."""

    __slots__ = ("colours", "luma", "moved", "norm", "shown_s", "spread", "structure", "time_s")

    def __init__(self, time_s: Seconds, shown_s: Seconds, rgb: Pixels, before: "_Look | None") -> None:
        small = cv2.resize(rgb, _SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
        apart = small - small.mean(axis=(0, 1))
        self.time_s, self.shown_s = time_s, shown_s
        self.colours, self.structure = small.ravel(), apart.ravel()
        self.norm = float(np.linalg.norm(self.structure))
        self.spread = float(np.sqrt((apart * apart).mean(axis=(0, 1)).max()))
        self.luma: Luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        self.moved = _changed(before, self) if before is not None else 1.0


class Passages:
    """The detector for one stretch of samples, a fifth of a second apart without a gap. Holds about four seconds."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque(maxlen=_LONGEST + 2 * _SIDE_BY_SIDE)
        self._fade = _Fade()
        self._dissolve: tuple[float, Passage] | None = None  # the likeliest of overlapping ones, with its likelihood

    def see(self, time_s: Seconds, shown_s: Seconds, rgb: Pixels) -> Iterator[Passage]:
        """Yield the transitions that are certain after this sample at `time_s` of the frame that began at `shown_s`.

        They come in no particular order.
        """
        look = _Look(time_s, shown_s, rgb, self._looks[-1] if self._looks else None)
        self._looks.append(look)
        yield from self._fade.see(look)
        yield from self._dissolved()
        yield from self._slide()

    def is_relit(self, shown_s: Seconds) -> bool:
        """Return whether the frame that began then shows the scene of the frame before it, in other light."""
        looks = list(self._looks)
        for before, here in pairwise(looks):
            if before.shown_s < shown_s <= here.shown_s:
                return _like(before, here) >= _SAME_LIT
        return False

    def finish(self) -> Iterator[Passage]:
        """Yield the last transitions, which no further frame can confirm or refute."""
        yield from self._fade.finish()
        if self._dissolve is not None:
            yield self._dissolve[1]

    def _dissolved(self) -> Iterator[Passage]:
        looks, last = list(self._looks), len(self._looks) - 1 - _SIDE_BY_SIDE
        for length in range(_SHORTEST, min(_LONGEST, last - 1) + 1):
            likely, begin = _mixed(looks, last - length, last), looks[last - length].time_s
            if not likely:
                continue
            found = Passage("dissolve", begin, looks[last - length // 2].time_s, looks[last].time_s)
            if self._dissolve is not None and begin >= self._dissolve[1].until_s:
                yield self._dissolve[1]
                self._dissolve = None
            if self._dissolve is None or likely > self._dissolve[0]:
                self._dissolve = likely, found

    def _slide(self) -> Iterator[Passage]:
        """Yield a change of slides between two still stretches, the second of which ends at the last frame."""
        looks = list(self._looks)
        after = len(looks) - _STILL  # the first frame of the new slide
        if after <= _STILL or looks[after].moved <= _STILL_SHARE or not _still(looks[after:]):
            return
        before = after - 1
        while before > after - 1 - _SHORTEST and looks[before].moved > _STILL_SHARE:
            before -= 1  # a slide may change in several steps
        old, new = looks[before], looks[after]
        if before < _STILL - 1 or not _still(looks[before - _STILL + 1 : before + 1]):
            return
        before_it, on_it = _ink(old.luma), _ink(new.luma)
        if before_it is None or on_it is None:
            return
        on_them = float((before_it | on_it).mean())
        if on_them >= _ON_IT and _changed(old, new) >= _OTHER_PAGE * on_them:
            yield Passage("slide", old.time_s, looks[before + 1].shown_s, new.time_s)


class _Fade:
    """A detector of fades: it follows frames into one colour and out again."""

    def __init__(self) -> None:
        self._recent: deque[_Look] = deque(maxlen=_PEAK)  # since the last fade
        self._before: _Look | None = None  # the frame with the most contrast before the current fade
        self._dark: list[_Look] = []  # the first and last dark frame of the fade so far
        self._emptiest = 0.0
        self._after: list[_Look] = []  # the frames after the dark ones

    def see(self, look: _Look) -> Iterator[Passage]:
        if self._before is None:
            self._go_in(look)
        elif not self._after and look.spread < max(_DIM * self._before.spread, 3 * self._emptiest, 2 * _BLANK):
            self._dark = [self._dark[0], look]
            self._emptiest = min(self._emptiest, look.spread)
        else:
            self._after.append(look)
            if len(self._after) == _PEAK or (len(self._after) > 1 and look.spread <= self._after[-2].spread):
                yield from self._come_out()

    def finish(self) -> Iterator[Passage]:
        if self._before is not None and self._after:
            yield from self._come_out()

    def _go_in(self, look: _Look) -> None:
        before = max(self._recent, key=lambda each: each.spread, default=None)
        if before is not None and look.spread < _DIM * before.spread and _goes_over(self._recent[-1], look):
            self._before, self._dark, self._emptiest, self._after = before, [look], look.spread, []
        self._recent.append(look)

    def _come_out(self) -> Iterator[Passage]:
        before, after = self._before, max(self._after, key=lambda each: each.spread)
        first, last = self._dark[0], self._dark[-1]
        assert before is not None
        if _goes_over(self._after[0], last):
            same = _like(before, after) > _SAME_SCENE
            middle_s = round((first.time_s + last.time_s) / 2, 6)
            kind: Transition | None = None if same else "fade"
            yield Passage(kind, before.time_s, middle_s, after.time_s)
        self._recent = deque(self._after, maxlen=_PEAK)
        self._before = None


def _goes_over(bright: _Look, dark: _Look) -> bool:
    """Return whether a dark frame has one colour or is a dimmed copy of its neighbour; else it is another scene."""
    return dark.spread < _BLANK or _like(bright, dark) > _COPY


def _mixed(looks: list[_Look], first: int, last: int) -> float:
    """Return how likely the frames from `first` to `last` are a dissolve; 0 if they are none."""
    start, end = looks[first], looks[last]
    if _like(start, end) > _OTHER_SCENE:
        return 0.0
    if len({look.shown_s for look in looks[first : last + 1]}) < _FRAMES * (last - first + 1):
        return 0.0
    way = end.colours - start.colours
    if np.abs(way).mean() < _LEAST_CHANGE:
        return 0.0
    length = float(way @ way)
    shares = [0.0]
    for look in looks[first + 1 : last]:
        step = look.colours - start.colours
        share = float(step @ way) / length
        # the residual of the step after its projection on the way, by Pythagoras
        left = (max(float(step @ step) - share * share * length, 0.0) / length) ** 0.5
        if left > _MIXTURE or not shares[-1] - 0.02 <= share <= shares[-1] + _STRIDE:
            return 0.0
        shares.append(share)
    if 1 - shares[-1] > _STRIDE:
        return 0.0
    steps = [float(np.abs(b.colours - a.colours).mean()) for a, b in pairwise(looks)]
    before, within, after = steps[max(0, first - _SIDE_BY_SIDE) : first], steps[first:last], steps[last:]
    around = max(mean(before), mean(after))
    if mean(within) < _FASTER * around + 1:
        return 0.0
    return float(mean(within) / (around + 1) * (last - first) ** 0.5)


def _like(one: _Look, other: _Look) -> float:
    """Return the similarity of two frames' structure, independent of brightness and contrast: −1 to 1."""
    both = one.norm * other.norm
    return float(one.structure @ other.structure) / both if both > 1e-6 else 0.0


def _still(looks: list[_Look]) -> bool:
    """Return whether nothing moves, not even slowly."""
    return _changed(looks[0], looks[-1]) <= _STILL_SHARE and all(look.moved <= _STILL_SHARE for look in looks[1:])


def _changed(one: _Look, other: _Look) -> float:
    """Return the share of pixels that differ by more than coding noise."""
    if one.luma.shape != other.luma.shape:
        return 1.0
    return float((cv2.absdiff(one.luma, other.luma) > _MOVED).mean())


def _ink(luma: Luma) -> NDArray[np.bool_] | None:
    """Return which pixels of a page differ from the background around them; None if the frame is not a page.

    Most of a page is plain, unlike a photograph. Without this check, frames that last a second each would be slides.
    """
    rows, columns = (side // tiles for side, tiles in zip(luma.shape, _TILES, strict=True))
    if not rows or not columns:
        return None
    tiled = luma[: rows * _TILES[0], : columns * _TILES[1]].reshape(_TILES[0], rows, _TILES[1], columns)
    apart = np.abs(tiled - np.median(tiled, axis=(1, 3), keepdims=True))
    ink: NDArray[np.bool_] = apart > _MOVED
    return ink if (apart <= _PLAIN).mean() >= _PLAIN_SHARE else None
