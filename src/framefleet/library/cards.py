"""Cards: the stretches of a video that a search finds, with all that was found in each. Pure.

A card is some sentences of speech, up to `MOST_S` together, parted where the view changes: at cuts, and where new text
appears (slides on one background have no cuts). Where nobody speaks, a card lasts as long as nothing changes.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Literal

from framefleet.schema.document import Document
from framefleet.schema.speech import Segment
from framefleet.timebase import Seconds

VERSION = 1
"""Raised when the same document would give other cards or words, which are then made again."""

MOST_S = 12.0
"""Of a card with speech. A median of 5.8 s results, which found 1.00 of known answers among five; scenes found 0.83."""

Source = Literal["speech", "text", "sounds", "objects", "tracks", "scenes", "description"]

_PAUSE_S = 2.0  # of silence, behind which other sentences begin
_LATE_S = 0.5  # a sentence that begins so shortly before a cut belongs behind it
_SILENT_S = 2.0  # the shortest stretch without speech that is a card; less is a breath between sentences
_TOUCH_S = 0.2  # by which something has to overlap a card
_SURE = 0.5  # confidence of an object that is seen once; below, it is as often wrong
_MOST_PARTS = 7200  # of a stretch or a video: a day, where a file states a longer one
_SAY_NOTHING = frozenset({"Speech", "Silence"})  # of what is heard


@dataclass(frozen=True, slots=True)
class Card:
    """A stretch of a video. `seen` are labels, from the stage `seen_by`.

    `language` is that of what is said, or else of the video if anything is written; None if it is not known.
    """

    start_s: Seconds
    end_s: Seconds
    said: str = ""
    written: str = ""
    seen: str = ""
    heard: str = ""
    described: str = ""
    seen_by: Source = "tracks"
    language: str | None = None

    @property
    def texts(self) -> dict[Source, str]:
        """What was found, by source, as far as there is anything; what says most comes first."""
        found: list[tuple[Source, str]] = [("speech", self.said), ("text", self.written)]
        found += [("description", self.described), (self.seen_by, self.seen), ("sounds", self.heard)]
        return {source: text for source, text in found if text}

    @property
    def meaning(self) -> str:
        """The text whose vector stands for the card."""
        written, seen = self.written and f"On screen: {self.written}.", self.seen and f"Seen: {self.seen}."
        heard = self.heard and f"Heard: {self.heard}." if not self.said else ""  # meanwhile, it says little
        return " ".join(filter(None, (self.said, written, self.described, seen, heard)))


def cards_of(document: Document) -> list[Card]:
    """Return the document's cards in the order of time. None overlaps another by more than speech itself does."""
    video, translated = document.video, document.config.task == "translate"
    language = document.transcription.language if document.transcription else None
    language = "en" if translated and language else language
    contents = _Contents(document)
    changes = {0.0, video.duration_s, *(scene.start_s for scene in document.scenes or ())}
    changes |= {span.start_s for span in (document.text.spans if document.text else ())}
    cuts = sorted(cut for cut in changes if 0 <= cut <= video.duration_s)
    cards = [
        contents.card(
            group[0].start_s,
            group[-1].end_s,
            said=" ".join(piece.text.strip() for piece in group),
            language="en" if translated else group[0].language or language,
        )
        for group in _groups(document, cuts)
    ]
    spoken = [(card.start_s, card.end_s) for card in cards]
    silent = (contents.card(start, end, language=language) for start, end in silences(spoken, cuts))
    cards += _joined(card for card in silent if card.texts)
    return sorted(cards, key=lambda card: (card.start_s, card.end_s))


def silences(spoken: Sequence[tuple[Seconds, Seconds]], cuts: Sequence[Seconds]) -> Iterator[tuple[Seconds, Seconds]]:
    """Yield the stretches between `cuts` in which nobody speaks, each of at most `MOST_S` (of a day, see above)."""
    edges = sorted([*spoken, (cuts[-1], cuts[-1])]) if cuts else []
    at = 0.0
    for start, end in edges:
        inside = cuts[bisect_right(cuts, at) : bisect_left(cuts, start)]
        for first, last in pairwise([at, *inside, start]):
            length = part_length(last - first)
            parts = int((last - first) / length)
            yield from pairwise(first + length * part for part in range(parts + 1))
            if last - first - length * parts >= _SILENT_S:
                yield first + length * parts, last
        at = max(at, end)


def part_length(stretch_s: Seconds) -> Seconds:
    """Return how long the parts of a stretch are: `MOST_S`, but there are never more than a day has."""
    return max(MOST_S, stretch_s / _MOST_PARTS)


