"""The process that a row of the journal belongs to, and whether it may still be running."""

import contextlib
import os
import socket
import sqlite3
import sys
import uuid
from collections.abc import Callable
from functools import cache
from math import inf
from pathlib import Path

from framefleet.timebase import Seconds

LEASE_S = 30.0  # how long a process without a heartbeat still counts as running
BEAT_S = 5.0


class Lease:
    """The lease of this process. `renew`, `end` and `gone` are each a part of a transaction."""

    def __init__(self, db: sqlite3.Connection, owner: str, clock: Callable[[], Seconds]) -> None:
        self._db = db
        self._owner = owner
        self._clock = clock
        self._until = inf
        self._woke_s = -inf

    def renew(self) -> None:
        """Extend the lease of this process to `LEASE_S` from now."""
        now = self._clock()
        self._woke_s = now if self._until < now else self._woke_s
        self._until = now + LEASE_S
        self._db.execute("INSERT OR REPLACE INTO owners(name, alive_until) VALUES (?, ?)", (self._owner, self._until))

    def end(self) -> None:
        """End the lease of this process."""
        self._db.execute("DELETE FROM owners WHERE name = ?", (self._owner,))

    def now(self) -> Seconds:
        return self._clock()

    def gone(self, owner: str) -> bool:
        """Return whether that process has ended, as far as can be known."""
        if owner == self._owner:
            return False
        row = self._db.execute("SELECT alive_until FROM owners WHERE name = ?", (owner,)).fetchone()
        return row is None or (row[0] < self._clock() and not self._just_woke()) or surely_gone(owner)

    def _just_woke(self) -> bool:
        """Return whether this process's own lease expired a moment ago: its machine slept, or the clock was changed.

        Other processes of this machine may then be running too, and have not renewed their leases yet.
        """
        now = self._clock()
        return self._until < now or now < self._woke_s + 2 * BEAT_S


def new_owner() -> str:
    """Return `place:pid:random`, a name for this process among all that may share a journal."""
    return f"{_place()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def surely_gone(owner: str) -> bool:
    """Return whether the process is known to have ended, before its lease has: it is of this place, without a pid.

    On Windows this is never known, since `os.kill` can end a process there.
    """
    place, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if place != _place() or not pid.isdecimal() or sys.platform == "win32":
        return False
    with contextlib.suppress(PermissionError):
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
    return _ended(int(pid))


@cache
def _place() -> str:
    """Return the scope in which pids are unique: the host, and on Linux its boot and this container's namespace.

    Containers may share their host's name, and machines of one image may have equal names.
    """
    place = [socket.gethostname()]
    with contextlib.suppress(OSError):
        place.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        place.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return "/".join(place)


def _ended(pid: int) -> bool:
    """Return whether the process is a zombie on Linux: it has ended, and its parent has not noticed yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    state = stat.rpartition(b") ")[2][:1]  # the program's name, in brackets before it, may contain brackets
    return state in (b"Z", b"X")
