"""What is seen from outside: metrics, spans and lines of a log, with routes by their templates and no content."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from opentelemetry import trace

from kit import make_house
from severance import House
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.limits import Limits
from severance.server.metrics import Meters
from severance.server.parts import Outside
from severance.server.rates import Rates
from severance.session import Session

from .conftest import Shared, problem

TOKEN = "token-for-the-metrics"
SECRET = "the-numbers-are-scary"


class Door:
    """A house in this process, as a server has it."""

    def __init__(self, house: House) -> None:
        self._house = house

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        return self._house.admit(text, place=place, tool=tool)

    def state(self) -> HouseState:
        return HouseState(False, 0)


class Span(trace.NonRecordingSpan):
    """What was said of a span."""

    def __init__(self, told: list[Any]) -> None:
        super().__init__(trace.INVALID_SPAN_CONTEXT)
        self._told = told

    def set_attributes(self, attributes: Any) -> None:
        self._told.append(dict(attributes))

    def update_name(self, name: str) -> None:
        self._told.append(name)

    def record_exception(self, exception: BaseException, *given: Any, **named: Any) -> None:
        self._told.append(repr(exception))

    def add_event(self, name: str, *given: Any, **named: Any) -> None:
        self._told.append((name, given, named))


class Tracer(trace.NoOpTracer):
    """Keeps what is said of spans."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    @contextmanager
    def start_as_current_span(self, name: str, *given: Any, **named: Any) -> Iterator[trace.Span]:  # type: ignore[override]
        self.told.append((name, named.get("attributes")))
        yield Span(self.told)


def _requested(app: Any, bearer: str) -> list[str]:
    """Ask for all sorts of things. Returns what must not be seen of that."""

    async def asked() -> None:
        transport = httpx2.ASGITransport(app=app)
        client = httpx2.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers={"Authorization": f"Bearer {bearer}"}
        )
        async with app.router.lifespan_context(app), client:
            path = "/v1/sessions/" + (await client.post("/v1/sessions")).json()["id"]
            kept = (await client.post(path + "/memories", json={"text": SECRET, "thread": SECRET})).json()
            await client.post(path + "/recall", json={"query": SECRET, "where": {SECRET: SECRET}})
            await client.get(path + "/memories", params={"thread": SECRET})
            await client.get(f"{path}/memories/{kept['id']}")
            await client.get(f"/{SECRET}")
            await client.post(path + "/recall", json={SECRET: SECRET})
            await client.request(SECRET.upper(), path)
            secrets.extend([path.rpartition("/")[2], kept["id"]])

    secrets: list[str] = [SECRET, SECRET.upper(), bearer, "mark", "innie", "floor"]
    asyncio.run(asked())
    return secrets


def test_spans_and_lines_and_counts_have_no_content(folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tracer, lines = Tracer(), list[str]()
    monkeypatch.setattr(trace, "get_tracer", lambda *_: tracer)
    with make_house(folder) as house:
        bearer = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
        app = application(Outside(Door(house), log=lines.append))
        secrets = _requested(app, bearer)
    counts = app.state.parts.meters.told().decode()
    everything = repr(tracer.told) + "".join(lines) + counts
    for secret in secrets:
        assert secret not in everything
    assert "POST /v1/sessions/{id}/recall" in tracer.told
    assert {"http.request.method": "GET", "http.route": "none", "http.response.status_code": 404} in tracer.told
    assert len(lines) == 8
    assert json.loads(lines[1])["route"] == "/v1/sessions/{id}/memories"
    assert 'severance_http_problems_total{type="invalid"} 1.0' in counts
    assert 'method="other"' in counts


def test_one_process_may_have_two_servers(folder: Any) -> None:
    with make_house(folder) as house:
        bearer = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
        apps = [application(Outside(Door(house), Limits(threads=1))) for _ in range(2)]
        _requested(apps[0], bearer)
        counts = [app.state.parts.meters.told().decode() for app in apps]
    assert "severance_http_answers_total{" in counts[0]
    assert "severance_http_answers_total{" not in counts[1]


def test_the_metrics_are_for_who_has_their_token(shared: Shared) -> None:
    client = shared.server.client()
    assert problem(client.get("/metrics")) == (401, "no-bearer")
    for shown in (shared.permit(), "x", TOKEN + "x"):
        assert problem(shared.server.client(shown).get("/metrics")) == (404, "not-found")
    told = shared.server.client(TOKEN).get("/metrics")
    assert told.status_code == 200
    for name in ("answers_total", "seconds_bucket", "sessions", "calls", "connections", "problems_total"):
        assert f"severance_http_{name}" in told.text


def test_without_a_token_there_are_no_metrics(folder: Any) -> None:
    with make_house(folder) as house:
        app = application(Outside(Door(house)))

        async def asked() -> httpx2.Response:
            client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1")
            async with client:
                return await client.get("/metrics", headers={"Authorization": "Bearer None"})

        assert problem(asyncio.run(asked())) == (404, "not-found")


def test_counts_are_those_of_now() -> None:
    sessions = [3]
    meters = Meters(lambda: sessions[0], lambda: 5)
    assert "severance_http_sessions 3.0" in meters.told().decode()
    sessions[0] = 4
    assert "severance_http_sessions 4.0" in meters.told().decode()
    assert "severance_http_calls 5.0" in meters.told().decode()


def test_a_bucket_fills_at_its_rate() -> None:
    now = [0.0]
    rates = Rates(2.0, 3, lambda: now[0])
    assert [rates.take(b"a") for _ in range(4)] == [True, True, True, False]
    assert rates.take(b"b")
    now[0] = 1.0
    assert [rates.take(b"a") for _ in range(3)] == [True, True, False]
    now[0] = 1_000.0
    assert [rates.take(b"a") for _ in range(4)] == [True, True, True, False]
    assert all(Rates(0.0, 0, lambda: 0.0).take(b"a") for _ in range(10))


def test_buckets_are_bounded() -> None:
    rates = Rates(1.0, 1, lambda: 0.0)
    assert rates.take(b"first")
    assert not rates.take(b"first")
    for number in range(5_000):
        rates.take(number.to_bytes(2, "big"))
    assert rates.take(b"first"), "it was forgotten"
    assert len(rates._left) <= 4_096
