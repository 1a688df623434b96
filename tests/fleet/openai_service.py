"""A stand-in for a transcription API of OpenAI's kind, for tests alone: it takes what the references document."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-TESTKEY0123456789"


@dataclass
class Asked:
    """One call: where, the headers, and the form, with a file as (name, bytes) and repeated fields as lists."""

    path: str
    headers: dict[str, str]
    form: dict[str, Any]


def verbose(text: str, length_s: float = 1.0) -> dict[str, Any]:
    """An answer of one segment."""
    segment = {"id": 0, "start": 0.0, "end": length_s, "text": f" {text}", "avg_logprob": -0.1, "no_speech_prob": 0.01}
    return {"task": "transcribe", "language": "english", "duration": length_s, "text": text, "segments": [segment]}


class OpenAiService:
    """`answer` gives a status and a body for each call."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], tuple[int, dict[str, Any]]] = lambda _: (200, verbose("yes"))
        self.headers: dict[str, str] = {}
        self.url = ""


@contextmanager
def serving() -> Iterator[OpenAiService]:
    service = OpenAiService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = Asked(self.path, dict(self.headers.items()), _form(self.headers["Content-Type"], body))
            service.asked.append(asked)
            status, reply = service.answer(asked)
            content = json.dumps(reply).encode()
            self.send_response(status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _form(content_type: str, body: bytes) -> dict[str, Any]:
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert message.is_multipart()
    form: dict[str, Any] = {}
    for part in message.get_payload():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.get_filename():
            form[name] = (part.get_filename(), content)
        elif name.endswith("[]"):
            form.setdefault(name, []).append(content.decode())
        else:
            form[name] = content.decode()
    return form
