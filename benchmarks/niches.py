"""python benchmarks/niches.py [TEXTS.toml|TEXTS.json …]

Measure how often `framefleet classify` finds the right label of short texts, and how many texts about none of them.
TEXTS have labels with `texts` each, and texts of none; by default benchmarks/niche_texts.toml. A JSON file has `labels`
by name and `texts` as pairs of a name, or null, and a text.
"""

import argparse
import json
import time
import tomllib
from itertools import pairwise
from pathlib import Path

import numpy as np

from framefleet.corpus.labels import Label
from framefleet.corpus.niches import _KIN, Niches
from framefleet.corpus.texts import Text, Words
from framefleet.embedding import open_embedder
from record import record

HERE = Path(__file__).parent


def read(path: Path) -> tuple[list[Label], list[tuple[str | None, str]]]:
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        labels = [Label(name, one["description"], one["examples"]) for name, one in content["labels"].items()]
        return labels, [tuple(pair) for pair in content["texts"]]
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    labels = [Label(one["name"], one["description"], one["examples"]) for one in content["label"]]
    texts: list[tuple[str | None, str]] = [(one["name"], text) for one in content["label"] for text in one["texts"]]
    return labels, texts + [(None, text) for one in content["none"] for text in one["texts"]]


def auroc(known: np.ndarray, none: np.ndarray) -> float:
    return float((known[:, None] > none[None, :]).mean() + 0.5 * (known[:, None] == none[None, :]).mean())


def measure(path: Path) -> dict[str, object]:
    labels, texts = read(path)
    model = open_embedder()
    niches = Niches(labels, model)
    began = time.process_time()
    found = [niches.of(Words([Text(text, 1.0)], None), "", "") for _, text in texts]
    cpu_ms = 1000 * (time.process_time() - began) / len(texts)
    vectors = model.embed([text for _, text in texts])
    each = niches.labels.similar(vectors)
    rivals = niches.rivals.similar(vectors) - _KIN * niches._kin[:, each.argmax(axis=1)].T
    truth = [name for name, _ in texts]
    known = np.array([name is not None for name in truth])
    best = [niches.labels.names[place] for place in each.argmax(axis=1)]
    right = np.array([a == b for a, b in zip(best, truth, strict=True)])
    kept = np.array([one.label is not None for one in found])
    lead = each.max(axis=1) - rivals.max(axis=1)
    scores = np.array([one.score for one in found])
    sure = known & kept
    correct = np.array([one.label == name for one, name in zip(found, truth, strict=True)])
    edges = np.linspace(0, 1, 9)
    calibration = sum(
        inside.mean() * abs(scores[sure][inside].mean() - correct[sure][inside].mean())
        for low, high in pairwise(edges)
        if (inside := (scores[sure] > low) & (scores[sure] <= high)).any()
    )
    return {
        "texts": len(texts),
        "labels": len(labels),
        "rivals": len(niches.rivals.names),
        "best_label_right": round(float(right[known].mean()), 3),
        "right": round(float(correct[known].mean()), 3),
        "known_lost_to_none": round(float((~kept)[known].mean()), 3),
        "none_found": round(float((~kept)[~known].mean()), 3),
        "auroc": round(auroc(lead[known], lead[~known]), 3),
        "calibration_error": round(float(calibration), 3),
        "cpu_ms_per_text": round(cpu_ms, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip(), formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("texts", nargs="*", type=Path, default=[HERE / "niche_texts.toml"])
    asked = parser.parse_args()
    found = {path.name: measure(path) for path in asked.texts}
    print(json.dumps(found, indent=1))
    record("niches", found)


if __name__ == "__main__":
    main()
