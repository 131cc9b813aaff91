"""Connections: slow ones, many, those that vanish, and that nothing which was acknowledged is lost by any of it."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

import severance
from kit import KEY
from kit.processes import until, with_proc
from mcp_server.plain import Posts
from severance.embed import Hashing

from .conftest import Inside, Served, Up, problem

Start = Callable[..., Up]
Serve = Callable[..., Served]
Make = Callable[..., str]

HURRIED = {"head_within": 0.5, "body_within": 0.5, "keep_alive": 1, "taken_within": 0.5, "rate": 0}
_LONGEST = 60.0
_JSON = {"content-type": "application/json"}


def _opened(server: Served) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=_LONGEST)


def _answer(connection: socket.socket) -> bytes:
    """One answer of the health route, after which the connection stays."""
    whole = b""
    while not whole.endswith(b'{"status":"alive"}'):
        piece = connection.recv(65_536)
        assert piece, whole
        whole += piece
    return whole


def _rest(connection: socket.socket) -> bytes:
    """Everything until the server closes it, which it does."""
    whole = b""
    with connection:
        while True:
            try:
                piece = connection.recv(65_536)
            except ConnectionResetError:
                return whole
            if not piece:
                return whole
            whole += piece


def test_a_head_that_does_not_end_is_not_waited_for(served: Serve) -> None:
    server = served(**HURRIED)
    silent, begun, dripping, kept = (_opened(server) for _ in range(4))
    begun.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n")
    kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert _answer(kept).startswith(b"HTTP/1.1 200 ")
    kept.sendall(b"G")
    with suppress(OSError):  # it is closed while it drips
        for _ in range(1_200):
            dripping.sendall(b"x")
            time.sleep(0.05)
        raise AssertionError("it may go on for ever")
    dripping.close()
    assert _rest(silent) == b""
    for each in (begun, kept):
        assert b" 408 " in (said := _rest(each))
        assert b"urn:severance:problem:too-slow" in said
    assert server.client().get("/healthz").status_code == 200


def test_a_body_that_does_not_end_is_not_waited_for(served: Serve) -> None:
    server = served(**HURRIED)
    head = _posting("x")
    told, chunked = _opened(server), _opened(server)
    told.sendall(head + b"content-length: 9\r\n\r\n{")
    chunked.sendall(head + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n")
    for each in (told, chunked):
        said = _rest(each)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"urn:severance:problem:too-slow" in said


def _posting(bearer: str | None, path: str = "/v1/sessions") -> bytes:
    shown = "" if bearer is None else f"authorization: Bearer {bearer}\r\n"
    return f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{shown}content-type: application/json\r\n".encode()


def test_who_shows_nothing_is_answered_before_the_body_comes(served: Serve) -> None:
    server = served(rate=0)
    for path in ("/v1/sessions", "/v1/owner/overrides/answers", "/v1/sessions/x/memories", "/mcp"):
        for length in (b"content-length: 1000000", b"transfer-encoding: chunked"):
            connection = _opened(server)
            connection.sendall(_posting(None, path) + length + b"\r\n\r\n")
            assert _rest(connection).startswith(b"HTTP/1.1 401 "), path


def test_a_body_of_two_lengths_is_refused_and_what_follows_is_not_read(served: Serve) -> None:
    server = served(rate=0)
    connection = _opened(server)
    ambiguous = b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    connection.sendall(_posting("x") + ambiguous + b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    said = _rest(connection)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"urn:severance:problem:malformed" in said
    assert said.count(b"HTTP/1.1 ") == 1


def test_all_bodies_together_are_bounded_and_strangers_leave_some_to_sessions(
    up: Start, served: Serve, permit: Make
) -> None:
    up(isolation=None)
    server = served(rate=0, bodies=400_000, body_within=600)
    bearer = permit()
    mine, large = server.inside(bearer), {"content": b" " * 300_000 + b'{"text": "x"}', "headers": _JSON}
    stranger = _opened(server)
    stranger.sendall(_posting("x") + b"content-length: 40001\r\n\r\n" + b" " * 40_000)
    little = {"content": b" " * 20_000, "headers": _JSON}
    until(lambda: server.client("y").post("/v1/sessions", **little).status_code == 429)
    assert mine("POST", "/memories", **large).status_code == 201
    for _ in range(50):  # it is refused itself where the other one comes first
        held = _opened(server)
        held.sendall(_posting(bearer, f"{mine.path}/memories") + b"content-length: 150001\r\n\r\n" + b" " * 150_000)
        assert {mine("GET").status_code for _ in range(20)} == {200}
        if (refused := mine("POST", "/memories", **large)).status_code != 201:
            break
        held.close()
    assert problem(refused) == (429, "busy")
    assert mine.remember("x" * 60_000)["repeats"] == 1
    held.close()
    until(lambda: mine("POST", "/memories", **large).status_code == 201)
    stranger.close()


def test_who_connects_and_sends_nothing_shuts_nobody_out(served: Serve) -> None:
    server = served(connections=20, keep_alive=600, head_within=600, body_within=600, rate=0)
    asked = _opened(server)
    asked.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert _answer(asked).startswith(b"HTTP/1.1 200 ")
    silent = [_opened(server) for _ in range(100)]
    uploading = [_opened(server) for _ in range(20)]
    for each in uploading:
        each.sendall(_posting("x") + b"content-length: 9\r\n\r\n")
    assert server.client().get("/healthz", timeout=_LONGEST).status_code == 200
    assert _rest(silent[0]).startswith(b"HTTP/1.1 429 "), "the oldest had to go, and is told so"
    asked.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert _answer(asked).startswith(b"HTTP/1.1 200 "), "and none that had asked something"
    for each in (*silent, *uploading, asked):
        each.close()


_HEALTH = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


def _asked(server: Served) -> socket.socket:
    """A connection that has had an answer, and asks nothing more yet."""
    connection = _opened(server)
    connection.sendall(_HEALTH)
    assert _answer(connection).startswith(b"HTTP/1.1 200 ")
    return connection


def test_who_has_to_go_before_their_request_came_is_answered_429(served: Serve) -> None:
    server = served(connections=4, keep_alive=600, head_within=600, rate=0)
    connections = [_opened(server) for _ in range(40)]
    for each in connections:
        with suppress(OSError):  # it was closed already
            each.sendall(_HEALTH)
    told = {each.recv(13, socket.MSG_WAITALL) for each in connections}
    assert told == {b"HTTP/1.1 200 ", b"HTTP/1.1 429 "}
    for each in connections:
        each.close()


def test_who_has_an_answer_and_asks_nothing_more_shuts_nobody_out(served: Serve) -> None:
    server = served(connections=20, keep_alive=600, head_within=600, body_within=600, rate=0)
    idle = [_asked(server) for _ in range(20)]
    idle[0].sendall(_HEALTH)
    assert _answer(idle[0]).startswith(b"HTTP/1.1 200 ")
    idle.append(idle.pop(0))  # it asked last
    silent = _opened(server)
    assert _rest(idle[0]).startswith(b"HTTP/1.1 429 "), "the one that has asked nothing for the longest had to go"
    newer = _asked(server)
    assert _rest(silent).startswith(b"HTTP/1.1 429 "), "before all others that never asked anything"
    for each in (*idle[1:], newer):
        each.sendall(_HEALTH)
        assert _answer(each).startswith(b"HTTP/1.1 200 ")
        each.close()


def test_who_waits_for_an_answer_is_not_closed_for_another(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server = served(connections=4, rate=0)
    mine = server.inside(permit())
    bearer = mine.client.headers["authorization"]
    texts = json.dumps({"memories": [{"text": f"n {n} " + "word " * 300} for n in range(1_500)]}).encode()
    head = f"POST {mine.path}/memories HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {bearer}\r\n"
    head += f"connection: close\r\ncontent-type: application/json\r\ncontent-length: {len(texts)}\r\n\r\n"
    busy = _asked(server)
    busy.sendall(head.encode() + texts)
    others = [_asked(server) for _ in range(12)]
    assert _rest(busy).startswith(b"HTTP/1.1 201 ")
    for each in others:
        each.close()


def test_what_is_refused_for_its_size_is_answered_also_while_it_is_sent(served: Serve) -> None:
    server = served(rate=0)
    sent = 30 * 2**20
    chunk = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    for head, piece in (
        (b"transfer-encoding: chunked\r\n\r\n", chunk),
        (b"content-length: %d\r\n\r\n" % sent, b" " * 2**20),
    ):
        connection = _opened(server)
        connection.sendall(_posting("x") + head)
        for _ in range(30):
            connection.sendall(piece)  # all of it, before anything is read
        said = _rest(connection)
        assert said.startswith(b"HTTP/1.1 413 ")
        assert b"urn:severance:problem:too-large" in said


def test_what_is_refused_is_taken_within_bounds(served: Serve) -> None:
    server = served(rate=0)
    connection = _opened(server)
    connection.sendall(_posting("x") + b"transfer-encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%s\r\n" % (2**20, b" " * 2**20)
    with connection, pytest.raises(OSError):  # noqa: PT012 - how many go through is up to the system
        for _ in range(1_000):
            connection.sendall(chunk)
    waiting = _opened(server)
    waiting.sendall(_posting("x") + b"content-length: 99999999\r\n\r\n")
    until(lambda: _connections(server) <= 1)
    assert _rest(waiting).startswith(b"HTTP/1.1 413 ")


def test_a_connection_without_a_request_is_closed(served: Serve) -> None:
    server = served(**HURRIED)
    kept = _opened(server)
    for _ in range(2):
        kept.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
        assert _answer(kept).startswith(b"HTTP/1.1 200 ")
    assert _rest(kept) == b""


def _remember_much(mine: Inside) -> None:
    large = [{"text": f"{n} " + "word " * 12_000} for n in range(32)]
    for start in range(0, len(large), 16):
        assert mine("POST", "/memories", json={"memories": large[start : start + 16]}).status_code == 201


def _greedy(server: Served, mine: Inside) -> socket.socket:
    """A connection that has asked for 2 MB again and again, of which it takes nothing."""
    headers = {"host": "127.0.0.1", "authorization": mine.client.headers["authorization"]}
    return _taking_nothing(server, f"{mine.path}/recall", headers, {"query": "word", "limit": 32})


def _taking_nothing(server: Served, path: str, headers: Mapping[str, str], said: object) -> socket.socket:
    greedy = socket.socket()
    greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    greedy.settimeout(_LONGEST)
    greedy.connect(("127.0.0.1", server.port))
    body = json.dumps(said).encode()
    all_headers = {**headers, "content-type": "application/json", "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in all_headers.items())
    greedy.sendall((f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body) * 8)
    return greedy


def test_who_takes_no_answer_is_let_go(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server = served(**HURRIED)
    mine = server.inside(permit())
    _remember_much(mine)
    greedy = _greedy(server, mine)
    until(lambda: _connections(server) <= 2)
    greedy.close()
    assert mine("GET").status_code == 200


def test_who_takes_nothing_of_a_stream_is_let_go_and_its_session_goes_on(
    up: Start, served: Serve, permit: Make
) -> None:
    up(isolation=None)
    server, bearer = served(**HURRIED), permit()
    _remember_much(server.inside(bearer))
    with Posts(f"{server.url}/mcp", bearer) as client:
        client.begin()
        params = {"name": "recall", "arguments": {"query": "word", "limit": 32}}
        said = {"jsonrpc": "2.0", "id": 50, "method": "tools/call", "params": params}
        greedy = _taking_nothing(server, "/mcp", {"host": "127.0.0.1", **client.headers}, said)
        until(lambda: _connections(server) >= 3)
        until(lambda: _connections(server) <= 2)
        greedy.close()
        assert not client.call("status")["isError"]


def _connections(server: Served) -> int:
    told = server.client("token-for-the-metrics").get("/metrics", headers={"connection": "close"}).text
    return int(float(told.partition("\nseverance_http_connections ")[2].partition("\n")[0]))


def test_a_client_that_vanishes_changes_nothing_for_others(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server, bearer = served(rate=0), permit()
    mine = server.inside(bearer)
    body = json.dumps({"text": "said by one who vanished"}).encode()
    head = f"POST {mine.path}/memories HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {bearer}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    for sent in (head.encode()[:40], head.encode(), head.encode() + body[:-1], head.encode() + body):
        vanishing = _opened(server)
        vanishing.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # it is gone at once
        vanishing.sendall(sent)
        vanishing.close()
    mine.remember("said by one who stayed")
    until(lambda: _connections(server) <= 2)
    assert set(mine.texts()) - {"said by one who vanished"} == {"said by one who stayed"}
    assert '"status": 500' not in server.said()


def _listening(server: Served, token: str) -> socket.socket:
    """A connection on which an answer has begun that does not end: events."""
    connection, begun = _opened(server), b""
    connection.sendall(
        f"GET /v1/owner/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    )
    while b"retry: " not in begun:
        begun += connection.recv(65_536)
    assert begun.startswith(b"HTTP/1.1 200 ")
    return connection


@with_proc
def test_more_connections_that_ask_something_than_there_may_be_are_told_to_come_again(
    up: Start, store: Path, served: Serve
) -> None:
    up(isolation=None)
    with severance.open(store, key=KEY, embedder=Hashing(16)) as house:
        token = house.owner_token(until=timedelta(hours=1))
    server = served(connections=5, keep_alive=30, head_within=30, rate=0)
    held = [_listening(server, token) for _ in range(5)]
    beyond = [_opened(server) for _ in range(100)]
    for each in beyond:
        each.sendall(_HEALTH)
    for each in beyond:
        said = _rest(each)
        assert said.startswith(b"HTTP/1.1 429 ")
        assert b"urn:severance:problem:busy" in said
    assert len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) < 80
    for each in held:
        each.setblocking(False)
        with pytest.raises(BlockingIOError):  # it is there still, and says nothing
            each.recv(1)
        each.close()
    until(lambda: server.client().get("/healthz").status_code == 200)


async def _stormed(server: Served, mine: Inside, requests: int, connections: int) -> tuple[Counter[int], set[str]]:
    """Ask to remember so many at once. Returns how often each status came, and what was acknowledged."""
    statuses, kept, left = Counter[int](), set[str](), iter(range(requests))
    bearer = mine.client.headers["authorization"]

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            for number in left:
                text = f"memory {number}"
                body = json.dumps({"text": text}).encode()
                head = f"POST {mine.path}/memories HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: {bearer}\r\n"
                head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                answer = await reader.readuntil(b"\r\n\r\n")
                length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                statuses[int(answer[9:12])] += 1
                if answer[9:12] == b"201":
                    kept.add(text)
                if b"\r\nconnection: close" in answer.lower():
                    writer.close()
                    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        finally:
            writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return statuses, kept


@pytest.mark.slow
@with_proc
def test_thousands_at_once_are_answered_and_nothing_acknowledged_is_lost(
    up: Start, served: Serve, permit: Make
) -> None:
    """`bench/reach/storm.py` is the same with 10,000 and more."""
    up(isolation=None)
    server, bearer = served(rate=0, waiting=60, waiting_each=50), permit()
    mine = server.inside(bearer)
    before = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    statuses, kept = asyncio.run(_stormed(server, mine, 1_000, 300))
    assert set(statuses) <= {201, 429}
    assert sum(statuses.values()) == 1_000
    assert statuses[429], "the queue is bounded"
    assert statuses[201] == len(kept) > 0
    texts = mine.texts()
    assert Counter(texts) == Counter(kept), "exactly what was acknowledged, once each"
    until(lambda: len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) <= before + 4)


def test_a_bearer_that_asks_too_much_waits_and_others_do_not(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server = served(rate=0.001, burst=5)
    mine, other = server.client(permit()), server.client(permit())
    answers = [mine.get("/v1/sessions/x") for _ in range(8)]
    assert [each.status_code for each in answers] == [404] * 5 + [429] * 3
    assert problem(answers[-1]) == (429, "too-many")
    assert int(answers[-1].headers["retry-after"]) > 0
    assert other.get("/v1/sessions/x").status_code == 404
    assert server.client().get("/healthz").status_code == 200


def test_a_server_that_is_killed_loses_nothing_acknowledged(up: Start, served: Serve, permit: Make) -> None:
    house = up(isolation=None).house
    server, bearer = served(rate=0), permit()
    mine = server.inside(bearer)
    kept = [mine.remember(f"n {n}")["text"] for n in range(20)]
    server.process.kill()
    server.process.wait()
    until(lambda: house.state().sessions == 0)
    assert served(rate=0).inside(bearer).texts() == kept


def test_running_requests_come_to_their_end_when_the_server_does(up: Start, served: Serve, permit: Make) -> None:
    house = up(isolation=None).house
    server, bearer = served(rate=0), permit()
    mine = server.inside(bearer)
    body = json.dumps({"memories": [{"text": f"n {n}"} for n in range(300)]}).encode()
    head = f"POST {mine.path}/memories HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {bearer}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    running, idle = _opened(server), _opened(server)
    running.sendall(head.encode() + body[:-1])
    until(lambda: _connections(server) >= 3)
    server.process.terminate()
    assert _rest(idle) == b"", "who asks nothing is let go at once"
    running.sendall(body[-1:])
    assert _rest(running).startswith(b"HTTP/1.1 201 ")
    assert server.process.wait(_LONGEST) == 0
    until(lambda: house.state().sessions == 0)
    assert len(served(rate=0).inside(bearer).texts()) == 300
