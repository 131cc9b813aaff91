"""The application: parts, routes and what is around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from severance import __version__
from severance.errors import SeveranceError
from severance.server import asking, describing, health, memories, mounted, owner, sessions
from severance.server.bodies import Bodies
from severance.server.gate import Gate
from severance.server.observing import Observing
from severance.server.parts import Outside, Parts
from severance.server.problems import WRONG_METHOD, Problem, problem_of

ROUTERS = (sessions.router, memories.router, asking.router, owner.router, health.router)
"""All groups of routes. One more is a module with a `router`, in this row."""

_SWEEP = 15.0
_NO_TELEMETRY: TelemetryConfig = {  # spans, counts and logs are those of `observing`
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_ABOUT = (
    "One session is one persona, which the place of the permit or credential decides. No route, parameter or header "
    "takes the name of a persona. A crossing starts a new model context. Errors are `application/problem+json`."
)


def application(outside: Outside) -> FastAPI:
    """The HTTP interface to a house. Its lifespan has to be run: it lets go of sessions, and has all sleep at the end.

    Args:
        outside: the house, the limits, the ports.
    """
    parts = Parts(outside)
    app = FastAPI(
        title="Severance",
        version=__version__,
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
        middleware=[
            Middleware(Observing, parts=parts),
            Middleware(Gate, parts=parts),
            Middleware(Bodies, parts=parts),
        ],
        telemetry=_NO_TELEMETRY,
    )
    app.state.parts = parts
    for kind in (Problem, SeveranceError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _told)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(describing.route(app))
    app.router.routes.append(mounted.route(parts.mcp, parts.closing))
    app.openapi = lambda: describing.description_of(app)  # type: ignore[method-assign]
    return app


async def _told(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    if problem.kind is WRONG_METHOD:  # the framework knows the methods of one route, and an address may have several
        problem.headers = _allowed(request.url.path) or problem.headers
    request.scope["state"]["problem"] = problem.kind.name
    return problem.response()


def _allowed(path: str) -> dict[str, str]:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    methods = {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    return {"allow": ", ".join(sorted(methods))} if methods else {}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    async with parts.mcp.run():
        sweeping = asyncio.create_task(_sweeping(parts))
        try:
            yield
        finally:
            parts.closing.set()
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
            await parts.owners.end()
            await parts.rooms.close()


async def _sweeping(parts: Parts) -> None:
    while True:
        await asyncio.sleep(min(_SWEEP, parts.outside.limits.idle))
        await parts.rooms.sweep()
