"""The journal: answers by key, submissions by job id, and which process holds what.

One file for an output folder, whatever the video: keys tell videos apart. Every method is one transaction, on disk when
it returns; many threads and several processes may use it at once. A process that was believed to be gone (it was
stopped for a while) and comes back has lost its claims: what it says of them is not heeded, but its answers are.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import inf
from pathlib import Path
from typing import Any

from framefleet.errors import OutputError
from framefleet.journal.file import in_chunks, opened
from framefleet.journal.look import private_key
from framefleet.journal.owner import new_owner, surely_gone
from framefleet.logs import logger
from framefleet.storage.database import errors_told
from framefleet.timebase import Seconds

LEASE_S = 30.0  # how long a process that stopped beating is still believed to be at work
BEAT_S = 5.0


class Lease:
    """This process's. `renew`, `end` and `gone` are each a part of a transaction."""

    def __init__(self, db: sqlite3.Connection, owner: str, clock: Callable[[], Seconds]) -> None:
        self._db = db
        self._owner = owner
        self._clock = clock
        self._until = inf
        self._woke_s = -inf

    def renew(self) -> None:
        """Says that this process is at work, for another `LEASE_S`."""
        now = self._clock()
        self._woke_s = now if self._until < now else self._woke_s
        self._until = now + LEASE_S
        self._db.execute("INSERT OR REPLACE INTO owners(name, alive_until) VALUES (?, ?)", (self._owner, self._until))

    def end(self) -> None:
        """Says that it is not any more."""
        self._db.execute("DELETE FROM owners WHERE name = ?", (self._owner,))

    def gone(self, owner: str) -> bool:
        """Whether that process has ended, as far as anybody can tell."""
        if owner == self._owner:
            return False
        row = self._db.execute("SELECT alive_until FROM owners WHERE name = ?", (owner,)).fetchone()
        return row is None or (row[0] < self._clock() and not self._just_woke()) or surely_gone(owner)

    def _just_woke(self) -> bool:
        """Whether this process's own lease ran out a moment ago: its computer slept, or the clock was put forward.

        The others of this computer may then be at work as well, and have not had the time to say so.
        """
        now = self._clock()
        return self._until < now or now < self._woke_s + 2 * BEAT_S


log = logger(__name__)

