"""Steps, and the registry of what can be done in one.

A step names who does it (a persona, or the owner), what (a name in `OWNER`, `SESSION` or `TYPED`) and with which
arguments. Arguments hold no content and no ids: they are numbers. So the same trace can be run with one persona taken
out of it, or with other content in that persona's hands.

To extend it: write a function in `by_owner`, `by_session` or `by_command`, decorate it with the surfaces that it calls
(as `surfaces` lists them), and say in `drawing` with which arguments it is called. A test fails for a surface that no
step calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from severance.barrier.traces.people import PLACES, Who, name_of
from severance.barrier.traces.seats import Seats

if TYPE_CHECKING:
    from severance.barrier.traces.world import Awake, World


@dataclass(frozen=True)
class Step:
    """One thing done. `who` is None where the owner does it, and where who wakes decides it (`cross`)."""

    what: str
    who: Who | None = None
    args: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value!r}" for name, value in self.args.items() if value is not None)
        return f"{name_of(self.who)}: {self.what}({said})"


@dataclass(frozen=True)
class Numbered:
    """A step with its place in the trace it came from, which is also its time."""

    at: int
    step: Step
    by: Who | None


OwnerStep = Callable[["World", Mapping[str, Any]], Mapping[Any, Any]]
SessionStep = Callable[["World", "Awake", Mapping[str, Any]], Any]
TypedStep = Callable[["World", Who, Mapping[str, Any]], Any]
OWNER: dict[str, OwnerStep] = {}
SESSION: dict[str, SessionStep] = {}
TYPED: dict[str, TypedStep] = {}
BY_SEAT = ("cross", "let_in", "type_let_in", "canary", "type_canary")
"""Steps that are done for whoever of a subject wakes at a place."""

CALLED: dict[str, str] = {}
"""Surfaces, as `Session.recall`, to a step that calls each."""


def owner_step(*calls: str) -> Callable[[OwnerStep], OwnerStep]:
    """Register what the owner can do. It returns what each persona (or None: everyone) can see of it."""
    return lambda work: _register(OWNER, work, calls)


def session_step(*calls: str) -> Callable[[SessionStep], SessionStep]:
    """Register what can be done with a session. It returns what came back."""
    return lambda work: _register(SESSION, work, calls)


def typed_step(*calls: str) -> Callable[[TypedStep], TypedStep]:
    """Register what a persona can type at its place. It returns what a user sees of the command."""
    return lambda work: _register(TYPED, work, calls)


def _register(where: dict[str, Any], work: Any, calls: Sequence[str]) -> Any:
    where[work.__name__] = work
    CALLED.update(dict.fromkeys(calls, work.__name__))
    return work


def attributed(trace: Sequence[Step]) -> list[Numbered]:
    """Every step with who does it: for a crossing, whoever wakes there at that time; None for the owner."""
    seats = Seats()
    for place, given in PLACES.items():
        seats.place(place, given)
    numbered = []
    for at, step in enumerate(trace):
        by, args = step.who, step.args
        if "wakes" in args:
            seats.place(args["place"], args["wakes"])
        if "rules" in args:
            seats.govern(args["place"], args["subject"], args["rules"])
        if step.what in BY_SEAT:
            persona = seats.wakes(args["place"], args["subject"], at, program=args.get("by") == "credential")
            by = None if persona is None else (args["subject"], persona)
        numbered.append(Numbered(at, step, by))
    return numbered


def without(steps: Sequence[Numbered], victim: Who) -> list[Numbered]:
    """What is left when one persona does nothing. A crash in the middle of what it did is only a crash."""
    left = []
    for numbered in steps:
        step = numbered.step
        during = step.args.get("during")
        if during is not None and during.who == victim:
            numbered = replace(numbered, step=replace(step, args={**step.args, "during": None}))
        if numbered.by != victim:
            left.append(numbered)
    return left
