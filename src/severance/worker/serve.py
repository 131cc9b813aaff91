"""What runs in a worker: one session, for whoever is at the other end of the pipe."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

import severance
from severance.crypto.envelope import SpaceKey
from severance.embed.bundled import DIMENSIONS, bundled
from severance.errors import AsleepError, EmbedderError, StoreReadOnlyError
from severance.model import Draft, Head, Mark, Memory, Persona, Recollection, micros, moment
from severance.ports import Embedder, Reranking
from severance.session import Session
from severance.space import Space
from severance.system import SystemClock, SystemEntropy
from severance.vault.sqlite import SqliteVault
from severance.worker.confine import confine, let_go
from severance.worker.messages import (
    PAGE_BYTES,
    PAGE_ITEMS,
    Amend,
    Answer,
    Begin,
    Bring,
    Call,
    Count,
    Counts,
    Cut,
    Dimensions,
    Done,
    Embed,
    Events,
    Failed,
    Forget,
    GarbledError,
    Get,
    History,
    Hold,
    Leave,
    Memories,
    More,
    Move,
    Numbers,
    Page,
    Prepare,
    Question,
    Ready,
    Recall,
    Remember,
    Reply,
    Score,
    Sleep,
    Stats,
    ToldEvents,
    ToldFilter,
    ToldHit,
    ToldMemory,
    ToWorker,
    Wake,
    draft_in,
    encode,
    error_in,
    failed,
    for_worker,
    pages,
    told_item,
)
from severance.worker.pipes import Pipe
from severance.writing import another_embedder

_LOOK = 1_000  # milliseconds
_TOGETHER = 32  # texts, whose vectors fit into one message whatever their dimensions
Listed = Memory | Recollection


class Parent:
    """The other end of the pipe."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._parent = os.getppid()
        self._working = self._came = self._leaving = False

    def hear(self) -> ToWorker:
        """What it says next. There is no next where it is gone: then this process ends."""
        try:
            raw = self._pipe.receive()
            if raw is None:
                os._exit(0)
            return for_worker(raw)
        except (OSError, GarbledError):
            os._exit(1)

    def tell(self, message: Answer | Question) -> None:
        """Say something. Ends this process where it is gone."""
        try:
            self._pipe.send(encode(message))
        except OSError:
            os._exit(0)

    def ask(self, question: Question) -> Reply:
        """Ask it something in the middle of a request. Raises what it says that it raised."""
        working, self._working = self._working, False  # an interrupt waits until the reply is here
        self.tell(question)
        reply = self.hear()
        self._working = working
        if self._came and working:
            self._came = self._working = False
            raise KeyboardInterrupt
        if not isinstance(reply, Reply):
            os._exit(1)
        if isinstance(reply, Failed):
            raise error_in(reply)
        return reply

    @contextmanager
    def working(self) -> Iterator[None]:
        """In here, an interrupt from the parent is `KeyboardInterrupt`; elsewhere it is nothing."""
        self._came, self._working = False, True
        try:
            yield
        finally:
            self._working = False

    def leave(self) -> None:
        """From now on, this process ends when it has finished, whether or not the parent waits for it."""
        self._leaving = True

    def follow(self) -> None:
        """End this process when the parent is gone, also in the middle of a request, and after a `kill -9`."""
        if sys.platform != "win32":
            signal.signal(signal.SIGINT, self._interrupt)
            Thread(target=self._follow, daemon=True).start()

    def _interrupt(self, *_: object) -> None:
        if self._working:
            self._working = False
            raise KeyboardInterrupt
        self._came = True

    if sys.platform != "win32":

        def _follow(self) -> None:
            poll = select.poll()
            poll.register(self._pipe.reading, 0)  # says nothing but that the other end was closed
            # A copy of the other end may live on in a process that the parent has forked.
            while not poll.poll(_LOOK) and os.getppid() == self._parent:
                pass
            if not self._leaving:
                os._exit(0)


