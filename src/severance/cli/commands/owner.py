"""`severance owner`: texts with which a program sees and does what the owner does in a house that is up."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import doorway, options, screen, shapes
from severance.cli.edge import Edge
from severance.errors import InputError
from severance.model import OwnerTokenInfo

HELP = "Owner tokens: texts that show a program the audit log, alarms and overrides of a house that is up."


def token(
    ctx: typer.Context,
    length: options.EndsAfter = None,
    until: options.EndsAt = None,
    label: Annotated[
        str, typer.Option("--label", metavar="TEXT", help="What it is for; `owner list` shows it.", show_default=False)
    ] = "",
    out: options.Out = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Make an owner token for a house that is up, and print it: its text alone, this once.

    Whoever has the text reads the audit log, names included, and the alarms, and can stop overrides. It opens no
    persona, makes nothing and changes no rule. The chip keeps what follows from the secret, and not the secret.
    """
    edge = Edge(ctx, store, key, as_json)
    end = doorway.end_of(length, until)
    if end is None:
        raise InputError("say when it ends, with --for or --until")

    def made() -> str:
        with edge.house() as house:
            return house.owner_token(until=end, label=label)

    doorway.hand_out(edge, "token", made, out)


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the owner tokens, without their secrets; those that ended stay for 30 days."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.owner_tokens()
    columns, names = ("id", "label", "made", "until", "ended"), ("tokens", "owner tokens")
    doorway.show(edge, found, names, columns, shape=shapes.of_owner_token, row=_row, over=lambda info: info.ended)


def revoke(
    ctx: typer.Context,
    id: options.DoorId,  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """End an owner token for good, with every connection that it opened, within a second or two."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        house.revoke_owner_token(id)
    if edge.as_json:
        screen.document({"revoked": id})
    else:
        screen.line("Revoked: it opens nothing, and what it opened ends.")


def _row(info: OwnerTokenInfo) -> tuple[str, ...]:
    return info.id, screen.on_one_line(info.label), shapes.short(info.made), shapes.short(info.until)
