"""Servers in this process, and processes of `severance mcp`; all have ended when a test has."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError

import severance
from kit import KEY
from severance import House, Session
from severance.barrier.traces.ports import StillClock
from severance.mcp.awake import Awake
from severance.mcp.serving import serving

from .ground import Ground, Open, listening
from .plain import Lines, Posts

Talk = Callable[[Callable[[Client], Awaitable[Any]]], Any]
ERAS = ("legacy", "auto")
"""How a client of the library begins: with a handshake, or (since 2026-07-28) without."""


def talk_to(session: Session, clock: StillClock, mode: str) -> Talk:
    """What a client of the library gets from a server for this session, in this process."""

    def talk(does: Callable[[Client], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with Client(serving(Awake(session), clock), mode=mode) as client:
                try:
                    return await does(client)
                except MCPError as problem:
                    refused = problem
            raise refused  # not among the client's tasks, where it would become a group of errors

        return anyio.run(main)

    return talk


@pytest.fixture(params=ERAS)
def talk(request: pytest.FixtureRequest, innie: Session, clock: StillClock) -> Talk:
    return talk_to(innie, clock, request.param)


@pytest.fixture
def call(talk: Talk) -> Callable[..., Any]:
    """The answer of one tool."""

    def called(tool: str, **arguments: Any) -> Any:
        return talk(lambda client: client.call_tool(tool, arguments))

    return called


class Place:
    """A store on disk with a place in it, as programs find it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.key = folder / "store", folder / "key"
        self.key.write_text(base64.b64encode(KEY).decode())
        self.key.chmod(0o600)
        with self.open(create=True) as house:
            house.sever("mark", ["innie", "outie"])
            house.place("floor", wakes={"mark": "innie"})
            house.place("home", wakes={"mark": "outie"})
            self.credential = house.register("mark", "floor", "mcp")
        self.config = folder / "config"

    def open(self, **options: Any) -> House:
        """The house, for its owner."""
        return severance.open(self.store, key=KEY, **{"create": False, **options})

    @property
    def environ(self) -> dict[str, str]:
        """What the program's environment is."""
        left = {name: value for name, value in os.environ.items() if not name.startswith("SEVERANCE_")}
        return left | {"SEVERANCE_CREDENTIAL": self.credential, "SEVERANCE_CONFIG": str(self.config)}

    @property
    def words(self) -> list[str]:
        """How the program is called."""
        before = ["--store", str(self.store), "--key", f"file:{self.key}"]
        return [sys.executable, "-W", "error", "-m", "severance.cli.main", *before, "mcp", "--place", "floor"]

    def texts(self) -> list[str]:
        """What the persona that wakes on the floor remembers."""
        with self.open() as house, house.cross("mark", "floor") as session:
            return [memory.text for memory in session.memories()]


@pytest.fixture
def place(folder: Path) -> Place:
    return Place(folder)


@pytest.fixture
def started(place: Place) -> Iterator[Callable[..., Lines]]:
    """Starts the program for a client of our own."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*words: str, **environ: str) -> Lines:
        process = subprocess.Popen(
            [*place.words, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=place.environ | environ,
        )
        running.append(process)
        return Lines(process)

    yield start
    for process in running:
        process.kill()
        process.wait(60)
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):  # what was not read by then
                pipe.close()


@pytest.fixture
def options() -> dict[str, Any]:
    return {}


@pytest.fixture
def ground(house: House, options: dict[str, Any]) -> Ground:
    return Ground(house, **options)


@pytest.fixture
def open_to(ground: Ground) -> Iterator[Open]:
    """Makes clients of a server, which is there as long as the test."""
    with listening(ground.over_http) as address:
        clients: list[Posts] = []

        def client(bearer: str | None, *, begun: bool = True) -> Posts:
            clients.append(Posts(address, bearer))
            if begun:
                clients[-1].begin()
            return clients[-1]

        yield client
        for each in clients:
            each.http.close()
