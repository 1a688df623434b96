"""The declaration of the tracks stage, which only works on the result of objects."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framefleet.config.options import Options
from framefleet.errors import FrameFleetError
from framefleet.schema.results import FoundSpan
from framefleet.schema.tracks import TracksResult
from framefleet.stages.spec import Belongs, Deriving, Result, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.media.types import MediaInfo


class TracksStage:
    """See `DerivingStage`."""

    name = "tracks"

    def derive(self, media: "MediaInfo", options: Options, results: Mapping[str, Any]) -> TracksResult:
        """Return the tracks. Raises `FrameFleetError` if objects has no result."""
        if results.get("objects") is None:
            raise FrameFleetError("no detections to track: objects failed")

        from framefleet.stages.tracks.result import tracks_of

        return tracks_of(results["objects"], media.width, media.height, sampling=options.sampling)


def spans(followed: TracksResult) -> Iterator[FoundSpan]:
    for track in followed.tracks:
        yield FoundSpan(start_s=track.start_s, end_s=track.end_s, label=f"{track.label} {track.id}")


TRACKS = StageSpec(
    name="tracks",
    inputs=(Result("objects"),),
    runs=Deriving(TracksStage),
    output=ResultKind("followed", spans, TracksResult, key="tracks"),
    belongs=Belongs.DEFAULT,
)
