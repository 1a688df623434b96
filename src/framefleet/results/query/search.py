"""Search in a document: the results at a time, and the times of an object, a phrase, a sound or a text. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from framefleet.results.query.intervals import commonest, counted, frame_intervals
from framefleet.results.query.kinds import (
    as_field,
    declared,
    found_of,
    further,
    joined,
    kinds,
    presentation_of,
    spans_of,
)
from framefleet.results.query.phrases import (
    inside,
    named,
    occurrences,
    words_of,
)
from framefleet.schema.document import Document
from framefleet.schema.objects import Box, Detection
from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import SoundEvent
from framefleet.schema.speech import Segment
from framefleet.schema.text import TextSpan
from framefleet.stages.speakers.display import within as speakers_within
from framefleet.stages.spec import Presentation
from framefleet.timebase import Seconds, Span

_Piece = TypeVar("_Piece", SceneEntry, Segment, SoundEvent, TextSpan, FoundSpan)

AROUND_S = 3.0  # of words before and after a time that are shown with it
AROUND = 6  # words shown before and after a match


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """An object in one frame. `box` is x1, y1, x2, y2 in source pixels; `track` its track's id, if it has one."""

    label: str
    confidence: float
    box: Box
    track: int | None


class SpokenMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Words and those around them; `text` is the match, or the words spoken at a time, which may be empty."""

    start_s: Seconds
    end_s: Seconds
    before: str
    text: str
    after: str


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """All results at `time_s`. `picture_s` is when the last frame until then begins, None if there is none.

    `cut_since` says that a cut followed it and no frame of the new scene was analysed yet. `things` is None then, and
    if that frame has no answer. `results` is what other stages found, by their names; absent if there were none.
    """

    time_s: Seconds
    picture_s: Seconds | None
    cut_since: bool
    things: list[Thing] | None
    scene: SceneEntry | None
    said: SpokenMatch | None
    heard: list[SoundEvent]
    written: list[TextSpan]
    results: dict[str, list[FoundSpan]] | msgspec.UnsetType = msgspec.UNSET


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A result of that name or text, found by `stage` and shown as `kind`."""

    stage: str
    kind: str
    start_s: Seconds
    end_s: Seconds
    name: str
    confidence: float | None


