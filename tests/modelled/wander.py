"""Stories at random: two houses on one store, with kills, clocks that jump, texts that are shown again, and operations
that meet. A story of a seed is always the same.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from modelled.actual import Actual, Template, acted
from modelled.belief import Belief
from modelled.exhaust import DifferenceError
from modelled.interpose import Cut, Interposer, Where
from modelled.nouns import KEEPERS, PERSONAS, RIGHTS, SEATS, WAKES, Asked, Op, State
from modelled.overrides import standing
from modelled.spec import alive

LENGTH = 250
"""Steps of a story."""

_TEXTS, _SESSIONS = 14, 7
_SECONDS = (1, 30, 60, 3_600)
_JUMPS = (1, 1, 29, 31, 60, 60, 4_000, -1, -30, -5_000)
_LONG = 31 * 24 * 3_600
_THREADS = ("a", "b", None)
_TOOLS = ("editor", "shell", None)
_DISTURBED, _KILLED = 0.35, 0.2
"""The share of operations in whose middle something happens, where it can, and of those the share that are killed."""

_ACCESSES, _CHANGES = 45, 5
"""Looks at the files that the longest operations take, and changes of them, about."""

_WEIGHTS = {
    "call": 40,
    "admit": 13,
    "cross": 6,
    "tick": 8,
    "make": 4,
    "weaken": 4,
    "register": 2,
    "revoke": 2,
    "sleep": 3,
    "drop": 4,
    "place": 4,
    "accept": 2,
    "limit": 1,
    "look": 2,
    "ask": 2,
    "answer": 5,
    "use": 3,
    "stop": 1,
    "list": 1,
    "forge": 3,
    "elsewhere": 1,
    "close": 1,
    "kill": 2,
}
_ALONE = frozenset({"kill", "close", "weaken", "limit", "elsewhere", "drop", "look", "list"})
"""Neither cut off nor met: they are more than one call of the house, or none of its own."""

_NEVER_MEETS = frozenset({"close", "weaken", "elsewhere", "drop", "forge", "look", "list"})
_OPENS = frozenset({"admit", "cross", "use"})
_ASKED = 4
_LENGTHS = (60, 3_600, 3_600)


@dataclass(frozen=True)
class Step:
    """An operation, and what happens in the middle of it, if anything: another one, or a kill.

    Attributes:
        op: the operation.
        where, number: before which of its accesses to the files.
        other: what the other house does there; None where the operation's own is killed.
    """

    op: Op
    where: Where | None = None
    number: int = 0
    other: Op | None = None


@dataclass
class Tried:
    """What was tried.

    Attributes:
        seed, stories, steps: how many stories of which seed, and their steps; a step with another in it counts as two.
        answers: how often each kind of operation got each answer.
        met, cuts: how many operations had another in their middle, and how many were cut off there.
        unsure: steps after which more than one state explained what was seen.
        seconds: how long it took.
    """

    seed: int
    stories: int = 0
    steps: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    met: int = 0
    cuts: int = 0
    unsure: int = 0
    seconds: float = 0.0


class Drawing:
    """Draws what is done next, knowing the state."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._names = 0

    def step(self, state: State) -> Step:
        """One step."""
        op = self.op(state, house=self._random.randrange(2))
        if op.what in _ALONE or self._random.random() >= _DISTURBED:
            return Step(op)
        where, other = self._one((Where.ACCESS, Where.CHANGE)), None
        if self._random.random() < _KILLED:
            where = self._one(tuple(Where))
        else:
            other = self._meeting(op, state)
        most = 1 + self._random.randrange(_ACCESSES) if where is Where.ACCESS else _CHANGES
        return Step(op, where, self._random.randrange(most), other)

    def _meeting(self, op: Op, state: State) -> Op:
        """What the other house could do in the middle of an operation, and would not do as well before or after it."""
        while True:
            other = self.op(state, house=1 - op.house)
            # Calls change nothing at the door; and a jump of a month would take permits out of the list half-way.
            idle = other.what in _NEVER_MEETS or (other.what == "call" and op.what in _OPENS)
            if not idle and other.value not in (_LONG, -_LONG):
                return other

    def op(self, state: State, house: int) -> Op:
        """One operation that this house could do."""
        draw, found = self._random, None
        while found is None:
            (what,) = draw.choices(list(_WEIGHTS), _WEIGHTS.values())
            found = self._given(what, state, house)
        return found

    def _given(self, what: str, state: State, house: int) -> Op | None:
        mine = [each.name for each in state.awake if each.house == house]
        make: Callable[..., Op] = partial(Op, what, house=house)
        match what:
            case "call" | "sleep" | "drop":
                value = (self._one(RIGHTS), self._one(_THREADS)) if what == "call" else None
                answering = [each.name for each in state.awake if each.name in mine and alive(state, each)]
                return make(who=self._likely(mine, answering), value=value) if mine else None
            case "admit" | "forge" | "elsewhere" | "weaken" | "revoke":
                return self._shown(what, state, make)
            case "ask" | "answer" | "use" | "stop":
                return self._overridden(what, state, make)
            case "cross":
                return self._woken(state, make, seat=self._random.randrange(len(SEATS)))
            case "make" | "register":
                rights = self._some(RIGHTS)
                value = (rights, self._one(_SECONDS)) if what == "make" else rights
                seat = self._random.randrange(len(SEATS))
                return make(fresh=self._name(what[0]), seat=seat, value=value) if len(state.texts) < _TEXTS else None
            case "tick":
                by = self._one((_LONG, -_LONG)) if self._random.random() < 0.01 else self._one(_JUMPS)
                return make(value=by)
            case "place":
                seat = self._random.randrange(len(SEATS))
                return make(seat=seat, value=self._one((*PERSONAS[SEATS[seat][0]], WAKES[seat], None)))
            case "limit":
                return make(value=frozenset(name for name in PERSONAS if self._random.random() < 0.6))
        return make()

    def _shown(self, what: str, state: State, make: Callable[..., Op]) -> Op | None:
        if not state.texts:
            return None
        text = self._one(state.texts)
        if what == "admit":
            place = self._one(("floor", "home")) if self._random.random() < 0.2 else None
            return self._woken(state, make, who=text.name, value=(place, self._one(_TOOLS)))
        if what == "weaken":
            return self._weakened(state, text, make)
        if what == "forge":
            return make(who=text.name, value=self._random.randrange(10**6))
        return make(who=text.made if what == "revoke" else text.name)

    def _overridden(self, what: str, state: State, make: Callable[..., Op]) -> Op | None:
        if what == "ask":
            if len(state.asked) >= _ASKED:
                return None
            subject = self._one(tuple(PERSONAS))
            threads = self._some(("a", "b")) if self._random.random() < 0.2 else None
            value = ((subject, self._one(PERSONAS[subject])), self._one(KEEPERS), self._some(RIGHTS), threads)
            return make(fresh=self._name("o"), value=(*value, *(self._one(_LENGTHS) for _ in range(3))))
        if not state.asked:
            return None
        asked = self._likely(state.asked, [each for each in state.asked if _is_open(state, each, what)])
        if what == "answer":
            others = [name for name in KEEPERS if name != asked.by]
            if self._random.random() < 0.1:
                return make(who=asked.name, value=(self._one(others), False))
            by = self._likely(KEEPERS, [name for name in others if name not in asked.approved])
            return make(who=asked.name, value=(by, True))
        if what == "stop":
            return make(who=asked.name)
        return self._woken(state, make, who=asked.name, value=self._likely(KEEPERS, [asked.by]))

    def _weakened(self, state: State, text: Any, make: Callable[..., Op]) -> Op | None:
        if text.until is None or len(state.texts) >= _TEXTS:
            return None
        until, tool = state.now + self._one(_SECONDS), self._one(("editor", "shell"))
        parts = [self._some(RIGHTS), until, self._some(("a", "b")), tool]
        kept = [part if self._random.random() < 0.4 else None for part in parts]
        return make(who=text.name, fresh=self._name("w"), value=tuple(kept)) if any(kept) else None

    def _woken(self, state: State, make: Callable[..., Op], **given: Any) -> Op | None:
        return make(fresh=self._name("s"), **given) if len(state.awake) < _SESSIONS else None

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names:04}"

    def _one(self, among: Any) -> Any:
        return self._random.choice(among)

    def _likely(self, among: Any, likely: Any) -> Any:
        """One of those, and mostly one of the likely ones, where there are any."""
        return self._one(likely if likely and self._random.random() < 0.75 else among)

    def _some(self, among: Iterable[str]) -> frozenset[str]:
        found = frozenset(each for each in among if self._random.random() < 0.6)
        return found or frozenset(among)


