"""The parts find nothing in Severance, all of their controls, and a sentence that was left where it may not be."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.findings import Tally
from severance.barrier.residue import dumps, endings, parts, places, processes
from severance.barrier.residue.planted import planted
from severance.barrier.scene import Part, Scene, Skipped

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="what is looked at here, only Linux shows"),
]

SEED = 11
BY_NAME = {part.name: part for part in parts.PARTS}
SAID = planted(40, f"{SEED}/0/{os.getpid()}")
"""What a part plants in its first trial in this process."""


def tried(name: str, folder: Path, more: Callable[[Tally], bool] = lambda tally: False) -> Tally:
    """The part, tried once, or as long as there is more."""
    tally, scratch = Tally(), folder / "scratch"
    scratch.mkdir()
    BY_NAME[name].run(Scene(scratch, SEED, more), tally)
    assert not list(scratch.iterdir()), "it takes away what it has made"
    return tally


def asks(times: int) -> Callable[[Tally], bool]:
    """Time for so many trials more."""
    left = iter(range(times))
    return lambda tally: next(left, None) is not None


def beginning_otherwise(monkeypatch: pytest.MonkeyPatch, change: Callable[..., Any]) -> None:
    """Processes are begun with what `change` makes of their arguments and environment."""
    true = places.begun

    def begun(
        folder: Path, arguments: Sequence[str], *, more: Any = None, kept: bool = True
    ) -> AbstractContextManager[Any]:
        arguments, more = change(list(arguments), dict(more or {}))
        return true(folder, arguments, more=more, kept=kept)

    monkeypatch.setattr(parts, "begun", begun)


@pytest.mark.parametrize(("name", "looks"), [("processes", 3), ("memory", 2), ("dumps", 2)])
def test_nothing_is_found_but_the_control(name: str, looks: int, tmp_path: Path) -> None:
    tally = tried(f"residue.{name}", tmp_path)
    assert (tally.found, tally.failed, tally.evidence) == (0, "", [])
    assert tally.tried == looks * 40
    assert tally.control is not None
    assert tally.control.works, tally.control


def test_sessions_end_in_as_many_ways_as_there_is_time_for(tmp_path: Path) -> None:
    tally = tried("residue.files", tmp_path, asks(2))
    assert (tally.found, tally.failed, tally.tried) == (0, "", (3 + 1) * 40), "three endings, and the temporary folders"
    assert tally.control is not None
    assert (tally.control.tried, tally.control.works) == (40 * 8, True)


def test_a_sentence_in_a_file_is_told_by_its_number_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = endings.prepare

    def prepare(store: Path, said: Sequence[str], *given: Any, **named: Any) -> None:
        true(store, said, *given, **named)
        (store / "notes").write_text(f"{said[3]} and {endings.QUAY}")

    monkeypatch.setattr(endings, "prepare", prepare)
    tally = tried("residue.files", tmp_path)
    assert tally.found == 2, tally.evidence
    assert tally.tried == 2 * 40 + 1, "a name counts when it is found"
    where = Path("0", "is_killed", "store", "notes")
    assert tally.evidence[0].startswith(f"sentence 3 as utf-8 in {where} at byte 0, after a session that is killed")
    assert tally.evidence[1].startswith(f"a name or the key as utf-8 in {where}")
    assert SAID[3][:20] not in "".join(tally.evidence)


def test_a_sentence_in_the_environment_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beginning_otherwise(monkeypatch, lambda arguments, more: (arguments, {"LAST_QUERY": SAID[5]} | more))
    tally = tried("residue.processes", tmp_path)
    assert tally.found == 1
    assert tally.evidence[0].startswith("sentence 5 as utf-8 in /proc at byte ")
    assert "with a persona awake" in tally.evidence[0]


def test_sentences_in_the_memory_of_another_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def same(arguments: list[str], more: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        return [each.removesuffix("/another") for each in arguments], more

    beginning_otherwise(monkeypatch, same)
    tally = tried("residue.memory", tmp_path)
    assert tally.found >= 40, "the other persona remembers the same"
    assert "in the memory of a process with another persona awake" in tally.evidence[0]


@pytest.mark.skipif(not dumps.kernel_dumps_here(), reason="core dumps go elsewhere here, or are off for good")
def test_a_command_with_core_dumps_on_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "_COMMAND", dumps._UNDEFENDED)
    tally = tried("residue.dumps", tmp_path)
    assert tally.found >= 41
    assert "may leave a core dump" in tally.evidence[0]


def test_a_copy_of_the_memory_is_the_control_where_core_dumps_go_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dumps, "kernel_dumps_here", lambda: False)
    tally = tried("residue.dumps", tmp_path)
    assert tally.control is not None
    assert tally.control.works
    assert "copy of the memory" in tally.control.what


def test_a_control_that_is_not_there_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "write_control", lambda folder, said, embedder: folder.mkdir())
    tally = tried("residue.files", tmp_path)
    assert tally.control is not None
    assert (tally.control.found, tally.control.works) == (0, False)


def test_a_session_that_hangs_or_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def change(arguments: list[str], more: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        return (["-c", "import sys; sys.stdin.read()"] if endings.__name__ in arguments else arguments), more

    beginning_otherwise(monkeypatch, change)
    monkeypatch.setattr(parts, "LONGEST", 0.5)
    tally = Tally()
    BY_NAME["residue.files"].run(Scene(tmp_path, SEED, lambda tally: False), tally)
    assert tally.failed == "a session that is killed did not end"


@pytest.mark.parametrize("part", parts.PARTS, ids=lambda part: str(part.name))
def test_windows_is_told_why_it_is_not_tried(part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Skipped):
        part.run(Scene(tmp_path, SEED, lambda tally: False), Tally())


def test_a_system_that_shows_no_memory_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "MEMORY_IS_SHOWN", False)
    with pytest.raises(Skipped, match="Linux only"):
        tried("residue.memory", tmp_path)
