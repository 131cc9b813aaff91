from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from barrier.suites.small import CANARIES, HOME, WORK, material, scene, tried
from severance import NotFoundError, Session
from severance.barrier.findings import Tally
from severance.barrier.suites import attack, planted
from severance.barrier.suites.attack import OUTLETS, control, run
from severance.barrier.suites.cast import Material, checked, unique
from severance.barrier.suites.phrasings import TEMPLATES
from severance.barrier.suites.planted import CAST
from severance.barrier.suites.stage import written
from severance.errors import InputError

Patch = pytest.MonkeyPatch
small = partial(run, material())


def test_nothing_crosses_in_a_small_suite_and_the_control_is_seen(folder: Path) -> None:
    tally = tried(small, folder)
    assert (tally.found, tally.failed) == (0, "")
    # Writing, two whole personas, two attacks, two ids.
    assert tally.tried == 7
    assert tally.control is not None
    assert tally.control.works
    assert "100.0%" in tally.note
    assert "so the memory was awake" in tally.note


def test_it_ends_when_there_is_no_more_time(folder: Path) -> None:
    assert tried(small, folder, trials=5).tried == 5


def test_a_quick_run_tries_a_sample_that_the_seed_decides(folder: Path, monkeypatch: Patch) -> None:
    asked: list[list[str]] = []
    true = attack.asked

    def noting(session: Session, probe: Any, *given: Any) -> Any:
        asked[-1].append(probe.what + str(probe.asker))
        return true(session, probe, *given)

    monkeypatch.setattr(attack, "asked", noting)
    monkeypatch.setattr(attack, "QUICK_ATTACKS", 3)
    for name in ("first", "second"):
        asked.append([])
        (folder / name).mkdir()
        tried(small, folder / name, deep=False)
    assert asked[0] == asked[1]
    assert tried(small, folder / "first" / "again", deep=False).tried == 6


def leaky(name: str, work: Any) -> Any:
    """Patches a method of every session with one that is given the true method, all sessions, and the arguments."""

    def patch(monkeypatch: Patch) -> None:
        true, known = getattr(Session, name), list[Session]()
        made = Session.__init__

        def init(self: Session, *given: Any, **named: Any) -> None:
            made(self, *given, **named)
            known.append(self)

        monkeypatch.setattr(Session, "__init__", init)
        monkeypatch.setattr(Session, name, lambda self, *given, **how: work(true, known, self, *given, **how))

    return patch


def _recall(true: Any, known: list[Session], self: Session, *given: Any, **how: Any) -> Any:
    return [hit for one in known if one._space is not None for hit in true(one, *given, **how)]


def _get(true: Any, known: list[Session], self: Session, wanted: str) -> Any:
    for one in known:
        if one._space is not None and one is not self:
            for memory in one._mind.memories():
                if memory.id == wanted:
                    raise NotFoundError(f"{memory.text} is another's")
    return true(self, wanted)


def _list(true: Any, known: list[Session], self: Session, **how: Any) -> Any:
    return (memory for one in known if one._space is not None for memory in true(one, **how))


def _stats(true: Any, known: list[Session], self: Session) -> Any:
    for one in known:
        logging.getLogger("severance").info("%s", [memory.text for memory in one._mind.memories()])
    return true(self)


@pytest.mark.parametrize(
    ("method", "work", "outlet"),
    [
        ("recall", _recall, "recall: "),
        ("recall", _recall, "context: "),
        ("get", _get, "an error: "),
        ("memories", _list, "export: "),
        ("memories", _list, "list: "),
        ("stats", _stats, "a log line: "),
    ],
)
def test_a_leak_by_each_outlet_is_counted_and_told_without_what_leaked(
    folder: Path, monkeypatch: Patch, method: str, work: Any, outlet: str
) -> None:
    leaky(method, work)(monkeypatch)
    tally = tried(small, folder)
    assert tally.found
    assert any(outlet in line for line in tally.evidence), tally.evidence
    assert not [line for line in tally.evidence for canary in CANARIES if canary in line]


def test_a_memory_that_finds_nothing_at_all_is_a_failure_and_not_a_success(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Session, "recall", lambda self, *given, **how: [])
    tally = tried(small, folder)
    assert "found anything of its own" in tally.failed
    assert tally.control is not None
    assert not tally.control.works


