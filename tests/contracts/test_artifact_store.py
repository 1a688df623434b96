"""Every store of artifacts keeps the promises of `framefleet.storage.base`."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from framefleet.errors import InputError, NotStoredError, OutputError, UsageError
from framefleet.schema.artifact import Artifact
from framefleet.storage.artifacts import ENDINGS, FolderArtifacts
from framefleet.storage.base import ArtifactStore

MAKERS: dict[str, Callable[[Path], ArtifactStore]] = {"folder": lambda folder: FolderArtifacts(folder / "artifacts")}
PICTURE = b"\xff\xd8 a picture"
FOREVER = float("inf")


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(params=list(MAKERS))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    return MAKERS[request.param](tmp_path)


@pytest.mark.parametrize("media_type", [*ENDINGS, "application/octet-stream"])
def test_what_is_put_is_got(store: ArtifactStore, media_type: str) -> None:
    artifact = store.put(PICTURE, media_type, name="scene 3", start_s=1.5)
    assert artifact == Artifact(
        sha256=sha256(PICTURE), media_type=media_type, bytes=len(PICTURE), name="scene 3", start_s=1.5
    )
    assert store.get(artifact.sha256) == PICTURE
    with store.open(artifact.sha256) as file:  # as HTTP's ranges need it
        file.seek(-7, io.SEEK_END)
        assert file.read() == b"picture"
    assert store.find(artifact.sha256) == Artifact(sha256=artifact.sha256, media_type=media_type, bytes=artifact.bytes)
    assert msgspec.json.decode(msgspec.json.encode(artifact), type=Artifact) == artifact


def test_a_type_of_few_is_octets_to_the_store(store: ArtifactStore) -> None:
    artifact = store.put(PICTURE, "model/gltf+json")
    assert artifact.media_type == "model/gltf+json"
    assert getattr(store.find(artifact.sha256), "media_type", None) == "application/octet-stream"


def test_files_and_streams_are_put_in_pieces(store: ArtifactStore, tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "clip.webm").write_bytes(content)
    by_path = store.put(tmp_path / "clip.webm", "video/webm")
    assert by_path == store.put(io.BytesIO(content), "video/webm") == store.put(content, "video/webm")
    assert store.get(by_path.sha256) == content
    with pytest.raises(InputError, match=r"gone\.webm: cannot be read"):
        store.put(tmp_path / "gone.webm", "video/webm")


def test_what_is_not_there(store: ArtifactStore) -> None:
    assert store.find("0" * 64) is None
    assert not store.delete("0" * 64)
    assert list(store.unreferenced([], FOREVER)) == []
    for look in (store.get, store.open):
        with pytest.raises(NotStoredError, match="there is no artifact"):
            look("0" * 64)


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "/etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "*" * 64, "0" * 62 + "/."]
)
def test_nothing_but_a_sha256_leads_anywhere(store: ArtifactStore, name: str) -> None:
    for use in (store.find, store.get, store.open, store.delete):
        with pytest.raises(UsageError, match="not the sha256 of an artifact"):
            use(name)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sha256": name, "media_type": "image/jpeg", "bytes": 1}, Artifact)


@pytest.mark.parametrize(
    "media_type", ["", "image", "image/", "../jpeg", "image/jpeg\r\nSet-Cookie: a", "image/jpeg\n", "a/b/c"]
)
def test_what_is_no_media_type(store: ArtifactStore, media_type: str) -> None:
    with pytest.raises(UsageError, match="not a media type"):
        store.put(PICTURE, media_type)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sha256": "0" * 64, "media_type": media_type, "bytes": 1}, Artifact)


def test_the_same_content_is_kept_once(store: ArtifactStore, tmp_path: Path) -> None:
    for media_type in ("image/jpeg", "image/jpeg", "image/png"):
        store.put(PICTURE, media_type)
    assert len(list(store.unreferenced([], FOREVER))) == 1
    assert store.delete(sha256(PICTURE))
    assert store.find(sha256(PICTURE)) is None


class Broken(io.BytesIO):
    """A source of which half can be read."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(5, "Input/output error")
        return super().read(4)


def test_what_cannot_be_put_whole_is_not_there(store: ArtifactStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Input/output error"):
        store.put(Broken(PICTURE), "image/jpeg")
    full = OSError(28, "No space left on device")
    with patch("os.fsync", side_effect=full), pytest.raises(OutputError, match=r"No space left.*free some space"):
        store.put(PICTURE, "image/jpeg")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.find(sha256(PICTURE)) is None
    store.put(PICTURE, "image/jpeg")
    assert store.get(sha256(PICTURE)) == PICTURE


def test_damage_is_told_and_mended(store: ArtifactStore, tmp_path: Path) -> None:
    artifact = store.put(PICTURE, "image/jpeg")
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    path.write_bytes(b"half")
    with pytest.raises(InputError, match="damaged"):
        store.get(artifact.sha256)
    store.put(PICTURE, "image/jpeg")
    assert store.get(artifact.sha256) == PICTURE


def test_what_is_unreferenced_and_old(store: ArtifactStore, tmp_path: Path) -> None:
    old, new, named = (store.put(content, "image/png") for content in (b"old", b"new", b"named"))
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        os.utime(path, (1_000, 1_000))
    store.put(b"new", "image/png")  # by a run that has not written its document yet
    assert list(store.unreferenced({named.sha256}, 2_000)) == [old]
    assert set(store.unreferenced({named.sha256}, FOREVER)) == {old, new}


def test_many_at_once(store: ArtifactStore) -> None:
    contents = [bytes([number % 5]) * 100_000 for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda content: store.put(content, "video/mp4"), contents))
    assert [store.get(artifact.sha256) for artifact in kept] == contents
    assert len(list(store.unreferenced([], FOREVER))) == 5


class AgainstADict(RuleBasedStateMachine):
    """Any sequence of calls does to the store what it would do to a dict."""

    kind: str
    contents = st.binary(max_size=2)
    types = st.sampled_from([*ENDINGS, "text/plain"])

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.store = MAKERS[self.kind](Path(self.folder))
        self.kept: dict[str, Any] = {}

    @rule(content=contents, media_type=types)
    def put(self, content: bytes, media_type: str) -> None:
        self.kept[self.store.put(content, media_type).sha256] = content

    @rule(content=contents)
    def fail(self, content: bytes) -> None:
        if sha256(content) not in self.kept:
            with patch("os.fsync", side_effect=OSError(28, "full")), pytest.raises(OutputError):
                self.store.put(content, "image/png")

    @rule(content=contents)
    def delete(self, content: bytes) -> None:
        assert self.store.delete(sha256(content)) is (self.kept.pop(sha256(content), None) is not None)

    @rule(data=st.data())
    def list(self, data: st.DataObject) -> None:
        named = data.draw(st.sets(st.sampled_from(sorted(self.kept)))) if self.kept else set()
        assert {one.sha256 for one in self.store.unreferenced(named, FOREVER)} == self.kept.keys() - named

    @invariant()
    def all_is_kept(self) -> None:
        for name, content in self.kept.items():
            assert self.store.get(name) == content

    def teardown(self) -> None:
        shutil.rmtree(self.folder)


class FolderAgainstADict(AgainstADict):
    kind = "folder"


TestFolderAgainstADict = FolderAgainstADict.TestCase
TestFolderAgainstADict.settings = settings(stateful_step_count=15)
