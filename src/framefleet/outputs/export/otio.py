"""A timeline for editing programs: the video as a clip, with a marker for all that was found, by OpenTimelineIO."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefleet.errors import SetupError
from framefleet.outputs.export.base import Context, Format, library
from framefleet.outputs.export.clock import PlayerClock, clock, video_url
from framefleet.outputs.export.frames import frame_at
from framefleet.outputs.export.text import clean
from framefleet.results.query.kinds import further
from framefleet.schema.document import Document
from framefleet.timebase import Seconds

COLORS = {"scenes": "GREEN", "speech": "CYAN", "sounds": "ORANGE", "tracks": "RED", "text": "PURPLE"}


@dataclass(frozen=True, slots=True)
class Mark:
    stage: str
    name: str
    start_s: Seconds
    end_s: Seconds
    more: dict[str, Any]


def marks(document: Document) -> list[Mark]:
    """All that lasts, in the order of beginning."""
    return sorted(_marks(document), key=lambda mark: (mark.start_s, mark.end_s))


def _marks(document: Document) -> Iterator[Mark]:
    for scene in document.scenes or ():
        yield Mark("scenes", f"scene {scene.index}", scene.start_s, scene.end_s, {"seen": dict(scene.objects)})
    for segment in document.transcription.segments if document.transcription else ():
        yield Mark("speech", segment.text, segment.start_s, segment.end_s, {"avg_logprob": segment.avg_logprob})
    for event in document.sounds.events if document.sounds else ():
        yield Mark("sounds", event.label, event.start_s, event.end_s, {"score": event.score})
    for track in document.tracks.tracks if document.tracks else ():
        more = {"id": track.id, "class_id": track.class_id, "certain": track.certain}
        yield Mark("tracks", f"{track.label} {track.id}", track.start_s, track.end_s, more)
    for span in document.text.spans if document.text else ():
        yield Mark("text", span.text, span.start_s, span.end_s, {"confidence": span.confidence})
    for kind in further(document):
        for one in kind.spans:
            yield Mark(kind.stage, one.name, one.start_s, one.end_s, {"confidence": one.confidence})


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
    for mark in marks(document):
        clip.markers.append(
            otio.schema.Marker(
                name=clean(mark.name),
                marked_range=frames(mark.start_s, mark.end_s),
                color=getattr(otio.schema.MarkerColor, COLORS.get(mark.stage, "PINK")),
                metadata={
                    "framefleet": _fitting(
                        {"stage": mark.stage, "start_s": mark.start_s, "end_s": mark.end_s, **mark.more}
                    )
                },
            )
        )
    otio.adapters.write_to_file(timeline, str(path), adapter_name="otio_json")


def _fitting(value: Any) -> Any:
    """Metadata with whole numbers as floats where OpenTimelineIO's 64 bits do not hold them."""
    if isinstance(value, dict):
        return {name: _fitting(part) for name, part in value.items()}
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def _kinds(document: Document) -> list[str]:
    kinds = {"Video": document.video.codec != "", "Audio": document.video.audio is not None}
    return [kind for kind, there in kinds.items() if there] or ["Video"]


def _begun(otio: Any, shown: PlayerClock) -> float:
    """The frame that the video begins with by the camera's timecode; 0 where there is none that goes with the rate."""
    try:
        return float(otio.opentime.from_timecode(shown.timecode, shown.rate).value) if shown.timecode else 0.0
    except ValueError:
        return 0.0


def _library() -> Any:
    try:
        return library("opentimelineio")
    except SetupError:
        if sys.version_info >= (3, 14):
            raise SetupError("otio: OpenTimelineIO is not made for Python 3.14 yet", hint="use Python 3.13") from None
        raise


OTIO = Format(
    name="otio",
    ending=".otio",
    about="a timeline with markers, for DaVinci Resolve and other editing programs",
    needs=("scenes", "transcription", "sounds", "tracks", "text"),
    write=write,
    video="the timeline says where it was, and counts at a rate near its average",
)
