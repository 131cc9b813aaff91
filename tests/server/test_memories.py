"""Memories over HTTP: kept once however often it is asked, read in pages, changed and forgotten."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import httpx2
import msgspec

from kit import make_house
from severance import House
from severance.model import Memory
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.keys import Keys
from severance.server.limits import Limits
from severance.server.memories import _bare
from severance.server.parts import Outside
from severance.session import Session

from .conftest import Inside, Shared, problem

GONE = (404, "not-found")


def _keyed(mine: Inside, key: str, method: str, below: str, **what: Any) -> httpx2.Response:
    return mine(method, below, headers={"Idempotency-Key": key}, **what)


def test_a_memory_from_its_beginning_to_its_end(shared: Shared) -> None:
    mine = shared.inside(subject="helly")
    given = {"at": "2024-05-31T18:00+02:00", "thread": "t", "source": "me", "kind": "fact", "metadata": {"n": 1.5}}
    kept = mine.remember("The list is blue.", pinned=True, **given)
    assert kept["at"] == "2024-05-31T16:00:00Z"
    assert (kept["thread"], kept["source"], kept["kind"], kept["metadata"]) == ("t", "me", "fact", {"n": 1.5})
    assert mine("GET", f"/memories/{kept['id']}").json() == kept

    found = mine("POST", "/recall", json={"query": "which list?", "limit": 1, "where": {"n": 1.5}}).json()
    (hit,) = found["recollections"]
    assert hit["memory"] == kept
    assert hit["reasons"]
    assert "The list is blue." in mine("POST", "/context", json={"query": "list", "tokens": 100}).json()["context"]

    changed = mine(
        "PATCH", f"/memories/{kept['id']}", json={"text": "The list is red.", "thread": None, "metadata": None}
    )
    new = changed.json()
    assert (new["text"], new["thread"], new["metadata"], new["source"]) == ("The list is red.", None, {}, "me")
    assert new["supersedes"] == kept["id"]
    history = mine("GET", f"/memories/{new['id']}/history").json()["memories"]
    assert [each["text"] for each in history] == ["The list is blue.", "The list is red."]
    assert mine("GET", "/stats").json()["versions"] == 2

    assert mine("DELETE", f"/memories/{new['id']}").json() == {"versions": 2}
    assert problem(mine("GET", f"/memories/{kept['id']}")) == GONE
    assert mine.texts() == []


def test_many_are_kept_whole_or_not_at_all(shared: Shared) -> None:
    mine = shared.inside(place="home")
    kept = mine("POST", "/memories", json={"memories": [{"text": f"n {n}"} for n in range(300)]})
    assert [each["text"] for each in kept.json()["memories"]] == [f"n {n}" for n in range(300)]
    bad = [{"text": "good"}, {"text": "bad \0"}]
    refused = mine("POST", "/memories", json={"memories": bad})
    assert problem(refused) == (422, "invalid")
    assert "item 1" in refused.json()["detail"]
    assert problem(mine("POST", "/memories", json={"memories": []})) == (422, "invalid")
    assert problem(mine("POST", "/memories", json={"memories": [{"text": "x"}] * 2_049})) == (422, "invalid")
    assert mine.texts() == [f"n {n}" for n in range(300)]
    assert mine("GET", "/stats").json()["memories"] == 300


def test_what_is_sent_again_is_done_once(shared: Shared) -> None:
    mine = shared.inside()
    body = {"text": "done once", "metadata": {"n": 1}}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _keyed(mine, "one", "POST", "/memories", json=body), range(8)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1
    kept = answers[0].json()
    assert kept["repeats"] == 1
    many = {"memories": [{"text": "a", "thread": "t"}, {"text": "b", "kind": "fact"}]}
    assert len({_keyed(mine, "two", "POST", "/memories", json=many).content for _ in range(2)}) == 1

    below = f"/memories/{kept['id']}"
    changes = {_keyed(mine, "three", "PATCH", below, json={"text": "changed"}).json()["id"] for _ in range(2)}
    assert len(changes) == 1
    assert len(mine("GET", below + "/history").json()["memories"]) == 2
    assert [_keyed(mine, "four", "DELETE", below).json() for _ in range(2)] == [{"versions": 2}] * 2
    assert problem(mine("DELETE", below)) == GONE, "without the key it is another request"


def test_what_is_kept_with_a_key_is_little_and_bounded(shared: Shared) -> None:
    mine = shared.inside(subject="helly")
    given = {"text": "long " * 2_000, "thread": "t", "pinned": True, "at": "2020-01-01", "metadata": {"n": 1}}
    answers = [_keyed(mine, "k", "POST", "/memories", json=given) for _ in range(2)]
    assert answers[0].content == answers[1].content
    memory = msgspec.convert(answers[0].json(), Memory)
    assert len(_bare([memory] * 2_048)) < 2_048 * 120
    assert b"long" not in _bare([memory])

    keys = Keys[bytes](1_000, 10_000)
    for number in range(100):
        keys.keep(str(number), b"", bytes(1_000), 1_000)
    assert 5 <= len(keys) <= 10
    assert keys.found("99", b"") is not None
    assert keys.found("0", b"") is None
    keys.keep("large", b"", bytes(20_000), 20_000)
    assert len(keys) == 1
    assert keys.found("large", b"") is not None, "the newest in any case"
    keys.drop("large")
    keys.keep("small", b"", b"")
    keys.keep("other", b"", b"")
    assert len(keys) == 2, "what is dropped takes no room"


def test_a_key_is_for_one_request(shared: Shared) -> None:
    mine, other = shared.inside(), shared.inside()
    first = _keyed(mine, "k", "POST", "/memories", json={"text": "one"}).json()
    assert problem(_keyed(mine, "k", "POST", "/memories", json={"text": "two"})) == (422, "key-used")
    assert problem(_keyed(mine, "k", "DELETE", f"/memories/{first['id']}")) == (422, "key-used")
    assert _keyed(other, "k", "POST", "/memories", json={"text": "three"}).json()["text"] == "three"
    for key in ("", "x" * 256):
        assert problem(_keyed(mine, key, "POST", "/memories", json={"text": "x"})) == (422, "invalid")


def test_a_request_that_failed_leaves_its_key_free(shared: Shared) -> None:
    mine = shared.inside()
    assert problem(_keyed(mine, "k", "POST", "/memories", json={"text": " "})) == (422, "invalid")
    assert _keyed(mine, "k", "POST", "/memories", json={"text": "not blank"}).status_code == 201


def test_pages_have_everything_once_in_order(shared: Shared) -> None:
    mine = shared.inside(subject="helly", place="floor")
    one_time = [{"text": f"same time {n}", "at": "2020-01-01", "thread": "paged"} for n in range(25)]
    others = [{"text": f"later {n}", "at": f"2021-01-{n + 1:02}", "thread": "paged"} for n in range(10)]
    mine("POST", "/memories", json={"memories": [*reversed(others), *one_time]})
    for limit in (1, 7, 25, 100):
        found, cursor = list[str](), None
        while True:
            asked = {"limit": limit, "thread": "paged", **({"cursor": cursor} if cursor else {})}
            page = mine("GET", "/memories", params=asked).json()
            assert mine("GET", "/memories", params=asked).json() == page, "a page may be asked for twice"
            assert len(page["memories"]) <= limit
            found += [each["text"] for each in page["memories"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert found == [each["text"] for each in (*one_time, *others)]
    filtered = mine("GET", "/memories", params={"thread": "paged", "since": "2021-01-03", "until": "2021-01-04"}).json()
    assert [each["text"] for each in filtered["memories"]] == ["later 2", "later 3"]


def test_a_cursor_is_good_in_a_later_session_and_for_its_question_only(shared: Shared) -> None:
    bearer = shared.permit(place="home")
    mine = shared.server.inside(bearer)
    mine("POST", "/memories", json={"memories": [{"text": f"n {n}", "metadata": {"a": "b"}} for n in range(5)]})
    asked = {"limit": 2, "where": '{"a": "b"}'}
    cursor = mine("GET", "/memories", params=asked).json()["cursor"]
    later = shared.server.inside(bearer)
    rest = later("GET", "/memories", params={**asked, "cursor": cursor, "limit": 100}).json()
    assert [each["text"] for each in rest["memories"]] == ["n 2", "n 3", "n 4"]
    for wrong in ({"cursor": cursor}, {**asked, "cursor": "x"}, {**asked, "cursor": cursor[:-4]}, {"where": "[1]"}):
        assert problem(later("GET", "/memories", params=wrong)) == (422, "invalid")


class Slow:
    """A door behind which remembering waits until it may go on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.may = threading.Event()
        self.remembered = 0

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        session: Any = self._house.admit(text, place=place, tool=tool)
        true = session.remember

        def remember(*given: Any, **named: Any) -> Memory:
            assert self.may.wait(60)
            self.remembered += 1
            kept: Memory = true(*given, **named)
            return kept

        session.remember = remember
        return cast("Session", session)

    def state(self) -> HouseState:
        return HouseState(False, 1)


def test_what_takes_too_long_goes_on_and_its_answer_can_be_had(folder: Path) -> None:
    with make_house(folder) as house:
        door, bearer = Slow(house), house.register("mark", "floor", "slow")
        app = application(Outside(door, Limits(answered_within=0.2)))

        async def asked() -> list[httpx2.Response]:
            transport = httpx2.ASGITransport(app=app)
            shown = {"Authorization": f"Bearer {bearer}"}
            async with (
                app.router.lifespan_context(app),
                httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=shown) as client,
            ):
                path = (await client.post("/v1/sessions")).headers["location"] + "/memories"
                what: Any = {"json": {"text": "slowly"}, "headers": {"Idempotency-Key": "k"}}
                late = [await client.post(path, **what) for _ in range(2)]
                door.may.set()
                answers = [await client.post(path, **what)]
                while answers[-1].status_code == 504:
                    answers.append(await client.post(path, **what))
                return [*late, answers[-1], await client.get(path)]

        first, second, third, listed = asyncio.run(asked())
    assert problem(first) == problem(second) == (504, "too-long")
    assert third.status_code == 201
    assert door.remembered == 1
    assert [each["id"] for each in listed.json()["memories"]] == [third.json()["id"]]
