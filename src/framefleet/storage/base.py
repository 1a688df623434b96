"""The contracts of the stores for results and artifacts, which `tests/contracts/` checks for each implementation.

Every write is complete or has no effect, and a reader sees the old or the new content. Many threads may use one store
at once, and many processes one place. If that place fails, `OutputError` holds what to do.
"""

import base64
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from framefleet.errors import OutputError, UsageError
from framefleet.schema.artifact import Artifact
from framefleet.schema.document import Document
from framefleet.timebase import Seconds


class StoredResult(msgspec.Struct, frozen=True, kw_only=True):
    """The entry of a document in a list. `sha256`, `path` and `duration_s` are the video's, `bytes` the JSON's length.

    `written_at` is in seconds since 1970.
    """

    name: str
    sha256: str
    path: str
    duration_s: Seconds
    written_at: float
    bytes: int


class Page(msgspec.Struct, frozen=True):
    """Some results, and the `cursor` for the next page; None if these are the last."""

    results: list[StoredResult]
    cursor: str | None


class ResultQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which results to list, at most `limit` per page; all by default.

    Those of the video with that `sha256` or `path`, with names that begin with `prefix`, written at `since` or later
    and earlier than `before`, in seconds since 1970. Raises `UsageError` for a `limit` below 1.
    """

    sha256: str | None = None
    path: str | None = None
    prefix: str = ""
    since: float | None = None
    before: float | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise UsageError(f"limit {self.limit}: a page has at least one result")


class ResultStore(Protocol):
    """Documents by name, such as `clip`. A name belongs to the video whose document has it, until that is deleted.

    A name is any text without `/`, else `UsageError` is raised. `claim` and `put` raise `OutputError` for one that the
    place cannot store, such as one too long for a file.
    """

    def claim(self, name: str, sha256: str) -> None:
        """Check, before anything is paid for, that a document of this video can be stored. Writes nothing.

        Raises `OutputError` if another video has the name, or the place cannot be written.
        """

    def find(self, name: str) -> StoredResult | None:
        """Return the entry of the document with that name; None if there is none that can be read."""

    def put(self, name: str, document: Document) -> StoredResult:
        """Store the document, replacing an earlier one of the same video. Raises `OutputError` as `claim` does."""

    def get(self, name: str) -> Document:
        """Return the document. Raises `NotStoredError`, or `InputError` if it is damaged."""

    def open(self, name: str) -> BinaryIO:
        """Open the document's JSON as a stream of bytes. Raises `NotStoredError`."""

    def delete(self, name: str) -> bool:
        """Delete the document, and return whether there was one."""

    def where(self, name: str) -> str:
        """Return where the document is, for messages."""

    def close(self) -> None:
        """Close the store. Open streams stay readable."""

    def list(self, query: ResultQuery = ResultQuery(), *, cursor: str | None = None) -> Page:
        """Return a page of the results that `query` selects, newest first, and by name within the same time.

        With the `cursor` of a page of the same query, return the page after it. Results that are stored or deleted
        between two pages make it neither miss nor repeat another. Raises `UsageError` if the cursor is not valid.
        """


class ArtifactStore(Protocol):
    """Files by the sha256 of their content. The same content is stored once, however often it is put."""

    def put(
        self,
        content: bytes | Path | BinaryIO,
        media_type: str,
        *,
        name: str = "",
        start_s: Seconds | None = None,
        end_s: Seconds | None = None,
    ) -> Artifact:
        """Store the content, and return a document's reference to it. Raises `InputError` if a file cannot be read."""

    def find(self, sha256: str) -> Artifact | None:
        """Return its media type and size; None if it is not there. Rare types become `application/octet-stream`."""

    def get(self, sha256: str) -> bytes:
        """Return the content. Raises `NotStoredError`, or `InputError` if it does not match its sha256 any more."""

    def open(self, sha256: str) -> BinaryIO:
        """Open the content as a seekable stream. Raises `NotStoredError`."""

    def delete(self, sha256: str) -> bool:
        """Delete the content, which other documents may also refer to, and return whether there was any."""

    def unreferenced(self, referenced: Collection[str], before: float) -> Iterator[Artifact]:
        """Yield the artifacts last put before that time, in seconds since 1970, whose sha256 is not in `referenced`.

        A run puts its artifacts before the document that refers to them, so `before` must be earlier than the start of
        any running one.
        """


def checked_name(name: str) -> str:
    """Return the name, if a document may have it. Raises `UsageError`."""
    if not name or "/" in name or "\0" in name:
        raise UsageError(f"{name!r}: not a name for a result", hint="give one without /")
    return name


def another_video(where: str) -> OutputError:
    return OutputError(f"{where}: holds the results of another video", hint="move it or give another output folder")


def cursor_behind(result: StoredResult) -> str:
    """Return the cursor of the page after that result."""
    place = json.dumps([result.written_at, result.name])  # msgspec cannot encode names with surrogates
    return base64.urlsafe_b64encode(place.encode()).decode()


def place_of(cursor: str) -> tuple[float, str]:
    """Return `written_at` and name of the result that the cursor's page follows. Raises `UsageError`."""
    try:
        written_at, name = json.loads(base64.urlsafe_b64decode(cursor))
        if type(written_at) is float and type(name) is str:
            return written_at, name
    except (ValueError, TypeError, RecursionError):
        pass
    raise UsageError("the cursor is not valid", hint="begin again without one")
