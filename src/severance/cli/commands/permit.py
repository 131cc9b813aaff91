"""`severance permit`: texts that open one persona at one place, for some rights, until some time."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from severance import weakening
from severance.cli import doorway, options, screen, shapes, streams, words
from severance.cli.edge import Edge
from severance.errors import InputError
from severance.model import PermitInfo, micros, parse_time
from severance.system import SystemClock

HELP = "Permits: texts that open one persona at one place, for some rights, until some time."

_MOST = "a permit has at most 8,192"


def make(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Whose persona it wakes.", show_default=False)],
    rights: options.Rights,
    at: options.At = None,
    length: options.EndsAfter = None,
    until: options.EndsAt = None,
    out: options.Out = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Make a permit for whoever of the subject wakes at the place now, and print it: its text alone, this once.

    Whoever has the text has what it allows. Nothing keeps it: hand it on, or name a file with --out.
    """
    edge = Edge(ctx, store, key, as_json)
    if not at:
        raise InputError("say where, with --at PLACE or SEVERANCE_PLACE; `severance status` lists the places")
    end = doorway.end_of(length, until)
    if end is None:
        raise InputError("say when it ends, with --for or --until")
    allowed = words.listed(rights)

    def made() -> str:
        with edge.house() as house:
            return house.permit(subject, at, rights=allowed, until=end)

    doorway.hand_out(edge, "permit", made, out)


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the permits, without their texts; those that ended stay for 30 days."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.permits()
    columns, names = ("id", "subject", "persona", "place", "rights", "until", "ended"), ("permits", "permits")
    doorway.show(edge, found, names, columns, shape=shapes.of_permit, row=_row, over=lambda info: info.ended)


def revoke(
    ctx: typer.Context,
    id: options.DoorId,  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """End a permit for good, with every session that it opened, in every process."""
    doorway.revoke(Edge(ctx, store, key, as_json), id)


def weaken(
    ctx: typer.Context,
    rights: options.FewerRights = None,
    length: options.EndsAfter = None,
    until: options.EndsAt = None,
    thread: options.OnlyThreads = None,
    tool: Annotated[str | None, typer.Option("--tool", help="Only for this tool.", show_default=False)] = None,
    out: options.Out = None,
    as_json: options.AsJson = False,
) -> None:
    """Take something away from the permit on standard input, and print what is left. Needs no store and no key.

    Nothing gives it back. The permit that it was made from stays what it is.
    """
    edge = Edge(ctx, None, None, as_json)
    text = streams.text_from_input("-", "the permit", _MOST).strip()
    fewer = None if rights is None else words.listed(rights)
    end = doorway.end_of(length, until)
    if isinstance(end, str) and micros(parse_time(end)) <= SystemClock().now():
        raise InputError("that end is over already, and nothing would be left; say a later one")
    weakened = partial(weakening.weaken, text, rights=fewer, until=end, threads=thread, tool=tool)
    doorway.hand_out(edge, "permit", weakened, out)


def show(ctx: typer.Context, as_json: options.AsJson = False) -> None:
    """Show what the permit on standard input allows, after all weakenings. Needs no store and no key, and names nobody.

    It is not looked at whether a house takes it.
    """
    edge = Edge(ctx, None, None, as_json)
    shown = weakening.show(streams.text_from_input("-", "the permit", _MOST).strip())
    if edge.as_json:
        screen.document(shapes.of_shown(shown))
        return
    screen.line(f"Permit {shown.id}")
    screen.line(f"allows:   {', '.join(sorted(shown.rights)) or 'nothing'}")
    screen.line(f"until:    {shapes.short(shown.until)}")
    threads = ["all"] if shown.threads is None else map(screen.on_one_line, shown.threads)
    screen.line(f"threads:  {', '.join(threads)}")
    screen.line(f"tool:     {'any' if shown.tool is None else screen.on_one_line(shown.tool)}")
    screen.line(f"weakened: {shown.weakened} times")


def _row(info: PermitInfo) -> tuple[str, ...]:
    rights = ", ".join(sorted(info.rights))
    return info.id, info.subject, info.persona, info.place, rights, shapes.short(info.until)
