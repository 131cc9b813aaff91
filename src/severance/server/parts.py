"""What all routes of one server share; nothing of it is the process's, so that one process can have several servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
from fastapi import Request

from severance.mcp.http import OverHttp
from severance.mcp.let_in import LetIn
from severance.ports import Clock, Entropy
from severance.resident.room import Room
from severance.server.door import Door
from severance.server.limits import Limits
from severance.server.metrics import Meters
from severance.server.rates import Rates
from severance.server.rooms import Rooms
from severance.server.rows import Rows
from severance.server.threads import Threads
from severance.system import SystemClock, SystemEntropy

OWNERS_AT_ONCE = 4
OWNERS_WAITING = 64
"""Requests of owners that are carried out at once, and that wait, in each of two rows."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What a server takes from outside.

    Attributes:
        door: the house that lets in.
        limits: see there.
        clock, entropy: of ids and of times that are told.
        ticks: seconds that pass, from any beginning.
        names: hosts by which the server is known, beside addresses and those of this machine.
        metrics_token: what is shown for the metrics; None where there are none.
        log: takes a line for each request; None where nobody reads it.
    """

    door: Door
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=SystemClock)
    entropy: Entropy = field(default_factory=SystemEntropy)
    ticks: Callable[[], float] = time.monotonic
    names: frozenset[str] = frozenset()
    metrics_token: str | None = None
    log: Callable[[str], None] | None = None


class Parts:
    """The parts of one server.

    Attributes:
        outside: what it takes from outside.
        threads: where calls are carried out.
        let_in: bearers that the house has taken, over HTTP, MCP, or as the owner's.
        rooms: its sessions.
        owners: where owner tokens are shown, and what they ask is done: not in the threads of sessions.
        rates: how much is asked with each permit, credential or token.
        meters: what is counted.
        mcp: MCP over streamable HTTP, which has sessions of its own within the same limits.
        streams: how many streams of events there may still be.
        listening: the threads in which those wait.
        closing: set when the server is about to end, so that who sends without an end comes to one.
    """

    def __init__(self, outside: Outside) -> None:
        limits = outside.limits
        self.outside = outside
        self.threads = Threads(limits.threads, limits.waiting, limits.answered_within)
        self.let_in = LetIn()
        self.rooms = Rooms(
            outside.door,
            limits,
            self.threads,
            self.let_in,
            clock=outside.clock,
            entropy=outside.entropy,
            ticks=outside.ticks,
        )
        self.owners = Rows(self.let_in, at_once=OWNERS_AT_ONCE, waiting=OWNERS_WAITING, within=limits.answered_within)
        self.rates = Rates(limits.rate, limits.burst, outside.ticks)
        self.meters = Meters(lambda: len(self.rooms), lambda: self.threads.inside + self.owners.inside)
        self.streams = Room(limits.streams)
        self.listening = anyio.CapacityLimiter(limits.streams)
        self.closing = asyncio.Event()
        self.mcp = OverHttp(
            outside.door,
            let_in=self.let_in,
            entropy=outside.entropy,
            clock=outside.clock,
            most=limits.sessions,
            most_each=limits.sessions_each,
            idle=limits.idle,
            heard_within=limits.answered_within,
            threads=limits.threads,
        )


def parts_of(request: Request) -> Parts:
    """The parts of the server that got this request."""
    parts: Parts = request.app.state.parts
    return parts
