"""P4, a power cut: what was acknowledged is there after it. `make crashes` does the same a million times."""

from __future__ import annotations

import sys

import pytest

from crash import planted
from crash.disk import SECTOR, Disk, content, marked, moved
from crash.planted import Planted, lying, recorded_with
from crash.simulate import NAMES, Report, cut_everywhere, cuts, loses, run, simulated
from crash.states import Choice, Cut, classic, possible, subsets
from crash.tape import Op
from crash.verdict import claimed_at, deep, wanted
from crash.workloads import WORKLOADS, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="which file is synced is looked up in /proc")

EVERY = 9
"""Here, one cut in so many."""


@pytest.mark.parametrize("name", [*WORKLOADS, "drawn 1"])
def test_no_power_cut_loses_what_was_acknowledged(name: str) -> None:
    report = cut_everywhere(record(name), EVERY)
    assert report.losses == []
    assert report.total().states > 40
    assert report.total().opened > 0


def test_states_that_are_drawn_lose_nothing_either() -> None:
    report = cut_everywhere(record("forgetting"), 1_000, states=400)
    assert report.losses == []
    assert report.total().states > 400


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("remembering", planted.synchronous_off),
        ("forgetting", planted.synchronous_off),
        ("remembering", planted.synchronous_normal),
        ("placing", planted.chip_without_extra),
        ("remembering", planted.acknowledged_before_the_commit),
        ("making", planted.named_before_the_sync),
        ("making", planted.folder_not_synced),
        ("backing up", planted.folder_not_synced),
        ("restoring", planted.moved_without_order),
    ],
)
def test_a_planted_fault_is_found(name: str, fault: Planted) -> None:
    assert loses(recorded_with(name, fault))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [("remembering", ("sync",)), ("placing", ("sync",)), ("making", ("syncdir",)), ("wrapping", ("sync",))],
)
def test_a_disk_that_lies_about_syncs_is_found(name: str, kinds: tuple[str, ...]) -> None:
    assert loses(lying(record(name), *kinds))


def test_opening_the_store_finds_a_loss_by_itself() -> None:
    # The shallow look compares rows; that the deep one would notice alone has to be shown apart.
    tape = lying(record("remembering"), "sync", "syncdir")
    *_, last = cuts(tape)
    nothing = last.image(Choice(frozenset()))
    with simulated(tape) as simulation:
        assert deep(nothing, simulation._folder / "deep", claimed_at(tape, last.at)) is not None


def test_opening_the_store_finds_that_an_amendment_is_gone() -> None:
    tape = record("amending")
    *_, last = cuts(tape)
    whole = last.image(Choice(frozenset(range(len(last.units)))))
    claim = claimed_at(tape, last.at)
    with simulated(tape) as simulation:
        folder = simulation._folder / "deep"
        assert deep(whole, folder, claim) is None
        claim.memories["mark", "innie"] = [(*claim.memories["mark", "innie"][0], ("id", "one more", 0))]
        assert "1 less" in str(deep(whole, folder, claim))


def test_the_same_seed_gives_the_same_tape() -> None:
    # But for what SQLite draws for itself: salts in its logs, and with them checksums.
    one, two = ([(op.what, op.offset, len(op.data)) for op in record("sleeping", 3).ops] for _ in range(2))
    assert one == two


def test_a_run_counts_tells_and_writes_a_report() -> None:
    report = run(1, names=("making",))
    assert report.whole
    assert report.total().states > 100
    assert '"losses": 0' in report.json()
    assert "making" in str(report)


def test_an_interrupt_leaves_a_report_of_what_was_done() -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    report = run(10**6, names=("making", "placing"), tell=interrupt)
    assert not report.whole
    assert 0 < report.total().states < 10**6
    assert "broken off" in str(report)


