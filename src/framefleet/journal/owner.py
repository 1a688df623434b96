"""Which process a row belongs to, and whether that process can still be at work."""

import contextlib
import os
import socket
import sys
import uuid
from pathlib import Path


def new_owner() -> str:
    """`host:pid:random`: names this process among all that may share a journal."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def surely_gone(owner: str) -> bool:
    """Whether the process is known to have ended, without waiting for its lease: on this host, and no such pid.

    On Windows nothing is sure: asking for a process there by its number can end it.
    """
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdecimal() or sys.platform == "win32":
        return False
    with contextlib.suppress(PermissionError):
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
    return _ended(int(pid))


def _ended(pid: int) -> bool:
    """Whether Linux says that the process has ended and only waits for its parent to take notice: a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    state = stat.rpartition(b") ")[2][:1]  # a program's name, in brackets before it, may hold brackets itself
    return state in (b"Z", b"X")
