"""framefleet.toml keeps all that is in it but the ids."""

import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import OutputError, UsageError
from framefleet.fleet.deploy import endpoint_ids
from framefleet.fleet.deploy.endpoint_ids import edited, remember

FILE = """\
# mine
fps = 2  # a second
classes = [
  "person",  # [endpoints]
]

[endpoints]  # where they are
# the big one
yolo = "old"   # since May
'whisper'='w1'

[other]
yolo = "not this"
"""


def test_only_the_id_changes() -> None:
    assert edited(FILE, {"yolo": "new"}) == FILE.replace('"old"', '"new"')
    assert edited(FILE, {"whisper": "w2"}) == FILE.replace("'whisper'='w1'", 'whisper = "w2"')
    assert edited(FILE, {"yolo": "old"}) == FILE
    assert edited(FILE, {"yolo": None}) == FILE.replace('yolo = "old"   # since May\n', "")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[endpoints]\nyolo = "a"\n'),
        ("fps = 1", 'fps = 1\n\n[endpoints]\nyolo = "a"\n'),
        ("fps = 1\n", 'fps = 1\n\n[endpoints]\nyolo = "a"\n'),
        ("[endpoints]", '[endpoints]\nyolo = "a"\n'),
        ('[endpoints]\nwhisper = "b"', '[endpoints]\nyolo = "a"\nwhisper = "b"'),
        ("fps = 1\r\n[endpoints]\r\n", 'fps = 1\r\n[endpoints]\nyolo = "a"\n'),
    ],
)
def test_it_is_added_where_there_is_none(before: str, after: str) -> None:
    assert edited(before, {"yolo": "a"}) == after


@pytest.mark.parametrize(
    "text",
    [
        'endpoints = {yolo = "old"}\n',
        'endpoints.yolo = "old"\n',
        'text = """\n[endpoints]\n"""\n',
        '[endpoints]\nyolo = """old"""\n',
        "[endpoints\n",
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(text: str) -> None:
    with pytest.raises(UsageError, match=r"framefleet\.toml"):
        edited(text, {"yolo": "new"})


def test_a_text_that_looks_like_the_table_is_not_changed() -> None:
    with pytest.raises(UsageError, match="cannot be changed safely"):
        edited('text = """\n[endpoints]\nyolo = "a"\n"""\n', {"yolo": None})


@given(st.text(alphabet="[]endpoits=\"' #yl\n\r.{},", max_size=60))
def test_nothing_else_is_ever_changed(text: str) -> None:
    try:
        new = edited(text, {"yolo": "new"})
    except UsageError:
        return
    before, after = tomllib.loads(text), tomllib.loads(new)
    assert after.pop("endpoints") == before.pop("endpoints", {}) | {"yolo": "new"}
    assert after == before


@pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are others there")
def test_it_is_written_whole_with_its_permissions_and_through_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    real.write_text(FILE, encoding="utf-8")
    real.chmod(0o600)
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "framefleet.toml").symlink_to(real)
    remember({"yolo": "new"}, folder)
    assert real.read_text(encoding="utf-8") == FILE.replace('"old"', '"new"')
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "real.toml"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "framefleet.toml").write_text(FILE, encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(endpoint_ids.os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        remember({"yolo": "new"}, tmp_path)
    assert (tmp_path / "framefleet.toml").read_text(encoding="utf-8") == FILE
    assert [path.name for path in tmp_path.iterdir()] == ["framefleet.toml"]
