"""Which speaker says which word, and segments that end where the speaker changes. Pure."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby

from msgspec.structs import replace

from framefleet.schema.speakers import Speaker
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.stages.speech.clock import texts_of_runs
from framefleet.timebase import Seconds

REACH_S: Seconds = 1.0
"""A word outside all turns is said by the nearest speaker within this; Whisper stretches words over pauses."""

SURE_S: Seconds = 0.3
"""A lone word between two of another speaker stays where its own speaker's turns cover this much of it."""

_SHORTEST_S = 0.02  # Whisper gives some words no length


def spoken_by(transcription: Transcription, speakers: Sequence[Speaker]) -> Transcription:
    """Return the transcription with the speaker of each word and segment, segments parted where the speaker changes.

    The text as a whole stays as it is.
    """
    turns = _Turns(speakers)
    return replace(transcription, segments=[part for one in transcription.segments for part in _parts(one, turns)])


class _Turns:
    """All speakers' turns, to look up who speaks in a span."""

    def __init__(self, speakers: Sequence[Speaker]) -> None:
        self._by_id = {one.id: (one.turns, [end_s for _, end_s in one.turns]) for one in speakers if one.turns}

    def shares(self, start_s: Seconds, end_s: Seconds) -> dict[str, Seconds]:
        """Return how many seconds of the span each speaker's turns cover, of those who speak in it."""
        shares = {}
        for id, (turns, ends) in self._by_id.items():
            place, covered = bisect_left(ends, start_s), 0.0
            while place < len(turns) and turns[place][0] < end_s:
                covered += max(0.0, min(end_s, turns[place][1]) - max(start_s, turns[place][0]))
                place += 1
            if covered > 0:
                shares[id] = covered
        return shares

    def speaker(self, start_s: Seconds, end_s: Seconds) -> str | None:
        """Return who speaks most of the span, or nearest to it within `REACH_S`; else None."""
        end_s = max(end_s, start_s + _SHORTEST_S)
        if shares := self.shares(start_s, end_s):
            return max(shares, key=lambda id: shares[id])
        gaps = []
        for id, (turns, ends) in self._by_id.items():
            place = bisect_left(ends, start_s)
            if place < len(turns):
                gaps.append((turns[place][0] - end_s, id))
            if place:
                gaps.append((start_s - ends[place - 1], id))
        gap_s, nearest = min(gaps, default=(REACH_S + 1, None))
        return nearest if gap_s <= REACH_S else None


def _parts(segment: Segment, turns: _Turns) -> list[Segment]:
    if not segment.words:
        return [replace(segment, speaker=turns.speaker(segment.start_s, segment.end_s))]
    words = _smoothed([replace(word, speaker=turns.speaker(word.start_s, word.end_s)) for word in segment.words], turns)
    runs = [(id, [word for _, word in run]) for id, run in groupby(_carried(words), key=lambda pair: pair[0])]
    texts = texts_of_runs(segment.text, [run for _, run in runs])
    made = []
    for number, ((speaker, run), text) in enumerate(zip(runs, texts, strict=True)):
        start_s = run[0].start_s if number else segment.start_s
        end_s = run[-1].end_s if number < len(runs) - 1 else segment.end_s
        made.append(
            replace(segment, start_s=start_s, end_s=max(start_s, end_s), text=text.strip(), words=run, speaker=speaker)
        )
    return made


def _smoothed(words: Sequence[Word], turns: _Turns) -> list[Word]:
    """Give a lone word between two of another speaker to that speaker, unless its own is clearly heard."""
    made = list(words)
    for place in range(1, len(words) - 1):
        around, own = words[place - 1].speaker, words[place].speaker
        if around is None or own is None or own == around or words[place + 1].speaker != around:
            continue
        word = words[place]
        if turns.shares(word.start_s, word.end_s).get(own, 0.0) < SURE_S:
            made[place] = replace(word, speaker=around)
    return made


def _carried(words: Sequence[Word]) -> list[tuple[str | None, Word]]:
    """Pair each word with the speaker of its part; a word of an unknown speaker is in the part of the word before."""
    first = next((word.speaker for word in words if word.speaker is not None), None)
    pairs = []
    for word in words:
        first = word.speaker or first
        pairs.append((first, word))
    return pairs
