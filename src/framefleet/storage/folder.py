"""Results as files of a folder, `clip_results.json` for the name `clip`, as the command line writes and reads them."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Container, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from framefleet.errors import InputError, NotStoredError, OutputError
from framefleet.schema.codec import encode, read_document
from framefleet.schema.document import Document, Video
from framefleet.storage.atomic import HALF, not_written, write_whole
from framefleet.storage.base import (
    Page,
    ResultQuery,
    ResultStore,
    StoredResult,
    another_video,
    checked_name,
    cursor_behind,
    place_of,
)
from framefleet.timebase import Seconds

ENDING = "_results.json"
_NO_NAME = '<>:"/\\|?*' if os.name == "nt" else "/"  # on Windows a colon leads to another drive or a file's streams
_START_BYTES = 65_536


def name_of(path: Path) -> str:
    """Return the name of the document at `path`."""
    return path.name.removesuffix(ENDING)


def documents_in(folder: Path, *, below: bool = True, known: Container[Path] = ()) -> Iterator[Path]:
    """Yield the documents in a folder, and with `below` in the folders in it, whatever they are called.

    They are told from other JSON files, such as corpus.json, by how they begin; those in `known` are not looked into. A
    file that is called like a result is one, even if it is damaged; a pipe, which would never end, is none.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(folders) if below else []
        for path in (Path(place, name) for name in names if name.endswith(".json") and not name.startswith(".")):
            if path in known or (path.is_file() and (path.name.endswith(ENDING) or _begins_as_document(path))):
                yield path


def _begins_as_document(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b'"schema_version"' in file.read(64)
    except OSError:
        return False


class FolderResults(ResultStore):
    """A folder of documents and nothing else, so that files may be moved, copied and deleted by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return the path of the document with that name. Raises `OutputError` for a name that no file can have."""
        try:
            os.fsencode(checked_name(name))
        except UnicodeEncodeError:
            raise OutputError(f"{name!r}: not a name for a file", hint="give the video another") from None
        if any(character in name for character in _NO_NAME):
            raise OutputError(f"{name!r}: not a name for a file", hint=f"give the video one without any of {_NO_NAME}")
        return self.folder / f"{name}{ENDING}"

    def claim(self, name: str, sha256: str) -> None:
        path = self.path(name)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            reason = error.strerror
            raise OutputError(
                f"{self.folder}: cannot be written ({reason})", hint="give another output folder"
            ) from None
        _is_free(path, sha256)

    def find(self, name: str) -> StoredResult | None:
        path = self.path(name)
        with contextlib.suppress(OSError, msgspec.MsgspecError, RecursionError):
            if path.is_file():  # a pipe would never end
                return _stored(path, msgspec.json.decode(path.read_bytes(), type=_Head).video)
        return None

    def put(self, name: str, document: Document) -> StoredResult:
        path, content, sha256 = self.path(name), encode(document), document.video.sha256
        free = _is_free(path, sha256)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, content, over=not free)
        except FileExistsError:  # another process was first
            _is_free(path, sha256)
            write_whole(path, content)
        except OSError as error:
            raise not_written(path, error) from None
        return _stored(path, document.video)

    def get(self, name: str) -> Document:
        path = self.path(name)
        if not _is_there(path):
            raise NotStoredError(f"{path}: there is no such result")
        return read_document(path)

    def open(self, name: str) -> BinaryIO:
        path = self.path(name)
        if not _is_there(path):
            raise NotStoredError(f"{path}: there is no such result")
        try:
            return path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None

    def delete(self, name: str) -> bool:
        path = self.path(name)
        if not _is_there(path):
            return False
        if self.find(name) is None:
            raise OutputError(f"{path}: not a document of FrameFleet", hint="delete it yourself")
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise OutputError(f"{path}: cannot be deleted ({error.strerror})") from None
        return True

    def where(self, name: str) -> str:
        return str(self.path(name))

    def close(self) -> None:
        pass

    def list(self, query: ResultQuery = ResultQuery(), *, cursor: str | None = None) -> Page:
        behind = place_of(cursor) if cursor is not None else None
        results: list[StoredResult] = []
        for written_at, name in self._names(query.prefix):
            if query.since is not None and written_at < query.since:
                continue
            if query.before is not None and written_at >= query.before:
                continue
            if behind is not None and (-written_at, name) <= (-behind[0], behind[1]):
                continue
            result = _listed(self.path(name), written_at)
            if result is None or query.sha256 not in {None, result.sha256} or query.path not in {None, result.path}:
                continue
            if len(results) == query.limit:
                return Page(results, cursor_behind(results[-1]))
            results.append(result)
        return Page(results, None)

    def _names(self, prefix: str) -> Iterable[tuple[float, str]]:
        """Return when each file that may be a document was written, and its name, in the order of a list."""
        found = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    name = entry.name.removesuffix(ENDING)
                    if name and name != entry.name and name.startswith(prefix) and not name.startswith(HALF):
                        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                            found.append((entry.stat().st_mtime, name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(f"{self.folder}: cannot be read ({error.strerror})") from None
        return sorted(found, key=lambda one: (-one[0], one[1]))


def _is_there(path: Path) -> bool:
    """Return whether anything has the name; False for one that is too long."""
    try:
        path.stat()
    except OSError as error:
        return error.errno not in {errno.ENOENT, errno.ENAMETOOLONG}
    return True


class _VideoHead(msgspec.Struct):
    sha256: str
    path: str = ""
    duration_s: Seconds = 0.0


class _Head(msgspec.Struct):
    """The part of a document that identifies its video."""

    video: _VideoHead


def _is_free(path: Path, sha256: str) -> bool:
    """Return whether the name is free. Raises `OutputError` if something other than this video's document has it."""
    try:
        path.stat()
        content = path.read_bytes() if path.is_file() else b""  # a pipe would never end
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(f"{path}: too long a name for a file", hint="give the video a shorter one") from None
        raise OutputError(
            f"{path}: in the way ({error.strerror})", hint="move it or give another output folder"
        ) from None
    try:
        owner = msgspec.json.decode(content, type=_Head).video.sha256
    except (msgspec.MsgspecError, RecursionError):
        raise OutputError(
            f"{path}: not a document of FrameFleet", hint="move it or give another output folder"
        ) from None
    if owner != sha256:
        raise another_video(str(path))
    return False


def _listed(path: Path, written_at: float) -> StoredResult | None:
    """Return the file's entry in a list; None if it is no document. Reads its start alone, as it may be large."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, RecursionError):
        if path.is_file():
            with path.open("rb") as file:
                start, cut, _ = file.read(_START_BYTES).partition(b',\n"config": ')  # as `encode` separates them
                whole = start + b"}" if cut else start + file.read()
            return _stored(path, msgspec.json.decode(whole, type=_Head).video, written_at)
    return None


def _stored(path: Path, video: _VideoHead | Video, written_at: float | None = None) -> StoredResult:
    stat = path.stat()
    return StoredResult(
        name=name_of(path),
        sha256=video.sha256,
        path=video.path,
        duration_s=video.duration_s,
        written_at=stat.st_mtime if written_at is None else written_at,
        bytes=stat.st_size,
    )
