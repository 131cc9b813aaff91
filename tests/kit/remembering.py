"""A witness on this machine that is asked over HTTP, and can fail as one does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from kit.http import Server, running


@dataclass
class Remembering:
    """A server that runs.

    Attributes:
        url: where it is.
        kept: every note that it took, the last of which it answers with.
        asked: the method and path of each request.
        status: what it answers instead, where it is set; or "hangs", "closed" or "drips".
        nothing: the status with which it says that it has no note.
        released: ends what waits.
    """

    url: str = ""
    kept: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    status: int | str | None = None
    nothing: int = 404
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def remembering() -> Iterator[Remembering]:
    """Serve on a port of the system's choice."""
    state = Remembering()

    class Handler(_Handler):
        serving = state

    server = Server(Handler)
    state.url = f"http://127.0.0.1:{server.port}/log?of=mine"
    with running(server, state.released.set):
        yield state


class _Handler(BaseHTTPRequestHandler):
    serving: Remembering
    protocol_version = "HTTP/1.1"

    def log_message(self, *told: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        if not self._fails():
            kept = self.serving.kept
            self._send(200 if kept else self.serving.nothing, kept[-1] if kept else b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._fails():
            self.serving.kept.append(body)
            self._send(201, b"")

    def _fails(self) -> bool:
        serving = self.serving
        serving.asked.append(f"{self.command} {self.path}")
        if isinstance(serving.status, int):
            self._send(serving.status, b"what was sent is not repeated")
        elif serving.status in ("hangs", "drips"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not serving.released.wait(0.02):
                if serving.status == "drips":
                    try:
                        self.wfile.write(b"x")
                    except OSError:
                        break
            self.close_connection = True
        elif serving.status == "closed":
            self.close_connection = True
        return serving.status is not None

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)
