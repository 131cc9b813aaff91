"""Which layers are made when a persona falls asleep: everything is in one, and no record is written over and over."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from severance import sleeping
from severance.sleeping import BLOCK, Plan, Span, planned

NOTHING = Plan([], [])


def kept(there: list[Span], plan: Plan) -> list[Span]:
    """The layers that are there when the plan was carried out."""
    assert set(plan.drop) <= set(there)
    return sorted([span for span in there if span not in plan.drop] + plan.make)


def records(spans: list[Span]) -> int:
    return sum(last - first + 1 for first, last in spans)


def lived(turns: int, said: int, memories: int, *, forgets: float = 0.0) -> tuple[list[Span], int, int]:
    """Layers after so many sessions of so many records on top of others, what went into them, and the log's end."""
    chance, there, end, written = Random(7), list[Span](), 0, 0
    for turn in range(turns + 1):
        end += said if turn else memories
        if turn and chance.random() < forgets:
            gone = chance.randrange(1, end)
            there = [span for span in there if not span[0] <= gone <= span[1]]
        plan = planned(there, end, end)
        there = kept(there, plan)
        assert all(one[1] < other[0] for one, other in pairwise(there))
        assert not there or (there[0][0] >= 1 and there[-1][1] <= end)
        loose = end - records(there)
        assert loose <= min(sleeping._LOOSE + end // sleeping._LOOSE_SHARE, sleeping._MOST_LOOSE)
        written += records(plan.make) if turn else 0
    return there, written, end


def test_a_few_records_are_left_to_the_log() -> None:
    assert planned([], 0, 0) == NOTHING
    assert planned([], sleeping._LOOSE, 0) == NOTHING
    assert planned([(1, 300)], 300 + sleeping._LOOSE, 0) == NOTHING
    assert planned([(1, 200), (220, 300)], 310, 0) == NOTHING


def test_more_get_a_layer_of_their_own() -> None:
    assert planned([], 100, 0) == Plan([(1, 100)], [])
    assert planned([(1, 100)], 200, 0) == Plan([(101, 200)], [])
    assert planned([(1, BLOCK)], BLOCK + 100, 0) == Plan([(BLOCK + 1, BLOCK + 100)], [])


def test_small_layers_become_a_block_with_what_comes_after_them() -> None:
    there = [(1, 100), (101, 200)]
    assert planned(there, 300, 0) == Plan([(1, BLOCK), (BLOCK + 1, 300)], there)


def test_a_block_is_not_touched_again() -> None:
    block = (1, BLOCK)
    end = 2 * BLOCK + 10
    assert planned([block], end, 0) == Plan([(BLOCK + 1, 2 * BLOCK), (2 * BLOCK + 1, end)], [])


def test_where_there_is_a_hole_only_that_is_made_again() -> None:
    blocks = [(first, first + BLOCK - 1) for first in range(1, 10 * BLOCK, BLOCK)]
    hole = blocks.pop(4)
    assert planned(blocks, 10 * BLOCK, 0) == Plan([hole], [])


def test_large_personas_have_larger_blocks_and_keep_those_they_had() -> None:
    there = [(1, BLOCK)]
    plan = planned(there, 5 * BLOCK, sleeping._MANY)
    assert plan == Plan([(BLOCK + 1, 3 * BLOCK), (3 * BLOCK + 1, 5 * BLOCK)], [])


@pytest.mark.parametrize("said", [1, 3, 20, 64, 300, 5_000])
def test_no_record_is_written_much_more_than_twice(said: int) -> None:
    there, written, end = lived(max(20, 6_000 // said), said, 0)
    assert records(there) > 0.95 * end
    assert written < 2.15 * end
    assert len(there) < end / BLOCK + 8


@pytest.mark.parametrize("memories", [0, 10_000, 100_000])
def test_nor_with_something_forgotten_now_and_then(memories: int) -> None:
    there, written, end = lived(300, 21, memories, forgets=1 / 30)
    assert written < 3.2 * (end - memories)
    assert len(there) < end / BLOCK + 8
