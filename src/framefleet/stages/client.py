"""Stages that run on the client: some watch the decoded frames, some derive their result from other stages'."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from framefleet.config.options import Options
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels
from framefleet.timebase import Seconds

Result = TypeVar("Result", covariant=True)


class Watcher(Protocol[Result]):
    """One run of a watching stage. Its memory must not grow with the video's length faster than its result does."""

    def see(self, piece: Picture | Pixels | Gap) -> None:
        """Take the next piece of the stage's order, in the order of time."""

    def finish(self) -> Result:
        """Return the result, once every piece has been seen."""


class WatchingStage(Protocol[Result]):
    """A stage that watches frames of its own order, on the decode that all stages share."""

    @property
    def name(self) -> str: ...

    def looks(self, options: Options) -> bool:
        """Return whether it needs the frames: not if the user supplies its result."""

    def note(self, options: Options) -> str | None:
        """Return a remark on the result that users should see before the run; None: nothing."""

    def order(self, media: MediaInfo, options: Options) -> FrameRequest:
        """Return the frames it needs. Pure, so that a plan can estimate the decode."""

    def watch(self, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds]) -> Watcher[Result]:
        """Return a watcher for one run.

        `keyframes_s` are the times of the file's keyframes: the decode appends them as it meets them, until `finish`.
        """


@runtime_checkable
class Kept(Protocol):
    """A stage of the client whose result is kept in the journal, so that the next run need not make it again.

    `version` is raised when the same input would give another result, of the type `kept_as`.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    @property
    def kept_as(self) -> Any: ...


class DerivingStage(Protocol[Result]):
    """A stage that derives its result from those of the stages that its declaration needs. Pure."""

    @property
    def name(self) -> str: ...

    def derive(self, media: MediaInfo, options: Options, results: Mapping[str, Any]) -> Result:
        """Return the result. `results` has an entry for each needed stage that succeeded."""
