"""The log, by Python's `logging` under `framefleet`. The application adds handlers; there are none by default.

Every record is made safe before any handler gets it: keys are removed, and so is the text of errors that may quote
requests or answers, since those may contain what is shown and spoken in a video.
"""

import logging
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from framefleet.errors import (
    AsleepError,
    AuthError,
    BudgetError,
    CancelledError,
    EndpointGoneError,
    FleetError,
    JobLostError,
    JobTimeoutError,
    NotDoneError,
    OutputError,
    RateLimitedError,
    SetupError,
    UnreachableError,
    WorkerError,
)

ROOT = "framefleet"
SHORTEST = 4  # characters: a shorter text is no key, and hiding it would make the log unreadable

# The text of these is the program's own, Python's or SQLite's. All others may quote a request, a reply or a document.
_OWN_WORDS = (
    AsleepError,
    AuthError,
    BudgetError,
    CancelledError,
    EndpointGoneError,
    JobLostError,
    JobTimeoutError,
    NotDoneError,
    OutputError,
    RateLimitedError,
    SetupError,
    UnreachableError,
    ImportError,
    MemoryError,
)
_FRAMES = 40  # of a traceback, the innermost: an endless recursion has a thousand
_SECRETS = re.compile(
    r"\b(?:rpa_|hf_|sk-|ghp_|gho_|github_pat_|AKIA)[A-Za-z0-9_-]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|(?i:\bbearer\s+|\bauthorization\W+basic\s+)\S+"
    r"|(?i:\b[\w-]*(?:key|token|secret|password|passwd|pwd)\b[\"']?\s*[=:]\s*)\S+"
)
_USER = re.compile(r"(?<=://)[^\s/?#]*@")
_QUERY = re.compile(r"(?<=[^\s?])\?[^\s?=&]+=[^\s\"'<>)\]]*|(?<=://)([^\s?\"']+)\?[^\s\"'<>)\]]+")
_hidden: set[str] = set()

logging.getLogger(ROOT).addHandler(logging.NullHandler())


def logger(name: str) -> logging.Logger:
    """Return the logger of a module, whose records are safe for any handler."""
    log = logging.getLogger(name)
    log.addFilter(_make_harmless)
    return log


def hide(secret: str) -> None:
    """Remove this text from every record from now on, also in its form in an address or a literal."""
    if len(secret) >= SHORTEST:
        _hidden.update({secret, quote(secret, safe=""), repr(secret)[1:-1]})


def hide_secrets(text: str) -> str:
    """Return the text without anything that looks like a key."""
    return _SECRETS.sub("…", text)


def without_secrets(text: str) -> str:
    """Return the text without keys, and without the users and queries of addresses."""
    for secret in sorted(_hidden.copy(), key=len, reverse=True):
        text = text.replace(secret, "…")
    text = _QUERY.sub(lambda found: f"{found[1] or ''}?…", text)
    return hide_secrets(_USER.sub("…@", text))


def named(error: BaseException) -> str:
    """Return an error's name with its text, or if that may quote a request or an answer, with its place in the code."""
    name, words, frames = type(error).__name__, _words(error), traceback.extract_tb(error.__traceback__, -1)
    if words:
        return f"{name}: {_printable(words)}"
    return f"{name} ({Path(frames[0].filename).name}:{frames[0].lineno})" if frames else name


def _words(error: BaseException) -> str:
    if isinstance(error, _OWN_WORDS):
        quoted = error.__cause__  # an error may repeat the text of its cause
        return str(error) if quoted is None or isinstance(quoted, _OWN_WORDS) else ""
    if type(error).__module__ == "sqlite3":
        return str(error)
    number, reason = getattr(error, "errno", None), getattr(error, "strerror", None)
    if isinstance(number, int) and isinstance(reason, str):  # an error of the system or FFmpeg
        place = getattr(error, "filename", None)
        return f"[{number}] {reason}" + (f": {place}" if place is not None else "")
    return error.type if isinstance(error, WorkerError) else error.kind if isinstance(error, FleetError) else ""


def _printable(text: str) -> str:
    """Return the text as one line without control characters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _traced(error: BaseException) -> str:
    """Return the tracebacks of the error and of all its causes and contexts, also suppressed ones."""
    return "\n".join(
        "".join(["Traceback (most recent call last):\n", *traceback.format_tb(one.__traceback__, -_FRAMES), named(one)])
        for one in reversed(list(_chain(error)))
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _make_harmless(record: logging.LogRecord) -> bool:
    """Replace a record's message with its safe text. A filter that lets every record pass."""
    if isinstance(record.args, tuple):
        record.args = tuple(named(value) if isinstance(value, BaseException) else value for value in record.args)
    try:
        text = record.getMessage()
    except (TypeError, ValueError):  # a mistake in a log call must not end a run
        text = str(record.msg)
    record.msg = _printable(without_secrets(text))
    record.args = ()
    if record.exc_info is not None and record.exc_info[1] is not None:
        record.exc_text = without_secrets(_traced(record.exc_info[1]))
    record.exc_info = None  # a handler that has the error itself would write all its text
    return True
