"""`framefleet run --stages faces`: boxes in the document, found in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.models.store import has_model
from framefleet.schema.codec import read_document
from tests.cli.conftest import Told
from tests.outputs.redaction.passing import passing

Cli = Callable[..., Told]


@pytest.mark.full
@pytest.mark.skipif(
    not has_model("centerface"), reason="CenterFace was not fetched: python -m framefleet.models.fetch centerface"
)
def test_faces_are_in_the_document_and_can_be_shown(cli: Cli, tmp_path: Path) -> None:
    video = passing(tmp_path / "passing.mp4", seconds=2.0)
    assert cli("run", video, "--stages", "faces", "--faces-fps", "5").code == 0
    path = tmp_path / "output" / "passing_results.json"
    results: Any = read_document(path).results
    assert len(results["faces"].data) == 10
    first = results["faces"].spans[0]
    assert (first.label, first.start_s) == ("face", 0.0)
    told = cli("show", path, "--find", "face")
    assert told.code == 0, told


def test_without_the_model_the_run_says_what_to_do(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    video = passing(tmp_path / "passing.mp4", seconds=0.2)
    told = cli("run", video, "--stages", "faces")
    assert told.code == 2
    assert "models.fetch centerface" in told.err
