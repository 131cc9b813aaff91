"""A session whose persona is awake elsewhere: the same calls, the same answers, the same errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import RLock
from typing import Any, Protocol, TypeVar
from weakref import finalize

from severance.asking import When, check_query, check_whole, filter_of
from severance.audit.events import What
from severance.drafts import checked
from severance.errors import AsleepError, InputError, NotFoundError, SeveranceError
from severance.model import (
    Draft,
    Mark,
    Memory,
    Metadata,
    Notice,
    Persona,
    PersonaEvent,
    Recollection,
    id_bytes,
    micros,
)
from severance.session import MOST_EVENTS, MOST_RECALLED, Session
from severance.telling import Own, no_log
from severance.worker.child import Child
from severance.worker.confine import Confinement
from severance.worker.messages import (
    PAGE_ITEMS,
    Amend,
    Answer,
    Call,
    Count,
    Counts,
    Done,
    Events,
    Forget,
    GarbledError,
    Get,
    History,
    Hold,
    Leave,
    Memories,
    More,
    Page,
    Recall,
    Remember,
    Sleep,
    Stats,
    ToldEvents,
    ToldHit,
    ToldMark,
    ToldMemory,
    event_in,
    expected,
    hit_in,
    memory_in,
    pages,
    told_draft,
    told_filter,
)

T = TypeVar("T")
A = TypeVar("A", Page, Count, Counts, Done, ToldEvents)


class Far(Protocol):
    """Where the persona is awake, as it is reached from here."""

    def call(self, request: Call, /) -> Answer:
        """Send a request, and wait for the answer to it.

        Raises:
            AsleepError: nobody is there any more.
            SeveranceError: what was raised there.
        """
        ...

    def end(self) -> None:
        """Say nothing more."""
        ...

    def kill(self) -> None:
        """Say and hear nothing more, at once."""
        ...

    def gone(self) -> AsleepError:
        """The error for a call when nobody is there any more."""
        ...


class AwaySession(Session):
    """As `Session`. The key and the mind are elsewhere; here is what the caller said and was answered.

    When the other end is gone, for whatever reason, the persona is asleep: every call raises `AsleepError`. What was
    acknowledged is kept, and of what was not, each append whole or not at all.
    """

    # `Session.__init__` wakes the persona in this process, which is what must not happen.
    def __init__(
        self,
        persona: Persona,
        place: str,
        far: Far,
        *,
        still_awake: Callable[[], None] = lambda: None,
        slept: Callable[[], None] = lambda: None,
    ) -> None:
        """Not for callers."""
        self._persona = persona
        self._place = place
        self._far = far
        self._still_awake = still_awake
        self._slept = slept
        self._ended = "this session has ended; cross again to wake the persona"
        self._notices = tuple
        self._asleep = False
        self._turn = RLock()
        self._forgot = 0  # how often something was
        self._left: list[int] = []  # rests of lists that nobody reads any more
        finalize(self, far.end).atexit = False  # nobody has it any more, and so nobody can put it to sleep

    def recall(
        self,
        query: str,
        *,
        limit: int = 10,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> list[Recollection]:
        """As `Session.recall`."""
        check_query(query)
        check_whole(limit, "the limit", 1, MOST_RECALLED)
        chosen = filter_of(since, until, as_of, thread, where)
        return self._list(Recall(str.__str__(query), limit, told_filter(chosen)), hit_in)

    def memories(
        self,
        *,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> Iterator[Memory]:
        """As `Session.memories`."""
        return _Reading(self, Memories(told_filter(filter_of(since, until, as_of, thread, where))))

    def _behind(
        self,
        mark: Mark,
        *,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> Iterator[Memory]:
        """As `Session._behind`."""
        chosen = told_filter(filter_of(since, until, as_of, thread, where))
        return _Reading(self, Memories(chosen, ToldMark(mark.at, mark.id)))

    def get(self, id: str) -> Memory:  # noqa: A002
        """As `Session.get`."""
        return self._list(Get(_plain_id(id)), memory_in)[0]

    def history(self, id: str) -> list[Memory]:  # noqa: A002
        """As `Session.history`."""
        return self._list(History(_plain_id(id)), memory_in)

    def amend(
        self,
        id: str,  # noqa: A002
        text: str | None = None,
        *,
        at: When = None,
        thread: str | None = None,
        source: str | None = None,
        kind: str | None = None,
        metadata: Metadata | None = None,
        pinned: bool | None = None,
    ) -> Memory:
        """As `Session.amend`."""
        given: dict[str, Any] = {"text": text, "at": at, "thread": thread, "source": source, "kind": kind}
        given |= {"metadata": metadata, "pinned": pinned}
        changes = {name: value for name, value in given.items() if value is not None}
        try:
            draft = checked(replace(Draft(text="as it was"), **changes))
        except InputError:
            self.get(id)  # that there is none, or nobody awake, comes first
            raise
        request = Amend(
            _plain_id(id),
            draft.text if "text" in changes else None,
            None if draft.at is None else micros(draft.at),
            (draft.thread or "") if "thread" in changes else None,
            (draft.source or "") if "source" in changes else None,
            draft.kind if "kind" in changes else None,
            dict(draft.metadata) if "metadata" in changes else None,
            draft.pinned if "pinned" in changes else None,
        )
        return self._list(request, memory_in)[0]

    def forget(self, id: str) -> int:  # noqa: A002
        """As `Session.forget`."""
        try:
            return self._ask(Count, Forget(_plain_id(id))).number
        finally:
            self._forgot += 1

    def stats(self) -> dict[str, int]:
        """As `Session.stats`."""
        return self._ask(Counts, Stats()).numbers

    def events(self, *, limit: int = 100) -> list[PersonaEvent]:
        """As `Session.events`."""
        check_whole(limit, "the limit", 1, MOST_EVENTS)
        told = self._ask(ToldEvents, Events(limit)).events
        try:
            return [event_in(each) for each in told]
        except GarbledError:
            raise self._lost() from None

    def notices(self) -> tuple[Notice, ...]:
        """As `Session.notices`."""
        with self._turn:
            self._check_awake()
            return self._notices()

    def sleep(self) -> None:
        """As `Session.sleep`. That nobody is there any more is no error."""
        with self._turn:
            if self._asleep:
                return
            self._asleep = True
            try:
                self._far.call(Sleep())
            except AsleepError:
                pass
            finally:  # whatever the other end says to it, and if it says nothing
                self._far.end()
                self._slept()

    def __repr__(self) -> str:
        return f"<Session, {'asleep' if self._asleep else 'awake'}>"

    def _remember(self, drafts: Sequence[Draft]) -> list[Memory]:
        told = [told_draft(draft) for draft in drafts]
        first = True
        with self._turn:
            for page, last in pages(told, [len(draft.text) for draft in told]):
                if last:
                    return self._list(Remember(first, page), memory_in)
                self._ask(Done, Hold(first, page))
                first = False
        return []

    def _list(self, request: Call, read: Callable[[ToldMemory | ToldHit], T]) -> list[T]:
        """Everything that the answer to this lists."""
        with self._turn:
            page = self._ask(Page, request)
            items = page.items
            while page.rest is not None:
                page = self._ask(Page, More(page.rest))
                items = items + page.items
        try:
            found = [read(item) for item in items]
        except GarbledError:
            raise self._lost() from None
        if not found and isinstance(request, (Get, Amend)):
            raise self._lost()
        return found

    def _ask(self, kind: type[A], request: Call) -> A:
        with self._turn:
            self._check_awake()
            while self._left:
                left, self._left = self._left[:PAGE_ITEMS], self._left[PAGE_ITEMS:]
                self._far.call(Leave(left))
            answer = self._far.call(request)
        try:
            return expected(kind, answer)
        except GarbledError:
            raise self._lost() from None

    def _check_awake(self) -> None:
        if self._asleep:
            raise AsleepError(self._ended)
        try:
            self._still_awake()
        except AsleepError as end:
            self._ended = str(end)
            with suppress(SeveranceError):  # what was asked has its answer, whatever the other end says
                self.sleep()
            raise

    def _look(self) -> None:
        """As `Session._look`: asked of the other end, which does nothing for it."""
        self._ask(Done, Leave([]))

    def _lost(self) -> AsleepError:
        """The error for what no session would say: whatever is there now, it is none any more."""
        self._far.kill()
        return self._far.gone()


class WorkerSession(AwaySession):
    """A session whose persona is awake in a worker."""

    def __init__(
        self,
        persona: Persona,
        place: str,
        child: Child,
        confinement: Confinement,
        *,
        still_awake: Callable[[], None] = lambda: None,
        slept: Callable[[], None] = lambda: None,
        own: Own | None = None,
    ) -> None:
        """Not for callers: use `Workers.wake`."""
        super().__init__(persona, place, child, still_awake=still_awake, slept=slept)
        self._child = child
        self._own = own
        self._confinement = confinement

    @property
    def confinement(self) -> Confinement:
        """What the worker has shut itself off from."""
        return self._confinement

    @property
    def process(self) -> int:
        """The id of the worker's process. Killing it puts the persona to sleep."""
        return self._child.process

    def sleep(self) -> None:
        """As `Session.sleep`. A worker that does not come to its end in time is killed, also when it owes an answer."""
        with self._child.last(self._turn):
            super().sleep()

    def events(self, *, limit: int = 100) -> list[PersonaEvent]:
        """As `Session.events`; the log is read in this process, since the worker has neither its file nor its key."""
        check_whole(limit, "the limit", 1, MOST_EVENTS)
        with self._turn:
            self._ask(Done, Leave([]))  # that nobody is awake any more comes first
            if self._own is None:
                raise no_log()
            return self._own.events(limit)

    def _carried(self, what: What, **detail: str | int) -> None:
        with self._turn:
            self._ask(Done, Leave([]))
            if self._own is not None:
                self._own.tell(what, **detail)


