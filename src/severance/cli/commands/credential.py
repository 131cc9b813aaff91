"""`severance credential`: texts with which a program crosses at one place."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from severance.cli import options, screen, shapes, words
from severance.cli.edge import Edge
from severance.model import Right

HELP = "Place credentials: texts with which a program crosses at one place, until they are revoked."


def make(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Where the program is.", show_default=False)],
    subject: Annotated[str, typer.Option("--for", metavar="SUBJECT", help="Whose personas wake for it.")],
    program: Annotated[str, typer.Option("--name", metavar="PROGRAM", help="The name of the program.")],
    rights: options.FewerRights = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Register a program at a place, and print its credential: the text alone, this once.

    With it the program crosses there and nowhere else: whoever of the subject then wakes there wakes. The chip keeps
    what follows from the secret, and not the secret.
    """
    edge = Edge(ctx, store, key, as_json)
    allowed = tuple(Right) if rights is None else words.listed(rights)
    with edge.house() as house:
        text = house.register(subject, place, program, rights=allowed)
    if edge.as_json:
        screen.document({"credential": text})
    else:
        screen.line(text)


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the place credentials, without their secrets."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.credentials()
    if edge.as_json:
        screen.document({"credentials": [shapes.of_credential(info) for info in found]})
        return
    if not found:
        screen.line("There are no place credentials.")
        return
    table = screen.table("id", "place", "subject", "program", "rights", "made", "revoked")
    for info in found:
        names = (info.id, info.place, info.subject, info.program, ", ".join(sorted(info.rights)))
        over = Text(shapes.short(info.revoked)) if info.revoked else Text("open", style="green")
        table.add_row(*names, shapes.short(info.made), over)
    screen.console().print(table)


def revoke(
    ctx: typer.Context,
    id: options.DoorId,  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """End a place credential for good, with every session that it opened, in every process."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        house.revoke(id)
    if edge.as_json:
        screen.document({"revoked": id})
    else:
        screen.line("Revoked: it opens nothing, and sessions that it opened end at their next call.")
