"""What a persona remembers, one by one: keeping, reading, amending, forgetting, and all of it in pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from severance.drafts import draft_of
from severance.model import Memory
from severance.server.cursors import cursor_in, page_of
from severance.server.keys import once, print_of
from severance.server.problems import INVALID, Problem
from severance.server.said import Key, Said, answer
from severance.server.sessions import Entered, Within
from severance.server.shapes import (
    ChangeSaid,
    ForgottenGiven,
    MemoriesGiven,
    MemoriesSaid,
    MemoryGiven,
    OneOrMany,
    PageGiven,
)
from severance.session import Session

router = APIRouter(prefix="/v1/sessions/{id}/memories", tags=["memories"])

Mid = Annotated[str, Path(description="The memory's id.")]


class FilterSaid(Said):
    """Which memories, and which page of them."""

    since: str | None = Field(None, max_length=64, description="Happened no earlier; ISO 8601.")
    until: str | None = Field(None, max_length=64, description="Happened no later.")
    as_of: str | None = Field(None, max_length=64, description="Only what was known then, in the version of then.")
    thread: str | None = Field(None, max_length=512, description="Only this conversation.")
    where: str | None = Field(None, max_length=16_384, description="A JSON object: metadata names to their values.")
    limit: int = Field(100, ge=1, le=1_000, strict=False, description="At most so many in a page.")
    cursor: str | None = Field(None, max_length=512, description="Where the last page ended, as it said.")


@router.post("", status_code=201, response_model=MemoryGiven | MemoriesGiven)
async def remember(request: Request, parts: Within, room: Entered, key: Key, said: OneOrMany) -> Response:
    """Keep one memory, or several; they are durable when this is answered."""
    items = [each.item() for each in (said.memories if isinstance(said, MemoriesSaid) else [said])]

    def do(session: Session) -> list[Memory]:
        if isinstance(said, MemoriesSaid):
            return session.remember_many(items)
        return [session.remember(**items[0])]

    def again(_: Session, kept: bytes) -> list[Memory]:
        return [_with(memory, item) for memory, item in zip(_PLAIN.decode(kept), items, strict=True)]

    work = once(room.keys, key, await _print(request), do, _bare, again)
    kept = await parts.rooms.call(room, work)
    return answer({"memories": kept} if isinstance(said, MemoriesSaid) else kept[0], 201)


@router.get("", response_model=PageGiven)
async def page(parts: Within, room: Entered, asked: Annotated[FilterSaid, Query()]) -> Response:
    """All memories in their current version, in the order in which they happened, in pages."""
    filters = asked.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    fingerprint = print_of(msgspec.json.encode(filters, order="sorted"))[:8]
    filters["where"] = _where(asked.where)
    cursor = None if asked.cursor is None else cursor_in(asked.cursor, fingerprint)

    def read(session: Session) -> tuple[list[Memory], str | None]:
        listed = session.memories(**filters) if cursor is None else session._behind(cursor.mark, **filters)
        return page_of(listed, asked.limit, fingerprint)

    memories, rest = await parts.rooms.call(room, read)
    return answer({"memories": memories, "cursor": rest})


@router.get("/{mid}", response_model=MemoryGiven)
async def get(parts: Within, room: Entered, mid: Mid) -> Response:
    """The memory with this id, in this version."""
    return answer(await parts.rooms.call(room, lambda session: session.get(mid)))


@router.get("/{mid}/history", response_model=MemoriesGiven)
async def history(parts: Within, room: Entered, mid: Mid) -> Response:
    """All versions of the memory, the oldest first."""
    return answer({"memories": await parts.rooms.call(room, lambda session: session.history(mid))})


@router.patch("/{mid}", response_model=MemoryGiven)
async def amend(request: Request, parts: Within, room: Entered, mid: Mid, key: Key, said: ChangeSaid) -> Response:
    """Put a new version in the place of the memory. The old one stays, and is what was known until now."""
    changes = said.changes()
    work = once(
        room.keys,
        key,
        await _print(request),
        lambda session: session.amend(mid, **changes),
        lambda memory: memory.id.encode(),
        lambda session, kept: session.get(kept.decode()),
    )
    return answer(await parts.rooms.call(room, work))


@router.delete("/{mid}", response_model=ForgottenGiven)
async def forget(request: Request, parts: Within, room: Entered, mid: Mid, key: Key) -> Response:
    """Forget the memory with all its versions, and erase them from the vault."""
    work = once(
        room.keys,
        key,
        await _print(request),
        lambda session: session.forget(mid),
        lambda versions: b"%d" % versions,
        lambda _, kept: int(kept),
    )
    return answer({"versions": await parts.rooms.call(room, work)})


async def _print(request: Request) -> bytes:
    return print_of(request.method.encode(), request.url.path.encode(), await request.body())


class _Row(msgspec.Struct, array_like=True, omit_defaults=True):
    """What of a memory is not in the request that it is from."""

    id: str
    at: datetime
    recorded: datetime
    pinned: bool
    repeats: int
    echo_of: str | None = None
    supersedes: str | None = None
    superseded_by: str | None = None


_PLAIN = msgspec.msgpack.Decoder(list[_Row])


def _bare(memories: list[Memory]) -> bytes:
    """Without what is in the request that they are from."""
    return msgspec.msgpack.encode(
        [_Row(*(getattr(memory, name) for name in _Row.__struct_fields__)) for memory in memories]
    )


def _with(row: _Row, item: Mapping[str, Any]) -> Memory:
    draft = draft_of(item)
    return Memory(
        text=draft.text,
        thread=draft.thread,
        source=draft.source,
        kind=draft.kind,
        metadata=draft.metadata,
        **msgspec.structs.asdict(row),
    )


def _where(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise Problem(INVALID, "`where` is a JSON object: metadata names to the value each must have") from None
