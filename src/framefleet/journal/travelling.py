"""A journal that travels: SQLite on this host, and everything that counts also in a folder that hosts share."""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from framefleet.errors import OutputError
from framefleet.journal.shared import SharedAnswers, SharedAsked, SharedFolder, SharedJob
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)


class TravellingJournal(Journal):
    """The journal of one video, whose folder in the shared one is `shared`; `source` is the video's sha256.

    A job's id is in the folder before the job is waited for, and an answer before it counts. The SQLite file is filled
    from the folder when it is opened, and removed in the end. `wait` is called while another process has the video,
    with its name.
    """

    def __init__(
        self, shared: Path, source: str, wait: Callable[[str], None], *, clock: Callable[[], Seconds] = time.time
    ) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="framefleet-journal-", ignore_cleanup_errors=True)
        self._source = source
        self._shared: SharedFolder | None = None
        self._sent: dict[int, tuple[str, str]] = {}
        self._unshared: list[tuple[str, str, str, str, bytes]] = []  # usage that goes with the next answers
        super().__init__(Path(self._place.name, "journal.sqlite3"), clock=clock)
        try:
            folder = SharedFolder(shared, self.owner, clock=clock)
            while (holder := folder.take()) is not None:
                wait(holder)
            self._shared = folder  # from here on the lease is renewed
            self._fetch(folder)
        except BaseException:
            self.close()
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
        try:
            self._folder.put_answers(SharedAnswers(answers, charges))
        except OutputError:
            with self._lock:
                self._unshared = charges + self._unshared
            raise
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
        with self._also_in_folder():
            super().forget(keys)

    def forget_stage(self, stage: str) -> int:
        with self._also_in_folder():
            return super().forget_stage(stage)

    def forget_private(self, stage: str) -> int:
        with self._also_in_folder():
            return super().forget_private(stage)

    def prune(self, sources: Collection[str]) -> int:
        with self._also_in_folder():
            return super().prune(sources)

    def asked(self, source: str, stage: str, asked: bytes, keys: Sequence[str]) -> None:
        super().asked(source, stage, asked, keys)
        self._folder.put_asked(SharedAsked(stage, asked, self._lease.now(), list(keys)))

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

    @contextmanager
    def _also_in_folder(self) -> Iterator[None]:
        """Remove from the folder what is removed from the SQLite file."""
        before = self._content()
        yield
        left = self._content()
        self._folder.forget(before.keys - left.keys)
        for stage in before.kept - left.kept:
            self._folder.drop_kept(stage)
        for stage, asked in before.asked - left.asked:
            self._folder.drop_asked(stage, asked)
        for endpoint, job_id in before.jobs - left.jobs:
            self._folder.drop_job(endpoint, job_id)

    def _content(self) -> "_Content":
        with self._told():
            return _Content(
                keys={key for (key,) in self._db.execute("SELECT key FROM answers")},
                kept={stage for (stage,) in self._db.execute("SELECT stage FROM kept")},
                asked=set(self._db.execute("SELECT stage, asked FROM identities")),
                jobs=set(self._db.execute("SELECT endpoint, job_id FROM submissions WHERE job_id IS NOT NULL")),
            )

    def _fetch(self, folder: SharedFolder) -> None:
        """Copy the folder's content: the jobs of processes that are gone are for the next that wants their answers."""
        contents, jobs, kept, asked = folder.answers(), folder.jobs(), folder.kept(), folder.asked()
        answers: dict[str, bytes] = {}
        with self._transaction() as db:  # after the reading, which may take a while: meanwhile the lease is renewed
            for content in contents:
                answers |= {key: parts for key, parts in content.answers.items() if key not in answers}
                rows = [
                    (end, job, self._source, stage, owner, used) for end, job, stage, owner, used in content.charges
                ]
                db.executemany("INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.executemany("INSERT OR IGNORE INTO answers(key, parts) VALUES (?, ?)", list(answers.items()))
            for job in jobs:
                if job.facts.keys() <= answers.keys():
                    folder.drop_job(job.endpoint, job.job_id)
                else:
                    self._take_over(job)
            rows_kept = [(self._source, one.stage, one.value) for one in kept]
            db.executemany("INSERT OR REPLACE INTO kept(source, stage, value) VALUES (?, ?, ?)", rows_kept)
            for one in asked:
                self._note_asked(self._source, one.stage, one.asked, one.keys, one.at)
        log.info("%s: %d answers of other processes", folder.path, len(answers))

    def _take_over(self, job: SharedJob) -> None:
        """Note the job as that of a process that is gone."""
        row = self._db.execute(
            "INSERT INTO submissions(endpoint, job_id, owner) VALUES (?, ?, '')", (job.endpoint, job.job_id)
        )
        number = row.lastrowid or 0
        self._sent[number] = (job.endpoint, job.job_id)
        facts = [(key, number, fact) for key, fact in job.facts.items()]
        self._db.executemany("INSERT INTO carried(key, submission, fact) VALUES (?, ?, ?)", facts)


@dataclass(frozen=True, slots=True)
class _Content:
    """What there is to remove: keys of answers, stages with kept results, what was asked, and jobs."""

    keys: set[str]
    kept: set[str]
    asked: set[tuple[str, bytes]]
    jobs: set[tuple[str, str]]


def not_in_use(path: Path) -> Callable[[str], None]:
    """Return a `wait` that raises `OutputError` instead, for commands that change the video's journal at `path`."""

    def refuse(_: str) -> None:
        raise OutputError(
            f"{path}: another run is using it, so nothing in it is changed",
            hint="try again when that run has ended",
            code="journal_in_use",
        )

    return refuse
