"""`severance audit`: the log of what happened at the door, which cannot be quietly rewritten."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from severance import accept_audit, verify_export
from severance.cli import options, screen, shapes
from severance.cli.edge import Edge
from severance.cli.newfile import new_file
from severance.errors import InputError
from severance.model import ExportCheck

_What = Annotated[
    str | None,
    typer.Option(
        "--what",
        metavar="KIND",
        help="Only these, such as crossed or refused; any other word is answered with a list.",
        show_default=False,
    ),
]
_Witness = Annotated[
    list[str] | None,
    typer.Option(
        "--witness",
        metavar="SPEC",
        help="Hold it against what this witness has seen, and give it the newest checkpoint to keep: file:PATH, "
        "git:PATH for a repository, or https://... for a service. Can be given several times.",
        show_default=False,
    ),
]

HELP = "The log of what happened at the door: who crossed where, and what was refused. It has no memories."


def show(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many entries, the last ones.")] = 100,
    what: _What = None,
    since: options.Since = None,
    until: options.Until = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Show the last entries, the oldest first. Only the owner can: it names personas."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.events(limit=limit, what=what, since=since, until=until)
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
    witness: _Witness = None,
    known: Annotated[
        bool, typer.Option("--known", help="Each witness must have seen this log before; one that was emptied has not.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Verify this export and not the store's log; neither a store nor a key is needed.",
            show_default=False,
        ),
    ] = None,
    verifier: Annotated[
        str | None,
        typer.Option(
            "--verifier",
            metavar="KEY",
            help="With --export: the verifier key of the log, as its owner published it.",
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
    if export is not None:
        if witness:
            raise InputError("an export has no witness; verify the log itself against it")
        _tell_export(verify_export(export, verifier=verifier), edge)
        return
    if verifier is not None:
        raise InputError("--verifier goes with --export; the store knows its own")
    with edge.house() as house:
        found = house.verify_audit(witness or (), known=known)
    if edge.as_json:
        screen.document(shapes.of_audit_check(found))
        return
    screen.line(f"{found.size:,} entries, as they were written. Root {found.root[:16]}, {shapes.short(found.at)}.")
    if old := len(found.witnesses) - len(found.new):
        screen.line(f"The log goes on from what {old} witness(es) had seen; they have this one now.")
    for each in found.new:
        screen.line(f"{each} had seen nothing of this log, and could tell nothing; it has this one now.")
    if not found.witnesses:
        screen.line("No witness was asked: a log that was cut together with its checkpoint would look the same.")


def export(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A new file; without it, standard output.", show_default=False),
    ] = None,
    what: _What = None,
    since: options.Since = None,
    until: options.Until = None,
    force: options.ReplaceFile = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Write entries so that anybody can verify them: `severance audit verify --export FILE`, without a store or a key.

    What they say, names of personas and places included, is not sealed there. A file gets mode 0600.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        wanted = {"what": what, "since": since, "until": until}
        if file is None or str(file) == "-":
            house.export_audit(sys.stdout.buffer, **wanted)
            sys.stdout.buffer.flush()
            return
        with new_file(file, force=force) as out:
            count = house.export_audit(out, **wanted)
    if edge.as_json:
        screen.document({"file": str(file), "entries": count})
    else:
        screen.line(f"Exported {count:,} entries to {file}. They are not sealed there.")


def accept(
    ctx: typer.Context,
    witness: Annotated[
        list[str] | None,
        typer.Option(
            "--witness",
            metavar="SPEC",
            help="Let this witness forget what it has seen, and keep the log as it is. Can be given several times.",
            show_default=False,
        ),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Accept the log as it is, when the store does not open because the log is gone, or was cut or altered.

    Say this only when you know why: its next entry tells that you did. A log that cannot be read is put aside, and a
    new one begins.
    """
    edge = Edge(ctx, store, key, as_json)
    found = accept_audit(edge.store, key=edge.key, witnesses=witness or (), **edge.ports)
    if edge.as_json:
        screen.document(shapes.of_audit_accepted(found))
    elif not found.changed:
        screen.line(f"There is nothing to accept: the audit log has its {found.entries:,} entries, and goes on.")
    elif found.begun:
        aside = "what was there has .before-accept in its name" if found.aside else "of the one before nothing is there"
        screen.line(f"The audit log begins anew, and says so; {aside}.")
    else:
        screen.line(f"The audit log goes on after {found.entries:,} entries.")


def _tell_export(found: ExportCheck, edge: Edge) -> None:
    if edge.as_json:
        screen.document(shapes.of_export_check(found))
        return
    screen.line(f"{found.entries:,} of {found.size:,} entries, as they are in the log. {shapes.short(found.at)}.")
    if found.known:
        screen.line("The checkpoint was signed by the key that was given.")
    else:
        screen.line(f"The file itself names the key that has signed it; compare it with the owner's: {found.verifier}")
