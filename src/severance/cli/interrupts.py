"""Ctrl-C between two steps rather than within one, so that what is reported is what was done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


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
