"""Every state of the model that few operations lead to, and every operation on each of them, on real houses.

The states are found in the model alone, breadth first. Then real houses walk through them until every operation on each
was done at least once: what stays where it is first, then on to where most is left to do.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelled.actual import Template, acted
from modelled.nouns import EVERYTHING, Op, State
from modelled.promises import broken
from modelled.spec import steps

HOUR = 3_600
Alphabet = Callable[[State], Iterator[Op]]


class DifferenceError(AssertionError):
    """The house did something else than the model."""


@dataclass
class Counted:
    """What was tried.

    Attributes:
        depth: how many operations lead to the last states whose operations were tried, and one.
        states: how many states were found; those that the last operation leads to are among them.
        edges: operations on states, each to be done at least once on real houses.
        tried: how many of them were.
        walks, done: how often a real house began anew, and how many operations were done in all.
        answers: how often each kind of operation got each answer.
        seconds: how long it took.
    """

    depth: int
    states: int = 0
    edges: int = 0
    tried: int = 0
    walks: int = 0
    done: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass
class _Node:
    """A state, how it is reached first, and what is left to be done on it."""

    state: State
    before: _Node | None
    by: Op | None
    left: list[tuple[Op, _Node]] = field(default_factory=list)

    def path(self) -> list[tuple[Op, _Node]]:
        """The operations that lead here from the beginning, and where each leads."""
        found = list[tuple[Op, _Node]]()
        node = self
        while node.before is not None and node.by is not None:
            found.append((node.by, node))
            node = node.before
        return found[::-1]


def doors(state: State) -> Iterator[Op]:
    """What can be done: a permit for two hours, a weakened one for one, a credential, two sessions of a subject that is
    exclusive, a clock, a kill.
    """
    names = {text.name for text in state.texts}
    if "p" not in names:
        yield Op("make", fresh="p", value=(frozenset({"recall", "remember"}), 2 * HOUR))
    elif "w" not in names:
        yield Op("weaken", "p", "w", value=(frozenset({"recall", "forget"}), state.now + HOUR, None, None))
    if "c" not in names:
        yield Op("register", fresh="c", value=EVERYTHING)
    yield from (Op("revoke", made.name) for made in state.made)
    free = next((name for name in ("1", "2") if all(each.name != name for each in state.awake)), None)
    if free is not None:
        yield from (Op("admit", text.name, free) for text in state.texts)
        yield from (Op("cross", fresh=free, seat=seat) for seat in (0, 1))
    for session in state.awake:
        yield from (Op("call", session.name, value=(right, None)) for right in ("recall", "remember"))
        yield Op("drop" if session.over else "sleep", session.name)
    yield Op("tick", value=HOUR)
    yield Op("tick", value=-HOUR)
    if state.clock < state.seen:
        yield Op("accept")
    yield Op("place", seat=0, value="outie" if state.wakes[0] == "innie" else "innie")
    yield Op("look")
    yield Op("kill")


def permits(state: State) -> Iterator[Op]:
    """Of those, what is about one permit, what it is weakened to, one session, the clock, and who wakes."""
    return (op for op in doors(state) if op.what not in ("register", "cross") and op.fresh != "2")


def turns(state: State) -> Iterator[Op]:
    """Of those, what is about a credential and two sessions of a subject; and whether it is exclusive."""
    yield from (op for op in doors(state) if op.what not in ("make", "weaken", "tick", "accept"))
    yield Op("limit", value=frozenset[str]() if state.exclusive else frozenset({"mark"}))


def overrides(state: State) -> Iterator[Op]:
    """What is about one override of a subject that can be exclusive, and about the owner's crossing, clock and kill."""
    asked = state.override("o")
    if asked is None:
        whom, rights = ("mark", "outie"), frozenset({"recall"})
        yield Op("ask", fresh="o", value=(whom, "irving", rights, None, HOUR, HOUR, HOUR))
    else:
        yield from (Op("answer", "o", value=(by, True)) for by in ("burt", "dylan"))
        yield Op("answer", "o", value=("dylan", False))
        yield Op("stop", "o")
        if all(each.name != "1" for each in state.awake):
            yield Op("use", "o", "1", value="irving")
    if all(each.name != "2" for each in state.awake):
        yield Op("cross", fresh="2", seat=0)
    yield from (op for op in doors(state) if op.what in ("call", "sleep", "drop", "tick", "accept", "kill"))
    yield Op("limit", value=frozenset[str]() if state.exclusive else frozenset({"mark"}))
    yield Op("list")


