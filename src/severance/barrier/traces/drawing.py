"""Steps at random, from any `random.Random`: hypothesis gives one that it can shrink, a seed gives always the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from severance.barrier.traces.content import DISLIKED, FIRST_WORDS
from severance.barrier.traces.fuse import AFTER, BEFORE, BUSY, CANCELLED, CLOCK, EMBED, FAILING, FULL
from severance.barrier.traces.people import EVERYONE, PLACE_NAMES, PLACES, WORLD, Who
from severance.barrier.traces.ports import FEW, OTHER
from severance.barrier.traces.seats import ZONES, Limits, Rule
from severance.barrier.traces.steps import Step
from severance.model import MAX_TEXT_BYTES

_TIMES = ("2024-06-01", "2024-06-01T12:10", "2024-06-01T12:25+00:00", "2024-01-05", "2024-06-02", "soon")
_VALUES = (0, 1, 2, True, False, None, 1.0, 2.5, 7)
_LONG = (50_000, MAX_TEXT_BYTES, MAX_TEXT_BYTES + 1_000)
"""Bytes: more than most, as many as a memory may have, and too many."""

_BULK = 300

CROWD = 10_000
"""Memories of the one persona in a crowded trace that holds many."""

_AT_ONCE = 2_500


def _words(r: Random) -> list[int]:
    if r.randrange(12) == 0:
        return [DISLIKED, DISLIKED, DISLIKED]
    if r.randrange(80) == 0:
        return [r.randrange(DISLIKED), r.randrange(DISLIKED), -r.choice(_LONG)]
    many = r.choice((0, 1, 2, 3, 3, 3, 4, 4, 5, 5, 6)) if r.randrange(10) else r.choice((40, 90, 200))
    return [r.randrange(len(FIRST_WORDS)) for _ in range(many)]


def _question(r: Random) -> dict[str, Any]:
    if r.randrange(2):
        return {"words": _words(r), "limit": r.choice((1, 3, 10, 0, 1_000)), **_filters(r)}
    return {"words": r.choice(([0], [1, 2], [0, 1, 3])), "limit": 10}  # so that several personas ask the same


def _time(r: Random) -> str | None:
    return r.choice(_TIMES) if r.randrange(6) == 0 else None


def _label(r: Random) -> int | None:
    return r.randrange(3) if r.randrange(2) else None


def _metadata(r: Random) -> list[tuple[int, Any]] | None:
    return [(r.randrange(3), r.choice(_VALUES)) for _ in range(r.randrange(3))] if r.randrange(3) == 0 else None


def _fields(r: Random) -> dict[str, Any]:
    pinned = r.choice((True, False)) if r.randrange(4) == 0 else None
    fields = {"at": _time(r), "thread": _label(r), "source": _label(r), "kind": _label(r), "pinned": pinned}
    return {**fields, "metadata": _metadata(r)}


def _filters(r: Random) -> dict[str, Any]:
    times = {name: _time(r) if r.randrange(2) else None for name in ("since", "until", "as_of")}
    return {**times, "thread": _label(r) if r.randrange(3) == 0 else None, "metadata": _metadata(r)}


def _id(r: Random) -> dict[str, Any]:
    return {"id": (r.choice(("own", "own", "own", "other", "odd", "nobody")), r.randrange(20))}


def _nothing(r: Random) -> dict[str, Any]:
    return {}


def _wakes(r: Random) -> dict[str, Any]:
    subject = r.choice(tuple(WORLD))
    return {"place": r.choice(PLACE_NAMES[:-1]), "wakes": {subject: r.choice((*WORLD[subject], None))}}


def _severed(r: Random) -> dict[str, Any]:
    subject = r.choice(tuple(WORLD))
    return {"subject": subject, "names": [*WORLD[subject], *r.choice(((), ("third",)))]}


def _cut(r: Random, one_in: int = 10) -> tuple[str, int, str] | None:
    """Where a call is cut short, at which time that it gets there, and how. Mostly not at all."""
    if r.randrange(one_in):
        return None
    where = r.choice((BEFORE, BEFORE, AFTER, EMBED, CLOCK))
    if where == BEFORE:
        return where, r.randrange(12), r.choice((CANCELLED, FULL, FAILING, BUSY))
    if where == EMBED:
        return where, 0, r.choice((CANCELLED, FAILING))
    return where, r.randrange(10) if where == AFTER else 0, CANCELLED


def _crash(r: Random) -> dict[str, Any]:
    during = by_session(r, r.choice(tuple(BY_SESSION))) if r.randrange(2) else None
    return {"during": during, "at": (r.choice((BEFORE, AFTER)), r.randrange(12))}


def _crossing(r: Random) -> dict[str, Any]:
    desk = r.choice((0, 0, 1))
    return {"subject": r.choice(tuple(WORLD)), "place": r.choice(PLACE_NAMES), "desk": desk, "cut": _cut(r), **_by(r)}


def _by(r: Random) -> dict[str, Any]:
    """With what somebody comes to the door, now and then."""
    return {"by": r.choice(("permit", "credential"))} if r.randrange(3) == 0 else {}


def _limit(r: Random) -> dict[str, Any]:
    return {"limit": r.choice((1, 3, 100))}


def _seat(r: Random) -> dict[str, Any]:
    return {"subject": r.choice(tuple(WORLD)), "place": r.choice(PLACE_NAMES)}


def _rules(r: Random) -> dict[str, Any]:
    """For hours one after the other, or for a program and for the owner, so that no two hold at the same time."""
    subject, place = r.choice(tuple(WORLD)), r.choice(PLACE_NAMES[:-1])
    first, *others = r.sample(WORLD[subject], len(WORLD[subject]))
    zone, start = r.choice(tuple(ZONES)), r.choice((0, 0, r.randrange(40)))
    turn = start + r.randrange(1, 60)
    if r.randrange(2):
        later = tuple(Rule(other, (turn, turn + r.randrange(1, 60)), zone) for other in others)
        return {"subject": subject, "place": place, "rules": (Rule(first, (start, turn), zone), *later)}
    return {"subject": subject, "place": place, "rules": (Rule(first, program=True), *map(Rule, others))}


def _limits(r: Random) -> dict[str, Any]:
    """Of a subject with one persona it may be that one is awake at a time; of another, its personas would notice."""
    subject = r.choice(tuple(WORLD))
    names, zone = WORLD[subject], r.choice(tuple(ZONES))
    budgets = {r.choice(names): r.choice((2, 10, 40))} if r.randrange(2) else {}
    return {"subject": subject, "limits": Limits(len(names) == 1 and r.randrange(2) == 0, budgets, zone)}


Arguments = Callable[[Random], Mapping[str, Any]]

BY_OWNER: Mapping[str, tuple[float, Arguments]] = {
    "cross": (12, _crossing),
    "let_in": (1, _seat),
    "sever": (1, _severed),
    "place": (3, _wakes),
    "govern": (3, _rules),
    "limit": (3, _limits),
    "status": (2, _nothing),
    "check": (1, _nothing),
    "salvage": (1, _nothing),
    "backup": (1, lambda r: {"chip": r.choice((True, False))}),
    "put_back": (0.7, _nothing),
    "reembed": (1, lambda r: {"dimensions": r.choice((FEW, OTHER))}),
    "accept": (0.3, _nothing),
    "restart": (3, _nothing),
    "crash": (2, _crash),
    "escrow": (2, lambda r: {"all": r.randrange(4) > 0}),
    "override": (1.5, lambda r: {"whom": r.choice(EVERYONE), "approved": r.randrange(4) > 0}),
    "canary": (1, _seat),
    "alarms": (0.7, lambda r: {"number": r.randrange(3)}),
    "type_alarm": (0.2, lambda r: {"number": r.randrange(3)}),
    "type_canary": (0.3, _seat),
    "type_override": (0.4, lambda r: {"whom": r.choice(EVERYONE), "approved": r.randrange(4) > 0}),
    "type_init": (0.2, _nothing),
    "type_let_in": (0.3, _seat),
    "type_sever": (0.2, _severed),
    "type_place": (0.5, _wakes),
    "type_status": (0.3, _nothing),
    "type_check": (0.2, _nothing),
    "type_backup": (0.2, lambda r: {"chip": r.choice((True, False))}),
    "type_restore": (0.2, _nothing),
    "type_accept": (0.2, _nothing),
    "type_reembed": (0.2, _nothing),
}
"""For each thing that the owner does, how often, and with which arguments."""

BY_SESSION: Mapping[str, tuple[float, Arguments]] = {
    "remember": (24, lambda r: {"words": _words(r), **_fields(r)}),
    "remember_many": (5, lambda r: {"many": [_words(r) for _ in range(r.randrange(4))], **_fields(r)}),
    "bulk": (0.4, lambda r: {"first": r.choice((0, 0, 150)), "count": _BULK, "kind": _label(r)}),
    "recall": (16, _question),
    "context": (4, lambda r: {"words": _words(r), "tokens": r.choice((16, 60, 1_000, 100_000, 1)), **_filters(r)}),
    "memories": (5, _filters),
    "get": (5, _id),
    "history": (4, _id),
    "amend": (8, lambda r: {"words": _words(r), **_id(r), **_fields(r)}),
    "forget": (6, _id),
    "stats": (4, _nothing),
    "notices": (2, _nothing),
    "events": (2, _limit),
    "carry": (0.7, _nothing),
    "sleep": (4, lambda r: {"held": r.randrange(4) == 0}),
    "leave": (2, _nothing),
    "abandon": (2, _nothing),
}
"""For each thing that is done with a session, how often, and with which arguments."""

BY_COMMAND: Mapping[str, tuple[float, Arguments]] = {
    "type_remember": (1, lambda r: {"words": _words(r), **_fields(r)}),
    "type_recall": (1, _question),
    "type_context": (0.5, lambda r: {"words": _words(r), "tokens": r.choice((16, 200, 100_000)), **_filters(r)}),
    "type_forget": (0.4, _id),
    "type_amend": (0.5, lambda r: {"words": _words(r), **_id(r), **_fields(r)}),
    "type_history": (0.4, _id),
    "type_import": (0.4, lambda r: {"many": [_words(r) for _ in range(r.randrange(4))], **_fields(r)}),
    "type_export": (0.4, _nothing),
    "type_events": (0.4, _limit),
}
"""For each command that a persona types, how often, and with which arguments."""

_CHOICES = [(name, each[0]) for given in (BY_OWNER, BY_SESSION, BY_COMMAND) for name, each in given.items()]
_NAMES, _WEIGHTS = zip(*_CHOICES, strict=True)


def by_owner(r: Random, name: str) -> Step:
    """One step of this name that the owner takes, or that is taken for the persona whom it names."""
    arguments = BY_OWNER[name][1](r)
    return Step(name, arguments.get("whom"), arguments)


def by_session(r: Random, name: str) -> Step:
    """One step of this name that a persona takes with its session."""
    arguments = {**BY_SESSION[name][1](r), "session": r.choice((-1, -1, 0, 1)), "cut": _cut(r)}
    return Step(name, r.choice(EVERYONE), arguments)


def step(r: Random) -> Step:
    """One step."""
    (name,) = r.choices(_NAMES, _WEIGHTS)
    if name in BY_OWNER:
        return by_owner(r, name)
    if name in BY_SESSION:
        return by_session(r, name)
    arguments = {**BY_COMMAND[name][1](r), "json": r.randrange(2) == 0, "cut": _cut(r, one_in=3)}
    return Step(name, r.choice(EVERYONE), arguments)


def trace(seed: int | Random, length: int = 60) -> list[Step]:
    """Always the same steps for a seed, after each persona has woken once."""
    r = seed if isinstance(seed, Random) else Random(seed)
    first = [(subject, place) for place, wakes in PLACES.items() for subject in wakes]
    crossings = [Step("cross", None, {"subject": s, "place": p, "desk": 0}) for s, p in first]
    return crossings + [step(r) for _ in range(length)]


def crowded(r: Random, length: int) -> tuple[Who, list[Step]]:
    """One persona comes to hold `CROWD` memories, and wakes again beside the others; and who that is.

    The others take so many steps with their sessions, before a restart and after it.
    """
    who = r.choice(EVERYONE)
    others = [other for other in EVERYONE if other != who]
    mine = {"session": -1, "cut": None}
    many = [Step("bulk", who, {**mine, "first": n, "count": _AT_ONCE, "kind": None}) for n in range(0, CROWD, _AT_ONCE)]
    again = [Step("recall", who, {**mine, "words": [0, 1], "limit": 10}), Step("stats", who, mine)]
    known = [Step("remember", other, {**mine, "words": [0, n]}) for other in others for n in range(1, 5)]
    names = [name for name in BY_SESSION if name != "bulk"]
    weights = [BY_SESSION[name][0] for name in names]

    def theirs() -> list[Step]:
        drawn = [replace(by_session(r, name), who=r.choice(others)) for name in r.choices(names, weights, k=length)]
        asked = [Step("recall", other, {**mine, "words": [0, 1], "limit": 10}) for other in others]
        return [*drawn, *asked]

    restart = Step("restart")
    return who, [*trace(r, 0), *known, *theirs(), *many, *theirs(), restart, *again, *theirs(), Step("status"), restart]


def apart(r: Random, length: int, left_out: str = "bulk") -> list[Step]:
    """Everybody wakes, remembers and asks; then so many steps, a restart in the middle, and everybody asks once more.

    For worlds in which each waking starts a process, so few wake; and for those in which sessions are reached over an
    edge. One thing that is done with a session is left out.
    """
    mine = {"session": -1, "cut": None}
    known = [Step("remember", who, {**mine, "words": [0, n]}) for who in EVERYONE for n in (1, 2)]
    asked = [Step("recall", who, {**mine, "words": [0, 1], "limit": 10}) for who in EVERYONE]
    owners = ("cross", "let_in", "govern", "limit", "crash", "canary")
    chosen = {**{name: BY_OWNER[name] for name in owners}, **BY_SESSION}
    del chosen[left_out]
    names = r.choices(tuple(chosen), [often for often, _ in chosen.values()], k=length)
    drawn = [by_owner(r, name) if name in BY_OWNER else by_session(r, name) for name in names]
    half = length // 2
    return [*trace(r, 0), *known, *asked, *drawn[:half], Step("restart"), *drawn[half:], *asked]
