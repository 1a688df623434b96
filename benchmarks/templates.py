"""python benchmarks/templates.py CLIPS RESULTS [CLIPS RESULTS …]

Measure whether `framefleet templates` finds known templates again. CLIPS is a folder of benchmarks/template_clips.py,
whose kinds.json names the kind of each clip; RESULTS those of `framefleet run CLIPS --stages all --fps 2 -o RESULTS`.
Agreement is the adjusted Rand index: 1 for the same parts, 0 for parts at random; a one-off video is a part of its own.
"""

import argparse
import json
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace

from framefleet.corpus.grouping import templates_of
from framefleet.corpus.reading import read_all
from framefleet.corpus.result import Templates
from framefleet.schema.document import Document
from record import record

MASKS, ORDERS = 24, 8
STAGES = {"text": None, "transcription": None, "sounds": None, "detections": None, "scenes": None, "results": UNSET}


def agreement(a: Sequence[str], b: Sequence[str]) -> float:
    """Return the adjusted Rand index of two ways to part the same things."""
    one, other = (np.unique(those, return_inverse=True)[1] for those in (a, b))
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1) / 2).sum())

    both, rows, columns = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = rows * columns / max(1.0, len(a) * (len(a) - 1) / 2)
    return 1.0 if rows == columns == both else (both - expected) / ((rows + columns) / 2 - expected)


def parts(found: Templates) -> dict[str, str]:
    return {one.document: one.cluster or one.document for one in found.videos}


def score(documents: Mapping[str, Document], kinds: Mapping[str, str]) -> float:
    of = parts(templates_of(documents))
    return agreement([of[path] for path in documents], [kinds[path] for path in documents])


def without(documents: Mapping[str, Document], share: float, seed: int) -> dict[str, Document]:
    """Return the documents, each without any stage with that probability."""
    rng = random.Random(seed)
    return {
        path: replace(document, **{name: gone for name, gone in STAGES.items() if rng.random() < share})
        for path, document in documents.items()
    }


def as_they_come(documents: Mapping[str, Document]) -> dict[int, dict[str, float]]:
    """Return how far the templates of the first clips, in several orders, are those that all of them have at last."""
    found: dict[int, list[float]] = {}
    for seed in range(ORDERS):
        order = sorted(documents)
        random.Random(seed).shuffle(order)
        last = parts(templates_of(documents))
        for count in range(12, len(order), 3):
            now = parts(templates_of({path: documents[path] for path in order[:count]}))
            found.setdefault(count, []).append(agreement(list(now.values()), [last[path] for path in now]))
    return {count: summary(scores) for count, scores in found.items()}


def summary(scores: Sequence[float]) -> dict[str, float]:
    return {"mean": round(float(np.mean(scores)), 3), "least": round(min(scores), 3)}


def measure(clips: Path, results: Path) -> dict[str, object]:
    named = json.loads((clips / "kinds.json").read_text(encoding="utf-8"))
    documents = read_all([results])
    kinds = {path: named[Path(document.video.path).name] for path, document in documents.items()}
    even = {path: document for path, document in documents.items() if kinds[path] != "odd"}
    began = time.process_time()
    found = templates_of(documents)
    cpu_s = time.process_time() - began
    missing = {
        f"agreement_with_{share:.0%}_of_stages_missing": summary(
            [score(without(documents, share, seed), kinds) for seed in range(MASKS)]
        )
        for share in (0.2, 0.4)
    }
    return {
        "videos": len(documents),
        "kinds": len(set(kinds.values())),
        "templates": len(found.clusters),
        "alone": {kind: sum(kinds[path] == kind for path in found.alone) for kind in sorted(set(kinds.values()))},
        "agreement": round(score(documents, kinds), 3),
        "agreement_without_odd_ones": round(score(even, kinds), 3),
        **missing,
        "as_they_come": as_they_come(documents),
        "cpu_s": round(cpu_s, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip(), formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="CLIPS RESULTS")
    asked = parser.parse_args()
    pairs = zip(asked.folders[::2], asked.folders[1::2], strict=True)
    found = {clips.name: measure(clips, results) for clips, results in pairs}
    print(json.dumps(found, indent=1))
    record("templates", found)


if __name__ == "__main__":
    main()
