"""What a worker and its parent say to each other: typed, as msgpack, each message whole or refused.

A call is one request and one answer. While a worker works on a request it may ask its parent something itself, before
it answers: to move the anchor, to embed, to re-rank. Lists travel in pages, so that no message is larger than `MOST`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, TypeVar

import msgspec

from severance import errors
from severance.errors import DamagedError, EmbedderError, RerankerError, SeveranceError
from severance.model import (
    ID_BYTES,
    MAX_METADATA_BYTES,
    NO_METADATA,
    Draft,
    Filter,
    Head,
    Memory,
    PersonaEvent,
    Recollection,
    Scalar,
    micros,
    moment,
)
from severance.records import Name
from severance.worker.confine import Confinement

MOST = 2**24
"""Bytes of a message, at most."""

PAGE_ITEMS, PAGE_BYTES = 256, 2**20
"""A page ends with the item that reaches one of these."""

_Metadata = Annotated[dict[Name, Scalar], msgspec.Meta(max_length=MAX_METADATA_BYTES)]

T = TypeVar("T")
M = TypeVar("M", bound="Message")


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True, forbid_unknown_fields=True):
    """What all messages have in common."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"  # no content: it may be logged


class ToldDraft(Message, frozen=True):
    """A `Draft`; times are microseconds."""

    text: str
    at: int | None
    thread: str | None
    source: str | None
    kind: str
    metadata: _Metadata
    pinned: bool


_Drafts = Annotated[list[ToldDraft], msgspec.Meta(max_length=PAGE_ITEMS)]


class ToldMemory(Message, frozen=True):
    """A `Memory`."""

    id: str
    text: str
    at: int
    recorded: int
    thread: str | None
    source: str | None
    kind: str
    metadata: dict[Name, Scalar]
    pinned: bool
    repeats: int
    echo_of: str | None
    supersedes: str | None
    superseded_by: str | None


class ToldHit(Message, frozen=True):
    """A `Recollection`."""

    memory: ToldMemory
    score: float
    reasons: tuple[str, ...]


class ToldFilter(Message, frozen=True):
    """A `Filter`."""

    since: int | None
    until: int | None
    as_of: int | None
    thread: str | None
    where: _Metadata


# From the parent: how a worker begins. `Prepare` may come first.


class Begin(Message, frozen=True):
    """Where the vault and the scratch directory are. Answered by `Ready`, and only then is a key sent."""

    vault: str
    scratch: str


class Prepare(Message, frozen=True):
    """Load the bundled embedder, while nobody waits for it. Answered by `Done`."""


class Wake(Message, frozen=True):
    """The one key, whose it is, and what the persona works with. Answered by `Done`."""

    space: bytes
    epoch: int
    secret: bytes
    subject: str
    persona: str
    place: str
    anchor: tuple[int, bytes] | None
    embedder: str
    """The identity; the worker has the bundled one itself, and asks its parent for what any other would say."""
    bundled: bool
    reranking: tuple[int, bool] | None
    """As in `Reranking`: candidates, and whether recall goes on in its own order when it fails."""


# From the parent: requests. Each but those with an answer of their own is answered by `Page` or `Failed`.


class Hold(Message, frozen=True):
    """Drafts to go before those of the next `Remember`. `first` drops what was held before. Answered by `Done`."""

    first: bool
    drafts: _Drafts


class Remember(Message, frozen=True):
    """Keep what is held, and these."""

    first: bool
    drafts: _Drafts


class Recall(Message, frozen=True):
    """As `Session.recall`."""

    query: str
    limit: int
    filter: ToldFilter


class ToldMark(Message, frozen=True):
    """A `Mark`."""

    at: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
    id: Annotated[bytes, msgspec.Meta(min_length=ID_BYTES, max_length=ID_BYTES)]


class Memories(Message, frozen=True):
    """As `Session.memories`; with a mark, what comes behind it."""

    filter: ToldFilter
    behind: ToldMark | None = None


class More(Message, frozen=True):
    """The next page of what this is the rest of."""

    rest: int


class Leave(Message, frozen=True):
    """These are not read any further. Answered by `Done`."""

    rests: Annotated[list[int], msgspec.Meta(max_length=PAGE_ITEMS)]


class Get(Message, frozen=True):
    """As `Session.get`."""

    id: str


class History(Message, frozen=True):
    """As `Session.history`."""

    id: str