Gone = Callable[[str], bool]
"""Whether the process that a submission names as its owner has ended."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A submission whose process is gone: its job may well have been done. `facts` are JSON by key."""

    id: int
    job_id: str
    facts: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of asking for some keys: those now held under `id`, those answered since, those already held.

    `orphans` are about some of the held keys and have become this process's to ask after; with them nothing is granted.
    """

    id: int
    granted: frozenset[str]
    answered: dict[str, bytes]
    held: frozenset[str]
    orphans: tuple[Orphan, ...] = ()


class Journal:
    """Opens or makes the file at `path`. Raises `OutputError` if that cannot be."""

    def __init__(self, path: Path, *, owner: str | None = None, clock: Callable[[], Seconds] = time.time) -> None:
        self.path = path
        self.owner = owner or new_owner()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._charged: list[tuple[Any, ...]] = []
        with self._told():
            self._db = opened(path)
        self._lease = Lease(self._db, self.owner, clock)
        self.beat()
        self._heart = threading.Thread(target=self._beat_on, name="journal-heart", daemon=True)
        self._heart.start()

    @property
    def closed(self) -> bool:
        """Whether `close` was called: threads that were not waited for may come back later."""
        return self._closed.is_set()

    def answers(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The answers there are to these keys."""
        with self._told():
            return self._answers(keys)

    def claim(self, endpoint: str, facts: dict[str, bytes]) -> Claim:
        """Takes hold of the keys of `facts` that are neither answered, nor held, nor asked about in a job.

        A job whose process is gone is paid for and may be done, whenever that process went: nobody asks anew before
        somebody has asked after it.
        """
        with self._transaction() as db:
            gone = cache(self._lease.gone)  # asked once: who ends just now would neither hold a key nor leave a job
            answered = self._answers(list(facts))
            orphans = self._taken_over(list(facts.keys() - answered.keys()), endpoint, gone)
            held = self._held(list(facts.keys() - answered.keys()), gone)
            granted = frozenset(facts) - answered.keys() - held if not orphans else frozenset[str]()
            number = 0
            if granted:
                row = db.execute("INSERT INTO submissions(endpoint, owner) VALUES (?, ?)", (endpoint, self.owner))
                number = row.lastrowid or 0
                rows = [(key, number, facts[key]) for key in granted]
                db.executemany("INSERT INTO carried(key, submission, fact) VALUES (?, ?, ?)", rows)
            return Claim(number, granted, answered, frozenset(held), tuple(orphans))

    def sent(self, claim: int, job_id: str) -> None:
        """The service has accepted what the claim holds, as this job."""
        with self._transaction() as db:
            db.execute("UPDATE submissions SET job_id = ? WHERE id = ? AND owner = ?", (job_id, claim, self.owner))

    def keep(self, answers: dict[str, bytes]) -> None:
        """Answers are known. The first answer to a key wins."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO answers(key, parts) VALUES (?, ?)", list(answers.items()))

    def release(self, claim: int) -> None:
        """The claim is over, answered or not."""
        with self._transaction() as db:
            db.execute("DELETE FROM submissions WHERE id = ? AND owner = ?", (claim, self.owner))

    def leave(self, claim: int) -> None:
        """The claim is nobody's any more, but its job may be done yet: whoever claims its keys is to ask after it."""
        with self._transaction() as db:
            db.execute("UPDATE submissions SET owner = '' WHERE id = ? AND owner = ?", (claim, self.owner))

    def adopt(self, endpoint: str, keys: Sequence[str]) -> list[Orphan]:
        """Takes over the submissions about any of these keys whose process is gone.

        Those that never got a job id, or whose keys are all answered, are forgotten: there is nothing to ask for.
        """
        with self._transaction():
            return self._taken_over(keys, endpoint, cache(self._lease.gone))

    def held_elsewhere(self, keys: Sequence[str]) -> int:
        """How many of the keys other processes at work hold."""
        with self._told():
            return len(self._held(keys, self._lease.gone, but=self.owner))

    def forget(self, keys: Sequence[str]) -> None:
        """Drops the answers to these keys, and what was submitted for them and is held by nobody."""
        with self._transaction() as db:
            db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in keys])
            left = [(number,) for number, _ in self._about(keys, None, self._lease.gone)]
            db.executemany("DELETE FROM submissions WHERE id = ?", left)

    def recall(self, source: str, stage: str) -> bytes | None:
        """What the stage keeps of the video whose sha256 is `source`; None where it never kept anything."""
        with self._told():
            row = self._db.execute("SELECT value FROM kept WHERE source = ? AND stage = ?", (source, stage)).fetchone()
            return row[0] if row else None

    def remember(self, source: str, stage: str, value: bytes) -> None:
        """Keeps `value` for the next run on the video, instead of what was kept before."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO kept(source, stage, value) VALUES (?, ?, ?)", (source, stage, value))

    def keep_private(self) -> None:
        """Lets nobody but the file's owner read it; does nothing where that cannot be set."""
        for path in (self.path, *(Path(f"{self.path}{end}") for end in ("-wal", "-shm"))):
            try:
                path.chmod(0o600)
            except OSError as error:
                log.info("%s: its mode is not changed", path.name, exc_info=error)

    def forget_private(self, stage: str) -> int:
        """Removes all that is kept of a private stage, of every video, and overwrites it on the disk.

        Returns how many answers that were.
        """
        with self._told():
            self._db.execute("PRAGMA secure_delete = ON")
        with self._transaction() as db:
            answers = db.execute("DELETE FROM answers WHERE key GLOB ?", (private_key(stage, "*"),)).rowcount
            db.execute("DELETE FROM kept WHERE stage = ?", (stage,))
        with self._told():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return answers

    def charge(self, endpoint: str, job_id: str, *, source: str, stage: str, charge: bytes) -> None:
        """What a job was charged is known. The first to know it wins.

        It goes onto the disk with what is written next, which mostly is the job's answer.
        """
        with self._lock:
            self._charged.append((endpoint, job_id, source, stage, self.owner, charge))

    def charges(self, endpoint: str, *, source: str, stage: str) -> list[tuple[str, bytes]]:
        """What the endpoint charged for this stage of this video, in whatever run, each with its job's id."""
        query = "SELECT job_id, charge FROM charges WHERE source = ? AND stage = ? AND endpoint = ?"
        with self._transaction() as db:  # with what is not yet on the disk
            return db.execute(query, (source, stage, endpoint)).fetchall()

    def beat(self) -> None:
        """Says that this process is at work."""
        with self._transaction():
            self._lease.renew()

    def close(self) -> None:
        """Lets go of the lease. Submissions not yet answered stay, for the next run to ask after."""
        self._closed.set()
        self._heart.join()
        with self._lock:
            try:
                with self._transaction():
                    self._lease.end()
            except OutputError as error:  # a full disk: the lease then ends by itself
                log.info("the journal's lease is left to run out", exc_info=error)
            finally:
                self._db.close()

    def _answers(self, keys: Sequence[str]) -> dict[str, bytes]:
        query = "SELECT key, parts FROM answers WHERE key IN ({})"
        return dict(row for rows in in_chunks(self._db, query, keys) for row in rows)

    def _held(self, keys: Sequence[str], gone: Gone, *, but: str = "") -> set[str]:
        query = "SELECT key, owner FROM carried JOIN submissions ON id = submission WHERE key IN ({})"
        owners = [row for rows in in_chunks(self._db, query, keys) for row in rows]
        return {key for key, owner in owners if owner != but and not gone(owner)}

    def _taken_over(self, keys: Sequence[str], endpoint: str, gone: Gone) -> list[Orphan]:
        """Makes the submissions about any of the keys whose owner is gone this process's own."""
        orphans = []
        for number, job_id in self._about(keys, endpoint, gone):
            facts = dict(self._db.execute("SELECT key, fact FROM carried WHERE submission = ?", (number,)))
            if job_id is None or facts.keys() == self._answers(list(facts)).keys():
                self._db.execute("DELETE FROM submissions WHERE id = ?", (number,))
                continue
            self._db.execute("UPDATE submissions SET owner = ? WHERE id = ?", (self.owner, number))
            orphans.append(Orphan(number, job_id, facts))
        return orphans

    def _about(self, keys: Sequence[str], endpoint: str | None, gone: Gone) -> list[tuple[int, str | None]]:
        """Submissions about any of the keys whose owner is gone: number and job id."""
        query = """SELECT DISTINCT id, job_id, owner, endpoint FROM carried JOIN submissions ON id = submission
                   WHERE key IN ({})"""
        found = {row for rows in in_chunks(self._db, query, keys) for row in rows}
        return sorted(
            (number, job_id)
            for number, job_id, owner, at in found
            if (endpoint is None or at == endpoint) and gone(owner)
        )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT OR IGNORE INTO charges VALUES (?, ?, ?, ?, ?, ?)", self._charged)
                yield self._db
                self._db.execute("COMMIT")
                self._charged = []
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """One thread at a time; SQLite's errors as ours."""
        with self._lock, errors_told(self.path, "the journal"):
            yield

    def _beat_on(self) -> None:
        while not self._closed.wait(BEAT_S):
            try:
                self.beat()
            except OutputError as error:  # whoever writes next will say so
                log.info("the journal's lease is not renewed", exc_info=error)
