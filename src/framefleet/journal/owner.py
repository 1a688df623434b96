"""Which process a row belongs to, and whether that process can still be at work."""

import contextlib
import os
import socket
import sys
import uuid


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
    return False
