"""A stand-in for RunPod's management API, for tests alone: endpoints in memory, and the documented bodies only."""
# ruff: noqa: N815 - the service's own names

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Literal

import msgspec

AtLeast0 = Annotated[int, msgspec.Meta(ge=0)]
AtLeast1 = Annotated[int, msgspec.Meta(ge=1)]
Version = Annotated[str, msgspec.Meta(pattern=r"^$|^\d+\.\d+$")]


class Gpu(msgspec.Struct, forbid_unknown_fields=True):
    pools: Annotated[list[str], msgspec.Meta(min_length=1)] = []
    excludedTypes: list[str] = []
    count: AtLeast1 = 1
    minCudaVersion: Version | None = None


class Workers(msgspec.Struct, forbid_unknown_fields=True):
    min: AtLeast0 | None = None
    max: AtLeast0 | None = None
    idleTimeout: Annotated[int, msgspec.Meta(ge=1, le=3600)] | None = None


class QueueDelay(msgspec.Struct, forbid_unknown_fields=True, tag="QUEUE_DELAY", tag_field="type"):
    queueDelay: Annotated[float, msgspec.Meta(ge=0.5)]


class RequestCount(msgspec.Struct, forbid_unknown_fields=True, tag="REQUEST_COUNT", tag_field="type"):
    requestCount: AtLeast1


class Update(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    image: str | None = None
    templateId: str | None = None
    disk: AtLeast1 | None = None
    gpu: Gpu | None = None
    workers: Workers | None = None
    scaling: QueueDelay | RequestCount | None = None
    flashboot: Literal["OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT"] | None = None
    timeout: AtLeast1 | None = None


class Create(Update, kw_only=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    type: Literal["QUEUE", "LOAD_BALANCER"]
    scaling: QueueDelay | RequestCount
    gpu: Gpu


class RefusedRequestError(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Service:
    """`endpoints` by id and `asked` (method, path, body) are for tests to look at; `fail` answers everything so."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.url = ""
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.fail: tuple[int, bytes, dict[str, str]] | None = None

    @property
    def changed(self) -> list[str]:
        return [method for method, _, _ in self.asked if method != "GET"]

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, Any]:
        if key != f"Bearer {self.key}":
            raise RefusedRequestError(401, "missing bearer token")
        self.asked.append((method, path, json.loads(body) if body else None))
        if not path.startswith("/v2/serverless"):
            raise RefusedRequestError(404, "resource not found")
        id = path.removeprefix("/v2/serverless").lstrip("/")
        if not id:
            return self._create(body) if method == "POST" else (200, {"endpoints": list(self.endpoints.values())})
        if id not in self.endpoints:
            raise RefusedRequestError(404, "resource not found")
        if method == "DELETE":
            del self.endpoints[id]
            return 204, None
        if method == "PATCH":
            self.endpoints[id] = self._merged(self.endpoints[id], self._read(body, Update))
        return 200, self.endpoints[id]

    def _create(self, body: bytes) -> tuple[int, Any]:
        asked = self._read(body, Create)
        if not asked.get("image") and not asked.get("templateId"):
            raise RefusedRequestError(400, "image is required unless templateId is set")
        defaults: dict[str, Any] = {"workers": {"min": 0, "max": 3}, "timeout": 300_000, "flashboot": "OFF", "gpu": {}}
        if asked["scaling"]["type"] == "QUEUE_DELAY":
            defaults["workers"]["idleTimeout"] = 10
        id = f"ep{len(self.asked)}x"
        new = {"id": id, "env": {}, "dataCenterIds": [], "networkVolumes": [], "createdAt": "2026-06-01T12:00:00Z"}
        self.endpoints[id] = self._merged(new | defaults, asked)
        return 201, self.endpoints[id]

    @staticmethod
    def _read(body: bytes, type: Any) -> dict[str, Any]:
        try:
            msgspec.json.decode(body, type=type)
        except msgspec.MsgspecError as error:
            raise RefusedRequestError(400, str(error)) from None
        return dict(json.loads(body))

    @staticmethod
    def _merged(current: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        new = dict(current)
        for field, value in asked.items():
            new[field] = current.get(field, {}) | value if field in {"workers", "gpu"} else value
        new["gpu"]["minCudaVersion"] = new["gpu"].get("minCudaVersion") or None
        if new["workers"]["min"] > new["workers"]["max"]:
            raise RefusedRequestError(400, "workers.min is above workers.max")
        if new["scaling"]["type"] == "REQUEST_COUNT" and "idleTimeout" in asked.get("workers", {}):
            raise RefusedRequestError(400, "idleTimeout is not applicable")
        return {field: value for field, value in new.items() if field != "templateId"}


@contextmanager
def managing(key: str) -> Iterator[Service]:
    """A running service; its `url` is for `RUNPOD_API_BASE_URL`."""
    service = Service(key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if service.fail:
                return self._send(*service.fail)
            try:
                status, answer = service.answer(self.command, self.path, self.headers["Authorization"], body)
            except RefusedRequestError as error:
                status, answer = error.status, {"title": "No", "status": error.status, "detail": str(error)}
            return self._send(status, b"" if answer is None else json.dumps(answer).encode(), {})

        def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # the names that the library looks for

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
