"""The looks stage: measures the small frames that scenes are found in, on the same decode and conversion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.config.options import Options
from framefleet.media.sampling import plan_samples
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels, PixelView
from framefleet.schema.looks import Look, Looks
from framefleet.stages.client import Watcher
from framefleet.stages.looks.measures import MeasuredFrame, measure
from framefleet.stages.scenes.spec import MAX_SIDE, RATE
from framefleet.timebase import Seconds

_STEP_S: Seconds = 1 / float(RATE)
_MAX_STEP_S: Seconds = 2.5 * _STEP_S  # as for cuts: with one frame lost, motion can still be measured


@dataclass(frozen=True, slots=True)
class LooksStage:
    """A `WatchingStage` whose result are the `Looks` of each sample, which the document has by second and scene."""

    name: str = "looks"
    version: int = 1
    kept_as: Any = Looks

    def looks(self, options: Options) -> bool:
        return True

    def note(self, options: Options) -> str | None:
        return None if options.decoding == "exact" else "from keyframes only, so motion is not measured"

    def order(self, media: MediaInfo, options: Options) -> FrameRequest:
        """Return the order of the scenes stage, so that each frame is converted once for both."""
        return FrameRequest(
            plan_samples(media.duration_s, RATE, parts=media.parts) if media.has_video else [], PixelView(MAX_SIDE)
        )

    def watch(self, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds]) -> Watcher[Looks]:
        return LooksWatcher(media.duration_s)


class LooksWatcher:
    """See `Watcher`. Holds one frame, and the looks so far."""

    def __init__(self, duration_s: Seconds) -> None:
        self._duration_s = duration_s
        self._before: MeasuredFrame | None = None
        self._looks: list[Look] = []

    def see(self, piece: Picture | Pixels | Gap) -> None:
        if not isinstance(piece, Pixels):
            return
        at, before = piece.at, self._before
        if before is not None and at.time_s - before.time_s > _MAX_STEP_S:
            before = None
        until_s = round(min(at.time_s + _STEP_S, self._duration_s), 6)
        self._before = measure(at.time_s, until_s, at.pts_s, piece.rgb, before)
        self._looks.append(self._before.look)

    def finish(self) -> Looks:
        return Looks(self._looks)
