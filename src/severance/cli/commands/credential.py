"""`severance credential`: texts with which a program crosses at one place."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import doorway, options, shapes, words
from severance.cli.edge import Edge
from severance.model import CredentialInfo, Right

HELP = "Place credentials: texts with which a program crosses at one place, until they are revoked."


def make(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(metavar="PLACE", help="Where the program is.", show_default=False)],
    subject: Annotated[str, typer.Option("--for", metavar="SUBJECT", help="Whose personas wake for it.")],
    program: Annotated[str, typer.Option("--name", metavar="PROGRAM", help="The name of the program.")],
    rights: options.FewerRights = None,
    out: options.Out = None,
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

    def made() -> str:
        with edge.house() as house:
            return house.register(subject, place, program, rights=allowed)

    doorway.hand_out(edge, "credential", made, out)


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the place credentials, without their secrets."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.credentials()
    columns = ("id", "place", "subject", "program", "rights", "made", "revoked")
    shape, names = shapes.of_credential, ("credentials", "place credentials")
    doorway.show(edge, found, names, columns, shape=shape, row=_row, over=lambda info: info.revoked)


def revoke(
    ctx: typer.Context,
    id: options.DoorId,  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """End a place credential for good, with every session that it opened, in every process."""
    doorway.revoke(Edge(ctx, store, key, as_json), id)


def _row(info: CredentialInfo) -> tuple[str, ...]:
    rights = ", ".join(sorted(info.rights))
    return info.id, info.place, info.subject, info.program, rights, shapes.short(info.made)
