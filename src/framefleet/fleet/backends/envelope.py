"""What a service wraps an answer in, read loosely: nothing that only surrounds an answer may cost it.

The answer itself is JSON as RFC 8259 has it, or unreadable.
"""

import json
import math
import re
from typing import Any

import msgspec

LONGEST_MS = 31 * 86_400_000.0  # more than this is no time that a job took
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],:]', re.DOTALL)
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


class Unreadable(Exception):  # noqa: N818 - a value too: what stands where something cannot be read
    """Why something is not what it should be, in a few words."""


def read(content: bytes) -> dict[str, Any]:
    """The members of the object that an answer is; one that cannot be read is an `Unreadable`, and costs no other.

    Raises `Unreadable` where no member can be told.
    """
    try:
        said = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _members(_mended(content))
    if not isinstance(said, dict):
        raise Unreadable(f"with no object but a {type(said).__name__}")
    return said


def duration_ms(said: Any) -> float | None:
    """A time that a job took, whether it came as a number or as text; None for what is none."""
    try:
        taken = math.nan if isinstance(said, bool) else float(said)
    except (TypeError, ValueError, OverflowError):
        return None
    return taken if 0 <= taken <= LONGEST_MS else None


def name(said: Any) -> str | None:
    """A name, which may have come as a number."""
    return str(said) if isinstance(said, str | int) and not isinstance(said, bool) else None


def count(said: Any) -> int:
    """How many; 0 for what is no number."""
    try:
        return max(0, int(float(said)))
    except (TypeError, ValueError, OverflowError):
        return 0


def _mended(content: bytes) -> bytes:
    """Without a byte order mark, and halves of a surrogate pair as the character that stands for what is none."""
    whole = content.removeprefix(b"\xef\xbb\xbf")
    return _ESCAPE.sub(lambda found: b"\\ufffd" if found[1] else found[0], whole)


def _members(content: bytes) -> dict[str, Any]:
    """As `read`, member by member: what one of them holds does not matter to the others, however deep it is.

    Of an object that breaks off, what stands before; the last is then an `Unreadable`.
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