ALPHABETS = {"doors": doors, "permits": permits, "turns": turns, "overrides": overrides}


def canonical(state: State) -> State:
    """One of all states that no operation can tell apart: time counts from now."""
    passed = state.clock
    made = tuple(
        each._replace(
            until=None if each.until is None else each.until - passed, ended=None if each.ended is None else 0
        )
        for each in state.made
    )
    over = {each.name for each in made if each.ended is not None}
    # The end of one that was revoked is still met by a session that it opened: that moves the time that was seen.
    held = {each.text for each in state.awake if not each.over}
    texts = tuple(
        each._replace(until=-HOUR if each.made in over and each.name not in held else each.until - passed)
        if each.until is not None
        else each
        for each in state.texts
    )
    awake = tuple(each._replace(seen=0 if each.over or not each.text else each.seen - passed) for each in state.awake)
    asked = tuple(
        each._replace(
            approve_by=each.approve_by - passed,
            use_by=each.use_by - passed,
            used=None if each.used is None else each.used - passed,
            ended=None if each.ended is None else 0,
        )
        for each in state.asked
    )
    made = tuple(each._replace(until=-HOUR) if each.name in over and each.until is not None else each for each in made)
    return replace(state, clock=0, seen=state.seen - passed, made=made, texts=texts, asked=asked, awake=awake)


class Exhaustion:
    """The states up to a depth, and what is left to be done on them."""

    def __init__(self, depth: int, alphabet: Alphabet = doors) -> None:
        """Find them; nothing real is done.

        Raises:
            AssertionError: the model itself breaks a promise.
        """
        self.counted = Counted(depth)
        root = _Node(State(), None, None)
        self._nodes, layer = {canonical(root.state): root}, [root]
        for _ in range(depth):
            layer = [new for node in layer for new in self._expanded(node, alphabet)]
        self.counted.states = len(self._nodes)

    def _expanded(self, node: _Node, alphabet: Alphabet) -> Iterator[_Node]:
        for op in alphabet(node.state):
            answer, states = steps(node.state, op)
            assert not (found := broken(node.state, op, answer, states[-1])), f"the model breaks a promise: {found}"
            name = canonical(states[-1])
            known = self._nodes.get(name)
            if known is None:
                known = self._nodes[name] = _Node(states[-1], node, op)
                yield known
            node.left.append((op, known))
            self.counted.edges += 1

    def walk(self, template: Template, folder: Path, told: Callable[[Counted], None] = lambda counted: None) -> Counted:
        """Do everything that is left, on real houses.

        Raises:
            DifferenceError: a house did something else; the message has the operations that show it.
        """
        begun = time.monotonic()
        for node in list(self._nodes.values()):
            while node.left:
                self._once(node, template, folder / f"walk-{self.counted.walks}")
                self.counted.seconds = time.monotonic() - begun
                told(self.counted)
        return self.counted

    def _once(self, node: _Node, template: Template, folder: Path) -> None:
        """To a state, and on from there while there is something left to do."""
        self.counted.walks += 1
        done = list[Op]()
        with acted(template, folder) as actual:
            state = State()

            def do(op: Op, to: _Node) -> None:
                nonlocal state
                done.append(moved(op, state))
                expected, states = steps(state, done[-1])
                answer, state = actual.do(done[-1]), states[-1]
                self.counted.done += 1
                self.counted.answers[f"{op.what} {'shown' if op.what in ('look', 'list') else answer}"] += 1
                if answer != expected:
                    told = "\n".join(map(str, done))
                    raise DifferenceError(f"it answered {answer!r} and not {expected!r}, the last of these:\n{told}")
                assert canonical(state) == canonical(to.state), "two states were taken for one, and are not"

            for op, to in node.path():
                do(op, to)
            while node.left:
                # What leads back first, then on to where most is left to do.
                op, to = node.left.pop(max(range(len(node.left)), key=lambda n: _worth(node, node.left[n][1])))
                do(op, to)
                self.counted.tried += 1
                node = to


def _worth(node: _Node, to: _Node) -> float:
    return math.inf if to is node else len(to.left)


def moved(op: Op, state: State) -> Op:
    """The same operation at the time of another state."""
    if op.what != "weaken":
        return op
    rights, _, threads, tool = op.value
    return op._replace(value=(rights, state.now + HOUR, threads, tool))
