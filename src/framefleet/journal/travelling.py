"""A journal that travels: SQLite on this host, and everything that counts also in a folder that hosts share."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from framefleet.errors import OutputError
from framefleet.journal.look import private_key
from framefleet.journal.shared import SharedAnswers, SharedFolder, SharedJob
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)


class TravellingJournal(Journal):
    """The journal of one video, whose folder in the shared one is `shared`; `source` is the video's sha256.

    A job's id is in the folder before the job is waited for, and an answer before it counts. The SQLite file is made
    anew from the folder each time, and removed in the end. `wait` is called while another process has the video, with
    its name.
    """

    def __init__(
        self, shared: Path, source: str, wait: Callable[[str], None], *, clock: Callable[[], Seconds] = time.time
    ) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="framefleet-journal-", ignore_cleanup_errors=True)
        self._source = source
        self._shared: SharedFolder | None = None
        self._sent: dict[int, tuple[str, str]] = {}
        self._unshared: list[tuple[str, str, str, str, bytes]] = []  # usage that goes with the next answers
        try:
            super().__init__(Path(self._place.name, "journal.sqlite3"), clock=clock)
            folder = SharedFolder(shared, self.owner, clock=clock)
            while (holder := folder.take()) is not None:
                wait(holder)
            self._fetch(folder)
            self._shared = folder
        except BaseException:
            self._place.cleanup()
            raise

    def sent(self, claim: int, job_id: str) -> None:
        super().sent(claim, job_id)
        with self._told():
            row = self._db.execute("SELECT endpoint FROM submissions WHERE id = ?", (claim,)).fetchone()
            facts = dict(self._db.execute("SELECT key, fact FROM carried WHERE submission = ?", (claim,)))
        if row is not None:
            self._folder.put_job(SharedJob(row[0], job_id, facts))
            self._sent[claim] = (row[0], job_id)

    def keep(self, answers: dict[str, bytes]) -> None:
        with self._lock:
            charges, self._unshared = self._unshared, []
        self._folder.put_answers(SharedAnswers(answers, charges))
        super().keep(answers)

    def charge(self, endpoint: str, job_id: str, *, source: str, stage: str, charge: bytes) -> None:
        super().charge(endpoint, job_id, source=source, stage=stage, charge=charge)
        with self._lock:
            self._unshared.append((endpoint, job_id, stage, self.owner, charge))

    def release(self, claim: int) -> None:
        super().release(claim)
        if (job := self._sent.pop(claim, None)) is not None:
            self._folder.drop_job(*job)

    def forget(self, keys: Sequence[str]) -> None:
        super().forget(keys)
        self._folder.forget(keys)

    def forget_private(self, stage: str) -> int:
        with self._told():
            query = "SELECT key FROM answers WHERE key GLOB ?"
            keys = [key for (key,) in self._db.execute(query, (private_key(stage, "*"),))]
        self._folder.forget(keys)
        return super().forget_private(stage)

    def remember(self, source: str, stage: str, value: bytes) -> None:
        super().remember(source, stage, value)
        self._folder.put_kept(stage, value)

    def beat(self) -> None:
        super().beat()
        if self._shared is not None:
            self._shared.renew()

    def close(self) -> None:
        super().close()
        try:
            if self._shared is not None:
                self._shared.put_answers(SharedAnswers({}, self._unshared))
                self._shared.merge()
                self._shared.give_back()
        except OutputError as error:
            log.warning("the shared journal cannot be tidied up", exc_info=error)
        finally:
            self._place.cleanup()

    @property
    def _folder(self) -> SharedFolder:
        assert self._shared is not None
        return self._shared

    def _fetch(self, folder: SharedFolder) -> None:
        """Copy the folder's content: the jobs of processes that are gone are for the next that wants their answers."""
        answers: dict[str, bytes] = {}
        with self._transaction() as db:
            for content in folder.answers():
                answers |= {key: parts for key, parts in content.answers.items() if key not in answers}
                rows = [
                    (end, job, self._source, stage, owner, used) for end, job, stage, owner, used in content.charges
                ]
                db.executemany("INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.executemany("INSERT OR IGNORE INTO answers(key, parts) VALUES (?, ?)", list(answers.items()))
            for job in folder.jobs():
                if job.facts.keys() <= answers.keys():
                    folder.drop_job(job.endpoint, job.job_id)
                    continue
                row = db.execute(
                    "INSERT INTO submissions(endpoint, job_id, owner) VALUES (?, ?, '')", (job.endpoint, job.job_id)
                )
                number = row.lastrowid or 0
                self._sent[number] = (job.endpoint, job.job_id)
                facts = [(key, number, fact) for key, fact in job.facts.items()]
                db.executemany("INSERT INTO carried(key, submission, fact) VALUES (?, ?, ?)", facts)
            kept = [(self._source, one.stage, one.value) for one in folder.kept()]
            db.executemany("INSERT OR REPLACE INTO kept(source, stage, value) VALUES (?, ?, ?)", kept)
        log.info("%s: %d answers of other processes", folder.path, len(answers))
