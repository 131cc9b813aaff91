"""A process that runs beside a house that is up: started anew when it dies, ended with the house. It gets no key."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event, Lock, Thread

from severance.errors import SeveranceError

_PASSED = ("HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR", "TZ", "XDG_CONFIG_HOME")
_PASSED_ALL = ("DYLD_", "LC_", "LD_", "OTEL_", "SSL_")
_WITHIN = 30.0
_GRACE = 40.0
_FIRST, _LONGEST = 0.5, 30.0
_HEALTHY = 60.0
"""Seconds after which a process that dies is started anew at once, as the first time."""
_MOST_LINE = 1_024
REFUSED = "! "
"""What the line of a process begins with that cannot begin: why follows."""


class Beside:
    """One such process. It is given the number of a socket as its last argument: there it writes a line when it is
    ready, or why it cannot be; and that the other end of it is closed tells it to end, also when the house was killed.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """The command, and the variables of which it gets those that are no secrets."""
        self._command = list(command)
        self._environ = {name: value for name, value in environ.items() if _is_passed(name)}
        self._ending = Event()
        self._state = Lock()  # over the next two
        self._line: str | None = None
        self._why: str | None = None
        self._end: socket.socket | None = None
        self._thread: Thread | None = None

    @property
    def line(self) -> str | None:
        """What it says that it is; None while it is not ready."""
        return self._line

    def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises:
            SeveranceError: it ended before that, with its own words where it said why.
        """
        process = self._started()
        if process is None:
            raise SeveranceError(self._why or "the process beside the house did not begin; try `severance serve`")
        self._thread = Thread(target=self._attend, args=(process,), name="severance-beside", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Have it end, and wait for that. Doing it again does nothing."""
        self._ending.set()
        self._let_go()
        if self._thread is not None:
            self._thread.join()

    def _attend(self, process: subprocess.Popen[bytes]) -> None:
        pause = _FIRST
        current: subprocess.Popen[bytes] | None = process
        while True:
            began = time.monotonic()
            if current is not None:
                self._wait(current)
            self._let_go()
            pause = _FIRST if time.monotonic() - began > _HEALTHY else min(2 * pause, _LONGEST)
            if self._ending.wait(pause):
                return
            current = self._started()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it has ended; killed where it does not although it was told."""
        while process.poll() is None and not self._ending.wait(0.2):
            pass
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes] | None:
        """A process that is ready; None where it ended, or was not in time."""
        here, there = socket.socketpair()
        try:
            with there:
                process = subprocess.Popen(
                    [*self._command, str(there.fileno())],
                    pass_fds=[there.fileno()],
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the house, which then ends it
                )
        except OSError:
            here.close()
            return None
        with self._state:
            self._end = here
        if self._ending.is_set():  # which nobody may have told it
            self._let_go()
        line = _line(here)
        if line is None or line.startswith(REFUSED):
            self._why = None if line is None else line.removeprefix(REFUSED)
            self._let_go()
            process.kill()
            process.wait()
            return None
        self._line = line
        return process

    def _let_go(self) -> None:
        """Close the socket: it is to end."""
        self._line = None
        with self._state:
            end, self._end = self._end, None
        if end is not None:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # who waits for a line waits no longer
            end.close()


def _line(end: socket.socket) -> str | None:
    """The line that is said; None where there is none in time."""
    until, said = time.monotonic() + _WITHIN, b""
    with suppress(OSError):
        while b"\n" not in said and len(said) < _MOST_LINE:
            end.settimeout(max(0.01, until - time.monotonic()))
            piece = end.recv(_MOST_LINE)
            if not piece:
                return None
            said += piece
        return said.partition(b"\n")[0].decode("utf-8", "replace")
    return None


def _is_passed(name: str) -> bool:
    return name in _PASSED or name.startswith(_PASSED_ALL)
