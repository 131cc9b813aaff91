"""Edges in a trace: a session as whoever has it who comes over HTTP or MCP, and not as an object of this process.

It is the same app, or the same server, as elsewhere, over the trace's sessions and with its clock and entropy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, TypeVar, cast

from severance.barrier.scene import Skipped
from severance.barrier.traces.people import Who
from severance.ports import Clock, Entropy
from severance.session import Session

EDGES = {"http": "server", "mcp": "mcp"}
"""The edges, and the extra that each needs."""

T = TypeVar("T")


class Edge(Protocol):
    """What sessions are reached over."""

    def over(self, session: Session, who: Who) -> Session:
        """The session of somebody who has just crossed, as they have it."""
        ...

    def close(self) -> None:
        """Let go of everything, without a word: nobody is put to sleep."""
        ...


@dataclass(frozen=True)
class Heard:
    """What came back over an edge: the id of the memory that it is about, or nothing, and all of it to the letter."""

    id: str
    told: Any


class RefusedError(LookupError):
    """What came back is a refusal; its arguments are all of it."""


class Reached:
    """What stands for a session that is reached over an edge; what the edge does not have is the session's own."""

    def __init__(self, true: Session, crossed: object) -> None:
        """Args: the session, and what was answered to whoever crossed."""
        self._true = true
        self._crossed = crossed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)

    def __repr__(self) -> str:
        return f"{self._true!r}, crossed: {self._crossed}"

    def __enter__(self) -> Reached:
        return self

    def __exit__(self, *raised: object) -> None:
        self._true.sleep()


class Loop:
    """An event loop that goes on only while somebody waits for it."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def wait(self, work: Awaitable[T]) -> T:
        """What comes of the work."""

        async def waiting() -> T:
            return await work

        return self._runner.run(waiting())

    def close(self) -> None:
        """What waits in it goes no further."""
        self._runner.close()


class Cached:
    """An edge with a flaw, as a control: who asks what was asked before is given what came of it then."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._known: dict[str, Any] = {}

    def over(self, session: Session, who: Who) -> Session:
        """As `Edge.over`."""
        reached: Any = self._edge.over(session, who)
        true = reached.recall

        def recall(*given: Any, **named: Any) -> Any:
            asked = repr((given, named))
            if asked not in self._known:
                self._known[asked] = true(*given, **named)
            return self._known[asked]

        reached.recall = recall
        return cast(Session, reached)

    def close(self) -> None:
        """As `Edge.close`."""
        self._edge.close()


def edge_of(name: str) -> Callable[[Clock, Entropy], Edge]:
    """What makes the edge of this name.

    Raises:
        Skipped: its library is not installed.
    """
    try:
        module = import_module(f"severance.barrier.traces.over_{name}")
    except ModuleNotFoundError:
        raise Skipped(f"it needs the extra `{EDGES[name]}`: pip install 'severance[{EDGES[name]}]'") from None
    return cast(Callable[[Clock, Entropy], Edge], module.edge)
