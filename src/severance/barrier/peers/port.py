"""What the barrier needs to try a memory that is not Severance: seven short methods for two tenants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Found:
    """One memory that came back: its id as the memory itself names it, its text, and its score where there is one."""

    id: str
    text: str
    score: float | None = None


class Peer(Protocol):
    """A memory under test, as its own documentation tells to use it for several tenants.

    An adapter is a class that is made with one argument, an empty folder (`Path`) in which everything that it stores
    must go, and has these methods. The tenant is whatever the memory separates people by (a user id, a namespace, a
    collection): pass it on as it comes, and add no check of your own, since the check is what is being tried. What the
    memory cannot do raises `NotImplementedError`, or is left out; the probes that need it are then not tried.

    An attribute `calls`, where there is one, tells for each method by which call of the memory's own it is done, with
    its arguments: it is shown with what is found.

    A folder that was closed may be opened again, by another instance. The adapter runs in a process of its own, may
    hang, crash or raise: that is counted and reported.
    """

    def __init__(self, folder: Path) -> None: ...

    def add(self, tenant: str, text: str) -> str:
        """Remember a text, and return its id."""
        ...

    def search(self, tenant: str, query: str, limit: int) -> Sequence[Found]:
        """What the tenant finds, best first."""
        ...

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        """The text with this id, or None where there is none."""
        ...

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        """Put another text in its place."""
        ...

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        """Remove it."""
        ...

    def list(self, tenant: str) -> Sequence[Found]:
        """All that the tenant has."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


class PeerWithMetadata(Peer, Protocol):
    """A peer that also keeps what a caller says about a text; for a memory that takes metadata beside the tenant."""

    def add_with(self, tenant: str, text: str, metadata: Mapping[str, str]) -> str:
        """As `add`, with metadata."""
        ...
