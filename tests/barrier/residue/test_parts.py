"""The parts find nothing in Severance, all of their controls, and a sentence that was left where it may not be."""

from __future__ import annotations

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.findings import Tally
from severance.barrier.residue import Sweep, commands, dumps, endings, parts, places, processes, stores
from severance.barrier.residue.planted import beside, drafts, planted
from severance.barrier.scene import Part, Scene, Skipped
from severance.errors import SeveranceError
from severance.model import MAX_TEXT_BYTES

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


@pytest.mark.parametrize(("name", "looks"), [("processes", 5), ("memory", 3), ("dumps", 2)])
def test_nothing_is_found_but_the_control(name: str, looks: int, tmp_path: Path) -> None:
    tally = tried(f"residue.{name}", tmp_path)
    assert (tally.found, tally.failed, tally.evidence) == (0, "", [])
    assert tally.tried == looks
    assert tally.control is not None
    assert tally.control.works, tally.control


def test_sessions_end_in_as_many_ways_as_there_is_time_for(tmp_path: Path) -> None:
    tally = tried("residue.files", tmp_path, asks(2))
    assert (tally.found, tally.failed, tally.tried) == (0, "", 3 + 1), "three ways to end, and the temporary folders"
    assert tally.note.startswith(f"3 of {len(parts.WAYS)} ways to end were tried, each with 40 sentences and 46 labels")
    assert tally.control is not None
    assert (tally.control.tried, tally.control.works) == ((40 + 2) * 9, True)


def test_a_short_run_has_endings_and_commands_among_its_first() -> None:
    least = BY_NAME["residue.files"].least
    assert least >= 6
    first = set(parts.WAYS[:least])
    assert len(first & set(endings.ENDINGS)) >= 3
    assert len(first & set(commands.COMMANDS)) >= 3
    assert len(parts.WAYS) == len(endings.ENDINGS) + len(commands.COMMANDS)


def test_a_sentence_in_a_file_is_told_by_its_number_and_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = stores.prepare

    def prepare(store: Path, said: Sequence[str], *given: Any, **named: Any) -> None:
        true(store, said, *given, **named)
        (store / "notes").write_text(f"{said[3]} and {stores.QUAY}")

    monkeypatch.setattr(stores, "prepare", prepare)
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.tried) == (1, 2), "what is left by one ending is one finding"
    where = Path("0", "is_killed", "store", "notes")
    told = f"sentence 3 as utf-8 in {where} at byte 0, and 1 more, after a session that is killed"
    assert tally.evidence[0].startswith(told)
    assert SAID[3][:20] not in "".join(tally.evidence)


LEAKS = {"remember": "store/last.txt", "recall": "home/.last"}
"""Where a command is made to write what it is given, by its name."""


@pytest.mark.parametrize("name", LEAKS)
def test_what_a_command_leaves_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leak = (
        "import runpy\nfrom severance.session import Session\n"
        f"true = Session.{name}\n"
        "def leaky(self, given, **more):\n"
        f"    open({LEAKS[name]!r}, 'w').write(given)\n"
        "    return true(self, given, **more)\n"
        f"Session.{name} = leaky\n"
        "runpy.run_module('severance.cli.main', run_name='__main__')\n"
    )
    true = places.begun

    def begun(folder: Path, arguments: Sequence[str], **how: Any) -> AbstractContextManager[Any]:
        return true(folder, ["-c", leak, *arguments[2:]], **how)

    monkeypatch.setattr(commands, "begun", begun)
    monkeypatch.setattr(parts, "WAYS", (name,))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed) == (1, "")
    assert f"{LEAKS[name]} at byte 0, after the command {name}" in tally.evidence[0]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_nothing_is_left_by_the_command(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "WAYS", (name,))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed, tally.tried) == (0, "", 2), tally.evidence


