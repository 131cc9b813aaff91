"""What an owner is answered over HTTP, and who is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

import severance
from kit import KEY
from kit.processes import until
from severance import House
from severance.embed import Hashing
from severance.server.limits import Limits

from .conftest import Served, Shared, Up, problem

Start = Callable[..., Up]
Serve = Callable[..., Served]

HOUR = timedelta(hours=1)
GONE = (404, "not-found")
ROUTES = (
    ("GET", "/audit"),
    ("GET", "/audit/checkpoint"),
    ("POST", "/audit/verify"),
    ("GET", "/alarms"),
    ("GET", "/alarms/rules"),
    ("GET", "/overrides"),
    ("GET", f"/overrides/{'0' * 32}"),
    ("DELETE", f"/overrides/{'0' * 32}"),
    ("GET", "/events"),
)


def _own(store: Path) -> House:
    return severance.open(store, key=KEY, embedder=Hashing(16))


def _token(store: Path, length: timedelta = HOUR) -> str:
    with _own(store) as house:
        return house.owner_token(until=length)


@pytest.fixture
def owner(shared: Shared) -> httpx2.Client:
    return shared.server.client(_token(shared.store))


@contextmanager
def _following(client: httpx2.Client, **given: Any) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream, each as a dict of its fields."""
    with client.stream("GET", "/v1/owner/events", **given) as stream:
        assert stream.status_code == 200, stream.read()
        assert stream.headers["content-type"].startswith("text/event-stream")
        yield _events(stream.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event = dict[str, Any]()
    for line in lines:
        name, _, value = line.partition(": ")
        if line and name and name != "retry":
            event[name] = json.loads(value) if name == "data" else value
        elif not line and event:
            yield event
            event = {}


def test_the_owner_is_answered_what_the_house_shows(shared: Shared, owner: httpx2.Client) -> None:
    shared.inside()
    told = owner.get("/v1/owner/audit", params={"limit": 500}).json()
    with _own(shared.store) as house:
        events = house.events(limit=500)
        assert [(each["number"], each["what"], each["persona"]) for each in told["events"]] == [
            (each.number, each.what, each.persona) for each in events
        ]
        assert told["after"] == events[-1].number
        check, checkpoint = house.verify_audit(), house.audit_checkpoint()
    verified = owner.post("/v1/owner/audit/verify").json()
    assert (verified["size"], verified["root"], verified["verifier"]) == (check.size, check.root, check.verifier)
    assert owner.get("/v1/owner/audit/checkpoint").json()["note"] == checkpoint.note
    assert set(owner.get("/v1/owner/alarms").json()) == {"sinks", "told"}
    assert "log" in owner.get("/v1/owner/alarms/rules").json()["sinks"]
    assert owner.get("/v1/owner/overrides").json() == {"overrides": []}


def test_the_log_is_read_in_pages(shared: Shared, owner: httpx2.Client) -> None:
    found, after = list[int](), -1
    while page := owner.get("/v1/owner/audit", params={"limit": 4, "after": after}).json()["events"]:
        found += [each["number"] for each in page]
        after = page[-1]["number"]
    assert found == list(range(len(found)))
    end = owner.get("/v1/owner/audit", params={"after": after}).json()
    assert end == {"events": [], "after": after}
    severed = owner.get("/v1/owner/audit", params={"what": "severed", "since": "2020-01-01"}).json()["events"]
    assert {each["what"] for each in severed} == {"severed"}


def test_what_cannot_be_meant_is_a_problem(owner: httpx2.Client) -> None:
    for asked in ({"limit": 0}, {"limit": 501}, {"after": -2}, {"after": "x"}, {"what": "nothing"}, {"no": "such"}):
        assert problem(owner.get("/v1/owner/audit", params=asked)) == (422, "invalid")
    assert problem(owner.get("/v1/owner/audit", params={"since": "soon"})) == (422, "invalid")
    assert problem(owner.get("/v1/owner/events", headers={"Last-Event-ID": "x"})) == (422, "invalid")
    assert problem(owner.post("/v1/owner/overrides/answers", json={"answer": "none"})) == (422, "invalid")
    assert problem(owner.post("/v1/owner/overrides/answers", json={"answer": "x" * 300_000})) == (422, "invalid")
    assert problem(owner.get(f"/v1/owner/overrides/{'0' * 32}")) == GONE
    assert problem(owner.delete("/v1/owner/overrides/x")) == GONE


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_whoever_has_no_owner_token_gets_nothing(shared: Shared, method: str, path: str) -> None:
    with severance.open(shared.store.parent / "another", key=KEY, embedder=Hashing(16)) as other:
        foreign = other.owner_token(until=HOUR)
    with _own(shared.store) as house:
        revoked = house.owner_token(until=HOUR)
        house.revoke_owner_token(house.owner_tokens()[-1].id)
    good = _token(shared.store)
    answers = [
        shared.server.client(shown).request(method, f"/v1/owner{path}")
        for shown in (shared.permit(), foreign, revoked, good[:-1], good.replace("sevo", "sevc"), "x" * 9_000)
    ]
    assert {problem(each) for each in answers} == {GONE}
    assert len({each.content for each in answers}) == 1
    assert problem(shared.server.client().request(method, f"/v1/owner{path}")) == (401, "no-bearer")
    with_query = shared.server.client().request(method, f"/v1/owner{path}", params={"token": good})
    assert problem(with_query) == (400, "bearer-in-query")


def test_an_owner_token_opens_no_session(shared: Shared, owner: httpx2.Client) -> None:
    assert problem(owner.post("/v1/sessions")) == GONE
    inside = shared.inside()
    assert problem(owner.get(inside.path)) == GONE
    assert problem(owner.get(f"{inside.path}/memories")) == GONE


def test_an_override_is_asked_for_over_http(up: Start, served: Serve, store: Path) -> None:
    keys = [store.parent / f"{name}.key" for name in ("ann", "ben", "cas")]
    with _own(store) as house:
        for file in keys:
            house.register_override_key(file.stem, severance.new_override_key(file))
    up()
    server, token = served(), _token(store)
    client = server.client(token)
    wish = severance.wish_override("mark", "innie", key=keys[0], reason="to see", length=timedelta(minutes=5))
    drafted = client.post("/v1/owner/overrides/drafts", json={"wish": wish})
    assert (drafted.status_code, set(drafted.json())) == (200, {"draft"})
    request = {"request": severance.sign_draft(drafted.json()["draft"], keys[0])}
    asked = client.post("/v1/owner/overrides", json=request)
    assert (asked.status_code, asked.json()["state"], asked.json()["requester"]) == (200, "requested", "ann")
    assert client.post("/v1/owner/overrides", json=request).json() == asked.json(), "sent again"
    assert client.get("/v1/owner/overrides").json()["overrides"] == [asked.json()]
    told = client.get("/v1/owner/audit", params={"limit": 2}).json()["events"]
    assert [each["what"] for each in told] == ["override.drafted", "override.requested"]
    for path, said in (("", {"request": wish}), ("/drafts", {"wish": request["request"]}), ("", {"wish": wish})):
        assert problem(client.post(f"/v1/owner/overrides{path}", json=said)) == (422, "invalid")
    given: dict[str, Any] = {"reason": "x", "length": timedelta(minutes=5)}
    severance.new_override_key(store.parent / "other.key")
    other = severance.wish_override("mark", "innie", key=store.parent / "other.key", **given)
    assert problem(client.post("/v1/owner/overrides/drafts", json={"wish": other})) == (409, "override-refused")
    nobody = severance.wish_override("mark", "nobody", key=keys[0], **given)
    assert problem(client.post("/v1/owner/overrides/drafts", json={"wish": nobody})) == GONE
    stranger = server.client("sevo.nothing")
    assert problem(stranger.post("/v1/owner/overrides", json=request)) == GONE
    assert problem(stranger.post("/v1/owner/overrides/drafts", json={"wish": wish})) == GONE


def test_overrides_are_answered_over_http(up: Start, served: Serve, store: Path) -> None:
    names = ("ann", "ben", "cas")
    keys = [store.parent / f"{name}.key" for name in names]
    with _own(store) as house:
        for name, file in zip(names, keys, strict=True):
            house.register_override_key(name, severance.new_override_key(file))
        house.request_override("mark", "innie", key=keys[0], reason="to see", length=timedelta(minutes=5))
    up()
    client = served().client(_token(store))
    (asked,) = client.get("/v1/owner/overrides").json()["overrides"]
    assert (asked["state"], asked["rights"], asked["seconds"]) == ("requested", ["recall"], 300.0)
    text = client.get(f"/v1/owner/overrides/{asked['id']}").json()["request"]
    for key in keys[1:]:
        answer = {"answer": severance.approve(text, key)}
        told = client.post("/v1/owner/overrides/answers", json=answer)
        assert told.status_code == 200
    assert (told.json()["state"], told.json()["approved"]) == ("approved", ["ben", "cas"])
    again = client.post("/v1/owner/overrides/answers", json=answer)
    assert problem(again) == (409, "override-refused")
    assert "has approved this request already" in again.json()["detail"]
    stopped = client.delete(f"/v1/owner/overrides/{asked['id']}").json()
    assert (stopped["state"], stopped["why"]) == ("ended", "stopped")


def test_events_come_as_they_happen_and_go_on_after_the_last(shared: Shared, owner: httpx2.Client) -> None:
    size = owner.get("/v1/owner/audit/checkpoint").json()["size"]
    with _following(owner) as events:
        with _own(shared.store) as house:
            house.cross("mark", "home").sleep()
        first, second = next(events), next(events)
    assert [first["event"], first["id"]] == ["entry", str(size)]
    assert [each["data"]["what"] for each in (first, second)] == ["crossed", "slept"]
    assert first["data"]["place"] == "home"
    with _following(owner, headers={"Last-Event-ID": first["id"]}) as events:
        assert next(events) == second
    with _following(owner, params={"after": -1}) as events:
        assert [next(events)["data"]["number"] for _ in range(size)] == list(range(size))


def test_a_stream_ends_with_its_token_and_says_so(shared: Shared) -> None:
    with _own(shared.store) as house:
        text = house.owner_token(until=HOUR)
        with _following(shared.server.client(text)) as events:
            house.revoke_owner_token(house.owner_tokens()[-1].id)
            said = list(events)
    assert [each["event"] for each in said if each["event"] != "entry"] == ["end"]
    assert said[-1]["data"]["type"] == "urn:severance:problem:not-found"


def test_streams_are_few_and_are_given_back(shared: Shared, owner: httpx2.Client) -> None:
    most = Limits().streams
    held = [owner.stream("GET", "/v1/owner/events") for _ in range(most)]
    try:
        for each in held:
            assert each.__enter__().status_code == 200
        assert problem(owner.get("/v1/owner/events")) == (503, "full")
        assert owner.get("/v1/owner/overrides").status_code == 200, "there is room for other requests"
    finally:
        for each in held:
            each.__exit__(None, None, None)

    def opens() -> bool:
        with owner.stream("GET", "/v1/owner/events") as stream:
            return stream.status_code == 200

    until(opens)


def test_a_lock_and_an_end_of_the_house_end_streams(up: Start, served: Serve, store: Path) -> None:
    started, token = up(), _token(store)
    client = served().client(token)
    with _following(client) as events:
        started.house.lock()
        *_, last = events
        assert last["data"]["type"] == "urn:severance:problem:house-locked"
    assert problem(client.get("/v1/owner/overrides")) == (503, "house-locked")
    assert problem(client.get("/v1/owner/events")) == (503, "house-locked")
    started.house.unlock(KEY)
    assert client.get("/v1/owner/overrides").status_code == 200
    with _following(client) as events:
        started.kill()
        *_, last = events
        assert last["data"]["type"] == "urn:severance:problem:house-down"
    assert problem(client.get("/v1/owner/overrides")) == (503, "house-down")


def test_a_server_that_ends_does_not_wait_for_streams(up: Start, served: Serve, store: Path) -> None:
    up()
    server = served()
    client = server.client(_token(store))
    said, begun = list[dict[str, Any]](), threading.Event()

    def follow() -> None:
        with _following(client) as events:
            begun.set()
            said.extend(events)

    following = threading.Thread(target=follow)
    following.start()
    assert begun.wait(60)
    server.process.terminate()
    assert server.process.wait(20) == 0
    following.join(60)
    assert [each["event"] for each in said] == ["end"]


def test_nothing_of_an_owner_is_in_the_servers_log(up: Start, served: Serve, store: Path) -> None:
    up()
    server, token = served(), _token(store)
    client = server.client(token)
    client.get("/v1/owner/audit")
    client.get(f"/v1/owner/overrides/{'7' * 32}")
    until(lambda: server.said().count("/v1/owner") == 2)
    said = server.said()
    assert "/v1/owner/overrides/{oid}" in said
    for text in (token, token.split(".")[1], "7" * 32, "innie", "mark"):
        assert text not in said
