"""The JSON envelope around a service's answer, read leniently: a fault in the envelope must not lose the answer.

The answer itself is JSON by RFC 8259, or unreadable.
"""

import json
import math
import re
from typing import Any

import msgspec

LONGEST_MS = 31 * 86_400_000.0  # no job takes longer: a larger figure is not a duration
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


class Unreadable(Exception):  # noqa: N818 - a value too: it stands in the place of a member that cannot be read
    """The reason why something cannot be read, in a few words."""


def read(content: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; one that cannot be read becomes an `Unreadable`, and the others stay.

    Raises `Unreadable` if no member can be read.
    """
    try:
        said = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _members(_mended(content))
    if not isinstance(said, dict):
        raise Unreadable(f"with no object but a {type(said).__name__}")
    return said


def duration_ms(said: Any) -> float | None:
    """Return a job's duration in milliseconds, from a number or text; None for anything else."""
    try:
        taken = math.nan if isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        return None
    return taken if 0 <= taken <= LONGEST_MS else None


def name(said: Any) -> str | None:
    """Return a name, from text or a number; None for anything else."""
    return str(said) if isinstance(said, str | int) and not isinstance(said, bool) else None


def count(said: Any) -> int:
    """Return a count, from a number or text; 0 for anything else."""
    try:
        return max(0, int(float(said)))
    except (TypeError, ValueError, OverflowError):
        return 0


def _mended(content: bytes) -> bytes:
    """Return the content without a byte order mark, and with lone surrogates replaced by U+FFFD."""
    whole = content.removeprefix(b"\xef\xbb\xbf")
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], whole)


def _members(content: bytes) -> dict[str, Any]:
    """Return the members as `read` does, decoding each on its own, so that one with a fault does not lose the others.

    Of a truncated object, return the members before its end; the last is then an `Unreadable`.
    """
    if not content.lstrip().startswith(b"{"):
        raise Unreadable("with no object")
    members: dict[str, Any] = {}
    key: str | None = None
    begins, depth = -1, 0
    for found in _TOKEN.finditer(content):
        token = found[0]
        if token in b"{[":
            depth += 1
        elif depth == 1 and token == b":" and begins < 0 and key is not None:
            begins = found.end()
        elif depth == 1 and token in b",}":
            if key is not None and begins >= 0:
                members[key] = _value(content[begins : found.start()])
            key, begins = None, -1
            depth -= token == b"}"
        elif token in b"}]":
            depth -= 1
        elif depth == 1 and begins < 0 and token[:1] == b'"':
            key = _key(token)
        if depth == 0:
            break
    if key is not None and begins >= 0:
        members[key] = Unreadable("it breaks off")
    if all(isinstance(member, Unreadable) for member in members.values()):
        raise Unreadable("with nothing that can be read")
    return members


def _value(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Unreadable(str(error).partition(" (")[0])


def _key(text: bytes) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text.decode("utf-8", "replace")
