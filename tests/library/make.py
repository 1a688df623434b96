"""Documents of made-up videos, and a model that knows a few words."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from framefleet.embedding import SIZE
from framefleet.schema.document import Document
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.speech import Segment, Transcription
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from tests.results.make import make_document, write_document

BOX = (1.0, 2.0, 30.0, 40.0)

ALIKE = {"astronaut": "space", "orbit": "space", "rocket": "space", "kitten": "cat", "dough": "bread", "loaf": "bread"}


class KnowsFewWords:
    """Texts are alike if they share a word, or one that ALIKE calls the same."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str], /) -> NDArray[np.float32]:
        self.asked += texts
        vectors = np.zeros((len(texts), SIZE), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for word in text.casefold().replace(".", " ").replace("?", " ").split():
                vector[hashlib.sha256(ALIKE.get(word, word).encode()).digest()[0]] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)


def document(
    *said: tuple[float, float, str],
    name: str = "clip.mp4",
    language: str | None = "en",
    written: Sequence[tuple[float, float, str]] = (),
    tracks: Sequence[tuple[float, float, str]] = (),
    cuts: Sequence[float] = (),
    duration_s: float = 60.0,
) -> Document:
    """A document of a video with nothing but these spans, whose content is named after it."""
    made = make_document()
    edges = [0.0, *cuts, duration_s]
    segments = [Segment(start, end, text, -0.1, 0.0) for start, end, text in said]
    return replace(
        made,
        video=replace(made.video, path=name, sha256=hashlib.sha256(name.encode()).hexdigest(), duration_s=duration_s),
        detections=None,
        transcription=Transcription(language, " ".join(text for *_, text in said), segments),
        text=TextResult([TextSpan(text, start, end, BOX, 0.9, 2) for start, end, text in written], 1, 0, 0),
        scenes=[
            SceneEntry(
                index=index,
                start_s=start,
                end_s=end,
                thumbnail_s=start,
                objects={},
                speech="",
                sounds=[],
                text=[],
            )
            for index, (start, end) in enumerate(pairwise(edges))
        ],
        tracks=TracksResult(
            [
                Track(id, label, 0, start, end, True, [TrackBox(0, 0, at, BOX, 0.9) for at in (start, end)])
                for id, (start, end, label) in enumerate(tracks, 1)
            ]
        ),
        sounds=None,
        failures=[],
    )


def put(folder: Path, made: Document) -> Path:
    """Write the document as a run does."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{Path(made.video.path).stem}_results.json"
    write_document(made, path)
    return path
