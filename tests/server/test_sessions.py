"""Sessions over HTTP: crossing, whose they are, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import severance
from kit import KEY, make_house
from kit.processes import until, with_proc
from severance import AsleepError, House
from severance.embed import Hashing
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.limits import Limits
from severance.server.parts import Outside
from severance.session import Session

from .conftest import Served, Shared, Up, problem

Start = Callable[..., Up]
Serve = Callable[..., Served]
Make = Callable[..., str]

GONE = (404, "not-found")
ENDED = (410, "session-ended")


def test_a_crossing_says_who_woke_and_that_a_new_model_context_begins(shared: Shared) -> None:
    client = shared.server.client(shared.permit())
    crossed = client.post("/v1/sessions")
    told = crossed.json()
    assert (told["subject"], told["persona"], told["place"]) == ("mark", "innie", "floor")
    assert "new model context" in told["new_context"]
    assert crossed.headers["location"] == f"/v1/sessions/{told['id']}"
    assert len(bytes.fromhex(told["id"])) == 16
    assert client.get(crossed.headers["location"]).json() == {k: v for k, v in told.items() if k != "new_context"}


def test_each_crossing_is_a_session_of_its_own(shared: Shared) -> None:
    client = shared.server.client(shared.permit())
    assert len({client.post("/v1/sessions").json()["id"] for _ in range(3)}) == 3


def test_whoever_opens_nothing_gets_one_answer(shared: Shared) -> None:
    with severance.open(shared.store, key=KEY, embedder=Hashing(16)) as house:
        ended = house.permit("mark", "floor", rights=["recall"], until=timedelta(milliseconds=1))
        revoked = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
        house.revoke(house.permits()[-1].id)
        nowhere = house.register("mark", "floor", "nobody")
        house.revoke(house.credentials()[-1].id)
    altered = shared.permit()[:-2] + "AA"
    answers = [
        shared.server.client(shown).post("/v1/sessions")
        for shown in (ended, revoked, nowhere, altered, "x", "x" * 9_000)
    ]
    assert {problem(each) for each in answers} == {GONE}
    assert len({each.content for each in answers}) == 1
    assert len({tuple(sorted(each.headers.keys())) for each in answers}) == 1


def test_a_session_is_there_for_its_own_bearer_only(shared: Shared) -> None:
    mine, same_persona = shared.inside(), shared.permit()
    deleted = shared.inside()
    assert deleted("DELETE").status_code == 204
    foreign = [shared.server.client(shown) for shown in (same_persona, shared.permit(place="home"), "x")]
    answers = [client.get(mine.path) for client in foreign]
    answers += [client.request("DELETE", mine.path) for client in foreign]
    answers += [client.post(mine.path + "/recall", json={"query": "x"}) for client in foreign]
    answers += [deleted("GET"), deleted("DELETE"), mine.client.get("/v1/sessions/" + "0" * 32)]
    answers += [mine.client.get("/v1/sessions/" + name) for name in ("%00", "x", "..%2f", "%F0%9F%8D%8A")]
    assert {problem(each) for each in answers} == {GONE}
    assert len({each.content for each in answers}) == 1
    assert mine("GET").status_code == 200, "and it has not ended by that"


def test_without_a_bearer_nobody_is_told_anything(shared: Shared) -> None:
    mine = shared.inside()
    client = shared.server.client()
    for given in ({}, {"Authorization": "Basic eDp4"}, {"Authorization": "Bearer"}):
        for path in ("/v1/sessions", mine.path, "/v1/sessions/x"):
            answer = client.request("POST" if path == "/v1/sessions" else "GET", path, headers=given)
            assert problem(answer) == (401, "no-bearer")
            assert answer.headers["www-authenticate"] == "Bearer"
    two = [("Authorization", f"Bearer {mine.client.headers['authorization'][7:]}")] * 2
    assert problem(client.get(mine.path, headers=two)) == (401, "no-bearer")


def test_two_personas_see_nothing_of_each_other(shared: Shared) -> None:
    inside, outside = shared.inside(), shared.inside(place="home")
    kept = inside.remember("the numbers are scary")
    assert outside.texts() == []
    assert outside("POST", "/recall", json={"query": "numbers"}).json() == {"recollections": []}
    for method, below in (("GET", ""), ("GET", "/history"), ("DELETE", ""), ("PATCH", "")):
        body = {"json": {"text": "x"}} if method == "PATCH" else {}
        foreign = outside(method, f"/memories/{kept['id']}{below}", **body)
        unknown = outside(method, f"/memories/{'0' * 30}{below}", **body)
        assert problem(foreign) == problem(unknown) == GONE
        assert foreign.content == unknown.content


def test_two_sessions_of_one_persona_see_what_the_other_keeps(shared: Shared) -> None:
    one, other = shared.inside(subject="helly"), shared.inside(subject="helly")
    one.remember("first")
    other.remember("second")
    assert sorted(one.texts()) == sorted(other.texts()) == ["first", "second"]


def test_a_crossing_that_is_sent_again_is_the_same_session(shared: Shared) -> None:
    client = shared.server.client(shared.permit())
    with ThreadPoolExecutor(8) as pool:
        ids = set(
            pool.map(lambda _: client.post("/v1/sessions", headers={"Idempotency-Key": "k"}).json()["id"], range(8))
        )
    assert len(ids) == 1
    other = shared.server.client(shared.permit())
    assert other.post("/v1/sessions", headers={"Idempotency-Key": "k"}).json()["id"] not in ids, (
        "keys are a bearer's own"
    )


def test_a_crossing_that_failed_is_tried_again(up: Start, served: Serve, permit: Make) -> None:
    client = served().client(permit())
    key = {"Idempotency-Key": "k"}
    assert problem(client.post("/v1/sessions", headers=key)) == (503, "house-down")
    up(isolation=None)
    assert client.post("/v1/sessions", headers=key).status_code == 201


def test_a_crossing_that_has_ended_is_not_the_answer_to_the_same_key(up: Start, served: Serve, permit: Make) -> None:
    house = up(isolation=None).house
    server, key = served(), {"Idempotency-Key": "k"}
    client = server.client(permit())
    first = client.post("/v1/sessions", headers=key).json()["id"]
    assert client.post("/v1/sessions", headers=key).json()["id"] == first
    assert client.delete(f"/v1/sessions/{first}").status_code == 204
    second = client.post("/v1/sessions", headers=key)
    assert second.status_code == 201
    assert second.json()["id"] != first
    assert client.get(second.headers["location"]).status_code == 200

    short = server.client(permit(until=timedelta(seconds=2)))
    crossed = short.post("/v1/sessions", headers=key)
    assert crossed.status_code == 201
    until(lambda: house.state().sessions == 1)
    assert problem(short.post("/v1/sessions", headers=key)) == GONE
    assert problem(short.get(crossed.headers["location"])) == ENDED


class Slow:
    """A door at which one bearer is let in, and all others wait until they are sent away."""

    def __init__(self, house: House, bearer: str) -> None:
        self._house, self._bearer = house, bearer
        self.may = threading.Event()

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        if text != self._bearer:
            assert self.may.wait(60)
        return self._house.admit(text, place=place, tool=tool)

    def state(self) -> HouseState:
        return HouseState(False, 1)


def test_bearers_that_open_nothing_shut_out_nobody_who_was_let_in(folder: Path) -> None:
    with make_house(folder) as house:
        bearer = house.register("mark", "floor", "desk")
        door = Slow(house, bearer)
        app = application(Outside(door, Limits(sessions=5, threads=4, waiting=40)))

        async def asked() -> tuple[list[int], int, list[int]]:
            transport = httpx2.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
            ):

                async def cross(shown: str) -> httpx2.Response:
                    return await client.post("/v1/sessions", headers={"Authorization": f"Bearer {shown}"})

                rooms = app.state.parts.rooms
                first = [(await cross(bearer)).status_code]
                flood = [asyncio.create_task(cross(f"made up {n}")) for n in range(100)]
                while len([each for each in flood if each.done()]) + rooms._arrivals.others.inside < 100:
                    await asyncio.sleep(0.01)
                first += [(await asyncio.wait_for(cross(bearer), 50)).status_code for _ in range(4)]
                sixth = (await cross(bearer)).status_code
                door.may.set()
                return first, sixth, [each.status_code for each in await asyncio.gather(*flood)]

        inside, sixth, others = asyncio.run(asked())
    assert inside == [201] * 5
    assert sixth == 503, "sessions are bounded still"
    assert set(others) <= {404, 429, 503}
    assert others.count(429) == 100 - 22, "a part of the queue is theirs"


class Late:
    """A door at which everybody waits, and is let in then."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.may = threading.Event()
        self.let_in: list[Session] = []

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        assert self.may.wait(60)
        self.let_in.append(self._house.admit(text, place=place, tool=tool))
        return self.let_in[-1]

    def state(self) -> HouseState:
        return HouseState(False, 1)

    def awake(self) -> int:
        """How many of those are awake."""
        told = 0
        for session in self.let_in:
            with suppress(AsleepError):
                told += bool(session.stats())
        return told


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def test_a_crossing_that_took_too_long_leaves_nobody_awake_of_whom_nobody_can_hear(folder: Path) -> None:
    with make_house(folder) as house:
        shown = {"Authorization": f"Bearer {house.register('mark', 'floor', 'desk')}"}
        door, now = Late(house), [0.0]
        app = application(Outside(door, Limits(answered_within=0.3), ticks=lambda: now[0]))

        async def crossed() -> None:
            rooms, transport = app.state.parts.rooms, httpx2.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=shown) as client,
            ):
                assert problem(await client.post("/v1/sessions")) == (504, "too-long")
                door.may.set()
                await _until(lambda: len(door.let_in) == 1 and not door.awake() and not len(rooms))

                door.may.clear()
                keys = [{"Idempotency-Key": key} for key in ("asked again", "left alone")]
                for key in keys:
                    assert problem(await client.post("/v1/sessions", headers=key)) == (504, "too-long")
                door.may.set()
                await _until(lambda: len(rooms) == 2)
                again = await client.post("/v1/sessions", headers=keys[0])
                assert again.status_code == 201, "a repeated one gets its answer"
                assert len(door.let_in) == 3
                now[0] += 1.0
                await rooms.sweep()
                await _until(lambda: door.awake() == 1)
                assert (await client.get(again.headers["location"])).status_code == 200

        asyncio.run(crossed())


