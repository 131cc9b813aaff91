"""Every error is a problem with a type that stays, and none repeats what was sent."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from kit import StillClock
from severance import errors
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.limits import Limits
from severance.server.parts import Outside
from severance.server.problems import KINDS, MOST_TOLD, problem_of
from severance.server.protocol import MOST_HEAD
from severance.server.said import MOST_NAMES
from severance.server.shapes import MemorySaid
from severance.session import Session

from .conftest import Shared, problem

SECRET = "the-numbers-are-scary"
NAMES = {
    "bearer-in-query",
    "busy",
    "conflict",
    "damaged",
    "encoder-failed",
    "full",
    "head-too-large",
    "house-down",
    "house-locked",
    "invalid",
    "key-used",
    "malformed",
    "no-bearer",
    "not-allowed",
    "not-found",
    "override-refused",
    "session-ended",
    "store-busy",
    "store-full",
    "store-unfit",
    "too-large",
    "too-long",
    "too-many",
    "too-many-sessions",
    "too-slow",
    "unforeseen",
    "wrong-host",
    "wrong-media-type",
    "wrong-method",
    "wrong-origin",
}


def test_the_names_of_problems_stay() -> None:
    """Callers go by them: one that is taken away or renamed breaks callers."""
    assert {kind.name for kind in KINDS} >= NAMES
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (errors.InputError("x"), "invalid"),
        (errors.NotFoundError("x"), "not-found"),
        (errors.AsleepError("x"), "session-ended"),
        (errors.PermitError("x"), "not-allowed"),
        (errors.OverrideError("x"), "override-refused"),
        (errors.EmbedderError("x"), "encoder-failed"),
        (errors.RerankerError("x", again=True), "encoder-failed"),
        (errors.StoreError("x"), "store-unfit"),
        (errors.StoreMissingError("x"), "store-unfit"),
        (errors.NotUpError("x"), "house-down"),
        (errors.StoreBusyError("x"), "store-busy"),
        (errors.StoreFullError("x"), "store-full"),
        (errors.StoreReadOnlyError("x"), "store-unfit"),
        (errors.NewerVersionError("x"), "store-unfit"),
        (errors.ConflictError("x"), "conflict"),
        (errors.DamagedError("x", space="00"), "damaged"),
        (errors.RolledBackError("x"), "damaged"),
        (errors.KeyMissingError("x"), "unforeseen"),
        (errors.SeveranceError("x"), "unforeseen"),
        (RuntimeError("x"), "unforeseen"),
        (HTTPException(418), "unforeseen"),
        (HTTPException(405, headers={"allow": "GET"}), "wrong-method"),
    ],
)
def test_each_error_has_its_problem(error: Exception, name: str) -> None:
    found = problem_of(error)
    assert found.kind.name == name
    said = found.response().headers
    assert ("retry-after" in said) == (bool(found.kind.retry_after) or getattr(error, "again", False))


def test_what_an_error_says_is_told_only_where_it_is_about_the_request() -> None:
    told = {kind: problem_of(getattr(errors, kind)(SECRET)).detail for kind in ("InputError", "PermitError")}
    assert set(told.values()) == {SECRET}
    for kind in ("NotFoundError", "AsleepError", "StoreError", "DamagedError", "EmbedderError", "SeveranceError"):
        assert SECRET not in problem_of(getattr(errors, kind)(SECRET)).content.decode()


@pytest.mark.parametrize(
    ("method", "path", "what", "expected"),
    [
        ("GET", "/", {}, (404, "not-found")),
        ("GET", "/docs", {}, (404, "not-found")),
        ("GET", "/v1", {}, (404, "not-found")),
        ("GET", "/v1/sessions/", {}, (404, "not-found")),
        ("GET", "/v1/sessions", {}, (405, "wrong-method")),
        ("PUT", "/healthz", {}, (405, "wrong-method")),
        ("BREW", "/healthz", {}, (405, "wrong-method")),
        ("OPTIONS", "/v1/sessions", {"headers": {"origin": "null"}}, (403, "wrong-origin")),
        ("POST", "/v1/sessions?access_token=x", {}, (400, "bearer-in-query")),
        ("GET", "/healthz?Permit=", {}, (400, "bearer-in-query")),
        ("GET", "/healthz", {"headers": {"host": "evil.example"}}, (421, "wrong-host")),
        ("GET", "/healthz", {"headers": {"host": "127.0.0.1.evil.example"}}, (421, "wrong-host")),
        ("GET", "/healthz", {"headers": {"origin": "https://evil.example"}}, (403, "wrong-origin")),
        ("POST", "/recall", {"content": b"{}"}, (415, "wrong-media-type")),
        ("POST", "/recall", {"content": b"{}", "headers": {"content-type": "text/plain"}}, (415, "wrong-media-type")),
        ("POST", "/recall", {"content": b"{", "headers": {"content-type": "application/json"}}, (400, "malformed")),
        ("POST", "/recall", {"content": b"\xff", "headers": {"content-type": "application/json"}}, (400, "malformed")),
        ("POST", "/recall", {"json": None}, (422, "invalid")),
        ("POST", "/recall", {"json": []}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": 7}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": ""}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": "x", "limit": "1"}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": "x", "limit": True}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": "x", "persona": "outie"}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": "x", "since": "yesterday"}}, (422, "invalid")),
        ("POST", "/recall", {"json": {"query": "x", "where": {"a": {}}}}, (422, "invalid")),
        ("POST", "/context", {"json": {"query": "x", "tokens": 1}}, (422, "invalid")),
        ("GET", "/memories?limit=0", {}, (422, "invalid")),
        ("GET", "/memories?persona=outie", {}, (422, "invalid")),
        ("GET", "/events?limit=x", {}, (422, "invalid")),
        ("GET", "/memories/" + "0" * 30, {}, (404, "not-found")),
        ("GET", "/memories/x/y", {}, (404, "not-found")),
        ("PATCH", "/memories/" + "0" * 30, {"json": {"id": "x"}}, (422, "invalid")),
        ("PUT", "/memories", {"json": {}}, (405, "wrong-method")),
    ],
)
def test_every_error_is_a_problem(
    shared: Shared, method: str, path: str, what: dict[str, Any], expected: tuple[int, str]
) -> None:
    mine = _mine(shared)
    below = path.startswith(("/recall", "/context", "/memories", "/events"))
    answer = mine(method, path, **what) if below else mine.client.request(method, path, **what)
    assert problem(answer) == expected
    if answer.status_code == 405:
        assert answer.headers["allow"]
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


_kept: dict[int, Any] = {}


def _mine(shared: Shared) -> Any:
    if id(shared) not in _kept:
        _kept[id(shared)] = shared.inside()
    return _kept[id(shared)]


def test_a_problem_says_where_it_is_and_not_what_was_sent(shared: Shared) -> None:
    mine = shared.inside()
    bodies: list[Any] = [
        {"query": 7, SECRET: SECRET, "since": [SECRET]},
        {"query": "x", "where": {SECRET: {SECRET: 1}}},
        [SECRET],
        SECRET,
    ]
    for body in bodies:
        answer = mine("POST", "/recall", json=body)
        assert problem(answer) == (422, "invalid")
        assert SECRET not in answer.text
        assert all(each["in"] == "body" for each in answer.json()["errors"])
    answer = mine("POST", "/memories", json={"memories": [{"text": "x"}, {"text": "y", "at": 7}]})
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/memories/1/at"]
    assert SECRET not in shared.server.said()


def test_a_host_by_its_names_and_addresses_is_answered(shared: Shared) -> None:
    client, port = shared.server.client(), shared.server.port
    for host in ("127.0.0.1", f"127.0.0.1:{port}", "localhost", f"LOCALHOST:{port}", "[::1]:1", "memory.example:443"):
        assert client.get("/healthz", headers={"host": host}).status_code == 200
    assert client.get("/healthz", headers={"origin": shared.server.url}).status_code == 200
    raw = http.client.HTTPConnection("127.0.0.1", port)
    raw.putrequest("GET", "/healthz", skip_host=True)
    raw.putheader("Host", "127.0.0.1")
    raw.putheader("Host", "127.0.0.1")
    raw.endheaders()
    assert raw.getresponse().status == 400
    raw.close()


def test_a_body_is_counted_while_it_comes(shared: Shared) -> None:
    mine = shared.inside()
    limit = Limits().body
    headers = {"content-type": "application/json"}
    whole = b'"' + b"x" * limit + b'"'

    def pieces() -> Any:
        yield from (whole[start : start + 65_536] for start in range(0, len(whole), 65_536))

    assert problem(mine("POST", "/memories", content=whole, headers=headers)) == (413, "too-large")
    assert problem(mine("POST", "/memories", content=pieces(), headers=headers)) == (413, "too-large")
    padded = b" " * (limit - 15) + b'{"text": "pad"}'
    assert mine("POST", "/memories", content=padded, headers=headers).status_code == 201


def test_only_who_has_a_session_may_send_much(shared: Shared) -> None:
    mine, limits = shared.inside(), Limits()
    much = {"content": b" " * (limits.small_body + 1), "headers": {"content-type": "application/json"}}
    little = {**much, "content": b" " * (limits.small_body - 20) + b'{"answer": "x"}'}
    for path in ("/v1/sessions", "/v1/owner/overrides/answers", "/healthz", "/v1/sessions/x"):
        assert problem(mine.client.post(path, **much)) == (413, "too-large"), path
    stranger = shared.server.client("x")
    for path in ("/v1/sessions/x/memories", mine.path + "/memories", mine.path + "/recall"):
        assert problem(stranger.post(path, **much)) == (404, "not-found")
    assert problem(stranger.post("/v1/owner/overrides/answers", **little)) == (404, "not-found")
    large = {"query": "x" * (2 * limits.small_body)}
    assert mine("POST", "/recall", json=large).status_code == 200
    assert problem(mine("POST", "/recall", json={"query": "x" * 2**21})) == (413, "too-large")


def test_an_answer_tells_some_of_what_is_wrong(shared: Shared) -> None:
    mine = shared.inside()
    few = mine("POST", "/memories", json={"memories": [{"text": 7}] * 500})
    assert problem(few) == (422, "invalid")
    assert len(few.json()["errors"]) == MOST_TOLD
    unknown = {f"{n:x}": 1 for n in range(20_000)}
    for path in ("/v1/owner/overrides/answers", mine.path + "/memories", mine.path + "/recall"):
        answer = mine.client.post(path, json=unknown)
        assert problem(answer) == (422, "invalid")
        assert [each["code"] for each in answer.json()["errors"]] == ["too_many_fields"]
    some = mine.client.post("/v1/owner/overrides/answers", json={f"{n:x}": 1 for n in range(20)})
    assert len(some.json()["errors"]) == 21, "one for each, and one for what is not there"


@pytest.mark.parametrize("depth", [100_000, 1_000_000])
def test_json_that_is_deep_or_huge_is_refused(shared: Shared, depth: int) -> None:
    mine, headers = shared.inside(), {"content-type": "application/json"}
    for body in (b"[" * depth, b'{"query": "x", "limit": ' + b"9" * depth + b"}", b'{"query": "\\ud800"}'):
        answer = mine("POST", "/memories", content=body, headers=headers)
        assert problem(answer) in ((400, "malformed"), (413, "too-large"), (422, "invalid"))
    assert mine("GET").status_code == 200


def _head(size: int, path: bytes = b"/healthz", fill: bytes = b"") -> bytes:
    """A whole head of so many bytes."""
    begin, end = b"GET " + path, b" HTTP/1.1\r\nhost: 127.0.0.1\r\nx: \r\n\r\n"
    more = size - len(begin + end)
    if fill:
        return begin + fill * more + end
    return (begin + end).replace(b"x: ", b"x: " + b"y" * more)


def test_another_method_hears_of_all_that_an_address_has(shared: Shared) -> None:
    client = shared.server.client("x")
    for path, methods in (
        ("/healthz", "GET, HEAD"),
        ("/v1/sessions/x", "DELETE, GET"),
        ("/v1/sessions/x/memories/y", "DELETE, GET, PATCH"),
    ):
        answer = client.put(path)
        assert problem(answer) == (405, "wrong-method")
        assert answer.headers["allow"] == methods


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_head_is_answered_as_get_without_a_body(shared: Shared, path: str) -> None:
    client = shared.server.client()
    full, empty = client.get(path), client.head(path)
    assert full.content
    assert empty.content == b""
    assert (empty.status_code, empty.headers["content-length"]) == (full.status_code, str(len(full.content)))
    assert client.get(path).content == full.content, "and the connection is good for more"


def test_a_finding_says_which_bound_was_missed_and_nothing_that_was_sent(shared: Shared) -> None:
    mine, many = shared.inside(), {f"{SECRET} {n}": n for n in range(4_000)}
    for method, path, what, pointer, bounds in (
        ("POST", "/recall", {"json": {"query": "x", "limit": 1_001}}, "/limit", {"maximum": 1_000}),
        ("POST", "/recall", {"json": {"query": ""}}, "/query", {"minLength": 1}),
        ("GET", "/memories?limit=0", {}, "/limit", {"minimum": 1}),
        ("POST", "/memories", {"json": {"text": "x", "thread": SECRET * 100}}, "/thread", {"maxLength": 512}),
        ("POST", "/memories", {"json": {"memories": []}}, "/memories", {"minItems": 1}),
        ("POST", "/memories", {"json": {"text": "x", "metadata": many}}, "/metadata", {"maxProperties": MOST_NAMES}),
        ("POST", "/memories", {"json": {"text": "x", "metadata": {SECRET: [SECRET]}}}, "/metadata", None),
        ("POST", "/recall", {"json": {"query": "x", "where": {SECRET: {}}}}, "/where", None),
        ("POST", "/recall", {"json": {"query": "x", SECRET: 1}}, "/*", None),
    ):
        answer = mine(method, path, **what)
        assert problem(answer) == (422, "invalid")
        (found,) = answer.json()["errors"]
        assert (found["pointer"], found.get("bounds")) == (pointer, bounds)
        assert SECRET not in answer.text


def test_metadata_of_any_size_are_refused_with_one_finding() -> None:
    names = {f"{n:x}": list[int]() for n in range(100_000)}
    for given in ({"text": "x", "metadata": names}, {"text": "x", "metadata": dict(list(names.items())[:MOST_NAMES])}):
        with pytest.raises(ValidationError) as refused:
            MemorySaid.model_validate(given)
        assert refused.value.error_count() == 1
    largest = {f"{n:x}": n for n in range(MOST_NAMES)}
    assert MemorySaid.model_validate({"text": "x", "metadata": largest}).metadata == largest


@pytest.mark.parametrize("path", ["/healthz", "/healthz?x="])
def test_a_head_may_have_as_much_as_is_said_and_no_byte_more(shared: Shared, path: str) -> None:
    for size, status in ((MOST_HEAD, 200), (MOST_HEAD + 1, 431), (60_000, 431), (200_000, 431)):
        for piece in (size, 10_000):
            with socket.create_connection(("127.0.0.1", shared.server.port), timeout=60) as raw:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                head = _head(size, path.encode(), b"y" if "?" in path else b"")
                for start in range(0, size, piece):
                    raw.sendall(head[start : start + piece])
                answer = http.client.HTTPResponse(raw)
                answer.begin()
                assert answer.status == status, (size, piece)
                assert answer.read()


def test_a_head_that_is_too_large_or_none_is_a_problem(shared: Shared) -> None:
    for sent, status in (
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000, 431),
        (b"\0\0\r\n\r\n", 400),
        (b"GET / HTTP/9\r\n\r\n", 400),
    ):
        with socket.create_connection(("127.0.0.1", shared.server.port), timeout=60) as raw:
            raw.sendall(sent)
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            assert answer.status == status
            assert json.loads(answer.read())["status"] == status
            assert raw.recv(1) == b"", "and the connection is closed"


class Broken:
    """A door at which everything fails with a secret in the words."""

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        raise RuntimeError(SECRET)

    def state(self) -> HouseState:
        raise errors.StoreError(SECRET)


def test_what_nobody_foresaw_is_told_by_nothing_but_its_type(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    app = application(Outside(Broken(), clock=StillClock(), log=lines.append))

    async def asked() -> list[httpx2.Response]:
        transport = httpx2.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://[::1]") as client,
        ):
            shown = {"Authorization": "Bearer x", "Idempotency-Key": "k"}
            return [await client.post("/v1/sessions", headers=shown), await client.get("/readyz")]

    crossed, ready = asyncio.run(asked())
    assert problem(crossed) == (500, "unforeseen")
    assert not app.state.parts.rooms._begun, "whoever opens nothing is not kept"
    assert ready.json() == {"ready": False, "house": "down"}
    assert '"problem": "unforeseen"' in lines[0]
    assert '"error": "RuntimeError"' in lines[0]
    assert SECRET not in "".join([crossed.text, ready.text, *lines, *capsys.readouterr(), caplog.text])