class Amend(Message, frozen=True):
    """As `Session.amend`: what changes, checked; a time is microseconds."""

    id: str
    text: str | None
    at: int | None
    thread: str | None
    source: str | None
    kind: str | None
    metadata: _Metadata | None
    pinned: bool | None


class Forget(Message, frozen=True):
    """As `Session.forget`. Answered by `Count`."""

    id: str


class Stats(Message, frozen=True):
    """As `Session.stats`. Answered by `Counts`."""


class Events(Message, frozen=True):
    """As `Session.events`. Answered by `ToldEvents`."""

    limit: int


class Sleep(Message, frozen=True):
    """As `Session.sleep`; the worker then ends. Answered by `Done`."""


# From the worker: answers.


class Ready(Message, frozen=True):
    """It is shut off as far as this says, and may be given a key."""

    confinement: Confinement


class Done(Message, frozen=True):
    """What was asked is done."""


class Page(Message, frozen=True):
    """Some items of a list, and the number of the rest of it, or None at its end."""

    items: list[ToldMemory | ToldHit]
    rest: int | None


class Count(Message, frozen=True):
    """A number."""

    number: int


class Counts(Message, frozen=True):
    """Numbers by name."""

    numbers: dict[str, int]


class ToldEvents(Message, frozen=True):
    """What the log has of a persona: of each entry the time in microseconds, what happened, and where."""

    events: list[tuple[int, str, str | None]]


class Cut(Message, frozen=True):
    """The request was interrupted, because the parent asked for that."""


class Failed(Message, frozen=True):
    """It raised this. `kind` is the name of a class in `severance.errors`, or of another that nobody foresaw."""

    kind: str
    text: str
    again: bool = False
    space: str | None = None
    record: int | None = None


# From the worker: what it asks its parent while it works.


class Move(Message, frozen=True):
    """Move the anchor of its space. Answered by `Done`."""

    seq: int
    digest: bytes


class Bring(Message, frozen=True):
    """Texts to go before those of the next `Embed` or `Score`; as `Hold`."""

    first: bool
    texts: list[str]


class Embed(Message, frozen=True):
    """Embed these, as queries or as texts to remember. Answered by `Numbers`."""

    texts: list[str]
    asking: bool


class Dimensions(Message, frozen=True):
    """How many components a vector has. Answered by `Count`."""


class Score(Message, frozen=True):
    """Score what was brought, and these, for the query. Answered by `Numbers`."""

    query: str
    texts: list[str]


class Numbers(Message, frozen=True):
    """An array: its shape, and its components as float32, little-endian."""

    shape: tuple[int, ...]
    content: bytes


Beginning = Prepare | Begin | Wake
Call = Hold | Remember | Recall | Memories | More | Leave | Get | History | Amend | Forget | Stats | Events | Sleep
Request = Beginning | Call
Answer = Ready | Done | Page | Count | Counts | ToldEvents | Cut | Failed
Question = Move | Bring | Embed | Dimensions | Score
Reply = Done | Count | Numbers | Failed

ToWorker = Request | Reply
ToParent = Answer | Question

_encoder = msgspec.msgpack.Encoder()
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
_to_parent: msgspec.msgpack.Decoder[ToParent] = msgspec.msgpack.Decoder(ToParent)


class GarbledError(Exception):
    """What came is not a message."""


def encode(message: Message) -> bytes:
    """The message as bytes.

    Raises:
        GarbledError: they are more than `MOST`.
    """
    raw = _encoder.encode(message)
    if len(raw) > MOST:
        raise GarbledError(f"a message of {len(raw):,} bytes")
    return raw


def for_worker(raw: bytes) -> ToWorker:
    """What the parent says. Raises GarbledError."""
    try:
        return _to_worker.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise GarbledError(type(problem).__name__) from None


def for_parent(raw: bytes) -> ToParent:
    """What a worker says, who may be anybody by now. Raises GarbledError."""
    try:
        return _to_parent.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise GarbledError(type(problem).__name__) from None


def expected(kind: type[M], message: Message) -> M:
    """The message, where it is of this kind. Raises GarbledError where it is of another."""
    if not isinstance(message, kind):
        raise GarbledError(type(message).__name__)
    return message


def told_draft(draft: Draft) -> ToldDraft:
    """A checked draft as a message."""
    at = None if draft.at is None else micros(draft.at)
    return ToldDraft(draft.text, at, draft.thread, draft.source, draft.kind, dict(draft.metadata), draft.pinned)