class _Reading(Iterator[Memory]):
    """What `memories` and `_behind` return: a page of a list that is kept there, and then the next."""

    def __init__(self, session: AwaySession, asked: Memories) -> None:
        self._session = session
        self._forgot = session._forgot
        self._waiting: list[ToldMemory | ToldHit] = []
        page = session._ask(Page, asked)
        self._rest = page.rest
        self._take(page)

    def _take(self, page: Page) -> None:
        self._waiting = page.items[::-1]
        self._rest = page.rest
        self._forgot = self._session._forgot

    def __next__(self) -> Memory:
        session = self._session
        with session._turn:
            session._check_awake()
            while True:
                if not self._waiting:
                    if self._rest is None:
                        raise StopIteration
                    self._take(session._ask(Page, More(self._rest)))
                    continue
                told = self._waiting.pop()
                try:
                    memory = memory_in(told)
                except GarbledError:
                    raise session._lost() from None
                if self._forgot == session._forgot:
                    return memory
                try:
                    return session.get(memory.id)  # it was read before something was forgotten
                except NotFoundError:
                    continue

    def __del__(self) -> None:
        rest: int | None = getattr(self, "_rest", None)  # none where the first page was not to be had
        if rest is not None:
            self._session._left.append(rest)


def _plain_id(given: object) -> str:
    """What is the written form of an id; nothing where it is not, as no memory has an id that is nothing."""
    raw = id_bytes(given)
    return "" if raw is None else raw.hex()
