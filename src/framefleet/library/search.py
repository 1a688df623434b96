"""The search itself: the cards that have the words, and those that mean the same, as one ranking with their times."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framefleet.library import words
from framefleet.library.cards import Card, Source
from framefleet.library.index import FIELDS, WEIGHTS, Index, path_of
from framefleet.library.meaning import Meanings
from framefleet.timebase import Seconds

MOST_RANKED = 50  # of each way, if no more are wanted
_EARLY = 10
"""In a sum of 1 / (`_EARLY` + rank), how much the first ranks count over the next. 60 is usual for long lists; with 10,
the right one was first more often in cards of few videos."""
_MANY = 1000  # cards, from which on a word may be too common


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of a video in which something was found. `video` is the path in the document; `score` is 0–1."""

    video: str
    document: Path
    start_s: Seconds
    end_s: Seconds
    source: Source
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, best first. `words_only` says of what only words were searched, not the meaning, and why."""

    hits: list[Hit]
    words_only: str | None = None


def fused(*rankings: Sequence[int]) -> list[tuple[int, float]]:
    """Return what is ranked anywhere, best first, with a score from 0 to 1: 1 for what is first everywhere.

    Of equals, those of the first ranking come first.
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, card in enumerate(ranking):
            scores[card] += _EARLY / (_EARLY + rank) / len(rankings)
    return sorted(scores.items(), key=lambda item: -item[1])


class Searcher:
    """The searches in an index. Those that come at the same time wait for each other."""

    def __init__(self, index: Index, meanings: Meanings) -> None:
        self._index = index
        self._meanings = meanings
        self._counted: tuple[tuple[int, int], int, list[str]] | None = None

    def __call__(self, text: str, most: int) -> SearchResult:
        """Return the `most` best cards for the text."""
        ranked = max(most, MOST_RANKED)
        with self._index.snapshot():
            cards, languages = self._counts()
            match = self._match(words.terms(text, beginnings=bool(languages)), cards)
            rankings = [self._by_words(match, ranked)] if match else []
            if match and words.is_latin(text) and (near := self._meanings.nearest(text, ranked)) is not None:
                rankings.append(near)
            with_words = frozenset(rankings[0] if rankings else ())
            hits = [
                self._hit(card, score, match if card in with_words else "") for card, score in fused(*rankings)[:most]
            ]
        return SearchResult(hits, self._words_only(languages))

    def _counts(self) -> tuple[int, list[str]]:
        """Return the number of cards, and the languages of those that are found by words only."""
        state = self._index.state()
        if self._counted is None or self._counted[0] != state:
            with self._index.reading() as db:
                (cards,) = db.execute("SELECT count(*) FROM cards").fetchone()
                rows = db.execute("SELECT DISTINCT language FROM cards WHERE text_sha256 IS NULL").fetchall()
            languages = {"other scripts" if language in {None, "en"} else language for (language,) in rows}
            self._counted = state, cards, sorted(languages)
        return self._counted[1:]

    def _words_only(self, languages: Sequence[str]) -> str | None:
        if self._meanings.lacking is not None:
            return f"searched by words only: {self._meanings.lacking}"
        only = f"searched by words only in {', '.join(languages)}: the meaning is known for English"
        return only if languages else None

    def _match(self, terms: Sequence[words.Term], cards: int) -> str:
        """Return the query that finds any of the terms.

        Terms of very many cards say little and cost most: they don't count unless all are.
        """
        common = max(_MANY, cards // 20)
        found: dict[str, int] = {}
        for term in terms:
            counts = {query: self._count(query, common) for query in term.queries}
            if term.otherwise and not any(counts.values()):
                counts = {query: self._count(query, common) for query in term.otherwise}
            found |= counts
        return words.any_of([query for query, count in found.items() if count < common] or list(found))

    def _count(self, query: str, most: int) -> int:
        with self._index.reading() as db:
            count = "SELECT count(*) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
            return int(db.execute(count, (query, most)).fetchone()[0])

    def _by_words(self, match: str, most: int) -> list[int]:
        query = f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {WEIGHTS}), rowid LIMIT ?"
        with self._index.reading() as db:
            return [id for (id,) in db.execute(query, (match, most))]

    def _hit(self, id: int, score: float, match: str) -> Hit:
        query = f"""SELECT video, path, {FIELDS} FROM (SELECT document, {FIELDS} FROM cards WHERE id = ?)
                    JOIN (SELECT id, video, path FROM documents) AS documents ON documents.id = document"""
        with self._index.reading() as db:
            video, path, *fields = db.execute(query, (id,)).fetchone()
        card = Card(*fields)
        source = self._source(id, card, match) if match else next(iter(card.texts))
        return Hit(video, path_of(path), card.start_s, card.end_s, source, card.texts[source], round(score, 4))

    def _source(self, id: int, card: Card, match: str) -> Source:
        """Return which of the card's texts has most of the words."""
        if len(card.texts) == 1:
            return next(iter(card.texts))
        marked = ", ".join(f"highlight(words, {column}, char(2), '')" for column in range(5))
        query = f"SELECT {marked} FROM words WHERE rowid = ? AND words MATCH ?"
        with self._index.reading() as db:
            row = db.execute(query, (id, match)).fetchone()
        columns: tuple[Source, ...] = ("speech", "text", card.seen_by, "sounds", "description")
        counts = {source: text.count("\2") for source, text in zip(columns, row, strict=True)}
        return max(card.texts, key=counts.__getitem__)  # of equals the first
