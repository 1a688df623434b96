"""The process that a row of the journal belongs to, and whether it may still be running."""

import contextlib
import os
import socket
import sys
import uuid
from functools import cache
from pathlib import Path


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
