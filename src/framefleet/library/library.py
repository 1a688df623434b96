"""The library: documents of many videos, kept as they are on the disk, and what is found in them."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from framefleet.embedding import IDENTITY, MODEL, has_embedder, open_embedder
from framefleet.errors import InputError
from framefleet.library import words
from framefleet.library.cards import Card, Source
from framefleet.library.index import FIELDS, FILE_NAME, WEIGHTS, Index, Known, path_of
from framefleet.library.search import MOST_RANKED, Model, Vectors, fused
from framefleet.models.catalog import CATALOG
from framefleet.schema.codec import decode_from
from framefleet.timebase import Seconds

_ENDING, _HEAD, _MARK = ".json", 64, b'"schema_version"'  # what a document's file begins with
_MANY = 1000  # cards, from which on a word may be too common
_AT_ONCE = 256  # texts embedded in one transaction: 3 s of work

Tell = Callable[[str], object]


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
class Answer:
    """What a search found, best first. `words_only` says of what only words were searched, not the meaning, and why."""

    hits: list[Hit]
    words_only: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in the library. `cards` is 0 if it is not searched, because another document of its video is."""

    video: str
    document: Path
    duration_s: Seconds
    language: str | None
    stages: list[str]
    failures: int
    usd: float | None
    finished_at: str
    cards: int


@dataclass(slots=True)
class Added:
    """How many documents were new, had changed, are the same, or are gone. `skipped` could not be read, and why."""

    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    skipped: dict[Path, str] = field(default_factory=dict)


def library_in(folder: Path) -> Path:
    """Return the path of a folder's library."""
    return folder / FILE_NAME


