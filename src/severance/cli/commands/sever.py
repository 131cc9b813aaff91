"""`severance sever`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="A person or an agent.", show_default=False)],
    personas: Annotated[
        list[str], typer.Argument(metavar="PERSONA", help="The names of its personas.", show_default=False)
    ],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Divide a subject: give it personas, each with a space and a key of its own.

    Personas that exist already stay as they are.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.sever(subject, personas)
    name, names = found[0].subject, [persona.name for persona in found]
    if edge.as_json:
        screen.document({"subject": name, "personas": names})
        return
    screen.line(f"{name} is severed into: {', '.join(names)}.")
    screen.line(f"Next: severance place PLACE {name}={names[0]}    say where it wakes")
