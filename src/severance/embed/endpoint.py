"""One HTTP endpoint that is asked with JSON: where it may be, how long it may take, and what it may answer.

A connection serves one call and is closed with it: what two sessions ask never shares one. Nothing that was sent or
answered is kept after the call, and no error repeats any of it. No redirect is followed, and no proxy is used.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, NoReturn, TypeVar
from urllib.parse import SplitResult

import msgspec

from severance.errors import EmbedderError, InputError, RerankerError
from severance.net import Asked, Unanswered, checked_url, exchange, is_private, whole

T = TypeVar("T")
Raised = type[EmbedderError] | type[RerankerError]
"""The class of the errors that an endpoint's caller wants."""

MOST_REPLY = 64 * 2**20
"""Bytes of an answer that are read at most, with its headers and whatever frames it."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What `msgspec` raises over bytes that are no JSON, or not of the shape that was asked for."""

_TIMED_OUT = 408
_TOO_MANY = 429
_REFUSED_KEY = (401, 403)
_ENVIRONMENT_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")  # capitals, as hardly a key itself that was put in its place
_KEY = re.compile(r"[!-~]+")
_NO_NUMBER = re.compile(rb"[\[,:]\s*-?(?:nan|inf)", re.IGNORECASE)  # as Python and others write them; JSON has none
_NOT_FINITE = re.compile(r"Expected `(?:float|int)`, got `null`|Expected `array`, got `null`\Z|Number out of range")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an endpoint is waited for, and how often it is asked again.

    Attributes:
        seconds: for one request with all its retries, and the waiting between them.
        tries: how often it is asked at most.
        first, most: the pauses double from the first to the longest, in seconds, each shortened at random to between
            half and all of it; a server that says when to come back is believed, up to the longest.
        ticks: seconds that pass, from any beginning.
        wait: passes so many seconds.
        chance: a number from 0 to 1 by which clients that failed together come back apart.
    """

    seconds: float = 120.0
    tries: int = 5
    first: float = 0.5
    most: float = 30.0
    ticks: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = lambda: time.perf_counter_ns() // 100 % 1_000 / 1_000

    def __post_init__(self) -> None:
        if not (0 < self.seconds <= 86_400 and 1 <= self.tries <= 100):
            raise InputError("an endpoint is waited for up to 86,400 seconds, and asked 1 to 100 times")

    def pause(self, failures: int, wanted: float | None) -> float:
        """Seconds before the next try, after so many failures; `wanted` is what the server asked for."""
        if wanted is not None:
            return min(max(wanted, 0.0), self.most)
        doubled: float = min(self.first * 2.0 ** (failures - 1), self.most)
        return doubled * (1 + self.chance()) / 2


class Endpoint:
    """Where requests go, such as `http://127.0.0.1:11434/v1`."""

    def __init__(
        self, url: str, *, key: str | None = None, plain_http: bool = False, patience: Patience | None = None
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: where it is; http only to this machine, unless `plain_http`.
            key: the name of the environment variable that holds the API key, or None to send none.
            plain_http: whether texts may go over a network unencrypted.
            patience: how long it may take.

        Raises:
            InputError: the URL or the name is not one that can be used.
        """
        self._parts = _checked(url, plain_http)
        self.host = self._parts.netloc
        if key is not None and not _ENVIRONMENT_NAME.fullmatch(key):
            raise InputError("the key of an endpoint is given as the name of a variable in capitals that holds it")
        self._key = key
        self._patience = patience or Patience()

    def __repr__(self) -> str:
        return f"<Endpoint {self.host}>"

    def ask(self, path: str, question: dict[str, Any], reply: type[T], error: Raised, most: int | None = None) -> T:
        """POST `question` as JSON to `path` below the endpoint, again where that may help; returns the answer's JSON.

        Args:
            reply: what the answer has to look like, as `msgspec` reads it.
            error: the class of error to raise; its `again` says whether another call could help.
            most: bytes of an answer that are read at most, where a good one has fewer than `MOST_REPLY`.

        Raises:
            EmbedderError, RerankerError: no answer in time, a refusal, or something that is not such an answer.
        """
        body = msgspec.json.encode(question)
        headers = self._headers(error)
        patience, failures = self._patience, 0
        most = MOST_REPLY if most is None else min(most, MOST_REPLY)
        deadline = patience.ticks() + patience.seconds
        while True:
            try:
                return _read(self._exchange(path, body, headers, deadline, most), reply)
            except Unanswered as problem:
                failures += 1
                pause = patience.pause(failures, problem.after)
                late = patience.ticks() + pause >= deadline
                if not problem.again or late or failures >= patience.tries:
                    self._give_up(problem, failures, error)
            patience.wait(pause)

    def _give_up(self, problem: Unanswered, tries: int, error: Raised) -> NoReturn:
        often = f" (asked {tries} times)" if tries > 1 else ""
        raise error(f"the endpoint at {self.host} {problem}{often}", again=problem.again) from None

    def _headers(self, error: Raised) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "severance",
        }
        if self._key is not None:
            value = os.environ.get(self._key, "")
            if not _KEY.fullmatch(value):
                raise error(f"the endpoint at {self.host} needs a key, and {self._key} does not hold one; set it")
            headers["Authorization"] = f"Bearer {value}"
        return headers

    def _exchange(self, path: str, body: bytes, headers: dict[str, str], deadline: float, most: int) -> bytes:
        """One request and its answer, on a connection of its own."""
        asked = Asked("POST", f"{self._parts.path.rstrip('/')}/{path}", body, headers)
        read = partial(_body, key=self._key)
        try:
            return exchange(self._parts, asked, read, deadline=deadline, ticks=self._patience.ticks, most=most)
        except TimeoutError:
            raise Unanswered(f"did not answer within {self._patience.seconds:g} seconds", again=True) from None


