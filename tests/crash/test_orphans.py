"""What a tool has started ends with it, also when it is killed and can see to nothing any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.processes import children_of, none_outlives, until, with_proc
from severance.barrier.traces.ports import MEMORY

ROOT = Path(__file__).parents[2]
FOREVER = str(10**9)
TOOLS = {
    "flips": ("--jobs", "2"),
    "kills": ("--kills", FOREVER),
    "crashes": ("--jobs", "2", "--states", FOREVER),
    "iofaults": ("--jobs", "2", "--stories", "100000"),
    "teeth": ("--jobs", "2"),
    "pairs": ("--jobs", "2", "--pairs", FOREVER),
}


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where a tool makes its folders: one that is killed removes none of them. The path is short, for sockets."""
    with tempfile.TemporaryDirectory(prefix="orphans-", dir=MEMORY) as folder:
        yield Path(folder)


def made_in(scratch: Path) -> list[str]:
    """The folders that the tool itself has made, and not what starts its processes."""
    return [path.name for path in scratch.iterdir() if not path.name.startswith("pymp-")]


@with_proc
@pytest.mark.parametrize("name", TOOLS)
def test_nothing_outlives_a_tool_that_is_killed(name: str, tmp_path: Path, scratch: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / f"{name}.py"), *TOOLS[name]]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "TMPDIR": str(scratch)}
    with (tmp_path / "said").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said, env=environ) as it:
        try:
            until(lambda: it.poll() is not None or (len(children_of(it.pid)) > 1 and made_in(scratch)))
            it.send_signal(signal.SIGSTOP)  # so that it starts and ends nothing while its children are looked up
            assert it.poll() is None, (tmp_path / "said").read_text()
            until(lambda: len(children_of(it.pid)) > 1)
            none_outlives(it, children_of(it.pid))
        finally:
            it.kill()
