"""A file that one process at a time can hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kit.processes import until
from severance.disk.lease import Lease, is_held
from severance.errors import StoreError

HOLD = """
import sys
from pathlib import Path
from severance.disk.lease import Lease
held = Lease.take(Path(sys.argv[1]))
print(held is not None, flush=True)
sys.stdin.read()
"""


def test_it_is_held_once_and_then_free_again(folder: Path) -> None:
    path = folder / "lease"
    assert not is_held(path)
    held = Lease.take(path)
    assert held is not None
    assert is_held(path)
    assert Lease.take(path) is None
    held.release()
    held.release()
    assert not is_held(path)
    assert list(folder.iterdir()) == []
    again = Lease.take(path)
    assert again is not None
    again.release()


def test_looking_at_one_that_nobody_holds_removes_it(folder: Path) -> None:
    (folder / "lease").touch()
    assert not is_held(folder / "lease")
    assert list(folder.iterdir()) == []


def test_it_cannot_be_made_in_a_folder_that_is_not_there(folder: Path) -> None:
    with pytest.raises(StoreError):
        Lease.take(folder / "no" / "lease")


@pytest.mark.parametrize("ends", ["killed", "by itself"])
def test_another_process_holds_it_until_it_ends_however_it_does(folder: Path, ends: str) -> None:
    path = folder / "lease"
    argv = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"True"
        assert is_held(path)
        assert Lease.take(path) is None
        if ends == "killed":
            process.kill()
        else:
            assert process.stdin is not None
            process.stdin.close()
        process.wait(60)
    assert not is_held(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_keep_it(folder: Path) -> None:
    path = folder / "lease"
    held = Lease.take(path)
    assert held is not None
    ready, say = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(say, b"!")
        signal.pause()
        os._exit(0)
    try:
        assert os.read(ready, 1) == b"!"
        assert is_held(path)
        held.release()
        assert not is_held(path)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(say)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_child_that_outlives_the_holder_does_not_keep_it(folder: Path) -> None:
    path = folder / "lease"
    fork = HOLD.replace("print(", "import os, time\nif os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)\nprint(")
    with subprocess.Popen(
        [sys.executable, "-c", fork, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"True"
        assert is_held(path)
        process.kill()
        process.wait(60)
        try:
            until(lambda: not is_held(path))  # the child may not have come to let go of it
        finally:
            os.killpg(process.pid, signal.SIGKILL)
