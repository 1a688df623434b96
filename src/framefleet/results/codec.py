"""Documents to and from JSON files: written whole or not at all, and never over another video's."""

import contextlib
import errno
import tempfile
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from framefleet.errors import InputError, OutputError
from framefleet.logs import logger
from framefleet.results.document import SCHEMA_VERSION, Document
from framefleet.results.files import write_whole

log = logger(__name__)


class _Head(msgspec.Struct):
    """As much of a document as tells whose it is."""

    class VideoHead(msgspec.Struct):
        sha256: str
        path: str = ""

    video: VideoHead


def claim(path: Path, sha256: str) -> None:
    """Makes sure, before anything is paid for, that a document of this video can be written to `path`.

    Raises `OutputError` when the place cannot be written or holds something else than this video's document.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be written ({error.strerror}); give another output folder") from None
    try:
        path.stat()
        content = path.read_bytes() if path.is_file() else b""  # a pipe would never end
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(f"{path}: too long a name for a file; give the video a shorter one") from None
        raise OutputError(f"{path}: in the way ({error.strerror}); move it or give another output folder") from None
    try:
        owner = msgspec.json.decode(content, type=_Head).video.sha256
    except (msgspec.MsgspecError, RecursionError):
        raise OutputError(f"{path}: not a document of FrameFleet; move it or give another output folder") from None
    if owner != sha256:
        raise OutputError(f"{path}: holds the results of another video; move it or give another output folder")


def owner(path: Path) -> tuple[str, str] | None:
    """The sha256 and the path of the video whose document is at `path`; None where there is none that can be read."""
    try:
        if path.is_file():
            video = msgspec.json.decode(path.read_bytes(), type=_Head).video
            return video.sha256, video.path
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        log.info("%s: whose it is cannot be read", path, exc_info=error)
    return None


def write_document(document: Document, path: Path) -> None:
    """A reader sees the old document or the new one. Raises `OutputError`."""
    write_whole(path, encode(document))


def encode(document: Document) -> bytes:
    """JSON to look at: a key a line, and of long lists (pictures, segments, failures) an item a line."""
    fields = [f"{_text(name)}: {_laid_out(getattr(document, name))}" for name in document.__struct_fields__]
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode()


def read_document(path: Path) -> Document:
    """Raises `InputError` for anything but a whole document of this version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return msgspec.json.decode(content, type=Document)
    except (msgspec.MsgspecError, RecursionError) as error:
        version = _version(content)
        if version not in {None, SCHEMA_VERSION}:
            newer = version.isdecimal() and (len(version), version) > (len(SCHEMA_VERSION), SCHEMA_VERSION)
            remedy = "update FrameFleet, or run the video again" if newer else "run the video again"
            told = version if len(version) <= 20 else f"{version[:20]}…"
            raise InputError(
                f"{path}: schema version {told}, and this program reads {SCHEMA_VERSION}; {remedy}"
            ) from None
        raise InputError(f"{path}: not a whole document of FrameFleet: {error}") from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema that every written document validates against."""
    schema: dict[str, Any] = msgspec.json.schema(Document)
    for definition in schema["$defs"].values():
        if "description" in definition:  # a docstring, which Python keeps as it is indented until 3.12
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "FrameFleet results"} | schema


def _laid_out(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(_text(item) for item in value) + "\n]"
    if isinstance(value, msgspec.Struct):
        fields = [f"{_text(name)}: {_laid_out(getattr(value, name))}" for name in value.__struct_fields__]
        return "{\n  " + ",\n".join(fields).replace("\n", "\n  ") + "\n}"
    return _text(value)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _version(content: bytes) -> str | None:
    """What a document says of itself, where it says so as FrameFleet does."""
    with contextlib.suppress(msgspec.MsgspecError, RecursionError):
        decoded = msgspec.json.decode(content)
        version = decoded.get("schema_version") if isinstance(decoded, dict) else None
        return version if isinstance(version, str) else None
    return None
