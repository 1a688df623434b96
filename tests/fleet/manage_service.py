"""A stand-in for RunPod's management API, for tests alone: endpoints in memory, and the documented bodies only.

Also what the API tells besides: GPUs and their prices, workers and their logs, and the bill.
"""
# ruff: noqa: N815 - the service's own names

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

import msgspec

AtLeast0 = Annotated[int, msgspec.Meta(ge=0)]
AtLeast1 = Annotated[int, msgspec.Meta(ge=1)]
Version = Annotated[str, msgspec.Meta(pattern=r"^$|^\d+\.\d+$")]


class Gpu(msgspec.Struct, forbid_unknown_fields=True):
    pools: Annotated[list[str], msgspec.Meta(min_length=1)] = []
    excludedTypes: list[str] = []
    count: AtLeast1 = 1
    allowedCudaVersions: list[Annotated[str, msgspec.Meta(pattern=r"^\d+\.\d+$")]] | None = None
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
    env: dict[str, str] | None = None
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


# What RunPod's OpenAPI description shows of a GPU, and three more. Dollars an hour.
CATALOG: list[dict[str, Any]] = [
    {"id": "NVIDIA GeForce RTX 4090", "name": "RTX 4090", "pool": "ADA_24", "price": {"serverless": 1.1}},
    {"id": "NVIDIA L4", "name": "L4", "pool": "AMPERE_24", "price": {"serverless": 0.72}},
    {"id": "NVIDIA GeForce RTX 5090", "name": "RTX 5090", "pool": "ADA_32_PRO", "price": {"serverless": 1.58}},
    {"id": "NVIDIA A30", "name": "A30", "pool": None, "price": {}},
]
for row in CATALOG:
    row |= {"manufacturer": "NVIDIA", "memory": 24, "secure": True, "community": True}
    row |= {"price": {"secure": 0.44, "community": 0.31, **row["price"]}, "maxCount": {"secure": 8, "community": 4}}


def record(id: str, start: str, end: str, **amounts: float) -> dict[str, Any]:
    """A line of the bill: `gpu`, `cpu`, `disk` and `fee` in dollars."""
    named = {f"{name}Amount": amounts.get(name, 0.0) for name in ("gpu", "cpu", "disk", "fee")}
    return {"serverlessId": id, "startTime": start, "endTime": end, **named, "totalAmount": sum(named.values())}


def worker(id: str, status: str, **more: Any) -> dict[str, Any]:
    """An active worker; what is not said has not come about."""
    unknown = dict.fromkeys(("version", "image", "uptimeSeconds", "gpuTypeId", "dataCenterId", "startedAt"))
    return {"id": id, "status": status, "isStale": False, "gpuCount": 1, **unknown, **more}


