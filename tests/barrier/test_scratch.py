"""The scratch is gone afterwards, also when the process was killed; and nothing else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from kit import ScopedEntropy
from kit.processes import LONGEST
from severance.barrier.scratch import LOCK, MARK, NAME, clear, scratch
from severance.errors import InputError, StoreError

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
HEX = "0123456789abcdef" * 2


@contextmanager
def _begun(where: Path, *words: str, ignored: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A real `severance barrier` at work in a temporary directory of its own; perhaps as one that ignores Ctrl-C."""
    begin = partial(signal.signal, signal.SIGINT, signal.SIG_IGN) if ignored else None
    command = [sys.executable, "-m", "severance.cli.main", "barrier", "--no-store", "--only", "doors", *words]
    environ = {**os.environ, "TMPDIR": str(where), "TEMP": str(where), "HOME": str(where)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, preexec_fn=begin
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def _at_work(where: Path) -> Path:
    """The folder of a run, once a part writes in it."""
    for _ in range(3_000):
        for folder in where.glob("severance-barrier-*"):
            if any(folder.glob("parts/*/*")):
                return folder
        time.sleep(0.02)
    raise AssertionError("nothing was written")


def _leftover(where: Path, name: str = f"severance-barrier-{HEX}", mark: bytes = MARK) -> Path:
    folder = where / name
    (folder / "parts" / "00").mkdir(parents=True)
    (folder / "parts" / "00" / "vault.db").write_bytes(b"sealed")
    (folder / LOCK).write_bytes(mark)
    return folder


def test_the_folder_is_new_empty_and_private_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path) as folder:
        assert list(folder.iterdir()) == []
        assert NAME.fullmatch(folder.parent.name)
        assert folder.is_relative_to(tmp_path)
        if sys.platform != "win32":
            assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
        (folder / "a").mkdir()
        (folder / "a" / "b").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), scratch(tmp_path) as folder:
        (folder / "none" / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_by_default_it_is_in_the_systems_temporary_directory() -> None:
    with scratch() as folder:
        assert folder.parent.parent == Path(tempfile.gettempdir())


def test_what_a_killed_run_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    left = _leftover(tmp_path)
    with scratch(tmp_path):
        assert not left.exists()


def test_a_leftover_whose_clearing_was_cut_off_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / f"severance-barrier-{HEX}"
    left.mkdir()
    (left / LOCK).write_bytes(MARK)
    killed_before_its_mark = tmp_path / f"severance-barrier-{HEX[::-1]}"
    killed_before_its_mark.mkdir()
    (killed_before_its_mark / LOCK).touch()
    killed_before_its_lock = tmp_path / f"severance-barrier-{'0' * 32}"
    killed_before_its_lock.mkdir()
    assert clear(tmp_path) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_others_made_stays(tmp_path: Path) -> None:
    """By another name, without our mark, with something in it and no lock, or no folder at all."""
    _leftover(tmp_path, "severance-barrier-mine")
    _leftover(tmp_path, f"severance-barrier-{HEX}", mark=b"mine\n")
    unlocked = tmp_path / f"severance-barrier-{'1' * 32}"
    unlocked.mkdir()
    (unlocked / "file").write_text("mine")
    (tmp_path / f"severance-barrier-{'2' * 32}").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert clear(tmp_path) == 0
    assert sorted(tmp_path.rglob("*")) == before


@posix
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    real = _leftover(tmp_path, "elsewhere")
    (tmp_path / f"severance-barrier-{HEX}").symlink_to(real)
    inside = tmp_path / f"severance-barrier-{'3' * 32}"
    inside.mkdir()
    (inside / LOCK).symlink_to(real / LOCK)
    assert clear(tmp_path) == 0
    assert (real / "parts" / "00" / "vault.db").exists()


@posix
def test_links_in_a_leftover_lead_nowhere(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "file").write_text("mine")
    left = _leftover(tmp_path)
    (left / "parts" / "link").symlink_to(mine)
    (left / "link").symlink_to(mine)
    assert clear(tmp_path) == 1
    assert not left.exists()
    assert (mine / "file").read_text() == "mine"


@posix
def test_a_pipe_in_the_place_of_the_lock_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = tmp_path / f"severance-barrier-{HEX}"
    folder.mkdir()
    os.mkfifo(folder / LOCK)
    assert clear(tmp_path) == 0
    assert folder.exists()


def test_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    with scratch(tmp_path) as first:
        (first / "a").write_text("x")
        with scratch(tmp_path) as second:
            assert first.parent != second.parent
            assert (first / "a").read_text() == "x"
        assert (first / "a").read_text() == "x"


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    with scratch(tmp_path, entropy=ScopedEntropy()):
        second = scratch(tmp_path, entropy=ScopedEntropy())
        with pytest.raises(StoreError, match="--scratch"):
            second.__enter__()


def test_a_place_that_is_no_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "none"):
        with pytest.raises(InputError, match="--scratch"), scratch(place):
            pass


