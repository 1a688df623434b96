"""What the tracks stage declares."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framefleet.schema.results import FoundSpan
from framefleet.schema.tracks import TracksResult
from framefleet.stages.spec import Belongs, Deriving, Result, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.tracks.stage import TracksStage


def _load() -> "TracksStage":
    from framefleet.stages.tracks.stage import TracksStage

    return TracksStage()


def spans(followed: TracksResult) -> Iterator[FoundSpan]:
    for track in followed.tracks:
        yield FoundSpan(start_s=track.start_s, end_s=track.end_s, label=f"{track.label} {track.id}")


TRACKS = StageSpec(
    name="tracks",
    inputs=(Result("objects"),),
    runs=Deriving(_load),
    output=ResultKind("followed", spans, TracksResult, key="tracks"),
    belongs=Belongs.DEFAULT,
)
