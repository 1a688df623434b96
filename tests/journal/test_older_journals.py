"""What an older version has paid for stays paid."""

import shutil
from pathlib import Path

import pytest

from framefleet.journal.file import FILE_NAME
from tests.journal.data import generate

DATA = Path(__file__).parent / "data"


@pytest.mark.full
def test_all_that_an_older_version_was_answered_about_an_ordinary_video_is_good_still(
    sample: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    shutil.copy(DATA / "first.sqlite3", tmp_path / "out" / FILE_NAME)
    document, jobs = generate.run(sample, tmp_path / "out")
    assert jobs == 0
    assert document.cost.usd == 0
    assert document.failures == []
    assert len(document.detections) == 25
    assert document.transcription.text == "Hello"
    assert document.text.spans[0].text == "EXIT"
    assert document.sounds.events[0].label == "Speech"
