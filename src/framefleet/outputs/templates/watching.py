"""Templates of a folder into which a run is still writing."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from framefleet.corpus.grouping import templates_of
from framefleet.corpus.result import Templates
from framefleet.errors import InputError
from framefleet.journal.look import in_use
from framefleet.logs import logger
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.storage.folder import documents_in
from framefleet.timebase import Seconds

log = logger(__name__)

POLL_S: Seconds = 1.0
PATIENCE_S: Seconds = 60.0  # for a run to begin, when nothing comes
QUIET_S: Seconds = 5.0  # without a run: between two videos of a script, none is at work for a moment
_GROWN = 0.12  # after so many more videos, or
_GROWN_BY = 8  # so many, all are grouped again; until then a new one joins a template and nothing else moves


@dataclass
class Folder:
    """The results of a folder as they come, and the templates of those so far."""

    place: Path
    previous: Templates | None = None
    documents: dict[str, Document] = field(default_factory=dict)
    _read: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _grouped: int = 0  # how many there were when all were grouped

    def look(self) -> list[str]:
        """Read what is new or has changed, and return the paths."""
        come = []
        for path in sorted(documents_in(self.place, known=self._read)):
            try:
                state = path.stat()
                mark = (state.st_mtime_ns, state.st_size)
                if self._read.get(path) == mark:
                    continue
                self._read[path] = mark  # also of what is no result, so that it is reported once
                self.documents[str(path)] = read_document(path)
            except (OSError, InputError) as error:
                log.warning("%s is left out", path, exc_info=error)
                continue
            come.append(str(path))
        return come

    def templates(self, *, regroup: bool = False) -> Templates:
        """Return the templates of all so far, grouped again if `regroup` or if enough have come since the last time."""
        more = len(self.documents) - self._grouped
        if regroup or self.previous is None or more >= min(_GROWN_BY, max(1, _GROWN * self._grouped)):
            self.previous, self._grouped = templates_of(self.documents, previous=self.previous), len(self.documents)
        else:
            self.previous = templates_of(self.documents, previous=self.previous, regroup=False)
        return self.previous


def watch(
    folder: Folder,
    show: Callable[[Templates, list[str]], None],
    *,
    at_work: Callable[[Path], bool] | None = None,
    clock: Callable[[], Seconds] = time.monotonic,
    sleep: Callable[[Seconds], None] = time.sleep,
) -> None:
    """Show the templates whenever results come, until the run that writes them has ended; then group all once more.

    Without a run it waits for one for `PATIENCE_S`. Ctrl-C (`KeyboardInterrupt`) ends it as the run's end does.
    """
    at_work = at_work or run_in
    seen_at_work, last = False, clock()
    try:
        while True:
            working = at_work(folder.place)
            if come := folder.look():
                show(folder.templates(), come)
            if working or come:
                last = clock()
            seen_at_work |= working
            if not working and clock() - last >= (QUIET_S if seen_at_work else PATIENCE_S):
                break
            sleep(POLL_S)
    except KeyboardInterrupt:
        pass
    folder.look()
    if folder.documents:
        show(folder.templates(regroup=True), [])


def run_in(folder: Path) -> bool:
    """Return whether a run is writing into the folder, by its journals."""
    return any(in_use(path) for path in folder.glob("*journal.sqlite3"))
