"""P5: a flipped bit and a file cut off are refused, or change nothing. `make flips` flips every bit of the store."""

from __future__ import annotations

from typing import Any

import pytest

from promises.damage.logs import Log
from severance.barrier.endurance.damage import FILES, SOUND, Bench, Outcome, cuts


def test_the_store_is_the_smallest_that_sqlite_can_hold_it_in(bench: Bench) -> None:
    assert {name: len(content) for name, content in bench.built.files.items()} == {
        "vault.db": 65_536,
        "chip.db": 24_576,
    }
    assert bench.bits == 720_896


def test_a_flipped_bit_is_noticed_or_harmless(bench: Bench) -> None:
    outcomes = {bit: bench.flip(bit, short=True) for bit in range(0, bench.bits, 311)}
    assert faults(outcomes) == {}
    assert {outcome.kind for outcome in outcomes.values()} == set(SOUND)


def test_where_sqlite_says_the_same_the_answers_are_the_same(bench: Bench) -> None:
    # The short cut that the trials above take, held against the long way.
    for bit in range(0, bench.bits, 4_001):
        long, short = bench.flip(bit), bench.flip(bit, short=True)
        assert short.kind == long.kind, bit
        assert short == long or short.detail == "the same rows"


def header(bench: Bench, name: str) -> range:
    start = 0 if name == FILES[0] else len(bench.built.files[FILES[0]])
    return range(start * 8, (start + 100) * 8)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_of_a_header_is_noticed_or_harmless(bench: Bench, name: str) -> None:
    assert faults({bit: bench.flip(bit, short=True) for bit in header(bench, name)}) == {}


def test_any_flipped_bit_of_what_the_chip_says_in_the_clear_is_noticed_or_harmless(bench: Bench) -> None:
    # The second page holds `meta`: its header with the places of its rows, and the rows at its end.
    chip = bench.built.files["chip.db"]
    first = bench.bits // 8 - len(chip)
    places = [*range(4096, 4112), *range(chip.index(b"key{") - 8, chip.index(b"key{") + 8)]
    outcomes = {
        bit: bench.flip(bit, short=True) for at in places for bit in range((first + at) * 8, (first + at + 1) * 8)
    }
    assert faults(outcomes) == {}


def test_any_flipped_bit_of_a_frame_is_refused(bench: Bench, logs: dict[str, Log]) -> None:
    frame = logs["home"].rows[8][0]
    start = bench.built.files["vault.db"].index(frame)
    outcomes = {bit: bench.flip(bit, short=True) for bit in range(start * 8, (start + 120) * 8)}
    assert {outcome.kind for outcome in outcomes.values()} == {"refused"}


def test_a_file_cut_off_is_refused(bench: Bench) -> None:
    every = cuts(bench.built.files)
    pages = [(name, length) for name, length in every if length % 4096 == 0]
    outcomes = {cut: bench.cut(*cut) for cut in pages + every[::61]}
    assert faults(outcomes) == {}
    assert outcomes["vault.db", 0].kind == outcomes["chip.db", 0].kind == "refused"


def faults(outcomes: dict[Any, Outcome]) -> dict[Any, Outcome]:
    return {what: outcome for what, outcome in outcomes.items() if outcome.kind not in SOUND}
