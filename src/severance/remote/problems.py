"""What a server answers in the place of what was asked for, as the errors of the library.

The answers are `application/problem+json` (RFC 9457), told apart by the name behind `urn:severance:problem:`. What is
none of that is of something between here and the server, or of no server of Severance.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from severance import errors
from severance.errors import SeveranceError

PREFIX = "urn:severance:problem:"
AGAIN = frozenset({409, 429, 502, 503, 504})
"""Statuses after which the same may go well, where the answer has a Retry-After, or is 504."""
MOST_WAIT = 30.0
_MOST_DETAIL = 500

_KINDS: Mapping[str, type[SeveranceError]] = MappingProxyType(
    {
        **dict.fromkeys(("no-bearer", "not-found", "wrong-host", "wrong-origin"), errors.NotFoundError),
        "not-allowed": errors.PermitError,
        "session-ended": errors.AsleepError,
        "house-locked": errors.AsleepError,
        "override-refused": errors.OverrideError,
        "conflict": errors.ConflictError,
        **dict.fromkeys(
            ("too-many", "too-many-sessions", "busy", "full", "store-busy", "too-slow", "too-long"),
            errors.StoreBusyError,
        ),
        "house-down": errors.NotUpError,
        "encoder-failed": errors.EmbedderError,
        "store-full": errors.StoreFullError,
        "damaged": errors.DamagedError,
    }
)


class _Told(msgspec.Struct):
    """The fields of a problem that are read."""

    type: str = ""
    detail: str = ""


def error_of(status: int, body: bytes, *, again: bool) -> SeveranceError:
    """The error that an answer is.

    Args:
        status: of the answer, 400 or more.
        body: of the answer.
        again: whether the server says that the same may go well later.
    """
    try:
        told = msgspec.json.decode(body, type=_Told)
    except (msgspec.MsgspecError, RecursionError):
        told = _Told()
    if not told.type.startswith(PREFIX):
        return errors.StoreError(
            f"what answered (with status {status}) is no server of Severance; check the address and what is before it"
        )
    name = told.type.removeprefix(PREFIX)
    detail = "".join(char if char.isprintable() else "�" for char in told.detail[:_MOST_DETAIL]) or name
    kind = _KINDS.get(name, errors.InputError if status < 500 else errors.StoreError)
    if issubclass(kind, errors.EmbedderError):
        return kind(detail, again=again)
    return kind(detail)


def unreached(url: str, lost: BaseException) -> tuple[SeveranceError, bool]:
    """The error for a request to which no answer came, and whether the same may go well later.

    Args:
        url: of the server.
        lost: what the HTTP library raised.
    """
    cause: BaseException | None = lost
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        what = "shows a certificate that is not trusted for it; name its authority's file in `certificates`"
        return errors.NotUpError(f"what answers at {url} {what}"), False
    if cause is not None:
        return errors.NotUpError(
            f"what answers at {url} does not speak TLS as it should; is it one for http://?"
        ), False
    return errors.NotUpError(f"no answer comes from {url}; see whether a server is there"), True


def wait_of(status: int, retry_after: str | None, attempt: int) -> float | None:
    """Seconds to wait before the same is sent again, or None where that makes no sense.

    Args:
        status: of the answer.
        retry_after: the header of that name.
        attempt: how often it was sent before, from 0.
    """
    if status not in AGAIN or (retry_after is None and status != 504):
        return None
    told = float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdecimal() else 0.0
    return min(MOST_WAIT, max(told, pause(attempt)))


def pause(attempt: int) -> float:
    """Seconds to wait after the attempt of this number, from 0: 0.1, 0.2, 0.4 and so on."""
    return float(min(MOST_WAIT, 0.1 * 2**attempt))
