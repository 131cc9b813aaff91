"""Ctrl-C between two steps rather than within one, so that what is reported is what was done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@dataclass(slots=True)
class Wish:
    """Whether somebody has asked to stop."""

    stop: bool = False


@contextmanager
def held() -> Iterator[Wish]:
    """Within the block the first Ctrl-C only sets `stop`; the second one interrupts as always."""
    wish = Wish()
    before = signal.getsignal(signal.SIGINT)
    # Only the main thread gets signals; and a process that was started to ignore Ctrl-C goes on ignoring it.
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield wish
        return

    def asked(number: int, frame: FrameType | None) -> None:
        wish.stop = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, asked)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(slots=True)
class Ended:
    """Which signal has asked to stop, if any."""

    signal: int | None = None


@contextmanager
def told(ask: Callable[[], None]) -> Iterator[Ended]:
    """Within the block Ctrl-C, and the system's wish that the process ends, call `ask`, which may raise.

    That the terminal was closed is such a wish.
    """
    ended = Ended()
    before = {number: signal.getsignal(number) for number in _ENDING}

    def asked(number: int, frame: FrameType | None) -> None:
        ended.signal = number
        ask()

    if threading.current_thread() is not threading.main_thread():
        before = {}
    before = {number: handler for number, handler in before.items() if handler not in (None, signal.SIG_IGN)}
    for number in before:
        signal.signal(number, asked)
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
