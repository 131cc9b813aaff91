"""MCP beside the routes: the same door, the same bearer, an ASGI application of its own for one path."""

from __future__ import annotations

import asyncio

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from severance.mcp.http import OverHttp

PATH = "/mcp"


def route(mcp: OverHttp, closing: asyncio.Event) -> Route:
    """The route. What is listened to without an end comes to one when the server does."""

    class Mounted:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] != "GET":
                await mcp(scope, receive, send)
                return
            stream = asyncio.ensure_future(mcp(scope, receive, send))
            end = asyncio.ensure_future(closing.wait())
            await asyncio.wait({stream, end}, return_when=asyncio.FIRST_COMPLETED)
            end.cancel()
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)

    return Route(PATH, endpoint=Mounted(), include_in_schema=False)
