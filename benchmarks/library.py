"""What does a library of 100 hours cost: building it, the meaning of its texts, and a search in it?

Generated documents of an hour each (9,000 words of speech, a scene every 8 s, texts, sounds, tracks) are written to a
folder and added. Of one hour, all texts are embedded; the others get random vectors, since a search costs the same.

    python benchmarks/library.py [--hours 100] [--rounds 5]

Seconds are of CPU, all threads of this process. The model comes with `python -m framefleet.models.fetch minilm`.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from msgspec.structs import replace

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "src"), str(HERE)]

from framefleet.embedding import IDENTITY, SIZE, open_embedder  # noqa: E402
from framefleet.library import Library  # noqa: E402
from framefleet.schema.codec import encode  # noqa: E402
from framefleet.schema.document import Document  # noqa: E402
from framefleet.schema.speech import Segment, Transcription, Word  # noqa: E402
from record import record  # noqa: E402
from report_document import make_document  # noqa: E402

HOUR_S = 3600
WORDS = 9000  # of an hour
SENTENCE = 12  # words
SEARCHES = ("an astronaut in space", "the truth about the rabbit", "fortune", "who reads a book without pictures?")


def cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def hour(number: int, plain: Document, vocabulary: list[str]) -> Document:
    """A document of its own video, in which other words are said."""
    rng = np.random.default_rng(number)
    said = [vocabulary[int(i)] for i in rng.zipf(1.2, WORDS) % len(vocabulary)]
    each, segments = HOUR_S / WORDS, list[Segment]()
    for at in range(0, WORDS, SENTENCE):
        part = said[at : at + SENTENCE]
        spoken = [
            Word(round((at + i) * each, 2), round((at + i + 1) * each, 2), f" {w}", 0.9) for i, w in enumerate(part)
        ]
        segments.append(Segment(spoken[0].start_s, spoken[-1].end_s, " ".join(part), -0.1, 0.0, spoken))
    video = replace(plain.video, path=f"hour {number}.mp4", sha256=f"{number:064x}")
    return replace(plain, video=video, transcription=Transcription("en", " ".join(said), segments), failures=[])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    text = (HERE / "speech_text.txt").read_text(encoding="utf-8").split()
    vocabulary = [*dict.fromkeys(text), *(f"{word}{end}" for end in ("ward", "ness", "ful", "ism") for word in text)]
    plain = make_document(HOUR_S, 7200, WORDS)
    figures: dict[str, object] = {"hours": options.hours}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.hours):
            Path(folder, f"{number}_results.json").write_bytes(encode(hour(number, plain, vocabulary)))
        path = Path(folder, "library.sqlite3")
        model = open_embedder()
        with Library(path, open_model=lambda: model) as library:
            figures["built, CPU s"] = round(cpu(lambda: library.add(Path(folder))), 1)
            figures["nothing to do, CPU s"] = round(cpu(lambda: library.add(Path(folder))), 3)
            figures["cards"] = sum(entry.cards for entry in library.documents())
            random_vectors(path, but=Path(folder, "0_results.json"))
            embedded = list[int]()
            seconds = cpu(lambda: embedded.append(library.embed()))
            figures["texts embedded of an hour"] = embedded[0]
            figures["their vectors, CPU s"] = round(seconds, 2)
            figures["vectors again, CPU s"] = round(cpu(library.embed), 3)
            figures["first search (reads all vectors), CPU s"] = round(cpu(lambda: library.search(SEARCHES[0])), 2)
            for words in SEARCHES:
                each = [1000 * cpu(lambda words=words: library.search(words)) for _ in range(options.rounds)]  # type: ignore[misc]
                figures[f"search “{words}”, CPU ms"] = round(median(each), 1)
        figures["file, MB"] = round(path.stat().st_size / 1e6)
    record("library", figures)


def random_vectors(path: Path, but: Path) -> None:
    """Give a random vector to all texts but those of one document."""
    rng = np.random.default_rng(0)
    with sqlite3.connect(path) as db:
        query = """SELECT DISTINCT text_sha256 FROM cards WHERE text_sha256 NOT NULL AND text_sha256 NOT IN
                   (SELECT text_sha256 FROM cards JOIN documents ON documents.id = document WHERE path = ?)"""
        for (sha256,) in db.execute(query, (bytes(but),)).fetchall():
            vector = rng.standard_normal(SIZE).astype(np.float32)
            stored = (vector / np.linalg.norm(vector)).astype(np.float16).tobytes()
            db.execute("INSERT INTO vectors VALUES (?, ?, ?)", (sha256, IDENTITY, stored))
    db.close()


if __name__ == "__main__":
    main()
