"""The HTTP sessions of one server: each a session of the house, the bearer that began it, and its turn."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from severance.admitted import look_inside
from severance.errors import AsleepError, SeveranceError, StoreBusyError
from severance.mcp.let_in import LetIn
from severance.model import Notice, moment
from severance.ports import Clock, Entropy
from severance.server.arrivals import Arrivals
from severance.server.door import Door, Standings, digest_of, no_session
from severance.server.keys import Keys, KeysOfOwners
from severance.server.limits import Limits
from severance.server.problems import BUSY, FULL, SESSION_ENDED, TOO_LONG, TOO_MANY_SESSIONS, Problem
from severance.server.threads import Threads
from severance.session import Session

_ID_BYTES = 16
_MOST_ENDED = 1_024
_MOST_TOLD = 1_000
_MOST_CROSSINGS = 64
"""Crossings of a bearer that may be sent again."""

T = TypeVar("T")


class Room:
    """One HTTP session.

    Attributes:
        id: 32 characters, drawn; only who shows the bearer that began it can do anything with it.
        owner: the hash of that bearer.
        root: what it has in common with all that weakening makes of the same permit, by which sessions are counted.
        key: of the crossing, if it had one.
        session: whose persona is awake in the house.
        begun: when.
        keys: of its requests that may be sent again.
        told: what its persona was told, since telling it is done once.
        turn: held while something is carried out on it.
        waiting: how many calls wait for that, or have it.
        used: when something was called last, in seconds.
        is_known: whether whoever began it has heard of it.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - what it is called
        owner: bytes,
        root: bytes,
        session: Session,
        begun: datetime,
        now: float,
        keys: Keys[bytes],
        key: str | None,
    ) -> None:
        """Not for callers: use `Rooms.cross`."""
        self.id = id
        self.session = session
        self.begun = begun
        self.keys = keys
        self.key = key
        self.told: list[Notice] = []
        self.owner = owner
        self.root = root
        self.turn = asyncio.Lock()
        self.waiting = 0
        self.used = now
        self.is_known = False

    def notices(self, session: Session) -> list[Notice]:
        """Everything that the persona was told in this session, the oldest first. In the session's turn."""
        self.told = [*self.told, *session.notices()][-_MOST_TOLD:]
        return self.told


