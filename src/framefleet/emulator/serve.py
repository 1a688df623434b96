"""Running the stand-in: in a thread of this process, on a port of this machine alone."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn

from framefleet.emulator.app import Endpoint, make_app

HOST = "127.0.0.1"


@contextmanager
def serving(endpoints: Mapping[str, Endpoint], api_key: str, port: int = 0) -> Iterator[str]:
    """The base URL of the running service, for `RUNPOD_ENDPOINT_BASE_URL`. Port 0: any that is free."""
    listening = socket.create_server((HOST, port), backlog=512)
    server = uvicorn.Server(uvicorn.Config(make_app(endpoints, api_key), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
        for endpoint in endpoints.values():
            endpoint.queue.close()
