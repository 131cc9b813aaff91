"""`severance audit`: the log of what happened at the door, which cannot be quietly rewritten."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from severance.cli import options, screen, shapes
from severance.cli.edge import Edge

HELP = "The log of what happened at the door: who crossed where, and what was refused. It has no memories."


def show(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many entries, the last ones.")] = 100,
    what: Annotated[
        str | None,
        typer.Option("--what", metavar="KIND", help="Only these, such as crossed or refused.", show_default=False),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the last entries, the oldest first. Only the owner can: it names personas."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.events(limit=limit, what=what)
    if edge.as_json:
        screen.document({"events": [shapes.of_event(event) for event in found]})
        return
    if not found:
        screen.line("There are no such entries.")
        return
    table = screen.table("n", "when", "what", "subject", "persona", "place", "more")
    for event in found:
        more = [event.id or "", *(f"{name}={value}" for name, value in event.detail.items())]
        names = (event.subject or "", event.persona or "", event.place or "")
        refused = Text(event.what, style="yellow" if event.what == "refused" else "")
        table.add_row(str(event.number), shapes.short(event.at), refused, *names, " ".join(filter(None, more)))
    screen.console().print(table)


def verify(
    ctx: typer.Context,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            "--witness",
            metavar="SPEC",
            help="Hold it against what this witness has seen, and give it the newest checkpoint to keep: file:PATH, or "
            "git:PATH for a repository. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Compute the whole log anew and hold it against its signed checkpoint. Ends with code 4 if it was altered.

    A log that somebody cut or rewrote together with its checkpoint is noticed by a witness only: a file on another
    machine, or a repository that is pushed elsewhere.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.verify_audit(witness or ())
    if edge.as_json:
        screen.document(shapes.of_audit_check(found))
        return
    screen.line(f"{found.size:,} entries, as they were written. Root {found.root[:16]}, {shapes.short(found.at)}.")
    if found.witnesses:
        screen.line(f"The log goes on from what {len(found.witnesses)} witness(es) had seen; they have this one now.")
    else:
        screen.line("No witness was asked: a log that was cut together with its checkpoint would look the same.")
