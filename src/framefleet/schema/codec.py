"""The codec of documents as JSON. Documents of version 1 are converted when they are read."""

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
    """Return readable JSON: one key per line, and one item per line in long lists (frames, segments, failures)."""
    fields = [f"{_text(name)}: {_laid_out(value)}" for name, value in _given(document)]
    return ("{\n" + ",\n".join(fields) + "\n}\n").encode()


def read_document(path: Path) -> Document:
    """Return the document at `path`. Raises `InputError` for anything but a complete one of a known version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    return decode_from(content, str(path))


def decode_from(content: bytes, where: str) -> Document:
    """Return the document in `content`. Raises `InputError`, with `where` it was read."""
    try:
        return decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        version = _version(content)
        if version is not None and version not in (*_OLDER, SCHEMA_VERSION):
            newer = version.isdecimal() and (len(version), version) > (len(SCHEMA_VERSION), SCHEMA_VERSION)
            remedy = "update FrameFleet, or run the video again" if newer else "run the video again"
            told = version if len(version) <= 20 else f"{version[:20]}…"
            known = " and ".join([*_OLDER, SCHEMA_VERSION])
            raise InputError(
                f"{where}: schema version {told}, but this FrameFleet reads {known}", hint=remedy, code="schema_version"
            ) from None
        raise InputError(f"{where}: not a complete FrameFleet document: {error}", code="document_invalid") from None


def decode(content: bytes) -> Document:
    """Return the document in `content`, of any version. Raises msgspec's errors, or `RecursionError`."""
    try:
        return msgspec.json.decode(content, type=Document)
    except msgspec.ValidationError:
        version = _version(content)
        if version is None or version not in _OLDER:
            raise
        return msgspec.json.decode(_brought_up(content, version), type=Document)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema that every written document validates against."""
    return schema_of(Document, "FrameFleet results")


def schema_of(kind: Any, title: str) -> dict[str, Any]:
    """Return the JSON Schema of a type that has structs."""
    schema: dict[str, Any] = msgspec.json.schema(kind)
    for definition in schema["$defs"].values():
        if "description" in definition:  # a docstring, which keeps its indentation before Python 3.13
            definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title} | schema


def _renamed(value: Any, **names: str) -> Any:
    """Return an object, or each object of a list, with some of its fields renamed."""
    if isinstance(value, list):
        return [_renamed(entry, **names) for entry in value]
    return {names.get(name, name): entry for name, entry in value.items()} if isinstance(value, dict) else value


def _timing_of_1(value: Any) -> Any:
    """Convert the timing of version 1, in which the bottleneck may have an old name."""
    timing = _renamed(value, sift="prefilter")
    if isinstance(timing, dict) and isinstance(timing.get("bottleneck"), str):
        timing["bottleneck"] = re.sub("^sift ", "prefilter ", timing["bottleneck"])
    return timing


def _cost_of_1(value: Any) -> Any:
    """Convert the cost of version 1, which had the backend's name without `remote` and `billed`."""
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
"""By a document's version, the conversions of the parts that have changed since."""


def _brought_up(content: bytes, version: str) -> bytes:
    """Convert an older document. Unchanged parts, which may be very long, are copied without being parsed."""
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
    """Yield the fields that are set."""
    fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
    return ((name, part) for name, part in fields if part is not msgspec.UNSET)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _version(content: bytes) -> str | None:
    """Return the document's own version; None if it has none in FrameFleet's form."""
    with contextlib.suppress(msgspec.MsgspecError, RecursionError):
        version = msgspec.json.decode(content, type=_Versioned).schema_version
        return version if isinstance(version, str) else None
    return None


class _Versioned(msgspec.Struct):
    schema_version: Any = None