@pytest.mark.parametrize("key", [None, b"k"])
def test_a_crossing_whose_client_vanished_leaves_nobody_awake(folder: Path, key: bytes | None) -> None:
    with make_house(folder) as house:
        bearer, door, now = house.register("mark", "floor", "desk"), Late(house), [0.0]
        app = application(Outside(door, ticks=lambda: now[0]))
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {bearer}".encode())]
        headers += [] if key is None else [(b"idempotency-key", key)]
        scope = {"type": "http", "method": "POST", "path": "/v1/sessions", "scheme": "http", "headers": headers}
        scope |= {"query_string": b"", "raw_path": b"/v1/sessions", "http_version": "1.1", "root_path": ""}
        said: list[Any] = [{"type": "http.disconnect"}, {"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Any:
            return said.pop() if len(said) > 1 else said[0]

        async def send(message: Any) -> None:
            """To nobody."""

        async def crossed() -> None:
            async with app.router.lifespan_context(app):
                door.may.set()
                await app(scope, receive, send)
                assert len(door.let_in) == 1
                now[0] += 61.0
                if key is not None:
                    assert door.awake() == 1, "whoever asks again would have it"
                    await app.state.parts.rooms.sweep()
                await _until(lambda: not door.awake())

        asyncio.run(crossed())


def test_sessions_are_bounded_for_each_bearer_and_for_all(up: Start, served: Serve, permit: Make) -> None:
    up(isolation=None)
    server = served(sessions=4, sessions_each=2)
    one, two, three = (server.client(permit()) for _ in range(3))
    first = [one.post("/v1/sessions").json()["id"] for _ in range(2)]
    refused = one.post("/v1/sessions")
    assert problem(refused) == (429, "too-many-sessions")
    assert int(refused.headers["retry-after"]) > 0
    assert [two.post("/v1/sessions").status_code for _ in range(2)] == [201, 201]
    assert problem(three.post("/v1/sessions")) == (503, "full")
    one.delete(f"/v1/sessions/{first[0]}")
    assert three.post("/v1/sessions").status_code == 201
    assert problem(server.client("nobody").post("/v1/sessions")) == (503, "full"), "whatever would be shown"


def test_a_session_that_nobody_uses_is_put_to_sleep(up: Start, served: Serve, permit: Make) -> None:
    house = up(isolation=None).house
    mine = served(idle=0.5).inside(permit())
    until(lambda: house.state().sessions == 0)
    assert problem(mine("GET")) == ENDED
    assert problem(mine("POST", "/recall", json={"query": "x"})) == ENDED


def test_a_permit_that_ends_ends_its_session(up: Start, served: Serve, permit: Make) -> None:
    house = up(isolation=None).house
    server = served(rate=0)
    mine = server.inside(permit(until=timedelta(seconds=2)))
    mine.remember("kept before the end")
    until(lambda: mine("GET").status_code != 200)
    assert problem(mine("GET")) == ENDED
    assert problem(mine("POST", "/memories", json={"text": "too late"})) == ENDED
    assert problem(mine.client.post("/v1/sessions")) == GONE
    until(lambda: house.state().sessions == 0)
    assert server.inside(permit()).texts() == ["kept before the end"]


def test_a_locked_house_is_told_from_one_that_is_down(up: Start, served: Serve, permit: Make) -> None:
    started = up(isolation=None)
    server, bearer = served(), permit()
    mine = server.inside(bearer)
    client = server.client(bearer)
    assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (200, {"ready": True, "house": "open"})

    started.house.lock()
    answer = mine("GET")
    assert problem(answer) == (503, "house-locked")
    assert int(answer.headers["retry-after"]) > 0
    assert problem(mine("GET")) == ENDED, "what has ended does not come back when the house does"
    assert problem(client.post("/v1/sessions")) == (503, "house-locked")
    until(lambda: client.get("/readyz").json() == {"ready": False, "house": "locked"})
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200

    started.house.unlock(KEY)
    until(lambda: client.get("/readyz").status_code == 200)
    again = server.inside(bearer)
    started.kill()
    answer = again("POST", "/memories", json={"text": "x"})
    assert problem(answer) == (503, "house-down")
    assert problem(client.post("/v1/sessions")) == (503, "house-down")
    until(lambda: client.get("/readyz").json() == {"ready": False, "house": "down"})
    assert client.get("/healthz").status_code == 200

    up(isolation=None)
    assert server.inside(bearer)("GET").status_code == 200


@with_proc
def test_a_worker_that_is_killed_is_a_session_that_has_ended(up: Start, served: Serve, permit: Make) -> None:
    started = up()
    server, bearer = served(), permit()
    mine, other = server.inside(bearer), server.inside(permit(place="home"))
    kept = [mine.remember(f"number {n}")["text"] for n in range(5)]
    for worker in started.workers():
        os.kill(worker, signal.SIGKILL)
    for each in (mine, other):
        until(lambda each=each: each("GET", "/stats").status_code != 200)
        assert problem(each("GET", "/stats")) == ENDED
    assert server.inside(bearer).texts() == kept


def test_whoever_is_let_in_may_do_what_was_allowed(shared: Shared) -> None:
    reads, writes = shared.inside("recall"), shared.inside("remember")
    kept = writes.remember("blue folder")
    assert problem(writes("POST", "/recall", json={"query": "x"})) == (403, "not-allowed")
    assert reads("POST", "/recall", json={"query": "folder"}).status_code == 200
    for method, below, body in (
        ("POST", "/memories", {"text": "x"}),
        ("PATCH", f"/memories/{kept['id']}", {"text": "x"}),
        ("DELETE", f"/memories/{kept['id']}", None),
    ):
        assert problem(reads(method, below, json=body)) == (403, "not-allowed")


def test_notices_are_told_again_to_the_session_that_asked(shared: Shared) -> None:
    mine = shared.inside()
    assert mine("GET", "/notices").json() == {"notices": []}
    assert mine("GET", "/events", params={"limit": 1}).json()["events"][0]["what"] == "crossed"
