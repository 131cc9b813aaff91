"""Whether SQLite still says, word for word, what it says of the sound store: a short cut for `tools/flips.py`.

Everything above SQLite is a function of what its statements return (clock, entropy and embedder stand still). Where
all of them return the same, the answers are the same; nothing more needs to be asked. That takes a third of the time.
"""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from severance.barrier.endurance.replacing import replaced

Step = tuple[str, int, str, Any, str]
"""What ("connect", "execute" or "close"), on which connection, the address or statement, arguments, rows as text."""


class _Rows(list[Any]):
    """The rows of a statement that was run to its end."""

    def fetchall(self) -> list[Any]:
        return list(self)

    def fetchone(self) -> Any:
        return self[0] if self else None


class _Listening(sqlite3.Connection):
    """A connection that writes down everything it says."""

    def __init__(self, address: str, *args: Any, steps: list[Step], **options: Any) -> None:
        super().__init__(address, *args, **options)
        self._steps = steps
        self._number = sum(step[0] == "connect" for step in steps)
        steps.append(("connect", self._number, address, None, ""))

    def execute(self, statement: str, arguments: Any = ()) -> Any:
        rows = _Rows(super().execute(statement, arguments).fetchall())
        self._steps.append(("execute", self._number, statement, arguments, repr(rows)))
        return rows

    def close(self) -> None:
        self._steps.append(("close", self._number, "", None, ""))
        super().close()


def listen(talk: Callable[[], object]) -> list[Step]:
    """Every step that the `sqlite3` module is made to take while `talk` runs."""
    steps: list[Step] = []
    listening = functools.partial(_Listening, steps=steps)
    with replaced(sqlite3, connect=functools.partial(sqlite3.connect, factory=listening)):
        talk()
    return steps


def echoes(steps: list[Step]) -> bool:
    """Whether the same steps end in the same rows now. Types count: TEXT is not BLOB, and 1 is not 1.0."""
    open_now: dict[int, sqlite3.Connection] = {}
    with ExitStack() as last, suppress(sqlite3.Error, ValueError, OverflowError):
        for what, number, text, arguments, rows in steps:
            if what == "connect":
                raw = sqlite3.connect(text, uri=True, isolation_level=None, timeout=1)
                last.callback(raw.close)
                raw.text_factory = bytearray
                open_now[number] = raw
            elif what == "close":
                open_now[number].close()
            elif repr(open_now[number].execute(text, arguments).fetchall()) != rows:
                return False
        return True
    return False
