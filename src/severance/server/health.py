"""Whether the server lives, whether it can serve, and what it counts. Nothing here depends on what any persona does,
but for the counts, which need a token of their own. To HEAD, who serves leaves the body out.
"""

from __future__ import annotations

import hmac
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from severance.server.metrics import MEDIA_TYPE
from severance.server.problems import NOT_FOUND, Problem
from severance.server.said import Bearer, Given, answer
from severance.server.sessions import Within

router = APIRouter(tags=["health"])


class HealthGiven(Given):
    """That there is an answer is what it says."""

    status: Literal["alive"]


class ReadyGiven(Given):
    """Whether a house is up, and open."""

    ready: bool
    house: Literal["open", "locked", "down"]


@router.get("/healthz", response_model=HealthGiven)
@router.head("/healthz", include_in_schema=False)
async def healthz() -> Response:
    """Whether the server lives, with or without a house."""
    return answer({"status": "alive"})


@router.get("/readyz", response_model=ReadyGiven, responses={503: {"model": ReadyGiven}})
@router.head("/readyz", include_in_schema=False)
async def readyz(parts: Within) -> Response:
    """Whether somebody could be let in now."""
    house = await parts.rooms.standings.now()
    ready = house == "open"
    return answer({"ready": ready, "house": house}, 200 if ready else 503, None if ready else {"retry-after": "5"})


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(parts: Within, bearer: Bearer) -> Response:
    """What is counted, for Prometheus, where the server was given a token for that."""
    token = parts.outside.metrics_token
    if token is None or not hmac.compare_digest(bearer.encode(), token.encode()):
        raise Problem(NOT_FOUND)
    return Response(parts.meters.told(), media_type=MEDIA_TYPE)
