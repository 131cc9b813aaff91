"""`severance down`: the house that is up ends."""

from __future__ import annotations

import typer

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge
from severance.resident.client import connect


def run(ctx: typer.Context, store: options.Store = None, as_json: options.AsJson = False) -> None:
    """Take the house down: every session falls asleep, and what was acknowledged is durable when this returns."""
    edge = Edge(ctx, store, None, as_json)
    state = connect(edge.store).down()
    if edge.as_json:
        screen.document(shapes.of_house(edge.store, state, up=False))
    else:
        screen.line("The house is down.")
