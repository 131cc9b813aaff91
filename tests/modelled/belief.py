"""What the model may be in, when an operation was cut off in the middle, or two met: a set of states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

from modelled.nouns import Op, State
from modelled.spec import after, steps


@dataclass
class Belief:
    """Every state that explains all that was answered so far; never none."""

    states: frozenset[State]

    @property
    def one(self) -> State:
        """Always the same one of them: not the first of a set, which is another in every process."""
        if len(self.states) == 1:
            return next(iter(self.states))
        return min(self.states, key=lambda state: _written(astuple(state)))

    def expected(self, op: Op) -> set[str]:
        """What may be answered."""
        return {steps(state, op)[0] for state in self.states}

    def saw(self, op: Op, answer: str) -> bool:
        """An operation was answered. Whether any state explains it; if none does, nothing is believed anew."""
        return self._keep(_then(self.states, op, answer))

    def cut(self, op: Op) -> bool:
        """An operation's house was killed in the middle of it: some of its changes were made, in their order."""
        left = {made for state in self.states for made in (state, *steps(state, op)[1])}
        return self._keep({_without(after(state, Op("kill", house=op.house)), op.fresh) for state in left})

    def met(self, op: Op, answer: str, other: Op, said: str) -> bool:
        """Two operations, one in the middle of the other: as if one had come after the other, either way."""
        first = _then(_then(self.states, op, answer), other, said)
        return self._keep(first | _then(_then(self.states, other, said), op, answer))

    def _keep(self, states: Iterable[State]) -> bool:
        found = frozenset(states)
        self.states = found or self.states
        return bool(found)


def _written(value: Any) -> str:
    """A value as text that is the same in every process: sets in order."""
    if isinstance(value, frozenset):
        return repr(sorted(map(_written, value)))
    return repr([_written(each) for each in value]) if isinstance(value, tuple) else repr(value)


def _without(state: State, name: str) -> State:
    """Without a text that was made, and that nobody was given."""
    made, texts, asked = (
        tuple(each for each in things if each.name != name) for things in (state.made, state.texts, state.asked)
    )
    return replace(state, made=made, texts=texts, asked=asked)


def _then(states: Iterable[State], op: Op, answer: str) -> set[State]:
    explained = (steps(state, op) for state in states)
    return {left[-1] for said, left in explained if said == answer}
