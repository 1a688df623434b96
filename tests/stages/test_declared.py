"""A stage that another package declares is planned, priced, asked, kept and shown as if it were one of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framefleet.config.loading import make_options
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.session import execute, prepare
from framefleet.stages.registry import registered
from tests.media.make import make_video
from tests.stages.describing import DESCRIBE, Describer

SCENES = "[[0, 1.5], [1.5, 3.0], [3.0, 5.0]]"


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    with registered(DESCRIBE):
        yield


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Five seconds: dark, grey, light."""
    shades = [20] * 15 + [128] * 15 + [235] * 20
    pictures = [np.full((96, 128, 3), shade, np.uint8) for shade in shades]
    return make_video(tmp_path / "film.mp4", frames=50, fps=10, size=(128, 96), pictures=pictures)


def options(tmp_path: Path, **more: Any) -> Any:
    given = tmp_path / "scenes.json"
    given.write_text(SCENES)
    return make_options({"stages": "describe", "scenes": given, "output_dir": tmp_path / "out"} | more)


def analysed(film: Path, fleet: Any, options: Any) -> Document:
    prepared = prepare(film, options, fleet)
    execute(prepared)
    return read_document(prepared.path)


def test_it_gets_three_pictures_of_each_scene_is_paid_once_and_kept(emulate: Any, film: Path, tmp_path: Path) -> None:
    describer = Describer()
    service = emulate(describe=describer)
    document = analysed(film, service.fleet, options(tmp_path))
    assert describer.requests == [3, 3, 3]
    assert document.further["describe"].label == "described"
    told = [(one.start_s, one.end_s, one.text) for one in document.further["describe"].spans]
    assert told == [
        (0, 1.5, "dark / dark / dark"),
        (1.5, 3.0, "grey / grey / grey"),
        (3.0, 5.0, "light / light / light"),
    ]
    assert document.further["describe"].data[0] == {"start_s": 0, "end_s": 1.5, "words": "dark / dark / dark"}
    assert [scene.results for scene in document.scenes or ()] == [
        {"described": ["dark / dark / dark"]},
        {"described": ["grey / grey / grey"]},
        {"described": ["light / light / light"]},
    ]
    assert document.cost.usd > 0
    assert document.failures == []
    again = analysed(film, service.fleet, options(tmp_path))
    assert len(describer.requests) == 3
    assert again.cost.usd == 0
    assert again.further == document.further
