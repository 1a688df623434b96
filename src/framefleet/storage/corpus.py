"""The file `corpus.json` in a folder of results, which grows with every run of many videos."""

import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from framefleet.errors import OutputError
from framefleet.schema.corpus import CorpusTable, VideoRow, merged, table_of
from framefleet.storage.atomic import write_whole
from framefleet.timebase import Seconds

FILE_NAME = "corpus.json"
EVERY_S = 1.0  # the least time between two writes: the table of 1,000 videos has 200 kB


class CorpusFile:
    """The table in `folder`. Each row that is added is merged with what is there by then, and replaces the file.

    Raises `OutputError` if something else has the file's name, before anything is written.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], Seconds] = time.monotonic) -> None:
        self.path = folder / FILE_NAME
        self._clock = clock
        self._rows: list[VideoRow] = []
        self._written = True
        self._next_s = clock()
        self.rows()

    def rows(self) -> list[VideoRow]:
        """Return the rows of the file; none if there is no file. Raises `OutputError`."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=CorpusTable).videos
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError, RecursionError):
            raise OutputError(
                f"{self.path}: not a table of FrameFleet", hint="move it or give another output folder"
            ) from None

    def add(self, row: VideoRow) -> None:
        """Add a row, which is written soon. Raises `OutputError`."""
        self._rows.append(row)
        self._written = False
        if self._clock() >= self._next_s:
            self.write()

    def add_unless_known(self, row: VideoRow) -> None:
        """Add the row of a video that a cancellation kept from ending, unless an earlier run's says more."""
        of_it = [one for one in [*self.rows(), *self._rows] if one.video == row.video]
        if not any(one.document and Path(one.document).exists() for one in of_it):
            self.add(row)

    def write(self) -> None:
        """Write what has been added. Raises `OutputError`."""
        if self._written:
            return
        table = table_of(merged(self.rows(), self._rows))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.path.parent}: cannot be written ({error.strerror})", hint="give another output folder"
            ) from None
        write_whole(self.path, msgspec.json.format(msgspec.json.encode(table), indent=1) + b"\n")
        self._written, self._next_s = True, self._clock() + EVERY_S
