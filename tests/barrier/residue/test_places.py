"""A process that is looked at runs in a folder of its own, and what is new in temporary folders is found."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from severance.barrier.residue import Sweep, places
from severance.barrier.residue.planted import planted
from severance.embed import Hashing

SENTENCES = planted(4)
SWEEP = Sweep(SENTENCES, Hashing(64))


def test_home_temporary_folders_and_modules_are_not_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEVERANCE_KEY", "secret")
    (tmp_path / "json.py").write_text("print('hostile')")
    script = "import json, os; print(os.environ['HOME'], os.environ.get('SEVERANCE_KEY'), os.environ['MORE'])"
    with places.begun(tmp_path, ["-c", script], more={"MORE": "yes"}) as child:
        assert child.wait(places.LONGEST) == 0
    assert (tmp_path / "stdout").read_text() == f"{tmp_path / 'home'} None yes\n"


def test_what_a_process_says_is_kept_in_its_folder(tmp_path: Path) -> None:
    script = "import sys; print('said'); print('aside', file=sys.stderr)"
    with places.begun(tmp_path, ["-c", script]) as child:
        assert child.wait(places.LONGEST) == 0
    assert (tmp_path / "stdout").read_text() == "said\n"
    assert (tmp_path / "stderr").read_text() == "aside\n"
    (tmp_path / "stdout").unlink()
    with places.begun(tmp_path, ["-c", script], kept=False) as child:
        child.wait(places.LONGEST)
    assert not (tmp_path / "stdout").exists()


def test_a_process_is_ended_when_the_look_at_it_fails(tmp_path: Path) -> None:
    seen: list[subprocess.Popen[str]] = []

    def look() -> None:
        with places.begun(tmp_path, ["-c", "import time; time.sleep(600)"]) as child:
            seen.append(child)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look()
    assert seen[0].returncode not in (None, 0)


def test_new_files_in_a_temporary_folder_are_swept_but_not_old_ones_or_the_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    scratch = tmp_path / "scratch"
    for folder in (scratch, tmp_path / "old"):
        folder.mkdir()
    temporary = places.Temporary(scratch)
    monkeypatch.setattr(temporary, "_folders", [tmp_path])
    (tmp_path / "new").write_text(SENTENCES[0])
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "new").write_text(SENTENCES[1])
    (scratch / "own").write_text(SENTENCES[2])
    (tmp_path / "link").symlink_to(scratch / "own")
    report = temporary.sweep(SWEEP)
    assert report.sentences == {0, 1}
    monkeypatch.setattr(temporary, "_since", temporary._since + 3_600 * 10**9)
    assert temporary.sweep(SWEEP).bytes == 0, "nothing has changed since then"


def test_a_temporary_folder_that_cannot_be_read_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = places.Temporary(tmp_path / "scratch")
    monkeypatch.setattr(temporary, "_folders", [tmp_path / "gone", tmp_path])
    (tmp_path / "unreadable").write_text(SENTENCES[0])
    (tmp_path / "unreadable").chmod(0)
    (tmp_path / "new").write_text(SENTENCES[1])
    found = temporary.sweep(SWEEP).sentences
    assert found == ({1} if not hasattr(os, "getuid") or os.getuid() else {0, 1}), "root reads what it likes"
