"""Scene detection on a stream of frames, in constant memory: hard cuts with PySceneDetect's adaptive detector, and
gradual transitions with `transitions`."""

from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from framefleet.errors import SetupError
from framefleet.install_hints import pip
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import Pixels
from framefleet.schema.scenes import Transition
from framefleet.stages.scene import Scene, end_after, scenes_between
from framefleet.stages.scenes.cuts import Cut, out_of_rhythm, place
from framefleet.stages.scenes.seen import SeenSpans
from framefleet.stages.scenes.spec import RATE
from framefleet.stages.scenes.transitions import Passage, Passages
from framefleet.timebase import Seconds

if TYPE_CHECKING:
    from scenedetect.common import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector

MIN_SCENE_S = 0.6
"""The minimum length of a scene, up to the uncertainty of a cut's time (the default of PySceneDetect's command)."""

_WINDOW = 1  # frames on either side that a change is compared with: 0.2 s
_RATIO = 2.2  # times their mean. A flash causes two equal changes, so it never exceeds 2 × _WINDOW
_LEAST_CHANGE = 15.0  # mean of hue, saturation and lightness, of 255; PySceneDetect's default
_MAX_STEP_S = 2.5 / float(RATE)  # one frame lost: twice the motion stays below _RATIO, more would look like a cut
_TICK = Fraction(1, 1_000_000)


class SceneWatcher:
    """A watcher that finds one video's scenes in `RATE` samples per second. Holds one frame, the cuts, and the gaps."""

    def __init__(self, media: MediaInfo, keyframes_s: Sequence[Seconds]) -> None:
        """Load the detector. `finish` reads `keyframes_s` to place cuts at first frames. Raises `SetupError`."""
        self._media = media
        self._keyframes_s = keyframes_s
        self._cuts: list[Cut] = []
        self._passages: list[Passage] = []
        self._seen = SeenSpans()
        self._until_s: Seconds = 0.0
        self._new_detector = _load()
        self._stretch: _Stretch | None = None

    def see(self, piece: Picture | Pixels | Gap) -> None:
        if not isinstance(piece, Pixels):
            self._seen.gap()  # the next frame's time shows how long it is
            return
        self._seen.picture(piece.at.time_s)
        self._until_s = piece.at.time_s
        stretch = self._stretch
        if stretch is None or piece.at.time_s - stretch.until_s > _MAX_STEP_S:
            self._close()
            stretch = self._stretch = _Stretch(self._new_detector())
        cuts = stretch.see(piece)
        self._passages += stretch.passages.see(piece.at.time_s, piece.at.pts_s, piece.rgb)
        self._cuts += [cut for cut in cuts if not stretch.passages.is_relit(cut.by_s)]

    def finish(self) -> list[Scene]:
        """Return scenes that cover what is analyzed without a gap, each with a thumbnail at a time with a frame."""
        self._close()
        parts = self._media.analyzed
        marks = out_of_rhythm(sorted(self._keyframes_s), self._until_s) if self._cuts or self._passages else []
        begins = {
            place(cut, self._media.fps, marks): kind
            for cut, kind in together(self._cuts, self._passages)
            if cut.by_s <= end_after(parts, cut.by_s) - MIN_SCENE_S
        }
        return scenes_between(begins, parts, self._seen.nearest, begins.get)

    def _close(self) -> None:
        if self._stretch is not None:
            passages = self._stretch.passages
            self._cuts += [cut for cut in self._stretch.finish() if not passages.is_relit(cut.by_s)]
            self._passages += self._stretch.passages.finish()
        self._stretch = None


def together(cuts: Sequence[Cut], passages: Sequence[Passage]) -> list[tuple[Cut, Transition]]:
    """Return where and how scenes begin, in the order of time, at least `MIN_SCENE_S` apart. Pure.

    There is no cut within a fade, and none at all if the same scene returns. A change of slides is a cut between still
    frames: if the detector found it too, the detector's bounds are used, which are closer.
    """
    fades = [passage for passage in passages if passage.kind in {"fade", None}]
    found: list[tuple[Cut, Transition]] = [(_instant(fade), "fade") for fade in fades if fade.kind]
    dissolves = [p for p in passages if p.kind == "dissolve" and not any(_overlap(p, fade) for fade in fades)]
    found += [(_instant(dissolve), "dissolve") for dissolve in dissolves]
    slides = [passage for passage in passages if passage.kind == "slide"]
    gradual = [*fades, *dissolves]
    sharp: list[tuple[Cut, Transition]] = [
        (cut, "slide" if any(slide.since_s <= cut.by_s <= slide.until_s for slide in slides) else "cut")
        for cut in cuts
        if not any(p.since_s < cut.by_s <= p.until_s for p in gradual)
    ]
    sharp += [(Cut(slide.since_s, slide.at_s), "slide") for slide in slides]
    for cut, kind in sharp:
        if all(abs(cut.by_s - other.by_s) >= MIN_SCENE_S - 1e-6 for other, _ in found):
            found.append((cut, kind))
    return sorted(found, key=lambda each: each[0].by_s)


def _instant(passage: Passage) -> Cut:
    """Return the middle of a transition as a cut, which need not be at a frame."""
    return Cut(passage.at_s, passage.at_s)


def _overlap(one: Passage, other: Passage) -> bool:
    return one.since_s < other.until_s and other.since_s < one.until_s


class _Stretch:
    """A stretch of frames without a long gap, with its own detector. A still is added at both ends for its window."""

    def __init__(self, detector: "AdaptiveDetector") -> None:
        self._detector = detector
        self._recent: deque[Cut] = deque(maxlen=2 * _WINDOW + 1)  # the bounds of a cut at one of the last frames
        self._last: tuple[FrameTimecode, np.ndarray] | None = None
        self.passages = Passages()
        self.until_s = 0.0  # until when the last frame is known to be on screen

    def see(self, piece: Pixels) -> list[Cut]:
        shown_s = piece.at.pts_s
        new = self._last is None or shown_s != self._recent[-1].by_s
        found = []
        if new:  # a frame that is shown for several samples does not mean that the scene has no motion
            self._recent.append(Cut(self.until_s, shown_s))
            first = self._last is None
            self._last = _timecode(shown_s), np.ascontiguousarray(piece.rgb[:, :, ::-1])
            found = self._feed(1 + _WINDOW * first)
        self.until_s = piece.at.time_s
        return found

    def finish(self) -> list[Cut]:
        return self._feed(_WINDOW)

    def _feed(self, times: int) -> list[Cut]:
        assert self._last is not None
        found = [time.pts for _ in range(times) for time in self._detector.process_frame(*self._last)]
        return [cut for cut in self._recent if _ticks(cut.by_s) in found]


def _load() -> "Callable[[], AdaptiveDetector]":
    try:
        from scenedetect.detectors import AdaptiveDetector
    except ImportError as error:
        raise SetupError(f"scenes: cannot load PySceneDetect ({error})", hint=pip("scenedetect-headless")) from None
    return lambda: AdaptiveDetector(
        _RATIO, min_scene_len=MIN_SCENE_S, window_width=_WINDOW, min_content_val=_LEAST_CHANGE
    )


def _timecode(time_s: Seconds) -> "FrameTimecode":
    from scenedetect.common import FrameTimecode, Timecode

    return FrameTimecode(Timecode(_ticks(time_s), _TICK), RATE)


def _ticks(time_s: Seconds) -> int:
    return round(time_s / _TICK)
