"""`severance canary`: memories that ring when they are read."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes, streams
from severance.cli.edge import Edge, only_subject
from severance.errors import InputError

HELP = "Canaries: memories that ring an alarm when somebody reads them."


def plant(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT|-", help="What to remember; - reads standard input.", show_default=False)
    ],
    at: options.At = None,
    subject: options.Who = None,
    when: options.Happened = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Have whoever wakes at a place remember something that rings when it is read.

    Write what looks worth reading to somebody who searches where they should not, and what nobody has a reason to read.
    Nothing in the memory tells that it rings. A full export reads it as well.
    """
    edge = Edge(ctx, store, key, as_json)
    given = streams.text_from_input(text, "the text")
    if not at:
        raise InputError("say where, with --at PLACE or SEVERANCE_PLACE; `severance status` lists the places")
    with edge.house() as house:
        memory = house.plant_canary(subject or only_subject(house, at), at, given, at=when)
    if edge.as_json:
        screen.document({"memory": shapes.of_memory(memory)})
    else:
        screen.line(f"Planted: {memory.id}")


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the canaries of every persona, by their ids."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.canaries()
    if edge.as_json:
        canaries = [{"id": each.id, "subject": each.subject, "persona": each.persona} for each in found]
        screen.document({"canaries": canaries})
        return
    if not found:
        screen.line("There are no canaries.")
        return
    table = screen.table("id", "subject", "persona")
    for each in found:
        table.add_row(each.id, each.subject, each.persona)
    screen.console().print(table)


def remove(
    ctx: typer.Context,
    id: Annotated[str, typer.Argument(metavar="ID", help="The memory's id.", show_default=False)],  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Let a memory ring no more. It stays remembered; `forget` forgets it."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        house.remove_canary(id)
    if edge.as_json:
        screen.document({"removed": id})
    else:
        screen.line("It rings no more.")
