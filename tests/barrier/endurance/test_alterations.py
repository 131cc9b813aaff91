"""Alterations are drawn from a seed, change something, and are put back."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from severance.barrier.endurance.alterations import SET_FRAME, Alterer, Rows, alter, older_vault
from severance.barrier.endurance.damage import NOTICED, SOUND, Bench, contents
from severance.barrier.endurance.replacing import replaced
from severance.barrier.endurance.writer import Foreseen
from severance.barrier.traces.ports import MEMORY


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Bench(Path(folder))


def test_the_same_seed_tries_the_same_and_each_is_put_back(bench: Bench) -> None:
    alterer = Alterer(bench)
    first = [alterer.trial(Random(seed)) for seed in range(40)]
    assert contents(bench.store) == bench.built.files
    assert [Alterer(bench).trial(Random(seed)) for seed in range(10)] == first[:10]
    assert {trial.outcome.kind for trial in first} <= set(SOUND)
    edits = [trial for trial in first if "bit" not in trial.what and "cut to" not in trial.what]
    assert {trial.outcome.kind for trial in edits} <= set(NOTICED), "only bits and lengths can be harmless"
    kinds = Counter(trial.what.translate(str.maketrans("", "", "0123456789")) for trial in first)
    assert len(kinds) >= 8


def test_an_older_vault_is_refused(bench: Bench) -> None:
    assert older_vault(bench).kind == "refused"
    assert contents(bench.store) == bench.built.files


def test_an_alteration_that_alters_nothing_is_none(bench: Bench) -> None:
    space = Rows(bench, "floor").space
    with pytest.raises(ValueError, match="changes nothing"):
        alter(bench.store / "vault.db", [(SET_FRAME, b"frame", space, 10_000)])
    bench.reset()


def test_rows_are_what_the_vault_holds(bench: Bench) -> None:
    floor, home = Rows(bench, "floor"), Rows(bench, "home")
    assert floor.space != home.space
    assert sorted(floor.rows) == list(range(1, bench.built.last["floor"] + 1))
    assert 0 < floor.pictured < bench.built.last["floor"]
    assert home.pictured == 0
    assert set(floor.living) < set(floor.rows), "some were forgotten"
    assert len({floor.digest(seq) for seq in range(len(floor.rows) + 1)}) == len(floor.rows) + 1


class Owner:
    value = 1


def test_what_was_replaced_is_as_it_was_also_after_an_error() -> None:
    with replaced(Owner, value=2):
        assert Owner.value == 2
    with pytest.raises(RuntimeError), replaced(Owner, value=3):
        raise RuntimeError
    assert Owner.value == 1
    with pytest.raises(KeyError), replaced(Owner, other=2):
        pass


def test_a_foreseen_draw_comes_true_once() -> None:
    entropy = Foreseen()
    seen = entropy.foresee(15)
    assert len(entropy.draw(32, b"another size")) == 32
    assert entropy.draw(15, b"scope") == seen
    assert entropy.draw(15, b"scope") != seen