def _is_open(state: State, asked: Asked, what: str) -> bool:
    """Whether it is worth while to do this with an override."""
    wanted = {"answer": "requested", "use": "approved", "stop": "active"}[what]
    return not asked.gone and standing(asked, state.now) == wanted


class Story:
    """One story on real houses."""

    def __init__(self, actual: Actual, between: Interposer, tried: Tried) -> None:
        self._actual = actual
        self._between = between
        self._tried = tried
        self._belief = Belief(frozenset({State()}))
        self.told: list[str] = []

    @property
    def state(self) -> State:
        """What the story may be in."""
        return self._belief.one

    def do(self, step: Step) -> None:
        """One step.

        Raises:
            DifferenceError: the houses did something that no state explains.
        """
        if step.where is None:
            explained = self._saw(step.op, self._actual.do(step.op))
        elif step.other is None:
            explained = self._cut(step.op, step.where, step.number)
        else:
            explained = self._met(step.op, step.other, step.where, step.number)
        self._tried.unsure += len(self._belief.states) > 1
        if not explained:
            wanted = " or ".join(sorted(self._belief.expected(step.other or step.op)))
            raise DifferenceError(f"the model explains {wanted}, and not the last of these:\n" + "\n".join(self.told))

    def _saw(self, op: Op, answer: str) -> bool:
        self._count(op, answer)
        return self._belief.saw(op, answer)

    def _cut(self, op: Op, where: Where, number: int) -> bool:
        self._between.at(where, number, None)
        try:
            answer = self._actual.do(op)
        except Cut:
            self._tried.cuts += 1
            self._count(op, "cut")
            return self._belief.cut(op)
        finally:
            self._between.rest()
        return self._saw(op, answer)

    def _met(self, op: Op, other: Op, where: Where, number: int) -> bool:
        said = list[str]()
        self._between.at(where, number, lambda: said.append(self._actual.do(other)))
        try:
            answer = self._actual.do(op)
        finally:
            self._between.rest()
        if not said:
            return self._saw(op, answer) and self._saw(other, self._actual.do(other))
        self._tried.met += 1
        self._count(op, answer)
        self._count(other, said[0], "in the middle of that")
        return self._belief.met(op, answer, other, said[0])

    def _count(self, op: Op, answer: str, how: str = "") -> None:
        self._tried.steps += 1
        self._tried.answers[f"{op.what} {'shown' if op.what in ('look', 'list') else answer}"] += 1
        self.told.append(f"{op}: {answer} {how}")


def stories(template: Template, folder: Path, tried: Tried, *, first: int = 0, length: int = LENGTH) -> Iterator[int]:
    """Tell one story after the other, for as long as they are asked for; gives the number of each that has ended well.

    Raises:
        DifferenceError: a house did something that the model does not explain.
    """
    begun, number = time.monotonic() - tried.seconds, first
    while True:
        _tell(template, folder / f"story-{tried.seed}-{number}", tried, f"{tried.seed} {number}", length)
        tried.stories += 1
        tried.seconds = time.monotonic() - begun
        yield number
        number += 1


def _tell(template: Template, folder: Path, tried: Tried, seed: str, length: int) -> None:
    between, drawing = Interposer(), Drawing(seed)
    with between.installed(), acted(template, folder, houses=2, interposer=between) as actual:
        story = Story(actual, between, tried)
        for _ in range(length):
            try:
                story.do(drawing.step(story.state))
            except Exception as problem:
                problem.add_note(f"story {seed}, after:\n" + "\n".join(story.told[-400:]))
                raise
