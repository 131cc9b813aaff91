"""Being let in over HTTP: who waits shuts nobody out, and nobody stays awake of whom no client knows."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from kit.processes import until
from severance import House, Session

from .ground import Ground, Open, listening
from .plain import HELLO, Posts

pytestmark = pytest.mark.timeout(120)


class Crowd:
    """A door at which those wait who are `kept` until they may go on, and those who come to it, each in a thread."""

    def __init__(self, open_to: Open, ground: Ground, kept: Callable[[str], bool]) -> None:
        self.open_to, self.admit, self.kept = open_to, ground.doors.admit, kept
        self.at_the_door, self.go = threading.Semaphore(0), threading.Event()
        self.shown: list[str] = []
        self.statuses: list[int] = []
        self.threads: list[threading.Thread] = []
        self.over_http = ground.over_http
        ground.doors.admit = self._admitted  # type: ignore[method-assign]

    @property
    def waiting(self) -> int:
        """How many wait to be let in."""
        assert self.over_http._crossings is not None
        return sum(self.over_http._crossings._waiting.values())

    def begin(self, *bearers: str) -> None:
        """These come; returns when all wait."""
        before = self.waiting
        for bearer in bearers:
            client = self.open_to(bearer, begun=False)
            self.threads.append(threading.Thread(target=self._come, args=(client,)))
            self.threads[-1].start()
        until(lambda: self.waiting == before + len(bearers))

    def end(self) -> list[int]:
        """Let them go on; what all were answered."""
        self.go.set()
        for thread in self.threads:
            thread.join(60)
        return self.statuses

    def _come(self, client: Posts) -> None:
        self.statuses.append(client.request("initialize", **HELLO).status_code)

    def _admitted(self, text: str, **named: Any) -> Session:
        self.shown.append(text)
        if self.kept(text):
            self.at_the_door.release()
            assert self.go.wait(60)
        return self.admit(text, **named)


@contextmanager
def crowding(open_to: Open, ground: Ground, kept: Callable[[str], bool]) -> Iterator[Crowd]:
    """A crowd that goes on in any case when the block ends."""
    crowd = Crowd(open_to, ground, kept)
    try:
        yield crowd
    finally:
        crowd.end()


@pytest.mark.parametrize("options", [{"most": 4, "most_each": 3, "most_coming": 20}])
def test_bearers_that_open_nothing_shut_out_nobody_who_was_let_in(open_to: Open, ground: Ground) -> None:
    open_to(ground.innie)
    with crowding(open_to, ground, lambda bearer: bearer.startswith("stranger")) as crowd:
        crowd.begin(*(f"stranger {number}" for number in range(19)), ground.outie)
        assert ground.outie not in crowd.shown, "who never was waits among those who never were"
        refused = open_to("stranger 19", begun=False).request("initialize", **HELLO)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5"), "so many wait, and no more"
        open_to(ground.innie)
        assert crowd.statuses == []
    assert sorted(crowd.statuses) == [200] + [401] * 19
    assert (ground.awake(), ground.over_http.sessions) == (3, 3)


@pytest.mark.parametrize("options", [{"most": 1, "most_each": 2}])
def test_of_those_who_come_at_once_no_more_are_let_in_than_may_be(open_to: Open, ground: Ground) -> None:
    with crowding(open_to, ground, lambda bearer: True) as crowd:
        crowd.begin(ground.innie, ground.innie, ground.outie)
        refused = open_to(ground.innie, begun=False).request("initialize", **HELLO)
        assert refused.status_code == 429, "two of one bearer wait already"
    assert sorted(crowd.statuses) == [200, 429, 429]
    until(lambda: ground.awake() == 1)
    assert ground.over_http.sessions == 1


def _asked(client: Posts) -> socket.socket:
    """A connection on which `initialize` was asked, and whose answer nobody reads."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}).encode()
    headers = {"Host": "127.0.0.1", **client.headers, "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    connection = socket.create_connection(("127.0.0.1", urlsplit(client.address).port), timeout=60)
    connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + body)
    return connection


def _vanish(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # it is gone at once
    connection.close()


@pytest.mark.parametrize("options", [{"heard_within": 600.0}])
def test_a_client_that_vanished_at_the_door_leaves_nobody_awake(open_to: Open, ground: Ground) -> None:
    with crowding(open_to, ground, lambda bearer: True) as crowd:
        connection = _asked(open_to(ground.innie, begun=False))
        assert crowd.at_the_door.acquire(timeout=60)
        _vanish(connection)
        until(lambda: not crowd.waiting)
        assert ground.doors.admitted == []
    until(lambda: len(ground.doors.admitted) == 1 and not ground.awake())
    assert ground.over_http.sessions == 0


@pytest.mark.parametrize("options", [{"threads": 1, "heard_within": 600.0}])
def test_a_client_that_vanished_before_the_door_is_not_shown_to_it(open_to: Open, ground: Ground) -> None:
    with crowding(open_to, ground, lambda bearer: True) as crowd:
        crowd.begin("stranger")
        connection = _asked(open_to(ground.innie, begun=False))
        until(lambda: crowd.waiting == 2)
        _vanish(connection)
        until(lambda: crowd.waiting == 1)
    open_to(ground.outie)
    assert crowd.shown == ["stranger", ground.outie]


@pytest.mark.parametrize("options", [{"heard_within": 0.2}])
def test_who_is_let_in_too_late_is_told_so_and_nobody_stays_awake(open_to: Open, ground: Ground) -> None:
    with crowding(open_to, ground, lambda bearer: True):
        late = open_to(ground.innie, begun=False).request("initialize", **HELLO)
        assert (late.status_code, late.headers["retry-after"]) == (504, "5")
        assert "mcp-session-id" not in late.headers
    until(lambda: len(ground.doors.admitted) == 1 and not ground.awake())
    assert ground.over_http.sessions == 0


def test_a_server_that_ends_waits_until_whoever_came_too_late_sleeps(house: House) -> None:
    ground = Ground(house, heard_within=0.2)
    with listening(ground.over_http) as address, Posts(address, ground.innie) as client:
        crowd = Crowd(lambda *_: client, ground, lambda bearer: True)
        assert client.request("initialize", **HELLO).status_code == 504
        threading.Timer(0.5, crowd.go.set).start()
    assert (len(ground.doors.admitted), ground.awake()) == (1, 0)


@pytest.mark.parametrize("options", [{"heard_within": 3.0}])
def test_a_session_whose_client_never_shows_that_it_knows_of_it_falls_asleep(open_to: Open, ground: Ground) -> None:
    known = open_to(ground.outie)
    connection = _asked(open_to(ground.innie, begun=False))
    until(lambda: ground.awake() == 2)
    _vanish(connection)
    assert open_to(ground.innie, begun=False).request("initialize", **HELLO).status_code == 200
    until(lambda: ground.awake() == 1 and ground.over_http.sessions == 1)
    assert not known.call("status")["isError"], "the other is asleep for being idle only"
