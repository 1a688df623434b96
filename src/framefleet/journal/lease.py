"""Which processes are believed to be at work: each says so every few seconds, in the journal's file."""

import sqlite3
from collections.abc import Callable
from math import inf

from framefleet.journal.owner import surely_gone
from framefleet.units import Seconds

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
