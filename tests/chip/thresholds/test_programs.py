"""Programs of the user's own: how long they may take, and what is left of them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from severance.programs import status

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")


def run(folder: Path, body: str, seconds: float = 30, given: bytes = b"") -> int:
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    program.chmod(0o755)
    return status([str(program)], seconds=seconds, cwd=folder, env={"PATH": os.environ["PATH"]}, given=given)


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_program_says_how_it_ended(tmp_path: Path) -> None:
    assert run(tmp_path, "exit 0") == 0
    assert run(tmp_path, "exit 3") == 3
    assert run(tmp_path, "kill -TERM $$") < 0
    assert run(tmp_path, 'read line && test "$line" = given', given=b"given\n") == 0


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        status([str(tmp_path / "missing")], seconds=1, cwd=tmp_path, env={})


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_a_program_that_takes_too_long_leaves_no_children(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        run(tmp_path, "sleep 300 & echo $! > child; (sleep 300 & echo $! > grandchild; wait) & wait", seconds=2)
    left = [int((tmp_path / name).read_text(encoding="utf-8")) for name in ("child", "grandchild")]
    for _ in range(500):  # killed is not yet gone
        if not any(map(is_alive, left)):
            break
        time.sleep(0.01)
    assert not any(map(is_alive, left))
