"""What the owner of the house can do in a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from severance.barrier.traces.observing import observed, plain
from severance.barrier.traces.people import WORLD, Who
from severance.barrier.traces.ports import KEY
from severance.barrier.traces.seats import PROGRAM
from severance.barrier.traces.steps import owner_step
from severance.barrier.traces.world import Awake, World
from severance.errors import NotFoundError
from severance.house import House
from severance.model import Right
from severance.upkeep.backup import restore
from severance.upkeep.logs import accept_audit, verify_export
from severance.weakening import show, weaken


@owner_step("House.cross", "Session.subject", "Session.persona", "Session.place")
def cross(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Whoever wakes there gets one more session."""
    house, seat = world.house(args["desk"]), (args["subject"], args["place"])
    if args.get("by") == "permit":
        session = house.admit(house.permit(*seat, rights=tuple(Right), until=timedelta(days=365)))
    elif args.get("by") == "credential":
        session = house.admit(_credential(house, *seat))
    else:
        session = house.cross(*seat)
    who = (session.subject, session.persona)
    content, ids = world.contents[who], world.ids[who]
    session = world.reached(session, who)
    world.awake[who].append(Awake(who, session, content, ids))
    return {who: (*who, session.place, repr(session))}


def _credential(house: House, subject: str, place: str) -> str:
    """One for a program; what is none, where there is no such subject or place: why is the owner's to know."""
    try:
        return house.register(subject, place, PROGRAM)
    except NotFoundError:
        return "none"


@owner_step(
    "House.permit",
    "House.permits",
    "House.register",
    "House.credentials",
    "House.revoke",
    "House.admit",
    "House.clock",
    "House.accept_clock",
    "severance.weaken",
)
def let_in(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Somebody comes with a permit, is sent away, and comes with a credential, which is revoked as well."""
    house, seat = world.house(), (args["subject"], args["place"])
    permit = weaken(house.permit(*seat, rights=["recall"], until=timedelta(hours=1)), threads=["monday"])
    secret = house.register(*seat, PROGRAM)
    seen: list[Any] = [show(permit).id]  # Biscuit draws keys of its own, so that no text of a permit comes again
    with house.admit(permit) as session:
        who = (session.subject, session.persona)
        permits = [info for info in house.permits() if (info.subject, info.persona) == who]
        credentials = [info for info in house.credentials() if (info.subject, info.place) == seat]
        # A credential is for whoever wakes there: how many there are, and so their ids, follows from all of them.
        seen += [plain(permits), plain([replace(each, id="") for each in credentials[-1:]])]
        for made in [each.id for each in permits[-1:]] + [each.id for each in credentials[-1:]]:
            house.revoke(made)
        seen.append(observed(lambda: session.recall("who")))
    seen += [observed(lambda: house.admit(permit)), observed(lambda: house.admit(secret))]
    house.accept_clock()
    return {who: (*seen, house.clock().isoformat())}


@owner_step("House.sever")
def sever(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Say again who there is, and once somebody new."""
    there = world.there(args["subject"], args["names"])
    found = world.house().sever(args["subject"], there) if there else []
    return {(persona.subject, persona.name): persona.name for persona in found}


@owner_step("House.place", "House.thresholds", "House.apply_thresholds")
def place(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Move a threshold, and say all of them again."""
    found = world.place(args["place"], args["wakes"], world.house().place)
    world.house().apply_thresholds(world.house().thresholds())
    return {who: found.name for who in found.wakes.items() if who[0] in args["wakes"]}


@owner_step()
def govern(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Rules with conditions, for a subject at a place. Each persona of it sees whether it wakes there now."""
    subject, place = args["subject"], args["place"]
    world.seats.govern(place, subject, args["rules"])
    world.house().place(place, {})  # also where nobody is left whom the rules are for
    world.house().apply_thresholds(world.rules)
    woken = {
        world.house().explain(subject, place).persona,
        world.house().explain(subject, place, application=PROGRAM).persona,
    }
    return {(subject, name): name in woken for name in world.there(subject, WORLD[subject])}


@owner_step()
def limit(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Limits of a subject: one awake at a time, and so much time a day. Each persona of it sees its own."""
    subject, limits = args["subject"], args["limits"]
    world.seats.limit(subject, limits)
    world.house().apply_thresholds(world.rules)
    there = [who for who in world.house().status().personas if who.subject == subject]
    return {(subject, who.name): who.budget for who in there}


@owner_step(
    "House.status",
    "House.explain",
    "House.events",
    "House.verify_audit",
    "House.audit_checkpoint",
    "House.export_audit",
    "severance.verify_export",
)
def status(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Each persona as it looks from outside, whether it would wake where it first may, and what the log has of it."""
    house, found = world.house(), dict[Who | None, Any]()
    house.verify_audit()
    house.audit_checkpoint()
    export = world.folder / "audit.jsonl"
    try:
        with export.open("wb") as out:
            house.export_audit(out)
        verify_export(export)
    finally:
        export.unlink(missing_ok=True)
    events = house.events(limit=1_000)
    for each in house.status().personas:
        woken = [house.explain(each.subject, place).persona == each.name for place in each.places[:1]]
        own = [event for event in events if (event.subject, event.persona) == (each.subject, each.name)]
        found[each.subject, each.name] = (plain(each), woken, [(event.at, event.what, event.place) for event in own])
    return found


@owner_step("House.check")
def check(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Nothing is ever wrong here."""
    return {None: plain(world.house().check())}


@owner_step("House.salvage")
def salvage(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """What could be saved of each persona."""
    return {(who.subject, who.name): plain(found) for who, found in world.house().salvage()}


@owner_step("House.backup")
def backup(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A copy of everything sealed, of which no persona sees anything."""
    path = world.next_backup(chip=args["chip"])
    return {None: world.house().backup(path, chip=args["chip"]).chip}


@owner_step("severance.restore")
def put_back(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """The vault as it was at the last backup without chip; the chip stays, and with it the thresholds. All sleep.

    An older vault is always accepted. Whether one would be refused depends on what everybody has remembered since: a
    backup is of the whole store, and what becomes of putting it back is for the owner to see.
    """
    if world.backup is None:
        world.house().backup(world.next_backup(chip=False), chip=False)
    path = world.backup
    try:
        world.close()
        done = restore(
            str(path), world.store, key=KEY, replace=True, accept_older=True, clock=world.clock, entropy=world.entropy
        )
        return {None: done.chip}
    finally:
        world.furnish()


@owner_step("severance.accept_audit")
def accept(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Somebody takes the log away, and the owner accepts that: no persona has a past in it any more. All sleep."""
    try:
        world.close()
        for file in world.store.glob("audit.db*"):
            file.unlink()
        done = accept_audit(world.store, key=KEY, clock=world.clock, entropy=world.entropy)
        return {None: done.begun}
    finally:
        world.furnish()


@owner_step("House.reembed", "House.embedder")
def reembed(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Another process embeds everything anew; whoever is awake here finds out."""
    world.dimensions = args["dimensions"]
    world.house(1).close()
    elsewhere = world.houses[1] = world.open(world.dimensions)
    elsewhere.reembed()
    return {None: elsewhere.embedder.identity}


@owner_step("severance.open", "House.close")
def restart(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Close the house, and open it again. Everyone sleeps."""
    try:
        world.close()
    finally:
        world.furnish()
    return {}


@owner_step()
def crash(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """The process ends without a word, at times in the middle of what a persona was doing."""
    world.crash(args["during"], args["at"])
    return {}
