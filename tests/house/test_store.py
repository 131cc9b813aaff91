"""A store is found, made, finished or refused as one thing."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest

import severance
from kit import change, make_house, open_house
from severance import (
    DamagedError,
    InputError,
    StoreError,
    StoreMissingError,
    WrongKeyError,
)
from severance import store as store_module
from severance.alarms.bell import Bell
from severance.barrier.traces.ports import KEY, ScopedEntropy


def test_a_store_is_made_where_there_is_none(folder: Path) -> None:
    store = folder / "a" / "b"
    open_house(store).close()
    assert sorted(path.name for path in store.iterdir()) == ["audit.db", "chip.db", "vault.db"]
    if sys.platform != "win32":  # which has no modes
        assert stat.S_IMODE(store.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in store.iterdir()} == {0o600}


def test_no_store_is_made_when_none_was_asked_for(folder: Path) -> None:
    with pytest.raises(StoreMissingError, match="there is no store"):
        open_house(folder / "store", create=False)
    assert not (folder / "store").exists()


def test_a_file_is_no_store(folder: Path) -> None:
    (folder / "store").write_text("a file")
    with pytest.raises(InputError, match="is a file"):
        open_house(folder / "store")


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/store"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    if path.startswith("~") and sys.platform == "win32":
        pytest.skip("Windows guesses the homes of others")
    for call in (severance.open, severance.restore):
        with pytest.raises(InputError, match="path"):
            call(path, key=KEY)


def test_a_key_that_is_not_one_makes_no_store(folder: Path) -> None:
    for key in (b"short", bytes(33), 5):
        with pytest.raises(InputError):
            open_house(folder / "store", key=key)
    assert not list(folder.rglob("*.db"))


def test_the_wrong_key_opens_nothing(folder: Path) -> None:
    make_house(folder).close()
    with pytest.raises(WrongKeyError):
        open_house(folder / "store", key=bytes(32))
    open_house(folder / "store").close()


@pytest.mark.parametrize(("gone", "problem"), [("chip.db", "there is no chip"), ("vault.db", "the vault is not in")])
def test_half_a_store_is_refused_and_nothing_is_made_in_its_place(folder: Path, gone: str, problem: str) -> None:
    make_house(folder).close()
    (folder / "store" / gone).unlink()
    with pytest.raises(StoreMissingError, match=problem):
        open_house(folder / "store")
    assert not (folder / "store" / gone).exists()


def test_a_chip_of_another_store_is_refused(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / name).mkdir()
        make_house(folder / name, entropy=ScopedEntropy(name.encode())).close()
    shutil.copy(folder / "one" / "store" / "chip.db", folder / "two" / "store" / "chip.db")
    with pytest.raises(StoreError, match="different stores"):
        open_house(folder / "two" / "store")


def test_a_vault_in_the_place_of_the_chip_is_refused(folder: Path) -> None:
    make_house(folder).close()
    shutil.copy(folder / "store" / "vault.db", folder / "store" / "chip.db")
    with pytest.raises(StoreError, match="is not a chip"):
        open_house(folder / "store")


@pytest.mark.parametrize("record", [b"{not json", b"\xff", b"[" * 100_000])
def test_an_altered_record_of_the_key_source_is_damage_where_it_is_needed(folder: Path, record: bytes) -> None:
    make_house(folder).close()
    change(folder / "store" / "chip.db", "UPDATE meta SET value = ? WHERE name = 'key'", record)
    with pytest.raises(DamagedError, match="where its root key comes from"):
        severance.open(folder / "store", key=None)
    open_house(folder / "store").close()


@pytest.mark.parametrize("at", ["the vault", "the chip"])
def test_a_store_whose_making_was_cut_off_is_finished(folder: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if at == "the vault":
            patch.setattr(store_module.SqliteVault, "new", killed)
        else:
            patch.setattr(store_module, "_make_chip", killed)
        with pytest.raises(KeyboardInterrupt):
            open_house(folder / "store")
    assert (folder / "store" / "vault.db").exists() == (at == "the chip")
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.remember("the file")
        assert house.check() == []


def test_a_vault_with_spaces_in_it_is_never_given_a_new_chip(folder: Path) -> None:
    make_house(folder).close()
    (folder / "store" / "chip.db").unlink()
    for _ in range(2):
        with pytest.raises(StoreMissingError):
            open_house(folder / "store", key=KEY)


@pytest.mark.parametrize("path", ["~\0", "~nobody\0here", "a\0", "~\udc80\0"])
def test_a_path_with_a_nul_is_refused_also_behind_a_tilde(path: str) -> None:
    with pytest.raises(InputError, match="no"):
        store_module.path_of(path)


def test_an_opening_that_is_cut_short_leaves_nothing_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_house(folder).close()

    def cut(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bell, "begin", cut)
    with pytest.raises(KeyboardInterrupt):
        open_house(folder / "store")
    assert sorted(path.name for path in (folder / "store").iterdir()) == ["audit.db", "chip.db", "vault.db"]
