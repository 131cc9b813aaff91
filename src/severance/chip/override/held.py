"""An override while it is used: what its session may do, and whether it still may. It ends within a second of its end,
whether anybody calls or not: by its time, by the session's sleep, by the end of the process, or by anyone's stop.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import Protocol
from weakref import ref

from severance.chip.override.desk import Desk
from severance.chip.override.state import Override
from severance.chip.thresholds.awake import split
from severance.chip.thresholds.book import Book
from severance.disk.lease import Lease
from severance.errors import AsleepError, SeveranceError
from severance.model import Right

LOOK_SECONDS = 0.25
"""How often it is looked at without a call."""

_WRITING_SECONDS = 10.0
"""How long an end is waited for that another thread writes down; no longer, since that may be waiting as well."""

ENDED = "this session has ended: its override is over; ask again"


class Sleeper(Protocol):
    """A session, as far as it is known here."""

    def sleep(self) -> None:
        """Fall asleep."""
        ...


class Leave:
    """The leave of a session to stay awake while an override is held."""

    def __init__(self, held: Held) -> None:
        """For what is held."""
        self._held = held

    def __call__(self) -> None:
        """Return if the session may go on.

        Raises:
            AsleepError: it may not; it never may again.
        """
        if not self._held.holds():
            raise AsleepError(ENDED)

    def end(self, at: int | None = None) -> None:
        """The session sleeps; an override ends when that is known."""
        self._held.finish()


class Held:
    """What one override allows while this process holds its lease. For any number of threads.

    It is what the session was let in with.
    """

    def __init__(
        self,
        found: Override,
        lease: Lease,
        *,
        desk: Desk,
        book: Book,
        now: Callable[[], int],
        over: Callable[[str], None],
    ) -> None:
        """Of an override that has just been marked as used.

        Args:
            found: the override.
            lease: what no other process has.
            desk, book: where the chip's rows are.
            now: microseconds since 1970, never before what was seen.
            over: writes down that it ended, and how in one word; called once, while the lease is still held.
        """
        self._request = found.request
        self._id = found.row.id
        self._since, self._until = found.row.used or 0, found.row.until or 0
        self._lease, self._desk, self._book, self._now, self._write = lease, desk, book, now, over
        self._rights = frozenset(found.request.rights)
        self._threads = None if found.request.threads is None else frozenset(found.request.threads)
        self._look = desk.watch(self._id)
        self._seen: tuple[bytes | None, ...] | None = None
        self._latest = self._since
        self._turn: int | None = None
        self._why: str | None = None
        self._lock = Lock()
        self._finished = False
        self._stop = Event()
        self._written = Event()

    def take_turn(self) -> None:
        """Where the subject is exclusive, put its other sessions to sleep: each ends at its next call."""
        if self._book.limits(self._request.subject).exclusive:
            self._turn = self._book.take_turn(self._request.subject)

    def watch(self, session: Sleeper) -> None:
        """Put the session to sleep when this is over, whether or not anybody calls it."""
        Thread(target=self._guard, args=(ref(session),), name="severance-override", daemon=True).start()

    def holds(self) -> bool:
        """Whether it is neither over nor ended by anybody; once it is, it never is again."""
        if self._why is None:
            self._why = self._over_by()
        return self._why is None

    def has(self, right: Right) -> bool:
        """Whether the right was asked for."""
        return right in self._rights

    def allows(self, right: Right, thread: str | None) -> bool:
        """Whether the right was asked for in this thread, or in none and so in all."""
        return right in self._rights and (self._threads is None or thread in self._threads)

    def end(self) -> None:
        """It holds no longer."""
        self._why = self._why or "released"

    def fail(self) -> None:
        """The persona could not be woken."""
        self._why = "failed"
        self.finish()

    def finish(self) -> None:
        """The session sleeps: write down that it ended and how long it was awake, and let go of the lease.

        Who comes while another thread does that waits for it, so that whoever is told of the end finds it written down.
        """
        with self._lock:
            first, self._finished = not self._finished, True
        if not first:
            self._written.wait(_WRITING_SECONDS)
            return
        self._stop.set()
        try:
            with suppress(SeveranceError):  # it sleeps whether or not that can be written
                self._write(self._why or "released")
            with suppress(SeveranceError):
                zone = self._book.limits(self._request.subject).zone
                self._book.add_awake(self._request.space, split(self._since, max(self._now(), self._latest), zone))
        finally:
            self._lease.release()
            self._written.set()

    def _over_by(self) -> str | None:
        """How it ended, if it has."""
        self._latest = max(self._latest, self._now())
        if self._latest >= self._until:
            return "time"
        seen = self._look()
        if seen != self._seen:
            if self._desk.get(self._id).row.ended is not None:
                return "stopped"
            self._seen = seen
        # Also where the subject was made exclusive after it woke: like any session that did not take the last turn.
        subject = self._request.subject
        if self._book.limits(subject).exclusive and self._book.turn(subject) != self._turn:
            return "turn"
        return None

    def _guard(self, session: ref[Sleeper]) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            awake = session()
            if awake is None:  # nobody has it any more, and its key went with it
                self.finish()
                return
            with suppress(SeveranceError):
                if self.holds():
                    del awake
                    continue
            # Over; or it cannot be known, and then it must not go on.
            with suppress(SeveranceError):
                awake.sleep()
            self.finish()
