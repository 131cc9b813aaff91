"""What a persona is asked: recall, a context for a prompt, counts, and what was told it or is known of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from severance.server.said import Said, answer
from severance.server.sessions import Entered, Within
from severance.server.shapes import (
    ContextGiven,
    ContextSaid,
    CountsGiven,
    EventsGiven,
    NoticesGiven,
    RecallSaid,
    RecollectionsGiven,
)

router = APIRouter(prefix="/v1/sessions/{id}", tags=["asking"])


class LastSaid(Said):
    """How many."""

    limit: int = Field(100, ge=1, le=1_000, strict=False, description="The last ones, at most so many.")


@router.post("/recall", response_model=RecollectionsGiven)
async def recall(parts: Within, room: Entered, said: RecallSaid) -> Response:
    """The memories that answer the query best, best first, each with its score and the reasons for it."""
    found = await parts.rooms.call(room, lambda session: session.recall(**dict(said)))
    return answer({"recollections": found})


@router.post("/context", response_model=ContextGiven)
async def context(parts: Within, room: Entered, said: ContextSaid) -> Response:
    """What answers the query, as a block of text ready for a prompt."""
    return answer({"context": await parts.rooms.call(room, lambda session: session.context(**dict(said)))})


@router.get("/stats", response_model=CountsGiven)
async def stats(parts: Within, room: Entered) -> Response:
    """Counts of what the persona remembers."""
    return answer(await parts.rooms.call(room, lambda session: session.stats()))


@router.get("/notices", response_model=NoticesGiven)
async def notices(parts: Within, room: Entered) -> Response:
    """What the persona had not been told yet when this session first asked; the same again when it asks again."""
    return answer({"notices": await parts.rooms.call(room, room.notices)})


@router.get("/events", response_model=EventsGiven)
async def events(parts: Within, room: Entered, asked: Annotated[LastSaid, Query()]) -> Response:
    """What the house's log has of this persona, the oldest first: when it woke and slept, and where."""
    return answer({"events": await parts.rooms.call(room, lambda session: session.events(limit=asked.limit))})
