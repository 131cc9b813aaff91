"""`severance forget`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import exits, options, screen, streams
from severance.cli.edge import Edge
from severance.errors import InputError


def run(
    ctx: typer.Context,
    id: options.Id,  # noqa: A002 - the word that people know
    at: options.At = None,
    subject: options.Who = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Forget a memory with all its versions, for good: its records are erased.

    Backups made before still hold it.
    """
    edge = Edge(ctx, store, key, as_json)
    if not yes and not streams.can_ask():
        raise InputError("forgetting is for good, and there is no terminal to ask at; pass --yes")
    with edge.session(at, subject) as session:
        memory = session.get(id)
        if not yes:
            exits.note(screen.on_one_line(memory.text))
            if not streams.confirmed("Forget this memory and all its versions for good?"):
                exits.note("Nothing was forgotten.")
                raise typer.Exit(exits.FAILED)
        versions = session.forget(id)
    if edge.as_json:
        screen.document({"forgotten": memory.id, "versions": versions})
    else:
        screen.line(f"Forgotten: {memory.id} ({versions:,} {'version' if versions == 1 else 'versions'}).")
