"""The file of the log: what was appended is there, in order, under a tree that any proof can be made from."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from kit import change
from severance.audit.log import LogFile, Tails
from severance.audit.proofs import EMPTY_ROOT, consistency, goes_on, includes, inclusion, leaf_hash, node_hash, root
from severance.errors import DamagedError, NewerVersionError, SeveranceError, StoreError, StoreMissingError

STORE = bytes(16)


class Plainly:
    """Signs nothing."""

    def sign(self, size: int, top: bytes) -> str:
        return f"{size} {top.hex()}"

    def read(self, note: str) -> tuple[int, bytes]:
        size, top = note.split()
        return int(size), bytes.fromhex(top)


SIGNER = Plainly()
sign = SIGNER.sign


def entry(number: int, tails: Tails | None = None) -> bytes:
    return b"entry %d" % number


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "audit.db"


@pytest.fixture
def log(path: Path) -> Iterator[LogFile]:
    with closing(LogFile.create(path, STORE, SIGNER)) as made:
        yield made


def fill(log: LogFile, count: int) -> None:
    for _ in range(count):
        log.append([entry], SIGNER)


def test_a_new_log_is_empty_and_signed(log: LogFile, path: Path) -> None:
    assert (log.size(), log.checkpoint(), log.store) == (0, sign(0, EMPTY_ROOT), STORE)
    assert list(log.entries(0, 0)) == []
    assert path.stat().st_mode & 0o077 == 0


def test_entries_come_in_their_order(log: LogFile) -> None:
    fill(log, 5)
    assert log.append([entry, entry, entry], SIGNER) == 8
    assert list(log.entries(0, 8)) == [entry(n) for n in range(8)]
    assert list(log.entries(2, 4)) == [entry(2), entry(3)]


def test_the_checkpoint_is_that_of_the_tree(log: LogFile) -> None:
    def plain(level: int, number: int) -> bytes:
        if level == 0:
            return leaf_hash(entry(number))
        return node_hash(plain(level - 1, 2 * number), plain(level - 1, 2 * number + 1))

    for size in range(1, 20):
        fill(log, 1)
        assert log.checkpoint() == sign(size, root(plain, 0, size))
    for size in range(1, 20):
        assert includes(
            root(plain, 0, size), size, size // 2, leaf_hash(entry(size // 2)), inclusion(log.node, size // 2, size)
        )
        assert goes_on(root(plain, 0, size), size, root(plain, 0, 19), 19, consistency(log.node, size, 19))


def test_more_than_a_page_is_read(log: LogFile) -> None:
    log.append([entry] * 2_500, SIGNER)
    assert list(log.entries(0, 2_500)) == [entry(n) for n in range(2_500)]


def test_what_fails_leaves_nothing(log: LogFile) -> None:
    fill(log, 3)
    before = log.checkpoint()

    def fails(number: int, tails: Tails) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log.append([entry, fails], SIGNER)
    assert (log.size(), log.checkpoint()) == (3, before)
    fill(log, 1)
    assert list(log.entries(0, 4)) == [entry(n) for n in range(4)]


def test_several_at_once_take_turns(log: LogFile, path: Path) -> None:
    def work() -> None:
        with closing(LogFile.open(path)) as own:
            fill(own, 20)

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(log.entries(0, 80)) == [entry(n) for n in range(80)]


def test_what_was_appended_survives_a_kill(path: Path, log: LogFile) -> None:
    work = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from test_log import SIGNER, entry; from severance.audit.log import LogFile, Tails\n"
        "log = LogFile.open(Path(sys.argv[1]))\n"
        "for _ in range(7): log.append([entry], SIGNER)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    if sys.platform == "win32":
        work = work.replace("os.kill(os.getpid(), 9)", "os._exit(1)")
    run = [sys.executable, "-c", work, str(path), str(Path(__file__).parent)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    assert subprocess.run(run, check=False, timeout=300, env=environment).returncode
    assert list(log.entries(0, log.size())) == [entry(n) for n in range(7)]


def test_opened_again_it_goes_on(log: LogFile, path: Path) -> None:
    fill(log, 3)
    log.close()
    log.close()
    with closing(LogFile.open(path)) as again:
        fill(again, 2)
        assert list(again.entries(0, 5)) == [entry(n) for n in range(5)]
    with closing(LogFile.open(path, readonly=True)) as reader, pytest.raises(StoreError):
        fill(reader, 1)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE n = 1",
        "UPDATE entries SET frame = 'text' WHERE n = 1",
        "UPDATE entries SET n = 9 WHERE n = 1",
    ],
)
def test_an_entry_that_is_not_there_is_damage(log: LogFile, path: Path, statement: str) -> None:
    fill(log, 4)
    log.close()
    change(path, statement)
    with closing(LogFile.open(path)) as altered, pytest.raises(DamagedError):
        list(altered.entries(0, 4))


@pytest.mark.parametrize(
    "statement", ["DELETE FROM nodes", "UPDATE nodes SET hash = 'x'", "DELETE FROM entries WHERE n = 2"]
)
def test_a_tree_that_is_not_whole_is_not_gone_on_with(log: LogFile, path: Path, statement: str) -> None:
    fill(log, 3)
    log.close()
    change(path, statement)
    with closing(LogFile.open(path)) as altered, pytest.raises(DamagedError):
        altered.append([entry] * 3, SIGNER)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("PRAGMA application_id = 5", StoreError),
        ("PRAGMA user_version = 2", NewerVersionError),
        ("PRAGMA user_version = 0", DamagedError),
        ("DELETE FROM meta WHERE name = 'store'", DamagedError),
        ("UPDATE meta SET value = zeroblob(15) WHERE name = 'store'", DamagedError),
        ("CREATE TRIGGER t AFTER INSERT ON entries BEGIN DELETE FROM entries; END", DamagedError),
    ],
)
def test_a_file_that_is_no_log_of_this_version_is_refused(
    log: LogFile, path: Path, statement: str, error: type[SeveranceError]
) -> None:
    log.close()
    change(path, statement)
    with pytest.raises(error) as caught:
        LogFile.open(path)
    assert type(caught.value) is error


def test_a_log_that_is_not_there_is_missing(folder: Path) -> None:
    with pytest.raises(StoreMissingError):
        LogFile.open(folder / "audit.db")
    with closing(sqlite3.connect(folder / "other.db")) as other:
        other.execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="not an audit log"):
        LogFile.open(folder / "other.db")


def test_a_checkpoint_that_is_gone_is_damage(log: LogFile, path: Path) -> None:
    log.close()
    change(path, "DELETE FROM meta WHERE name = 'checkpoint'")
    with closing(LogFile.open(path)) as altered, pytest.raises(DamagedError, match="checkpoint"):
        altered.checkpoint()
