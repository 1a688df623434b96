"""Which files of a folder are documents."""

import os
from pathlib import Path

import pytest

from framefleet.schema.codec import encode
from framefleet.storage.folder import documents_in
from tests.results.make import make_document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    content = encode(make_document())
    for name in ("clip_results.json", "renamed.json", "below/other_results.json", ".hidden_results.json"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "corpus.json").write_text('{"videos": []}', encoding="utf-8")
    (tmp_path / "clip.info.json").write_text('{"title": "A clip"}', encoding="utf-8")
    (tmp_path / "empty_results.json").touch()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe_results.json")
    return tmp_path


def names(folder: Path, *, below: bool = True) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in documents_in(folder, below=below)}


def test_documents_are_told_by_how_they_begin_whatever_they_are_called(folder: Path) -> None:
    assert names(folder) == {"clip_results.json", "renamed.json", "empty_results.json", "below/other_results.json"}


def test_folders_in_it_are_left_out_if_only_it_is_meant(folder: Path) -> None:
    assert names(folder, below=False) == {"clip_results.json", "renamed.json", "empty_results.json"}


def test_what_is_known_to_be_one_is_not_looked_into(folder: Path) -> None:
    other = folder / "corpus.json"
    assert other in set(documents_in(folder, known={other}))
