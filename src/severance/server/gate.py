"""What every request passes before a route has it: who it says it is for, where it comes from, who shows what."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from severance.server.door import digest_of
from severance.server.parts import Parts
from severance.server.problems import BEARER_IN_QUERY, CLOSE, TOO_MANY, WRONG_HOST, WRONG_ORIGIN, Kind, Problem

_SHOWN = frozenset(
    {"access_token", "api_key", "apikey", "authorization", "bearer", "credential", "permit", "secret", "token"}
)
_HERE = frozenset({"localhost"})
_NOBODY = b""
"""By what all requests without a bearer are counted together."""
FREE = frozenset({"/healthz", "/readyz"})
"""Whoever watches over the server is answered whatever others ask."""


class Gate:
    """Raises a Problem for what must not come in; as ASGI middleware.

    A page of another site, in a browser of this machine, may have a name of its own lead here (DNS rebinding); it can't
    write the header `Host`, so that names which nobody gave to this server are refused. An address is no such name.
    """

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts
        self._names = _HERE | {name.lower() for name in parts.outside.names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        refused = self._refused(scope, hosts, headers.get("origin"))
        if refused is not None:
            raise Problem(refused)
        bearer = bearer_in(headers)
        hashed = _NOBODY if bearer is None else digest_of(bearer)
        if scope["path"] not in FREE and not self._parts.rates.take(self._parts.let_in.counted(hashed)):
            raise Problem(TOO_MANY, headers=CLOSE if bearer is None else {})
        scope["state"] |= {"bearer": bearer, "is_known": hashed in self._parts.let_in}

    def _refused(self, scope: Scope, hosts: Sequence[str], origin: str | None) -> Kind | None:
        if len(hosts) != 1 or not self._is_known(hosts[0]):
            return WRONG_HOST
        if origin is not None and origin.lower() != f"{scope['scheme']}://{hosts[0]}".lower():
            return WRONG_ORIGIN
        query = scope["query_string"].decode("latin-1")
        if query and any(name.lower() in _SHOWN for name, _ in parse_qsl(query, keep_blank_values=True)):
            return BEARER_IN_QUERY
        return None

    def _is_known(self, host: str) -> bool:
        name = _without_port(host).lower()
        return name in self._names or _is_address(name)


def bearer_in(headers: Headers) -> str | None:
    """What is shown in the header Authorization; None where there is no such header, several, or another scheme."""
    given = headers.getlist("authorization")
    scheme, _, text = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    text = text.strip()
    return text if scheme.lower() == "bearer" and text and text.isascii() else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
