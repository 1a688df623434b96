"""The search itself: the ranks by words and by meaning, fused."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.embedding import SIZE

MOST_RANKED = 50  # of each way
_EARLY = 10
"""In a sum of 1 / (`_EARLY` + rank), how much the first ranks count over the next. 60 is usual for long lists; with 10,
the right one was first more often in cards of few videos."""


class Model(Protocol):
    """What knows the meaning of texts: `Embedder`, or another of the same size."""

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]: ...


def fused(*rankings: Sequence[int]) -> list[tuple[int, float]]:
    """Return what is ranked anywhere, best first, with a score from 0 to 1: 1 for what is first everywhere.

    Of equals, those of the first ranking come first.
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, card in enumerate(ranking):
            scores[card] += _EARLY / (_EARLY + rank) / len(rankings)
    return sorted(scores.items(), key=lambda item: -item[1])


class Vectors:
    """The vectors of all different texts, and the cards that each stands for: (card, document). 92 MB for 60,000."""

    def __init__(self, rows: Iterable[tuple[bytes, Sequence[tuple[int, int]]]]) -> None:
        blobs, self._cards = [], list[Sequence[tuple[int, int]]]()
        for blob, cards in rows:
            blobs.append(blob)
            self._cards.append(cards)
        stored = np.frombuffer(b"".join(blobs), np.float16).reshape(-1, SIZE)
        self._matrix: NDArray[np.float32] = np.ascontiguousarray(stored.T, np.float32)  # so, half the time of a search

    def __len__(self) -> int:
        return len(self._cards)

    def nearest(self, vector: NDArray[np.float32], most: int = MOST_RANKED) -> list[int]:
        """Return the cards nearest to the vector, nearest first; of those of a document with one text, the first."""
        scores = vector @ self._matrix
        best = np.argpartition(-scores, most)[:most] if len(scores) > most else np.arange(len(scores))
        found: list[int] = []
        for row in best[np.argsort(-scores[best], kind="stable")].tolist():
            firsts: dict[int, int] = {}
            for card, document in self._cards[row]:
                firsts.setdefault(document, card)
            found += firsts.values()
        return found[:most]