def test_a_command_that_shows_nothing_or_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SeveranceError, match="the command check ended with status"):
        commands.run("check", tmp_path / "empty", SAID, "", tmp_path / "source")
    monkeypatch.setattr(commands, "_PROGRAM", ("-c", "pass"))
    with pytest.raises(SeveranceError, match="the command export showed nothing"):
        commands.run("export", tmp_path / "empty", SAID, "", tmp_path / "source")


def test_what_the_product_puts_into_its_own_environment_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = (
        "import os, runpy\nfrom severance.session import Session\ntrue = Session.recall\n"
        "Session.recall = lambda self, query, **more: (os.environ.update(LAST=query), true(self, query, **more))[1]\n"
        f"runpy.run_module('{endings.__name__}', run_name='__main__')\n"
    )

    def change(arguments: list[str], more: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        at = arguments.index("-m")
        return ["-c", leak, *arguments[at + 2 :]], more

    beginning_otherwise(monkeypatch, change)
    monkeypatch.setattr(parts, "WAYS", ("starts_a_child",))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed) == (1, "")
    assert Path("starts_a_child", "environment").as_posix() in tally.evidence[0]


def leaking(code: str) -> Callable[[list[str], dict[str, str]], tuple[list[str], dict[str, str]]]:
    """What begins an ending after this code has been run in its process, where LAST_QUERY has a sentence."""

    def change(arguments: list[str], more: dict[str, str]) -> tuple[list[str], dict[str, str]]:
        if "-m" not in arguments:
            return arguments, more
        at = arguments.index("-m")
        run = f"import os, runpy\n{code}\nrunpy.run_module('{endings.__name__}', run_name='__main__')\n"
        return ["-c", run, *arguments[at + 2 :]], {"LAST_QUERY": SAID[5]} | more

    return change


def test_a_sentence_in_the_scratch_directory_of_a_worker_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = (
        "from severance.worker.away import WorkerSession\ntrue = WorkerSession.recall\n"
        "def recall(self, query, **more):\n"
        "    (self._child.scratch / 'last').write_text(query)\n"
        "    return true(self, query, **more)\n"
        "WorkerSession.recall = recall"
    )
    beginning_otherwise(monkeypatch, leaking(leak))
    monkeypatch.setattr(parts, "WAYS", ("is_killed_with_a_worker",))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed) == (1, "")
    assert re.search(r"tmp/severance-worker-\w+/last at byte 0", tally.evidence[0])


def test_a_sentence_in_the_environment_of_a_worker_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leak = "from severance.worker import child\nchild._PASSED += ('LAST_QUERY',)"
    beginning_otherwise(monkeypatch, leaking(leak))
    tally = tried("residue.processes", tmp_path)
    assert tally.found == 3, "in the process that was begun, and in the worker of each persona"
    assert [line.rpartition(", ")[2].split(" (")[0] for line in tally.evidence] == [
        "shown of a process with a persona awake",
        "shown of a persona's worker",
    ]


def test_what_is_in_the_memory_of_the_worker_of_another_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak = (
        "from severance.worker import workers\ntrue = workers.Wake\n"
        "workers.Wake = lambda **told: true(**{**told, 'place': os.environ['LAST_QUERY']})"
    )
    beginning_otherwise(monkeypatch, leaking(leak))
    tally = tried("residue.memory", tmp_path)
    assert any("in the memory of a worker of another persona" in line for line in tally.evidence)


def test_a_worker_whose_memory_is_closed_is_told_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "memories", lambda sweep, workers: None)
    tally = tried("residue.memory", tmp_path)
    assert (tally.tried, tally.found) == (2, 0)
    assert tally.note == "A worker's memory is closed to this user, as it should be, and so was not looked at."
    assert tally.control is not None
    assert (tally.control.tried, tally.control.works) == (40, True)


def test_the_text_of_a_permit_in_the_store_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leak = (
        "from severance import House\ntrue = House.admit\n"
        "def admit(self, text, **more):\n"
        "    open('store/last', 'w').write(text)\n"
        "    return true(self, text, **more)\n"
        "House.admit = admit"
    )
    beginning_otherwise(monkeypatch, leaking(leak))
    monkeypatch.setattr(parts, "WAYS", ("is_let_in",))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed) == (1, "")
    assert tally.evidence[0].startswith("the text of secret 2 as utf-8 in ")
    assert Path("is_let_in", "store", "last").as_posix() in tally.evidence[0]


