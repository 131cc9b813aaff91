"""`severance init`."""

from __future__ import annotations

import typer

from severance.cli import options, screen
from severance.cli.edge import Edge
from severance.errors import StoreMissingError


def run(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Make a store. Where there is one already, nothing is changed."""
    edge = Edge(ctx, store, key, as_json)
    created = False
    try:
        edge.house().close()
    except StoreMissingError:
        edge.house(create=True).close()
        created = True
    if edge.as_json:
        screen.document({"store": str(edge.store), "created": created})
        return
    screen.line(f"{'Made a store' if created else 'There is a store already'} at {edge.store}.")
    screen.line("Whoever loses its root key loses what it remembers: keep a copy of the key, and not beside the store.")
    screen.line("Next: severance sever SUBJECT PERSONA PERSONA    divide somebody's memory")
    screen.line("      severance place PLACE SUBJECT=PERSONA      say which persona wakes where")
