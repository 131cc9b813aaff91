"""Whether a house that is up has been left alone for too long, and whether the machine slept."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from severance.errors import InputError

SLEPT = 2.0
"""Seconds by which the two clocks have moved apart when the machine slept; they drift by far less in a day."""

Ticks = Callable[[], float]


def with_sleep() -> float:
    """Seconds from any beginning, with those in which the machine slept, where that can be known."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    else:  # noqa: RET505 - a type checker would take what follows a `return` for dead
        return time.monotonic()


def without_sleep() -> float:
    """The same without those in which it slept."""
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_UPTIME_RAW)
    else:  # noqa: RET505 - as above
        return time.monotonic()


def check_sleep_is_known() -> None:
    """Refuse where nothing tells that the machine slept.

    Raises:
        InputError: on other systems than Linux and macOS.
    """
    if sys.platform not in ("linux", "darwin"):
        raise InputError("whether the machine slept cannot be known on this system; use --lock-after")


class Watch:
    """Knows when the house was used last. For any number of threads."""

    def __init__(
        self, lock_after: float | None, *, on_sleep: bool, both: Ticks = with_sleep, awake: Ticks = without_sleep
    ) -> None:
        """Args: seconds without a call, or None; whether to look for sleep; the two clocks."""
        self._after = lock_after
        self._on_sleep = on_sleep
        self._both = both
        self._awake = awake
        self._lock = Lock()
        self._calls = 0  # that are being answered
        self.begin()

    def begin(self) -> None:
        """The house was opened just now."""
        with self._lock:
            self._used = self._both()
            self._apart = self._used - self._awake()

    def used(self) -> None:
        """Somebody was let in, or answered."""
        with self._lock:
            self._used = self._both()

    @contextmanager
    def using(self) -> Iterator[None]:
        """In here somebody's call is answered, during which nobody has been away; one that is refused is no use."""
        with self._lock:
            self._calls += 1
        try:
            yield
            self.used()
        finally:
            with self._lock:
                self._calls -= 1

    def due(self) -> str | None:
        """Why the house has to be locked now; None where it has not."""
        with self._lock:
            now = self._both()
            if self._on_sleep and now - self._awake() - self._apart > SLEPT:
                return "the machine slept, so the house is locked; `severance unlock` opens it"
            if self._after is not None and not self._calls and now - self._used >= self._after:
                return "nobody called for a while, so the house is locked; `severance unlock` opens it"
        return None