@pytest.mark.parametrize("name", endings.TELLING)
def test_nothing_is_left_of_what_is_secret(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    true = parts._Planted.look

    def look(self: Any, tally: Tally, sweep: Sweep, secrets: Sweep | None, folder: Path, when: str) -> None:
        assert secrets is not None, "it has said what its secrets are"
        seen.append({file.name for file in (folder / "store").iterdir()})
        true(self, tally, sweep, secrets, folder, when)

    monkeypatch.setattr(parts._Planted, "look", look)
    monkeypatch.setattr(parts, "WAYS", (name,))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed, tally.evidence) == (0, "", [])
    assert len(seen) == 1
    more = {"rings": {"alarms.db"}, "is_killed_while_up": {"resident"}}.get(name, set())
    assert seen[0] >= {"vault.db", "chip.db", "audit.db", *more}


@pytest.mark.parametrize("name", [name for name, command in commands.COMMANDS.items() if command.tells])
def test_what_a_command_tells_as_a_secret_is_found_where_it_was_left(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = commands.run

    def run(name: str, folder: Path, *given: Any) -> str:
        told = true(name, folder, *given)
        (folder / "store" / "told").write_text(told)
        return told

    monkeypatch.setattr(commands, "run", run)
    monkeypatch.setattr(parts, "WAYS", (name,))
    tally = tried("residue.files", tmp_path)
    assert (tally.found, tally.failed) == (1, "")
    assert tally.evidence[0].startswith("the text of secret 0 as utf-8 in ")


def test_labels_and_unusual_texts_are_planted_and_each_is_looked_for() -> None:
    kept = drafts(SAID)
    wanted = beside(SAID)
    assert len(set(wanted)) == len(wanted)
    for draft in kept[:8]:
        ((name, value),) = draft["metadata"].items()
        assert {draft["thread"], draft["source"], draft["kind"], name, value} <= set(wanted)
    longest, above, marked = (draft["text"] for draft in kept[8:])
    assert MAX_TEXT_BYTES - 200 < len(longest.encode()) <= MAX_TEXT_BYTES
    assert max(map(ord, above)) > 0xFFFF
    assert any(map(unicodedata.combining, marked))
    assert sum(each in longest for each in wanted) == 3
    assert {above, marked} <= set(wanted)


def test_what_another_run_plants_is_not_taken_for_ones_own() -> None:
    sweep = Sweep([*SAID, *beside(SAID)], stores.EMBEDDER, digits=8)
    for number in range(40):
        others = planted(40, f"another {number}")
        every = "\n".join([*others, *beside(others), *(draft["text"] for draft in drafts(others))])
        for data in (every.encode(), json.dumps(every).encode()):
            assert sweep.content("another", data).clean


def test_a_label_in_a_file_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = stores.prepare

    def prepare(store: Path, said: Sequence[str], *given: Any, **named: Any) -> None:
        true(store, said, *given, **named)
        (store / "kinds").write_text(drafts(said)[0]["kind"])

    monkeypatch.setattr(stores, "prepare", prepare)
    tally = tried("residue.files", tmp_path)
    assert tally.evidence[0].startswith("label or text 2 as utf-8 in ")


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
    assert tally.found == 2, "the other persona remembers the same"
    assert "and 39 more" in tally.evidence[0]
    assert "in the memory of a process with another persona awake" in tally.evidence[0]


@pytest.mark.skipif(not dumps.kernel_dumps_here(), reason="core dumps go elsewhere here, or are off for good")
def test_a_command_with_core_dumps_on_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "_COMMAND", dumps._UNDEFENDED)
    tally = tried("residue.dumps", tmp_path)
    assert tally.found == 2
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
