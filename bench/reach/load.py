"""Recalls at a fixed rate over many awake personas: how long each takes from when it was due, and not when sent."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter

from bench.corpus import questions
from bench.reach.stage import Stage, seconds_of
from bench.reach.wire import Wire, crossed


async def loaded(stage: Stage, rate: float, seconds: float, connections: int) -> dict[str, object]:
    """Recall so often in a second. Returns latencies in milliseconds, statuses, and processor seconds by process."""
    paths = [await crossed(Wire(stage.port, bearer)) for bearer in stage.bearers]
    wires = [[Wire(stage.port, bearer) for _ in range(connections)] for bearer in stage.bearers]
    free: list[asyncio.Queue[Wire]] = []
    for each in wires:
        queue: asyncio.Queue[Wire] = asyncio.Queue()
        for wire in each:
            queue.put_nowait(wire)
        free.append(queue)
    asked, took, statuses = questions(2_000), list[float](), Counter[int]()

    async def one(persona: int, query: str, due: float) -> None:
        wire = await free[persona].get()
        try:
            status, _ = await wire.ask("POST", f"{paths[persona]}/recall", {"query": query, "limit": 10})
        finally:
            free[persona].put_nowait(wire)
        took.append((time.perf_counter() - due) * 1000)
        statuses[status] += 1

    async def paced(lasting: float) -> None:
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * lasting)):
                due = begin + number / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(one(number % len(paths), asked[number % len(asked)], due))

    await paced(3.0)  # to warm up
    took.clear()
    statuses.clear()
    processes = {
        "house": [stage.house.pid],
        "server": [stage.server],
        "workers": stage.workers(),
        "client": [os.getpid()],
    }
    before = {name: sum(map(seconds_of, each)) for name, each in processes.items()}
    begin = time.perf_counter()
    await paced(seconds)
    lasted = time.perf_counter() - begin
    took.sort()
    return {
        "rate asked": rate,
        "rate had": round(len(took) / lasted, 1),
        "statuses": dict(statuses),
        **{f"p{part}": round(took[int(len(took) * part / 100)], 1) for part in (50, 95, 99)},
        "max": round(took[-1], 1),
        "processor ms a recall": {
            name: round((sum(map(seconds_of, each)) - before[name]) / len(took) * 1000, 2)
            for name, each in processes.items()
        },
    }
