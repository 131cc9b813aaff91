"""What can be typed in a trace: every command of the command line, by a persona at its place or by the owner.

A persona observes what a user of the command does: exit code, standard output and standard error. Of what the owner
types, each persona observes what is said of it; sums over everybody are the owner's alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from severance.barrier.traces.by_session import fields_of, filters_of
from severance.barrier.traces.people import Who
from severance.barrier.traces.ports import NOON, SECOND
from severance.barrier.traces.seats import PROGRAM
from severance.barrier.traces.steps import owner_step, typed_step
from severance.barrier.traces.world import World

_OPTIONS = {"at": "--when", "as_of": "--as-of", "metadata": "--meta"}


@typed_step("severance remember")
def type_remember(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """One memory, its text on standard input."""
    content = world.contents[who]
    options = _options(fields_of(content, args))
    return _typed(world, who, args, "remember", "-", *options, stdin=content.text(args["words"]))


@typed_step("severance recall")
def type_recall(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """Recollections."""
    content = world.contents[who]
    options = _options(filters_of(content, args))
    return _typed(
        world, who, args, "recall", "-", "--limit", str(args["limit"]), *options, stdin=content.text(args["words"])
    )


@typed_step("severance context")
def type_context(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """A block for a prompt."""
    content = world.contents[who]
    options = _options(filters_of(content, args))
    return _typed(
        world, who, args, "context", "-", "--tokens", str(args["tokens"]), *options, stdin=content.text(args["words"])
    )


@typed_step("severance forget")
def type_forget(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """One is gone."""
    return _typed(world, who, args, "forget", "--yes", "--", world.id_of(who, args))


@typed_step("severance amend")
def type_amend(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """A new version of one."""
    content = world.contents[who]
    options = _options(fields_of(content, args))
    return _typed(
        world, who, args, "amend", *options, "--", world.id_of(who, args), "-", stdin=content.text(args["words"])
    )


@typed_step("severance history")
def type_history(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """All versions of one."""
    return _typed(world, who, args, "history", "--", world.id_of(who, args))


@typed_step("severance import")
def type_import(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """A file of memories; none at all now and then."""
    content = world.contents[who]
    fields = fields_of(content, args)
    path = world.folder / f"brought-{who[1]}.jsonl"
    lines = [json.dumps({"text": content.text(words), **fields}) for words in args["many"]]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    os.utime(path, (NOON // SECOND, NOON // SECOND))
    try:
        return _typed(world, who, args, "import", str(path), "--format", "jsonl")
    finally:
        path.unlink()


@typed_step("severance export")
def type_export(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """Everything, to standard output."""
    return _typed(world, who, args, "export")


@typed_step("severance events")
def type_events(world: World, who: Who, args: Mapping[str, Any]) -> Any:
    """What the log has of the persona."""
    return _typed(world, who, args, "events", "--limit", str(args["limit"]))


@owner_step("severance init")
def type_init(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """There is a store already."""
    return {None: world.command("init")}


@owner_step("severance sever")
def type_sever(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Say again who there is."""
    there = world.there(args["subject"], args["names"])
    ran = world.command("sever", args["subject"], *there, "--json") if there else None
    return {(args["subject"], name): ran[0] for name in json.loads(ran[1])["personas"]} if ran else {}


