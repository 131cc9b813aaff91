"""Mixed requests for a long time, a worker killed each minute: does anything grow, is anything acknowledged lost?"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

from bench.corpus import questions
from bench.reach.stage import Stage, descriptors, resident
from bench.reach.wire import Wire, crossed

_KILL = 60.0
_LOOK = 15.0
_PACE = 0.05
_QUESTIONS = questions(2_000)


class Program:
    """One program with one persona: it does all that a session can, and crosses anew when its session has ended.

    Attributes:
        kept: the texts whose keeping was acknowledged, by id; without those whose forgetting was.
        open: texts that were sent and not answered.
    """

    def __init__(self, port: int, bearer: str, seed: int) -> None:
        self._wire = Wire(port, bearer)
        self._draw = random.Random(seed)
        self._seed = seed
        self._count = 0
        self._cursor: str | None = None
        self._share = {
            self._recall: 50,
            self._context: 5,
            self._page: 5,
            self._remember: 30,
            self._amend: 4,
            self._forget: 5,
            self._leave: 1,
        }
        self.kept: dict[str, str] = {}
        self.open: set[str] = set()
        self.statuses: Counter[str] = Counter()

    async def run(self, until: float) -> None:
        """Go on until then."""
        path = ""
        while time.monotonic() < until:
            try:
                path = path or await crossed(self._wire)
                status = await self._step(path)
            except (OSError, asyncio.IncompleteReadError, RuntimeError):
                status = 0
            self.statuses[str(status)] += 1
            if status in (0, 204, 404, 410, 503):
                path = ""
            await asyncio.sleep(_PACE if status else 0.5)

    async def _step(self, path: str) -> int:
        (do,) = self._draw.choices(list(self._share), weights=self._share.values())
        return await do(path)

    async def _recall(self, path: str) -> int:
        return (await self._wire.ask("POST", f"{path}/recall", {"query": self._draw.choice(_QUESTIONS)}))[0]

    async def _context(self, path: str) -> int:
        return (await self._wire.ask("POST", f"{path}/context", {"query": self._draw.choice(_QUESTIONS)}))[0]

    async def _page(self, path: str) -> int:
        """The next page of a list, in whichever session; after the last one, the first."""
        more = f"&cursor={self._cursor}" if self._cursor else ""
        status, page = await self._wire.ask("GET", f"{path}/memories?limit=50{more}")
        self._cursor = page["cursor"] if status == 200 else None
        return status

    async def _remember(self, path: str) -> int:
        text = self._text()
        self.open.add(text)
        status, told = await self._wire.ask("POST", f"{path}/memories", {"text": text}, f"k{self._count}")
        if status == 201:
            self.open.discard(text)
            self.kept[told["id"]] = text
        return status

    async def _amend(self, path: str) -> int:
        if not self.kept:
            return await self._remember(path)
        old, text = self._draw.choice(list(self.kept)), self._text()
        self.open |= {self.kept[old], text}  # either may be there now
        before = self.kept.pop(old)
        status, told = await self._wire.ask("PATCH", f"{path}/memories/{old}", {"text": text}, f"k{self._count}")
        if status == 200:
            self.open -= {before, text}
            self.kept[told["id"]] = text
        return status

    async def _forget(self, path: str) -> int:
        if not self.kept:
            return await self._remember(path)
        gone = self._draw.choice(list(self.kept))
        self.open.add(self.kept[gone])
        text = self.kept.pop(gone)
        status, _ = await self._wire.ask("DELETE", f"{path}/memories/{gone}")
        if status == 200:
            self.open.discard(text)
        return status

    async def _leave(self, path: str) -> int:
        """Put the session to sleep; what comes next crosses anew."""
        return (await self._wire.ask("DELETE", path))[0]

    def _text(self) -> str:
        self._count += 1
        return f"soak {self._seed} {self._count} {self._draw.choice(_QUESTIONS)}"

    async def lost(self) -> tuple[int, int]:
        """How many were acknowledged and are not there, and how many are there that were forgotten or never sent."""
        path, cursor, there = await crossed(self._wire), "", set[str]()
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            _, page = await self._wire.ask("GET", f"{path}/memories?limit=1000{more}")
            there |= {each["text"] for each in page["memories"] if each["text"].startswith("soak ")}
            cursor = page["cursor"]
        kept = set(self.kept.values())
        return len(kept - there), len(there - kept - self.open)


async def soaked(stage: Stage, minutes: float, programs: int) -> dict[str, object]:
    """Go on for so long. Returns what was measured on the way, and what is lost or too much at the end: nothing."""
    everybody = [
        Program(stage.port, bearer, number * 100 + each)
        for number, bearer in enumerate(stage.bearers)
        for each in range(programs)
    ]
    until = time.monotonic() + minutes * 60
    running = [asyncio.create_task(each.run(until)) for each in everybody]
    watched, killed, next_kill = list[dict[str, int]](), 0, time.monotonic() + _KILL
    while time.monotonic() < until:
        await asyncio.sleep(min(_LOOK, max(0.1, until - time.monotonic())))
        watched.append(_watched(stage))
        print(watched[-1], flush=True)
        if time.monotonic() >= next_kill:
            next_kill += _KILL
            with suppress(ProcessLookupError, IndexError):
                os.kill(random.Random(killed).choice(stage.workers()), signal.SIGKILL)
                killed += 1
    await asyncio.gather(*running)
    ends = [await each.lost() for each in everybody]
    mine = [lost for lost, _ in ends]
    statuses: Counter[str] = Counter()
    for each in everybody:
        statuses += each.statuses
    return {
        "statuses": dict(statuses),
        "workers killed": killed,
        "acknowledged and kept": sum(len(each.kept) for each in everybody),
        "lost": sum(mine),
        "first": watched[len(watched) // 4],
        "last": watched[-1],
    }


def _watched(stage: Stage) -> dict[str, int]:
    told = {"workers": len(stage.workers())}
    for name, process in (("house", stage.house.pid), ("server", stage.server)):
        told |= {f"{name} KB": resident(process) // 1024, f"{name} files": descriptors(process)}
    return told
