"""Cut detection among keyframes alone, if nothing else is decoded: each is compared with the one before it.

They may be ten seconds apart, so there is no motion from frame to frame that a change could be compared with, as
`SceneWatcher` does: the change itself has to be large enough (`of_two_scenes`). If the encoder detects cuts, there is
none at a keyframe that merely ends a full GOP. A cut is reported at the keyframe that shows it: exact to the frame if
the encoder put the keyframe on the cut, else up to one GOP late.

Measured (`benchmarks/scenes_keyframes.py`) on photographs and footage held still or panned at up to 200 pixels a second
of 640, five encoders, keyframes 0.5 to 10 s apart: of 212 steps between keyframes with a cut 196 are found, and of 213
without one 7 are reported, all of them pans with fixed GOPs. At the keyframe of x264 the mean error is 0.0 s; with
fixed GOPs of 1.9 s it is 0.9 s, of 10 s 4.1 s. A flash with a keyframe on it is reported as a scene unless it ends
within 0.6 s: 2 of 3 by x264 and 1 of 47 by MPEG-4 were.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.install_hints import pip
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import Pixels
from framefleet.stages.scene import Scene, end_after, scenes_between
from framefleet.stages.scenes.cuts import in_rhythm
from framefleet.stages.scenes.seen import SeenSpans
from framefleet.stages.scenes.watcher import MIN_SCENE_S
from framefleet.timebase import Seconds

_CELLS = 4  # across and down
_PLACES_CHANGE = 18.0  # of 255; light in a street, and bottles on a belt, change by 15 from keyframe to keyframe
_LEVELS = 8  # of each of red, green and blue
_COLOURS_CHANGE = 0.3


@dataclass(frozen=True, slots=True)
class Impression:
    """The features of a keyframe. `places`: (4, 4, 3), OpenCV's mean hue, saturation and lightness per cell. `colours`:
    the share of each of 512 colours."""

    places: NDArray[np.int16]
    colours: NDArray[np.float64]


def look_at(rgb: NDArray[np.uint8]) -> Impression:
    """Return the features of a frame (height, width, 3)."""
    import cv2

    cells = cv2.resize(rgb, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
    red, green, blue = np.moveaxis(rgb // (256 // _LEVELS), 2, 0).astype(np.int64)
    colours = np.bincount(((red * _LEVELS + green) * _LEVELS + blue).ravel(), minlength=_LEVELS**3)
    return Impression(cv2.cvtColor(cells, cv2.COLOR_RGB2HSV).astype(np.int16), colours / colours.sum())


def of_two_scenes(one: Impression, other: Impression) -> bool:
    """Return whether two keyframes differ enough: in mean hue, saturation and lightness, and in their colours."""
    places = np.abs(one.places - other.places).mean()
    colours = 1 - np.minimum(one.colours, other.colours).sum()
    return bool(places >= _PLACES_CHANGE and colours >= _COLOURS_CHANGE)


class KeyframeWatcher:
    """A watcher that finds one video's scenes in its keyframes.

    It holds the features of two keyframes, the cuts, and the times of all keyframes.
    """

    def __init__(self, media: MediaInfo, keyframes_s: Sequence[Seconds]) -> None:
        """Load OpenCV. `finish` reads `keyframes_s` for the encoder's GOPs. Raises `SetupError`."""
        try:
            import cv2  # noqa: F401 - `look_at` needs it
        except ImportError as error:
            raise SetupError(f"scenes: cannot load OpenCV ({error})", hint=pip("opencv-python-headless")) from None
        self._media = media
        self._keyframes_s = keyframes_s
        self._cuts: list[Seconds] = []
        self._seen = SeenSpans()
        self._shown_s: Seconds | None = None
        self._last: Impression | None = None
        self._old: Impression | None = None  # of the scene that the last cut ended

    def see(self, piece: Picture | Pixels | Gap) -> None:
        if not isinstance(piece, Pixels) or piece.at.pts_s == self._shown_s:
            return  # no frame, or one keyframe for several samples
        self._shown_s, look = piece.at.pts_s, look_at(piece.rgb)
        self._seen.picture(self._shown_s)
        self._seen.gap()
        if self._last is not None:
            self._compare(self._last, look, self._shown_s)
        self._last = look

    def finish(self) -> list[Scene]:
        """Return scenes that cover what is analyzed without a gap, each with one of its keyframes as thumbnail."""
        parts = self._media.analyzed
        regular = set(in_rhythm(sorted(self._keyframes_s), self._media.duration_s))
        cuts = [cut for cut in self._cuts if cut not in regular and cut <= end_after(parts, cut) - MIN_SCENE_S]
        return scenes_between(cuts, parts, self._seen.nearest)

    def _compare(self, last: Impression, look: Impression, shown_s: Seconds) -> None:
        """Add the cut that `look` shows, or remove the cut before if that was only a flash."""
        if self._old is not None and self._cuts and shown_s - self._cuts[-1] < MIN_SCENE_S:
            if not of_two_scenes(self._old, look):
                self._cuts.pop()
        elif of_two_scenes(last, look):
            self._old = last
            self._cuts.append(shown_s)
