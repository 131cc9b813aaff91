"""`severance threshold`: rules with conditions of who wakes where."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from severance.cli import options, rulefile, screen, shapes, words
from severance.cli.edge import Edge
from severance.errors import InputError
from severance.governing import check_thresholds
from severance.model import Explanation

HELP = "Rules of who wakes where, under which conditions. A file in TOML declares them."

_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Rules and limits, in TOML; - reads standard input.", show_default=False)
]


def apply(
    ctx: typer.Context,
    file: _File,
    dry_run: options.DryRun = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Also let a file without any rule hold, so that nobody wakes anywhere.")
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Let the rules and limits in a file hold from now on, and no others. Shows what changes.

    What is not in the file ends, also what `severance place` made. An error changes nothing. Sessions that the rules
    no longer wake end at their next call. Commands that the file names may be run on this machine from then on.
    """
    edge = Edge(ctx, store, key, as_json)
    text = rulefile.text_of(file)
    with edge.house() as house, rulefile.named(file):
        found = house.apply_thresholds(text, dry=dry_run, empty=empty)
    rulefile.show_changes(edge, found, dry=dry_run)


def show(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Print the rules and limits that hold, as the TOML that `threshold apply` takes."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        text = house.thresholds()
    rulefile.show_toml(edge, text)


def check(ctx: typer.Context, file: _File, as_json: options.AsJson = False) -> None:
    """Check a file of rules and limits, without a store and without a key."""
    edge = Edge(ctx, None, None, as_json)
    text = rulefile.text_of(file)
    with rulefile.named(file):
        count = check_thresholds(text)
    if edge.as_json:
        screen.document({"rules": count})
    else:
        screen.line(f"{count} rules, all of which can be meant. Whether the personas exist, `threshold apply` looks.")


def explain(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Whose persona.", show_default=False)],
    at: options.At = None,
    when: Annotated[
        str | None,
        typer.Option(
            "--when", metavar="TIME", help="As if it were then; a time without a zone is UTC.", show_default=False
        ),
    ] = None,
    application: Annotated[
        str | None,
        typer.Option("--application", metavar="NAME", help="As if this program crossed.", show_default=False),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", metavar="ZONE", help="Show times in this zone; else in that of the rules.", show_default=False
        ),
    ] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell who wakes at a place and why, on this machine. Nobody is woken for it."""
    edge = Edge(ctx, store, key, as_json)
    if not at:
        raise InputError("say where, with --at PLACE or SEVERANCE_PLACE; `severance status` lists the places")
    with edge.house() as house:
        found = house.explain(subject, at, when=when, application=application, zone=zone)
    if edge.as_json:
        screen.document(shapes.of_explanation(found))
    else:
        _tell(found, found.zone)


def _tell(found: Explanation, zone: str) -> None:
    if not found.rules:
        screen.line(f"Nobody of {found.subject} wakes at {found.place}: no rule names both.")
        return
    decided = next((rule for rule in found.rules if rule.holds), None)
    if decided is None:
        screen.line(f"Nobody of {found.subject} wakes at {found.place}.")
    elif found.spent is not None and found.budget is not None and found.free is not None:
        screen.line(
            f"Nobody of {found.subject} wakes at {found.place}: {found.spent} would, but the"
            f" {words.written(found.budget)} that it may be awake on that day are used up. It may wake again from"
            f" {_local(found.free, zone)}."
        )
    else:
        why = "; ".join(why for _, why in decided.conditions) or "its rule has no conditions"
        screen.line(f"{found.persona} wakes, because {why}.")
        if found.budget is not None:
            screen.line(
                f"Of the {words.written(found.budget)} that it may be awake on that day, "
                f"{words.written(found.awake)} are used up."
            )
    for rule in found.rules:
        if not rule.holds:
            reasons = "; ".join(why for holds, why in rule.conditions if not holds)
            screen.line(f"{rule.persona} does not: {reasons}.")
        elif rule is not decided:
            screen.line(f"{rule.persona} would, were no rule before it.")
    for persona, time in found.later.items():
        screen.line(f"{persona} would wake after {_local(time, zone)}.")
    if found.until is not None:
        screen.line(f"This holds until {_local(found.until, zone)}.")


def _local(time: datetime, zone: str) -> str:
    """A time as a clock on a wall there shows it."""
    try:
        return f"{time.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} {zone}"
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a rule of another machine's
        return shapes.short(time)
