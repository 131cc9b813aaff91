"""Programs of the user's own that are run for an answer: for so long, and with everything that they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path


def status(argv: Sequence[str], *, seconds: float, cwd: Path, env: Mapping[str, str], given: bytes = b"") -> int:
    """Run a program without a shell, in a session of its own, and wait for it. What it prints is not looked at.

    Args:
        argv: the path of the program, and its arguments.
        seconds: how long it may take. Then it is killed, with what it has started and not sent to another session.
        cwd, env: its directory and all of its variables.
        given: what it finds on standard input.

    Returns:
        Its exit status; below 0 where a signal ended it.

    Raises:
        TimeoutError: it did not end.
        OSError, ValueError: it cannot be started.
    """
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, cwd=cwd, env=env, start_new_session=True
    ) as process:
        try:
            process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise TimeoutError from None
        except BaseException:
            _kill(process)
            raise
        return process.returncode


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
