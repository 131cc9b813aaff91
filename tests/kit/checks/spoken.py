"""That a model which speaks MCP reaches one persona, and no other by any word or header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client

from kit import make_house
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.mcp.awake import Awake
from severance.mcp.http import OverHttp
from severance.mcp.serving import serving
from severance.mcp.words import ENDED

_HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "check", "version": "0"}}
_MEANT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def a_session_over_http_is_its_bearers_alone(folder: Path) -> None:
    """Who shows another's session shows one that is not there; who began it is served."""

    async def main() -> list[int]:
        over_http = OverHttp(house, entropy=ScopedEntropy(), clock=StillClock())
        async with over_http.run(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app=over_http)) as http:

            async def post(bearer: str, method: str, **headers: str) -> httpx2.Response:
                message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": _HELLO}
                sent = {**_MEANT, "Authorization": f"Bearer {bearer}", **headers}
                return await http.post("http://here/mcp", content=json.dumps(message), headers=sent)

            begun = {"Mcp-Session-Id": (await post(innie, "initialize")).headers["mcp-session-id"]}
            said = [await post(bearer, "ping", **begun) for bearer in (innie, outie, "nonsense")]
            return [each.status_code for each in (*said, await post("nonsense", "initialize"))]

    with make_house(folder) as house:
        innie, outie = (house.register("mark", place, "check") for place in ("floor", "home"))
        assert anyio.run(main) == [200, 404, 404, 401]


def a_model_names_nobody(folder: Path) -> None:
    """An argument that a tool has not is refused in words that tell which it has, and one that is over stays over."""

    async def main() -> list[Any]:
        async with Client(serving(Awake(session), StillClock())) as client:
            said = [await client.call_tool("recall", {"query": "x", name: "outie"}) for name in ("persona", "place")]
            said.append(await client.call_tool("remember", {"text": "x", "subject": "helly"}))
            session.sleep()
            return [*said, *[await client.call_tool("recall", {"query": "x"}) for _ in range(2)]]

    with make_house(folder) as house:
        session = house.cross("mark", "floor")
        *named, ended, still = anyio.run(main)
    for answer in named:
        assert answer.is_error
        assert "and nothing else" in answer.content[0].text
    assert [each.content[0].text for each in (ended, still)] == [ENDED, ENDED]
