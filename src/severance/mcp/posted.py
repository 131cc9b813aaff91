"""What is posted to the server over streamable HTTP, read with bounds, and what is answered where it is no message."""

from __future__ import annotations

import anyio
from mcp_types import INVALID_REQUEST, ErrorData, JSONRPCError, JSONRPCMessage, RequestId
from starlette.responses import Response
from starlette.types import Message, Receive

from severance.mcp.wire import MOST_BYTES, Refused, bytes_of, message_in

_PATIENCE = 30.0
"""Seconds in which the body of a request has to arrive."""
AGAIN = {"Retry-After": "5"}


class Told(Exception):  # noqa: N818 - not an error: an answer
    """What is answered instead."""

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        code: int = INVALID_REQUEST,
        data: object = None,
        id: RequestId | None = None,  # noqa: A002
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        error = (
            ErrorData(code=code, message=sentence)
            if data is None
            else ErrorData(code=code, message=sentence, data=data)
        )
        body = bytes_of(JSONRPCError(jsonrpc="2.0", id=id, error=error))
        self.response = Response(body, status, headers, "application/json")


def unheard() -> Told:
    """The answer to who has gone in the middle of a request, which nobody hears."""
    return Told(400, "the request ended in the middle of it")


async def body_of(receive: Receive) -> bytes:
    """The body of a request. Raises Told where it is too large, too slow, or not whole."""
    body = bytearray()
    with anyio.move_on_after(_PATIENCE):
        while len(body) <= MOST_BYTES:
            said = await receive()
            if said["type"] != "http.request":
                raise unheard()
            body += said.get("body", b"")
            if not said.get("more_body", False):
                break
        else:
            raise Told(413, f"a request may have {MOST_BYTES:,} bytes; send less at a time")
        if len(body) > MOST_BYTES:
            raise Told(413, f"a request may have {MOST_BYTES:,} bytes; send less at a time")
        return bytes(body)
    raise Told(408, "the request did not arrive in time; send it again")


def message_of(body: bytes) -> JSONRPCMessage:
    """The message that a body is. Raises Told where it is none."""
    found = message_in(body)
    if isinstance(found, Refused):
        raise Told(400, found.sentence, code=found.code, id=found.id)
    return found


def again(body: bytes, receive: Receive) -> Receive:
    """What a request is received with when its body has been read: once more the body, and then what follows."""
    first = True

    async def received() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return received
