"""Who shows nothing, or what opens nothing: it takes from those who are inside neither room, nor threads, nor time."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

import severance
from kit import KEY
from kit.processes import until
from mcp_server.plain import Posts
from severance.embed import Hashing
from severance.errors import NotFoundError
from severance.resident.client import HouseState
from severance.resident.owner import Owner
from severance.server.app import application
from severance.server.bodies import MOST_VALUES, has_too_many_values
from severance.server.limits import Limits
from severance.server.parts import OWNERS_AT_ONCE, OWNERS_WAITING, Outside
from severance.server.protocol import MOST_UNKNOWN
from severance.session import Session

from .conftest import Served, Up, problem

Start = Callable[..., Up]
Serve = Callable[..., Served]
Make = Callable[..., str]

_JSON = {"content-type": "application/json"}
_FEW = Limits().stranger_body
_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


def _sent(server: Served, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    connection.sendall(sent)
    return connection


def _posting(path: str, bearer: str, size: int, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {bearer}", *more]
    return "\r\n".join([*lines, "content-type: application/json", f"content-length: {size}", "", ""]).encode()


def _answers(connection: socket.socket) -> bytes:
    """All that comes until the server closes it, which it does."""
    whole = b""
    with connection:
        while piece := connection.recv(65_536):
            whole += piece
    return whole


def test_a_large_body_over_mcp_is_for_a_session_alone_and_refused_before_it_comes(
    up: Start, served: Serve, permit: Make
) -> None:
    up(isolation=None)
    server, bearer = served(rate=0), permit()
    assert _answers(_sent(server, _posting("/mcp", "x", _FEW + 1))).startswith(b"HTTP/1.1 413 ")
    with Posts(f"{server.url}/mcp", bearer) as client:
        client.begin()
        mine = f"mcp-session-id: {client.headers['Mcp-Session-Id']}"
        for shown, named, status in (("x", mine, 404), (bearer, "mcp-session-id: none", 404), (bearer, "x: y", 413)):
            said = _answers(_sent(server, _posting("/mcp", shown, _FEW + 1, named)))
            assert said.startswith(b"HTTP/1.1 %d " % status), named
        assert client.post(b" " * _FEW * 4 + b"{}").status_code == 400, "it was read: it is no message"
        assert not client.call("remember", text="a word", more=["word " * 1_500] * 99)["isError"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"text": "' + b"[1,{" * MOST_VALUES + b'"}',
        b'{"text": "\\"' + b',\\\\\\",' * MOST_VALUES + b'"}',
        json.dumps({"memories": [{"text": "a, b", "metadata": {"n": n}} for n in range(2_048)]}).encode(),
        json.dumps([0] * MOST_VALUES).encode(),
        b"[," * (MOST_VALUES // 2),
        b"",
    ],
)
def test_what_is_in_texts_is_no_value(body: bytes) -> None:
    assert not has_too_many_values(body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([[]] * MOST_VALUES).encode(),
        json.dumps([{}] * MOST_VALUES).encode(),
        json.dumps([0] * (MOST_VALUES + 1)).encode(),
        json.dumps({"text": 'a "quoted\\" text', "more": [0] * (MOST_VALUES + 1)}).encode(),
        json.dumps({f"{n:x}": n for n in range(MOST_VALUES + 1)}).encode(),
        b'["\\\\",' + b"[]," * MOST_VALUES,
        b'""' * 2 * MOST_VALUES + b"," * 2 * MOST_VALUES,
    ],
)
def test_a_body_may_have_so_many_values(body: bytes) -> None:
    assert has_too_many_values(body)


def test_a_body_of_very_many_values_is_not_read_for_a_session_either(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server, bearer = served(rate=0), permit()
    mine, many = server.inside(bearer), b"[" + b"[]," * MOST_VALUES + b"[]]"
    assert problem(mine("POST", "/memories", content=many, headers=_JSON)) == (413, "too-large")
    assert mine.remember("a, [b], {c}" * 5_000)["repeats"] == 1
    with Posts(f"{server.url}/mcp", bearer) as client:
        client.begin()
        assert client.post(many).status_code == 413
        assert client.post(b"[" + b"[]," * 1_000 + b"[]]").status_code == 400


_ONE = """
import gc, socket, sys
from pathlib import Path
from severance.resident.client import ResidentHouse
from severance.server.listening import Address, listener
from severance.server.parts import Outside
from severance.server.serving import serve
before, (here, there) = gc.get_threshold(), socket.socketpair()
def ready():
    print(gc.get_threshold()[0] > 10 * before[0], gc.get_freeze_count() > 10_000)
    there.close()
