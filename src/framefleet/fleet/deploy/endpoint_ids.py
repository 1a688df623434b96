"""The `[endpoints]` of framefleet.toml, edited line by line, so that the rest of the file stays as it was written."""

import contextlib
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framefleet.config.settings import CONFIG_FILE
from framefleet.errors import OutputError, UsageError

_HEADER = re.compile(r"\s*\[\s*endpoints\s*\]\s*(#.*)?$")
_ANY_HEADER = re.compile(r"\s*\[")
_ENTRY = r"""\s*["']?{}["']?\s*=\s*("[^"]*"|'[^']*')"""


def edited(text: str, ids: Mapping[str, str | None]) -> str:
    """Return `text` with these ids under `[endpoints]`; None removes one.

    The result is read again. Raises `UsageError` if the file is written in a way that this cannot edit safely.
    """
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{CONFIG_FILE}: {error}") from None
    lines = text.splitlines(keepends=True)
    for kind, id in ids.items():
        _set(lines, kind, id)
    listed = before.pop("endpoints", {})
    if not isinstance(listed, dict) or not _is("".join(lines), before, listed | dict(ids)):
        told = ", ".join(f'{kind} = "{id}"' for kind, id in ids.items())
        raise UsageError(f"{CONFIG_FILE}: cannot be changed safely", hint=f"write {told} under [endpoints] yourself")
    return "".join(lines)


def remember(ids: Mapping[str, str | None], folder: Path = Path()) -> None:
    """Write the ids into the folder's framefleet.toml, whole or not at all. Raises `OutputError` and `UsageError`."""
    path = (folder / CONFIG_FILE).resolve()  # the target of a link is changed, not the link
    text = _read(path)
    new = edited(text, ids)
    if new != text:
        _write(path, new)


def check(kinds: list[str], folder: Path = Path()) -> None:
    """Check, before an endpoint is created, that its id can be written. Raises as `remember` does."""
    path = (folder / CONFIG_FILE).resolve()
    edited(_read(path), dict.fromkeys(kinds, "ID"))
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OutputError(
            f"{path.parent}: cannot be written ({error.strerror})", hint="run this command in another folder"
        ) from None


def _is(text: str, rest: Mapping[str, Any], ids: Mapping[str, Any]) -> bool:
    try:
        after = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return after.pop("endpoints", {}) == {kind: id for kind, id in ids.items() if id is not None} and after == rest


def _set(lines: list[str], kind: str, id: str | None) -> None:
    header = next((at for at, line in enumerate(lines) if _HEADER.match(line)), None)
    if header is None:
        if id is not None:
            gap = ["\n"] if lines and lines[-1].endswith("\n") else ["\n\n"] if lines else []
            lines += [*gap, "[endpoints]\n", f'{kind} = "{id}"\n']
        return
    end = next((at for at in range(header + 1, len(lines)) if _ANY_HEADER.match(lines[at])), len(lines))
    entry = re.compile(_ENTRY.format(re.escape(kind)))
    found = next(((at, match.end()) for at in range(header + 1, end) if (match := entry.match(lines[at]))), None)
    if found is None:
        if id is not None:
            lines[header] = lines[header].rstrip("\r\n") + "\n"  # it may be the file's last line, without an end
            lines.insert(header + 1, f'{kind} = "{id}"\n')
    elif id is None:
        del lines[found[0]]
    else:
        at, ends = found
        lines[at] = f'{kind} = "{id}"{lines[at][ends:]}'  # a comment may follow the value


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")  # `read_text` would change the line ends
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None


def _write(path: Path, text: str) -> None:
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".framefleet.", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror})", hint="free some space or use another folder"
        ) from None
