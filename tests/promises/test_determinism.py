"""P8: the same calls with the same clock, entropy and embedder give the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit import dump, make_house, scenario
from severance.barrier.traces.compare import run
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.ports import ScopedEntropy

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], dict[str, object]]:
    """In one process, in two folders."""
    first, second = (scenario.play(tmp_path_factory.mktemp(name)) for name in ("first", "second"))
    return first, second


def of(run: dict[str, object], kind: str) -> dict[str, object]:
    found = {name: value for name, value in run.items() if name.startswith(kind)}
    assert found
    return found


def test_every_result_is_the_same(two_runs: tuple[dict[str, object], dict[str, object]]) -> None:
    first, second = two_runs
    assert first["results"] == second["results"]


@pytest.mark.parametrize("table", ["vault.db meta", "vault.db spaces", "vault.db records"])
def test_every_row_of_the_vault_is_the_same(two_runs: tuple[dict[str, object], ...], table: str) -> None:
    first, second = two_runs
    assert of(first, f"table store/{table}") == of(second, f"table store/{table}")


@pytest.mark.parametrize("table", ["layers", "chunks"])
def test_every_snapshot_is_the_same(two_runs: tuple[dict[str, object], ...], table: str) -> None:
    first, second = two_runs
    rows = of(first, f"table store/vault.db {table}")
    assert rows == of(second, f"table store/vault.db {table}")
    assert all(rows.values()), "the scenario wrote layers"


@pytest.mark.parametrize("table", ["meta", "rows"])
def test_every_row_of_the_chip_is_the_same(two_runs: tuple[dict[str, object], ...], table: str) -> None:
    first, second = two_runs
    assert of(first, f"table store/chip.db {table}") == of(second, f"table store/chip.db {table}")


def test_the_export_is_the_same(two_runs: tuple[dict[str, object], ...]) -> None:
    first, second = two_runs
    exports = {name for name in first if name.endswith(".jsonl")}
    assert len(exports) == 3
    assert {name: first[name] for name in exports} == {name: second[name] for name in exports}


def test_the_backup_is_the_same(two_runs: tuple[dict[str, object], ...]) -> None:
    first, second = two_runs
    assert of(first, "member") == of(second, "member")
    assert first["file full.tar"] == second["file full.tar"]


def test_the_files_of_the_store_are_the_same_to_the_last_byte(two_runs: tuple[dict[str, object], ...]) -> None:
    first, second = two_runs
    assert of(first, "file store/") == of(second, "file store/")


def test_other_processes_with_other_hash_seeds_leave_the_same(folder: Path) -> None:
    """Sets of texts are in another order there; nothing may depend on it."""
    printed = []
    for seed in ("1", "2"):
        (place := folder / seed).mkdir()
        environ = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-W", "error", "-m", "kit.scenario", str(place)]
        printed.append(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)
    assert printed[0] == printed[1]


@pytest.mark.parametrize("seed", [3, 4])
def test_a_long_trace_leaves_the_same_tables_and_shows_everyone_the_same(folder: Path, seed: int) -> None:
    runs = []
    for name in ("first", "second"):
        (place := folder / name).mkdir()
        seen = run(trace(seed, 120), place).seen
        runs.append((seen, dump(place / "trace/store/vault.db"), dump(place / "trace/store/chip.db")))
    first, second = runs
    assert first[0] == second[0]
    assert first[1:] == second[1:]


def test_another_entropy_leaves_other_bytes(folder: Path) -> None:
    """Else all of the above could hold for a store that has no random bytes in it."""
    stores = []
    for seed in (b"one", b"two"):
        (place := folder / seed.decode()).mkdir()
        with make_house(place, entropy=ScopedEntropy(seed)) as house, house.cross("mark", "floor") as innie:
            innie.remember("the file")
        stores.append(dump(place / "store/vault.db"))
    assert not set(stores[0]["records"]) & set(stores[1]["records"])
