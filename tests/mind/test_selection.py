"""Choosing the best, and tallying: each against the plain way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.mind import matching, ranking, selection
from severance.mind.columns import Scratch, Values
from severance.mind.matching import Match, Matches

scores_of_many = st.builds(
    lambda seed, size, levels, zeros: _drawn(seed, size, levels, zeros),
    st.integers(0, 10_000),
    st.integers(0, 3_000),
    st.sampled_from([2, 7, 1_000_000]),
    st.sampled_from([0.0, 0.5, 0.99]),
)


def _drawn(seed: int, size: int, levels: int, zeros: float) -> np.ndarray:
    drawn = np.random.default_rng(seed)
    scores = drawn.integers(0, levels, size).astype(np.float32) / levels
    scores[drawn.random(size) < zeros] = 0
    return scores


def plain_best(scores: np.ndarray, wanted: int) -> list[int]:
    ordered = sorted(float(score) for score in scores if score > 0)[::-1][:wanted]
    return [place for place, score in enumerate(scores.tolist()) if ordered and score >= ordered[-1]]


@settings(deadline=None)
@given(scores_of_many, st.integers(0, 600), st.sampled_from([16, 64, 8_192]), st.sampled_from([0, 1_000, 3_000]))
def test_the_best_are_those_that_sorting_everything_finds(
    scores: np.ndarray, wanted: int, sampled: int, few: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "_SAMPLED", sampled)
        patch.setattr(selection, "_FEW", few)  # up to so many are ordered without a sample
        assert selection.best(scores, wanted).tolist() == plain_best(scores, wanted)


@given(st.lists(st.lists(st.integers(-1, 30), max_size=40), min_size=1, max_size=4))
def test_rows_that_are_put_together_come_once_and_ascending(parts: list[list[int]]) -> None:
    together = ranking._once(*(np.array(part, np.int64) for part in parts))
    assert together.tolist() == sorted(set().union(*parts))


def test_a_sample_that_misleads_costs_time_and_no_row() -> None:
    scores = np.full(100_000, 0.25, np.float32)
    scores[:: len(scores) // selection._SAMPLED] = 0.75  # every row that is sampled
    assert len(selection.best(scores, 50_000)) == 100_000
    scores[1:50_000] = 0
    assert selection.best(scores, 8_000).tolist() == plain_best(scores, 8_000)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 59), min_size=1, max_size=40, unique=True), min_size=1, max_size=4),
    st.lists(st.integers(-1, 19), min_size=60, max_size=60),
    st.booleans(),
)
def test_threads_are_tallied_alike_whether_few_or_many(rows: list[list[int]], thread: list[int], many: bool) -> None:
    read = [Match(f"w{i}", i, 1.0, np.array(sorted(part), np.int32)) for i, part in enumerate(rows)]
    matches = Matches(np.zeros(60, np.float32), 1.0, read)
    seen = len(set(thread) - {-1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_MANY_THREADS", 0 if many else 1 << 30)
        patch.setattr(matching, "_SPARSE", 0)
        found = matching.topics(matches, np.array(thread, np.int32), 20, seen)
    expected = [0.0] * 20
    for part in rows:
        having = {thread[row] for row in part} - {-1}
        idf = np.log1p((seen - len(having) + 0.5) / (len(having) + 0.5))
        for number in having:
            often = sum(thread[row] == number for row in part)
            expected[number] += idf * often / (often + 1.2)
    if max(expected) <= 0:
        assert found is None
    else:
        assert found == pytest.approx(np.array(expected) / max(expected), rel=1e-5)


@given(st.lists(st.sampled_from([None, b"a", b"b", b"c"]), max_size=20), st.data())
def test_values_are_counted_by_the_rows_that_are_seen(given_values: list[bytes | None], data: st.DataObject) -> None:
    table = Values()
    table.extend(given_values)
    for row in data.draw(st.lists(st.integers(0, max(len(given_values) - 1, 0)), max_size=4)):
        if row < len(given_values):
            table.drop(row)
            given_values[row] = None
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=len(given_values), max_size=len(given_values))), bool)
    expected = {value for value, see in zip(given_values, seen, strict=True) if see} - {None}
    assert table.count(seen) == len(expected)
    woken = Values.over(table.values, table.rows.view)
    assert woken.count(seen) == len(expected)
    assert woken.count(np.ones(len(seen), bool)) == len(set(given_values) - {None})


def test_scratch_is_the_same_place_again_and_no_larger_than_it_needs_to_be() -> None:
    scratch = Scratch()
    first = scratch.floats("a", 1_000)
    first.fill(7)
    assert scratch.floats("a", 900)[0] == 7
    assert not np.shares_memory(scratch.floats("b", 1_000), first)
    assert len(scratch.floats("a", 50_000)) == 50_000
    assert scratch._arrays["a"].nbytes < 4 * 60_000
    scratch.floats("a", 10)
    assert len(scratch._arrays["a"]) < 1_000