class Served:
    """An embedder that embeds at the parent's, and the bundled one that embeds here, loaded when it is needed."""

    def __init__(self, parent: Parent, identity: str, *, own: bool) -> None:
        self.identity = identity
        self._parent = parent
        self._own = own

    @property
    def dimensions(self) -> int:
        """As `Embedder.dimensions`."""
        return DIMENSIONS if self._own else _of(Count, self._parent.ask(Dimensions())).number

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Embedder.embed`."""
        return self._embed(texts, asking=False)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `QueryEmbedder.embed_queries`."""
        return self._embed(texts, asking=True)

    def _embed(self, texts: Sequence[str], *, asking: bool) -> NDArray[np.float32]:
        if self._own:
            if bundled().identity != self.identity:  # another version was installed since the parent loaded it
                raise another_embedder(self.identity, bundled().identity)
            return bundled().embed(texts)
        tables = [
            _array(self._parent.ask(Embed(list(texts[start : start + _TOGETHER]), asking)))
            for start in range(0, len(texts), _TOGETHER)
        ]
        if len({table.shape[1] for table in tables}) > 1:
            raise EmbedderError("the embedder did not return a table of numbers, one row for each text")
        return np.concatenate(tables)


class Scorer:
    """A re-ranker that scores at the parent's."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `Reranker.score`."""
        first = True
        for page, last in pages(texts, map(len, texts)):
            if not last:
                self._parent.ask(Bring(first, page))
                first = False
            elif first:
                self._parent.ask(Bring(True, []))
            if last:
                return _array(self._parent.ask(Score(query, page)))
        raise AssertionError  # there is always a last page


class Serving:
    """A session, and the lists that its answers have not come to the end of."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: list[Draft] = []
        self._lists: dict[int, Iterator[Listed]] = {}
        self._made = 0
        self._ways: dict[type[Call], Callable[..., Answer]] = {
            Hold: self._hold,
            Remember: self._remember,
            Recall: self._recall,
            Memories: self._memories,
            More: self._more,
            Leave: self._leave,
            Get: lambda asked: self._listed([session.get(asked.id)]),
            History: lambda asked: self._listed(session.history(asked.id)),
            Amend: self._amend,
            Forget: lambda asked: Count(session.forget(asked.id)),
            Stats: lambda _: Counts(session.stats()),
            Events: self._events,
            Sleep: self._sleep,
        }

    @property
    def unread(self) -> int:
        """How many lists have not come to their end."""
        return len(self._lists)

    def let_go(self) -> None:
        """Drop the drafts that are held."""
        self._held = []

    def answer(self, request: Call) -> Answer:
        """Do what is asked. Raises what the session raises."""
        return self._ways[type(request)](request)

    def _hold(self, asked: Hold | Remember) -> Answer:
        held = [] if asked.first else self._held
        self._held = [*held, *map(draft_in, asked.drafts)]
        return Done()

    def _remember(self, asked: Remember) -> Answer:
        self._hold(asked)
        drafts, self._held = self._held, []
        return self._listed(self._session.remember_many(drafts))

    def _recall(self, asked: Recall) -> Answer:
        return self._listed(self._session.recall(asked.query, limit=asked.limit, **_filter(asked.filter)))

    def _memories(self, asked: Memories) -> Answer:
        chosen, told = _filter(asked.filter), asked.behind
        if told is None:
            return self._listed(self._session.memories(**chosen))
        return self._listed(self._session._behind(Mark(told.at, told.id), **chosen))

    def _amend(self, asked: Amend) -> Answer:
        at = None if asked.at is None else moment(asked.at)
        fields = {"thread": asked.thread, "source": asked.source, "kind": asked.kind}
        memory = self._session.amend(
            asked.id, asked.text, at=at, metadata=asked.metadata, pinned=asked.pinned, **fields
        )
        return self._listed([memory])

    def _events(self, asked: Events) -> Answer:
        told = self._session.events(limit=asked.limit)
        return ToldEvents([(micros(event.at), event.what, event.place) for event in told])

    def _leave(self, asked: Leave) -> Answer:
        for number in asked.rests:
            self._lists.pop(number, None)
        return Done()

    def _sleep(self, _: Sleep) -> Answer:
        self._session.sleep()
        return Done()

    def _listed(self, items: Sequence[Listed] | Iterator[Listed]) -> Page:
        self._made += 1
        self._lists[self._made] = iter(items)
        return self._more(More(self._made))

    def _more(self, asked: More) -> Page:
        items = self._lists.pop(asked.rest, iter(()))
        page, filled = list[ToldMemory | ToldHit](), 0
        for item in items:
            page.append(told_item(item))
            filled += len(item.memory.text if isinstance(item, Recollection) else item.text)
            if len(page) >= PAGE_ITEMS or filled >= PAGE_BYTES:
                self._lists[asked.rest] = items
                return Page(page, asked.rest)
        return Page(page, None)


def main() -> None:
    """Serve the parent at the other end of standard input and output, until it is gone or says that it is over."""
    parent = Parent(_own_ends())
    while isinstance(begin := parent.hear(), Prepare):
        bundled()
        parent.tell(Done())
    if not isinstance(begin, Begin):
        os._exit(1)
    vault = Path(begin.vault)
    files = [vault, *(vault.with_name(vault.name + suffix) for suffix in ("-wal", "-shm"))]
    confinement = confine(_readable(), files, Path(begin.scratch))
    parent.follow()
    parent.tell(Ready(confinement))
    wake = parent.hear()
    if not isinstance(wake, Wake):
        os._exit(1)
    try:
        opened = _vault(vault)
        serving = Serving(woken(wake, opened, parent))
    except Exception as problem:  # noqa: BLE001 - whoever crosses is told, and nobody else is there to be told
        parent.tell(failed(problem))
        os._exit(1)
    parent.tell(Done())
    _serve(parent, serving)
    opened.close()
    os._exit(0)


def _serve(parent: Parent, serving: Serving) -> None:
    while True:
        request = parent.hear()
        if not isinstance(request, Call):
            os._exit(1)
        answer: Answer
        try:
            with parent.working():
                answer = serving.answer(request)
        except KeyboardInterrupt:
            answer = Cut()
        except Exception as problem:  # noqa: BLE001 - goes on at the caller
            answer = failed(problem)
        over = isinstance(request, Sleep) and not isinstance(answer, Cut)
        if over:
            parent.leave()
        parent.tell(answer)
        if over:
            return


def woken(wake: Wake, vault: SqliteVault, parent: Parent) -> Session:
    """The session that this message asks for. Raises what crossing raises."""
    key = SpaceKey(wake.space, wake.epoch, wake.secret)
    embedder: Embedder = Served(parent, wake.embedder, own=wake.bundled)
    reranking = None if wake.reranking is None else Reranking(Scorer(parent), *wake.reranking)
    entropy = SystemEntropy()

    def keep_anchor(head: Head) -> None:
        parent.ask(Move(head.seq, head.digest))

    return Session(
        Persona(wake.subject, wake.persona),
        wake.place,
        Space(vault, key, entropy),
        embedder=embedder,
        reranking=lambda: reranking,
        clock=SystemClock(),
        entropy=entropy,
        anchor=None if wake.anchor is None else Head(*wake.anchor),
        keep_anchor=keep_anchor,
    )


def _vault(path: Path) -> SqliteVault:
    try:
        return SqliteVault.open(path)
    except StoreReadOnlyError:
        return SqliteVault.open(path, readonly=True)


def _own_ends() -> Pipe:
    """The pipe, moved to where no library looks for it; nothing else stays open, and printing goes nowhere."""
    ends = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    let_go({0, 1, 2, *ends})
    return Pipe(*ends)


def _readable() -> list[Path]:
    """The folders of this Python, and of what is installed in it."""
    homes = [Path(home).resolve() for home in {sys.base_prefix, sys.prefix, sys.base_exec_prefix, sys.exec_prefix}]
    searched = [Path(entry).resolve() for entry in sys.path if entry]
    inside = [entry for entry in searched if any(home in entry.parents for home in homes)]
    return [*inside, Path(severance.__file__).resolve().parent]


def _filter(told: ToldFilter) -> dict[str, Any]:
    """The arguments of a session's methods that mean this filter."""
    bounds = {"since": told.since, "until": told.until, "as_of": told.as_of}
    times = {name: None if bound is None else moment(bound) for name, bound in bounds.items()}
    return {**times, "thread": told.thread, "where": told.where}


def _of(kind: type[Count], reply: Reply) -> Count:
    if not isinstance(reply, kind):
        raise AsleepError("this session has ended; cross again to wake the persona")
    return reply


def _array(reply: Reply) -> NDArray[np.float32]:
    if not isinstance(reply, Numbers):
        raise AsleepError("this session has ended; cross again to wake the persona")
    return np.frombuffer(reply.content, "<f4").reshape(reply.shape).astype(np.float32)
