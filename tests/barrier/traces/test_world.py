"""Crashes, restarts and put-back vaults in a world, and that others are none the wiser."""

from __future__ import annotations

import pytest

from severance.barrier.traces import fuse as fuses
from severance.barrier.traces.compare import Stage, Variant
from severance.barrier.traces.people import EVERYONE
from severance.barrier.traces.steps import Step

INNIE, OUTIE, HELLY, _ = EVERYONE
NEW = {"session": -1}


def says(*words: int) -> Step:
    return Step("remember", INNIE, {"words": words, **NEW})


LISTS = Step("memories", INNIE, NEW)


def texts(stage: Stage, *steps: Step) -> list[list[str]]:
    """What each listing in the trace shows."""
    seen = stage.run(steps).of(INNIE)
    return [[memory[1][1] for memory in view] for _, what, view in seen if what == "memories"]


def test_a_crash_between_calls_loses_nothing_that_was_acknowledged(stage: Stage) -> None:
    crash = Step("crash", None, {"during": None, "at": (fuses.BEFORE, 0)})
    assert texts(stage, says(0), says(1), crash, LISTS) == [["file", "waffle"]]


def test_a_crash_in_the_middle_of_a_call_keeps_it_whole_or_not_at_all(stage: Stage) -> None:
    found = set()
    for where in (fuses.BEFORE, fuses.AFTER):
        for number in range(20):
            crash = Step("crash", None, {"during": says(1), "at": (where, number)})
            ((*kept,),) = texts(stage, says(0), crash, LISTS)
            found.add(tuple(kept))
    assert found == {("file",), ("file", "waffle")}


def test_a_crash_leaves_no_snapshot_and_a_restart_does(stage: Stage) -> None:
    crash = Step("crash", None, {"during": None, "at": (fuses.BEFORE, 0)})
    steps = [says(n) for n in range(5)]
    for end, chunks in ((crash, 0), (Step("restart"), 1)):
        run = stage.run([*steps, end])
        assert len(run.shapes[-1].spaces[run.spaces[INNIE]].chunks) == chunks


def test_a_vault_put_back_takes_back_what_was_remembered_since(stage: Stage) -> None:
    backup, back = Step("backup", None, {"chip": False}), Step("put_back")
    assert texts(stage, says(0), backup, says(1), LISTS, back, LISTS) == [["file", "waffle"], ["file"]]


@pytest.mark.parametrize("json", [True, False])
def test_a_persona_sees_of_a_command_what_its_user_does(stage: Stage, json: bool) -> None:
    typed = Step("type_recall", INNIE, {"words": (0,), "limit": 3, "json": json})
    (*_, (_, what, (code, out, err)), (_, asked, encoders)) = stage.run([says(0, 1), typed]).of(INNIE)
    assert (what, code, err) == ("type_recall", 0, "")
    assert (asked, [call[:2] for call in encoders]) == ("asked of the encoders", [("embed", 1)])
    assert "file waffle" in out
    assert out.startswith("{") == json


def test_a_command_that_is_cut_short_is_seen_to_be(stage: Stage) -> None:
    typed = Step("type_remember", INNIE, {"words": (0,), "json": False, "cut": (fuses.CLOCK, 0, fuses.CANCELLED)})
    (*_, (_, _, view), _) = stage.run([typed]).of(INNIE)
    assert view == (130, "", "severance: interrupted\n")


def test_the_words_of_one_persona_alone_are_replaced(stage: Stage) -> None:
    hers = Step("remember", HELLY, {"words": (0,), **NEW})
    whole, other = stage.run([says(0), hers]), stage.run([says(0), hers], INNIE, Variant.REPLACED)
    assert whole.of(HELLY) == other.of(HELLY)
    assert "file" in repr(whole.of(INNIE))
    assert "foil" in repr(other.of(INNIE))


@pytest.mark.parametrize("variant", [Variant.IDLE, Variant.UNBORN])
def test_a_persona_that_is_taken_out_observes_nothing(stage: Stage, variant: Variant) -> None:
    crash = Step("crash", None, {"during": says(1), "at": (fuses.BEFORE, 99)})
    run = stage.run([says(0), crash, Step("type_export", INNIE, {"json": False})], INNIE, variant)
    assert run.of(INNIE) == ()
    assert (INNIE in run.spaces) == (variant is Variant.IDLE)
