"""A short run of the model against real houses, and proof that it finds what is wrong. The long one is `make model`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from modelled.actual import Template, acted
from modelled.exhaust import ALPHABETS, Exhaustion
from modelled.history import Event, History
from modelled.interpose import Interposer, Where
from modelled.nouns import Asked, Awake, Made, Op, State, Text
from modelled.planted import PLANTED
from modelled.promises import broken
from modelled.spec import after, steps
from modelled.storm import storm
from modelled.wander import Tried, stories
from severance import SeveranceError

TOOL = Path(__file__).parents[2] / "tools" / "model.py"
DEPTHS = {"doors": 3, "permits": 3, "turns": 3, "overrides": 3}
RARE = {
    "a_change_while_somebody_crosses_is_missed",
    "a_turn_is_read_before_its_transaction",
    "any_tool_may_use_a_permit",
    "what_was_taken_from_a_permit_is_given_back",
}
"""Seeded faults that take thousands of steps; `make model ARGS="--controls"` finds them as well."""

HOUR = 3_600


@pytest.fixture
def template(folder: Path) -> Iterator[Template]:
    with closing(Template(folder)) as made:
        yield made


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_every_operation_on_every_state_within_a_few_is_as_in_the_model(
    alphabet: str, template: Template, folder: Path
) -> None:
    counted = Exhaustion(DEPTHS[alphabet], ALPHABETS[alphabet]).walk(template, folder)
    assert counted.tried == counted.edges > 80
    kinds = {answer.split()[0] for answer in counted.answers}
    assert {"tick", "kill", "sleep"} <= kinds or alphabet == "turns"


def test_steps_at_random_are_as_in_the_model(template: Template, folder: Path) -> None:
    tried = Tried(seed=1)
    next(number for number in stories(template, folder, tried) if tried.steps >= 1_500)
    assert tried.met > 50
    assert tried.cuts > 15
    assert all(tried.answers[answer] for answer in ("admit innie", "call done", "call asleep", "use refused"))


def test_a_story_is_the_same_every_time(template: Template, folder: Path) -> None:
    tried = [Tried(seed=2) for _ in range(2)]
    for each in tried:
        next(stories(template, folder, each, first=7, length=60))
    assert tried[0].answers == tried[1].answers


@pytest.mark.parametrize("fault", sorted(PLANTED.keys() - RARE))
def test_a_seeded_fault_is_found(fault: str, template: Template, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[fault](monkeypatch)
    tried = Tried(seed=3)
    with pytest.raises((AssertionError, SeveranceError)):
        next(number for number in stories(template, folder, tried) if tried.steps > 12_000)


def test_a_turn_that_is_read_before_its_transaction_is_found_where_two_cross_at_once(
    template: Template, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long run finds it by itself; here two cross at every place where that can be, and nothing else happens."""
    one, other = Op("cross", fresh="a"), Op("cross", fresh="b", seat=1, house=1)
    assert set(_met(template, folder, one, other)) == {("done", "asleep")}
    PLANTED["a_turn_is_read_before_its_transaction"](monkeypatch)
    assert ("done", "done") in set(_met(template, folder, one, other))


