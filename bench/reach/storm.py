"""Many requests to remember at the same instant: each is answered, and exactly what was acknowledged is there."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from bench.reach.stage import Stage, descriptors, resident
from bench.reach.wire import Wire, crossed


async def stormed(stage: Stage, requests: int) -> dict[str, object]:
    """Send so many at once, each on a connection of its own."""
    bearer = stage.bearers[0]
    path = await crossed(Wire(stage.port, bearer))
    statuses, kept, server = Counter[str](), set[str](), stage.server
    before = (resident(server) // 1024, descriptors(server))

    async def one(number: int) -> None:
        wire, text = Wire(stage.port, bearer), f"storm {number}"
        try:
            status, _ = await wire.ask("POST", f"{path}/memories", {"text": text})
            statuses[str(status)] += 1
            if status == 201:
                kept.add(text)
        except (OSError, asyncio.IncompleteReadError) as problem:
            statuses[type(problem).__name__] += 1
        wire.close()

    begin = time.perf_counter()
    await asyncio.gather(*map(one, range(requests)))
    lasted = time.perf_counter() - begin
    await asyncio.sleep(2.0)
    wire = Wire(stage.port, bearer)
    there, cursor = set[str](), ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        status, page = await wire.ask("GET", f"{path}/memories?limit=1000{more}")
        if status == 429:
            await asyncio.sleep(1.0)
            continue
        there |= {each["text"] for each in page["memories"] if each["text"].startswith("storm ")}
        cursor = page["cursor"]
    return {
        "requests": requests,
        "seconds": round(lasted, 1),
        "statuses": dict(statuses),
        "acknowledged": len(kept),
        "lost": len(kept - there),
        "kept without an answer": len(there - kept),
        "server KB and files before": before,
        "and after": (resident(server) // 1024, descriptors(server)),
    }