def test_the_control_fails_where_the_watch_is_blind(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr("severance.barrier.suites.watch.strings", lambda value, depth=0: iter(()))
    assert control(material(), scene(folder)).found == 0


def test_an_attack_about_a_piece_is_asked_with_its_id(folder: Path) -> None:
    with written(folder / "store", material().pieces) as stage:
        made = replace(material(), attacks=(replace(material().attacks[0], text="x {id} y", about=1),))
        probes = attack._attacks(made, stage, scene(folder).random())
    assert [probe.text for probe in probes] == [f"x {stage.ids[1]} y", *stage.ids]
    assert [probe.asker for probe in probes] == [HOME, HOME, WORK]


def test_everything_in_one_persona_is_one_session(folder: Path) -> None:
    with written(folder / "store", material().pieces, as_one=True) as stage:
        assert stage.awake[WORK] is stage.awake[HOME]
        assert len(list(stage.awake[WORK].memories())) == 2


def test_a_material_that_can_say_nothing_is_refused() -> None:
    alone = Material("x", material().pieces[:1], material().attacks, material().positives)
    silent = replace(material(), attacks=())
    for wrong, words in ((alone, "one persona only"), (silent, "asks for nothing")):
        with pytest.raises(InputError, match=words):
            checked(wrong, "file.json")
    assert unique(material().attacks * 2) == material().attacks


def test_planted_canaries_are_random_and_the_same_for_a_seed(folder: Path) -> None:
    first, again = (planted.material(scene(folder).random(10), True) for _ in range(2))
    other = planted.material(scene(folder).random(11), True)
    assert first == again
    assert not {c for p in first.pieces for c in p.canaries} & {c for p in other.pieces for c in p.canaries}


def test_every_template_can_be_filled_and_is_asked_of_every_persona(folder: Path) -> None:
    made = planted.material(scene(folder).random(10), True)
    assert len(CAST) >= 6
    assert len(made.attacks) >= len(CAST) * sum(map(len, TEMPLATES.values()))
    for who in CAST:
        own = {canary for piece in made.pieces if piece.who == who for canary in piece.canaries}
        mine = [probe for probe in made.attacks if probe.asker == who]
        assert {probe.what for probe in mine} >= set(TEMPLATES)
        assert not [probe for probe in mine for canary in own if canary in probe.text]
    assert max(len(probe.text) for probe in made.attacks) > 20_000


def test_a_quick_run_asks_every_template_of_one_persona_and_leaves_none_out(folder: Path) -> None:
    made = planted.material(scene(folder).random(10), False)
    templates = sum(map(len, TEMPLATES.values()))
    assert templates < len(made.attacks) < attack.QUICK_ATTACKS - len(made.pieces)
    assert {probe.asker for probe in made.attacks} == set(CAST)


def test_the_planted_suite_holds_and_its_commands_are_tried(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(attack, "QUICK_ATTACKS", 40)
    tally = tried(planted.run, folder, deep=False)
    assert (tally.found, tally.failed) == (0, "")
    assert tally.control is not None
    assert tally.control.works
    assert tally.tried == 40 + 1 + len(CAST) + 2


def test_a_command_that_prints_nothing_is_a_failure(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(planted, "_printed", lambda stage, asker, words: "")
    tally, made = Tally(), planted.material(scene(folder).random(10), True)
    planted._commands(made, scene(folder), tally)
    assert "did not print" in tally.failed


def test_a_command_that_prints_another_s_memory_is_seen(folder: Path, monkeypatch: Patch) -> None:
    made = planted.material(scene(folder).random(10), True)
    monkeypatch.setattr(planted, "_printed", lambda stage, asker, words: made.pieces[-1].draft.text)
    tally = Tally()
    planted._commands(made, scene(folder, deep=False), tally)
    assert tally.found == 2
    assert "at the command line" in tally.evidence[0]


def test_every_public_way_of_asking_is_an_outlet() -> None:
    asked = {name.split()[0] for name in OUTLETS} | {"memories"}
    assert asked >= {"recall", "context", "get", "history", "amend", "forget", "memories"}
