"""What waits for sinks: grouped, rate-limited, tried again, and never lost."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from severance.alarms.state import (
    FIRST_PAUSE,
    LEASE,
    LONGEST_PAUSE,
    MINUTE,
    MOST_GROUPS,
    MOST_TALLIES,
    MOST_TOLD,
    SECOND,
    Batch,
    Group,
    Key,
    State,
)
from severance.chip.register import SinkForm

HOOK = SinkForm("hook", "webhook", ("https://a.example",), 3)
DAMAGE = Key("damage")
NOW = 1_000 * MINUTE
_SLOWLY = [NOW + step * 200 * SECOND for step in range(19)]


def taken(state: State, now: int, fresh: bytes = b"1") -> Batch:
    found = state.take(HOOK, now, fresh)
    assert found is not None
    return found


def told(state: State, now: int, why: str = "", fresh: bytes = b"1") -> int:
    """Tell the sink what it is due now; returns how many alarms that were."""
    batch = state.take(HOOK, now, fresh)
    if batch is None:
        return 0
    state.settle("hook", batch.id, why, now, 60)
    return sum(group.count for group in batch.groups)


def test_the_first_is_told_at_once_and_the_same_again_after_a_while_together() -> None:
    state = State()
    state.add("hook", DAMAGE, 1, NOW, 60)
    assert told(state, NOW) == 1
    for second in range(1, 41):
        state.add("hook", DAMAGE, 1, NOW + second * SECOND, 60)
        assert told(state, NOW + second * SECOND) == 0
    assert state.due(HOOK, NOW + 40 * SECOND) == NOW + 60 * SECOND
    batch = taken(state, NOW + 60 * SECOND)
    (group,) = batch.groups
    assert (group.count, group.first, group.last) == (40, NOW + SECOND, NOW + 40 * SECOND)


def test_another_kind_and_another_name_are_not_held_back() -> None:
    state = State()
    state.add("hook", DAMAGE, 1, NOW, 60)
    told(state, NOW)
    state.add("hook", Key("damage", "mark"), 1, NOW + 1, 60)
    assert told(state, NOW + 1) == 1
    state.add("hook", Key("canary"), 1, NOW + 2, 60)
    assert told(state, NOW + 2) == 1


def test_overrides_are_never_held_back() -> None:
    state = State()
    for step in range(3):
        state.add("hook", Key("override.used"), 1, NOW + step, 60)
        assert told(state, NOW + step) == 1


def test_a_sink_gets_so_many_messages_in_a_minute_and_what_is_over_comes_together() -> None:
    state, sent = State(), []
    for step in range(100):
        now = NOW + step * SECOND
        state.add("hook", Key("damage", f"subject {step}"), 1, now, 60)
        sent.append(told(state, now))
    assert [n for n in sent if n] == [1, 1, 1, 58, 1, 1], "three in each minute"
    assert sum(sent) + state.waiting() == 100


def test_what_a_sink_does_not_take_is_tried_again_later_and_later() -> None:
    state, now, pauses = State(), NOW, []
    state.add("hook", DAMAGE, 1, now, 60)
    for _ in range(14):
        batch = taken(state, now)
        state.settle("hook", batch.id, "is down", now, 60)
        due = state.due(HOOK, now)
        assert due is not None
        assert state.take(HOOK, due - 1, b"x") is None
        pauses.append(due - now)
        now = due
    assert pauses[:4] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE, 8 * FIRST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert state.failing() == state.waiting() == 1
    assert told(state, now) == 1
    assert state.failing() == state.waiting() == 0


def test_a_batch_is_the_same_when_it_is_tried_again_and_what_rings_meanwhile_comes_after_it() -> None:
    state = State()
    state.add("hook", DAMAGE, 2, NOW, 60)
    first = taken(state, NOW, b"first")
    state.settle("hook", b"first", "is down", NOW, 60)
    state.add("hook", DAMAGE, 5, NOW + 1, 60)
    again = taken(state, NOW + FIRST_PAUSE, b"another")
    assert (again.id, again.groups) == (b"first", first.groups)
    assert state.waiting() == 7


def test_two_processes_do_not_tell_the_same_and_one_that_died_is_stood_in_for() -> None:
    state = State()
    state.add("hook", DAMAGE, 1, NOW, 60)
    taken(state, NOW)
    assert state.take(HOOK, NOW + LEASE - 1, b"2") is None
    assert taken(state, NOW + LEASE, b"2").id == b"1"


def test_who_was_slower_changes_nothing() -> None:
    state = State()
    state.add("hook", DAMAGE, 1, NOW, 60)
    told(state, NOW)
    state.add("hook", Key("canary"), 1, NOW, 60)
    batch = taken(state, NOW, b"2")
    state.settle("hook", b"1", "", NOW, 60)
    assert state.waiting() == 1
    state.settle("hook", batch.id, "", NOW, 60)
    assert state.waiting() == 0


@pytest.mark.parametrize("back", [SECOND, MINUTE, 400 * 24 * 60 * MINUTE])
def test_a_clock_that_is_set_back_holds_nothing_back_for_long(back: int) -> None:
    state = State()
    state.add("hook", DAMAGE, 1, NOW, 60)
    state.settle("hook", taken(state, NOW).id, "is down", NOW, 60)
    due = state.due(HOOK, NOW - back)
    assert due is not None
    assert due - (NOW - back) <= LONGEST_PAUSE
    assert told(state, due) == 1
    state.add("hook", DAMAGE, 1, NOW - back, 60)
    due = state.due(HOOK, NOW - back)
    assert due is not None
    assert due - (NOW - back) <= 60 * SECOND


def test_with_too_many_names_they_are_left_out_and_counts_are_not() -> None:
    state = State()
    for number in range(10_000):
        state.add("hook", Key("damage", f"subject {number}"), 1, NOW + number, 60)
    batch = taken(state, NOW + 10_000)
    assert len(batch.groups) == MOST_GROUPS + 1
    assert sum(group.count for group in batch.groups) == 10_000
    assert batch.groups[-1].key == Key("damage")


def test_what_rings_when_it_is_repeated_rings_with_all_that_were_counted() -> None:
    state = State()
    found = [state.repeated("0", "mark", 5, 600, NOW + step) for step in range(23)]
    assert found == ([0, 0, 0, 0, 5] * 5)[:23]
    assert [state.repeated("1", "mark", 5, 600, at) for at in _SLOWLY] == [0] * 19, "four in ten minutes are few"


def test_refusals_of_one_are_not_counted_for_another_nor_those_of_one_rule_for_another() -> None:
    state = State()
    for step in range(4):
        assert not state.repeated("0", "mark", 5, 600, NOW + step)
        assert not state.repeated("0", "helly", 5, 600, NOW + step)
        assert not state.repeated("1", "mark", 5, 600, NOW + step)
        assert not state.repeated("0", None, 5, 600, NOW + step)
    assert state.repeated("0", "mark", 5, 600, NOW + 9) == 5


def test_one_name_after_the_other_is_repeated_as_well() -> None:
    state = State()
    found = [state.repeated("0", f"name {number}", 5, 600, NOW + number) for number in range(MOST_TALLIES + 50)]
    assert sum(found) >= 45
    assert len(state.tallies) <= MOST_TALLIES + 1


def test_what_waits_for_a_sink_that_is_gone_waits_for_the_log() -> None:
    state = State()
    state.add("hook", DAMAGE, 2, NOW, 60)
    taken(state, NOW)
    state.add("hook", DAMAGE, 3, NOW, 60)
    state.add("hook", Key("canary"), 1, NOW, 60)
    state.add("log", DAMAGE, 4, NOW, 60)
    state.keep_only(["desk"], "log")
    assert list(state.lanes) == ["log"]
    assert {group.key.kind: group.count for group in state.lanes["log"].pending} == {"damage": 9, "canary": 1}


def test_names_that_are_withheld_are_gone_and_no_count_is() -> None:
    state = State()
    for number in range(3):
        state.add("hook", Key("damage", f"subject {number}"), 2, NOW + number, 60)
    taken(state, NOW + 3)
    state.add("hook", Key("damage", "mark"), 1, NOW + 4, 60)
    state.add("hook", Key("canary", "mark", "innie"), 1, NOW + 5, 60)
    state.add("hook", DAMAGE, 4, NOW + 6, 60)
    state.withhold("nobody", lambda kind: False)
    state.withhold("hook", lambda kind: kind == "canary")
    lane = state.lanes["hook"]
    assert lane.batch is not None
    assert lane.batch.groups == [Group(DAMAGE, 6, NOW, NOW + 2, NOW)]
    assert lane.pending == [
        Group(DAMAGE, 5, NOW + 4, NOW + 6, NOW + 4),
        Group(Key("canary", "mark", "innie"), 1, NOW + 5, NOW + 5, NOW + 5),
    ]


def test_what_was_told_is_remembered_up_to_a_number() -> None:
    state = State()
    for number in range(MOST_TOLD + 10):
        now = NOW + number * MINUTE
        state.add("hook", Key("damage", f"subject {number}"), 1, now, 60)
        told(state, now)
    assert len(state.told) == MOST_TOLD
    assert state.told[-1].group.key.subject == f"subject {MOST_TOLD + 9}"


def test_it_is_written_and_read_as_the_same() -> None:
    state = State()
    state.add("hook", Key("damage", "mark", "innie", "floor"), 1, NOW, 60)
    told(state, NOW)
    state.add("hook", DAMAGE, 1, NOW, 60)
    taken(state, NOW)
    state.add("hook", DAMAGE, 1, NOW, 60)
    state.repeated("0", "mark", 5, 600, NOW)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=State) == state


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 90), st.booleans()), max_size=60))
def test_every_alarm_is_told_once_whatever_happens(steps: list[tuple[int, int, bool]]) -> None:
    state, now, rung, heard, fresh = State(), NOW, 0, 0, count()
    for kind, seconds, fails in steps:
        now += seconds * SECOND
        state.add("hook", Key("damage", str(kind)), kind + 1, now, 60)
        rung += kind + 1
        batch = state.take(HOOK, now, b"%d" % next(fresh))
        if batch is not None:
            state.settle("hook", batch.id, "is down" if fails else "", now, 60)
            heard += 0 if fails else sum(group.count for group in batch.groups)
        assert heard + state.waiting() == rung
    while (due := state.due(HOOK, now)) is not None:
        now = due
        heard += told(state, now, fresh=b"%d" % next(fresh))
    assert heard == rung
