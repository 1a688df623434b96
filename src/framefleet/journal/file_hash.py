"""The sha256 of video files, kept with what tells that a file is unchanged: reading an hour of video takes seconds."""

import os
import time
from pathlib import Path

from framefleet.errors import OutputError
from framefleet.journal.look import noted_sha256
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.models import file_sha256

log = logger(__name__)

_SETTLED_S = 2.0  # until a file is this old, its times may be too coarse to show a further change


class FileHash:
    """The sha256 of a file: the one that the journal noted of it, or read from the file.

    It is read if size, times or inode differ, and with `verify`. Nothing is written but by `note`.
    """

    def __init__(self, file: Path, journal: Path, *, verify: bool = False) -> None:
        self._file = Path(os.path.abspath(file))  # noqa: PTH100 - resolve() would follow links
        self._state = _state(self._file)
        noted = None if verify or self._state is None else noted_sha256(journal, self._file, self._state)
        self.sha256 = noted or file_sha256(self._file)

    def note(self, journal: Journal) -> None:
        """Keep it for the next run, unless the file was changed meanwhile, or so recently that this cannot be told."""
        if self._state is None or _state(self._file) != self._state:
            return
        try:
            journal.note_file(self._file, self._state, self.sha256)
        except OutputError as error:
            log.info("%s: its sha256 is not kept", self._file.name, exc_info=error)


def _state(file: Path) -> str | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    if time.time() - max(stat.st_mtime, stat.st_ctime) < _SETTLED_S:
        return None
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"
