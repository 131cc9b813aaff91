"""The ten classes in which memories of agents have leaked, one module for each."""

from __future__ import annotations

from severance.barrier.peers.classes import (
    claims,
    delimiters,
    derived,
    filters,
    ids,
    prefixes,
    residue,
    scopes,
    shared,
    wildcards,
)

LEAKS = (
    filters.LEAK,
    ids.LEAK,
    prefixes.LEAK,
    wildcards.LEAK,
    claims.LEAK,
    delimiters.LEAK,
    shared.LEAK,
    derived.LEAK,
    residue.LEAK,
    scopes.LEAK,
)
