"""Backups hold a store as it was, sealed; putting one back asks before it goes back in time."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import shutil
import stat
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import dump, make_house, open_house, texts
from severance import (
    DamagedError,
    NewerVersionError,
    RolledBackError,
    StoreError,
    StoreMissingError,
    WrongKeyError,
)
from severance.barrier.traces.ports import KEY


@pytest.fixture
def store(folder: Path) -> Path:
    """With one memory of the innie's; `full.tar` and `vault.tar` are backups of it, with and without the chip."""
    with make_house(folder) as house:
        with house.cross("mark", "floor") as innie:
            innie.remember("earlier")
        house.backup(folder / "full.tar")
        house.backup(folder / "vault.tar", chip=False)
    return folder / "store"


def innies(store: Path) -> list[str]:
    with open_house(store, create=False) as house, house.cross("mark", "floor") as innie:
        assert house.check() == []
        return texts(innie.memories())


def say(store: Path, text: str) -> None:
    with open_house(store) as house, house.cross("mark", "floor") as innie:
        innie.remember(text)


def put_back(file: Path, store: Path, **how: Any) -> Any:
    return severance.restore(file, store, **{"key": KEY, **how})


def test_a_backup_says_what_it_is_and_shows_nothing(store: Path, folder: Path) -> None:
    with open_house(store) as house:
        done = house.backup(folder / "again.tar")
    assert (done.path, done.size, done.chip) == (folder / "again.tar", (folder / "again.tar").stat().st_size, True)
    raw = (folder / "again.tar").read_bytes()
    assert not [word for word in (b"earlier", b"mark", b"innie", b"floor", b"root") if word in raw]
    if sys.platform != "win32":  # which has no modes
        assert stat.S_IMODE((folder / "again.tar").stat().st_mode) == 0o600
    with tarfile.open(folder / "again.tar") as tar:
        assert [member.name for member in tar] == ["manifest.json", "chip.db", "vault.db", "audit.db"]
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname) for m in tar} == {(0, 0, 0, "", "")}
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_backup_never_goes_over_a_file(store: Path, folder: Path) -> None:
    before = (folder / "full.tar").read_bytes()
    with open_house(store) as house, pytest.raises(StoreError):
        house.backup(folder / "full.tar")
    assert (folder / "full.tar").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_backup_is_put_where_there_is_no_store(store: Path, folder: Path) -> None:
    put_back(folder / "full.tar", folder / "new" / "place")
    assert innies(folder / "new" / "place") == ["earlier"]
    assert innies(store) == ["earlier"]


def test_a_backup_with_the_chip_goes_back_in_time_with_it(store: Path, folder: Path) -> None:
    say(store, "after")
    put_back(folder / "full.tar", store, replace=True)
    assert innies(store) == ["earlier"]
    say(store, "again")
    assert innies(store) == ["earlier", "again"]


def test_a_store_is_replaced_only_when_that_was_said_and_is_kept_beside(store: Path, folder: Path) -> None:
    say(store, "after")
    with pytest.raises(StoreError, match="pass --replace"):
        put_back(folder / "full.tar", store)
    assert innies(store) == ["earlier", "after"]
    before = dump(store / "vault.db")
    put_back(folder / "full.tar", store, replace=True)
    assert dump(store / "vault.db.before-restore") == before
    assert (store / "chip.db.before-restore").exists()


