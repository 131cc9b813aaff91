"""`severance unlock`: the house that is up opens again."""

from __future__ import annotations

import typer

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge
from severance.resident.client import connect


def run(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Unlock the house that is up, with the root key from where it is kept.

    The key is looked for here, where a passphrase can be asked for, and goes to the house through its socket.
    """
    edge = Edge(ctx, store, key, as_json)
    state = connect(edge.store).unlock(edge.key)
    if edge.as_json:
        screen.document(shapes.of_house(edge.store, state))
    else:
        screen.line("The house is open.")