def _checked(url: str, plain_http: bool) -> SplitResult:
    parts = checked_url(url, "an endpoint", "http://127.0.0.1:11434/v1 or https://api.example.org/v1")
    if not plain_http and not is_private(parts):
        raise InputError("texts go over a network encrypted only; give the endpoint as https, or allow plain http")
    return parts


def _body(response: http.client.HTTPResponse, *, key: str | None) -> bytes:
    """The bytes of a good answer."""
    status = response.status
    if 300 <= status < 400:
        raise Unanswered("sends requests on to another address, which is not followed; name that address itself")
    if status in _REFUSED_KEY:
        raise Unanswered(f"refused the key in {key}" if key else "wants a key; name the variable that holds one")
    if status >= 400:
        again = status in (_TIMED_OUT, _TOO_MANY) or status >= 500
        raise Unanswered(f"answered with status {status}", again=again, after=_after(response))
    if status != 200:
        raise Unanswered(f"answered with status {status} instead of 200")
    if "Content-Type" not in response.headers:
        raise Unanswered("did not say of what kind its answer is; its Content-Type has to be application/json")
    if response.headers.get_content_type() != "application/json":
        raise Unanswered("did not answer with JSON")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Unanswered("answered in an encoding that was not asked for")
    return whole(response)


def _read(body: bytes, reply: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=reply)
    except UNREADABLE as problem:
        raise Unanswered(unreadable(body, problem)) from None


def unreadable(body: bytes, problem: Exception) -> str:
    """What to say of an answer, or a part of one, over which `msgspec` raised this: half a sentence, none of it."""
    if _NO_NUMBER.search(body) or _NOT_FINITE.match(str(problem)):
        return "answered with NaN, with null or with an infinite number where a finite number belongs"
    return "answered with something that cannot be read as such an answer"


def _after(response: http.client.HTTPResponse) -> float | None:
    """Seconds that the server asks to be left alone for (RFC 9110, "Retry-After"); a date is set against its own."""
    wanted = response.headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 10:
        return float(wanted)
    try:
        span = parsedate_to_datetime(wanted) - parsedate_to_datetime(response.headers.get("Date", ""))
    except (ArithmeticError, LookupError, TypeError, ValueError):  # no dates, or one with a zone and one without
        return None
    return span.total_seconds()
