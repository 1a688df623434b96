"""What every store promises, wherever it keeps its results or artifacts; `tests/contracts/` holds each to it.

Whatever is put is kept whole or not at all, and a reader sees the old or the new. Many threads may use one store at
once, and many processes one place. Where that place fails, `OutputError` says what to do.
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
    """What a list says of a document. `sha256`, `path` and `duration_s` are the video's, `bytes` the JSON's length.

    `written_at` is in seconds since 1970.
    """

    name: str
    sha256: str
    path: str
    duration_s: Seconds
    written_at: float
    bytes: int


class Page(msgspec.Struct, frozen=True):
    """Some results, and the `cursor` that leads to those behind them; None where these are the last."""

    results: list[StoredResult]
    cursor: str | None


class ResultStore(Protocol):
    """Documents by name, such as `clip`. A name belongs to the video whose document has it, until that is deleted.

    A name is any text without `/`, else `UsageError` is raised. One that the place cannot keep, such as one too long
    for a file, is refused with an `OutputError` by `claim` and `put`.
    """

    def claim(self, name: str, sha256: str) -> None:
        """Make sure, before anything is paid for, that a document of this video can be put there. Keeps nothing.

        Raises `OutputError` where another video has the name, or the place cannot be written.
        """

    def find(self, name: str) -> StoredResult | None:
        """Return whose document has the name; None where there is none that can be read."""

    def put(self, name: str, document: Document) -> StoredResult:
        """Keep the document in place of an earlier one of the same video. Raises `OutputError` as `claim` does."""

    def get(self, name: str) -> Document:
        """Return the document. Raises `NotStoredError`, or `InputError` where it is not whole."""

    def open(self, name: str) -> BinaryIO:
        """Open the document's JSON, byte for byte, to read in pieces. Raises `NotStoredError`."""

    def delete(self, name: str) -> bool:
        """Delete the document, and say whether there was one."""

    def where(self, name: str) -> str:
        """Say for people where the document is."""

    def close(self) -> None:
        """Let go of the place. Streams that are open may be read on."""

    def list(
        self,
        *,
        sha256: str | None = None,
        path: str | None = None,
        prefix: str = "",
        since: float | None = None,
        before: float | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Page:
        """Return a page of the results, newest first and of one time by name.

        Of the video with that `sha256` or `path`, with names that begin with `prefix`, written at `since` or later and
        earlier than `before`. A `cursor` of the same question goes on behind its page: whatever is put or deleted
        meanwhile, no other result is missed or told twice. Raises `UsageError` for what is no cursor.
        """


class ArtifactStore(Protocol):
    """Files by the sha256 of their content. The same content is kept once, however often it is put."""

    def put(
        self,
        content: bytes | Path | BinaryIO,
        media_type: str,
        *,
        name: str = "",
        start_s: Seconds | None = None,
        end_s: Seconds | None = None,
    ) -> Artifact:
        """Keep the content, and return what a document says of it. Raises `InputError` where a file cannot be read."""

    def find(self, sha256: str) -> Artifact | None:
        """Return its media type and size; None where it is not there. A type that few use is octets here."""

    def get(self, sha256: str) -> bytes:
        """Return the content. Raises `NotStoredError`, or `InputError` where it is no longer what was put."""

    def open(self, sha256: str) -> BinaryIO:
        """Open the content to read from any place in it. Raises `NotStoredError`."""

    def delete(self, sha256: str) -> bool:
        """Delete the content, which other documents may also name, and say whether there was any."""

    def unreferenced(self, referenced: Collection[str], before: float) -> Iterator[Artifact]:
        """Yield what was last put before that time, in seconds since 1970, and is not among the sha256s `referenced`.

        What a run puts is older than the document that names it, so `before` is earlier than any run at work began.
        """


def checked_name(name: str) -> str:
    """Return the name, if a document may have it. Raises `UsageError`."""
    if not name or "/" in name or "\0" in name:
        raise UsageError(f"{name!r}: not a name for a result", hint="give one without /")
    return name


def another_video(where: str) -> OutputError:
    return OutputError(f"{where}: holds the results of another video", hint="move it or give another output folder")


def checked_limit(limit: int) -> int:
    """Return the limit, if pages may be that long. Raises `UsageError`."""
    if limit < 1:
        raise UsageError(f"limit {limit}: a page has at least one result")
    return limit


def cursor_behind(result: StoredResult) -> str:
    """Return what goes on behind that result."""
    place = json.dumps([result.written_at, result.name])  # msgspec has no words for names that are no text
    return base64.urlsafe_b64encode(place.encode()).decode()


def place_of(cursor: str) -> tuple[float, str]:
    """Return `written_at` and name of the result that the cursor goes on behind. Raises `UsageError`."""
    try:
        written_at, name = json.loads(base64.urlsafe_b64decode(cursor))
        if type(written_at) is float and type(name) is str:
            return written_at, name
    except (ValueError, TypeError, RecursionError):
        pass
    raise UsageError("no cursor of this list; begin again without one")
