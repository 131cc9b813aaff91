"""`severance clock`: the latest time that the chip has seen."""

from __future__ import annotations

from datetime import datetime

import typer

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge

HELP = "The time by which permits end: the clock's, or the latest that was seen."


def show(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Show the time by which permits end: the clock's, or where it was set back, the latest that was seen."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        _tell(house.clock(), edge)


def accept(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Take the clock's time for the right one, after a time when it was ahead.

    Until then everything ends by the later time that was seen. What was met after its end stays ended.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        house.accept_clock()
        _tell(house.clock(), edge)


def _tell(time: datetime, edge: Edge) -> None:
    if edge.as_json:
        screen.document({"time": time.isoformat()})
    else:
        screen.line(f"Permits end by this time: {shapes.short(time)}")
