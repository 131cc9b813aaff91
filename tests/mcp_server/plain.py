"""Clients written from the specification alone (JSON-RPC 2.0; Model Context Protocol 2025-06-18 and 2026-07-28)."""

from __future__ import annotations

import json
import subprocess
from typing import Any, Self

import httpx2

OLD = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
NEW = "2026-07-28"
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "plain", "version": "0"}}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": NEW,
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Lines:
    """A client of a program, one line for each message."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.count = 0
        self.beside: list[dict[str, Any]] = []  # what came that was no answer to what was asked last

    def write(self, raw: bytes) -> None:
        """Send these bytes."""
        assert self.process.stdin is not None
        self.process.stdin.write(raw)
        self.process.stdin.flush()

    def send(self, method: str, **params: Any) -> int:
        """Send a request. Returns its id."""
        self.count += 1
        message = {"jsonrpc": "2.0", "id": self.count, "method": method, "params": params}
        self.write(json.dumps(message).encode() + b"\n")
        return self.count

    def tell(self, method: str, **params: Any) -> None:
        """Send a notification."""
        self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode() + b"\n")

    def next(self) -> dict[str, Any]:
        """The next message. Whatever is on standard output has to be one."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the program has ended"
        found: dict[str, Any] = json.loads(line)
        assert found["jsonrpc"] == "2.0"
        return found

    def answer(self, number: int | None) -> dict[str, Any]:
        """The answer to the request with this id."""
        while True:
            found = self.next()
            if "method" not in found and found["id"] == number:
                return found
            self.beside.append(found)

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request."""
        return self.answer(self.send(method, **params))

    def begin(self, version: str = HELLO["protocolVersion"]) -> dict[str, Any]:
        """The handshake. Returns what the server says of itself."""
        result: dict[str, Any] = self.ask("initialize", **{**HELLO, "protocolVersion": version})["result"]
        self.tell("notifications/initialized")
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers."""
        found = self.ask("tools/call", name=tool, arguments=arguments)
        result: dict[str, Any] = found["result"]
        return result

    def end(self) -> tuple[int, bytes, bytes]:
        """Say nothing more. Returns the exit code, and what was left on standard output and error."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


class Posts:
    """A client over streamable HTTP."""

    def __init__(self, address: str, bearer: str | None) -> None:
        self.address = address
        self.headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        if bearer is not None:
            self.headers["Authorization"] = f"Bearer {bearer}".strip()
        self.http = httpx2.Client(timeout=60)
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.http.close()

    def post(self, message: Any, **headers: str) -> httpx2.Response:
        """Post one message, or bytes that are none."""
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.http.post(self.address, content=content, headers=self.headers | headers)

    def request(self, method: str, **params: Any) -> httpx2.Response:
        """Post a request."""
        self.count += 1
        return self.post({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request."""
        response = self.request(method, **params)
        assert response.status_code == 200, response.text
        return last_of(response)

    def begin(self, version: str = HELLO["protocolVersion"]) -> dict[str, Any]:
        """The handshake. Returns what the server says of itself."""
        response = self.request("initialize", **{**HELLO, "protocolVersion": version})
        assert response.status_code == 200, response.text
        self.headers |= {"Mcp-Session-Id": response.headers["mcp-session-id"]}
        result: dict[str, Any] = last_of(response)["result"]
        self.headers |= {"MCP-Protocol-Version": result["protocolVersion"]}
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a tool answers."""
        result: dict[str, Any] = self.ask("tools/call", name=tool, arguments=arguments)["result"]
        return result

    def end(self) -> int:
        """End the session. Returns the status."""
        return self.http.delete(self.address, headers=self.headers).status_code


def messages_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """The messages in a body of JSON, or in one of events (HTML, Server-sent events)."""
    if response.headers["content-type"].startswith("application/json"):
        return [response.json()]
    events = response.text.replace("\r\n", "\n").split("\n\n")
    data = ["\n".join(line[5:].strip() for line in event.split("\n") if line.startswith("data:")) for event in events]
    return [json.loads(each) for each in data if each]


def last_of(response: httpx2.Response) -> dict[str, Any]:
    """The last message of a response, which is the answer."""
    return messages_of(response)[-1]
