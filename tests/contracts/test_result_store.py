"""Every store of results keeps the promises of `framefleet.storage.base`."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from framefleet.errors import NotStoredError, OutputError, UsageError
from framefleet.schema.codec import encode
from framefleet.storage.base import ResultQuery, ResultStore, StoredResult
from tests.conftest import ROOT
from tests.contracts.places import CAT, DOG, PLACES, FolderPlace, SqlitePlace, about

ODD_NAMES = [
    "clip", "CON", "nul.txt", "a b", " ", ".", "..", ".hidden", "ends with a dot.", "naïve 名前 🎞", "e\u0301", "a\nb",
    "%00", "'; DROP TABLE results; --", "_results.json", "x_results", "back\\slash", "a:b", "[1-9]*?",
    "n" * (255 - len("_results.json")),
]  # fmt: skip


@pytest.fixture(params=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> FolderPlace | SqlitePlace:
    return PLACES[request.param](tmp_path)


@pytest.fixture
def store(place: FolderPlace | SqlitePlace) -> Iterator[ResultStore]:
    store = place.open()
    yield store
    store.close()


def names(store: ResultStore, **chosen: Any) -> list[str]:
    """All names of a list, taken page by page."""
    query = ResultQuery(**chosen)
    page = store.list(query)
    found = [result.name for result in page.results]
    while page.cursor is not None:
        assert page.results
        page = store.list(query, cursor=page.cursor)
        found += [result.name for result in page.results]
        assert len(found) == len(set(found))
    return found


def test_what_is_put_is_got_by_every_store_of_the_place(place: FolderPlace | SqlitePlace, store: ResultStore) -> None:
    document = about(CAT, path="a folder/clip.mp4")
    stored = store.put("clip", document)
    other = place.open()
    assert other.get("clip") == document
    with other.open("clip") as file:
        assert file.read(7) + file.read() == encode(document)
    assert other.find("clip") == stored
    assert other.list().results == [stored]
    assert (stored.name, stored.sha256, stored.path) == ("clip", CAT, "a folder/clip.mp4")
    assert (stored.duration_s, stored.bytes) == (document.video.duration_s, len(encode(document)))
    assert "clip" in store.where("clip")
    other.close()


def test_what_is_not_there(store: ResultStore) -> None:
    assert store.find("clip") is None
    assert not store.delete("clip")
    assert store.list().results == []
    for look in (store.get, store.open):
        with pytest.raises(NotStoredError, match="there is no such result"):
            look("clip")


@pytest.mark.parametrize("name", ["", "a/b", "../clip", "/etc/clip", "a\0b"])
def test_what_is_no_name(store: ResultStore, name: str, tmp_path: Path) -> None:
    for use in (lambda: store.claim(name, CAT), lambda: store.put(name, about(CAT)), lambda: store.delete(name)):
        with pytest.raises(UsageError, match="not a name for a result"):
            use()
    for look in (store.find, store.get, store.open):
        with pytest.raises(UsageError, match="not a name for a result"):
            look(name)
    assert not list(tmp_path.rglob("*_results.json"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names for files")
@pytest.mark.parametrize("name", [*ODD_NAMES, os.fsdecode(b"no \xff text")], ids=range(len(ODD_NAMES) + 1))
def test_odd_names(store: ResultStore, name: str) -> None:
    store.claim(name, CAT)
    store.put(name, about(CAT))
    assert store.get(name) == about(CAT)
    assert names(store) == names(store, prefix=name) == [name]
    assert store.delete(name)
    assert names(store) == []


def test_a_name_that_cannot_be_kept_is_refused_before_anything_is_paid_for(store: ResultStore) -> None:
    name = "n" * 5000
    try:
        store.claim(name, CAT)
    except OutputError as error:
        assert "too long a name" in str(error)
        assert store.find(name) is None
        assert not store.delete(name)
        with pytest.raises(OutputError, match="too long a name"):
            store.put(name, about(CAT))
    else:
        store.put(name, about(CAT))
        assert store.get(name) == about(CAT)


def test_a_name_is_its_videos_until_the_document_is_deleted(store: ResultStore) -> None:
    store.claim("clip", CAT)
    assert store.list().results == []
    store.put("clip", about(CAT, "first"))
    store.claim("clip", CAT)
    store.put("clip", about(CAT, "second"))
    with pytest.raises(OutputError, match="holds the results of another video"):
        store.claim("clip", DOG)
    with pytest.raises(OutputError, match="holds the results of another video"):
        store.put("clip", about(DOG))
    assert store.get("clip") == about(CAT, "second")
    assert store.delete("clip")
    store.put("clip", about(DOG))
    assert store.get("clip") == about(DOG)


def test_what_cannot_be_written_whole_is_not_written(place: FolderPlace | SqlitePlace, store: ResultStore) -> None:
    store.put("old", about(CAT, "before"))
    with place.full():
        for name in ("old", "new"):
            with pytest.raises(OutputError, match=r"(full|No space left).*free some space"):
                store.put(name, about(CAT, "half"))
    assert store.get("old") == about(CAT, "before")
    assert names(store) == ["old"]
    store.put("new", about(CAT, "after"))  # the store is as good as before
    assert place.open().get("new") == about(CAT, "after")


def test_a_stream_goes_on_with_what_it_began(store: ResultStore) -> None:
    document = about(CAT, "x" * 300_000)
    store.put("clip", document)
    with store.open("clip") as file:
        start = file.read(1000)
        store.put("clip", about(CAT, "another"))
        store.delete("clip")
        assert start + file.read() == encode(document)


def test_a_list_is_newest_first_and_chosen_from(place: FolderPlace | SqlitePlace, store: ResultStore) -> None:
    for now, name, sha256, path in [
        (1_000.5, "b", CAT, "cat.mp4"), (1_000.5, "a", CAT, "cat.mp4"), (2_000.0, "bc", DOG, "dog.mp4"),
        (500.0, "d", DOG, "d/dog.mp4"),
    ]:  # fmt: skip
        place.now = now
        place.put(name, about(sha256, path=path))
    for limit in (1, 2, 3, 4, 100):
        assert names(store, limit=limit) == ["bc", "a", "b", "d"]
        assert names(store, limit=limit, sha256=CAT) == ["a", "b"]
        assert names(store, limit=limit, path="dog.mp4") == ["bc"]
        assert names(store, limit=limit, prefix="b") == ["bc", "b"]
        assert names(store, limit=limit, since=1_000.5) == ["bc", "a", "b"]
        assert names(store, limit=limit, before=1_000.5) == ["d"]
        assert names(store, limit=limit, since=500.0, before=2_000.0, sha256=DOG) == ["d"]
    assert store.list(ResultQuery(limit=4)).cursor is None
    assert store.list(ResultQuery(sha256="0" * 64)).results == []
    place.now = 3_000.0
    place.put("d", about(DOG))
    assert names(store)[0] == "d"


def test_a_page_goes_on_whatever_is_put_and_deleted_meanwhile(
    place: FolderPlace | SqlitePlace, store: ResultStore
) -> None:
    for number in range(6):
        place.now = 1_000.0 - number
        place.put(f"clip {number}", about(CAT))
    page = store.list(ResultQuery(limit=2))
    assert [result.name for result in page.results] == ["clip 0", "clip 1"]
    place.now = 5_000.0
    place.put("new", about(DOG))
    store.delete("clip 1")  # the one that the cursor stands on
    store.delete("clip 2")
    rest = store.list(ResultQuery(limit=10), cursor=page.cursor)
    assert [result.name for result in rest.results] == ["clip 3", "clip 4", "clip 5"]


@given(cursor=st.text(max_size=40) | st.sampled_from(["W10=", "WzEuMCwgMl0=", "bnVsbA==", "é", "WyJhIiwgImIiXQ=="]))
def test_what_is_no_cursor(tmp_path_factory: pytest.TempPathFactory, cursor: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "cursors"
    for kind in PLACES.values():
        store = kind(folder).open()
        with pytest.raises(UsageError, match="the cursor is not valid"):
            store.list(cursor=cursor)
        store.close()


def test_a_page_has_at_least_one_result() -> None:
    with pytest.raises(UsageError, match="at least one"):
        ResultQuery(limit=0)


def at_once(*work: Any) -> list[Any]:
    """What each returns, or the `OutputError` that it raises; all begin at the same time."""
    barrier = threading.Barrier(len(work))

    def one(call: Any) -> Any:
        barrier.wait()
        try:
            return call()
        except OutputError as error:
            return error

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(one, work))


def test_of_two_videos_at_once_one_gets_the_name(place: FolderPlace | SqlitePlace) -> None:
    for turn in range(10):
        name, stores = f"clip {turn}", [place.open() for _ in range(4)]
        videos = [CAT, DOG, CAT, DOG]
        done = at_once(*(partial(s.put, name, about(v)) for s, v in zip(stores, videos, strict=True)))
        whose = stores[0].get(name).video.sha256
        for video, outcome in zip(videos, done, strict=True):
            assert isinstance(outcome, StoredResult if video == whose else OutputError)
        for store in stores:
            store.close()


def test_a_reader_sees_the_old_or_the_new(place: FolderPlace | SqlitePlace, store: ResultStore) -> None:
    versions = [about(CAT, str(number) * 100_000) for number in range(2)]
    store.put("clip", versions[0])
    other = place.open()

    def write() -> None:
        for turn in range(20):
            other.put("clip", versions[turn % 2])

    def read() -> None:
        for _ in range(20):
            assert store.get("clip") in versions
            assert names(store) == ["clip"]

    assert at_once(write, read, read) == [None, None, None]
    other.close()


class AgainstADict(RuleBasedStateMachine):
    """Any sequence of calls does to the store what it would do to a dict."""

    kind: type[FolderPlace] | type[SqlitePlace]
    names = st.sampled_from(["a", "b", "a_results", "é 名", "z" * 100])
    videos = st.sampled_from([CAT, DOG])

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.place = self.kind(Path(self.folder))
        self.store = self.place.open()
        self.kept: dict[str, Any] = {}

    @rule(name=names, sha256=videos, note=st.text(st.characters(codec="utf-8"), max_size=9))
    def put(self, name: str, sha256: str, note: str) -> None:
        document = about(sha256, note)
        if name in self.kept and self.kept[name].video.sha256 != sha256:
            with pytest.raises(OutputError):
                self.store.claim(name, sha256)
            with pytest.raises(OutputError):
                self.store.put(name, document)
            return
        self.store.claim(name, sha256)
        self.store.put(name, document)
        self.kept[name] = document

    @rule(name=names, sha256=videos)
    def fail(self, name: str, sha256: str) -> None:
        with self.place.full(), pytest.raises(OutputError):
            self.store.put(name, about(sha256, "never kept"))

    @rule(name=names)
    def delete(self, name: str) -> None:
        assert self.store.delete(name) is (self.kept.pop(name, None) is not None)

    @rule()
    def go_on_in_another_process(self) -> None:
        self.store.close()
        self.store = self.place.open()

    @precondition(lambda self: self.kept)
    @rule(limit=st.integers(1, 3), sha256=st.none() | videos, prefix=st.sampled_from(["", "a", "é"]))
    def list(self, limit: int, sha256: str | None, prefix: str) -> None:
        chosen = {n for n, d in self.kept.items() if n.startswith(prefix) and sha256 in {None, d.video.sha256}}
        found = names(self.store, limit=limit, sha256=sha256, prefix=prefix)
        assert sorted(found) == sorted(chosen)
        key = {r.name: (-r.written_at, r.name) for r in self.store.list().results}
        assert found == sorted(found, key=key.__getitem__)

    @invariant()
    def all_is_kept(self) -> None:
        for name, document in self.kept.items():
            assert self.store.get(name) == document
        assert {r.name: (r.sha256, r.bytes) for r in self.store.list().results} == {
            name: (document.video.sha256, len(encode(document))) for name, document in self.kept.items()
        }

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


class FolderAgainstADict(AgainstADict):
    kind = FolderPlace


class SqliteAgainstADict(AgainstADict):
    kind = SqlitePlace


TestFolderAgainstADict = FolderAgainstADict.TestCase
TestSqliteAgainstADict = SqliteAgainstADict.TestCase
TestFolderAgainstADict.settings = TestSqliteAgainstADict.settings = settings(stateful_step_count=10)


WRITER = """
import sys
from pathlib import Path
from tests.contracts.places import PLACES, about
store = PLACES[sys.argv[1]](Path(sys.argv[2])).open()
print("ready", flush=True)
sys.stdin.readline()
for turn in range(int(sys.argv[4])):
    try:
        store.put("clip", about(sys.argv[3], str(turn % 2) * 1_000_000))
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(turn, flush=True)
"""


def writer(place: FolderPlace | SqlitePlace, folder: Path, sha256: str, turns: int) -> subprocess.Popen[str]:
    """A process that is about to put a document of that video, so many times, each time another."""
    kind = next(name for name, of in PLACES.items() if isinstance(place, of))
    command = [sys.executable, "-c", WRITER, kind, str(folder), sha256, str(turns)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_writer_that_is_killed_leaves_a_whole_document(
    place: FolderPlace | SqlitePlace, store: ResultStore, tmp_path: Path
) -> None:
    for turn in range(5):
        process = writer(place, tmp_path, CAT, 1000)
        assert process.stdin is not None and process.stdout is not None
        print(file=process.stdin, flush=True)
        for _ in range(turn + 1):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert store.get("clip") in [about(CAT, str(number) * 1_000_000) for number in range(2)]
        assert names(store) == ["clip"]
        store.put("clip", about(CAT))


@pytest.mark.full
def test_of_two_processes_at_once_one_gets_the_name(
    place: FolderPlace | SqlitePlace, store: ResultStore, tmp_path: Path
) -> None:
    writers = {sha256: writer(place, tmp_path, sha256, 3) for sha256 in (CAT, DOG)}
    for process in writers.values():
        assert process.stdin is not None
        print(file=process.stdin, flush=True)
    told = {sha256: process.communicate(timeout=60) for sha256, process in writers.items()}
    whose = store.get("clip").video.sha256
    assert writers[whose].returncode == 0
    assert told[whose][0].split() == ["0", "1", "2"]
    (other,) = writers.keys() - {whose}
    assert "OutputError" in told[other][1] and "another video" in told[other][1]
