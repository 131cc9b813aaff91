"""`severance events`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    at: options.At = None,
    subject: options.Who = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1_000, help="How many, the last ones.")
    ] = 100,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what the log has of the persona itself: when it woke and slept, and where. It has nothing of another."""
    edge = Edge(ctx, store, key, as_json)
    with edge.session(at, subject) as session:
        found = session.events(limit=limit)
    if edge.as_json:
        screen.document({"events": [shapes.of_own_event(event) for event in found]})
        return
    table = screen.table("when", "what", "place")
    for event in found:
        table.add_row(shapes.short(event.at), event.what, event.place or "")
    screen.console().print(table)
