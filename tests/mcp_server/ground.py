"""A server over HTTP, a house behind it, and clients of it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from kit.processes import until
from severance import House, Session
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.mcp.http import OverHttp

from .plain import Posts

Open = Callable[..., Posts]


class Doors:
    """The house's door, with a list of who was let in."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.admitted: list[Session] = []

    def admit(self, text: str, *, place: str | None = None, tool: str | None = None) -> Session:
        session = self.house.admit(text, place=place, tool=tool)
        self.admitted.append(session)
        return session


@contextmanager
def listening(over_http: OverHttp) -> Iterator[str]:
    """A server for this application alone; yields its address."""

    @asynccontextmanager
    async def life(app: Starlette) -> Any:
        async with over_http.run():
            yield

    app = Starlette(routes=[Route("/mcp", endpoint=over_http)], lifespan=life)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join(60)
            assert not thread.is_alive()


class Ground:
    """A house, its door and a server before it."""

    def __init__(self, house: House, **options: Any) -> None:
        self.doors = Doors(house)
        self.over_http = OverHttp(self.doors, entropy=ScopedEntropy(), clock=StillClock(), **options)
        self.innie = house.register("mark", "floor", "mcp")
        self.outie = house.register("mark", "home", "mcp")

    def awake(self) -> int:
        """How many of those who were let in are awake."""
        return sum(repr(session) == "<Session, awake>" for session in self.doors.admitted)
