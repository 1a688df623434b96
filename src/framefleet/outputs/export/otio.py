"""A timeline for editing programs: the video as a clip, with a marker for each result, by OpenTimelineIO."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from framefleet.errors import SetupError
from framefleet.outputs.export.base import Context, Format, library
from framefleet.outputs.export.clock import PlayerClock, clock, video_url
from framefleet.outputs.export.frames import frame_at
from framefleet.outputs.export.text import clean
from framefleet.results.query.kinds import declared, found_of, spans_of, stages_of
from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import Mark, Marks, span_marks
from framefleet.timebase import Seconds


class StageMark(NamedTuple):
    """A mark, its stage, and how marks of this stage are shown."""

    stage: str
    mark: Mark
    shown: Marks[Any]


def marks(document: Document) -> list[StageMark]:
    """Return the marks of all results with a duration, ordered by start."""
    shown = {stage: _shown(stage) for stage in stages_of(document)}
    found = [
        StageMark(stage, mark, as_marks)
        for stage, as_marks in shown.items()
        if as_marks is not None
        for mark in _marks(document, stage, as_marks)
    ]
    return sorted(found, key=lambda one: (one.mark.start_s, one.mark.end_s, one.shown.order))


def _shown(stage: str) -> Marks[Any] | None:
    kind = declared(stage)
    return Marks() if kind is None else kind.marks


def _marks(document: Document, stage: str, shown: Marks[Any]) -> Iterable[Mark]:
    found = None if shown.of is None else found_of(document, stage)
    return span_marks(spans_of(document, stage)) if shown.of is None or found is None else shown.of(found)


def write(document: Document, context: Context, path: Path) -> None:
    otio = _library()
    shown = clock(document, context.video)
    begun = _begun(otio, shown)

    def frames(start_s: Seconds, end_s: Seconds) -> Any:
        first, last = (max(0, frame_at(time_s - shown.zero_s, shown.rate)) for time_s in (start_s, end_s))
        time = otio.opentime.RationalTime
        return otio.opentime.TimeRange(time(begun + first, shown.rate), time(max(last - first, 1), shown.rate))

    name = clean(context.stem)
    timeline = otio.schema.Timeline(name)
    for kind in _kinds(document):
        whole = frames(shown.zero_s, shown.zero_s + shown.length_s)
        media = otio.schema.ExternalReference(video_url(document, context.video), whole)
        timeline.tracks.append(otio.schema.Track(kind, [otio.schema.Clip(name, media, whole)], kind=kind))
    clip = timeline.tracks[0][0]
    for stage, mark, as_marks in marks(document):
        clip.markers.append(
            otio.schema.Marker(
                name=clean(mark.name),
                marked_range=frames(mark.start_s, mark.end_s),
                color=getattr(otio.schema.MarkerColor, as_marks.color),
                metadata={
                    "framefleet": _fitting({"stage": stage, "start_s": mark.start_s, "end_s": mark.end_s, **mark.more})
                },
            )
        )
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")


def _fitting(value: Any) -> Any:
    """Convert integers in metadata that do not fit OpenTimelineIO's 64 bits to floats."""
    if isinstance(value, dict):
        return {name: _fitting(part) for name, part in value.items()}
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def _kinds(document: Document) -> list[str]:
    kinds = {"Video": document.video.codec != "", "Audio": document.video.audio is not None}
    return [kind for kind, there in kinds.items() if there] or ["Video"]


def _begun(otio: Any, shown: PlayerClock) -> float:
    """Return the first frame number by the camera's timecode; 0 without a timecode that fits the rate."""
    try:
        return float(otio.opentime.from_timecode(shown.timecode, shown.rate).value) if shown.timecode else 0.0
    except ValueError:
        return 0.0


def _library() -> Any:
    try:
        return library("opentimelineio")
    except SetupError:
        if sys.version_info >= (3, 14):
            raise SetupError("otio: OpenTimelineIO does not support Python 3.14 yet", hint="use Python 3.13") from None
        raise


def _needs() -> tuple[str, ...]:
    """Return the parts of a document with marks, in their order."""
    kinds = (spec.output for spec in SPECS.values())
    marked = [(kind.marks.order, kind.key) for kind in kinds if kind.marks is not None and kind.key is not None]
    return tuple(key for _, key in sorted(marked))


OTIO = Format(
    name="otio",
    ending=".otio",
    about="a timeline with markers, for DaVinci Resolve and other editing programs",
    needs=_needs(),
    further=True,
    write=write,
    video="the timeline says where it was, and counts at a rate near its average",
)