class LabelInterval(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive frames that all have a label: at `most` how many of it in one frame, and the tracks' ids.

    `end_s` is the time of the next analysed frame.
    """

    start_s: Seconds
    end_s: Seconds
    pictures: int
    most: int
    tracks: list[int]


class SpokenWord(msgspec.Struct, frozen=True):
    """A word. If a service returns no word times, it has those of its segment."""

    start_s: Seconds
    end_s: Seconds
    text: str


def at(document: Document, time_s: Seconds) -> Moment:
    """Return the objects, speech, sounds and text at `time_s`."""
    shown = [picture for _, picture in frame_intervals(document) if picture.shown_s <= time_s]
    picture = max(shown, key=lambda picture: picture.shown_s, default=None)
    cut_since = picture is not None and any(picture.shown_s < s.start_s <= time_s for s in document.scenes or ())
    return Moment(
        time_s=time_s,
        picture_s=picture.shown_s if picture else None,
        cut_since=cut_since,
        things=_things(document, picture) if picture and not cut_since else None,
        scene=next((s for s in document.scenes or () if s.start_s <= time_s < s.end_s), None),
        said=_around(spoken(document), time_s),
        heard=[e for e in (document.sounds.events if document.sounds else ()) if _during(e, time_s)],
        written=[t for t in (document.text.spans if document.text else ()) if _during(t, time_s)],
        results={one.stage: [span for span in one.spans if _during(span, time_s)] for one in further(document)}
        or msgspec.UNSET,
    )


def find(document: Document, words: str) -> list[Match]:
    """Return the results of any stage with these words in their label or text, ordered by time."""
    found: list[Match] = []
    for kind in kinds(document):
        fits = list(filter(_fitting(kind.spans, words), kind.spans))
        found += [
            Match(
                stage=kind.stage,
                kind=kind.label,
                start_s=span.start_s,
                end_s=span.end_s,
                name=span.name,
                confidence=span.confidence,
            )
            for span in joined(fits, 1.5 * document.config.step_s)
        ]
    return sorted(found, key=lambda match: (match.start_s, match.end_s))


def _fitting(spans: Sequence[FoundSpan], words: str) -> Callable[[FoundSpan], bool]:
    meant = set(named((span.label for span in spans if span.label), words))
    return lambda span: span.label in meant or (bool(span.text) and inside(span.text, words))


def _items(document: Document, stage: str) -> list[tuple[Any, FoundSpan]]:
    """Return the kind of the stage's spans, and the spans."""
    spans, found, kind = list(spans_of(document, stage)), found_of(document, stage), declared(stage)
    items = kind.search.items if kind is not None and kind.search is not None else None
    return list(zip(spans if items is None or found is None else items(found), spans, strict=True))


def labels(document: Document) -> list[str]:
    """Return every detected label, sorted."""
    return sorted(commonest(document))


def sightings(document: Document, label: str) -> dict[str, list[LabelInterval]]:
    """Return the intervals of `label`, by label: of itself alone, or else of those that contain it as a word."""
    return {name: _stretches(document, name) for name in named(labels(document), label)}


def said(document: Document, phrase: str) -> list[SpokenMatch]:
    """Return the places where the words are spoken in sequence, across segments too."""
    words = spoken(document)
    return [
        SpokenMatch(
            start_s=words[first].start_s,
            end_s=max(word.end_s for word in words[first : last + 1]),
            before=_joined(words[max(0, first - AROUND) : first]),
            text=_joined(words[first : last + 1]),
            after=_joined(words[last + 1 : last + 1 + AROUND]),
        )
        for first, last in occurrences([word.text for word in words], phrase)
    ]


def matches(document: Document, stage: str, words: str) -> list[Any]:
    """Return the stage's results with that name, or with these words in their text, also inside words."""
    items = _items(document, stage)
    fits = _fitting([span for _, span in items], words)
    return [item for item, span in items if fits(span)]


def asked(document: Document, stage: str, words: str) -> Any:
    """Return the matches of the stage's own option of `framefleet show`."""
    document, presentation = as_field(document, stage), presentation_of(stage)
    if presentation is Presentation.FRAMES:
        return sightings(document, words)
    if presentation is Presentation.WORDS:
        return said(document, words)
    kind, result = declared(stage), found_of(document, stage)
    if kind is not None and kind.search is not None and kind.search.find is not None:
        return [] if result is None else kind.search.find(result, document, words)
    return matches(document, stage, words)


def during(document: Document, stage: str, time_s: Seconds) -> list[Any]:
    """Return the stage's results at `time_s`."""
    return [item for item, span in _items(document, stage) if _during(span, time_s)]


def within(document: Document, span: Span) -> Document:
    """Return the document for `span` alone: frames that count in it, and, uncut, all results that overlap it."""
    transcription, heard, text, tracks = document.transcription, document.sounds, document.text, document.tracks
    pictures, scenes = document.detections, document.scenes
    segments = _touching(transcription.segments, span) if transcription else []
    kept = [replace(t, boxes=[b for b in t.boxes if _in(b.time_s, span)]) for t in (tracks.tracks if tracks else ())]
    return replace(
        document,
        video=replace(document.video, duration_s=min(document.video.duration_s, span.end_s)),
        detections=None if pictures is None else [p for p in pictures if _in(counted(document, p), span)],
        transcription=transcription
        and replace(transcription, segments=segments, text=" ".join(segment.text for segment in segments)),
        scenes=None if scenes is None else _touching(scenes, span),
        tracks=tracks and replace(tracks, tracks=[track for track in kept if track.boxes]),
        speakers=None if document.speakers is None else speakers_within(document.speakers, span),
        sounds=heard and replace(heard, events=_touching(heard.events, span)),
        text=text and replace(text, spans=_touching(text.spans, span)),
        results={name: replace(found, spans=_touching(found.spans, span)) for name, found in document.further.items()}
        or msgspec.UNSET,
    )


def spoken(document: Document) -> list[SpokenWord]:
    """Return every spoken word in order, with the space before it."""
    words: list[SpokenWord] = []
    for segment in document.transcription.segments if document.transcription else ():
        told = [SpokenWord(word.start_s, word.end_s, word.word) for word in segment.words]
        if not told:
            told = [SpokenWord(segment.start_s, segment.end_s, word) for word in words_of(segment.text.strip())]
        words += [replace(word, text=f" {word.text.strip()}") for word in told[:1]] + told[1:]
    return words


def _things(document: Document, picture: Detection) -> list[Thing] | None:
    if picture.objects is None:
        return None
    ids = document.tracks.ids() if document.tracks else {}
    return [
        Thing(label=o.label, confidence=o.confidence, box=o.box, track=ids.get((picture.index, place)))
        for place, o in enumerate(picture.objects)
    ]


def _around(words: Sequence[SpokenWord], time_s: Seconds) -> SpokenMatch | None:
    """Return the words spoken at the time and those within `AROUND_S` of it; None if there are none."""
    near = [w for w in words if w.start_s <= time_s + AROUND_S and w.end_s >= time_s - AROUND_S]
    if not near:
        return None
    now = [word for word in near if _during(word, time_s)]
    rest = [word for word in near if not _during(word, time_s)]
    return SpokenMatch(
        start_s=near[0].start_s,
        end_s=max(word.end_s for word in near),
        before=_joined(word for word in rest if word.start_s <= time_s),
        text=_joined(now),
        after=_joined(word for word in rest if word.start_s > time_s),
    )


def _stretches(document: Document, label: str) -> list[LabelInterval]:
    ids = document.tracks.ids() if document.tracks else {}
    found: list[LabelInterval] = []
    before = -2  # index of the last frame with the label
    for place, (span, picture) in enumerate(frame_intervals(document)):
        places = [n for n, thing in enumerate(picture.objects or ()) if thing.label == label]
        if not places:
            continue
        tracks = [ids[picture.index, n] for n in places if (picture.index, n) in ids]
        one = LabelInterval(
            start_s=span.start_s,
            end_s=span.end_s,
            pictures=1,
            most=len(places),
            tracks=sorted(set(tracks)),
        )
        if before == place - 1:
            found[-1] = _joint(found[-1], one)
        else:
            found.append(one)
        before = place
    return found


def _joint(one: LabelInterval, other: LabelInterval) -> LabelInterval:
    return LabelInterval(
        start_s=one.start_s,
        end_s=other.end_s,
        pictures=one.pictures + other.pictures,
        most=max(one.most, other.most),
        tracks=sorted({*one.tracks, *other.tracks}),
    )


def _during(piece: SpokenWord | SoundEvent | TextSpan | FoundSpan, time_s: Seconds) -> bool:
    return piece.start_s <= time_s < piece.end_s or piece.start_s == time_s


def _in(time_s: Seconds, span: Span) -> bool:
    return span.start_s <= time_s < span.end_s


def _touching(pieces: Iterable[_Piece], span: Span) -> list[_Piece]:
    return [p for p in pieces if p.start_s < span.end_s and (p.end_s > span.start_s or p.start_s >= span.start_s)]


def _joined(words: Iterable[SpokenWord]) -> str:
    return "".join(word.text for word in words).strip()
