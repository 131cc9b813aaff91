"""What an owner is answered who shows an owner token: the audit log, alarms, overrides, and what happens as it happens.

The house looks at the token, at each request; nothing is kept of it here.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Annotated, TypeVar

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from severance.errors import AsleepError
from severance.resident.owner import Owner
from severance.server.door import OwnersDoor, digest_of
from severance.server.owner_shapes import (
    AlarmsGiven,
    AnswerSaid,
    CheckGiven,
    CheckpointGiven,
    DraftGiven,
    EntriesGiven,
    EntriesSaid,
    FollowSaid,
    OverrideGiven,
    OverridesGiven,
    RequestGiven,
    RequestSaid,
    RulesGiven,
    WishSaid,
    of_override,
)
from severance.server.parts import Parts
from severance.server.problems import FULL, NOT_FOUND, Problem
from severance.server.said import Bearer, answer
from severance.server.sessions import Within
from severance.server.streams import MEDIA_TYPE, Stream

router = APIRouter(prefix="/v1/owner", tags=["owner"])

T = TypeVar("T")
Oid = Annotated[str, Path(max_length=100, description="The override's id.")]
LastEventId = Annotated[
    int | None,
    Header(ge=-1, lt=2**63, description="The number of the last entry that was received, to go on behind it."),
]


@router.get("/audit", response_model=EntriesGiven)
async def entries(parts: Within, bearer: Bearer, asked: Annotated[EntriesSaid, Query()]) -> Response:
    """Entries of the audit log: the last ones, or those behind another; the oldest first."""
    found = await _asked(parts, bearer, lambda owner: owner.events(**dict(asked)))
    return answer({"events": found, "after": found[-1].number if found else asked.after})


@router.get("/audit/checkpoint", response_model=CheckpointGiven)
async def checkpoint(parts: Within, bearer: Bearer) -> Response:
    """The audit log's last signed checkpoint."""
    return answer(await _asked(parts, bearer, Owner.audit_checkpoint))


@router.post("/audit/verify", response_model=CheckGiven)
async def verify(parts: Within, bearer: Bearer) -> Response:
    """Compute the audit log anew from every entry, and hold it against its checkpoint."""
    return answer(await _asked(parts, bearer, Owner.verify_audit))


@router.get("/alarms", response_model=AlarmsGiven)
async def alarms(parts: Within, bearer: Bearer) -> Response:
    """What waits for which sink of alarms, and what was told lately."""
    return answer(await _asked(parts, bearer, Owner.alarm_status))


@router.get("/alarms/rules", response_model=RulesGiven)
async def rules(parts: Within, bearer: Bearer) -> Response:
    """What rings where."""
    return answer(await _asked(parts, bearer, Owner.alarm_rules))


@router.get("/overrides", response_model=OverridesGiven)
async def overrides(parts: Within, bearer: Bearer) -> Response:
    """All overrides."""
    return answer({"overrides": [of_override(info) for info in await _asked(parts, bearer, Owner.overrides)]})


@router.post("/overrides", response_model=OverrideGiven)
async def submitted(parts: Within, bearer: Bearer, said: RequestSaid) -> Response:
    """Ask for an override, with a request that its key has signed. Sent again, it is the same override."""
    return answer(of_override(await _asked(parts, bearer, lambda owner: owner.submit_override(said.request))))


@router.post("/overrides/drafts", response_model=DraftGiven)
async def drafted(parts: Within, bearer: Bearer, said: WishSaid) -> Response:
    """Begin to ask for one: a wish is answered with the draft of a request, to be signed where the key is."""
    return answer({"draft": await _asked(parts, bearer, lambda owner: owner.draft_override(said.wish))})


@router.post("/overrides/answers", response_model=OverrideGiven)
async def answered(parts: Within, bearer: Bearer, said: AnswerSaid) -> Response:
    """Hand in an answer to a request: an approval, or a refusal, which ends it for good."""
    return answer(of_override(await _asked(parts, bearer, lambda owner: owner.answer_override(said.answer))))


@router.get("/overrides/{oid}", response_model=RequestGiven)
async def request(parts: Within, bearer: Bearer, oid: Oid) -> Response:
    """The request for an override, as it was signed."""
    return answer({"request": await _asked(parts, bearer, lambda owner: owner.override_request(oid))})


@router.delete("/overrides/{oid}", response_model=OverrideGiven)
async def stop(parts: Within, bearer: Bearer, oid: Oid) -> Response:
    """End an override, a request or one in use. It never opens again."""
    return answer(of_override(await _asked(parts, bearer, lambda owner: owner.end_override(oid))))


@router.get(
    "/events",
    response_class=Response,
    responses={200: {"description": "Server-sent events.", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
)
async def events(
    parts: Within, bearer: Bearer, asked: Annotated[FollowSaid, Query()], last_event_id: LastEventId = None
) -> Response:
    """Entries of the audit log as they are added: `entry` with the number as id, comments where nothing happens, and
    `end` with a problem where it does not go on.
    """
    after = asked.after if last_event_id is None else last_event_id
    following = await _asked(parts, bearer, lambda owner: owner.follow(after))
    if not parts.streams.take(1):  # which is for who shows a token that holds
        following.close()
        raise Problem(FULL, "as many streams of events are open as may be; close one, or try again later")
    return Stream(following, parts, _why_ended)


async def _asked(parts: Parts, bearer: str, work: Callable[[Owner], T]) -> T:
    """What the work returns, done as the owner whom the house knows by this token.

    Raises:
        Problem: too many wait, it takes too long, or the house is not there.
        SeveranceError: what the house raises.
    """
    door = parts.outside.door
    if not isinstance(door, OwnersDoor):
        raise Problem(NOT_FOUND)

    hashed, taken = digest_of(bearer), Event()

    def done() -> T:
        with door.owner(bearer) as owner:
            taken.set()
            return work(owner)

    try:
        return await parts.owners.of(hashed).run(done)
    except AsleepError:
        raise await _why_ended(parts) from None
    finally:
        if taken.is_set():
            parts.let_in.add(bearer, hashed)


async def _why_ended(parts: Parts) -> Problem:
    """The problem of who is answered as the owner no longer: the house is not there, or the token opens nothing now."""
    standing = await parts.rooms.standings.now(fresh=True)
    return Problem(NOT_FOUND) if standing == "open" else await parts.rooms.standings.why_asleep()
