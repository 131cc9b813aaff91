"""One thread for each sink that has to be waited for, as long as something waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Condition, Thread

from severance.errors import SeveranceError

_LONGEST_WAIT = 60.0

Round = Callable[[str], float | None]
"""Tells the sink of this name what it is due. Returns the seconds until it is due something more; None for never."""


class Post:
    """The threads of one house. They end with what waits, with the house, or with the process."""

    def __init__(self, tell: Round) -> None:
        """Nothing runs yet."""
        self._tell = tell
        self._process = 0
        self._begin()

    def go(self, sink: str) -> None:
        """See that this sink is told what it is due, soon; where there can be no thread, when somebody asks again."""
        if self._process != os.getpid():
            self._begin()  # threads do not follow into a process that was forked
        with self._turns:
            if self._closing:
                return
            self._busy.add(sink)
            self._asked[sink] = self._asked.get(sink, 0) + 1
            if self._asked[sink] > 1:
                self._turns.notify_all()
                return
        try:
            Thread(target=self._run, args=(sink,), name="severance-alarm", daemon=True).start()
        except RuntimeError:  # the system has no more of them
            self._ended(sink)

    def flush(self, seconds: float) -> None:
        """Wait until every sink was told what it is due, or has failed; at most so long."""
        if self._process == os.getpid():
            with self._turns:
                self._turns.wait_for(lambda: not self._busy, seconds)

    def close(self) -> None:
        """Nothing more is told, but for what is being told."""
        if self._process == os.getpid():
            with self._turns:
                self._closing = True
                self._turns.notify_all()

    def _begin(self) -> None:
        self._turns = Condition()
        self._asked: dict[str, int] = {}  # for each sink that has a thread: how often somebody asked for it
        self._busy: set[str] = set()  # those that may be due something now
        self._closing = False
        self._process = os.getpid()

    def _run(self, sink: str) -> None:
        try:
            while self._round(sink):
                pass
        except BaseException:
            self._ended(sink)  # or nobody would be told there any more
            raise

    def _round(self, sink: str) -> bool:
        """Tell the sink once, and wait. Returns whether this thread goes on; where it does not, it has ended."""
        seen = self._asked[sink]
        try:
            left = self._tell(sink)
        except SeveranceError:  # the queue cannot be had: what is in it waits for the next house
            left = None
        with self._turns:
            more = self._rest(sink, seen, left)
            if not more:
                self._ended(sink)
            return more

    def _ended(self, sink: str) -> None:
        """This sink has no thread."""
        with self._turns:
            self._asked.pop(sink, None)
            self._busy.discard(sink)
            self._turns.notify_all()

    def _rest(self, sink: str, seen: int, left: float | None) -> bool:
        """Wait for so many seconds, or until somebody asks. Whether there can be something more to tell."""

        def asked() -> bool:
            return self._closing or self._asked[sink] != seen

        if not asked():
            self._busy.discard(sink)
            self._turns.notify_all()
            if left is None:
                return False
            self._turns.wait_for(asked, min(left, _LONGEST_WAIT))
            self._busy.add(sink)
        return not self._closing
