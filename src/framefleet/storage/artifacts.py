"""Artifacts as files of a folder: `ab/abc….jpg`, by the sha256 of their content."""

import contextlib
import hashlib
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO

from framefleet.errors import InputError, NotStoredError, OutputError, UsageError
from framefleet.schema.artifact import MEDIA_TYPE, SHA256, Artifact
from framefleet.storage.atomic import neighbour, not_written, put_in_place
from framefleet.storage.base import ArtifactStore
from framefleet.timebase import Seconds

ENDINGS = {
    "application/gzip": ".gz",
    "application/json": ".json",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "text/html": ".html",
    "text/vtt": ".vtt",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
}
"""File extensions by media type, so that a file opens with a click; all others are `.bin`."""
_OTHERS = "application/octet-stream", ".bin"
_TYPES = {ending: media_type for media_type, ending in [*ENDINGS.items(), _OTHERS]}
_PIECE_BYTES = 1 << 20


class FolderArtifacts(ArtifactStore):
    """Artifacts in subfolders by their first two digits, since a folder of a hundred thousand files is slow to list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(
        self,
        content: bytes | Path | BinaryIO,
        media_type: str,
        *,
        name: str = "",
        start_s: Seconds | None = None,
        end_s: Seconds | None = None,
    ) -> Artifact:
        if not re.search(MEDIA_TYPE, media_type):
            raise UsageError(f"{media_type!r}: not a media type", hint="give one such as image/jpeg")
        ending = ENDINGS.get(media_type, _OTHERS[1])
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with neighbour(self.folder, ending) as temporary:
                sha256, size = _copied(content, temporary)
                self._take(temporary, sha256, size, ending)
        except OSError as error:
            raise not_written(self.folder / f"artifact{ending}", error) from None
        return Artifact(sha256=sha256, media_type=media_type, bytes=size, name=name, start_s=start_s, end_s=end_s)

    def find(self, sha256: str) -> Artifact | None:
        path = self.path(sha256)
        with contextlib.suppress(FileNotFoundError):
            return None if path is None else _artifact(path)
        return None

    def get(self, sha256: str) -> bytes:
        with self.open(sha256) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise InputError(f"{self.path(sha256)}: damaged", hint="delete it and create it again")
        return content

    def open(self, sha256: str) -> BinaryIO:
        path = self.path(sha256)
        if path is None:
            raise NotStoredError(f"{self.folder}: there is no artifact {sha256}")
        try:
            return path.open("rb")
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None

    def delete(self, sha256: str) -> bool:
        there = self._paths(sha256)
        try:
            for path in there:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: cannot be deleted ({error.strerror})") from None
        return bool(there)

    def unreferenced(self, referenced: Collection[str], before: float) -> Iterator[Artifact]:
        for path in sorted(self.folder.glob("[0-9a-f][0-9a-f]/*")):
            if path.parent.name == path.stem[:2] and path.stem not in referenced and _is_sha256(path.stem):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    if path.stat().st_mtime < before:
                        yield _artifact(path)

    def path(self, sha256: str) -> Path | None:
        """Return the file with that content; None if there is none."""
        return next(iter(self._paths(sha256)), None)

    def _paths(self, sha256: str) -> list[Path]:
        """Return the files with that content: mostly one; two if two processes put it with different types at once."""
        if not _is_sha256(sha256):
            raise UsageError(f"{sha256!r}: not the sha256 of an artifact, which has 64 lower-case hexadecimal digits")
        return sorted((self.folder / sha256[:2]).glob(f"{sha256}.*"))

    def _take(self, temporary: Path, sha256: str, size: int, ending: str) -> None:
        """Move the file to its place, unless the content is there already."""
        kept = self.path(sha256)
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            if kept is not None and kept.stat().st_size == size:
                os.utime(kept)  # for `unreferenced` it is as new as this one
                return
        path = kept or self.folder / sha256[:2] / f"{sha256}{ending}"
        path.parent.mkdir(exist_ok=True)
        put_in_place(temporary, path)


def _copied(content: bytes | Path | BinaryIO, to: Path) -> tuple[str, int]:
    """Write the content to the file, and return its sha256 and size."""
    digest, size = hashlib.sha256(), 0
    with to.open("wb") as file:
        for piece in _pieces(content):
            digest.update(piece)
            size += file.write(piece)
    return digest.hexdigest(), size


def _pieces(content: bytes | Path | BinaryIO) -> Iterator[bytes]:
    """Yield the content in blocks. Raises `InputError` if a file cannot be read."""
    if isinstance(content, bytes):
        yield content
        return
    try:
        with content.open("rb") if isinstance(content, Path) else contextlib.nullcontext(content) as file:
            while piece := file.read(_PIECE_BYTES):
                yield piece
    except OSError as error:
        named = content if isinstance(content, Path) else "the content to store"
        raise InputError(f"{named}: cannot be read ({error.strerror})") from None


def _artifact(path: Path) -> Artifact:
    media_type = _TYPES.get(path.suffix, _OTHERS[0])
    return Artifact(sha256=path.stem, media_type=media_type, bytes=path.stat().st_size)


def _is_sha256(text: str) -> bool:
    return re.search(SHA256, text) is not None
