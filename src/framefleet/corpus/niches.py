"""What videos are about, by labels that a person writes: prototypes of a language model, without training.

A label is the mean of its texts and the nearest of them. Of 80 short texts with 10 labels it finds 0.84, where TF-IDF
finds 0.14 to 0.23, because half the texts share no word with the labels (`benchmarks/niches.py`).
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.corpus.labels import Label, read_labels, topics
from framefleet.corpus.reading import read_all
from framefleet.corpus.result import Because, Niche
from framefleet.corpus.shared_words import by_words
from framefleet.corpus.texts import Words, words_of
from framefleet.errors import UsageError

if TYPE_CHECKING:
    from framefleet.schema.document import Document

Vectors = NDArray[np.float32]

UNSURE = 0.5
"""The score below which a label is a guess."""

_TEMPERATURE = 0.03  # of the softmax: with it a score of 0.8 is right in 8 of 10, within 0.1
_CENTRE = 0.6  # of a similarity, how much is that to the centre; the rest is that to the nearest text
_SAME_TOPIC = 0.5  # similarity of a topic to a label from which on they are no rivals
_KIN = 0.45  # of a topic's similarity to the label that it may not claim: what is about both is rather about the label
_MARGIN = 0.045  # by which a topic has to be nearer than any label: 4 in 100 texts with a label are lost to one
_SENTENCES = 3


class Embeds(Protocol):
    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return a vector of length 1 for each text, (n, any)."""


def classify(results: Sequence[Path | str], labels: Path | str | Sequence[Label]) -> list[Niche]:
    """Return the label of each result's video, in the order of their paths.

    `results` are documents, or folders of them; `labels` a file as `framefleet classify` reads, or labels. Raises
    `FrameFleetError`: `SetupError` if the language model was not fetched.
    """
    chosen = read_labels(Path(labels)) if isinstance(labels, Path | str) else list(labels)
    return classify_documents(read_all(map(Path, results)), chosen)


def classify_documents(
    documents: "Mapping[str, Document]", labels: Sequence[Label], model: Embeds | None = None
) -> list[Niche]:
    """Return the label of each document by path.

    `model` is loaded if any may be in English, and used by several threads. Raises `UsageError` without labels.
    """
    if not labels:
        raise UsageError("no labels", hint="give at least one")
    texts = {path: words_of(document, Path(path)) for path, document in documents.items()}
    embedded = {path for path, words in texts.items() if words.texts and words.language is None}
    if embedded and model is None:
        from framefleet.embedding import open_embedder

        model = open_embedder()
    niches = Niches(labels, model) if embedded and model is not None else None

    def one(path: str) -> Niche:
        words, video = texts[path], documents[path].video.path
        if niches is not None and path in embedded:
            return niches.of(words, video, path)
        return by_words(words, labels, video, path)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(one, texts))


class Prototypes:
    """Labels as vectors: the centre of each one's texts, and each of them."""

    def __init__(self, labels: Sequence[Label], model: Embeds) -> None:
        self.names = [label.name for label in labels]
        self._each = [model.embed(label.texts) for label in labels]
        means = np.array([rows.mean(axis=0) for rows in self._each])
        self.centres = means / np.linalg.norm(means, axis=1, keepdims=True)

    def similar(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return how similar texts are to labels, (texts, labels): to the centres and to the nearest texts."""
        if not self.names:
            return np.zeros((len(vectors), 0))
        nearest = np.stack([(vectors @ rows.T).max(axis=1) for rows in self._each], axis=1)
        return np.asarray(_CENTRE * (vectors @ self.centres.T) + (1 - _CENTRE) * nearest, np.float64)

    def without(self, places: NDArray[np.bool_]) -> "Prototypes":
        """Return those at the other places."""
        kept = object.__new__(Prototypes)
        left = np.flatnonzero(~places)
        kept.names, kept._each = [self.names[one] for one in left], [self._each[one] for one in left]
        kept.centres = self.centres[left]
        return kept


class Niches:
    """Labels, their rivals, and a language model that compares them with texts. Used by several threads."""

    def __init__(self, labels: Sequence[Label], model: Embeds, rivals: Sequence[Label] | None = None) -> None:
        self._model = model
        self.labels = Prototypes(labels, model)
        others = Prototypes(topics() if rivals is None else rivals, model)
        kin = others.centres @ self.labels.centres.T
        self.rivals = others.without(kin.max(axis=1) >= _SAME_TOPIC)
        self._kin = kin[kin.max(axis=1) < _SAME_TOPIC]

    def of(self, words: Words, video: str, document: str) -> Niche:
        """Return the label of a video by its texts, of which there is at least one."""
        vectors = self._model.embed([text.text for text in words.texts])
        weights = np.array([text.weight for text in words.texts])
        weights = weights / weights.sum()
        each, rivals = self.labels.similar(vectors), self.rivals.similar(vectors)
        scores = weights @ each
        order = np.argsort(-scores, kind="stable")
        best = int(order[0])
        claims = np.append(weights @ rivals - _KIN * self._kin[:, best] - _MARGIN, -1.0)
        none = bool(claims.max() > scores[best])
        score = softmax(np.append(scores, claims.max()))[-1 if none else best]
        lead = rivals[:, int(claims.argmax())] - each.max(axis=1) if none else _lead(each, best)
        return Niche(
            video=video,
            document=document,
            label=None if none else self.labels.names[best],
            score=round(float(score), 4),
            second=self.labels.names[best if none else int(order[1])] if len(order) > 1 else None,
            unsure=bool(score < UNSURE),
            because=because(words, lead * weights),
        )


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return similarities as shares of 1."""
    powers = np.exp((scores - scores.max()) / _TEMPERATURE)
    return np.asarray(powers / powers.sum(), np.float64)


def because(words: Words, counted: NDArray[np.float64]) -> list[Because]:
    """Return the texts that count most, those that count against it left out."""
    order = [place for place in np.argsort(-counted, kind="stable")[:_SENTENCES] if counted[place] > 0]
    return [Because(words.texts[place].text, words.texts[place].start_s) for place in order]


def _lead(each: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """Return by how much each text is more similar to the label than to the others on average."""
    others = np.delete(each, label, axis=1)
    return each[:, label] - (others.mean(axis=1) if others.shape[1] else 0.0)