@pytest.mark.parametrize("name", ["TMPDIR", "TEMP", "TMP"])
def test_a_temporary_directory_that_is_named_is_used_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """And never another in its place."""
    for other in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, str(tmp_path))
    with scratch() as folder:
        assert folder.parent.parent == tmp_path
    (tmp_path / "file").write_text("mine")
    for place in ("file", "none"):
        monkeypatch.setenv(name, str(tmp_path / place))
        with pytest.raises(InputError, match=f"{name} names no folder.*--scratch"), scratch():
            pass
        with scratch(tmp_path):
            pass


def test_no_temporary_directory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)

    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with pytest.raises(StoreError, match="--scratch"), scratch():
        pass


def test_a_place_that_may_not_be_written_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For root, too, who may write everywhere."""

    def refused(self: Path, *given: object, **named: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(StoreError, match=r"cannot be made: Permission denied.*--scratch") as told, scratch(tmp_path):
        pass
    assert "\n" not in str(told.value)


@posix
def test_a_real_run_that_is_killed_is_cleared_by_the_next_and_not_by_one_beside_it(tmp_path: Path) -> None:
    with _begun(tmp_path, "--for", "60s") as going:
        alive = _at_work(tmp_path)
        with _begun(tmp_path, "--for", "60s") as killed:
            for _ in range(3_000):
                if len(found := list(tmp_path.glob("severance-barrier-*/parts/*"))) == 2:
                    break
                time.sleep(0.02)
            [left] = {path.parents[1] for path in found} - {alive}
            os.kill(killed.pid, signal.SIGKILL)
            killed.wait(LONGEST)
        assert left.exists(), "nobody could have removed it"
        assert clear(tmp_path) == 1
        assert not left.exists()
        assert alive.exists()
        os.kill(going.pid, signal.SIGKILL)
        going.wait(LONGEST)
    with _begun(tmp_path, "--for", "1s") as last:
        out, err = last.communicate(timeout=LONGEST)
    assert (last.returncode, err) == (0, b""), out
    assert list(tmp_path.glob("severance-barrier-*")) == []


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_real_run_that_is_asked_to_end_reports_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with _begun(tmp_path, "--for", "60s", "--junit", str(tmp_path / "r.xml")) as process:
        _at_work(tmp_path)
        process.send_signal(number)
        out, err = process.communicate(timeout=LONGEST)
    assert process.returncode == code
    assert b"stopped before its end" in out
    assert b"Traceback" not in err
    assert b"stopped" in (tmp_path / "r.xml").read_bytes()
    assert list(tmp_path.glob("severance-barrier-*")) == []


@posix
def test_a_run_that_was_begun_to_ignore_ctrl_c_goes_on_ignoring_it(tmp_path: Path) -> None:
    """As what a shell puts into the background is."""
    with _begun(tmp_path, "--for", "3s", ignored=True) as process:
        _at_work(tmp_path)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST)
    assert (process.returncode, err) == (0, b""), out
    assert b"stopped before its end" not in out
