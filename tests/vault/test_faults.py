"""Every fault by its real cause: a full disk, a read-only folder, another process that holds the lock, a wrong file."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from severance.disk.faults import from_system, translated
from severance.errors import (
    DamagedError,
    NewerVersionError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreReadOnlyError,
)
from severance.ports import Layer, NewSpace
from severance.vault.conformance import STORE
from severance.vault.conformance.kit import EMPTY, SPACE, entries, fill, frame, frames, picture
from severance.vault.sqlite import SqliteVault

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with SqliteVault.new(tmp_path / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        fill(vault, 3)
    return tmp_path / "vault.db"


def alter(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


@contextmanager
def small_disk(kilobytes: int) -> Iterator[Path]:
    """A file system of this size; needs root on Linux."""
    with tempfile.TemporaryDirectory() as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "severance-test", folder]
        if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("cannot mount a small file system here")
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def test_a_full_disk() -> None:
    with small_disk(2048) as disk, SqliteVault.new(disk / "vault.db", STORE) as vault:
        vault.create([NewSpace(SPACE, EMPTY)])
        head = EMPTY
        with suppress(StoreFullError):
            while head.seq < 1000:
                head = vault.append(SPACE, head, [frame(head.seq + 1, 20_000)])
        assert 10 < head.seq < 1000
        assert vault.head(SPACE) == head
        assert vault.read(SPACE, 0, 1000) == entries(1, frames(1, head.seq, 20_000))
        with pytest.raises(StoreFullError):
            vault.copy_to(disk / "copy.db")
        with pytest.raises(StoreFullError):
            picture(vault, head, [frame(1, 2**21)])
        assert not [file for file in disk.iterdir() if not file.name.startswith("vault.db")]
        assert vault.verify() == []


def test_a_full_disk_at_creation() -> None:
    with small_disk(16) as disk:
        with pytest.raises(StoreFullError):
            SqliteVault.new(disk / "vault.db", STORE)
        assert list(disk.iterdir()) == []


def test_a_vault_that_may_not_grow(path: Path) -> None:
    """The same error where no file system can be mounted."""
    with SqliteVault.open(path) as vault:
        vault._writer.query("PRAGMA max_page_count = 20")
        head = vault.head(SPACE)
        with pytest.raises(StoreFullError, match=r"vault\.db is full"):
            vault.append(SPACE, head, [frame(1, 500_000)])
        assert vault.head(SPACE) == head
        vault.append(SPACE, head, [frame(4)])


HOLD = """
    import sqlite3, sys
    db = sqlite3.connect(sys.argv[1], isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_another_process_holds_it(path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLD), str(path)]
    with (
        SqliteVault.open(path, busy=0.1) as vault,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder,
    ):
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        head = vault.head(SPACE)
        with pytest.raises(StoreBusyError, match=r"another process holds vault\.db"):
            vault.append(SPACE, head, [frame(4)])
        assert vault.read(SPACE, 0, 10) == entries(1, frames(1, 3))
        holder.stdin.write("\n")
        holder.stdin.flush()
        holder.wait()
        vault.append(SPACE, head, [frame(4)])


def test_opened_for_reading_only(path: Path) -> None:
    with SqliteVault.open(path, readonly=True) as vault:
        head = vault.head(SPACE)
        assert vault.read(SPACE, 0, 10) == entries(1, frames(1, 3))
        for call in (
            lambda: vault.append(SPACE, head, [frame(4)]),
            lambda: vault.create([NewSpace(bytes(16), EMPTY)]),
            lambda: vault.drop(SPACE),
            lambda: vault.write_layers(SPACE, head.seq, [Layer(EMPTY, head, ())]),
        ):
            with pytest.raises(StoreReadOnlyError):
                call()
        assert vault.verify() == []
        with SqliteVault.open(path) as writer:
            head = fill(writer, 2)
        assert vault.head(SPACE) == head


AS_SOMEBODY = """
    import os, sys, urllib.parse  # the last is needed later, and may lie where only root can read
    from pathlib import Path
    from severance.errors import SeveranceError
    from severance.vault.conformance.kit import SPACE, frame
    from severance.vault.sqlite import SqliteVault
    path = Path(sys.argv[1])
    if os.geteuid() == 0:  # modes do not bind root
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for readonly in (True, False):
        try:
            with SqliteVault.open(path, readonly=readonly) as vault:
                head = vault.head(SPACE)
                print(len(vault.read(SPACE, 0, 10)), vault.verify(), end=" ")
                vault.append(SPACE, head, [frame(4)])
        except SeveranceError as error:
            print(type(error).__name__, end=" ")
        print()
"""


