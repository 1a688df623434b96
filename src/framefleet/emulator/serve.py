"""The stand-in's server, in a thread of this process, on a port of this machine alone."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn

from framefleet.emulator.app import Door, make_app
from framefleet.emulator.endpoint import EmulatedEndpoint
from framefleet.emulator.wire import CuttableProtocol, CuttingServer

HOST = "127.0.0.1"
BACKLOG = 512


class Service:
    """The service, which can be stopped and started again with the same port, endpoints, jobs and workers.

    While it is stopped, connections are refused. `door.unavailable = True` makes it answer 503 instead.
    """

    def __init__(self, endpoints: Mapping[str, EmulatedEndpoint], api_key: str, port: int = 0) -> None:
        self.endpoints = endpoints
        self.door = Door(endpoints, api_key)
        self._port = port
        self._running: tuple[CuttingServer, threading.Thread] | None = None

    @property
    def base_url(self) -> str:
        """The value for `RUNPOD_ENDPOINT_BASE_URL`; known once the service was started."""
        return f"http://{HOST}:{self._port}"

    def start(self) -> None:
        """Start the service. Raises `OSError` if the port is taken."""
        listening = socket.create_server((HOST, self._port), backlog=BACKLOG)
        self._port = listening.getsockname()[1]
        server = CuttingServer(
            uvicorn.Config(
                make_app(self.door), http=CuttableProtocol, loop="asyncio", log_level="error", lifespan="off"
            )
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        self._running = server, thread

    def stop(self) -> None:
        """Refuse connections from now on, and cut the open ones."""
        if self._running is None:
            return
        server, thread = self._running
        self._running = None
        server.should_exit = True
        thread.join()

    def close(self) -> None:
        """Stop the service for good, with its endpoints."""
        self.stop()
        for endpoint in self.endpoints.values():
            endpoint.close()

    def __enter__(self) -> "Service":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def serving(endpoints: Mapping[str, EmulatedEndpoint], api_key: str, port: int = 0) -> Iterator[str]:
    """Run the service and yield its base URL, for `RUNPOD_ENDPOINT_BASE_URL`. Port 0: any that is free."""
    with Service(endpoints, api_key, port) as service:
        yield service.base_url
