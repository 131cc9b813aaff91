"""Messages as bytes: what a client sent, or the error that it gets instead (JSON-RPC 2.0, section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import pydantic_core
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    RequestId,
    jsonrpc_message_adapter,
)

MOST_BYTES = 2**22
"""Of one message."""


def message_in(raw: bytes) -> JSONRPCMessage | Refused:
    """The message, or what is wrong with it."""
    try:
        found = pydantic_core.from_json(raw, allow_inf_nan=False)
    except ValueError:
        return Refused(PARSE_ERROR, "this is not JSON; send one message in UTF-8")
    with suppress(ValueError):
        message = jsonrpc_message_adapter.validate_python(found, by_name=False)
        # A request whose id can be none would else pass for a notification, and have no answer.
        if not isinstance(message, JSONRPCNotification) or "id" not in found:
            return message
    if isinstance(found, list):
        return Refused(INVALID_REQUEST, "this is a batch; send one message at a time")
    sentence = "this is not a message of JSON-RPC 2.0; send an object with jsonrpc, method and, for a request, an id"
    return Refused(INVALID_REQUEST, sentence, _id_in(found))


def too_long() -> Refused:
    """The error for a message of more than `MOST_BYTES`."""
    return Refused(INVALID_REQUEST, f"the message has more than {MOST_BYTES:,} bytes; send less at a time")


@dataclass(frozen=True, slots=True)
class Refused:
    """What was sent, and is no message; with the error that its sender gets."""

    code: int
    sentence: str
    id: RequestId | None = None

    @property
    def error(self) -> JSONRPCError:
        """The answer. Its id is null where none could be told."""
        return JSONRPCError(jsonrpc="2.0", id=self.id, error=ErrorData(code=self.code, message=self.sentence))


def bytes_of(message: JSONRPCMessage) -> bytes:
    """A message as it goes to a client: one line, without its end."""
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _id_in(found: object) -> RequestId | None:
    given = found.get("id") if isinstance(found, Mapping) else None
    return given if isinstance(given, str | int) and not isinstance(given, bool) else None
