"""Analyses that run on the client: some watch the pictures go by, some work on what other stages found."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from framefleet.config.options import Options
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels
from framefleet.timebase import Seconds

Result = TypeVar("Result", covariant=True)


class Watcher(Protocol[Result]):
    """One run of a watching stage. Memory must not grow with the video's length by more than the result does."""

    def see(self, piece: Picture | Pixels | Gap) -> None:
        """The next piece of the stage's order, in the order of time."""

    def finish(self) -> Result:
        """What was found, once everything was seen."""


class WatchingStage(Protocol[Result]):
    """Reads pictures of its own order, on the decode that all stages share."""

    @property
    def name(self) -> str: ...

    def looks(self, options: Options) -> bool:
        """Whether it needs the pictures: not where somebody gives what it would find."""

    def note(self, options: Options) -> str | None:
        """What a person should know of what it will find, before; None: nothing."""

    def order(self, media: MediaInfo, options: Options) -> FrameRequest:
        """The pictures it needs: pure, so that a plan can tell what the decode will cost."""

    def watch(self, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds]) -> Watcher[Result]:
        """`keyframes_s`: when the file's keyframes are. The decode adds them as it meets them, up to `finish`."""


class DerivingStage(Protocol[Result]):
    """Works on the results of the stages that its declaration needs. Pure."""

    @property
    def name(self) -> str: ...

    def derive(self, media: MediaInfo, options: Options, results: Mapping[str, Any]) -> Result:
        """`results` has an entry for each of those that came to something."""
