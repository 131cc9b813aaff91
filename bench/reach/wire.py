"""A client that costs little, so that the server is what is measured: HTTP/1.1, one request at a time."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class Wire:
    """A connection that is opened when it is needed."""

    def __init__(self, port: int, bearer: str) -> None:
        self._port = port
        self._head = f"host: 127.0.0.1\r\nauthorization: Bearer {bearer}\r\ncontent-type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> tuple[int, Any]:
        """The status of the answer, and what it says."""
        raw = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\n{self._head}content-length: {len(raw)}\r\n"
        head += "\r\n" if key is None else f"idempotency-key: {key}\r\n\r\n"
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            writer.write(head.encode() + raw)
            said = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(said.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            told = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        if b"\r\nconnection: close" in said:
            self.close()
        return int(said[9:12]), json.loads(told) if told else None

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def crossed(wire: Wire) -> str:
    """The path of a new session."""
    status, told = await wire.ask("POST", "/v1/sessions")
    if status != 201:
        raise RuntimeError(f"no crossing: {status} {told['type']}")
    return f"/v1/sessions/{told['id']}"
