"""MCP over streamable HTTP on a real port: each session is its bearer's alone, and asleep when it has ended."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from kit import texts
from kit.processes import until
from severance import House, Session, StoreBusyError
from severance.mcp.http import MOST_OPEN
from severance.mcp.wire import MOST_BYTES
from severance.mcp.words import ENDED

from .ground import Ground, Open, listening
from .plain import HELLO, NEW, OLD, Posts, last_of, messages_of

pytestmark = pytest.mark.timeout(120)
SECRET = "xylophone-marmalade"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_librarys_client_from_end_to_end(ground: Ground, house: House, mode: str) -> None:
    async def main(address: str) -> None:
        headers = {"Authorization": f"Bearer {ground.innie}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(address, http_client=http)
            async with Client(transport, mode=mode) as client:
                assert client.protocol_version == OLD[-1], "without a session there is no context to be one of"
                kept = await client.call_tool("remember", {"text": "The list is in the blue folder."})
                found = await client.call_tool("recall", {"query": "where is the list?"})
                number = kept.structured_content["kept"][0]["id"]
                assert [each["id"] for each in found.structured_content["memories"]] == [number]
                assert (await client.read_resource("severance://context")).contents
                assert ground.awake() == 1

    with listening(ground.over_http) as address:
        anyio.run(main, address)
        assert ground.awake() == 0, "the client has ended its session, and so the persona sleeps"
    with house.cross("mark", "floor") as session:
        assert texts(session.memories()) == ["The list is in the blue folder."]


@pytest.mark.parametrize("version", OLD)
def test_every_version_that_begins_a_session_is_spoken(open_to: Open, ground: Ground, version: str) -> None:
    client = open_to(ground.innie, begun=False)
    assert client.begin(version)["protocolVersion"] == version
    assert not client.call("remember", text=f"in {version}")["isError"]
    assert client.end() == 204


@pytest.mark.parametrize("version", [NEW, "2099-01-01", "nonsense"])
def test_a_version_without_sessions_is_refused_with_those_that_have_them(
    open_to: Open, ground: Ground, version: str
) -> None:
    client = open_to(ground.innie, begun=False)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    refused = client.post(message, **{"MCP-Protocol-Version": version})
    error = refused.json()
    assert (refused.status_code, error["id"], error["error"]["code"]) == (400, 1, -32022)
    assert error["error"]["data"] == {"supported": [*OLD], "requested": version}
    assert ground.doors.admitted == []


def test_delete_puts_the_persona_to_sleep_and_the_session_is_gone(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    client.call("remember", text="kept")
    assert ground.awake() == 1
    assert client.end() == 204
    assert ground.awake() == 0
    assert client.request("tools/list").status_code == 404
    assert client.end() == 404
    assert ground.over_http.sessions == 0


def test_each_session_is_a_session_of_its_own(open_to: Open, ground: Ground) -> None:
    first, second, third = open_to(ground.innie), open_to(ground.innie), open_to(ground.outie)
    assert len({id(session) for session in ground.doors.admitted}) == 3
    first.call("remember", text="the list is in the blue folder")
    assert second.call("recall", query="the list")["structuredContent"]["memories"]
    assert third.call("recall", query="the list")["structuredContent"]["memories"] == []
    assert [each.call("status")["structuredContent"]["persona"] for each in (first, second, third)] == [
        "innie",
        "innie",
        "outie",
    ]


def test_a_session_is_its_bearers_alone(open_to: Open, ground: Ground, house: House) -> None:
    theirs = open_to(ground.outie)
    other = open_to(ground.innie, begun=False)
    other.headers |= {"Mcp-Session-Id": theirs.headers["Mcp-Session-Id"], "MCP-Protocol-Version": OLD[-1]}
    real = [other.request("tools/list"), other.http.get(other.address, headers=other.headers)]
    assert other.end() == 404
    other.headers["Mcp-Session-Id"] = "0" * 32
    made_up = [other.request("tools/list"), other.http.get(other.address, headers=other.headers)]
    assert [(each.status_code, each.content) for each in real] == [(each.status_code, each.content) for each in made_up]
    assert {each.status_code for each in real} == {404}
    twin = house.permit("mark", "home", rights=["recall"], until=timedelta(hours=1))
    other.headers |= {"Authorization": f"Bearer {twin}", "Mcp-Session-Id": theirs.headers["Mcp-Session-Id"]}
    assert other.request("tools/list").status_code == 404, "of the same persona, and yet not the same bearer"
    assert not theirs.call("status")["isError"]


BEARERS = {
    "none": None,
    "an empty one": "",
    "nonsense": "nonsense",
    "one that is too long": "a" * 20_000,
}


@pytest.mark.parametrize("bearer", BEARERS.values(), ids=BEARERS)
def test_who_shows_nothing_that_opens_is_not_let_in(open_to: Open, ground: Ground, bearer: str | None) -> None:
    client = open_to(bearer, begun=False)
    refused = client.request("initialize", **HELLO)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "mcp-session-id" not in refused.headers
    assert ground.doors.admitted == []


def test_all_that_opens_nothing_is_answered_the_same(open_to: Open, ground: Ground, house: House) -> None:
    ended = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    house.revoke(house.permits()[0].id)
    wrong = [ended, "nonsense", ground.innie[:-1] + ("a" if ground.innie[-1] != "a" else "b")]
    answers = {open_to(each, begun=False).request("initialize", **HELLO).content for each in wrong}
    assert len(answers) == 1


def test_two_bearers_at_once_are_none(open_to: Open, ground: Ground) -> None:
    client = open_to(None, begun=False)
    headers = [*client.headers.items(), *(("Authorization", f"Bearer {each}") for each in (ground.innie, ground.outie))]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO})
    assert client.http.post(client.address, content=body, headers=headers).status_code == 400


def test_a_bearer_that_ends_in_the_middle_of_a_session_ends_it_for_good(
    open_to: Open, ground: Ground, house: House
) -> None:
    client = open_to(ground.innie)
    assert not client.call("remember", text="before")["isError"]
    for info in house.credentials():
        house.revoke(info.id)
    for _ in range(2):
        answer = client.call("recall", query="before")
        assert (answer["isError"], answer["content"][0]["text"]) == (True, ENDED)
    assert open_to(ground.innie, begun=False).request("initialize", **HELLO).status_code == 401
    assert client.end() == 204


def test_a_session_begins_with_initialize(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie, begun=False)
    assert client.request("tools/call", name="status", arguments={}).status_code == 400
    assert client.http.get(client.address, headers=client.headers).status_code == 400
    assert client.end() == 400
    assert ground.doors.admitted == []


def test_an_opening_that_fails_leaves_nobody_awake(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie, begun=False)
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    assert client.post(message, Accept="text/html").status_code == 406
    until(lambda: ground.awake() == 0)
    assert (len(ground.doors.admitted), ground.over_http.sessions) == (1, 0)


@pytest.mark.parametrize("options", [{"most": 3, "most_each": 2}])
def test_no_more_sessions_than_may_be(open_to: Open, ground: Ground) -> None:
    first, _ = open_to(ground.innie), open_to(ground.innie)
    refused = open_to(ground.innie, begun=False).request("initialize", **HELLO)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
    open_to(ground.outie)
    assert open_to(ground.outie, begun=False).request("initialize", **HELLO).status_code == 429
    assert first.end() == 204
    open_to(ground.outie)
    assert ground.awake() == 3


@pytest.mark.parametrize("options", [{"idle": 0.2}])
def test_a_session_that_nobody_uses_falls_asleep(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    until(lambda: ground.awake() == 0)
    assert client.request("tools/list").status_code == 404


def _looks(ground: Ground, failing: int = 0) -> list[None]:
    """Grows whenever the session that was let in last is looked at; the first looks fail."""
    session, looks = ground.doors.admitted[-1], list[None]()
    look = session._look

    def counted() -> None:
        looks.append(None)
        if len(looks) <= failing:
            raise RuntimeError
        look()

    vars(session)["_look"] = counted
    return looks


@pytest.mark.parametrize("options", [{"looked": 0.05}])
def test_a_session_that_is_over_ends_although_nobody_calls(open_to: Open, ground: Ground, house: House) -> None:
    client, other = open_to(ground.innie), open_to(ground.outie)
    ended = threading.Event()

    def stream() -> None:
        with httpx2.Client(timeout=60) as http, http.stream("GET", client.address, headers=client.headers) as said:
            opened.set()
            with suppress(httpx2.RemoteProtocolError):
                for _ in said.iter_bytes():
                    pass
        ended.set()

    opened = threading.Event()
    streaming = threading.Thread(target=stream)
    streaming.start()
    assert opened.wait(60)
    looks = _looks(ground, failing=2)
    until(lambda: len(looks) > 4)
    assert (ground.awake(), ground.over_http.sessions) == (2, 2), "who may stay stays, whatever becomes of a look"
    assert not ended.is_set()
    for info in house.credentials():
        if info.place == "floor":
            house.revoke(info.id)
    until(lambda: ground.over_http.sessions == 1)
    streaming.join(60)
    assert ended.is_set()
    until(lambda: ground.awake() == 1)
    assert {client.request(method).status_code for method in ("ping", "tools/list")} == {404}
    assert client.http.get(client.address, headers=client.headers).status_code == 404
    assert other.request("ping").status_code == 200


@pytest.mark.parametrize("options", [{"threads": 1}])
def test_one_thread_is_enough(open_to: Open, ground: Ground) -> None:
    first, second = open_to(ground.innie), open_to(ground.outie)
    for client in (first, second, first):
        assert not client.call("remember", text="x")["isError"]
    assert (first.end(), second.end()) == (204, 204)


def _id_of(address: str, bearer: str) -> str:
    with Posts(address, bearer) as client:
        client.begin()
        return client.headers["Mcp-Session-Id"]


def test_ids_of_sessions_come_from_the_bearers_own_entropy(house: House) -> None:
    def ids(*bearers: str) -> list[str]:
        ground = Ground(house)
        known = {"innie": ground.innie, "outie": ground.outie}
        with listening(ground.over_http) as address:
            return [_id_of(address, known[bearer]) for bearer in bearers]

    for number in ids("innie", "outie", "innie"):
        assert len(bytes.fromhex(number)) == 16
    assert len({*ids("innie", "outie", "innie")}) == 3


def test_at_the_end_of_the_server_everybody_sleeps(ground: Ground, house: House) -> None:
    with listening(ground.over_http) as address:
        for bearer in (ground.innie, ground.outie):
            with Posts(address, bearer) as client:
                client.begin()
                client.call("remember", text="kept")
        assert ground.awake() == 2
    assert ground.awake() == 0
    with house.cross("mark", "floor") as session:
        assert texts(session.memories()) == ["kept"]


def test_a_server_that_has_not_begun_says_so(ground: Ground) -> None:
    async def main() -> int:
        transport = httpx2.ASGITransport(app=ground.over_http)
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
            return (await http.post("/mcp", headers={"Authorization": "Bearer x"})).status_code

    assert anyio.run(main) == 503


def test_a_house_that_cannot_let_anybody_in_is_told_from_a_bearer_that_opens_nothing(ground: Ground) -> None:
    def busy(text: str, **given: Any) -> Session:
        raise StoreBusyError("as many sessions are open as may be")

    ground.doors.admit = busy  # type: ignore[method-assign]
    with listening(ground.over_http) as address, Posts(address, ground.innie) as client:
        refused = client.request("initialize", **HELLO)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert refused.json()["error"]["message"] == "as many sessions are open as may be"


BAD = {
    "no JSON": (b"nonsense", -32700),
    "a batch": (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
    "nothing": (b"", -32700),
    "no version": (b'{"id":1,"method":"ping"}', -32600),
    "an id that is an object": (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
    "deep": (b'{"a":' * 50_000, -32700),
}


@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("begun", [False, True])
def test_what_is_no_message_is_answered_and_survived(
    open_to: Open, ground: Ground, raw: bytes, code: int, begun: bool
) -> None:
    client = open_to(ground.innie, begun=begun)
    refused = client.post(raw)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
    if not begun:
        client.begin()
    assert not client.call("status")["isError"]


def test_a_request_of_10_mb_is_refused(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    big = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "remember", "arguments": {}}}
    big["params"] = {"name": "remember", "arguments": {"text": "a" * 10_000_000}}
    refused = client.post(big)
    assert refused.status_code == 413
    assert f"{MOST_BYTES:,} bytes" in refused.json()["error"]["message"]
    assert not client.call("status")["isError"]


def test_methods_origins_and_kinds_that_are_not_meant(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    for method in ("PUT", "PATCH", "OPTIONS", "HEAD"):
        assert client.http.request(method, client.address, headers=client.headers).status_code == 405
    message = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
    assert client.post(message, Origin="https://evil.example").status_code == 403
    assert client.post(message, **{"Content-Type": "text/plain"}).status_code == 400
    assert client.post(message, **{"Mcp-Session-Id": ""}).status_code == 404
    assert client.post(message).status_code == 200


@pytest.mark.parametrize("options", [{"origins": ["https://console.example"]}])
def test_a_page_that_was_named_may_call(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    message = {"jsonrpc": "2.0", "id": 7, "method": "ping"}
    assert client.post(message, Origin="https://console.example").status_code == 200


def test_progress_comes_before_the_answer(open_to: Open, ground: Ground) -> None:
    client = open_to(ground.innie)
    given = {"text": "0", "more": [str(number) for number in range(1, 25)]}
    response = client.request("tools/call", name="remember", arguments=given, _meta={"progressToken": 5})
    told = [each["params"]["progress"] for each in messages_of(response) if "method" in each]
    assert told == [1, 2, 3]
    assert len(last_of(response)["result"]["structuredContent"]["kept"]) == 25


class Slow:
    """A session in which recall waits until it may go on."""

    def __init__(self, session: Session, reached: threading.Semaphore, go: threading.Event) -> None:
        self._session, self._reached, self._go = session, reached, go

    def recall(self, *given: Any, **named: Any) -> Any:
        self._reached.release()
        assert self._go.wait(60)
        return self._session.recall(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.fixture
def slowly(ground: Ground) -> Iterator[tuple[threading.Semaphore, threading.Event]]:
    """Whoever is let in from now on recalls slowly."""
    reached, go, admit = threading.Semaphore(0), threading.Event(), ground.doors.admit
    ground.doors.admit = lambda *given, **named: Slow(admit(*given, **named), reached, go)  # type: ignore
    yield reached, go
    go.set()


def test_requests_without_an_answer_have_ids_of_their_own_and_are_few(
    slowly: tuple[threading.Semaphore, threading.Event], open_to: Open, ground: Ground
) -> None:
    _, go = slowly
    client = open_to(ground.innie)

    def message(number: Any) -> dict[str, Any]:
        params = {"name": "recall", "arguments": {"query": "x"}}
        return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}

    statuses: list[int] = []
    posts = [
        threading.Thread(target=lambda number=number: statuses.append(client.post(message(number)).status_code))
        for number in range(100, 100 + MOST_OPEN)
    ]
    for post in posts:
        post.start()
    until(lambda: [len(held.open) for held in ground.over_http._held.values()] == [MOST_OPEN])
    assert client.post(message(99)).status_code == 429
    again = client.post(message("100"))
    assert (again.status_code, again.json()["id"]) == (400, "100")
    go.set()
    for post in posts:
        post.join(60)
    assert statuses == [200] * MOST_OPEN


def test_a_client_that_vanishes_in_the_middle_of_a_call_costs_only_that_call(
    slowly: tuple[threading.Semaphore, threading.Event], open_to: Open, ground: Ground
) -> None:
    reached, go = slowly
    client, other = open_to(ground.innie), open_to(ground.outie)
    hasty = httpx2.Client(timeout=0.2)
    body = {"jsonrpc": "2.0", "id": 50, "method": "tools/call"}
    body |= {"params": {"name": "recall", "arguments": {"query": "x"}}}
    with pytest.raises(httpx2.TimeoutException), hasty:
        hasty.post(client.address, content=json.dumps(body), headers=client.headers)
    assert reached.acquire(timeout=60)
    assert not other.call("remember", text="kept")["isError"]
    go.set()
    assert not client.call("remember", text="kept")["isError"]


def test_a_call_that_is_cancelled_is_answered_so(
    slowly: tuple[threading.Semaphore, threading.Event], open_to: Open, ground: Ground
) -> None:
    reached, go = slowly
    client = open_to(ground.innie)
    answers: list[dict[str, Any]] = []
    calling = threading.Thread(
        target=lambda: answers.append(client.ask("tools/call", name="recall", arguments={"query": "x"}))
    )
    calling.start()
    assert reached.acquire(timeout=60)
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": client.count}}
    assert client.post(told).status_code == 202
    calling.join(60)
    assert "error" in answers[0]
    go.set()
    assert not client.call("status")["isError"]


def test_no_word_of_a_memory_is_logged(
    open_to: Open, ground: Ground, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    client = open_to(ground.innie)
    client.call("remember", text=SECRET)
    client.call("recall", query=SECRET, persona=SECRET)
    client.request("resources/read", uri=f"severance://{SECRET}")
    client.request(SECRET)
    client.post({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": SECRET}})
    client.post(SECRET.encode())
    client.end()
    assert SECRET not in str(capfd.readouterr())
    assert SECRET not in caplog.text
    assert ground.innie not in caplog.text