def test_reports_of_several_processes_become_one() -> None:
    whole = Report(1, whole=True)
    for name in ("making", "placing"):
        whole.add(run(1, names=(name,)))
    assert whole.total().states == sum(each.states for each in whole.workloads.values())
    assert set(whole.workloads) == {"making", "placing"}
    assert set(NAMES) > set(WORKLOADS)


# The model of the disk


def _disk(*ops: Op) -> Disk:
    disk = Disk()
    for op in ops:
        disk.play(op)
    return disk


A, B = b"a" * SECTOR, b"b" * SECTOR
NAMED = (Op("name", 1, where="store"), Op("name", 2, where="store/vault.db"))


def _found(disk: Disk) -> set[bytes | None]:
    """Everything that the vault may hold."""
    cut = Cut(disk, 0, wanted)
    images = [cut.image(possible(choice, cut.units)) for choice in subsets(cut)]
    return {image["store/vault.db"].raw if "store/vault.db" in image else None for image in images}


def test_a_name_is_there_for_certain_once_its_folder_and_the_folder_above_were_synced() -> None:
    whole = Op("write", 2, 0, A), Op("sync", 2)
    assert _found(_disk(*NAMED, *whole)) == {None, A}
    assert _found(_disk(*NAMED, *whole, Op("syncdir", where="store"))) == {None, A}
    assert _found(_disk(*NAMED, *whole, Op("syncdir", where="store"), Op("syncdir", where="."))) == {A}


SYNCED = (*NAMED, Op("write", 2, 0, A + A), Op("sync", 2), Op("syncdir", where="store"), Op("syncdir", where="."))


def test_writes_arrive_in_any_order_until_a_sync() -> None:
    twice = Op("write", 2, 0, B), Op("write", 2, SECTOR, B)
    assert _found(_disk(*SYNCED, *twice)) == {A + A, B + A, A + B, B + B}
    assert _found(_disk(*SYNCED, *twice, Op("sync", 2))) == {B + B}


def test_what_a_failed_sync_left_stays_in_doubt_until_it_is_written_again() -> None:
    failed = Op("write", 2, 0, B), Op("unsynced", 2), Op("sync", 2)
    assert _found(_disk(*SYNCED, *failed)) == {A + A, B + A}
    again = Op("write", 2, 0, B), Op("sync", 2)
    assert _found(_disk(*SYNCED, *failed, *again)) == {B + A}


def test_a_file_moves_to_another_folder_before_it_is_gone_from_the_old_one() -> None:
    moved_in = Op("move", 3, where="store/vault.db", old="elsewhere/vault.db")
    disk = _disk(*SYNCED, Op("write", 3, 0, B), Op("sync", 3), moved_in)
    assert _found(disk) == {A + A, B}


def test_a_file_that_is_cut_has_its_old_size_or_the_new_one() -> None:
    assert _found(_disk(*SYNCED, Op("size", 2, 0))) == {A + A, b""}


def test_the_hash_of_a_content_moves_along_with_it() -> None:
    for old, new in ((A + A, A + B), (A, A + B + b"c"), (A + B, A), (A, b""), (b"", B + b"x")):
        assert moved(marked(old), old, new, [0, SECTOR]) == marked(new)
        assert marked(old) != marked(new)


def test_content_is_what_writes_and_sizes_make_of_it() -> None:
    assert content(A, [Op("write", 1, SECTOR + 1, b"x"), Op("size", 1, SECTOR + 3)]) == A + b"\0x\0"


def test_the_classic_states_are_among_those_of_a_cut() -> None:
    cut = Cut(_disk(*SYNCED, Op("write", 2, 0, B), Op("write", 2, SECTOR, B), Op("write", 2, 0, A)), 0, wanted)
    units = [choice.units for choice in classic(cut) if not choice.torn and not choice.size]
    for wanted_units in ((), (0, 1, 2), (0,), (1,), (2,), (0, 1), (1, 2), (0, 2)):
        assert frozenset(wanted_units) in units
    assert any(choice.torn for choice in classic(cut))
