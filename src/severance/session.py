"""An awake persona. Here the chip's key, the vault's log and the mind meet; nothing below can do what is done here.

A session is exactly one persona. None of its methods takes the name of another, or an id that reaches into another:
what it can touch is one space, whose key it was given when the persona woke.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any, NoReturn, Self
from weakref import WeakSet

from severance.asking import When, check_query, check_whole, checked_items, filter_of
from severance.audit.events import MOST_MEMORIES, What, source_of
from severance.context import context_block
from severance.drafts import Rememberable, draft_of
from severance.errors import AsleepError, ConflictError, EmbedderError, StoreError, StoreFullError, StoreReadOnlyError
from severance.following import Following
from severance.mind import Heard, Mind
from severance.model import (
    ID_BYTES,
    Draft,
    Filter,
    Head,
    Mark,
    Memory,
    Metadata,
    Notice,
    Persona,
    PersonaEvent,
    Recollection,
    id_text,
)
from severance.ports import Clock, Embedder, Entropy, Reranking
from severance.reranking import reranked
from severance.sleeping import write_layers
from severance.space import Space
from severance.system import give_back
from severance.telling import Own, no_log
from severance.writing import (
    Writing,
    amending,
    another_embedder,
    embedded,
    failed_after,
    first_tellings,
    forgetting,
    found,
    query_vector,
    remembering,
    unknown_memory,
)

MOST_RECALLED = 1_000
MOST_TOKENS = 1_000_000
MOST_EVENTS = 1_000
_BATCH = 2_048
_RECENT = 200
_LARGE = 32_768
"""From so many records on, the memory that a mind took is given back at once; waking again then takes longer."""


class Session:
    """One awake persona.

    Made by `house.cross`; ends with `sleep`, or at the end of its `with` block. May be used by several threads; calls
    take turns. Other processes may hold the same persona awake: every call first reads what they have written.

    Every method raises `AsleepError` after the session has ended, `DamagedError` when the store was altered, and a
    `StoreError` when the store cannot serve.
    """

    def __init__(
        self,
        persona: Persona,
        place: str,
        space: Space,
        *,
        embedder: Embedder,
        reranking: Callable[[], Reranking | None] = lambda: None,
        clock: Clock,
        entropy: Entropy,
        anchor: Head | None,
        keep_anchor: Callable[[Head], None],
        still_awake: Callable[[], None] = lambda: None,
        slept: Callable[[], None] = lambda: None,
        own: Own | None = None,
    ) -> None:
        self._persona = persona
        self._place = place
        self._space: Space | None = space
        self._embedder = embedder
        self._reranking = reranking
        self._clock = clock
        self._entropy = entropy
        self._keep_anchor = keep_anchor
        self._still_awake = still_awake
        self._slept = slept
        self._own = own
        self._notices: Callable[[], tuple[Notice, ...]] = tuple
        self._ended = "this session has ended; cross again to wake the persona"
        self._anchored = anchor.seq if anchor is not None else 0
        self._heard = Heard(_RECENT)
        self._lock = RLock()
        self._following = Following.woken(space, anchor)
        self._check_embedder()
        self._keep(space.head)
        _AWAKE.add(self)

    @property
    def subject(self) -> str:
        """Whose persona this is."""
        return self._persona.subject

    @property
    def persona(self) -> str:
        """The name of this persona."""
        return self._persona.name

    @property
    def place(self) -> str:
        """Where it woke."""
        return self._place

    def remember(
        self,
        text: str,
        *,
        at: When = None,
        thread: str | None = None,
        source: str | None = None,
        kind: str = "note",
        metadata: Metadata | None = None,
        pinned: bool = False,
    ) -> Memory:
        """Keep one memory, durably, and return it.

        Exactly the same memory again (text, thread, source, kind and metadata) is not kept twice: it is counted, and
        the first is returned. A text that only echoes what this session's recall has just returned is kept and marked.

        Raises:
            InputError: a field is not one that can be kept.
            EmbedderError: the embedder failed; nothing was kept.
        """
        fields = {"at": at, "thread": thread, "source": source, "kind": kind, "metadata": metadata or {}}
        return self._remember([draft_of({"text": text, "pinned": pinned, **fields})])[0]

    def remember_many(self, items: Iterable[Rememberable]) -> list[Memory]:
        """Keep many: texts, mappings with the fields of `remember`, or `Draft`s. Returns the memories in order.

        All items are checked before the first is kept. They are then kept in batches of 2,048, each whole or not at
        all; an error in the middle leaves the batches before it.

        Raises:
            InputError: an item is not one that can be kept, or it is one text or mapping and not many.
            EmbedderError: the embedder failed; the message says how many of the first were kept before.
        """
        drafts = checked_items(items)
        kept: list[Memory] = []
        for start in range(0, len(drafts), _BATCH):
            try:
                kept += self._remember(drafts[start : start + _BATCH])
            except EmbedderError as problem:
                raise failed_after(start, len(drafts), problem) if len(drafts) > _BATCH else problem from None
        return kept

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
        """The memories that answer the query best, best first, each with its score and the reasons for it.

        Args:
            query: what is looked for, in any words; there is no query syntax.
            limit: at most so many, 1 to 1,000.
            since, until: bounds on when it happened, both inclusive; a date alone is its first moment, here and below.
            as_of: only what was known then, in the version of then; "last week" in the query is the one before then.
            thread: only this conversation.
            where: metadata names to the value each must have.

        Raises:
            InputError: the query, the limit or a filter cannot be meant.
            EmbedderError: the embedder failed.
            RerankerError: the re-ranker failed, where one was chosen that has to answer.
        """
        check_query(query)
        check_whole(limit, "the limit", 1, MOST_RECALLED)
        chosen = filter_of(since, until, as_of, thread, where)
        with self._lock:
            hits = self._found(query, limit, chosen)
            self._heard.add(hit.memory.id for hit in hits)
            return hits

    def context(
        self,
        query: str,
        *,
        tokens: int = 1_000,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> str:
        """What answers the query, as a block of text ready for a prompt: chosen by rank, printed oldest first.

        Args:
            query, since, until, as_of, thread, where: as in `recall`.
            tokens: about how many tokens the block may have (estimated, rather too many than too few), 16 to 1,000,000.

        Returns:
            The block, or an empty string when nothing is remembered that could answer.
        """
        check_whole(tokens, "the number of tokens", 16, MOST_TOKENS)
        limit = min(MOST_RECALLED, max(10, tokens // 8))
        hits = self.recall(query, limit=limit, since=since, until=until, as_of=as_of, thread=thread, where=where)
        return context_block(hits, tokens)

    def memories(
        self,
        *,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> Iterator[Memory]:
        """All memories in their current version, in the order in which they happened, filtered as in `recall`."""
        chosen = filter_of(since, until, as_of, thread, where)
        with self._awake() as (_, mind):
            return self._each(mind.ids(chosen))

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
        """As `memories`, from behind the mark: so that a page costs as much wherever it begins."""
        chosen = filter_of(since, until, as_of, thread, where)
        with self._awake() as (_, mind):
            return self._each(mind.ids(chosen, mark))

    def get(self, id: str) -> Memory:  # noqa: A002 - the word that callers know
        """The memory with this id, in this version.

        Raises:
            NotFoundError: none is remembered here.
        """
        with self._awake() as (_, mind):
            return found(mind.get(id))

    def history(self, id: str) -> list[Memory]:  # noqa: A002
        """All versions of the memory, the oldest first.

        Raises:
            NotFoundError: none is remembered here.
        """
        with self._awake() as (_, mind):
            versions = mind.history(id)
            if not versions:
                raise unknown_memory()
            return versions

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
        """Put a new version in the place of a memory, and return it. What is not given stays as it was; an empty thread
        or source is taken away.

        The old version is kept: `history` shows it, and `recall(as_of=...)` finds it as it was known then. Amending an
        old version amends the current one.

        Raises:
            NotFoundError: none is remembered here.
            InputError: a field is not one that can be kept.
        """
        changes: dict[str, Any] = {"text": text, "at": at, "thread": thread, "source": source, "kind": kind}
        changes |= {"metadata": metadata, "pinned": pinned}
        with self._awake() as (space, _):
            raw, now = self._entropy.draw(ID_BYTES, space.key.space), self._clock.now()
            self._write(lambda: amending(self._mind, id, changes, self._embedder, raw, now))
            return found(self._mind.get(self._mind.history(id)[-1].id))

    def forget(self, id: str) -> int:  # noqa: A002
        """Forget a memory with all its versions, and erase their records from the vault. Returns how many versions.

        Raises:
            NotFoundError: none is remembered here.
        """
        with self._awake():
            gone = self._write(lambda: forgetting(self._mind, id, self._clock.now())).ids
            self._heard.drop(id_text(raw) for raw in gone)
            return len(gone)

    def stats(self) -> dict[str, int]:
        """Counts: `memories` (current), `versions`, `threads`, `repeats`, `echoes`, `words` (different ones, function
        words left out), `bytes` (of all texts, UTF-8) and `records` (in the log).
        """
        with self._awake() as (space, mind):
            return {**mind.stats(), "records": space.head.seq}

    def events(self, *, limit: int = 100) -> list[PersonaEvent]:
        """What the house's log has of this persona, the oldest first: when it woke and slept, and where, and what was
        done with its doors. Nothing in it depends on another persona, nor does what it takes to read it.

        Args:
            limit: the last ones, at most so many, 1 to 1,000.

        Raises:
            InputError: the limit is none.
            StoreMissingError: the store is only read, and has no log open.
        """
        check_whole(limit, "the limit", 1, MOST_EVENTS)
        with self._lock:
            self._opened()
            if self._own is None:
                raise no_log()
            return self._own.events(limit)

    def notices(self) -> tuple[Notice, ...]:
        """What this persona has not been told yet: that an override woke it outside its place, and that it ended.

        Told once: afterwards it is known, whoever asked. A session that an override opened is told nothing.
        """
        with self._lock:
            self._opened()
            return self._notices()

    @property
    def confinement(self) -> Any:
        """How far the process that the persona is awake in is shut off; None where that is the caller's own."""
        return None

    def sleep(self) -> None:
        """End the session: write what the snapshot lacks, tell the chip how far the log goes, drop key and mind.

        Doing it again does nothing.
        """
        with self._lock:
            space, following = self._space, self._following
            if space is None:
                return
            self._space, self._following = None, Following()
            try:
                self._heard.clear()
                _write_layers(space, following)
            finally:  # the chip hears of it whatever becomes of the layers
                self._keep(space.head)
                self._keep_anchor = _keep_nothing  # the other one has the key
                self._slept()
            large = space.head.seq >= _LARGE
            del space, following  # the key and the mind
            if large:
                give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.sleep()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session cannot be copied: its copy would stay awake when it falls asleep")

    def __repr__(self) -> str:
        return f"<Session, {'asleep' if self._space is None else 'awake'}>"  # no name: it may be logged

    def _exporting(self, memories: int) -> None:
        """Say that so many memories are written out now. For `transfer`, where a caller says that they are."""
        check_whole(memories, "the number of memories", 0, MOST_MEMORIES)
        self._carried(What.EXPORTED, memories=memories)

    def _importing(self, source: str) -> None:
        """Say that memories are brought in now, from this format."""
        self._carried(What.IMPORTED, format=source_of(source))

    def _check_awake(self) -> None:
        """Raise AsleepError where nothing can be asked any more."""
        with self._lock:
            self._opened()

    def _look(self) -> None:
        """Raise AsleepError where nobody is awake any more, wherever that was."""
        self._check_awake()

    def _carried(self, what: What, **detail: str | int) -> None:
        with self._lock:
            self._opened()
            if self._own is not None:
                self._own.tell(what, **detail)

    def _found(self, query: str, limit: int, chosen: Filter) -> list[Recollection]:
        with self._awake() as (_, mind):
            told, asked, following = mind.embedder, mind.to_embed(query), self._following
        dimensions = self._embedder.dimensions if told is None else told.dimensions
        vector = query_vector(self._embedder, asked, dimensions)
        now, reranking = self._clock.now() if chosen.as_of is None else chosen.as_of, self._reranking()
        most = limit if reranking is None else max(limit, reranking.candidates)
        with following.changing():
            hits = following.mind().recall(query, vector, limit=most, filter=chosen, now=now)
        return hits if reranking is None else reranked(reranking, query, hits, limit)

    def _left_behind(self) -> None:
        """In a process that was forked from the one in which it woke: let go of everything, and write nothing."""
        self._lock = RLock()  # a thread that is not in this process may hold the other
        self._space, self._following, self._keep_anchor = None, Following(), _keep_nothing
        self._heard.clear()
        self._ended = "this session is of the process that this one was forked from; open the house and cross here"

    def _keep(self, head: Head) -> None:
        """Tell the chip how far the log goes, if that is news to it."""
        if head.seq > self._anchored:
            # The anchor may stay behind: what was remembered is in the vault, and reading must go on.
            with suppress(StoreReadOnlyError, StoreFullError):
                self._keep_anchor(head)
                self._anchored = head.seq

    def _each(self, ids: bytes) -> Iterator[Memory]:
        """The memories with these ids that are not forgotten by then. What iterates holds nothing of the mind."""
        for start in range(0, len(ids), ID_BYTES):
            with self._lock:
                self._whole(self._opened())
                with self._following.changing():
                    memory = self._mind.get(id_text(ids[start : start + ID_BYTES]))
            if memory is not None:
                yield memory
            del memory

    @contextmanager
    def _awake(self) -> Iterator[tuple[Space, Mind]]:
        """Hold the lock while awake and caught up with the log's tail."""
        with self._lock:
            space = self._whole(self._opened())
            with self._following.changing():
                self._catch_up(space)
                yield space, self._mind

    def _opened(self) -> Space:
        if self._space is None:
            raise AsleepError(self._ended)
        try:
            self._still_awake()
        except AsleepError as end:
            self._ended = str(end)
            with suppress(StoreError):  # the anchor may stay behind; what was asked has its answer
                self.sleep()
            raise
        return self._space

    @property
    def _mind(self) -> Mind:
        return self._following.mind()

    def _whole(self, space: Space) -> Space:
        """The space, with a mind that has applied all that was read of it."""
        if not self._following.whole or self._following.seq != space.head.seq:
            # A call was cut short (Ctrl-C) in the mind, or between it and the log; the log is the truth: begin again.
            self._following = Following()
            fresh = space.again()
            self._following = Following.woken(fresh, space.head)
            self._space, space = fresh, fresh
            self._check_embedder()
        return space

    def _catch_up(self, space: Space) -> None:
        if self._following.read(space.read_on(), space.head.seq):
            self._check_embedder()

    def _check_embedder(self) -> None:
        chosen = self._mind.embedder
        if chosen is not None and chosen.identity != self._embedder.identity:
            self._space, self._following = None, Following()
            raise another_embedder(chosen.identity, self._embedder.identity)

    def _remember(self, drafts: Sequence[Draft]) -> list[Memory]:
        with self._lock:
            self._opened()  # before anything is sent to an embedder
        texts = [draft.text for draft in drafts]
        vectors = embedded(self._embedder, texts)
        with self._lock:
            space = self._whole(self._opened())  # the append fails where another writer was first
            raw = self._entropy.draw(ID_BYTES * len(drafts), space.key.space)
            ids = [raw[start : start + ID_BYTES] for start in range(0, len(raw), ID_BYTES)]
            now = self._clock.now()
            with self._following.changing():
                writing = self._write(
                    lambda: remembering(self._following.mind_for(texts), drafts, vectors, ids, now, self._heard)
                )
                fresh = first_tellings(writing)
                return [fresh.get(raw) or found(self._mind.get(id_text(raw))) for raw in writing.ids]

    def _write(self, plan: Callable[[], Writing]) -> Writing:
        """Append what `plan` makes of the mind, made again each time that another writer was first."""
        while True:
            space, writing = self._opened(), plan()
            if not writing.events:
                return writing
            try:
                space.append(writing.events, writing.erase)
            except ConflictError:
                self._catch_up(space)
                continue
            self._following.wrote(writing.events)
            return writing


_AWAKE: WeakSet[Session] = WeakSet()


def _leave_behind() -> None:
    for session in list(_AWAKE):
        session._left_behind()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_behind)


def _write_layers(space: Space, following: Following) -> None:
    """What a session that ends leaves to the next; nothing where its mind may not be what the log says."""
    if not following.whole or following.seq != space.head.seq:
        return
    with suppress(StoreError):  # a snapshot is a cache: without it the next waking only takes longer
        write_layers(space, following.mind(), following.label)


def _keep_nothing(head: Head) -> None:
    """In the place of what keeps anchors, when nothing is written any more."""
