"""The progress that a job's handler reports by `runpod.serverless.progress_update`, received in the worker's process.

The package posts it to the address in its environment, as it does on the service.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from framefleet.emulator.runners import ProgressKind, Tell, tell_nobody

_VARIABLE = "RUNPOD_WEBHOOK_POST_OUTPUT"  # read by the package (1.12) when it is imported


class _Posted(msgspec.Struct):
    output: msgspec.Raw


class Progress:
    """A server on this machine alone, whose address is set in the environment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job_id = ""
        self._tell: Tell = tell_nobody
        heard = self._heard

        class Post(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                heard(self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        os.environ[_VARIABLE] = f"http://127.0.0.1:{server.server_port}/$ID?"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    @contextmanager
    def of(self, job_id: str, tell: Tell) -> Iterator[Tell]:
        """Report the progress of this job until the block ends, and drop later posts. Yields a thread-safe `tell`."""
        with self._lock:
            self._job_id, self._tell = job_id, tell
        try:
            yield self._told
        finally:
            with self._lock:
                self._job_id, self._tell = "", tell_nobody

    def _told(self, part: ProgressKind, content: bytes) -> None:
        with self._lock:
            self._tell(part, content)

    def _heard(self, path: str, content: bytes) -> None:
        with self._lock, contextlib.suppress(msgspec.MsgspecError, OSError):
            if path.strip("/").partition("?")[0] == self._job_id:
                self._tell(ProgressKind.PROGRESS, bytes(msgspec.json.decode(content, type=_Posted).output))