class Library:
    """The library in the file at `path`, which is created unless it is said to be there by `exists`.

    Threads may share it, and processes the file. Raises `InputError` and `OutputError`. `open_model` loads the model of
    the texts' meaning; that of set-up if None is given.
    """

    def __init__(self, path: Path, *, exists: bool = False, open_model: Callable[[], Model] | None = None) -> None:
        if exists and not path.is_file():
            raise InputError(f"{path}: no library there", hint="make one with: framefleet library add FOLDER")
        self.path = path
        self._index = Index(path)
        self._open_model = open_model or (open_embedder if has_embedder() else None)
        self._model: Model | None = None
        self._embedded: tuple[int, int] | None = None  # the state of the file in which each text had a vector
        self._vectors: tuple[tuple[int, int], Vectors] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._index.close()

    def add(self, *paths: Path) -> Added:
        """Add documents, or all in folders and below, and bring those up to date that are known.

        A file with the same size and time is not read. Documents that are no longer in one of the folders are removed.
        Raises `InputError` for a file that is given and is no document; those in folders are skipped.
        """
        added, known = Added(), self._index.known()
        for path in map(_absolute, paths):
            if not path.is_dir():
                try:
                    self._look(path, known.get(path), added)
                except _NoDocumentError as error:
                    raise InputError(
                        str(error), hint="give a result of framefleet run, or a folder with results"
                    ) from None
                continue
            found = {file for file in _files(path) if file in known or _may_be_document(file)}
            for file in sorted(found):
                try:
                    self._look(file, known.get(file), added)
                except _NoDocumentError as error:
                    added.skipped[file] = str(error)
                    found.discard(file)
            added.gone += self._remove(file for file in known if file.is_relative_to(path) and file not in found)
        return added

    def remove(self, *paths: Path) -> int:
        """Remove documents, or all in folders and below, from the library, not from the disk. Return how many."""
        given = [_absolute(path) for path in paths]
        known = self._index.known()
        return self._remove(file for file in known if any(file.is_relative_to(path) for path in given))

    def documents(self) -> list[Entry]:
        """Return the documents by video, the one that is searched first."""
        query = """SELECT video, path, duration_s, language, stages, failures, usd, finished_at,
                   (SELECT count(*) FROM cards WHERE document = documents.id)
                   FROM documents ORDER BY video, cards_version IS NULL, finished_at DESC, path"""
        with self._index.reading() as db:
            rows = db.execute(query).fetchall()
        return [
            Entry(video, path_of(path), duration_s, language, stages.split(), *rest)
            for video, path, duration_s, language, stages, *rest in rows
        ]

    def embed(self, tell: Tell = lambda _: None) -> int:
        """Give a vector to each text that has none, and return how many had none. Without the model none gets one.

        `search` begins with this. A text takes about 11 CPU ms, once; `tell` is called with a line if there are many.
        """
        query = f"""SELECT text_sha256, {FIELDS} FROM cards WHERE text_sha256 IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM vectors WHERE vectors.text_sha256 = cards.text_sha256 AND model = ?)"""
        with self._index.reading() as db:
            state = self._index.state()
            if state == self._embedded:
                return 0
            missing = {sha256: Card(*rest).meaning for sha256, *rest in db.execute(query, (IDENTITY,))}
            model = self._embedder() if missing else None
            if not missing:
                self._embedded = state
        if model is None:
            return 0
        if len(missing) > _AT_ONCE:
            tell(f"Learning the meaning of {len(missing)} texts, once …")
        texts = sorted(missing.items(), key=lambda item: len(item[1]))  # so that batches are of one length
        for at in range(0, len(texts), _AT_ONCE):
            part = texts[at : at + _AT_ONCE]
            vectors = model.embed([text for _, text in part]).astype(np.float16)
            rows = [(sha256, IDENTITY, vector.tobytes()) for (sha256, _), vector in zip(part, vectors, strict=True)]
            with self._index.writing() as db:
                db.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?)", rows)
        return len(missing)

    def search(self, text: str, *, most: int = 10, tell: Tell = lambda _: None) -> Answer:
        """Return where the words of `text`, or what they mean, occur, best first.

        Words are searched in all languages, the meaning in English. Nothing is left out as too far from it: if little
        fits, the last hits have little to do with the words.
        """
        self.embed(tell)
        with self._index.reading():
            only, languages = self._words_only()
            terms = words.queries(text, beginnings=bool(languages))
            match = self._match(terms)
            rankings = [self._by_words(match)] if terms else []
            vectors = self._all_vectors() if terms and words.is_latin(text) and self._open_model else None
            if vectors and (model := self._embedder()) is not None:
                rankings.append(vectors.nearest(model.embed([text])[0]))
            has_words = frozenset(rankings[0] if rankings else ())
            hits = [
                self._hit(card, score, match if card in has_words else None) for card, score in fused(*rankings)[:most]
            ]
        return Answer(hits, only)

    def _look(self, path: Path, known: Known | None, added: Added) -> None:
        """Read the document if it is new or has changed. Raises `_NoDocumentError`."""
        try:
            stat = path.stat()
            size, mtime_ns = stat.st_size, stat.st_mtime_ns
            if known is not None and known.right and (known.size, known.mtime_ns) == (size, mtime_ns):
                added.same += 1
                return
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            if known is not None and known.right and known.sha256 == sha256:
                self._index.touch(known.id, size, mtime_ns)
                added.same += 1
                return
            document = decode_from(content, str(path))
        except OSError as error:
            raise _NoDocumentError(f"{path}: cannot be read ({error.strerror})") from None
        except InputError as error:
            raise _NoDocumentError(error.message) from None
        self._index.put(path, size, mtime_ns, sha256, document)
        added.new += known is None
        added.changed += known is not None

    def _remove(self, paths: Iterable[Path]) -> int:
        return sum(self._index.remove(path) for path in paths)

    def _match(self, terms: list[str]) -> str:
        """Return the query that finds any of the terms.

        Terms of very many cards say little and cost most: they don't count unless all are.
        """
        count = "SELECT count(*) FROM (SELECT rowid FROM words WHERE words MATCH ? LIMIT ?)"
        with self._index.reading() as db:
            (cards,) = db.execute("SELECT count(*) FROM cards").fetchone()
            common = max(_MANY, cards // 20)
            rare = [one for one in terms if db.execute(count, (one, common)).fetchone()[0] < common]
        return words.any_of(rare or terms)

    def _by_words(self, match: str) -> list[int]:
        query = f"SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words, {WEIGHTS}), rowid LIMIT ?"
        with self._index.reading() as db:
            return [id for (id,) in db.execute(query, (match, MOST_RANKED))]

    def _hit(self, id: int, score: float, match: str | None) -> Hit:
        query = f"""SELECT video, path, {FIELDS} FROM (SELECT document, {FIELDS} FROM cards WHERE id = ?)
                    JOIN (SELECT id, video, path FROM documents) AS documents ON documents.id = document"""
        with self._index.reading() as db:
            video, path, *fields = db.execute(query, (id,)).fetchone()
        card = Card(*fields)
        source = next(iter(card.texts)) if match is None else self._source(id, card, match)
        return Hit(video, path_of(path), card.start_s, card.end_s, source, card.texts[source], round(score, 4))

    def _source(self, id: int, card: Card, match: str) -> Source:
        """Return which of the card's texts has most of the words."""
        marked = ", ".join(f"highlight(words, {column}, char(2), '')" for column in range(5))
        query = f"SELECT {marked} FROM words WHERE rowid = ? AND words MATCH ?"
        with self._index.reading() as db:
            row = db.execute(query, (id, match)).fetchone()
        columns: tuple[Source, ...] = ("speech", "text", card.seen_by, "sounds", "description")
        counts = {source: text.count("\2") for source, text in zip(columns, row, strict=True)}
        return max(card.texts, key=counts.__getitem__)  # of equals the first

    def _words_only(self) -> tuple[str | None, list[str]]:
        """Return what of only words are searched, and the languages that are not English."""
        query = "SELECT DISTINCT language FROM cards WHERE text_sha256 IS NULL"
        with self._index.reading() as db:
            found = {language for (language,) in db.execute(query)}
        languages = sorted("other scripts" if language in {None, "en"} else language for language in found)
        if self._open_model is None:
            return f"searched by words only: {CATALOG[MODEL].title} was not fetched", languages
        told = f"searched by words only in {', '.join(languages)}: the meaning is known for English"
        return (told if languages else None), languages

    def _all_vectors(self) -> Vectors:
        """Return the vectors, read again if the file was changed since."""
        with self._index.reading() as db:
            state = self._index.state()
            if self._vectors is None or self._vectors[0] != state:
                cards = defaultdict[str, list[tuple[int, int]]](list)
                query = "SELECT text_sha256, id, document FROM cards WHERE text_sha256 IS NOT NULL ORDER BY id"
                for sha256, *card in db.execute(query):
                    cards[sha256].append((card[0], card[1]))
                rows = db.execute("SELECT text_sha256, vector FROM vectors WHERE model = ?", (IDENTITY,))
                self._vectors = state, Vectors((vector, cards[sha256]) for sha256, vector in rows if sha256 in cards)
            return self._vectors[1]

    def _embedder(self) -> Model | None:
        if self._model is None and self._open_model is not None:
            self._model = self._open_model()
        return self._model


class _NoDocumentError(Exception):
    """Why a file is not taken."""


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place, name) for name in names if name.endswith(_ENDING))


def _may_be_document(path: Path) -> bool:
    """Return whether the file begins as a document does; other JSON files may be long."""
    try:
        with path.open("rb") as file:
            return _MARK in file.read(_HEAD)
    except OSError:
        return False
