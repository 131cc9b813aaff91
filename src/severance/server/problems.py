"""Errors as answers: `application/problem+json` (RFC 9457), each with a type whose name stays.

This is the one place where an error of Severance becomes a status. What is absent, asleep, retired or forbidden, and
a session of another bearer, have one answer between them. No answer repeats what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from severance import errors

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:severance:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem.

    Attributes:
        name: behind `urn:severance:problem:`.
        status: of the answer.
        title: what it is, for a person.
        detail: what to do about it.
        retry_after: seconds after which the same may go well, for the header; 0 for no such header.
        headers: others that the answer has.
    """

    name: str
    status: int
    title: str
    detail: str
    retry_after: int = 0
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


CLOSE = MappingProxyType({"connection": "close"})

MALFORMED = Kind("malformed", 400, "not a request", "what came is no HTTP request, or its body no JSON")
BEARER_IN_QUERY = Kind(
    "bearer-in-query",
    400,
    "a bearer in the address",
    "an address is written to logs; show the permit or credential in the header Authorization, and make another one",
)
NO_BEARER = Kind(
    "no-bearer",
    401,
    "no bearer",
    "show a permit or a place credential, for /v1/owner an owner token: Authorization: Bearer ...",
    headers=MappingProxyType({"www-authenticate": "Bearer"}),
)
NOT_ALLOWED = Kind("not-allowed", 403, "not allowed", "what this session was let in with does not allow that")
WRONG_ORIGIN = Kind("wrong-origin", 403, "from another site", "pages of other sites are not answered")
NOT_FOUND = Kind("not-found", 404, "nothing here", "nothing by that name can be had with what was shown")
WRONG_METHOD = Kind("wrong-method", 405, "another method", "that address is not for this method; see the header Allow")
TOO_SLOW = Kind(
    "too-slow", 408, "too slow", "the request was not whole in time; send it again, in one go", headers=CLOSE
)
CONFLICT = Kind("conflict", 409, "another was first", "another writer was first; try again", 1)
SESSION_ENDED = Kind(
    "session-ended",
    410,
    "the session has ended",
    "this session is asleep for good; begin another one, and a new model context with it",
)
OVERRIDE_REFUSED = Kind("override-refused", 409, "not that step", "the override does not go on so")
TOO_LARGE = Kind("too-large", 413, "too large", "the body is larger than is taken; send less at a time", headers=CLOSE)
WRONG_MEDIA_TYPE = Kind("wrong-media-type", 415, "not JSON", "send JSON, as Content-Type: application/json")
WRONG_HOST = Kind("wrong-host", 421, "another host", "this server is not known by the name that the request has for it")
INVALID = Kind("invalid", 422, "cannot be meant", "the request does not fit what that address takes")
KEY_USED = Kind(
    "key-used", 422, "another request had this key", "this Idempotency-Key was used for another request; use a new one"
)
TOO_MANY = Kind("too-many", 429, "too many requests", "wait a moment, then send fewer in a second", 1)
TOO_MANY_SESSIONS = Kind(
    "too-many-sessions", 429, "too many sessions", "this bearer has as many sessions as it may; delete one", 5
)
BUSY = Kind("busy", 429, "busy", "as many requests wait as may; nothing was done with this one; try again", 1)
HEAD_TOO_LARGE = Kind("head-too-large", 431, "too large a head", "the headers are larger than is taken", headers=CLOSE)
UNFORESEEN = Kind(
    "unforeseen", 500, "not foreseen", "something went wrong that nobody foresaw; nothing is said of it in this answer"
)
DAMAGED = Kind("damaged", 500, "damaged", "stored bytes are not what was written; the owner runs `severance check`")
ENCODER_FAILED = Kind("encoder-failed", 502, "an encoder failed", "the embedder or the re-ranker of the house failed")
HOUSE_DOWN = Kind("house-down", 503, "no house is up", "no house is up; its owner starts it with `severance up`", 5)
HOUSE_LOCKED = Kind("house-locked", 503, "locked", "the house is locked; its owner opens it with `severance unlock`", 5)
FULL = Kind("full", 503, "full", "as many sessions are open as may be; try again when one has ended", 5)
STORE_BUSY = Kind("store-busy", 503, "the store is busy", "the store was held for too long by another; try again", 1)
STORE_UNFIT = Kind("store-unfit", 503, "the store cannot serve", "the store cannot serve this; its owner sees why", 30)
TOO_LONG = Kind(
    "too-long",
    504,
    "it takes too long",
    "there is no answer yet, and the call goes on; a repeated one with the same Idempotency-Key gets its answer",
)
STORE_FULL = Kind("store-full", 507, "the disk is full", "the disk of the store is full; nothing was written")