class Rooms:
    """All HTTP sessions. For one event loop."""

    def __init__(
        self,
        door: Door,
        limits: Limits,
        threads: Threads,
        let_in: LetIn,
        *,
        clock: Clock,
        entropy: Entropy,
        ticks: Callable[[], float],
    ) -> None:
        """Args: what lets in; the limits; where calls are carried out; who was let in; clock, entropy; seconds."""
        self._limits = limits
        self._threads = threads
        self._arrivals = Arrivals(door, limits, let_in)
        self._clock = clock
        self._entropy = entropy
        self._ticks = ticks
        self.standings = Standings(door, ticks)
        self._rooms: dict[bytes, Room] = {}
        self._ended: OrderedDict[bytes, bytes] = OrderedDict()
        self._taken: Counter[bytes] = Counter()  # by root, with those who are crossing
        self._let_in = let_in
        self._begun: KeysOfOwners[asyncio.Task[Room]] = KeysOfOwners(_MOST_ENDED, _MOST_CROSSINGS)
        self._crossings = set[asyncio.Task[Room]]()

    def __len__(self) -> int:
        return len(self._rooms)

    async def cross(self, bearer: str, key: str | None = None) -> Room:
        """Cross with what is shown: a new session. With the key of a crossing before, what came of that.

        A crossing that takes too long goes on. Without a key nobody can hear of its session any more, which sleeps at
        once; with one it is kept for as long as a call may take, for whoever asks again.

        Raises:
            Problem: there are too many, the house is not there, or it takes too long.
            SeveranceError: it opens nothing; as `House.admit`.
        """
        owner = digest_of(bearer)
        if key is None:
            task = self._begin(bearer, owner)
            try:
                return await self._answered(task)
            except BaseException:
                task.add_done_callback(self._end_unheard)
                raise
        while (known := self._begun.found(owner, key)) is not None:
            over = known.done()
            room = await self._answered(known)
            if not over or await self._is_there(room):
                return room
            self._drop_ended(owner, key, room)
        task = self._begin(bearer, owner, key)
        task.add_done_callback(partial(self._drop_failed, owner, key))
        self._begun.keep(owner, key, task)
        return await self._answered(task)

    def heard(self, room: Room, *, by_its_owner: bool) -> None:
        """Whether whoever began it is there to hear of it. Where not, and no key leads to it, it is put to sleep."""
        if by_its_owner:
            room.is_known = True
        elif room.key is None:
            self._end(room)

    def find(self, id: str, bearer: str) -> Room:  # noqa: A002
        """The session with this id, where this bearer began it.

        Raises:
            Problem: it is none of this bearer's, or has ended.
        """
        name, owner = _name_of(id), digest_of(bearer)
        room = self._rooms.get(name)
        known = room.owner if room is not None else self._ended.get(name, bytes(len(owner)))
        if not hmac.compare_digest(known, owner):
            raise no_session()
        if room is None:
            raise Problem(SESSION_ENDED)
        return room

    async def call(self, room: Room, work: Callable[[Session], T]) -> T:
        """What the work on the session returns, in its turn.

        Raises:
            Problem: too many wait, it takes too long, or the session has ended.
            SeveranceError: what the session raises.
        """
        if room.waiting >= self._limits.waiting_each:
            raise Problem(BUSY)
        room.waiting += 1
        try:
            return await self._threads.run(partial(work, room.session), room.turn)
        except AsleepError:
            self._end(room)
            raise await self.standings.why_asleep() from None
        finally:
            room.waiting -= 1
            room.used = self._ticks()

    async def look(self, room: Room) -> None:
        """Raise the problem of a session that has ended, where it has."""
        await self.call(room, look_inside)

    async def sleep(self, room: Room) -> None:
        """Put it to sleep. Its id is no session's from now on."""
        self._forget(room)
        with suppress(SeveranceError):  # it sleeps; what could not be written is read from the log next time
            await self._threads.run(room.session.sleep, room.turn)

    async def sweep(self) -> None:
        """Let go of the sessions that are not used, and of those that the house has ended."""
        now = self._ticks()
        for room in list(self._rooms.values()):
            if room.turn.locked() or room.waiting:
                continue
            with suppress(Problem, SeveranceError):
                if room.used < now - (self._limits.idle if room.is_known else self._limits.answered_within):
                    self._end(room)
                else:
                    await self._looked_at(room)

    async def close(self) -> None:
        """Put all to sleep, after what is being carried out."""
        await self._arrivals.end()
        if self._crossings:
            await asyncio.wait(self._crossings)
        await asyncio.gather(*map(self.sleep, list(self._rooms.values())), return_exceptions=True)
        await self._threads.end()

    async def _looked_at(self, room: Room) -> None:
        used = room.used
        try:
            await self.look(room)
        finally:
            room.used = used

    def _begin(self, bearer: str, owner: bytes, key: str | None = None) -> asyncio.Task[Room]:
        task = asyncio.create_task(self._crossed(bearer, owner, key))
        self._crossings.add(task)
        task.add_done_callback(self._crossings.discard)
        return task

    async def _answered(self, crossing: asyncio.Task[Room]) -> Room:
        await asyncio.wait({crossing}, timeout=self._limits.answered_within)
        if not crossing.done():
            raise Problem(TOO_LONG)
        return crossing.result()

    def _end_unheard(self, crossing: asyncio.Task[Room]) -> None:
        if not crossing.cancelled() and crossing.exception() is None:
            self._end(crossing.result())

    async def _crossed(self, bearer: str, owner: bytes, key: str | None = None) -> Room:
        if len(self) >= self._limits.sessions:
            raise Problem(FULL)
        coming = self._let_in.counted(owner)
        self._take(coming)
        try:
            session = await self._admitted(bearer, owner)
        except BaseException as error:
            if isinstance(error, (AsleepError, StoreBusyError)):
                raise await self._why_not(error) from None
            raise
        finally:
            self._leave(coming)
        root = self._let_in.add(bearer, owner)
        try:
            self._take(root)
        except Problem:  # others of the same permit were let in meanwhile
            self._threads.begin(session.sleep)
            raise
        id_ = self._entropy.draw(_ID_BYTES, b"http session" + owner).hex()
        keys = Keys[bytes](self._limits.keys, self._limits.keys_bytes)
        room = Room(id_, owner, root, session, moment(self._clock.now()), self._ticks(), keys, key)
        self._rooms[_name_of(id_)] = room
        return room

    async def _admitted(self, bearer: str, owner: bytes) -> Session:
        session = await self._arrivals.begin(bearer, owner)
        if len(self) >= self._limits.sessions:  # others were let in meanwhile
            self._threads.begin(session.sleep)
            raise Problem(FULL)
        return session

    def _take(self, root: bytes) -> None:
        if self._taken[root] >= self._limits.sessions_each:
            raise Problem(TOO_MANY_SESSIONS)
        self._taken[root] += 1

    async def _is_there(self, room: Room) -> bool:
        """Whether it is a session still."""
        try:
            await self.look(room)
        except (Problem, SeveranceError):
            if _name_of(room.id) in self._rooms:
                raise
        return _name_of(room.id) in self._rooms

    async def _why_not(self, error: AsleepError | StoreBusyError) -> Problem:
        return Problem(FULL) if isinstance(error, StoreBusyError) else await self.standings.why_asleep()

    def _end(self, room: Room) -> None:
        """It has ended, or nobody uses it; whoever began it hears so."""
        if self._forget(room):
            self._ended[_name_of(room.id)] = room.owner
            if len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
            self._threads.begin(room.session.sleep)

    def _forget(self, room: Room) -> bool:
        if self._rooms.pop(_name_of(room.id), None) is None:
            return False
        self._leave(room.root)
        if room.key is not None:
            self._drop_ended(room.owner, room.key, room)
        return True

    def _drop_failed(self, owner: bytes, key: str, task: asyncio.Task[Room]) -> None:
        """A crossing that failed is tried again, and whoever opens nothing is not kept."""
        if task.cancelled() or task.exception() is not None:
            self._begun.drop(owner, key)

    def _drop_ended(self, owner: bytes, key: str, room: Room) -> None:
        task = self._begun.found(owner, key)
        if task is not None and task.done() and not task.exception() and task.result() is room:
            self._begun.drop(owner, key)

    def _leave(self, root: bytes) -> None:
        self._taken[root] -= 1
        if not self._taken[root]:
            del self._taken[root]


def _name_of(id: str) -> bytes:  # noqa: A002
    """By what a session is found: not by its id, so that what is compared tells nothing of it."""
    return hashlib.sha256(id.encode("utf-8", "replace")).digest()