def as_somebody(path: Path) -> list[str]:
    """What opening for reading, then for writing, says to a user who may not write there."""
    command = [sys.executable, "-c", textwrap.dedent(AS_SOMEBODY), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert run.returncode == 0, run.stderr
    return [line.strip() for line in run.stdout.splitlines()]


@pytest.fixture
def foreign(path: Path) -> Iterator[Path]:
    """The vault in a folder that may be read, and not written, by the user that `as_somebody` runs as."""
    if sys.platform == "win32":
        pytest.skip("Windows has no modes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = folder / "vault.db"
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o444)
        folder.chmod(0o555)
        try:
            yield copy
        finally:
            folder.chmod(0o755)


def test_a_folder_that_may_not_be_written(foreign: Path) -> None:
    reading, writing = as_somebody(foreign)
    assert reading == "3 [] StoreReadOnlyError"
    assert writing == "StoreReadOnlyError"


def test_a_file_that_may_not_be_written(foreign: Path) -> None:
    foreign.parent.chmod(0o777)
    assert as_somebody(foreign) == ["3 [] StoreReadOnlyError", "3 [] StoreReadOnlyError"]


def test_a_folder_that_may_not_be_written_with_a_log_that_holds_writes(path: Path, foreign: Path) -> None:
    foreign.parent.chmod(0o755)
    with SqliteVault.open(path) as vault:
        fill(vault, 1)
        for suffix in ("", "-wal"):
            target = foreign.with_name("vault.db" + suffix)
            target.unlink(missing_ok=True)
            target.write_bytes(path.with_name("vault.db" + suffix).read_bytes())
            target.chmod(0o444)
    foreign.parent.chmod(0o555)
    assert as_somebody(foreign) == ["StoreReadOnlyError", "StoreReadOnlyError"]


def test_no_vault_there(tmp_path: Path) -> None:
    for missing in (tmp_path / "vault.db", tmp_path / "no" / "vault.db", tmp_path / "nul\0"):
        for readonly in (False, True):
            with pytest.raises(StoreMissingError):
                SqliteVault.open(missing, readonly=readonly)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError, match="is not a file"):
        SqliteVault.open(tmp_path)


def test_something_else_there(path: Path) -> None:
    other = path.with_name("other.db")
    alter(other, "CREATE TABLE notes (text)")
    with pytest.raises(StoreError, match="is not a vault") as caught:
        SqliteVault.open(other)
    assert type(caught.value) is StoreError
    for content in (b"", b"hello", b"\0" * 8192, b"SQLite format 3\0", os.urandom(20_000)):
        other.write_bytes(content)
        with pytest.raises(DamagedError):
            SqliteVault.open(other)
        assert other.read_bytes() == content


def test_a_later_version(path: Path) -> None:
    alter(path, "PRAGMA user_version = 2")
    with pytest.raises(NewerVersionError, match="format 2"):
        SqliteVault.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "PRAGMA user_version = 0",
        "DROP TABLE chunks",
        "ALTER TABLE spaces RENAME COLUMN erased TO wiped",
        "CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM spaces; END",
        "CREATE VIEW v AS SELECT 1",
        "DELETE FROM meta",
        "UPDATE meta SET value = CAST(value AS TEXT)",
        "UPDATE meta SET value = x'00'",
    ],
)
def test_a_layout_that_is_not_a_vaults(path: Path, change: str) -> None:
    alter(path, change)
    with pytest.raises(DamagedError, match="severance check"):
        SqliteVault.open(path)