class Service:
    """`endpoints` by id and `asked` (method, path, body) are for tests to look at; `fail` answers everything so.

    `gpus`, `records`, `workers` (by endpoint) and `logs` (lines by worker) are what it tells; paths that begin with one
    of `forbidden` are not for this key. `endless`: a log goes on being streamed when all its lines were told.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.url = ""
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        self.fail: tuple[int, bytes, dict[str, str]] | None = None
        self.gpus: list[dict[str, Any]] = CATALOG
        self.records: list[dict[str, Any]] = []
        self.workers: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, list[str]] = {}
        self.forbidden: tuple[str, ...] = ()
        self.endless = False

    @property
    def changed(self) -> list[str]:
        return [method for method, _, _ in self.asked if method != "GET"]

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, Any]:
        if key != f"Bearer {self.key}":
            raise RefusedRequestError(401, "missing bearer token")
        self.asked.append((method, path, json.loads(body) if body else None))
        if self.forbidden and path.startswith(self.forbidden):
            raise RefusedRequestError(403, "access denied")
        path, _, query = path.partition("?")
        if method == "GET" and path == "/v2/catalog/gpus":
            return 200, {"gpus": self.gpus}
        if method == "GET" and path == "/v2/billing/serverless":
            return 200, self._bill(dict(parse_qsl(query)))
        if not path.startswith("/v2/serverless"):
            raise RefusedRequestError(404, "resource not found")
        id, _, more = path.removeprefix("/v2/serverless").lstrip("/").partition("/")
        if not id:
            return self._create(body) if method == "POST" else (200, {"endpoints": list(self.endpoints.values())})
        if id not in self.endpoints or more not in {"", "workers"}:
            raise RefusedRequestError(404, "resource not found")
        if more == "workers":
            return 200, self._active(id)
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

    def log(self, path: str) -> list[str] | None:
        """The events of a worker's log; None where the path is no log's."""
        parts = path.partition("?")[0].strip("/").split("/")
        if parts[:2] != ["v2", "serverless"] or parts[3:4] != ["workers"] or parts[5:] != ["logs"]:
            return None
        tail = int(dict(parse_qsl(path.partition("?")[2])).get("tail", 100))
        at = "2026-06-01T12:05:04Z"
        said = [{"ts": at, "source": "container", "line": line} for line in self.logs.get(parts[4], [])[-tail:]]
        return [f"id: {at}/{number:012}\ndata: {json.dumps(event)}\n\n" for number, event in enumerate(said)]

    def _active(self, id: str) -> dict[str, Any]:
        listed = self.workers.get(id, [])
        states = ("RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY")
        summary = {state.lower(): sum(one["status"] == state for one in listed) for state in states}
        return {"workers": listed, "summary": summary | {"total": len(listed)}, "endpointVersion": 4}

    def _bill(self, query: dict[str, str]) -> dict[str, Any]:
        """The records that lie in the time asked for, which is widened to whole buckets."""
        if unknown := query.keys() - {"startTime", "endTime", "bucketSize", "lastN", "serverlessId"}:
            raise RefusedRequestError(400, f"unknown parameter {min(unknown)}")
        if query.get("bucketSize", "day") not in {"hour", "day", "week", "month", "year"}:
            raise RefusedRequestError(400, "bucketSize is not one of hour, day, week, month, year")
        start, end = (datetime.fromisoformat(query[name]) for name in ("startTime", "endTime"))
        told = [
            one
            for one in self.records
            if datetime.fromisoformat(one["startTime"]) < end and datetime.fromisoformat(one["endTime"]) > start
        ]
        amounts = ("totalAmount", "gpuAmount", "cpuAmount", "diskAmount", "feeAmount")
        totals = {name: sum(one[name] for one in told) for name in amounts}
        return {"records": told, "metadata": {"query": query, "recordCount": len(told), "totals": totals}}

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
        new["gpu"]["allowedCudaVersions"] = new["gpu"].get("allowedCudaVersions") or []
        if new["gpu"]["minCudaVersion"] and new["gpu"]["allowedCudaVersions"]:
            raise RefusedRequestError(400, "minCudaVersion and a non-empty allowedCudaVersions exclude each other")
        if new["workers"]["min"] > new["workers"]["max"]:
            raise RefusedRequestError(400, "workers.min is above workers.max")
        if new["scaling"]["type"] == "REQUEST_COUNT" and "idleTimeout" in asked.get("workers", {}):
            raise RefusedRequestError(400, "idleTimeout is not applicable")
        return {field: value for field, value in new.items() if field != "templateId"}


@contextmanager
def managing(key: str) -> Iterator[Service]:
    """A running service; its `url` is for `RUNPOD_API_BASE_URL`."""
    service, closed = Service(key), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if service.fail:
                return self._send(*service.fail)
            if (log := service.log(self.path)) is not None:
                return self._stream(log)
            try:
                status, answer = service.answer(self.command, self.path, self.headers["Authorization"], body)
            except RefusedRequestError as error:
                status, answer = error.status, {"title": "No", "status": error.status, "detail": str(error)}
            return self._send(status, b"" if answer is None else json.dumps(answer).encode(), {})

        def _stream(self, events: list[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write("".join(events).encode())
            self.wfile.flush()
            if service.endless:
                closed.wait(30)
            self.close_connection = True

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
        closed.set()
        server.shutdown()
        thread.join()
        server.server_close()
