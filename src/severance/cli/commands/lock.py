"""`severance lock`: the house that is up lets go of the root key."""

from __future__ import annotations

import typer

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge
from severance.resident.client import connect


def run(ctx: typer.Context, store: options.Store = None, as_json: options.AsJson = False) -> None:
    """Lock the house that is up: every session falls asleep, and the root key and all that was awake is let go of.

    Until `unlock`, whoever comes through that house is refused, with whatever permit or credential. It locks no file:
    whoever has the root key at hand opens the store without the house, as before.
    """
    edge = Edge(ctx, store, None, as_json)
    state = connect(edge.store).lock()
    if edge.as_json:
        screen.document(shapes.of_house(edge.store, state))
    else:
        screen.line("The house is locked.")
