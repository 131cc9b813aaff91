"""`severance history`."""

from __future__ import annotations

import typer
from rich.text import Text

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    id: options.Id,  # noqa: A002 - the word that people know
    at: options.At = None,
    subject: options.Who = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Show all versions of a memory, the oldest first."""
    edge = Edge(ctx, store, key, as_json)
    with edge.session(at, subject) as session:
        versions = session.history(id)
    if edge.as_json:
        screen.document({"versions": [shapes.of_memory(memory) for memory in versions]})
        return
    console = screen.console()
    for number, memory in enumerate(versions, 1):
        head = Text.assemble((f"version {number}", "bold"), f"  recorded {memory.recorded:%Y-%m-%d %H:%M} UTC  ")
        console.print(head.append(memory.id, style="dim"), soft_wrap=True)
        console.print(Text(screen.shown(memory.text)), soft_wrap=True)
        console.print()
