"""The log: written to the file of `--log`, or to standard error if only `FRAMEFLEET_LOG` is set."""

import contextlib
import logging
import os
import platform
import re
import stat
import sys
from functools import cache
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from typer.main import get_command

from framefleet import __version__
from framefleet.config.settings import variable
from framefleet.errors import OutputError, UsageError
from framefleet.logs import ROOT, logger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO}
FORMAT = "%(asctime)s.%(msecs)03d %(levelname)s %(threadName)s %(name)s: %(message)s"
_EMULATOR = f"{ROOT}.emulator"  # its lines contain workers' own texts; `emulate --verbose` shows them
_FIRST = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]+ ")  # how a log begins

log = logger(__name__)


def _heard(context: typer.Context, file: str | None) -> None:
    if not context.resilient_parsing:
        open_log(file, str(context.info_name))


_OPTION = typer.Option(
    "--log",
    metavar="FILE",
    help="write a log to this file: requests, retries, errors",
    expose_value=False,
    is_eager=True,
    callback=_heard,
)
_handlers: list[logging.Handler] = []


@cache
def log_option() -> Any:
    """Return the option `--log`, which is added to every command and not passed to its function."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def command(file: Annotated[str | None, _OPTION] = None) -> None: ...

    return get_command(app).params[0]


def open_log(file: str | None, command: str) -> None:
    """Start the log if `--log` or `FRAMEFLEET_LOG` requests one.

    A file has level debug unless `FRAMEFLEET_LOG` is "info". Raises `UsageError` for an unknown level, and
    `OutputError` if the file cannot be written.
    """
    close_log()
    said = os.environ.get(variable("log"), "").strip().lower()
    if said and said not in LEVELS:
        raise UsageError(
            f"{variable('log')} {said}: not a level", hint=f"give {' or '.join(LEVELS)}; --log FILE sets the file"
        )
    if not said and file is None:
        return
    handler = _FileHandler(file) if file is not None else _BesideBars()
    handler.addFilter(lambda record: not record.name.startswith(_EMULATOR))
    handler.setFormatter(logging.Formatter(FORMAT, "%Y-%m-%d %H:%M:%S"))
    _handlers.append(handler)
    ours = logging.getLogger(ROOT)
    ours.addHandler(handler)
    ours.setLevel(LEVELS[said or "debug"])
    log.info("framefleet %s %s, Python %s, %s", __version__, command, platform.python_version(), platform.platform())


def close_log() -> None:
    """Close the log if it is open."""
    ours = logging.getLogger(ROOT)
    while _handlers:
        handler = _handlers.pop()
        ours.removeHandler(handler)
        ours.setLevel(logging.NOTSET)
        handler.close()


def log_hint() -> str:
    """Return a hint on where to find the traceback of a bug."""
    file = next((handler.path for handler in _handlers if isinstance(handler, _FileHandler)), None)
    if file:
        return f"see the traceback in {file}"
    return "see the traceback above" if _handlers else "rerun with --log FILE for a traceback"


class _BesideBars(logging.Handler):
    """A handler that writes to standard error without breaking the progress bars."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        with contextlib.suppress(OSError, ValueError):  # standard error is closed
            tqdm.write(self.format(record), file=sys.stderr)


class _FileHandler(logging.Handler):
    """A handler that appends to a file, created readable by its owner only.

    If the file can no longer be written, this is reported once and the command continues without a log.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self._file: IO[str] | None = _opened(path)

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            return
        try:
            self._file.write(self.format(record) + "\n")
            self._file.flush()
        except OSError as error:
            self._end()
            print(f"framefleet: {self.path}: cannot be written ({error.strerror}); logging stops", file=sys.stderr)

    def close(self) -> None:
        self._end()
        super().close()

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()


def _opened(path: str) -> IO[str]:
    """Open the file for appending. Raises `OutputError` if it is not writable, or exists and is not a log."""
    if not path.strip():
        raise UsageError("--log: the name is empty", hint="give a file")
    try:
        if not _is_log(Path(path)):
            raise OutputError(f"--log {path}: exists and is not a log", hint="give another file")
        return open(path, "a", encoding="utf-8", errors="backslashreplace", opener=_for_owner)
    except OSError as error:
        raise OutputError(f"--log {path}: cannot be written ({error.strerror})", hint="give another file") from None


def _is_log(path: Path) -> bool:
    """Return whether appending is safe: the file is new, empty or a log, or it is a terminal or a pipe."""
    if not path.exists() or not stat.S_ISREG(path.stat().st_mode):
        return True
    with path.open("rb") as file:
        head = file.read(64)
    return not head or _FIRST.match(head) is not None


def _for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
