"""P4, a disk that fails: nothing acknowledged is lost, nothing is half, and the error says what it is.

`make iofaults` fails every operation of fifty stories; here a few hundred are drawn.
"""

from __future__ import annotations

import random
import sys
from collections import defaultdict

import apsw
import pytest

from crash import planted
from crash.adapter import as_sqlite3
from crash.faults import WAYS, Fault, Unnoticed, tell
from crash.inquiry import Inquiry, Tally, inquire, run, stories
from crash.planted import Planted

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="which file is synced is looked up in /proc")

EACH = 3
"""Here, so many faults of each kind and way in each story."""


def _drawn(inquiry: Inquiry, each: int = EACH) -> list[Fault]:
    kinds = defaultdict(list)
    for fault in inquiry.faults():
        kinds[inquiry.operations[fault.at], fault.way].append(fault)
    r = random.Random(7)
    return [fault for found in kinds.values() for fault in r.sample(found, min(each, len(found)))]


@pytest.mark.parametrize(
    "name", ["remembering", "forgetting", "sleeping", "backing up", "restoring", "wrapping", "drawn 2"]
)
def test_after_a_fault_what_was_acknowledged_is_there_and_nothing_is_half(name: str) -> None:
    inquiry = Inquiry(name)
    for fault in _drawn(inquiry):
        inquiry.inject(fault)
    assert inquiry.tally.wrong == []
    assert inquiry.tally.raised["StoreFullError"] > 0
    assert inquiry.tally.raised["StoreError"] > 0
    assert inquiry.tally.unharmed > 0


def test_a_read_may_fail_anywhere_while_the_house_is_closed() -> None:
    inquiry = Inquiry("forgetting")
    reads = [fault for fault in inquiry.faults() if inquiry.operations[fault.at] == "read"]
    for fault in reads[-12:]:
        inquiry.inject(fault)
    assert inquiry.tally.wrong == []


@pytest.mark.parametrize("name", ["making", "backing up", "restoring"])
def test_what_severance_does_with_files_itself_may_fail_anywhere(name: str) -> None:
    inquiry = Inquiry(name)
    for fault in inquiry.faults():
        if inquiry.operations[fault.at] in ("os.mkdir", "os.fsync", "os.link", "os.replace", "os.rmdir"):
            inquiry.inject(fault)
    assert inquiry.tally.wrong == []
    assert inquiry.tally.faults.total() > 10


@pytest.mark.parametrize("name", ["making", "wrapping", "forgetting"])
def test_what_is_acknowledged_after_a_failed_sync_outlives_a_power_cut(name: str) -> None:
    inquiry = Inquiry(name)
    for fault in inquiry.failed_syncs()[::5]:
        inquiry.cut_after(fault)
    assert inquiry.tally.wrong == []
    assert inquiry.tally.power_cuts > 0


@pytest.mark.parametrize("name", ["remembering", "wrapping"])
def test_a_failed_sync_of_which_nobody_is_told_is_found(name: str) -> None:
    inquiry = Inquiry(name)
    for fault in inquiry.failed_syncs():
        inquiry.cut_after(fault, Unnoticed)
        if inquiry.tally.wrong:
            break
    assert "after a power cut" in str(inquiry.tally.wrong)


@pytest.mark.parametrize(
    ("fault", "name", "said"),
    [
        (planted.commits_that_fail_in_silence, "remembering", "less and"),
        (planted.errors_as_they_are, "remembering", "OperationalError came out"),
        (planted.a_full_disk_called_damage, "remembering", "is not what this is"),
        (planted.halves, "remembering many", "more than was"),
        (planted.scraps_left_lying, "making", "left behind"),
    ],
)
def test_a_planted_fault_is_found(fault: Planted, name: str, said: str) -> None:
    with fault():
        inquiry = Inquiry(name)
        writes = [each for each in _drawn(inquiry, 60) if inquiry.operations[each.at] in ("write", "os.link")]
        for each in sorted(writes, reverse=True):
            inquiry.inject(each)
            if said in str(inquiry.tally.wrong):
                break
    assert said in str(inquiry.tally.wrong)


def test_every_kind_of_operation_is_met_and_can_fail() -> None:
    met = {kind for name in ("backing up", "restoring") for kind in tell(name, 1, Fault(-1, None)).recorder.seen}
    assert met <= set(WAYS)
    assert set(WAYS) - met <= {"os.rename", "os.remove"}  # where a file system has no hard links; nowhere yet


def test_a_short_write_leaves_half_and_is_noticed() -> None:
    inquiry = Inquiry("making")
    first = next(fault for fault in inquiry.faults() if fault.way == "short")
    told = tell("making", 1, first)
    assert told.recorder.hit == "write"
    assert told.error is not None


def test_fifty_stories_are_those_written_and_those_drawn() -> None:
    assert len(set(stories(50))) == 50
    assert stories(2) == stories(50)[:2]


def test_a_run_counts_tells_and_writes_a_report() -> None:
    lines: list[str] = []
    tally = run(["making"], every=80, tell=lines.append)
    assert tally.faults.total() > 3
    assert lines[0].startswith("1 of 1 stories")
    assert '"whole": true' in tally.json()
    assert "0 wrong" in str(tally)


def test_tallies_are_added_up() -> None:
    both = Tally()
    both.add(inquire("making", every=90))
    both.add(inquire("making", every=90))
    assert both.stories == 2
    assert both.faults.total() == 2 * inquire("making", every=90).faults.total()


def test_the_adapter_raises_what_the_standard_module_would() -> None:
    for code in (
        apsw.SQLITE_IOERR_WRITE,
        apsw.SQLITE_FULL,
        apsw.SQLITE_BUSY,
        apsw.SQLITE_CORRUPT,
        apsw.SQLITE_READONLY,
    ):
        error = as_sqlite3(apsw.exception_for(code))
        assert error.sqlite_errorcode == code
