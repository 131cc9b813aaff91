"""The parts that kill and damage: nothing is lost or taken for right, and what is broken on purpose is noticed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from severance.barrier.endurance import kills, parts
from severance.barrier.endurance.alterations import Alterer, Trial
from severance.barrier.endurance.replacing import replaced
from severance.barrier.findings import Tally
from severance.barrier.scene import Scene, Skipped
from severance.chip.chip import Chip
from severance.errors import StoreError

BY_NAME = {part.name: part for part in parts.PARTS}
SEED = 3

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="writers are forked")


def tried(name: str, folder: Path, more: Callable[[Tally], bool] = lambda tally: False) -> Tally:
    """The part, tried as long as there is more."""
    tally = Tally()
    BY_NAME[name].run(Scene(folder, SEED, more), tally)
    return tally


def test_damage_is_noticed_and_a_reader_that_does_not_check_is_the_control(folder: Path) -> None:
    tally = tried("damage.noticed", folder, lambda tally: tally.tried < 30)
    assert (tally.tried, tally.found, tally.evidence) == (30, 0, [])
    assert tally.control is not None
    assert (tally.control.tried, tally.control.works) == (2, True)


def test_one_alteration_is_always_tried(folder: Path) -> None:
    assert tried("damage.noticed", folder).tried == 1


def test_damage_that_is_taken_for_right_is_told_with_its_trial(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = Alterer.trial

    def unchecked(self: Alterer, source: Random) -> Trial:
        with replaced(Chip, anchor=lambda self, key, rows=None: None):
            return true(self, source)

    monkeypatch.setattr(Alterer, "trial", unchecked)
    tally = tried("damage.noticed", folder, lambda tally: tally.tried < 40)
    assert 0 < tally.found < 40
    assert any("older vault" in line for line in tally.evidence)
    assert all(f"(seed {SEED}, trial " in line for line in tally.evidence)


@forks
@pytest.mark.slow
def test_what_was_acknowledged_is_there_and_hasty_writers_are_the_control(folder: Path) -> None:
    tally = tried("durability.kill", folder)
    assert (tally.found, tally.failed, tally.evidence) == (0, "", [])
    assert tally.tried >= 10
    assert tally.control is not None
    assert tally.control.works
    assert "had been acknowledged" in tally.note


@forks
@pytest.mark.slow
def test_hasty_writers_are_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = parts._supervisor

    def hasty(scene: Scene, name: str, most: int, *options: str) -> Any:
        return true(scene, name, 60, "--hasty")

    monkeypatch.setattr(parts, "_supervisor", hasty)
    tally = tried("durability.kill", folder, lambda tally: True)
    assert tally.found == 1
    assert tally.tried >= 1
    assert "nothing was under way, and the store differs" in tally.evidence[0]


@forks
@pytest.mark.slow
def test_ctrl_c_ends_every_process_and_keeps_the_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[str]] = []

    class Spied(subprocess.Popen[str]):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            begun.append(self)

    def more(tally: Tally) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Spied)
    tally = Tally()
    with pytest.raises(KeyboardInterrupt):
        BY_NAME["durability.kill"].run(Scene(folder, SEED, more), tally)
    assert tally.tried >= 10
    assert len(begun) == 2
    assert all(child.returncode is not None for child in begun)
    assert not list((folder / "writers").glob("kills-*")), "they have cleared up"


def test_a_system_without_forks_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "fork", raising=False)
    with pytest.raises(Skipped, match="SIGKILL"):
        tried("durability.kill", tmp_path)


@forks
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("/home/jane/notes.db"), "RuntimeError"),
        (StoreError("the store is full"), "StoreError: the store is full"),
    ],
)
def test_a_writer_that_fails_is_told_by_its_error_and_without_a_traceback(error: Exception, told: str) -> None:
    def work(say: Callable[[dict[str, Any]], None]) -> None:
        raise error

    said = kills.Child(work).finish()
    assert said == [{"error": f"a process that should write or read ended with {told}"}]


@forks
def test_the_process_that_kills_gets_nothing_of_the_users(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[dict[str, Any]] = []
    true = subprocess.Popen

    def popen(command: list[str], **given: Any) -> Any:
        begun.append(given | {"command": command})
        return true(command, **given)

    monkeypatch.setenv("SEVERANCE_KEY", "secret")
    monkeypatch.setattr(subprocess, "Popen", popen)
    with parts._supervisor(Scene(folder, SEED, lambda _: False), "writers", 1) as supervisor:
        list(parts._counted(supervisor))
    [given] = begun
    assert (given["cwd"], given["command"][1]) == (folder / "writers", "-P")
    assert "SEVERANCE_KEY" not in given["env"]