def test_a_change_while_somebody_crosses_that_is_missed_is_found_where_the_place_changes_then(
    template: Template, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Op("cross", fresh="a"), Op("place", value="outie", house=1)
    assert {said for said, _ in _met(template, folder, one, other)} == {"asleep"}
    PLANTED["a_change_while_somebody_crosses_is_missed"](monkeypatch)
    assert "done" in {said for said, _ in _met(template, folder, one, other)}


def _met(template: Template, folder: Path, op: Op, other: Op) -> Iterator[tuple[str, str]]:
    """What calls on sessions `a` and `b` answer, after `other` was done before one of the changes of files in `op`; for
    each of these changes.
    """
    for number in range(20):
        between, answers = Interposer(), list[str]()
        with between.installed(), acted(template, folder / "met", 2, between) as actual:
            between.at(Where.CHANGE, number, lambda: answers.append(actual.do(other)))  # noqa: B023
            if actual.do(op) == "innie" and answers:
                calls = [Op("call", name, value=("recall", None)) for name in ("a", "b") if other.fresh or name == "a"]
                first, *second = map(actual.do, calls)
                yield first, "".join(second)
            if not answers:
                return


def test_the_model_itself_is_held_against_the_promises() -> None:
    """Each rule is broken by a step that is made up, and by none that the model makes."""
    text = Text("p", "p", frozenset({"recall"}), HOUR)
    made = Made("p", 0, "innie", HOUR)
    awake = Awake("1", "p", "mark", "floor", "innie", True, 0)
    asked = Asked("o", ("mark", "outie"), "irving", frozenset({"recall"}), None, HOUR, HOUR, 2 * HOUR)
    state = State(made=(made,), texts=(text,), asked=(asked,), awake=(awake,))
    ended = replace(state, made=(made._replace(ended=0),))
    admit, call = Op("admit", "p", "2"), Op("call", "1", value=("remember", None))
    assert broken(ended, admit, "innie", ended) == "what has ended or was revoked opened"
    late = after(state, Op("tick", value=HOUR))
    assert broken(late, admit, "innie", late) == "a permit opened after its end"
    moved = after(state, Op("place", seat=0, value="outie"))
    assert broken(moved, admit, "outie", moved) == "somebody woke who does not wake there"
    assert broken(state, call, "done", state) == "a call was answered that was not allowed"
    assert broken(state, Op("use", "o", "2", value="irving"), "outie", state) == "an override opened that may not"
    assert broken(ended, Op("look"), "", state) == "what had ended goes on"
    asleep = after(state, Op("sleep", "1"))
    assert broken(asleep, Op("look"), "", state) == "a session that had ended goes on"
    two = replace(state, awake=(awake, awake._replace(name="2")))
    assert broken(state, admit, "innie", two) == "two sessions of an exclusive subject are awake"
    wider = replace(state, texts=(text, text._replace(name="w", rights=frozenset({"forget"}))))
    assert broken(state, Op("look"), "", wider) == "a weakened permit allows more"
    answer, states = steps(state, Op("look"))
    assert broken(state, Op("look"), answer, states[-1]) == ""


def test_what_processes_saw_at_once_is_looked_through() -> None:
    """Histories that no order explains, and ones that some does."""
    here = Event(-1, -1, "place", seat="floor", persona="innie")
    a, b = (
        Event(at, at + 10, "cross", session=name, seat="floor", answer="innie") for at, name in ((0, "a"), (20, "b"))
    )

    def told(*events: Event) -> list[str]:
        return [fault.partition(":")[0] for fault in History([here, *events]).faults()]

    late = Event(40, 41, "call", session="a", answer="done")
    assert told(a, late) == []
    assert told(a, b, late) == ["awake although its subject crossed elsewhere"]
    assert told(a, replace(b, end=inf, answer=""), late) == []
    both = replace(b, begin=5)
    assert told(a, both, late) == []
    assert told(a, both, late, replace(late, session="b")) == ["both awake"]
    c = replace(a, what="admit", text="p", persona="innie")
    revoked = Event(12, 13, "revoke", text="p", answer="done")
    assert told(c, revoked, late) == ["answered after its permit was revoked"]
    assert told(c, replace(revoked, end=inf, answer=""), late) == []
    moved = Event(12, 13, "place", seat="floor", persona="outie", answer="done")
    assert told(a, moved, late) == ["answered where its place wakes another"]
    assert told(a, replace(moved, end=inf, answer=""), late) == []
    assert told(replace(c, answer="refused")) == ["refused for nothing"]
    assert told(replace(c, persona="outie")) == ["another woke than it was made for"]
    assert told(a, replace(late, answer="asleep")) == ["asleep for nothing"]


def test_processes_that_are_killed_at_any_time_see_nothing_that_no_order_explains(
    template: Template, folder: Path
) -> None:
    weathered = storm(template, folder / "weather", steps=150, seed=1)
    assert weathered.steps >= 150
    assert weathered.kills >= 3


def test_the_tool_says_what_it_tried_and_fails_where_something_differs(folder: Path) -> None:
    report = folder / "report.json"
    words = ["--alphabet", "permits", "--depth", "2", "--steps", "300", "--storm", "0", "--report", str(report)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    made = subprocess.run([sys.executable, TOOL, *words], capture_output=True, text=True, env=environment, timeout=300)
    assert made.returncode == 0, made.stderr
    said = json.loads(report.read_text())
    assert said["found"] == ""
    assert said["exhausted"][0]["tried"] == said["exhausted"][0]["edges"] > 10
    assert said["stories"]["steps"] >= 300
    words[words.index("300")] = "12000"  # it ends with the first difference
    words += ["--seed", "6", "--plant", "an_open_session_outlives_its_revocation"]
    made = subprocess.run([sys.executable, TOOL, *words], capture_output=True, text=True, env=environment, timeout=300)
    assert made.returncode == 1
    assert "and not" in json.loads(report.read_text())["found"]
