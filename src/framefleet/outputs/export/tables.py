"""The results as flat tables, for spreadsheets and data frames. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.results.query.kinds import FoundKind, further
from framefleet.schema.document import Document

Kind = type[int] | type[float] | type[str] | type[bool]
_BOX: dict[str, Kind] = {"x1_px": float, "y1_px": float, "x2_px": float, "y2_px": float}


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` by name with what is in their cells, any of which may be None."""

    columns: dict[str, Kind]
    rows: Sequence[tuple[Any, ...]]


def tables(document: Document) -> dict[str, Table]:
    """A table for each kind of thing that was looked for, also where none was found."""
    return dict(_tables(document))


def _tables(document: Document) -> Iterator[tuple[str, Table]]:
    if document.detections is not None:
        yield "pictures", _pictures(document)
        yield "detections", _detections(document)
    if document.tracks is not None:
        yield "tracks", _tracks(document)
    if document.transcription is not None:
        yield "segments", _segments(document)
        yield "words", _words(document)
    if document.sounds is not None:
        yield "sounds", _sounds(document)
    if document.text is not None:
        yield "text", _text(document)
    if document.scenes is not None:
        yield "scenes", _scenes(document)
    for kind in further(document):
        yield kind.stage, _spans(kind)


def _spans(kind: FoundKind) -> Table:
    columns: dict[str, Kind] = {"start_s": float, "end_s": float, "label": str, "text": str, "confidence": float}
    return Table(columns, [(s.start_s, s.end_s, s.label, s.text, s.confidence) for s in kind.spans])


def _pictures(document: Document) -> Table:
    rows = [
        (d.index, d.time_s, d.pts_s, None if d.objects is None else len(d.objects)) for d in document.detections or ()
    ]
    return Table({"index": int, "time_s": float, "pts_s": float, "objects": int}, rows)


def _detections(document: Document) -> Table:
    ids = document.tracks.ids() if document.tracks is not None else {}
    columns = {"index": int, "time_s": float, "pts_s": float, "object": int, "track_id": int}
    columns |= {"class_id": int, "label": str, "confidence": float, **_BOX}
    rows = [
        (d.index, d.time_s, d.pts_s, place, ids.get((d.index, place)), o.class_id, o.label, o.confidence, *o.box)
        for d in document.detections or ()
        for place, o in enumerate(d.objects or ())
    ]
    return Table(columns, rows)


def _tracks(document: Document) -> Table:
    columns = {
        "id": int,
        "label": str,
        "class_id": int,
        "start_s": float,
        "end_s": float,
        "certain": bool,
        "boxes": int,
    }
    rows = [
        (t.id, t.label, t.class_id, t.start_s, t.end_s, t.certain, len(t.boxes))
        for t in (document.tracks.tracks if document.tracks else ())
    ]
    return Table(columns, rows)


def _segments(document: Document) -> Table:
    columns = {"index": int, "start_s": float, "end_s": float, "text": str}
    columns |= {"avg_logprob": float, "no_speech_prob": float}
    rows = [
        (index, s.start_s, s.end_s, s.text, s.avg_logprob, s.no_speech_prob)
        for index, s in enumerate(document.transcription.segments if document.transcription else ())
    ]
    return Table(columns, rows)


def _words(document: Document) -> Table:
    columns = {"segment": int, "start_s": float, "end_s": float, "word": str, "probability": float}
    rows = [
        (index, word.start_s, word.end_s, word.word.strip(), word.probability)
        for index, segment in enumerate(document.transcription.segments if document.transcription else ())
        for word in segment.words
    ]
    return Table(columns, rows)


def _sounds(document: Document) -> Table:
    columns = {"label": str, "class_id": int, "start_s": float, "end_s": float, "score": float, "mean_score": float}
    rows = [
        (e.label, e.class_id, e.start_s, e.end_s, e.score, e.mean_score)
        for e in (document.sounds.events if document.sounds else ())
    ]
    return Table(columns, rows)


def _text(document: Document) -> Table:
    columns = {"text": str, "start_s": float, "end_s": float, "confidence": float, "readings": int, **_BOX}
    rows = [
        (s.text, s.start_s, s.end_s, s.confidence, s.readings, *s.box)
        for s in (document.text.spans if document.text else ())
    ]
    return Table(columns, rows)


def _scenes(document: Document) -> Table:
    columns = {"index": int, "start_s": float, "end_s": float, "thumbnail_s": float}
    columns |= {"seen": str, "said": str, "heard": str, "written": str, "transition": str}
    rows = []
    for s in document.scenes or ():
        seen = "; ".join(f"{label} {count}" for label, count in s.objects.items())
        found = seen, s.speech, "; ".join(s.sounds), "; ".join(s.text)
        rows.append((s.index, s.start_s, s.end_s, s.thumbnail_s, *found, s.transition))
    return Table(columns, rows)