def draft_in(told: ToldDraft) -> Draft:
    """The draft of a message."""
    at = None if told.at is None else moment(told.at)
    return Draft(
        text=told.text,
        at=at,
        thread=told.thread,
        source=told.source,
        kind=told.kind,
        metadata=told.metadata,
        pinned=told.pinned,
    )


def told_filter(chosen: Filter) -> ToldFilter:
    """A filter as a message."""
    return ToldFilter(chosen.since, chosen.until, chosen.as_of, chosen.thread, dict(chosen.where))


def told_item(item: Memory | Recollection) -> ToldMemory | ToldHit:
    """A memory or a recollection as part of a message."""
    if isinstance(item, Recollection):
        return ToldHit(_told_memory(item.memory), item.score, item.reasons)
    return _told_memory(item)


def _told_memory(memory: Memory) -> ToldMemory:
    return ToldMemory(
        memory.id,
        memory.text,
        micros(memory.at),
        micros(memory.recorded),
        memory.thread,
        memory.source,
        memory.kind,
        dict(memory.metadata),
        memory.pinned,
        memory.repeats,
        memory.echo_of,
        memory.supersedes,
        memory.superseded_by,
    )


def memory_in(told: ToldMemory | ToldHit) -> Memory:
    """The memory of a message. Raises GarbledError where it is none."""
    if isinstance(told, ToldHit):
        raise GarbledError("a recollection for a memory")
    try:
        at, recorded = moment(told.at), moment(told.recorded)
    except OverflowError:
        raise GarbledError("a time that there is not") from None
    return Memory(
        id=told.id,
        text=told.text,
        at=at,
        recorded=recorded,
        thread=told.thread,
        source=told.source,
        kind=told.kind,
        metadata=told.metadata or NO_METADATA,
        pinned=told.pinned,
        repeats=told.repeats,
        echo_of=told.echo_of,
        supersedes=told.supersedes,
        superseded_by=told.superseded_by,
    )


def event_in(told: tuple[int, str, str | None]) -> PersonaEvent:
    """The event of a message. Raises GarbledError where it is none."""
    at, what, place = told
    try:
        return PersonaEvent(at=moment(at), what=what, place=place)
    except OverflowError:
        raise GarbledError("a time that there is not") from None


def hit_in(told: ToldMemory | ToldHit) -> Recollection:
    """The recollection of a message. Raises GarbledError where it is none."""
    if not isinstance(told, ToldHit):
        raise GarbledError("a memory for a recollection")
    return Recollection(memory_in(told.memory), told.score, told.reasons)


def head_in(told: tuple[int, bytes]) -> Head:
    """A head from a message."""
    return Head(*told)


def failed(problem: BaseException) -> Failed:
    """An error as a message. Of one that is not Severance's own, the kind only: its words may hold a memory."""
    if not isinstance(problem, SeveranceError):
        return Failed(type(problem).__name__, "")
    again = isinstance(problem, (EmbedderError, RerankerError)) and problem.again
    space, record = (problem.space, problem.record) if isinstance(problem, DamagedError) else (None, None)
    return Failed(type(problem).__name__, str(problem), again, space, record)


def error_in(told: Failed) -> SeveranceError:
    """The error of a message, of the same class and with the same words."""
    kind = getattr(errors, told.kind, None)
    if not (isinstance(kind, type) and issubclass(kind, SeveranceError)):
        return SeveranceError(
            f"the process of this session came upon an error that was not foreseen ({told.kind[:100]}); try again, "
            "or cross without a process of its own to see it"
        )
    if issubclass(kind, (EmbedderError, RerankerError)):
        return kind(told.text, again=told.again)
    if issubclass(kind, DamagedError):
        return kind(told.text, space=told.space, record=told.record)
    return kind(told.text)


def pages(items: Sequence[T], size: Iterable[int]) -> Iterator[tuple[list[T], bool]]:
    """The items in pages, each with whether it is the last; there is always one. `size` is that of each item."""
    page, filled = list[T](), 0
    for index, (item, weight) in enumerate(zip(items, size, strict=True)):
        page.append(item)
        filled += weight
        if (len(page) >= PAGE_ITEMS or filled >= PAGE_BYTES) and index + 1 < len(items):
            yield page, False
            page, filled = [], 0
    yield page, True
