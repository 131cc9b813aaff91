"""The audit log through a restore, a cut and an acceptance: it says what became of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import change, make_house, open_house
from severance import DamagedError, InputError, StoreError, StoreMissingError, accept_audit
from severance.audit.auditlog import HEAD_EVERY, AuditLog
from severance.audit.events import What
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.house import House
from severance.store import audit_in, begin_audit, open_store

LOG = ("audit.db", "audit.db-wal", "audit.db-shm")


@pytest.fixture
def store(folder: Path) -> Path:
    make_house(folder).close()
    return folder / "store"


def cross(store: Path, times: int = 1) -> None:
    with open_house(store) as house:
        for _ in range(times):
            house.cross("mark", "floor").sleep()


def log_of(store: Path) -> list[tuple[str, dict[str, Any]]]:
    with open_house(store, create=False) as house:
        house.verify_audit()
        return [(event.what, dict(event.detail)) for event in house.events()]


def head_of(store: Path) -> int:
    vault, chip = open_store(store, key=KEY, create=False, entropy=ScopedEntropy(b"head"))
    with closing(vault), closing(chip):
        return (chip.log_head() or (0, b""))[0]


def keep(store: Path, name: str) -> Path:
    """A copy of the log as it is now."""
    copy = store.parent / name
    shutil.copy(store / "audit.db", copy)
    return copy


def lose(store: Path) -> None:
    for name in LOG:
        (store / name).unlink(missing_ok=True)


def put_back(file: Path, store: Path, **how: Any) -> Any:
    ports = {"clock": StillClock(), "entropy": ScopedEntropy(b"restore")}
    return severance.restore(file, store, key=KEY, **{**ports, **how})


def accept(store: Path, **how: Any) -> Any:
    return accept_audit(store, key=KEY, clock=StillClock(), entropy=ScopedEntropy(b"accept"), **how)


# --- The head in the chip ---------------------------------------------------------------------------------------------


def test_the_chip_remembers_how_far_the_log_went_when_the_house_is_closed(store: Path) -> None:
    cross(store)
    assert head_of(store) == len(log_of(store)) > 2


def test_the_chip_is_told_now_and_then_in_a_house_that_stays_open(store: Path) -> None:
    before = head_of(store)
    house = open_house(store)
    for _ in range(HEAD_EVERY // 2):
        house.cross("mark", "floor").sleep()
    assert head_of(store) == before + HEAD_EVERY, "though it is open"
    house.close()


def test_what_was_written_by_a_process_that_was_killed_is_remembered_at_the_next_opening(store: Path) -> None:
    house = open_house(store)
    house.cross("mark", "floor").sleep()
    size, before = house._audit.size(), head_of(store)  # type: ignore[union-attr]
    assert before < size
    for file in (house._audit._log, house._chip, house._vault):  # type: ignore[union-attr]
        file.close()  # as after a kill: nobody tells the chip
    open_house(store).close()
    assert head_of(store) == size


def test_a_chip_that_cannot_be_written_keeps_nobody_from_telling(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_house(store) as house:
        before = head_of(store)

        def full(size: int, root: bytes) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(house._audit, "_keep_head", full)
        for _ in range(HEAD_EVERY):
            house.cross("mark", "floor").sleep()
    assert head_of(store) == before
    assert len(log_of(store)) > before + HEAD_EVERY


def a_cut(store: Path, folder: Path) -> None:
    older = keep(store, "older")
    cross(store)
    shutil.copy(older, store / "audit.db")


def a_rewriting(store: Path, folder: Path) -> None:
    """A log as long as the right one, and longer, by somebody who has the keys of the store as it was."""
    older = keep(store, "older")
    cross(store, 2)
    lose(store)
    shutil.copy(older, store / "audit.db")
    with closing(_opened(store)) as log:
        for _ in range(9):
            log.tell(What.REFUSED)


def a_removal(store: Path, folder: Path) -> None:
    lose(store)


def an_empty_one(store: Path, folder: Path) -> None:
    """Such as a program would begin that thinks there never was one."""
    lose(store)
    with closing(_opened(store, begin=True)):
        pass


CUTS = [(a_cut, "was cut"), (a_rewriting, "was rewritten"), (a_removal, "is not in"), (an_empty_one, "was cut")]


@pytest.mark.parametrize(("cut", "said"), CUTS)
def test_a_log_that_is_not_what_the_chip_remembers_opens_no_store(
    store: Path, folder: Path, cut: Callable[[Path, Path], None], said: str
) -> None:
    cross(store)
    open_house(store, create=False).close()  # the control
    cut(store, folder)
    with pytest.raises(DamagedError, match=said) as caught:
        open_house(store, create=False)
    assert "severance audit accept" in str(caught.value)
    with pytest.raises(DamagedError):
        open_house(store, create=False)


# --- Accepting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cut", "said"), CUTS)
def test_what_the_owner_accepts_is_told_by_the_next_entry(
    store: Path, folder: Path, cut: Callable[[Path, Path], None], said: str
) -> None:
    cross(store)
    cut(store, folder)
    remembered = head_of(store)
    with closing(_opened(store, begin=not (store / "audit.db").exists())) as there:
        left = there.size()
    if cut is a_removal:
        lose(store)
    done = accept(store)
    assert (done.entries, done.remembered) == (left, remembered)
    told = log_of(store)
    assert told[left] == ("audit.accepted", {"found": left, "remembered": remembered})
    cross(store)
    assert len(log_of(store)) == left + 3, "it goes on"


def test_a_log_that_cannot_be_read_is_put_aside_and_one_begins(store: Path) -> None:
    cross(store)
    for number in range(2):
        change(store / "audit.db", "UPDATE entries SET frame = zeroblob(400) WHERE n = 0")
        broken = (store / "audit.db").read_bytes()
        assert accept(store).begun
        aside = store / ("audit.db.before-accept" + ("-2" if number else ""))
        assert aside.read_bytes() == broken
        assert log_of(store)[0][0] == "audit.accepted"


def test_nothing_is_done_where_nothing_is_wrong(store: Path) -> None:
    before = log_of(store)
    done = accept(store)
    assert (done.entries, done.remembered, done.begun) == (len(before), len(before), False)
    assert (done.aside, done.changed) == (False, False)
    assert log_of(store) == before


def test_accepting_needs_the_store_and_its_key(store: Path, folder: Path) -> None:
    with pytest.raises(StoreMissingError):
        accept(folder / "nowhere")
    with pytest.raises(severance.WrongKeyError):
        accept_audit(store, key=bytes(32))
    with pytest.raises(InputError, match="a witness is"):
        accept(store, witnesses=["ftp:x"])


def test_a_witness_forgets_what_it_has_seen_when_the_owner_says_so(store: Path, folder: Path) -> None:
    witness = [f"file:{folder / 'seen'}"]
    older = keep(store, "older")
    with open_house(store) as house:
        house.cross("mark", "floor").sleep()
        house.verify_audit(witness)
    shutil.copy(older, store / "audit.db")
    accept(store)
    with open_house(store) as house, pytest.raises(DamagedError, match="audit accept --witness"):
        house.verify_audit(witness)
    accept(store, witnesses=witness)
    with open_house(store) as house:
        house.verify_audit(witness)
        assert [event.detail for event in house.events(what="audit.accepted")][1]["witnesses"] == 1
        house.cross("mark", "floor").sleep()
        house.verify_audit(witness)


# --- Restoring --------------------------------------------------------------------------------------------------------


@pytest.fixture
def backups(store: Path, folder: Path) -> Path:
    """The folder of `full.tar` and `vault.tar`, with and without the chip; more happened in the store since."""
    with open_house(store) as house:
        house.cross("mark", "floor").sleep()
        house.backup(folder / "full.tar")
        house.backup(folder / "vault.tar", chip=False)
        house.cross("mark", "floor").sleep()
    return folder


@pytest.mark.parametrize("name", ["full.tar", "vault.tar"])
def test_a_restore_keeps_the_log_that_is_there_and_is_told_in_it(store: Path, backups: Path, name: str) -> None:
    witness = [f"file:{backups / 'seen'}"]
    with open_house(store) as house:
        house.verify_audit(witness)
    before = log_of(store)
    put_back(backups / name, store, replace=True)
    assert log_of(store) == [*before, ("restored", {"log": "kept"})]
    with open_house(store) as house:
        house.verify_audit(witness)  # nothing that it has seen was lost
    cross(store)


def test_a_restore_elsewhere_brings_the_log_of_the_backup(store: Path, backups: Path) -> None:
    before = log_of(store)
    put_back(backups / "full.tar", backups / "elsewhere")
    there = log_of(backups / "elsewhere")
    assert there[-1] == ("restored", {"log": "brought"})
    assert there[:-1] == before[: len(there) - 1], "as far as it went then"
    cross(backups / "elsewhere")


def test_a_witness_says_that_a_restore_may_be_the_reason(store: Path, backups: Path) -> None:
    witness = [f"file:{backups / 'seen'}"]
    with open_house(store) as house:
        house.verify_audit(witness)
    put_back(backups / "full.tar", backups / "elsewhere")
    with open_house(backups / "elsewhere") as house:
        with pytest.raises(DamagedError, match=r"restored from a backup at 2024-06-01.*audit accept --witness"):
            house.verify_audit(witness)
        house.verify_audit()  # the control


def test_a_log_that_went_on_elsewhere_gives_way_to_that_of_the_backup(store: Path, backups: Path) -> None:
    put_back(backups / "full.tar", backups / "elsewhere")
    with open_house(backups / "elsewhere") as house:
        house.backup(backups / "moved.tar")
    there = log_of(backups / "elsewhere")
    put_back(backups / "moved.tar", store, replace=True)
    assert log_of(store) == [*there, ("restored", {"log": "brought"})]
    assert (store / "audit.db.before-restore").exists()


def test_a_log_that_was_cut_gives_way_to_that_of_the_backup(store: Path, folder: Path) -> None:
    older = keep(store, "older")
    with open_house(store) as house:
        house.cross("mark", "floor").sleep()
        house.backup(folder / "full.tar")
    whole = log_of(store)
    shutil.copy(older, store / "audit.db")
    put_back(folder / "full.tar", store, replace=True)
    assert log_of(store) == [*whole, ("restored", {"log": "brought"})]


def test_without_any_log_one_begins_with_the_restore(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_house(store) as house, monkeypatch.context() as patch:
        patch.setattr(house, "_audit", None)
        house.backup(folder / "without.tar")
    put_back(folder / "without.tar", folder / "elsewhere")
    assert log_of(folder / "elsewhere") == [("restored", {"log": "begun"})]


def test_a_restored_store_goes_on_after_one_that_failed(store: Path, backups: Path) -> None:
    before = log_of(store)
    with pytest.raises(StoreError):
        put_back(backups / "full.tar", store)
    assert log_of(store) == before, "what was refused is not told as done"


def _opened(store: Path, *, begin: bool = False) -> AuditLog:
    """The log alone, whatever the chip remembers, and without the chip's hearing of it."""
    vault, chip = open_store(store, key=KEY, create=False, entropy=ScopedEntropy(b"alone"))
    with closing(vault), closing(chip):
        if begin:
            begin_audit(store, chip, StillClock())
        log = audit_in(store, chip, StillClock(), ScopedEntropy(b"alone"))
        log._keep_head = lambda size, root: None
        return log


def test_a_house_without_a_log_tells_nobody_and_shows_none(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_house(store) as house:
        _without_log(house, monkeypatch)
        with house.cross("mark", "floor") as innie, pytest.raises(StoreMissingError, match="not open"):
            innie.events()
        with pytest.raises(StoreMissingError, match="not open"):
            house.events()


def _without_log(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house._audit.close()  # type: ignore[union-attr]
    monkeypatch.setattr(house, "_audit", None)
    monkeypatch.setattr(house._telling, "_audit", None)
