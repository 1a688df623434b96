from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.document import Document
from tests.faults.world import PICTURES, World, impatient
from tests.media.make import make_video


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of numbered pictures with a tone."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_video(path, frames=PICTURES, fps=10, size=(128, 96), audio="aac")


@pytest.fixture
def world(tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """`world(faults=…)` starts an emulated service that ends with the test; client and service wait little."""
    impatient(monkeypatch)
    started = []

    def start(**settings: Any) -> World:
        started.append(World(tmp_path / f"output{len(started)}", film, **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture(scope="session")
def faultless(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Document:
    """The document of a run in which nothing went wrong."""
    calm = World(tmp_path_factory.mktemp("calm"), film)
    document = calm.run()
    calm.close()
    return document