def failing_after(moves: int, failure: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Renaming works that often, and then fails once."""
    true, left = Path.replace, [moves]

    def replace(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == -1:
            raise failure
        return true(path, target)

    monkeypatch.setattr(Path, "replace", replace)


@pytest.mark.parametrize("moves", range(4))
def test_a_restore_that_fails_half_way_leaves_the_store_as_it_was(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    say(store, "after")
    failing_after(moves, PermissionError(errno.EACCES, "in use"), monkeypatch)
    with pytest.raises(StoreError):
        put_back(folder / "full.tar", store, replace=True)
    assert innies(store) == ["earlier", "after"]
    assert not list(store.glob("*.before-restore*"))


@pytest.mark.parametrize("moves", range(4))
def test_a_restore_that_is_killed_half_way_is_told_from_no_store_at_all(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    failing_after(moves, KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        put_back(folder / "full.tar", store, replace=True)
    if moves:
        with pytest.raises(StoreMissingError):
            open_house(store)
    put_back(folder / "full.tar", store, replace=True)
    assert innies(store) == ["earlier"]


def test_a_vault_alone_is_held_against_the_chip_that_stays(store: Path, folder: Path) -> None:
    put_back(folder / "vault.tar", store, replace=True)
    assert innies(store) == ["earlier"]
    say(store, "after")
    with pytest.raises(RolledBackError, match="accept"):
        put_back(folder / "vault.tar", store, replace=True)
    assert innies(store) == ["earlier", "after"]
    put_back(folder / "vault.tar", store, replace=True, accept_older=True)
    assert innies(store) == ["earlier"]
    say(store, "again")
    assert innies(store) == ["earlier", "again"]


def test_accepting_an_older_vault_is_not_accepting_another_history(store: Path, folder: Path) -> None:
    say(store, "one history")
    with open_house(store) as house:
        house.backup(folder / "one.tar", chip=False)
    put_back(folder / "vault.tar", store, replace=True, accept_older=True)
    say(store, "another history")
    with pytest.raises(RolledBackError):
        put_back(folder / "one.tar", store, replace=True, accept_older=True)
    assert innies(store) == ["earlier", "another history"]


def test_a_vault_alone_needs_a_chip_to_go_with_it(store: Path, folder: Path) -> None:
    with pytest.raises(StoreMissingError, match="the backup has no chip"):
        put_back(folder / "vault.tar", folder / "new")
    shutil.rmtree(store)
    store.mkdir()
    with pytest.raises(StoreMissingError):
        put_back(folder / "vault.tar", store)


def test_a_lost_vault_comes_back_beside_the_chip_that_was_kept(store: Path, folder: Path) -> None:
    (store / "vault.db").unlink()
    put_back(folder / "vault.tar", store)
    assert innies(store) == ["earlier"]


def test_the_wrong_key_puts_nothing_in_place(store: Path, folder: Path) -> None:
    before = dump(store / "vault.db")
    with pytest.raises(WrongKeyError):
        put_back(folder / "full.tar", store, replace=True, key=bytes(32))
    with pytest.raises(WrongKeyError):
        put_back(folder / "full.tar", folder / "new", key=bytes(32))
    assert dump(store / "vault.db") == before
    assert not (folder / "new" / "vault.db").exists()


def test_a_backup_that_is_not_there_is_missing(folder: Path) -> None:
    with pytest.raises(StoreMissingError, match="there is no backup"):
        put_back(folder / "none.tar", folder / "new")


@pytest.mark.parametrize("size", [0, 1, 512, 2000, 20_000])
def test_a_backup_that_was_cut_short_is_refused(store: Path, folder: Path, size: int) -> None:
    (folder / "cut.tar").write_bytes((folder / "full.tar").read_bytes()[:size])
    with pytest.raises(DamagedError):
        put_back(folder / "cut.tar", folder / "new")
    assert not (folder / "new" / "vault.db").exists()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9])
def test_a_backup_with_a_flipped_bit_is_refused(store: Path, folder: Path, share: float) -> None:
    with tarfile.open(folder / "full.tar") as tar:
        last = tar.getmembers()[-1]
    raw = bytearray((folder / "full.tar").read_bytes())
    raw[int((last.offset_data + last.size - 1024) * share) + 1024] ^= 1
    (folder / "bad.tar").write_bytes(raw)
    with pytest.raises((DamagedError, NewerVersionError)):
        put_back(folder / "bad.tar", folder / "new")
    assert not (folder / "new" / "vault.db").exists()


def tar_of(file: Path, **members: bytes) -> Path:
    with tarfile.open(file, "w:") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name.replace("__", ".").replace("UP", "../"))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        (b"not json", DamagedError),
        (b"{}", DamagedError),
        (b'{"format": 2, "store": "", "members": []}', NewerVersionError),
        (b'{"format": 1, "store": "", "members": []}', DamagedError),
        (b'{"format": 1, "store": "", "members": [{"name": "../evil", "size": 0, "sha256": ""}]}', DamagedError),
        (b'{"format": 1, "store": "", "members": [{"name": "/etc/x", "size": 0, "sha256": ""}]}', DamagedError),
        (b'{"format": 1, "store": "", "members": [{"name": "vault.db", "size": 0, "sha256": ""}]}', DamagedError),
        (b" " * 70_000, DamagedError),
        (b'{"format": 1, "store": "\xff", "members": []}', DamagedError),
        (b'{"format": 1, "store": "", "members": [{"name": "\xff\xfe", "size": 0, "sha256": ""}]}', DamagedError),
        (b"\xff\xfe{\0}\0", DamagedError),
        (b"[" * 60_000, DamagedError),
        (b'{"format": 1, "store": "", "members": [{"name": "vault.db", "size": -1, "sha256": ""}]}', DamagedError),
    ],
)
def test_a_tar_that_is_no_backup_is_refused_and_nothing_is_unpacked(
    folder: Path, manifest: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        put_back(tar_of(folder / "odd.tar", manifest__json=manifest), folder / "new")
    assert_nothing_left(folder, "odd.tar")


def assert_nothing_left(folder: Path, *there: str) -> None:
    """Neither in the folder, beside what was there, nor in `new`."""
    assert {path.name for path in folder.iterdir()} <= {*there, "new"}
    assert not (folder / "new").exists() or not list((folder / "new").iterdir())


def rebuilt(folder: Path, change: Callable[[tarfile.TarInfo], None]) -> None:
    """`odd.tar` is `full.tar` with each member's head as `change` leaves it, and its content as it was."""
    with (
        tarfile.open(folder / "full.tar") as tar,
        tarfile.open(folder / "odd.tar", "w:", format=tarfile.PAX_FORMAT) as odd,
    ):
        for member in tar.getmembers():
            source = tar.extractfile(member)
            info = tarfile.TarInfo(member.name)
            info.size = member.size
            change(info)
            odd.addfile(info, source if info.isreg() else None)


KEPT = ("store", "full.tar", "vault.tar", "odd.tar")


def test_a_backup_that_was_only_packed_anew_is_one(store: Path, folder: Path) -> None:
    rebuilt(folder, lambda info: None)
    put_back(folder / "odd.tar", folder / "new")
    assert innies(folder / "new") == ["earlier"]


@pytest.mark.parametrize("name", ["manifest.json", "chip.db", "vault.db", "audit.db"])
def test_a_sparse_member_is_refused(store: Path, folder: Path, name: str) -> None:
    """Also where what it unpacks to is right: it could as well be a terabyte of nothing."""

    def sparse(info: tarfile.TarInfo) -> None:
        if info.name == name:
            info.pax_headers = {"GNU.sparse.map": f"0,{info.size}", "GNU.sparse.size": str(info.size)}

    rebuilt(folder, sparse)
    with tarfile.open(folder / "odd.tar") as tar:
        assert [member.name for member in tar if member.issparse()] == [name]
    with pytest.raises(DamagedError):
        put_back(folder / "odd.tar", folder / "new")
    assert_nothing_left(folder, *KEPT)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("name", ["manifest.json", "chip.db", "vault.db", "audit.db"])
def test_a_member_that_links_to_itself_is_refused(store: Path, folder: Path, name: str, kind: bytes) -> None:
    def linked(info: tarfile.TarInfo) -> None:
        if info.name == name:
            info.type, info.linkname, info.size = kind, name, 0

    rebuilt(folder, linked)
    with pytest.raises(DamagedError):
        put_back(folder / "odd.tar", folder / "new")
    assert_nothing_left(folder, *KEPT)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_is_refused(store: Path, folder: Path, kind: bytes) -> None:
    member = {
        "name": "vault.db",
        "size": 0,
        "sha256": hashlib.sha256(b"").hexdigest(),
    }
    manifest = json.dumps({"format": 1, "store": "", "members": [member]}).encode()
    with tarfile.open(folder / "odd.tar", "w:") as tar:
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        tar.addfile(info, io.BytesIO(manifest))
        link = tarfile.TarInfo("vault.db")
        link.type, link.linkname = kind, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DamagedError):
        put_back(folder / "odd.tar", folder / "new")
    assert_nothing_left(folder, *KEPT)


def test_a_backup_made_while_others_write_is_consistent(store: Path, folder: Path) -> None:
    with open_house(store) as house, house.cross("mark", "floor") as innie:
        innie.remember("during")
        house.backup(folder / "during.tar")
        innie.remember("later")
    put_back(folder / "during.tar", folder / "new")
    assert innies(folder / "new") == ["earlier", "during"]


@pytest.mark.parametrize("size", [2**60, 2**63, 2**70])
@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_backup_whose_header_goes_on_for_longer_than_memory_is_refused(
    store: Path, folder: Path, kind: bytes, size: int
) -> None:
    info = tarfile.TarInfo("manifest.json")
    info.type, info.size = kind, size
    odd = folder / "odd.tar"
    odd.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + (folder / "full.tar").read_bytes())
    with pytest.raises(DamagedError, match="not a backup"):
        put_back(odd, folder / "new")
    assert not (folder / "new").exists()
