"""What cuts a call short: at its n-th statement to the disk, its n-th text to embed, its n-th look at the clock.

Only statements that a call makes for itself are counted: reading, writing, beginning and committing. What a connection
does once for all (looking at the layout, settings) would move the count of one persona by what another did before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, cast

from severance.errors import EmbedderError
from severance.house import House
from severance.vault.sqlite import SqliteVault

BEFORE, AFTER, EMBED, CLOCK = "before a statement", "after a statement", "at the embedder", "at the clock"
CANCELLED, FULL, FAILING, BUSY = "cancelled", "disk full", "I/O error", "store busy"

_COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT")
_CODES = {FULL: sqlite3.SQLITE_FULL, FAILING: sqlite3.SQLITE_IOERR, BUSY: sqlite3.SQLITE_BUSY}


class Cut(KeyboardInterrupt):
    """Ctrl-C, an async framework's cancellation, or the end of the process, at this point."""


class Fuse:
    """Burns once, at the n-th touch of one kind since it was armed."""

    def __init__(self) -> None:
        self._where = ""
        self._left = 0
        self._action: Callable[[], None] = lambda: None

    def arm(self, where: str, number: int, action: Callable[[], None]) -> None:
        """Let `action` happen at touch `number` (from 0) of this kind."""
        self._where, self._left, self._action = where, number, action

    def disarm(self) -> None:
        """Nothing happens any more."""
        self._where = ""

    def sparing(self, call: Callable[..., None]) -> Callable[..., None]:
        """The same call, in which nothing is touched."""

        def spared(*given: Any) -> None:
            where, self._where = self._where, ""
            try:
                call(*given)
            finally:
                self._where = where

        return spared

    def touch(self, where: str) -> None:
        """This kind of call is being made."""
        if where != self._where:
            return
        self._left -= 1
        if self._left < 0:
            self.disarm()
            self._action()


def ending(how: str) -> Callable[[], None]:
    """The action that ends a call in this way: cancelled, or by an error of the disk."""

    def end() -> None:
        if how == CANCELLED:
            raise Cut
        raise _error(how)

    return end


def _error(how: str) -> sqlite3.OperationalError:
    # Not in the frame that raises it: an error that its own traceback leads to would keep an abandoned session alive
    # until the garbage collector comes by, and whether that is before the house closes would be anybody's guess.
    error = sqlite3.OperationalError(how)
    error.sqlite_errorcode = _CODES[how]
    return error


def failing() -> None:
    """The action by which the embedder fails."""
    raise EmbedderError("the embedder failed just now")


def wire(house: House, fuse: Fuse) -> House:
    """Lay the fuse along the connections of this house, and of no other. Returns the house."""
    for connection in connections(house):
        if connection._raw is not None:
            connection._raw = cast(Any, _Wired(connection._raw, fuse))
    audit = cast(Any, house._audit)
    if audit is not None:  # as `told`: after how many entries the chip is told of the log's head depends on everybody
        audit._keep_head = fuse.sparing(audit._keep_head)
    return house


def connections(house: House) -> list[Any]:
    """Everything through which this house reaches the disk."""
    vault, chip = cast(SqliteVault, house._vault), house._chip
    return [vault._reader, vault._writer, chip._rows._connection]


def told(house: House) -> Any:
    """Through what this house writes its audit log. Not counted: how often it does depends on everybody."""
    return cast(Any, house._audit)._log._connection


class _Wired:
    """A connection of SQLite that touches the fuse around each statement that counts."""

    def __init__(self, raw: Any, fuse: Fuse) -> None:
        self._raw = raw
        self._fuse = fuse

    def execute(self, statement: str, *given: Any) -> Any:
        return self._touching(self._raw.execute, statement, *given)

    def executemany(self, statement: str, *given: Any) -> Any:
        return self._touching(self._raw.executemany, statement, *given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def _touching(self, call: Callable[..., Any], statement: str, *given: Any) -> Any:
        if not statement.startswith(_COUNTED) or "sqlite_master" in statement:
            return call(statement, *given)
        self._fuse.touch(BEFORE)
        result = call(statement, *given)
        self._fuse.touch(AFTER)
        return result
