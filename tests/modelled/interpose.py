"""Something happens between two looks at the files: a kill, or what another process does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from threading import get_ident
from unittest import mock

from severance.disk.connection import Connection


class Cut(BaseException):
    """The process is killed here."""


class Where(Enum):
    """What is counted."""

    ACCESS = "access"  # a look at a file, or a change of one
    CHANGE = "change"  # a change of a file, before it begins: what it was decided on has been read
    COMMIT = "commit"  # a change of a file, when only its commit is left


class Interposer:
    """While `installed`, something is done once before the n-th access, change or commit, or the process dies there.

    For the thread that made it; what others do at the files does not count.
    """

    def __init__(self) -> None:
        self._thread = get_ident()
        self._where = Where.ACCESS
        self._left = -1
        self._do: Callable[[], None] | None = None
        self._dead = False

    def rest(self) -> None:
        """Do nothing any more."""
        self._left, self._do, self._dead = -1, None, False

    def at(self, where: Where, number: int, do: Callable[[], None] | None) -> None:
        """Before what has this number, counted from 0, do this; or die, where it is None."""
        self._where, self._left, self._do, self._dead = where, number, do, False

    @contextmanager
    def installed(self) -> Iterator[Interposer]:
        """Stand between every house of this process and its files."""
        query, change = Connection.query, Connection.change

        def querying(connection: Connection, *given: object) -> object:
            self._pass(Where.ACCESS)
            return query(connection, *given)

        def changing(connection: Connection, work: Callable[[object], object], *given: object) -> object:
            self._pass(Where.ACCESS)
            self._pass(Where.CHANGE)

            def cutting(raw: object) -> object:
                found = work(raw)
                self._pass(Where.COMMIT)
                return found

            return change(connection, cutting, *given)

        with mock.patch.object(Connection, "query", querying), mock.patch.object(Connection, "change", changing):
            yield self

    def _pass(self, where: Where) -> None:
        if get_ident() != self._thread:
            return
        if self._dead:
            raise Cut  # a dead process does nothing, whatever is still on its stack
        if where is not self._where or self._left < 0:
            return
        self._left -= 1
        if self._left < 0:
            do, self._do = self._do, None
            if do is None:
                self._dead = True
                raise Cut
            do()
