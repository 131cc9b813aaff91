"""That an answer of the HTTP interface is its bearer's alone, and that what is written of it has no content."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2

from kit import make_house
from severance import House
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.parts import Outside
from severance.session import Session

Ask = Callable[..., Awaitable[httpx2.Response]]


class _Door:
    def __init__(self, house: House) -> None:
        self._house = house

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        return self._house.admit(text, place=place, tool=tool)

    def state(self) -> HouseState:
        return HouseState(False, 0)


def _asked(house: House, lines: list[str], what: Callable[[Ask], Awaitable[Any]]) -> Any:
    """What comes of asking a server for this house."""
    app = application(Outside(_Door(house), clock=StillClock(), entropy=ScopedEntropy(), log=lines.append))

    async def main() -> Any:
        transport = httpx2.ASGITransport(app=app)
        async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport) as http:

            async def ask(bearer: str, method: str, path: str, **more: Any) -> httpx2.Response:
                headers = {"Authorization": f"Bearer {bearer}", **more.pop("headers", {})}
                return await http.request(method, f"http://127.0.0.1/v1/sessions{path}", headers=headers, **more)

            return await what(ask)

    return asyncio.run(main())


def a_route_answers_its_own_bearer(folder: Path) -> None:
    """Another's session is one that is not there, to look at and to use; and so is one that never was."""

    async def what(ask: Ask) -> list[httpx2.Response]:
        path = "/" + (await ask(innie, "POST", "")).json()["id"]
        await ask(innie, "POST", f"{path}/memories", json={"text": "the numbers"})
        asked = [ask(bearer, "GET", f"{path}/memories") for bearer in (outie, "nonsense")]
        return [*await asyncio.gather(*asked), await ask(outie, "GET", "/" + "0" * 32), await ask(innie, "GET", path)]

    with make_house(folder) as house:
        innie, outie = (house.register("mark", place, "check") for place in ("floor", "home"))
        *refused, own = _asked(house, [], what)
    assert own.status_code == 200
    assert {each.status_code for each in refused} == {404}
    assert len({each.content for each in refused}) == 1


def a_key_is_of_its_session(folder: Path) -> None:
    """The same key and the same words in two sessions are two requests; in one they are one."""

    async def what(ask: Ask) -> list[httpx2.Response]:
        said = []
        for bearer in (innie, innie, outie):
            path = "/" + (await ask(bearer, "POST", "", headers={"Idempotency-Key": "k"})).json()["id"]
            more = {"json": {"text": "the numbers"}, "headers": {"Idempotency-Key": "k"}}
            said.append(await ask(bearer, "POST", f"{path}/memories", **more))
        return [*said, await ask(outie, "GET", f"{path}/memories")]

    with make_house(folder) as house:
        innie, outie = (house.register("mark", place, "check") for place in ("floor", "home"))
        first, again, other, listed = _asked(house, [], what)
    assert first.json() == again.json(), "a crossing that is sent again is the same session, and so is the memory"
    assert other.json()["id"] != first.json()["id"]
    assert [memory["id"] for memory in listed.json()["memories"]] == [other.json()["id"]]


def a_line_of_the_log_has_no_id(folder: Path) -> None:
    """What is written of a request has the template of its route."""

    async def what(ask: Ask) -> str:
        path = "/" + (await ask(innie, "POST", "")).json()["id"]
        await ask(innie, "POST", f"{path}/recall", json={"query": "the numbers"})
        await ask(innie, "GET", f"{path}/memories?thread=numbers")
        return path[1:]

    lines: list[str] = []
    with make_house(folder) as house:
        innie = house.register("mark", "floor", "check")
        shown = _asked(house, lines, what)
    assert len(lines) == 3
    assert not any(word in line for line in lines for word in (shown, "numbers", innie, "mark", "innie"))