def pieces(segment: Segment) -> Iterator[Segment]:
    """Yield the segment in parts of at most `MOST_S`, cut before words; as it is if it has none."""
    words, first = segment.words, 0
    if segment.end_s - segment.start_s <= MOST_S or not words:
        yield segment
        return
    for place, word in enumerate([*words, None]):
        if place > first and (word is None or word.end_s - words[first].start_s > MOST_S):
            part = words[first:place]
            text = "".join(word.word for word in part).strip()
            yield Segment(part[0].start_s, part[-1].end_s, text, 0.0, 0.0, language=segment.language)
            first = place


def _groups(document: Document, cuts: Sequence[Seconds]) -> Iterator[list[Segment]]:
    segments = document.transcription.segments if document.transcription else []
    group: list[Segment] = []
    cut = 0  # the first of the cuts that a sentence of this group could have before it
    for piece in (part for segment in segments for part in pieces(segment) if part.text.strip()):
        while cut < len(cuts) and group and cuts[cut] <= group[0].start_s + _LATE_S:
            cut += 1
        if group and (
            (cut < len(cuts) and cuts[cut] <= piece.start_s + _LATE_S)
            or piece.end_s - group[0].start_s > MOST_S
            or piece.start_s - group[-1].end_s > _PAUSE_S
            or piece.language != group[-1].language
        ):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _joined(cards: Iterable[Card]) -> list[Card]:
    """Join neighbours in which the same is found."""
    joined: list[Card] = []
    for card in cards:
        last = joined[-1] if joined else None
        if last is not None and last.end_s == card.start_s and last.texts == card.texts:
            joined[-1] = Card(last.start_s, card.end_s, "", *_fields(last))
        else:
            joined.append(card)
    return joined


def _fields(card: Card) -> tuple[str, str, str, str, Source, str | None]:
    return card.written, card.seen, card.heard, card.described, card.seen_by, card.language


class _Spans:
    """Named spans of a video, found by the time they meet: those of one slot are kept together."""

    def __init__(self, end_s: Seconds, spans: Iterable[tuple[Seconds, Seconds, str]]) -> None:
        self._end_s, self._slot_s = end_s, part_length(end_s)
        self._slots: defaultdict[int, list[tuple[Seconds, Seconds, str]]] = defaultdict(list)
        for start, end, name in spans:
            for slot in self._met(start, end):
                self._slots[slot].append((start, end, name))

    def during(self, start_s: Seconds, end_s: Seconds) -> list[str]:
        """Return each name once, in the order of its start."""
        met = sorted(
            (start, name)
            for slot in self._met(start_s, end_s)
            for start, end, name in self._slots.get(slot, ())
            if min(end, end_s) - max(start, start_s) >= min(_TOUCH_S, (end - start) / 2)
        )
        return list(dict.fromkeys(name for _, name in met))

    def _met(self, start_s: Seconds, end_s: Seconds) -> range:
        first, last = (min(max(time_s, 0.0), self._end_s) for time_s in (start_s, end_s))
        return range(int(first // self._slot_s), int(last // self._slot_s) + 1)


class _Contents:
    """What a document's stages found in any stretch of its video."""

    def __init__(self, document: Document) -> None:
        texts = document.text.spans if document.text else []
        events = document.sounds.events if document.sounds else []
        spans = partial(_Spans, max(0.0, document.video.duration_s))
        self._written = spans((one.start_s, one.end_s, one.text.strip()) for one in texts if _is_text(one.text))
        self._heard = spans((one.start_s, one.end_s, one.label) for one in events if one.label not in _SAY_NOTHING)
        self._described = spans(
            (span.start_s, span.end_s, span.name)
            for result in document.further.values()
            for span in result.spans
            if span.name
        )
        self._seen_by: Source = "objects" if document.tracks is None else "tracks"
        self._seen = spans(_seen_once(document) if document.tracks is None else _seen(document))

    def card(self, start: Seconds, end: Seconds, said: str = "", language: str | None = None) -> Card:
        written = " · ".join(self._written.during(start, end))
        return Card(
            start,
            end,
            said,
            written=written,
            seen=", ".join(sorted(self._seen.during(start, end))),
            heard=", ".join(sorted(self._heard.during(start, end))),
            described=" ".join(self._described.during(start, end)),
            seen_by=self._seen_by,
            language=language if said or written else None,  # labels are English
        )


def _is_text(text: str) -> bool:
    """Return whether it is more than a single letter or digit, which is mostly misread."""
    return sum(map(str.isalnum, text)) > 1


def _seen(document: Document) -> Iterator[tuple[Seconds, Seconds, str]]:
    for track in document.tracks.tracks if document.tracks else ():
        if len(track.boxes) > 1 or any(box.confidence >= _SURE for box in track.boxes):
            yield track.start_s, track.end_s, track.label


def _seen_once(document: Document) -> Iterator[tuple[Seconds, Seconds, str]]:
    for detection in document.detections or ():
        for label in {one.label for one in detection.objects or () if one.confidence >= _SURE}:
            yield detection.shown_s, detection.shown_s, label
