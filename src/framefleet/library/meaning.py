"""What the texts of a library mean: a vector of each different one, and the cards whose vectors are nearest.

Without the model, or if it cannot be loaded, nothing has a meaning, and searches are by words only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.embedding import IDENTITY, MODEL, SIZE, has_embedder, open_embedder
from framefleet.errors import SetupError
from framefleet.library.cards import Card
from framefleet.library.index import FIELDS, Index
from framefleet.models.catalog import CATALOG

_AT_ONCE = 256  # texts embedded in one transaction: 3 s of work
_BLOCK = 1024
"""Vectors that are compared at once: so few that NumPy takes one thread. Several take two to four times the CPU here,
since they wait for memory, and for each other."""

Tell = Callable[[str], object]


class Model(Protocol):
    """What knows the meaning of texts: `Embedder`, or another of the same size."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]: ...


class Meanings:
    """The vectors of an index. `lacking` is why there is no model, as far as is known; None if there is one."""

    def __init__(self, index: Index, open_model: Callable[[], Model] | None = None) -> None:
        self._index = index
        self._open_model = open_model or open_embedder
        self._model: Model | None = None
        self._learned: tuple[int, int] | None = None  # the state of the file in which each text had a vector
        self._vectors: tuple[tuple[int, int], Vectors] | None = None
        self.lacking: str | None = None
        if open_model is None and not has_embedder():
            self.lacking = f"{CATALOG[MODEL].title} was not fetched"

    def learn(self, tell: Tell) -> int:
        """Give a vector to each text that has none. Return how many had none."""
        query = f"""SELECT text_sha256, {FIELDS} FROM cards WHERE text_sha256 IS NOT NULL AND NOT EXISTS
                    (SELECT 1 FROM vectors WHERE vectors.text_sha256 = cards.text_sha256 AND model = ?)"""
        with self._index.reading() as db:
            state = self._index.state()
            if self.lacking is not None or state == self._learned:
                return 0
            missing = {sha256: Card(*rest).meaning for sha256, *rest in db.execute(query, (IDENTITY,))}
            model = self._loaded() if missing else None
            if not missing:
                self._learned = state
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

    def nearest(self, text: str, most: int) -> list[int] | None:
        """Return the cards nearest to what the text means, nearest first; None without a model or any vector."""
        if self.lacking is not None or not (vectors := self._read()):
            return None
        model = self._loaded()
        return None if model is None else vectors.nearest(model.embed([text])[0], most)

    def _read(self) -> "Vectors":
        """Return the vectors, read again if the file was changed since."""
        with self._index.reading() as db:
            state = self._index.state()
            if self._vectors is None or self._vectors[0] != state:
                cards = defaultdict[str, list[tuple[int, int]]](list)
                query = "SELECT text_sha256, id, document FROM cards WHERE text_sha256 IS NOT NULL ORDER BY id"
                for sha256, card, document in db.execute(query):
                    cards[sha256].append((card, document))
                rows = db.execute("SELECT text_sha256, vector FROM vectors WHERE model = ?", (IDENTITY,))
                self._vectors = state, Vectors((vector, cards[sha256]) for sha256, vector in rows if sha256 in cards)
            return self._vectors[1]

    def _loaded(self) -> Model | None:
        if self._model is None and self.lacking is None:
            try:
                self._model = self._open_model()
            except SetupError as error:
                self.lacking = str(error)
        return self._model


class Vectors:
    """The vectors of all different texts, and the cards that each stands for: (card, document). 92 MB for 60,000."""

    def __init__(self, rows: Iterable[tuple[bytes, Sequence[tuple[int, int]]]]) -> None:
        blobs, self._cards = [], list[Sequence[tuple[int, int]]]()
        for blob, cards in rows:
            blobs.append(blob)
            self._cards.append(cards)
        blocks = range(0, len(blobs), _BLOCK)
        self._blocks = np.zeros((len(blocks), SIZE, _BLOCK), np.float32)
        for block, at in zip(self._blocks, blocks, strict=True):
            stored = np.frombuffer(b"".join(blobs[at : at + _BLOCK]), np.float16).reshape(-1, SIZE)
            block[:, : len(stored)] = stored.T

    def __len__(self) -> int:
        return len(self._cards)

    def nearest(self, vector: NDArray[np.float32], most: int) -> list[int]:
        """Return the cards nearest to the vector, nearest first; of those of a document with one text, the first."""
        scores = (vector @ self._blocks).ravel()[: len(self)]
        best = np.argpartition(-scores, most)[:most] if len(scores) > most else np.arange(len(scores))
        found: list[int] = []
        for row in best[np.argsort(-scores[best], kind="stable")].tolist():
            firsts: dict[int, int] = {}
            for card, document in self._cards[row]:
                firsts.setdefault(document, card)
            found += firsts.values()
        return found[:most]
