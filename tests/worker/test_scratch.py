"""Scratch directories: one for each worker, gone with it, and swept where a program was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from severance.worker import scratch
from severance.worker.scratch import PREFIX, Scratch, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such locks")


@pytest.fixture(autouse=True)
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_its_users_alone_and_goes_with_all_that_is_in_it(own_tmp: Path) -> None:
    made = Scratch()
    path = made.make()
    assert (path.parent, path.stat().st_mode & 0o777) == (own_tmp, 0o700)
    (path / "file").write_text("left")
    made.remove()
    made.remove()
    assert list(own_tmp.iterdir()) == []


def test_what_somebody_has_is_not_swept(own_tmp: Path) -> None:
    made = Scratch()
    path = made.make()
    assert sweep(str(own_tmp)) == 0
    assert path.is_dir()
    made.remove()


def test_what_a_killed_process_had_is_swept(own_tmp: Path) -> None:
    script = (
        "import os, sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "from severance.worker.scratch import Scratch\n"
        "(Scratch().make() / 'file').write_text('left'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(own_tmp)], timeout=60, check=False)
    (left,) = own_tmp.glob(f"{PREFIX}*")
    assert (left / "file").exists()
    assert sweep(str(own_tmp)) == 1
    assert not left.exists()


def test_the_first_of_a_program_sweeps(own_tmp: Path) -> None:
    left = own_tmp / f"{PREFIX}left"
    left.mkdir(mode=0o700)
    made = Scratch()
    made.make()
    assert not left.exists()
    made.remove()


def test_only_such_directories_are_swept(own_tmp: Path) -> None:
    (own_tmp / f"{PREFIX}file").write_text("no directory")
    (own_tmp / "another").mkdir()
    (own_tmp / f"{PREFIX}link").symlink_to(own_tmp / "another")
    assert sweep(str(own_tmp)) == 0
    assert len(list(own_tmp.iterdir())) == 3


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give directories away")
def test_what_is_another_users_is_left_alone(own_tmp: Path) -> None:
    theirs = own_tmp / f"{PREFIX}theirs"
    theirs.mkdir()
    os.chown(theirs, 65_534, 65_534)
    assert sweep(str(own_tmp)) == 0
    assert theirs.is_dir()


def test_one_that_is_swept_before_it_is_locked_is_made_anew(own_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true, tries = scratch._locked, []

    def locked(path: Path, *, wait: bool) -> int:
        tries.append(path)
        if len(tries) == 1:
            path.rmdir()
        return true(path, wait=wait)

    sweep(str(own_tmp))
    made = Scratch()
    scratch._swept(str(own_tmp))
    monkeypatch.setattr(scratch, "_locked", locked)
    assert made.make() == tries[1]
    assert tries[1].is_dir()
    made.remove()
