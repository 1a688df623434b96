"""The folder that the command line writes into: what else may lie there, and what a list reads of it."""

import json
import os
from pathlib import Path

import pytest

from framefleet.errors import InputError, OutputError
from framefleet.schema.codec import encode
from framefleet.storage import open_results
from framefleet.storage.folder import FolderResults, name_of
from framefleet.storage.sqlite import SqliteResults
from tests.contracts.places import CAT, about


@pytest.fixture
def store(tmp_path: Path) -> FolderResults:
    return FolderResults(tmp_path / "new" / "folder")


def listed(store: FolderResults) -> list[str]:
    return [result.name for result in store.list().results]


def test_claiming_a_place_leaves_nothing_there(store: FolderResults) -> None:
    store.claim("clip.v2", CAT)
    assert list(store.folder.iterdir()) == []
    store.put("clip.v2", about(CAT))
    (path,) = store.folder.iterdir()
    assert path.name == "clip.v2_results.json"
    assert name_of(path) == "clip.v2"
    assert path.read_bytes() == encode(about(CAT))


def test_what_else_lies_there_is_left_alone(store: FolderResults) -> None:
    store.put("clip", about(CAT))
    (store.folder / "notes_results.json").write_text("{}")
    (store.folder / "half_results.json").write_bytes(encode(about(CAT))[:200])
    (store.folder / ".framefleet._results.json").write_bytes(encode(about(CAT)))  # of a run that was killed
    (store.folder / "clip_report.html").touch()
    (store.folder / "folder_results.json").mkdir()
    assert listed(store) == ["clip"]
    for name in ("notes", "half", "folder"):
        assert store.find(name) is None
        for use in (store.claim, lambda name, _: store.put(name, about(CAT)), lambda name, _: store.delete(name)):
            with pytest.raises(OutputError, match="not a document of FrameFleet"):
                use(name, CAT)
        with pytest.raises(InputError):
            store.get(name)
    assert len(list(store.folder.iterdir())) == 6


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(store: FolderResults) -> None:
    store.folder.mkdir(parents=True)
    os.mkfifo(store.path("clip"))
    assert store.find("clip") is None
    assert listed(store) == []
    with pytest.raises(OutputError, match="not a document"):
        store.claim("clip", CAT)


def test_a_document_in_another_layout_is_listed_too(store: FolderResults) -> None:
    """Others may have written it: sorted keys, on one line."""
    store.put("clip", about(CAT))
    (ours,) = store.list().results
    tree = json.loads(store.path("clip").read_bytes())
    for content in (json.dumps(tree), json.dumps(tree, sort_keys=True), json.dumps(tree, indent=1)):
        store.path("clip").write_text(content)
        (theirs,) = store.list().results
        assert (theirs.name, theirs.sha256, theirs.path) == (ours.name, ours.sha256, ours.path)


def test_of_a_large_document_a_list_reads_the_start(store: FolderResults) -> None:
    store.put("clip", about(CAT, "x" * 1_000_000))
    whole = store.path("clip").read_bytes()
    store.path("clip").write_bytes(whole[:70_000])  # as if the rest could not be read
    assert listed(store) == ["clip"]
    assert store.find("clip") is None  # where it counts, all of it is


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file: cannot be read"):
        FolderResults(tmp_path / "file").list()
    for use in (lambda s: s.claim("clip", CAT), lambda s: s.put("clip", about(CAT))):
        with pytest.raises(OutputError, match=r"cannot be written|in the way"):
            use(FolderResults(tmp_path / "file"))


def test_a_store_by_its_name(tmp_path: Path) -> None:
    folder, file = open_results(tmp_path), open_results(f"sqlite:{tmp_path / 'results.sqlite3'}")
    assert isinstance(folder, FolderResults)
    assert isinstance(file, SqliteResults)
    file.close()
