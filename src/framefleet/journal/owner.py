"""Which process a row belongs to, and whether that process can still be at work."""

import contextlib
import os
import socket
import sys
import uuid
from functools import cache
from pathlib import Path


def new_owner() -> str:
    """`place:pid:random`: names this process among all that may share a journal."""
    return f"{_place()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def surely_gone(owner: str) -> bool:
    """Whether the process is known to have ended, without waiting for its lease: of this place, and no such pid.

    On Windows nothing is sure: asking for a process there by its number can end it.
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
    """Where process numbers mean what they mean here: the host, and on Linux its boot and this container's namespace.

    Containers may share their host's name, and machines made from one image theirs.
    """
    place = [socket.gethostname()]
    with contextlib.suppress(OSError):
        place.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        place.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return "/".join(place)


def _ended(pid: int) -> bool:
    """Whether Linux says that the process has ended and only waits for its parent to take notice: a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    state = stat.rpartition(b") ")[2][:1]  # a program's name, in brackets before it, may hold brackets itself
    return state in (b"Z", b"X")
