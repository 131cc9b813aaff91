"""`severance alarm`: what rings where, what waits, and whether sinks can be reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from severance.alarming import check_alarms
from severance.cli import exits, options, rulefile, screen, shapes
from severance.cli.edge import Edge
from severance.model import AlarmGroup

HELP = "Alarms: what somebody should hear of at once. A file in TOML declares sinks and rules."

_File = Annotated[
    Path, typer.Argument(metavar="FILE", help="Sinks and rules, in TOML; - reads standard input.", show_default=False)
]


def apply(
    ctx: typer.Context,
    file: _File,
    dry_run: options.DryRun = False,
    empty: Annotated[
        bool, typer.Option("--empty", help="Also let a file without any rule hold, so that nobody is told of anything.")
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Let the sinks and rules in a file hold from now on, and no others. Shows what changes.

    An error changes nothing. Commands that the file names may be run on this machine from then on.
    """
    edge = Edge(ctx, store, key, as_json)
    text = rulefile.text_of(file)
    with edge.house() as house, rulefile.named(file):
        found = house.apply_alarms(text, dry=dry_run, empty=empty)
    rulefile.show_changes(edge, found, dry=dry_run)


def show(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Print the sinks and rules that hold, as the TOML that `alarm apply` takes."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        text = house.alarms()
    rulefile.show_toml(edge, text)


def check(ctx: typer.Context, file: _File, as_json: options.AsJson = False) -> None:
    """Check a file of sinks and rules, without a store and without a key."""
    edge = Edge(ctx, None, None, as_json)
    text = rulefile.text_of(file)
    with rulefile.named(file):
        count = check_alarms(text)
    if edge.as_json:
        screen.document({"rules": count})
    elif not count:
        screen.line(
            "There is no rule in it: nobody would be told of anything, and `alarm apply` takes it with --empty."
        )
    else:
        screen.line(f"{count} rules, all of which can be meant. Whether a sink can be reached, `alarm test` looks.")


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List what rings where, without addresses, which may have passwords in them."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.alarm_rules()
    if edge.as_json:
        sinks = [{"sink": name, "what": what} for name, what in found.sinks.items()]
        screen.document({"sinks": sinks, "rules": list(found.rules)})
        return
    for name, what in found.sinks.items():
        screen.line(f"{name}: {what}")
    for rule in found.rules:
        screen.line(f"rings: {rule}")


def status(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Show what was told lately, and what waits for which sink and why."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.alarm_status()
    if edge.as_json:
        screen.document(shapes.of_alarm_status(found))
        return
    for each in found.told:
        screen.line(f"{shapes.short(each.at)} to {each.sink}: {_sentence(each.alarm)}")
    for sink in found.sinks:
        why = f", which {sink.why} ({sink.tries} tries)" if sink.why else ""
        when = "" if sink.due is None else f", next at {shapes.short(sink.due)}"
        for group in sink.waiting:
            screen.line(f"waits for {sink.sink}{why}{when}: {_sentence(group)}")
    if not found.told and not found.sinks:
        screen.line("Nothing has rung, and nothing waits.")


def tried(
    ctx: typer.Context,
    sink: Annotated[str | None, typer.Argument(metavar="[SINK]", help="Only this one.", show_default=False)] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Tell every sink that this is a test, and show what became of it. Ends with code 1 if one did not take it."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.test_alarms(sink)
    if edge.as_json:
        screen.document({"sinks": [{"sink": each.sink, "taken": not each.why, "why": each.why} for each in found]})
    else:
        for each in found:
            screen.line(f"{each.sink}: {each.why or 'took it'}")
    if any(each.why for each in found):
        raise typer.Exit(exits.FAILED)


def secret(
    ctx: typer.Context,
    sink: Annotated[str, typer.Argument(metavar="SINK", help="The name of a webhook.", show_default=False)],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Print what messages to a webhook are signed with, in base64, for whoever receives them.

    It follows from the root key and the name of the sink, and is in no file. A sink of another name has another.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.alarm_secret(sink)
    if edge.as_json:
        screen.document({"sink": sink, "secret": found})
    else:
        screen.line(found)


def _sentence(group: AlarmGroup) -> str:
    often = f"{group.count:,} times" if group.count > 1 else "once"
    named = {"subject": group.subject, "persona": group.persona, "place": group.place}
    names = "".join(f", {what} {name}" for what, name in named.items() if name is not None)
    return f"{group.kind}, {often}, last at {shapes.short(group.last)}{names}"