KINDS: tuple[Kind, ...] = tuple(each for each in list(globals().values()) if isinstance(each, Kind))

_OF_ERRORS: Mapping[type[BaseException], Kind] = MappingProxyType(
    {
        errors.InputError: INVALID,
        errors.NotFoundError: NOT_FOUND,
        errors.AsleepError: SESSION_ENDED,
        errors.PermitError: NOT_ALLOWED,
        errors.OverrideError: OVERRIDE_REFUSED,
        errors.EmbedderError: ENCODER_FAILED,
        errors.RerankerError: ENCODER_FAILED,
        errors.NotUpError: HOUSE_DOWN,
        errors.StoreBusyError: STORE_BUSY,
        errors.StoreFullError: STORE_FULL,
        errors.ConflictError: CONFLICT,
        errors.StoreError: STORE_UNFIT,
        errors.DamagedError: DAMAGED,
        errors.SeveranceError: UNFORESEEN,
    }
)
_OPEN = ("metadata", "where")
"""Fields in which the caller chooses the names."""
MOST_TOLD = 32
"""Findings of the validation that are told of one request."""
_BOUNDS: Mapping[str, str] = MappingProxyType(
    {
        "min_length": "minLength",
        "max_length": "maxLength",
        "max_properties": "maxProperties",
        "ge": "minimum",
        "le": "maximum",
        "pattern": "pattern",
        "expected": "expected",
    }
)
"""What a finding may tell of the description: as the validation has it, and in the words of JSON Schema."""
_OF_LISTS = ("too_short", "too_long")
_BRANCHES = ("one", "many")
"""Words of the description for what a body can be; they are not in the body."""
_OF_STATUSES: Mapping[int, Kind] = MappingProxyType(
    {400: MALFORMED, 404: NOT_FOUND, 405: WRONG_METHOD, 413: TOO_LARGE, 415: WRONG_MEDIA_TYPE}
)


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is an error.

    Attributes:
        kind: its type.
        detail: what to do, in the place of the kind's.
        errors: for `INVALID`, what is wrong where.
        headers: those that the kind does not have.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, object]] = (),
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.detail = detail or kind.detail
        self.errors = errors
        self.headers = headers

    @property
    def content(self) -> bytes:
        """The body of the answer."""
        told: dict[str, Any] = {"type": PREFIX + self.kind.name, "title": self.kind.title, "status": self.kind.status}
        told["detail"] = self.detail
        if self.errors:
            told["errors"] = self.errors
        return msgspec.json.encode(told)

    def response(self) -> Response:
        """The answer."""
        headers = {**self.kind.headers, **self.headers}
        if self.kind.retry_after:
            headers["retry-after"] = str(self.kind.retry_after)
        return Response(self.content, self.kind.status, headers, MEDIA_TYPE)


def problem_of(error: BaseException) -> Problem:
    """The problem that an error is: of Severance, of the framework, or one that nobody foresaw."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        found = error.errors()
        if any(each["type"] == "json_invalid" for each in found):
            return Problem(MALFORMED)
        return Problem(INVALID, errors=[_where(each) for each in found[:MOST_TOLD]])
    if isinstance(error, HTTPException):
        kind = _OF_STATUSES.get(error.status_code, UNFORESEEN)
        return Problem(kind, headers=error.headers or {})
    kind = next((_OF_ERRORS[each] for each in type(error).__mro__ if each in _OF_ERRORS), UNFORESEEN)
    if kind in (INVALID, NOT_ALLOWED, OVERRIDE_REFUSED):
        return Problem(kind, str(error))  # of what the caller said, and without repeating it
    if isinstance(error, (errors.EmbedderError, errors.RerankerError)) and error.again:
        return Problem(kind, headers={"retry-after": "5"})
    return Problem(kind)


def _where(found: Mapping[str, Any]) -> dict[str, object]:
    """One finding of the validation: where, as a JSON pointer behind body, query or header, what, and which bounds the
    description has for it; never the input.

    A name that only the caller can have written is not repeated either: of an unknown field, or of metadata.
    """
    place, *way = found["loc"]
    if place == "body" and way and way[0] in _BRANCHES:
        way = way[1:]
    if found["type"] == "extra_forbidden":
        way = [*way[:-1], "*"]
    way = way[: 1 + min((way.index(each) for each in _OPEN if each in way), default=len(way))]
    pointer = "".join(f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in way)
    told: dict[str, object] = {"in": str(place), "pointer": pointer, "code": str(found["type"])}
    bounds = {_BOUNDS[name]: value for name, value in found.get("ctx", {}).items() if name in _BOUNDS}
    if found["type"] in _OF_LISTS:
        bounds = {name.replace("Length", "Items"): value for name, value in bounds.items()}
    return {**told, "bounds": bounds} if bounds else told
