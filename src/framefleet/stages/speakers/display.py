"""Speakers as they are shown: names, turns with their words, a line of the summary. Pure."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.speakers import Speaker
from framefleet.timebase import Seconds, Span

FEW = 5  # people that the summary names


class SpokenTurn(msgspec.Struct, frozen=True):
    """A turn of a speaker, and what they say in it; words that are not known to be anybody's are in no turn."""

    start_s: Seconds
    end_s: Seconds
    speaker: str
    name: str | None
    text: str


def called(document: Document) -> dict[str, str]:
    """Return what each speaker is called, by id: the name, or the id."""
    return {speaker.id: speaker.called for speaker in document.speakers or ()}


def labels(document: Document) -> dict[str, str]:
    """Return what cues are labelled with, by the speaker's id: nothing where one person without a name speaks alone."""
    speakers = document.speakers or []
    return called(document) if len(speakers) > 1 or any(one.name for one in speakers) else {}


def meant(speakers: Sequence[Speaker], wanted: str) -> list[Speaker]:
    """Return the speakers of that id or name; if there is none, those in whose names it is a word."""
    text = wanted.strip().casefold()
    ids = [one for one in speakers if text in (one.id.casefold(), one.called.casefold())]
    return ids or [one for one in speakers if text in one.called.casefold().split()]


def turns(speakers: Sequence[Speaker], document: Document, wanted: str) -> list[SpokenTurn]:
    """Return the turns of the speakers that are meant, in the order of time, with what is said in each."""
    segments = document.transcription.segments if document.transcription else []
    found = []
    for speaker in meant(speakers, wanted):
        own = [segment for segment in segments if segment.speaker == speaker.id]
        texts: dict[int, list[str]] = {}
        for segment in own:
            texts.setdefault(_home(speaker, Span(segment.start_s, segment.end_s)), []).append(segment.text)
        for place, (start_s, end_s) in enumerate(speaker.turns):
            found.append(SpokenTurn(start_s, end_s, speaker.id, speaker.name, " ".join(texts.get(place, []))))
    return sorted(found, key=lambda turn: (turn.start_s, turn.end_s))


def line(speakers: Sequence[Speaker]) -> str:
    """Return how many people spoke and for how long each, who spoke longest first."""
    longest = sorted(speakers, key=lambda one: -one.talk_s)
    people = "1 person" if len(speakers) == 1 else f"{len(speakers)} people"
    named = ", ".join(
        f"{one.called}{'' if one.certain else ' (uncertain)'} {_clock(one.talk_s)}" for one in longest[:FEW]
    )
    return f"{people} spoke: {named}" + (f", {len(speakers) - FEW} more" if len(speakers) > FEW else "")


def within(speakers: Sequence[Speaker], span: Span) -> list[Speaker]:
    """Return the speakers who speak in `span`, with the turns that share time with it, whole."""
    kept = [(one, [turn for turn in one.turns if turn[0] < span.end_s and turn[1] > span.start_s]) for one in speakers]
    return [
        replace(one, turns=turns, first_s=turns[0][0], talk_s=round(sum(end - start for start, end in turns), 3))
        for one, turns in kept
        if turns
    ]


def _home(speaker: Speaker, span: Span) -> int:
    """Return the turn with most of the span, or the nearest to it."""

    def shared(place: int) -> tuple[float, float]:
        start_s, end_s = speaker.turns[place]
        overlap = min(end_s, span.end_s) - max(start_s, span.start_s)
        return min(overlap, span.length_s), -abs(start_s - span.start_s)

    return max(range(len(speaker.turns)), key=shared, default=0)


def _clock(time_s: Seconds) -> str:
    minutes, seconds = divmod(round(time_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}" if minutes >= 60 else f"{minutes}:{seconds:02}"
