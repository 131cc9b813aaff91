"""A server on this machine that speaks as encoders and re-rankers behind an endpoint do, and can fail as they do.

It answers what it is told to, one mode for each request in turn and the last for ever, and keeps what it was asked.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from kit.http import Server, running
from severance.embed import Hashing

DIMENSIONS = 16


@dataclass
class Request:
    """What was asked: the path, the headers, the JSON, from which port, and the bytes of the body."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    port: int
    raw: bytes = b""


@dataclass
class Serving:
    """A server that runs.

    Attributes:
        modes: how the next requests are answered; see `_Handler`.
        asked: every request, in order.
        released: ends a mode that waits.
        raw: the bytes that the mode `raw` sends in place of an answer, piece by piece.
    """

    url: str = ""
    modes: list[str] = field(default_factory=lambda: ["ok"])
    asked: list[Request] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    raw: Iterable[bytes] = ()
    retry_after: str = "0"
    dimensions: int = DIMENSIONS

    def mode(self) -> str:
        """How the next request is answered."""
        return self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]

    def texts(self) -> list[list[str]]:
        """The texts of each request for vectors."""
        return [request.body["input"] for request in self.asked if request.path.endswith("/embeddings")]


@contextmanager
def serving(*modes: str, tls: tuple[Path, Path] | None = None) -> Iterator[Serving]:
    """Serve on a port of the system's choice, encrypted with a certificate and its key where they are given."""
    state = Serving(modes=list(modes) or ["ok"])

    class Handler(_Handler):
        serving = state

    server = Server(Handler)
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"http{'s' if tls else ''}://127.0.0.1:{server.port}/v1"
    with running(server, state.released.set):
        yield state


class _Handler(BaseHTTPRequestHandler):
    serving: Serving
    protocol_version = "HTTP/1.1"

    def log_message(self, *told: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Nobody should ask so: where a redirect was followed, for instance."""
        self.serving.asked.append(Request(self.path, dict(self.headers), {}, self.client_address[1]))
        self._send(200, b"{}")

    def do_POST(self) -> None:
        """Answer in the mode whose turn it is."""
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        body = json.loads(raw)
        self.serving.asked.append(Request(self.path, dict(self.headers), body, self.client_address[1], raw))
        mode, _, more = self.serving.mode().partition(":")
        if mode.isdigit():
            self._send(int(mode), b'{"error": "%s"}' % str(body).encode(), {"Retry-After": self.serving.retry_after})
        elif mode == "redirect":
            self._send(307, b"", {"Location": more})
        elif hasattr(self, f"_{mode}"):
            getattr(self, f"_{mode}")(body)
        else:
            self._send(200, _json(altered(mode, answer(self.path, body, self.serving.dimensions))))

    def _hangs(self, body: Any) -> None:
        self.serving.released.wait(600)
        self.close_connection = True

    def _drips(self, body: Any) -> None:
        """A header that never ends, one byte at a time: no single wait is long."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not self.serving.released.wait(0.02):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def _dropped(self, body: Any) -> None:
        """The connection ends in the middle of the answer."""
        whole = _json(answer(self.path, body, self.serving.dimensions))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])
        self.close_connection = True

    def _closed(self, body: Any) -> None:
        """The connection ends before the answer."""
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def _huge(self, body: Any) -> None:
        """An answer without an end; what was asked is said again and again in it."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        piece = _json(body) * 10_000
        try:
            while not self.serving.released.is_set():
                self.wfile.write(piece)
        except OSError:
            self.close_connection = True

    def _raw(self, body: Any) -> None:
        """What `Serving.raw` says, whatever that is."""
        self.close_connection = True
        with suppress(ConnectionError):
            for piece in self.serving.raw:
                self.wfile.write(piece)

    def _html(self, body: Any) -> None:
        self._send(200, _json(answer(self.path, body, self.serving.dimensions)), {"Content-Type": "text/html"})

    def _untyped(self, body: Any) -> None:
        """A good answer that does not say that it is JSON."""
        self._send(200, _json(answer(self.path, body, self.serving.dimensions)), {"Content-Type": ""})

    def _garbage(self, body: Any) -> None:
        self._send(200, b'{"data": [' + _json(body)[1:])

    def _deep(self, body: Any) -> None:
        self._send(200, b'{"data": ' + b"[" * 100_000)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})
        for name, value in given.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def answer(path: str, body: dict[str, Any], dimensions: int) -> dict[str, Any]:
    """What a server that works says: vectors three times too long, or how many words a text shares with the query."""
    if path.endswith("/rerank"):
        asked = set(body["query"].lower().split())
        scores = [len(asked & set(text.lower().split())) / len(asked) for text in body["documents"]]
        ranked = [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]
        return {"results": sorted(ranked, key=lambda item: -item["relevance_score"])}
    vectors = 3 * Hashing(body.get("dimensions", dimensions)).embed(body["input"])
    return {"data": [{"index": n, "embedding": vector} for n, vector in enumerate(vectors.tolist())]}


def altered(mode: str, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with what the mode does to it: to the list of its items, or to the first of its vectors or scores."""
    items: list[dict[str, Any]] = answer["data"] if "data" in answer else answer["results"]
    what = "embedding" if "data" in answer else "relevance_score"
    if mode in _LISTS:
        _LISTS[mode](items)
    elif mode in _FIRST:
        found = items[0][what]
        items[0][what] = [_FIRST[mode], *found[1:]] if isinstance(found, list) else _FIRST[mode]
    elif mode in _VECTORS:
        change, first_only = _VECTORS[mode]
        for item in items[: 1 if first_only else None]:
            item[what] = change(item[what])
    else:
        assert mode == "ok", f"no such mode: {mode}"
    return answer


_LISTS: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "shuffled": lambda items: items.reverse(),
    "short": lambda items: items.pop(),
    "long": lambda items: items.append({**items[0], "index": len(items)}),
    "strange": lambda items: items[-1].update(index=7_777),
    "twice": lambda items: items[-1].update(index=items[0]["index"]),
}
_FIRST = {"nan": float("nan"), "null": None, "immense": 1e999, "big": 1e300}
_VECTORS: dict[str, tuple[Callable[[list[float]], list[float]], bool]] = {
    "zero": (lambda vector: [0.0] * len(vector), True),
    "ragged": (lambda vector: vector[:-1], True),
    "wider": (lambda vector: [*vector, 0.5], False),
    "empty": (lambda vector: [], False),
}


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
