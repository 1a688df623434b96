"""Finds cuts among keyframes alone, where nothing else is decoded: each is compared with the one before it.

They may be ten seconds apart, so there is no motion from picture to picture that a change could stand out from, as it
does for `SceneWatcher`: the change itself has to tell (`look`). Where the encoder sees cuts, a keyframe that came only
because it was time shows none. A cut is told at the keyframe that shows it: to the frame if the encoder put it there,
else up to one GOP late.

Measured (`benchmarks/scenes_keyframes.py`) on photographs and footage held still or panned at up to 200 pixels a second
of 640, five encoders, keyframes 0.5 to 10 s apart: of 212 steps between keyframes that hold a cut 196 are told, of 213
that hold none 7, all of them pans with fixed GOPs. At the keyframe of x264 the mean error is 0.0 s; with fixed GOPs of
1.9 s it is 0.9 s, of 10 s 4.1 s. A flash that a keyframe falls on is told as a scene unless it is gone in 0.6 s: so
were 2 of 3 by x264 and 1 of 47 by MPEG-4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.install_hints import pip
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import Pixels
from framefleet.stages.scene import Scene, scenes_between
from framefleet.stages.scenes.cuts import in_rhythm
from framefleet.stages.scenes.seen import SeenSpans
from framefleet.stages.scenes.watcher import MIN_SCENE_S
from framefleet.timebase import Seconds

_CELLS = 4  # across and down
_PLACES_CHANGE = 18.0  # of 255; the light of a street, and bottles on a belt, come to 15 from keyframe to keyframe
_LEVELS = 8  # of each of red, green and blue
_COLOURS_CHANGE = 0.3


@dataclass(frozen=True, slots=True)
class Impression:
    """`places`: (4, 4, 3) mean hue, saturation and lightness, OpenCV's. `colours`: the share of each of 512."""

    places: NDArray[np.int16]
    colours: NDArray[np.float64]


def look_at(rgb: NDArray[np.uint8]) -> Impression:
    """Of a picture (height, width, 3)."""
    import cv2

    cells = cv2.resize(rgb, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    red, green, blue = np.moveaxis(rgb // (256 // _LEVELS), 2, 0).astype(np.int64)
    colours = np.bincount(((red * _LEVELS + green) * _LEVELS + blue).ravel(), minlength=_LEVELS**3)
    return Impression(cv2.cvtColor(cells, cv2.COLOR_RGB2HSV).astype(np.int16), colours / colours.sum())


def of_two_scenes(one: Impression, other: Impression) -> bool:
    """Whether so much differs: the mean of hue, saturation and lightness, and the share of pixels of other colours."""
    places = np.abs(one.places - other.places).mean()
    colours = 1 - np.minimum(one.colours, other.colours).sum()
    return bool(places >= _PLACES_CHANGE and colours >= _COLOURS_CHANGE)


class KeyframeWatcher:
    """One video's scenes, of its keyframes. Holds two of them as looks, the cuts, and the times of all."""

    def __init__(self, media: MediaInfo, keyframes_s: Sequence[Seconds]) -> None:
        """`keyframes_s` is looked at once all is seen, for the encoder's rhythm. Raises `SetupError`."""
        try:
            import cv2  # noqa: F401 - what looks at pictures needs it
        except ImportError as error:
            raise SetupError(f"scenes: OpenCV does not load ({error})", hint=pip("opencv-python-headless")) from None
        self._media = media
        self._keyframes_s = keyframes_s
        self._cuts: list[Seconds] = []
        self._seen = SeenSpans()
        self._shown_s: Seconds | None = None
        self._last: Impression | None = None
        self._old: Impression | None = None  # what the last cut ended

    def see(self, piece: Picture | Pixels | Gap) -> None:
        if not isinstance(piece, Pixels) or piece.at.pts_s == self._shown_s:
            return  # nothing to see, or the nearest keyframe to several samples
        self._shown_s, look = piece.at.pts_s, look_at(piece.rgb)
        self._seen.picture(self._shown_s)
        self._seen.gap()
        if self._last is not None:
            self._compare(self._last, look, self._shown_s)
        self._last = look

    def finish(self) -> list[Scene]:
        """Scenes from 0 to the video's end without a gap, each pictured by one of its keyframes."""
        end = self._media.duration_s
        regular = set(in_rhythm(sorted(self._keyframes_s), end))
        cuts = [cut for cut in self._cuts if cut not in regular and cut <= end - MIN_SCENE_S]
        return scenes_between(cuts, end, self._seen.nearest)

    def _compare(self, last: Impression, look: Impression, shown_s: Seconds) -> None:
        """Adds the cut that `look` shows. Takes back the one before if that was but a flash."""
        if self._old is not None and self._cuts and shown_s - self._cuts[-1] < MIN_SCENE_S:
            if not of_two_scenes(self._old, look):
                self._cuts.pop()
        elif of_two_scenes(last, look):
            self._old = last
            self._cuts.append(shown_s)
