"""From a pile and a guide to a proposal: rules, then examples, then the conversation; what is left is unsure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from severance.model import Draft
from severance.ports import Embedder
from severance.routing.guide import Guide
from severance.routing.judging import Judge, Judgement
from severance.routing.plan import EXCERPT_CHARS, Decision
from severance.routing.sources import Piece, Pile
from severance.routing.wordweights import Weights

SURE = 0.8
"""From here on an item is decided. What that is worth, `quality.routing-clinc` of the benchmark measures."""

_BATCH = 512
_FEW = 32
_FEWEST, _PART, _SHARE = 3, 0.25, 0.8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Every item with its decision, in the order of the pile."""

    decisions: tuple[Decision, ...]

    @property
    def unsure(self) -> int:
        """How many are not decided."""
        return sum(each.persona is None for each in self.decisions)

    def counts(self) -> dict[str, Counter[str]]:
        """By persona: how many were decided by a rule, by examples and by their conversation."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for each in self.decisions:
            if each.persona is not None:
                found[each.persona][each.by] += 1
        return dict(sorted(found.items()))


def propose(
    pile: Pile,
    guide: Guide,
    embedder: Embedder,
    *,
    sure: float = SURE,
    excerpts: bool = False,
    step: Callable[[int], None] = lambda done: None,
) -> Proposal:
    """Say which persona each item of the pile belongs to. The pile is gone through twice, and is not held.

    Args:
        pile: what is to be routed.
        guide: the owner's rules and examples.
        embedder: what turns texts into vectors; it should not be one that sends them anywhere.
        sure: how sure the examples must be, 0 to 1.
        excerpts: whether decisions have the first characters of a text.
        step: told how many items were looked at; each counts twice.

    Raises:
        InputError: a source cannot be read.
    """
    of_two = len({persona for persona, _ in guide.examples}) > 1
    judge, seen = _learned(pile, guide, embedder, step) if of_two else (None, 0)
    decisions, threads = [], []
    for pieces in _batches(pile.pieces()):
        found = _judged(pieces, guide, judge, sure)
        decisions += [_excerpted(each, piece) if excerpts else each for each, piece in zip(found, pieces, strict=True)]
        threads += [(piece.source, piece.item.draft.thread) for piece in pieces]
        step(seen + len(decisions))
    return Proposal(tuple(_with_their_conversation(decisions, threads)))


def _learned(pile: Pile, guide: Guide, embedder: Embedder, step: Callable[[int], None]) -> tuple[Judge, int]:
    """A judge that knows how the whole pile reads, and how many items that was."""
    weights, seen = Weights(), 0
    total: NDArray[np.float64] = np.zeros(embedder.dimensions)
    texts: Iterable[str] = (_read(piece.item.draft) for piece in pile.pieces())
    for batch in _batches(texts):
        for text in batch:
            weights.count(text)
        total += np.asarray(embedder.embed(batch), np.float64).sum(0)
        seen += len(batch)
        step(seen)
    for _, text in guide.examples:
        weights.count(text)
    # A mean of few says little; taken off whole, it would take what they have in common with the examples along.
    return Judge(guide.examples, embedder, total / (seen + _FEW), weights), seen


def _judged(pieces: tuple[Piece, ...], guide: Guide, judge: Judge | None, sure: float) -> Iterator[Decision]:
    ruled = [_by_rule(piece, guide) for piece in pieces]
    left = [_read(piece.item.draft) for piece, decision in zip(pieces, ruled, strict=True) if decision is None]
    judged = iter(judge.judge(left)) if judge is not None else None
    for piece, decision in zip(pieces, ruled, strict=True):
        if decision is not None:
            yield decision
        elif judged is None:
            yield _decided(piece, None, 0.0, "no rule holds", "nothing")
        else:
            yield _by_example(piece, next(judged), sure)


def _by_example(piece: Piece, said: Judgement, sure: float) -> Decision:
    if not said.known:
        return _decided(piece, None, 0.0, "like none of the examples", "nothing")
    if said.sure < sure:
        return _decided(piece, None, said.sure, f"not clear; most like {said.persona}", "nothing")
    return _decided(piece, said.persona, said.sure, f"like example {said.example}", "examples")


def _by_rule(piece: Piece, guide: Guide) -> Decision | None:
    """What the rules say; None where none holds. Two that disagree decide nothing, and no example does after them."""
    held = [(number, rule) for number, rule in enumerate(guide.rules, 1) if rule.holds(piece.item.draft, piece.path)]
    if not held:
        return None
    if len({rule.persona for _, rule in held}) > 1:
        numbers = " and ".join(str(number) for number, _ in held)
        return _decided(piece, None, 0.0, f"rules {numbers} disagree", "rule")
    number, rule = held[0]
    return _decided(piece, rule.persona, 1.0, f"rule {number}: {rule.why()}", "rule")


def _with_their_conversation(decisions: list[Decision], threads: list[tuple[int, str | None]]) -> Iterator[Decision]:
    """What says too little by itself goes where nearly all of its conversation goes that was decided: a quarter at
    least, and three.
    """
    lengths, votes = Counter(threads), defaultdict[tuple[int, str | None], Counter[str]](Counter)
    for decision, thread in zip(decisions, threads, strict=True):
        if decision.persona is not None and thread[1] is not None:
            votes[thread][decision.persona] += 1
    for decision, thread in zip(decisions, threads, strict=True):
        counted = votes.get(thread, Counter())
        ((persona, most),) = counted.most_common(1) or [("", 0)]
        share, enough = most / max(1, counted.total()), max(_FEWEST, _PART * lengths[thread])
        if decision.by == "nothing" and most >= enough and share >= _SHARE:
            yield replace(decision, persona=persona, sure=share, why="as its conversation", by="conversation")
        else:
            yield decision


def _batches(things: Iterable[T]) -> Iterator[tuple[T, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch


def _read(draft: Draft) -> str:
    """What is judged: a message often says what it is about in the title of its conversation only."""
    return f"{draft.thread}: {draft.text}" if draft.thread else draft.text


def _decided(piece: Piece, persona: str | None, sure: float, why: str, by: str) -> Decision:
    return Decision(
        persona=persona, sure=sure, why=why, by=by, name=piece.name, source=piece.source, number=piece.number
    )


def _excerpted(decision: Decision, piece: Piece) -> Decision:
    return replace(decision, excerpt=" ".join(piece.item.draft.text.split())[:EXCERPT_CHARS])
