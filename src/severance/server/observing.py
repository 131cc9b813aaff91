"""What is seen of a request from outside: a span, a count, a line of a log; none has content, a name or an id.

Outermost, so that whatever goes wrong below becomes an answer here, and is not written anywhere.
"""

from __future__ import annotations

import json

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from severance.model import moment
from severance.server.parts import Parts
from severance.server.problems import Problem, problem_of

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NONE = "none"
_HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class Observing:
    """Watches each request, and answers what nobody below has; as ASGI middleware."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._tracer = trace.get_tracer("severance.server")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = self._parts.outside.ticks(), _Answer(send)
        scope.setdefault("state", {})
        with self._tracer.start_as_current_span(
            "request", _context(scope), SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                await self._answered(scope, receive, answer)
            finally:
                method, route = _method(scope), route_of(scope)
                _describe(span, method, route, answer.status)
                self._seen(scope, method, route, answer.status, self._parts.outside.ticks() - began)

    async def _answered(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the last place below which nothing may be written of it
            if answer.status:
                raise Cut from None  # half of an answer is out; the connection is closed without a word
            scope["state"]["error"] = type(error).__name__
            await told(scope, problem_of(error), receive, answer.send)

    def _seen(self, scope: Scope, method: str, route: str, status: int, seconds: float) -> None:
        meters, log = self._parts.meters, self._parts.outside.log
        meters.answered(method, route, status, seconds)
        name = scope["state"].get("problem")
        if name is not None:
            meters.problem(name)
        if log is not None:
            at = moment(self._parts.outside.clock.now()).isoformat(timespec="milliseconds")
            line = {"at": at, "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
            more = {"problem": name, "error": scope["state"].get("error") if status == 500 else None}
            log(json.dumps(line | {name: word for name, word in more.items() if word is not None}))


class _Answer:
    """What is sent, with the headers that every answer has.

    Attributes:
        status: of the answer; 0 while there is none.
    """

    def __init__(self, send: Send) -> None:
        self.status = 0
        self._send = send

    async def send(self, message: Message) -> None:
        """Send a part of it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await self._send(message)


class Cut(Exception):  # noqa: N818 - what went wrong was something else, of which nothing is said
    """An answer that could not be given to its end."""


async def told(scope: Scope, problem: Problem, receive: Receive, send: Send) -> None:
    """Answer with a problem."""
    scope["state"]["problem"] = problem.kind.name
    await problem.response()(scope, receive, send)


def route_of(scope: Scope) -> str:
    """The template of the route that has a request, which is the server's own word; or `none`."""
    return getattr(scope.get("route"), "path", None) or _NONE


def _context(scope: Scope) -> Context:
    """Of what the request says that it is a part: of the W3C trace context, and of nothing else that it has."""
    carrier = Headers(scope=scope)
    return propagate.extract({name: carrier[name] for name in ("traceparent", "tracestate") if name in carrier})


def _describe(span: Span, method: str, route: str, status: int) -> None:
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"
