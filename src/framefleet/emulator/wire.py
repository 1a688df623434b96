"""Cut connections, as a client sees them when a cable is pulled; HTTP itself cannot express them."""

import asyncio
import socket

import uvicorn
from fastapi import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

TICK_S = 0.02


class CuttableProtocol(H11Protocol):
    """uvicorn's own protocol, which also passes its transport on, as `state["transport"]` of the ASGI scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, "transport": transport}
        # asyncio does so only for sockets created with an explicit protocol; without it a response's body waits 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)


class CuttingServer(uvicorn.Server):
    """A server that cuts all connections when it stops, as when a machine goes down.

    It stops within `TICK_S`, while uvicorn's own checks ten times a second and then gives connections as long again.
    """

    async def main_loop(self) -> None:
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            await asyncio.sleep(TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listening in sockets or ():
            listening.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        while self.server_state.connections or self.server_state.tasks:
            await asyncio.sleep(TICK_S / 10)
        for server in self.servers:
            await server.wait_closed()


class CutConnection(Response):
    """No response: the TCP connection ends at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["transport"].abort()
        while (await receive())["type"] != "http.disconnect":
            pass
