"""The statistics of timing, on made-up numbers; and a leak of three milliseconds is seen, by a watch of our own."""

from __future__ import annotations

from math import inf, sqrt
from pathlib import Path
from random import Random

import pytest

from severance.barrier.traces.timing import FLOOR, Comparison, Listening, Watch
from severance.barrier.traces.welch import THRESHOLD, cropped, effect


def test_an_example_reckoned_by_hand() -> None:
    """Means 2.5 and 4, variances 5/3 and 4, of four and three numbers."""
    found = effect([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0])
    assert found.difference == -1.5
    assert found.t == pytest.approx(-1.5 / sqrt(5 / 12 + 4 / 3))
    assert found.d == pytest.approx(-1.5 / sqrt((3 * 5 / 3 + 2 * 4) / 5))
    assert not found.seen


def test_the_sign_follows_the_order() -> None:
    one, other = [1.0, 2.0, 3.0], [4.0, 5.0, 9.0]
    assert effect(one, other).t == -effect(other, one).t < 0
    assert effect(one, other).d == -effect(other, one).d < 0


def test_the_effect_is_in_standard_deviations_and_does_not_grow_with_the_samples() -> None:
    one, other = [0.0, 2.0] * 50, [1.0, 3.0] * 50
    few, many = effect(one, other), effect(one * 20, other * 20)
    assert few.d == pytest.approx(many.d, rel=0.01) == pytest.approx(-1.0, rel=0.01)
    assert abs(many.t) > 4 * abs(few.t) > THRESHOLD


def test_samples_without_any_spread() -> None:
    assert effect([1.0, 1.0], [1.0, 1.0]).t == 0
    assert effect([2.0, 2.0], [1.0, 1.0]).t == inf
    assert effect([1.0, 1.0], [2.0, 2.0]).t == -inf


def test_equal_distributions_are_seldom_told_apart_and_a_small_shift_is_in_the_end() -> None:
    random = Random(1)
    samples = [[random.gauss(100, 5) for _ in range(500)] for _ in range(200)]
    assert sum(effect(a, b).seen for a, b in zip(samples[::2], samples[1::2], strict=True)) == 0
    shifted = [random.gauss(102, 5) for _ in range(500)]
    assert effect(shifted, samples[0]).seen


def test_cropping_takes_the_longest_of_both() -> None:
    short, long = [float(n) for n in range(90)], [1000.0] * 10
    one, other = cropped(short[:45] + long, short[45:])
    assert max(one + other) < 1000
    assert len(one) + len(other) == 90


def test_three_milliseconds_more_are_seen(folder: Path, watch: Watch) -> None:
    with Listening(folder, 5, watch) as listening:
        planted = listening.control(folder)
        assert planted.measure(Random(1), 30) == 60
        assert planted.leaks
        assert planted.effect().difference == pytest.approx(3_000, abs=50)


def test_where_nothing_waits_nothing_is_seen(folder: Path, watch: Watch) -> None:
    with Listening(folder, 5, watch) as listening:
        for comparison in listening.comparisons():
            comparison.measure(Random(1), 30)
            assert not comparison.effect().seen


def test_every_comparison_times_both_calls_as_often_and_the_clock_of_the_machine_goes_on(folder: Path) -> None:
    """How long anything takes is the machine's affair."""
    with Listening(folder, 5) as listening:
        for comparison in listening.comparisons():
            comparison.measure(Random(1), 20)
            assert [len(times) for times in comparison.times] == [20 // comparison.one_in] * 2
            assert min(map(min, comparison.times)) > 0
        waited = Comparison("nothing, and a wait", (lambda: Watch().wait(2 * FLOOR / 1e6), int))
        waited.measure(Random(1), 4)
        assert min(waited.times[0]) >= 2 * FLOOR


@pytest.mark.parametrize(("first", "leaks"), [(2_000.0, True), (999.0 + 500, False), (-1_000.0, True), (500.0, False)])
def test_a_leak_is_more_than_chance_and_more_than_the_floor(first: float, leaks: bool) -> None:
    noise = [float(n % 7) for n in range(200)]
    compared = Comparison("x", (int, int), ([first + each for each in noise], [500.0 + each for each in noise]))
    assert compared.leaks is leaks


def test_a_large_difference_by_chance_is_no_leak() -> None:
    compared = Comparison("x", (int, int), ([0.0, 9_000.0, 5.0, 7_000.0], [0.0, 1_000.0, 9.0, 2_000.0]))
    assert abs(compared.effect().difference) > 1_000
    assert not compared.leaks


def test_a_comparison_is_told_with_its_effect() -> None:
    comparison = Comparison("recall", (int, int), ([2.0, 3.0, 2.0, 3.0, 9.9], [1.0, 2.0, 1.0, 2.0]))
    assert str(comparison) == "recall: +1.00 µs (t = +2.4, d = +1.732)"
