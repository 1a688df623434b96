"""Files are whole or not there."""

import os
import stat
import sys
from pathlib import Path

import pytest

from framefleet.errors import OutputError
from framefleet.storage.atomic import whole_file, write_whole


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip.srt"
    write_whole(path, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as temporary:
        assert temporary.suffix == ".srt"
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"gone.clip\.srt: there is no folder .*gone; create it, or give another$"):
        write_whole(tmp_path / "gone" / "clip.srt", b"")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / "file" / "clip.srt", b"")
    assert "space" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "clip.srt", b"")
    assert stat.S_IMODE((tmp_path / "clip.srt").stat().st_mode) == 0o644


def test_what_is_there_is_not_replaced_unless_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "clip.srt"
    write_whole(path, b"first", over=False)
    with pytest.raises(FileExistsError):
        write_whole(path, b"second", over=False)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_where_there_are_no_links_a_new_file_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", unknown)
    test_what_is_there_is_not_replaced_unless_it_may_be(tmp_path)
