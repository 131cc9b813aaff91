"""A class of leaks: one of the ways in which memories of agents have let one tenant's memories reach another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from severance.barrier.peers.ground import Ground


@dataclass(frozen=True, slots=True)
class Leak:
    """One class of the catalogue.

    Attributes:
        slug: its short name; `leak.<slug>` in reports.
        title: what is looked for, in words that need no knowledge of the memory.
        advice: what to do about it, in two sentences.
        probe: makes one round of probes in a fresh store.
        toys: memories in `leaky` that leak in just this way, one for each kind of probe.
        not_covered: what its probes do not try.
        crowd: makes probes in a fresh store of so many memories, for what begins at a size; None where nothing does.
    """

    slug: str
    title: str
    advice: str
    probe: Callable[[Ground], None]
    toys: tuple[str, ...]
    not_covered: tuple[str, ...] = ()
    crowd: Callable[[Ground, int], None] | None = None
