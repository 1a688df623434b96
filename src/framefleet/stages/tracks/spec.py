"""The declaration of the tracks stage, which only works on the result of objects."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framefleet.config.options import Options
from framefleet.errors import FrameFleetError
from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.tracks import TracksResult
from framefleet.stages.spec import Belongs, CellType, Deriving, Mark, Marks, Result, ResultKind, StageSpec, Table

if TYPE_CHECKING:
    from framefleet.media.types import MediaInfo


class TracksStage:
    """See `DerivingStage` and `Kept`: two hours take seconds."""

    name = "tracks"
    version = 1
    kept_as: Any = TracksResult

    def derive(self, media: "MediaInfo", options: Options, results: Mapping[str, Any]) -> TracksResult:
        """Return the tracks. Raises `FrameFleetError` if objects has no result."""
        if results.get("objects") is None:
            raise FrameFleetError("no detections to track: objects failed")

        from framefleet.stages.tracks.result import tracks_of

        return tracks_of(results["objects"], media.width, media.height, parts=media.analyzed, sampling=options.decoding)


def spans(followed: TracksResult) -> Iterator[FoundSpan]:
    for track in followed.tracks:
        yield FoundSpan(start_s=track.start_s, end_s=track.end_s, label=f"{track.label} {track.id}")


def tables(followed: TracksResult, _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"id": int, "label": str, "class_id": int, "start_s": float, "end_s": float}
    columns |= {"certain": bool, "boxes": int}
    rows = [(t.id, t.label, t.class_id, t.start_s, t.end_s, t.certain, len(t.boxes)) for t in followed.tracks]
    return {"tracks": Table(columns, rows)}


def marks(followed: TracksResult) -> Iterator[Mark]:
    for track in followed.tracks:
        more = {"id": track.id, "class_id": track.class_id, "certain": track.certain}
        yield Mark(f"{track.label} {track.id}", track.start_s, track.end_s, more)


TRACKS = StageSpec(
    name="tracks",
    inputs=(Result("objects"),),
    runs=Deriving(TracksStage),
    output=ResultKind(
        "followed",
        spans,
        TracksResult,
        key="tracks",
        tables=tables,
        marks=Marks(marks, "RED", order=3, at_end=True),
        presentation=None,
        counted=lambda followed: (track.label for track in followed.tracks),
    ),
    belongs=Belongs.DEFAULT,
)