@pytest.mark.parametrize(
    "change",
    [
        "ANALYZE",
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON records (digest)",
        "CREATE TRIGGER more BEFORE INSERT ON records BEGIN SELECT RAISE(IGNORE); END",
    ],
)
def test_a_vault_with_more_in_it_is_refused(path: Path, change: str) -> None:
    alter(path, change)
    with pytest.raises(DamagedError, match="layout"):
        SqliteVault.open(path)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE records SET frame = 'text' WHERE seq = 2", "read"),
        ("UPDATE records SET frame = CAST(x'ff80' AS TEXT) WHERE seq = 2", "read"),
        ("UPDATE records SET frame = 7 WHERE seq = 2", "read"),
        ("UPDATE records SET digest = x'00' WHERE seq = 2", "read"),
        ("UPDATE records SET digest = CAST(digest AS TEXT) WHERE seq = 2", "read"),
        ("UPDATE records SET seq = 2.5 WHERE seq = 2", "read"),
        ("DELETE FROM records WHERE seq = 3", "head append"),
        ("DELETE FROM records", "head append"),
        ("UPDATE records SET seq = 9 WHERE seq = 3", "head append"),
        ("UPDATE records SET seq = 'x' WHERE seq = 3", "head append read"),
        ("UPDATE spaces SET seq = 2", "head append"),
        ("UPDATE spaces SET seq = -1", "head append"),
        ("UPDATE spaces SET seq = 3.5", "head append"),
        ("UPDATE spaces SET digest = 'short'", "head append"),
        ("UPDATE spaces SET digest = CAST(digest AS TEXT)", "head append"),
        ("UPDATE spaces SET erased = 'x'", "write_layers"),
        ("UPDATE spaces SET id = CAST(id AS TEXT)", "spaces"),
        ("UPDATE layers SET chunks = 3", "read_layers"),
        ("UPDATE layers SET digest = x'00'", "read_layers"),
        ("UPDATE layers SET before = 'x'", "read_layers"),
        ("UPDATE layers SET first = 'x'", "read_layers layers write_layers erase"),
        ("UPDATE layers SET first = last + 1", "read_layers layers write_layers erase"),
        ("UPDATE layers SET last = 'x'", "read_layers layers write_layers erase"),
        ("DELETE FROM chunks WHERE n = 0", "read_layers"),
        ("DELETE FROM chunks", "read_layers"),
        ("UPDATE chunks SET frame = 'x' WHERE n = 1", "read_layers"),
        ("UPDATE chunks SET n = 5 WHERE n = 1", "read_layers"),
        ("UPDATE records SET frame = x'00' WHERE seq = 2", ""),  # for whoever holds the key to notice
        ("DELETE FROM records WHERE seq = 2", ""),  # for the reader to notice
        ("UPDATE spaces SET erased = 99", ""),
        ("UPDATE layers SET space = x'00'", ""),
    ],
)
def test_values_that_cannot_be_what_was_written(path: Path, change: str, broken: str) -> None:
    with SqliteVault.open(path) as vault:
        head = vault.head(SPACE)
        picture(vault, head, frames(1, 2))
    alter(path, change)
    with SqliteVault.open(path) as vault:
        assert vault.verify(), "verify should have noticed"
        calls = {
            "spaces": lambda: vault.spaces(),
            "head": lambda: vault.head(SPACE),
            "read": lambda: vault.read(SPACE, 0, 10),
            "read_layers": lambda: vault.read_layers(SPACE),
            "append": lambda: vault.append(SPACE, head, [frame(4)]),
            "erase": lambda: vault.append(SPACE, head, [frame(4)], [1]),
            "layers": lambda: vault.layers(SPACE),
            "write_layers": lambda: vault.write_layers(SPACE, head.seq, [Layer(EMPTY, head, ())]),
        }
        for name in broken.split():
            with pytest.raises(DamagedError, match="severance check") as caught:
                calls[name]()
            assert caught.value.space == (None if name == "spaces" else SPACE.hex())
        if broken == "read":
            assert caught.value.record == (None if "2.5" in change else 2)
            assert [entry.seq for entry in vault.read(SPACE, 0, 1)] == [1], "what is intact can be read one by one"


def test_the_vault_goes_on_behind_every_fault(path: Path) -> None:
    """Errors that no file was harmed for: each code has its class, and a sentence without content."""
    codes = {
        sqlite3.SQLITE_BUSY_SNAPSHOT: StoreBusyError,
        sqlite3.SQLITE_LOCKED_SHAREDCACHE: StoreBusyError,
        sqlite3.SQLITE_PROTOCOL: StoreBusyError,
        sqlite3.SQLITE_FULL: StoreFullError,
        sqlite3.SQLITE_READONLY_DIRECTORY: StoreReadOnlyError,
        sqlite3.SQLITE_READONLY_DBMOVED: StoreMissingError,
        sqlite3.SQLITE_CANTOPEN: StoreReadOnlyError,
        sqlite3.SQLITE_PERM: StoreReadOnlyError,
        sqlite3.SQLITE_IOERR_FSYNC: StoreError,
        sqlite3.SQLITE_CORRUPT_VTAB: DamagedError,
        sqlite3.SQLITE_NOTADB: DamagedError,
        sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: DamagedError,
        sqlite3.SQLITE_ERROR: DamagedError,
        sqlite3.SQLITE_TOOBIG: DamagedError,
    }
    for code, kind in codes.items():
        error = sqlite3.DatabaseError("with content in it")
        error.sqlite_errorcode = code
        mapped = translated(error, path, SPACE)
        assert type(mapped) is kind
        assert "content" not in str(mapped)
    assert type(translated(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), path)) is DamagedError
    assert type(translated(sqlite3.ProgrammingError("binding"), path)) is StoreError
    for number, kind in ((28, StoreFullError), (13, StoreReadOnlyError), (30, StoreReadOnlyError), (5, StoreError)):
        assert type(from_system(OSError(number, "x"), path)) is kind
