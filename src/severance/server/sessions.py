"""Crossing, and the session that comes of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from severance.server.parts import Parts, parts_of
from severance.server.rooms import Room
from severance.server.said import Bearer, Given, Key, answer

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])

NEW_CONTEXT = (
    "This is a crossing. Begin a new model context: no message, summary or scratch file of another session may be in "
    "it."
)

Within = Annotated[Parts, Depends(parts_of)]
Id = Annotated[str, Path(description="The session's id.")]


class SessionGiven(Given):
    """A session."""

    id: str = Field(description="32 characters; it opens nothing without the bearer that began it.")
    subject: str
    persona: str
    place: str
    begun: AwareDatetime


class CrossedGiven(SessionGiven):
    """A session that has just begun."""

    new_context: str = Field(description="What whoever runs the model has to do now.")


async def _room(parts: Within, id: Id, bearer: Bearer) -> Room:  # noqa: A002 - the word in the address
    return parts.rooms.find(id, bearer)


Entered = Annotated[Room, Depends(_room)]
"""The session of the address, as a route's argument. Raises NOT_FOUND, and SESSION_ENDED."""


@router.post("", status_code=201, response_model=CrossedGiven)
async def cross(request: Request, parts: Within, bearer: Bearer, key: Key) -> Response:
    """Cross: the persona that wakes at the place of the permit or credential wakes, in a new session."""
    await request.body()  # which is taken first, so that what comes next is that the other end has gone
    room = await parts.rooms.cross(bearer, key)
    parts.rooms.heard(room, by_its_owner=not await request.is_disconnected())
    headers = {"location": f"{router.prefix}/{room.id}"}
    return answer({**_told(room), "new_context": NEW_CONTEXT}, 201, headers)


@router.get("/{id}", response_model=SessionGiven)
async def look(parts: Within, room: Entered) -> Response:
    """Whose session it is, where it is still awake."""
    await parts.rooms.look(room)
    return answer(_told(room))


@router.delete("/{id}", status_code=204, response_class=Response)
async def sleep(parts: Within, room: Entered) -> Response:
    """Put the session to sleep. Its id is no session's from then on."""
    await parts.rooms.sleep(room)
    return Response(status_code=204)


def _told(room: Room) -> dict[str, object]:
    session = room.session
    whose = {"subject": session.subject, "persona": session.persona, "place": session.place}
    return {"id": room.id, **whose, "begun": room.begun}
