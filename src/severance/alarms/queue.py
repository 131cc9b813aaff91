"""Where alarms wait: sealed, in a file of its own, `alarms.db`. docs/design/format.md, section 12, has its bytes.

The file is made when something rings for the first time. One that is not what was written is put aside, and that is an
alarm as well: nobody gets past the door, or is kept from it, by spoiling it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Protocol, TypeVar

import msgspec

from severance.alarms.state import State
from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where
from severance.crypto.primitives import hkdf_sha512, sha256
from severance.disk.connection import Connection, connect
from severance.disk.faults import FAULTS, present, translated
from severance.disk.newfile import new_file
from severance.disk.values import SCHEMA, damaged, has_layout
from severance.errors import DamagedError, NewerVersionError, StoreError
from severance.model import Plain
from severance.ports import Entropy

NAME = "alarms.db"
APPLICATION_ID = 0x53565257  # "SVRW"
FORMAT = 1
LAYOUT = {"meta": "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"}
SPOILED = ".damaged"
"""What is added to the name of a file that was put aside."""

_STATE = "SELECT value FROM meta WHERE name = 'state'"
_BUSY = 10.0
_SCOPE = b"alarms"
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(State)

T = TypeVar("T")


class Queue(Protocol):
    """Keeps the state. Raises, from every method: StoreError when it cannot."""

    def there(self) -> bool:
        """Whether anything was ever kept."""
        ...

    def change(self, work: Callable[[State], T], lost: Callable[[State], None]) -> T:
        """Let `work` change the state, durably when this returns; what it raises changes nothing. Where the state was
        not what was written, it begins anew, and `lost` has the first word.
        """
        ...

    def read(self, lost: Callable[[State], None]) -> State:
        """The state, of which nothing that is changed is kept."""
        ...

    def close(self) -> None:
        """Let go of what it is kept in. Doing it again does nothing."""
        ...


class Fleeting:
    """A queue of one process, for a store that may not be written."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._state = State()

    def there(self) -> bool:
        """As `Queue`."""
        return True

    def change(self, work: Callable[[State], T], lost: Callable[[State], None]) -> T:
        """As `Queue`, but for being durable."""
        with self._lock:
            return work(self._state)

    def read(self, lost: Callable[[State], None]) -> State:
        """As `Queue`."""
        with self._lock:
            return deepcopy(self._state)

    def close(self) -> None:
        """Nothing to let go of."""


class QueueFile:
    """The queue of one store, for any number of threads and processes."""

    def __init__(self, path: Path, store: bytes, secret: bytes, entropy: Entropy) -> None:
        """Nothing is opened yet.

        Args:
            path: the file.
            store: the store id.
            secret: 32 bytes of the chip's, from which the key of the queue derives.
            entropy: where salts come from.
        """
        self._path = path.absolute()
        self._key = SpaceKey(store, 0, hkdf_sha512(secret, salt=store, info=b"severance/alarms/v1", length=32))
        self._where = Where(Kind.ALARM, 0, sha256(b"severance/alarms/v1" + store))
        self._entropy = entropy
        self._lock = RLock()
        self._connection: Connection | None = None
        self._closed = False

    def there(self) -> bool:
        """As `Queue`."""
        return present(self._path)

    def change(self, work: Callable[[State], T], lost: Callable[[State], None]) -> T:
        """As `Queue`. The file that was not what was written is put aside."""
        return self._whole(partial(self._changed, work), partial(self._changed, partial(_begun_anew, work, lost)))

    def read(self, lost: Callable[[State], None]) -> State:
        """As `Queue`. The file that was not what was written is put aside."""
        return self._whole(self._seen, partial(self._changed, partial(_begun_anew, _itself, lost)))

    def close(self) -> None:
        """As `Queue`."""
        with self._lock:
            self._closed = True
            self._let_go()

    def _whole(self, work: Callable[[], T], anew: Callable[[], T]) -> T:
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._path.name} has been closed; open the store again")
            try:
                return work()
            except DamagedError:
                self._put_aside()
                return anew()

    def _seen(self) -> State:
        rows = self._opened().query(_STATE)
        return self._read(rows[0][0]) if rows else State()

    def _changed(self, work: Callable[[State], T]) -> T:
        def changing(raw: sqlite3.Connection) -> T:
            rows = raw.execute(_STATE).fetchall()
            state = self._read(rows[0][0]) if rows else State()
            found = work(state)
            frame = Sealer(self._key, _Scoped(self._entropy)).seal(self._where, Plain(_ENCODER.encode(state)))
            raw.execute("INSERT OR REPLACE INTO meta VALUES ('state', ?)", (frame,))
            return found

        return self._opened().change(changing)

    def _read(self, frame: object) -> State:
        if type(frame) is not bytes:
            raise damaged(self._path.name, "the state is not readable")
        try:
            plain = Opener(self._key).open(self._where, frame)
        except NewerVersionError:  # which whoever writes the disk can make it say
            raise damaged(self._path.name, "the state is not readable") from None
        try:
            return _DECODER.decode(plain)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise NewerVersionError(
                f"{self._path.name} was written by a later version of Severance; use that version"
            ) from None

    def _opened(self) -> Connection:
        if self._connection is None:
            if not self.there():
                self._make()
            connection = Connection(self._path, "mode=rw", _BUSY, LAYOUT)
            try:
                self._recognise(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _make(self) -> None:
        try:
            with new_file(self._path) as part:
                try:
                    with closing(connect(part, "mode=rw", _BUSY)) as raw:
                        for statement in (
                            f"PRAGMA application_id = {APPLICATION_ID}",
                            f"PRAGMA user_version = {FORMAT}",
                            *LAYOUT.values(),
                        ):
                            raw.execute(statement)
                        raw.execute("PRAGMA journal_mode = WAL")
                except FAULTS as error:
                    raise translated(error, self._path) from error
        except StoreError:
            if not self.there():
                raise  # else another process was making it at the same time

    def _recognise(self, connection: Connection) -> None:
        query = connection.query
        application, version = query("PRAGMA application_id")[0][0], query("PRAGMA user_version")[0][0]
        if (application, version) != (APPLICATION_ID, FORMAT) or not has_layout(query(SCHEMA), LAYOUT):
            raise damaged(self._path.name, "it is not the queue of alarms that was made")

    def _put_aside(self) -> None:
        self._let_go()
        for suffix in ("", "-wal", "-shm"):
            old = self._path.with_name(self._path.name + suffix)
            with suppress(FileNotFoundError):
                try:
                    old.replace(old.with_name(old.name + SPOILED))
                except FileNotFoundError:
                    raise
                except OSError as error:
                    raise StoreError(
                        f"{old.name} is not what was written, and cannot be put aside; remove it"
                    ) from error

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _begun_anew(work: Callable[[State], T], lost: Callable[[State], None], state: State) -> T:
    lost(state)
    return work(state)


def _itself(state: State) -> State:
    return state


class _Scoped:
    """Draws under a scope of its own, so that no space's stream is moved by what rings."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy

    def draw(self, size: int, scope: bytes) -> bytes:
        return self._entropy.draw(size, _SCOPE)
