"""The journal: answers by key, submissions by job id, and which process holds what.

One file per output folder, for all videos: keys distinguish them. Every method is one transaction, on disk when it
returns; many threads and several processes may use it at once. A process that was taken for ended (it was stopped for
a while) and resumes has lost its claims: its changes to them are ignored, but its answers are kept.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from framefleet.errors import OutputError
from framefleet.journal.file import in_chunks, opened
from framefleet.journal.look import private_key
from framefleet.journal.owner import BEAT_S, Lease, new_owner
from framefleet.logs import logger
from framefleet.storage.database import database_errors
from framefleet.timebase import Seconds

log = logger(__name__)

Gone = Callable[[str], bool]
"""Whether the process that a submission names as its owner has ended."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A submission whose process has ended, while its job may have finished. `facts` are JSON by key."""

    id: int
    job_id: str
    facts: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of claiming some keys: those now held under `id`, those answered since, those already held.

    `orphans` are jobs about some of the held keys, which are now this process's to collect; with them nothing is
    granted.
    """

    id: int
    granted: frozenset[str]
    answered: dict[str, bytes]
    held: frozenset[str]
    orphans: tuple[Orphan, ...] = ()


class Journal:
    """The journal at `path`, which is created if there is none. Raises `OutputError` if that fails."""

    def __init__(self, path: Path, *, owner: str | None = None, clock: Callable[[], Seconds] = time.time) -> None:
        self.path = path
        self.owner = owner or new_owner()
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._charged: list[tuple[Any, ...]] = []
        with self._told():
            self._db = opened(path)
            # what is replaced or deleted may be about a person; not all builds of SQLite overwrite it by default
            self._db.execute("PRAGMA secure_delete = ON")
        self._lease = Lease(self._db, self.owner, clock)
        self.beat()
        self._heart = threading.Thread(target=self._beat_on, name="journal-heart", daemon=True)
        self._heart.start()

    @property
    def closed(self) -> bool:
        """Whether `close` was called; threads that were not waited for may still use the journal later."""
        return self._closed.is_set()

    def answers(self, keys: Sequence[str]) -> dict[str, bytes]:
        """Return the answers to these keys, as far as there are any."""
        with self._told():
            return self._answers(keys)

    def claim(self, endpoint: str, facts: dict[str, bytes]) -> Claim:
        """Claim the keys of `facts` that are neither answered, nor held, nor part of a job.

        A job whose process has ended is paid for and may have finished, so its items are not sent again before it is
        collected.
        """
        with self._transaction() as db:
            gone = cache(self._lease.gone)  # checked once: a process that ends just now must get one verdict in all
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
        """Note the job that the service has accepted for the claim."""
        with self._transaction() as db:
            db.execute("UPDATE submissions SET job_id = ? WHERE id = ? AND owner = ?", (job_id, claim, self.owner))

    def keep(self, answers: dict[str, bytes]) -> None:
        """Save answers. The first answer to a key wins."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO answers(key, parts) VALUES (?, ?)", list(answers.items()))

    def release(self, claim: int) -> None:
        """End the claim, answered or not."""
        with self._transaction() as db:
            db.execute("DELETE FROM submissions WHERE id = ? AND owner = ?", (claim, self.owner))

    def leave(self, claim: int) -> None:
        """Give up the claim, but keep its job, which may still finish: the next claim on its keys collects it."""
        with self._transaction() as db:
            db.execute("UPDATE submissions SET owner = '' WHERE id = ? AND owner = ?", (claim, self.owner))

    def adopt(self, endpoint: str, keys: Sequence[str]) -> list[Orphan]:
        """Take over the submissions about any of these keys whose process has ended, and return them.

        Those that never got a job id, or whose keys are all answered, are deleted, since nothing is to collect.
        """
        with self._transaction():
            return self._taken_over(keys, endpoint, cache(self._lease.gone))

    def held_elsewhere(self, keys: Sequence[str]) -> int:
        """Return how many of the keys are held by other running processes."""
        with self._told():
            return len(self._held(keys, self._lease.gone, but=self.owner))

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the answers to these keys, and the submissions about them that no running process holds."""
        with self._transaction() as db:
            db.executemany("DELETE FROM answers WHERE key = ?", [(key,) for key in keys])
            left = [(number,) for number, _ in self._about(keys, None, self._lease.gone)]
            db.executemany("DELETE FROM submissions WHERE id = ?", left)

    def asked(self, source: str, stage: str, asked: bytes, keys: Sequence[str]) -> None:
        """Note what a run asks a stage about the video, as JSON, and the keys that have only a hash of it."""
        with self._transaction():
            self._note_asked(source, stage, asked, keys, self._lease.now())

    def note_file(self, path: Path, state: str, sha256: str) -> None:
        """Keep the sha256 of the file in that state."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (os.fsencode(path), state, sha256))

    def forget_stage(self, stage: str) -> int:
        """Remove the answers and results of a stage, of every video. Return how many answers were removed.

        Those that a version before this one kept stay until a run has met them again: it did not note their stage.
        """
        with self._transaction():
            return self._without("stage = ?", stage)

    def prune(self, sources: Collection[str]) -> int:
        """Remove what is kept of all videos but those with these sha256s. Return how many answers were removed.

        Usage stays, because bills are compared with it.
        """
        with self._transaction() as db:
            tables = "SELECT source FROM identities UNION SELECT source FROM kept UNION SELECT sha256 FROM files"
            found = db.execute(tables).fetchall()
            db.executemany("DELETE FROM files WHERE sha256 = ?", [one for one in found if one[0] not in sources])
            return sum(self._without("source = ?", source) for (source,) in found if source not in sources)

    def _note_asked(self, source: str, stage: str, asked: bytes, keys: Sequence[str], at: Seconds) -> None:
        noted = "INSERT INTO identities(source, stage, asked, asked_at) VALUES (?, ?, ?, ?)"
        again = "ON CONFLICT(source, stage, asked) DO UPDATE SET asked_at = excluded.asked_at RETURNING id"
        (id,) = self._db.execute(f"{noted} {again}", (source, stage, asked, at)).fetchone()
        self._db.executemany("INSERT OR IGNORE INTO belongs(key, identity) VALUES (?, ?)", [(key, id) for key in keys])

    def _without(self, condition: str, value: str) -> int:
        keys = f"SELECT key FROM belongs JOIN identities ON id = identity WHERE {condition}"
        answers = self._db.execute(f"DELETE FROM answers WHERE key IN ({keys})", (value,)).rowcount
        self._db.execute(f"DELETE FROM identities WHERE {condition}", (value,))
        self._db.execute(f"DELETE FROM kept WHERE {condition}", (value,))
        return answers

    def recall(self, source: str, stage: str) -> bytes | None:
        """Return what the stage keeps of the video with this sha256; None if it never kept anything."""
        with self._told():
            row = self._db.execute("SELECT value FROM kept WHERE source = ? AND stage = ?", (source, stage)).fetchone()
            return row[0] if row else None

    def remember(self, source: str, stage: str, value: bytes) -> None:
        """Keep `value` for the next run on the video, instead of what was kept before."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO kept(source, stage, value) VALUES (?, ?, ?)", (source, stage, value))

    def keep_private(self) -> None:
        """Make the file readable for its owner only, if its mode can be changed."""
        for path in (self.path, *(Path(f"{self.path}{end}") for end in ("-wal", "-shm"))):
            try:
                path.chmod(0o600)
            except OSError as error:
                log.info("%s: its mode is not changed", path.name, exc_info=error)

    def forget_private(self, stage: str) -> int:
        """Remove all data of a private stage, of every video, and overwrite it on the disk.

        Return how many answers were removed. Raises `OutputError` if the file is in use, so that what was removed may
        still be in it.
        """
        with self._transaction() as db:
            answers = db.execute("DELETE FROM answers WHERE key GLOB ?", (private_key(stage, "*"),)).rowcount
            db.execute("DELETE FROM kept WHERE stage = ?", (stage,))
            db.execute("DELETE FROM identities WHERE stage = ?", (stage,))
        with self._told():
            (busy, *_) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise OutputError(
                f"{self.path.name}: another run is using it, so what was removed is still in it",
                hint="try again when that run has ended",
                code="journal_in_use",
            )
        return answers

    def charge(self, endpoint: str, job_id: str, *, source: str, stage: str, charge: bytes) -> None:
        """Save the usage of a job. The first one wins.

        It is written to disk with the next transaction, which mostly holds the job's answer.
        """
        with self._lock:
            self._charged.append((endpoint, job_id, source, stage, self.owner, charge))

    def charges(self, endpoint: str, *, source: str, stage: str) -> list[tuple[str, bytes]]:
        """Return the usage of all jobs of this stage and video on the endpoint, over all runs, each with its job id."""
        query = "SELECT job_id, charge FROM charges WHERE source = ? AND stage = ? AND endpoint = ?"
        with self._transaction() as db:  # which first writes what is not yet on disk
            return db.execute(query, (source, stage, endpoint)).fetchall()

    def beat(self) -> None:
        """Renew the lease of this process."""
        with self._transaction():
            self._lease.renew()

    def close(self) -> None:
        """End the lease. Submissions without an answer stay, for the next run to collect."""
        self._closed.set()
        self._heart.join()
        with self._lock:
            try:
                with self._transaction():
                    self._lease.end()
            except OutputError as error:  # such as a full disk: the lease then expires
                log.info("the journal's lease could not be ended, and will expire", exc_info=error)
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
        """Make this process the owner of the submissions about any of the keys whose owner has ended."""
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
        """Return number and job id of the submissions about any of the keys whose owner has ended."""
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
        """Let one thread in at a time, and raise SQLite's errors as ours."""
        with self._lock, database_errors(self.path, "the journal"):
            yield

    def _beat_on(self) -> None:
        while not self._closed.wait(BEAT_S):
            try:
                self.beat()
            except OutputError as error:  # the next write will report it
                log.info("the journal's lease is not renewed", exc_info=error)
