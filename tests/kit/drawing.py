"""Steps at random, from any `random.Random`: hypothesis gives one that it can shrink, a seed gives always the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from kit import FEW, WORLD
from kit.traces import EVERYONE, OTHER, OWNER, PLACE_NAMES, SESSION, Step

_TIMES = ("2024-06-01", "2024-06-01T12:10", "2024-06-01T12:25+00:00", "2024-01-05", "2024-06-02", "soon")
_VALUES = (0, 1, 2, True, False, None, 1.0, 2.5, 7)


def _words(r: Random) -> list[int]:
    if r.randrange(12) == 0:
        return [7, 7, 7]  # what the embedder fails for
    return [r.randrange(12) for _ in range(r.choice((0, 1, 2, 3, 3, 3, 4, 4, 5, 5, 6)))]


def _question(r: Random) -> dict[str, Any]:
    if r.randrange(2):
        return {"words": _words(r), "limit": r.choice((1, 3, 10, 0)), **_filters(r)}
    return {"words": r.choice(([0], [1, 2], [0, 1, 3])), "limit": 10}  # so that several personas ask the same


def _time(r: Random) -> str | None:
    return r.choice(_TIMES) if r.randrange(6) == 0 else None


def _label(r: Random) -> int | None:
    return r.randrange(3) if r.randrange(2) else None


def _metadata(r: Random) -> list[tuple[int, Any]] | None:
    return [(r.randrange(3), r.choice(_VALUES)) for _ in range(r.randrange(3))] if r.randrange(3) == 0 else None


def _fields(r: Random) -> dict[str, Any]:
    pinned = r.choice((True, False)) if r.randrange(4) == 0 else None
    fields = {"at": _time(r), "thread": _label(r), "source": _label(r), "kind": None, "pinned": pinned}
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


Arguments = Callable[[Random], Mapping[str, Any]]

BY_OWNER: Mapping[str, tuple[int, Arguments]] = {
    "cross": (
        12,
        lambda r: {"subject": r.choice(tuple(WORLD)), "place": r.choice(PLACE_NAMES), "desk": r.choice((0, 0, 1))},
    ),
    "sever": (1, _severed),
    "place": (3, _wakes),
    "status": (2, _nothing),
    "check": (1, _nothing),
    "salvage": (1, _nothing),
    "backup": (1, lambda r: {"chip": r.choice((True, False))}),
    "reembed": (1, lambda r: {"dimensions": r.choice((FEW, OTHER))}),
    "restart": (3, _nothing),
    "crash": (1, _nothing),
}
"""For each thing that the owner does, how often, and with which arguments."""

BY_SESSION: Mapping[str, tuple[int, Arguments]] = {
    "remember": (24, lambda r: {"words": _words(r), **_fields(r)}),
    "remember_many": (5, lambda r: {"many": [_words(r) for _ in range(r.randrange(4))], **_fields(r)}),
    "recall": (16, _question),
    "context": (4, lambda r: {"words": _words(r), "tokens": r.choice((16, 60, 1000, 1)), **_filters(r)}),
    "memories": (5, _filters),
    "get": (5, _id),
    "history": (4, _id),
    "amend": (8, lambda r: {"words": _words(r), **_id(r), **_fields(r)}),
    "forget": (6, _id),
    "stats": (4, _nothing),
    "sleep": (4, lambda r: {"held": r.randrange(4) == 0}),
    "leave": (2, _nothing),
    "abandon": (2, _nothing),
}
"""For each thing that is done with a session, how often, and with which arguments."""

_CHOICES = [(name, *each, False) for name, each in BY_OWNER.items()]
_CHOICES += [(name, *each, True) for name, each in BY_SESSION.items()]

assert set(BY_OWNER) == set(OWNER), "a step of the owner has no arguments here"
assert set(BY_SESSION) == set(SESSION), "a step with a session has no arguments here"


def step(r: Random) -> Step:
    """One step."""
    name, _, arguments, in_session = r.choices(_CHOICES, [weight for _, weight, _, _ in _CHOICES])[0]
    if not in_session:
        return Step(name, None, arguments(r))
    return Step(name, r.choice(EVERYONE), {**arguments(r), "session": r.choice((-1, -1, 0, 1))})


def trace(seed: int, length: int = 60) -> list[Step]:
    """Always the same steps for a seed, after each persona has woken once."""
    r = Random(seed)
    first = [("mark", "floor"), ("mark", "home"), ("helly", "floor")]
    crossings = [Step("cross", None, {"subject": s, "place": p, "desk": 0}) for s, p in first]
    return crossings + [step(r) for _ in range(length)]
