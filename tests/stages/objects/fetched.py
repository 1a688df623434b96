"""Networks of the detectors that are fetched, laid where they would be; the catalog is of their sha256."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from framefleet.models import fetch as fetching
from framefleet.models import file_sha256, store
from framefleet.models.catalog import CATALOG
from framefleet.stages.objects import models

from .networks import dfine, yolox


def fetched_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """`put("d-fine-n")` puts a network of that format into `folder`, from which models are taken from now on."""
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(folder))
    catalog = dict(CATALOG)
    for module in (fetching, store, models):
        monkeypatch.setattr(module, "CATALOG", catalog)

    def put(name: str) -> Path:
        path = folder / name / f"{name}.onnx"
        path.parent.mkdir(parents=True)
        if name.startswith("d-fine"):
            dfine(path, [(0, 0.9, (0.5, 0.5, 0.2, 0.4))])
        else:
            yolox(path, [(0, 0.9, (104, 104, 52, 52))], side=models.SIDE[name])
        catalog[name] = replace(catalog[name], files={path.name: file_sha256(path)})
        return path

    return put
