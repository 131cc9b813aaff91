"""A house that is up and a server for it, as processes; and the application in this process, with a door of ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import severance
from kit import KEY, PLACES, WORLD
from resident.conftest import RIGHTS, Up, permit, store, up  # noqa: F401 - fixtures
from severance.embed import Hashing

collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []

PATIENCE = 120.0


class Served:
    """A server in a process of its own."""

    def __init__(self, store: Path, **limits: Any) -> None:  # noqa: F811
        script = Path(__file__).with_name("server_up.py")
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed at the end
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(script), str(store), json.dumps(limits)],
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients = ExitStack()

    def client(self, bearer: str | None = None, **options: Any) -> httpx2.Client:
        """A client of it."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        made = httpx2.Client(base_url=self.url, headers=headers, timeout=PATIENCE, **options)
        return self._clients.enter_context(made)

    def inside(self, bearer: str) -> Inside:
        """A session in it."""
        client = self.client(bearer)
        crossed = client.post("/v1/sessions")
        assert crossed.status_code == 201, crossed.text
        return Inside(client, crossed.json())

    def said(self) -> str:
        """What it wrote on standard error."""
        self._said.seek(0)
        return self._said.read()

    def end(self) -> int:
        """Ask it to end, if it has not. Returns its exit code."""
        self._clients.close()
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._said.close()
        return code


class Inside:
    """A session over HTTP: requests below its address."""

    def __init__(self, client: httpx2.Client, crossed: dict[str, Any]) -> None:
        self.client, self.crossed = client, crossed
        self.id: str = crossed["id"]
        self.path = f"/v1/sessions/{self.id}"

    def __call__(self, method: str, below: str = "", **what: Any) -> httpx2.Response:
        return self.client.request(method, self.path + below, **what)

    def remember(self, text: str, **more: Any) -> dict[str, Any]:
        """A memory that is kept."""
        kept = self("POST", "/memories", json={"text": text, **more})
        assert kept.status_code == 201, kept.text
        told: dict[str, Any] = kept.json()
        return told

    def texts(self) -> list[str]:
        """All texts that are remembered."""
        found, cursor = list[str](), None
        while True:
            page = self("GET", "/memories", params={"cursor": cursor} if cursor else {}).json()
            found += [memory["text"] for memory in page["memories"]]
            cursor = page["cursor"]
            if cursor is None:
                return found


@pytest.fixture
def served(store: Path) -> Iterator[Callable[..., Served]]:  # noqa: F811
    """Starts a server for the store."""
    started: list[Served] = []

    def start(**limits: Any) -> Served:
        started.append(Served(store, **limits))
        return started[-1]

    yield start
    for each in started:
        each.end()


class Shared:
    """A house that is up, with personas in its own process, and a server: for tests that leave them as they are."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        with severance.open(self.store, key=KEY, embedder=Hashing(16)) as made:
            for subject, personas in WORLD.items():
                made.sever(subject, personas)
            for place, wakes in PLACES.items():
                made.place(place, wakes)
        self.up = Up(self.store, isolation=None)
        self.server = Served(self.store, rate=0, sessions_each=100)

    def permit(
        self, *rights: str, subject: str = "mark", place: str = "floor", length: timedelta = timedelta(hours=1)
    ) -> str:
        """A permit for whoever of the subject wakes there."""
        with severance.open(self.store, key=KEY, embedder=Hashing(16)) as house:
            return house.permit(subject, place, rights=rights or RIGHTS, until=length)

    def inside(self, *rights: str, **whose: Any) -> Inside:
        """A session with a permit of its own."""
        return self.server.inside(self.permit(*rights, **whose))

    def end(self) -> None:
        """End both."""
        assert self.server.end() == 0
        assert self.up.end() == ""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    made = Shared(tmp_path_factory.mktemp("shared"))
    yield made
    made.end()


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """The status and the type of an answer that is a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["title"]
    assert told["detail"]
    return answer.status_code, told["type"].removeprefix("urn:severance:problem:")
