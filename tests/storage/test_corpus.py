"""`corpus.json`: rows are merged by video, and a reader sees the old table or the new one."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import OutputError
from framefleet.schema.corpus import VideoRow, merged, table_of
from framefleet.storage.corpus import CorpusFile
from framefleet.storage.folder import FolderResults

rows = st.lists(
    st.builds(
        VideoRow,
        video=st.sampled_from("abcd"),
        status=st.sampled_from(["done", "part", "failed"]),
        usd=st.floats(0, 5),
        seconds=st.floats(0, 100),
    ),
    max_size=8,
)


@given(rows, rows)
def test_each_video_has_one_row_the_last_one(earlier: list[VideoRow], later: list[VideoRow]) -> None:
    table = table_of(merged(earlier, later))
    assert [row.video for row in table.videos] == sorted({row.video for row in [*earlier, *later]})
    last = {row.video: row for row in [*earlier, *later]}
    assert all(last[row.video] == row for row in table.videos)
    assert table.done + table.part + table.failed == len(table.videos)
    assert table.usd == pytest.approx(sum(row.usd for row in table.videos), abs=1e-5)


def written(folder: Path) -> dict[str, str]:
    return {row["video"]: row["status"] for row in json.loads((folder / "corpus.json").read_bytes())["videos"]}


def test_rows_are_written_at_once_then_at_most_every_second_and_at_the_end(tmp_path: Path) -> None:
    now = [0.0]
    corpus = CorpusFile(tmp_path / "new", clock=lambda: now[0])
    assert not (tmp_path / "new").exists()
    corpus.add(VideoRow(video="a", status="done"))
    corpus.add(VideoRow(video="b", status="failed"))
    assert written(tmp_path / "new") == {"a": "done"}
    now[0] = 1.5
    corpus.add(VideoRow(video="c", status="part"))
    assert written(tmp_path / "new") == {"a": "done", "b": "failed", "c": "part"}
    corpus.add(VideoRow(video="b", status="done"))
    corpus.write()
    assert written(tmp_path / "new") == {"a": "done", "b": "done", "c": "part"}


def test_two_runs_on_one_folder_keep_each_others_rows(tmp_path: Path) -> None:
    one, other = CorpusFile(tmp_path), CorpusFile(tmp_path)
    one.add(VideoRow(video="a", status="done"))
    other.add(VideoRow(video="b", status="done"))
    assert written(tmp_path) == {"a": "done", "b": "done"}


def test_a_cancelled_video_keeps_the_row_of_a_result_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "a_results.json").touch()
    before = CorpusFile(tmp_path)
    before.add(VideoRow(video="a", status="done", document=str(tmp_path / "a_results.json")))
    before.add(VideoRow(video="b", status="done", document=str(tmp_path / "gone_results.json")))
    before.write()
    corpus = CorpusFile(tmp_path)
    for video in "abc":
        corpus.add_unless_known(VideoRow(video=video, status="failed", error="interrupted"))
    corpus.write()
    assert written(tmp_path) == {"a": "done", "b": "failed", "c": "failed"}


@pytest.mark.parametrize("content", ["", "[]", '{"videos": [{"name": "a"}]}', "\0"])
def test_what_is_no_table_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "corpus.json").write_text(content)
    with pytest.raises(OutputError, match=r"corpus\.json: not a table of FrameFleet"):
        CorpusFile(tmp_path)
    assert (tmp_path / "corpus.json").read_text() == content


def test_a_list_of_results_leaves_the_table_out(tmp_path: Path) -> None:
    corpus = CorpusFile(tmp_path)
    corpus.add(VideoRow(video="a", status="done"))
    assert FolderResults(tmp_path).list().results == []