@owner_step("severance place", "severance threshold show", "severance threshold apply", "severance threshold explain")
def type_place(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Move a threshold, say all of them again, and ask why somebody wakes there."""
    if world.ports.commands is None:
        world.place(args["place"], args["wakes"], world.house().place)
        return {}

    def declare(name: str, wakes: Mapping[str, str | None]) -> Any:
        return world.command("place", name, *(f"{s}={p or ''}" for s, p in wakes.items()), "--json")

    code, out, _ = world.place(args["place"], args["wakes"], declare)
    rules = world.folder / "rules.toml"
    rules.write_text(json.loads(world.command("threshold", "show", "--json")[1])["toml"], encoding="utf-8")
    world.command("threshold", "apply", str(rules), "--json")
    rules.unlink()
    seen = dict[Who | None, Any]()
    for who in [who for who in json.loads(out)["wakes"].items() if who[0] in args["wakes"]]:
        seen[who] = (code, world.command("threshold", "explain", who[0], "--at", args["place"], "--json"))
    return seen


@owner_step(
    "severance permit make",
    "severance permit list",
    "severance permit revoke",
    "severance credential make",
    "severance credential list",
    "severance credential revoke",
    "severance clock show",
    "severance clock accept",
)
def type_let_in(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A permit and a credential are made, listed and revoked; whoever they are for sees those that are its own."""
    subject, place = args["subject"], args["place"]
    made = world.command("permit", "make", subject, "--at", place, "--rights", "recall", "--for", "8h", "--json")
    if made is None or made[0] != 0:
        return {}
    credential = world.command("credential", "make", place, "--for", subject, "--name", PROGRAM, "--json")
    permits = json.loads(world.command("permit", "list", "--json")[1])["permits"]
    who = subject, [each for each in permits if (each["subject"], each["place"]) == (subject, place)][-1]["persona"]
    own = [info for info in permits if (info["subject"], info["persona"]) == who]
    listed = json.loads(world.command("credential", "list", "--json")[1])["credentials"]
    theirs = [info for info in listed if (info["subject"], info["place"]) == (subject, place)]
    ends = [world.command(kind, "revoke", each[-1]["id"]) for kind, each in (("permit", own), ("credential", theirs))]
    clock = [world.command("clock", word)[0] for word in ("show", "accept")]
    newest = {name: value for name, value in theirs[-1].items() if name != "id"}
    return {who: (made[0], credential[0], own, newest, ends, clock)}


@owner_step("severance status", "severance audit show", "severance audit verify", "severance audit export")
def type_status(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Each persona as it looks from outside, and what the audit log has of it."""
    ran, verified = world.command("status", "--json"), world.command("audit", "verify", "--json")
    if not ran:
        return {}
    events = json.loads(world.command("audit", "show", "--limit", "1000", "--json")[1])["events"]
    seen: dict[Who | None, Any] = {None: (verified[0], world.command("audit", "export")[0])}
    for persona in json.loads(ran[1])["personas"]:
        who = persona["subject"], persona["persona"]
        own = [event for event in events if (event["subject"], event["persona"]) == who]
        seen[who] = (persona, [(event["at"], event["what"], event["place"]) for event in own])
    return seen


@owner_step("severance check")
def type_check(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Nothing is ever wrong here, and of each persona so much could be saved."""
    path = world.folder / "saved.zip"
    ran = world.command("check", "--salvage", str(path), "--json")
    path.unlink(missing_ok=True)
    if not ran:
        return {}
    found = json.loads(ran[1])
    seen: dict[Who | None, Any] = {(p["subject"], p["persona"]): p["memories"] for p in found["salvaged"]["personas"]}
    return {**seen, None: (ran[0], found["intact"], ran[2])}


@owner_step("severance backup")
def type_backup(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A copy of everything sealed, of which no persona sees anything."""
    if world.ports.commands is None:
        return {}
    without = () if args["chip"] else ("--without-chip",)
    ran = world.command("backup", str(world.next_backup(chip=args["chip"])), *without, "--json")
    return {None: (ran[0], ran[2])}


@owner_step("severance restore")
def type_restore(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A copy of everything is made, and put back as it is. Everyone sleeps."""
    path = world.next_backup(chip=True)
    world.house().backup(path)
    try:
        world.close()
        ran = world.command("restore", str(path), "--replace", "--json")
    finally:
        path.unlink()
        world.furnish()
    return {None: (ran[0], ran[2])} if ran else {}


@owner_step("severance audit accept")
def type_accept(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Nothing is wrong with the log. Everyone sleeps."""
    try:
        world.close()
        ran = world.command("audit", "accept")
    finally:
        world.furnish()
    return {None: (ran[0], ran[2])} if ran else {}


@owner_step("severance reembed")
def type_reembed(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Everything is embedded already."""
    ran = world.command("reembed", "--json")
    return {None: (ran[0], ran[2])} if ran else {}


def _typed(world: World, who: Who, args: Mapping[str, Any], *words: str, stdin: str = "") -> Any:
    """What a persona sees of a command at its place; ids that it is told are in its hands from then on."""
    where = ("--at", world.where(who), "--subject", who[0])
    told = [*where, *(["--json"] if args["json"] else [])]
    ran = world.command(words[0], *told, *words[1:], stdin=stdin, by=who)
    if ran and args["json"] and ran[1].startswith('{"memory"'):
        world.ids[who].append(json.loads(ran[1])["memory"]["id"])
    return ran


def _options(fields: Mapping[str, Any]) -> list[str]:
    """Fields or filters as options of a command."""
    found: list[str] = []
    for name, value in fields.items():
        if isinstance(value, Mapping):
            option = "--where" if name == "where" else "--meta"
            found += [part for key, each in value.items() for part in (option, f"{key}={json.dumps(each)}")]
        elif name == "pinned":
            found += ["--pin"] if value else []
        else:
            found += [_OPTIONS.get(name, f"--{name}"), value]
    return found