serve(Outside(ResidentHouse(Path("nowhere"))), listener(Address("127.0.0.1", 0)), beside=here, ready=ready)
print(gc.get_threshold() == before, gc.get_freeze_count() == 0)
"""


def test_the_collector_looks_seldom_at_what_lives_while_a_server_runs() -> None:
    said = subprocess.run([sys.executable, "-c", _ONE], capture_output=True, text=True, timeout=120, check=True)
    assert said.stdout == "True True\nTrue True\n"


def test_bodies_that_strangers_never_finish_keep_nobody_out_who_was_let_in(
    up: Start, served: Serve, permit: Make
) -> None:
    up(isolation=None)
    server, bearer = served(rate=0, bodies=1_000_000, body_within=600), permit()
    mine = server.inside(bearer)
    with Posts(f"{server.url}/mcp", bearer) as client:
        client.begin()
        held = [_sent(server, _posting("/mcp", f"x{n}", 60_000) + b" " * 59_999) for n in range(12)]
        with Posts(f"{server.url}/mcp", "made up") as other:
            until(lambda: other.post(b" " * 20_000).status_code == 429)
        assert not client.call("remember", text="a word", more=["word " * 1_500] * 40)["isError"]
        assert mine.remember("x" * 60_000)["repeats"] == 1
        with Posts(f"{server.url}/mcp", bearer) as another:
            another.begin()
        for each in held:
            each.close()
        with Posts(f"{server.url}/mcp", "made up") as other:
            until(lambda: other.post(b" " * 20_000).status_code == 400)


class _DoorOf:
    """A house that is up, which takes one owner token, and has who shows another one wait until it is sent away."""

    def __init__(self, store: Path, token: str) -> None:
        self._house, self._token = severance.connect(store), token
        self.may = threading.Event()

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        return self._house.admit(text, place=place, tool=tool)

    def state(self) -> HouseState:
        return self._house.state()

    def owner(self, token: str, /) -> Owner:
        if token == self._token:
            return self._house.owner(token)
        assert self.may.wait(60)
        raise NotFoundError("nothing by that name")


@pytest.mark.parametrize("path", ["/v1/owner/overrides", "/v1/owner/events"])
def test_made_up_owner_tokens_take_nothing_of_sessions_and_of_the_owner(up: Start, store: Path, path: str) -> None:
    up(isolation=None)
    with severance.open(store, key=KEY, embedder=Hashing(16)) as house:
        bearer, token = house.register("mark", "floor", "desk"), house.owner_token(until=timedelta(hours=1))
    door = _DoorOf(store, token)
    app = application(Outside(door, Limits(threads=4, waiting=40, streams=1)))

    async def asked() -> list[int]:
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1") as client,
        ):

            async def ask(method: str, path: str, shown: str) -> httpx2.Response:
                async with asyncio.timeout(50):
                    return await client.request(method, path, headers={"Authorization": f"Bearer {shown}"})

            parts = app.state.parts
            assert (await ask("GET", "/v1/owner/overrides", token)).status_code == 200
            inside = (await ask("POST", "/v1/sessions", bearer)).json()["id"]
            flood = [asyncio.create_task(ask("GET", path, f"made up {n}")) for n in range(100)]
            while sum(each.done() for each in flood) + parts.owners.others.inside < 100:
                await asyncio.sleep(0.01)
            try:
                assert (await ask("GET", f"/v1/sessions/{inside}/stats", bearer)).status_code == 200
                assert (await ask("GET", "/v1/owner/overrides", token)).status_code == 200
                assert parts.streams.take(1), "a stream is for who shows a token that holds"
                parts.streams.give(1)
            finally:
                door.may.set()
            return [each.status_code for each in await asyncio.gather(*flood)]

    others = asyncio.run(asked())
    assert others.count(429) == 100 - OWNERS_AT_ONCE - OWNERS_WAITING
    assert set(others) == {404, 429}


def test_who_shows_nothing_has_few_answers_on_one_connection(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server, bearer = served(rate=0), permit()
    said = _answers(_sent(server, _HEALTH * 3 * MOST_UNKNOWN))
    assert said.count(b"HTTP/1.1 200 ") == MOST_UNKNOWN
    assert said.count(b"connection: close") == 1
    made_up = _HEALTH.replace(b"\r\n\r\n", b"\r\nauthorization: Bearer made-up\r\n\r\n")
    assert _answers(_sent(server, made_up * 3 * MOST_UNKNOWN)).count(b"HTTP/1.1 200 ") == MOST_UNKNOWN
    mine = server.inside(bearer)
    head = f"GET {mine.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {bearer}\r\n"
    last = f"{head}connection: close\r\n\r\n"
    said = _answers(_sent(server, f"{head}\r\n".encode() * 3 * MOST_UNKNOWN + last.encode()))
    assert said.count(b"HTTP/1.1 200 ") == 3 * MOST_UNKNOWN + 1


def test_who_shows_nothing_shares_one_rate_and_who_watches_over_the_server_does_not(served: Serve) -> None:
    server = served(rate=0.001, burst=5)
    answers = [server.client().get("/openapi.json") for _ in range(8)]
    assert [each.status_code for each in answers] == [200] * 5 + [429] * 3
    assert len({each.content for each in answers[:5]}) == 1
    assert problem(answers[-1]) == (429, "too-many")
    assert answers[-1].headers["connection"] == "close"
    assert [server.client().get("/healthz").status_code for _ in range(8)] == [200] * 8
    assert server.client("x").get("/v1/sessions/x").status_code == 404


def test_what_was_sent_ahead_is_done_once_the_answer_before_it_is_taken(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server, bearer = served(rate=0), permit()
    mine = server.inside(bearer)
    large = [{"text": f"{n} " + "word " * 12_000} for n in range(128)]
    for start in range(0, len(large), 32):
        assert mine("POST", "/memories", json={"memories": large[start : start + 32]}).status_code == 201
    body = json.dumps({"text": "sent ahead"}).encode()
    ahead = socket.socket()
    ahead.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    ahead.settimeout(60)
    ahead.connect(("127.0.0.1", server.port))
    recall = json.dumps({"query": "word", "limit": 100}).encode()  # its answer is more than any system takes by itself
    first = _posting(f"{mine.path}/recall", bearer, len(recall)) + recall
    ahead.sendall(first + _posting(f"{mine.path}/memories", bearer, len(body), "connection: close") + body)
    counted = [mine("GET", "/stats").json() for _ in range(10)]
    assert [each["memories"] for each in counted] == [128] * 10, "it waits"
    said = _answers(ahead)
    assert said.count(b"HTTP/1.1 200 ") == said.count(b"HTTP/1.1 201 ") == 1
    assert "sent ahead" in mine.texts()


def test_all_that_weakening_makes_of_a_permit_counts_as_one(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server, root, other = served(rate=0, sessions_each=2), permit(), permit()
    weakened = [severance.weaken(root, until=timedelta(minutes=40 - n)) for n in range(3)]
    first, *_ = [server.inside(each) for each in weakened[:2]]
    for each in (weakened[2], root):
        assert problem(server.client(each).post("/v1/sessions")) == (429, "too-many-sessions")
    server.inside(other)
    assert first("DELETE").status_code == 204
    server.inside(weakened[2])
    with Posts(f"{server.url}/mcp", root) as one, Posts(f"{server.url}/mcp", weakened[0]) as two:
        one.begin()
        two.begin()
        for each in (weakened[1], root):
            with Posts(f"{server.url}/mcp", each) as third:
                assert third.request("initialize").status_code == 429


def test_the_rate_is_of_a_permit_however_it_was_weakened_and_nobody_takes_it_from_its_holder(
    up: Start, served: Serve, permit: Make
) -> None:
    up(isolation=None)
    server, root = served(rate=0.001, burst=6), permit()
    weakened = severance.weaken(root, until=timedelta(minutes=40))
    mine, also = server.inside(root), server.inside(weakened)
    torn = f"{root}A"
    for _ in range(6):
        assert server.client(torn).post("/v1/sessions").status_code == 404
    answers = [each("GET").status_code for _ in range(4) for each in (mine, also)]
    assert answers == [200] * 6 + [429] * 2
