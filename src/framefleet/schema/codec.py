"""Documents to and from JSON. Those of version 1 are read as if they had been written today."""

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from inspect import cleandoc
from pathlib import Path
from typing import Any

import msgspec

from framefleet.errors import InputError
from framefleet.schema.document import SCHEMA_VERSION, Document


def encode(document: Document) -> bytes:
    """Return JSON to look at: a key a line, and of long lists (pictures, segments, failures) an item a line."""
    fields = [f"{_text(name)}: {_laid_out(value)}" for name, value in _given(document)]
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode()


def read_document(path: Path) -> Document:
    """Return the document at `path`. Raises `InputError` for anything but a whole one of a known version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return decode_from(content, str(path))


def decode_from(content: bytes, where: str) -> Document:
    """Return the document that `content` is. Raises `InputError`, which says `where` it was read."""
    try:
        return decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        version = _version(content)
        if version is not None and version not in (*_OLDER, SCHEMA_VERSION):
            newer = version.isdecimal() and (len(version), version) > (len(SCHEMA_VERSION), SCHEMA_VERSION)
            remedy = "update FrameFleet, or run the video again" if newer else "run the video again"
            told = version if len(version) <= 20 else f"{version[:20]}…"
            known = " and ".join([*_OLDER, SCHEMA_VERSION])
            raise InputError(f"{where}: schema version {told}, and this program reads {known}", hint=remedy) from None
        raise InputError(f"{where}: not a whole document of FrameFleet: {error}") from None


def decode(content: bytes) -> Document:
    """Return the document that `content` is, of any version. Raises msgspec's errors, or `RecursionError`."""
    try:
        return msgspec.json.decode(content, type=Document)
    except msgspec.ValidationError:
        version = _version(content)
        if version is None or version not in _OLDER:
            raise
        return msgspec.json.decode(_brought_up(content, version), type=Document)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema that every written document validates against."""
    schema: dict[str, Any] = msgspec.json.schema(Document)
    for definition in schema["$defs"].values():
        if "description" in definition:  # a docstring, which Python keeps as it is indented until 3.12
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "FrameFleet results"} | schema


def _renamed(value: Any, **names: str) -> Any:
    """An object, or each of a list of them, with other names for some of its fields."""
    if isinstance(value, list):
        return [_renamed(entry, **names) for entry in value]
    return {names.get(name, name): entry for name, entry in value.items()} if isinstance(value, dict) else value


def _timing_of_1(value: Any) -> Any:
    """The timing of version 1, in which the bottleneck may be a part that has another name."""
    timing = _renamed(value, sift="prefilter")
    if isinstance(timing, dict) and isinstance(timing.get("bottleneck"), str):
        timing["bottleneck"] = re.sub("^sift ", "prefilter ", timing["bottleneck"])
    return timing


def _cost_of_1(value: Any) -> Any:
    """The cost of version 1, which named the backend and left it to the reader to know what that is."""
    stages = value.get("stages") if isinstance(value, dict) else None
    for stage in stages.values() if isinstance(stages, dict) else ():
        if isinstance(stage, dict):
            remote, billed = _BACKENDS_OF_1.get(str(stage.get("backend")), (True, False))
            stage |= {"remote": remote, "billed": billed}
    return value


_BACKENDS_OF_1 = {"local": (False, False), "runpod": (True, True), "api": (True, False)}
"""Whether a backend of version 1 was remote, and whether billed by RunPod's rule."""


_OLDER: dict[str, dict[str, Callable[[Any], Any]]] = {
    "1": {
        "config": partial(_renamed, ast_model="sounds_model"),
        "scenes": partial(_renamed, seen="objects", said="speech", heard="sounds", written="text"),
        "cost": _cost_of_1,
        "timing": _timing_of_1,
    },
}
"""By a document's version, what makes today's of those parts that are otherwise today."""


def _brought_up(content: bytes, version: str) -> bytes:
    """An older document as today's. Parts that are as they were, which may be very long, are passed on unread."""
    parts = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    for name, brought_up in _OLDER[version].items():
        if name in parts:
            parts[name] = msgspec.Raw(msgspec.json.encode(brought_up(msgspec.json.decode(parts[name]))))
    return msgspec.json.encode(parts | {"schema_version": SCHEMA_VERSION})


def _laid_out(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(_text(item) for item in value) + "\n]"
    if isinstance(value, msgspec.Struct):
        fields = [f"{_text(name)}: {_laid_out(part)}" for name, part in _given(value)]
        return "{\n  " + ",\n".join(fields).replace("\n", "\n  ") + "\n}"
    return _text(value)


def _given(value: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """The fields that are there."""
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return ((name, part) for name, part in fields if part is not msgspec.UNSET)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _version(content: bytes) -> str | None:
    """What a document says of itself, where it says so as FrameFleet does."""
    with contextlib.suppress(msgspec.MsgspecError, RecursionError):
        version = msgspec.json.decode(content, type=_Versioned).schema_version
        return version if isinstance(version, str) else None
    return None


class _Versioned(msgspec.Struct):
    schema_version: Any = None
