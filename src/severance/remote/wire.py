"""What goes over the line and comes back: addresses, queries and bodies, without any input or output."""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from severance.asking import When, checked_items, filter_of
from severance.drafts import Rememberable, draft_of
from severance.errors import InputError, NotFoundError, StoreError
from severance.model import Draft, Memory, Metadata, Notice, PersonaEvent, Recollection
from severance.ports import Entropy

MOST_AT_ONCE = 2_048
MOST_BODY = 3 * 1024 * 1024
"""Bytes of one request, well below what a server takes."""
MOST_RECALLED = 1_000
PAGE = 200
T = TypeVar("T")


class Crossed(msgspec.Struct, frozen=True):
    """A session that has begun."""

    id: str
    subject: str
    persona: str
    place: str
    new_context: str


class Memories(msgspec.Struct, frozen=True):
    """Several memories."""

    memories: list[Memory]


class Page(msgspec.Struct, frozen=True):
    """A page of memories, and where the next one begins."""

    memories: list[Memory]
    cursor: str | None


class Recollections(msgspec.Struct, frozen=True):
    """What recall found."""

    recollections: list[Recollection]


class Context(msgspec.Struct, frozen=True):
    """A block for a prompt."""

    context: str


class Forgotten(msgspec.Struct, frozen=True):
    """How many versions are gone."""

    versions: int


class Notices(msgspec.Struct, frozen=True):
    """What the persona was told."""

    notices: list[Notice]


class Events(msgspec.Struct, frozen=True):
    """What the house's log has of it."""

    events: list[PersonaEvent]


class Ready(msgspec.Struct, frozen=True):
    """Whether somebody could be let in."""

    ready: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method, path: of it.
        body: as JSON, or None for none.
        query: of the address.
        key: what makes it the same request when it is sent again, where it changes anything.
    """

    method: str
    path: str
    body: object = None
    query: Mapping[str, str] | None = None
    key: str | None = None


def read(body: bytes, kind: type[T]) -> T:
    """What an answer says.

    Raises:
        StoreError: that is not what a server of Severance says.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError):
        raise StoreError("the server's answer cannot be read; is it one of Severance, and of this version?") from None


def checked_url(url: str, *, insecure: bool) -> str:
    """The address of a server, without a slash at its end.

    Raises:
        InputError: it is no address of one, holds a name or a password, or is reached in the clear from elsewhere.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or not url.isprintable():
        raise InputError("the address of a server is such as http://127.0.0.1:8420 or https://memory.example")
    if parts.username is not None or parts.password is not None:
        raise InputError("an address with a password in it is written to logs; give the credential beside it")
    if parts.scheme == "http" and not insecure and not is_here(host):
        raise InputError(f"permits and memories would go to {host} in the clear; use https, or say insecure=True")
    return url.rstrip("/")


def is_here(host: str) -> bool:
    """Whether this names the machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_bearer(credential: object) -> str:
    """What is shown, without what a file has around it.

    Raises:
        InputError: it is nothing that fits into a header.
    """
    shown = credential.strip() if isinstance(credential, str) else ""
    if not shown or not shown.isascii() or not shown.isprintable() or " " in shown:
        raise InputError("show a permit or a place credential, as `severance permit make` prints it")
    return shown


def trusted(certificates: str | os.PathLike[str] | ssl.SSLContext | None) -> ssl.SSLContext:
    """What says whom to trust: the system, or the authorities in a file of PEM certificates. Names are always checked.

    Raises:
        InputError: there is no such file, or it has no certificates.
    """
    if isinstance(certificates, ssl.SSLContext):
        return certificates
    try:
        return ssl.create_default_context(cafile=None if certificates is None else Path(certificates))
    except (OSError, ssl.SSLError):
        raise InputError("the file of certificates cannot be read; it is one of PEM certificates") from None


def library() -> Any:
    """The HTTP library.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module("httpx2")
    except ImportError:
        raise InputError(
            "a house is not reached over HTTP from here; `pip install 'severance[client]'` mends that"
        ) from None


def fresh_key(entropy: Entropy) -> str:
    """An Idempotency-Key that nobody used before."""
    return entropy.draw(16, b"idempotency-key").hex()


def session_path(id: str, *more: object) -> str:  # noqa: A002 - the word that callers know
    """An address below a session. Nothing that is given can lead out of it.

    Raises:
        NotFoundError: a part is no name that anything there could have.
    """
    parts = [part for part in more if isinstance(part, str) and part not in ("", ".", "..")]
    if len(parts) < len(more):
        raise NotFoundError("no memory with that id is remembered here")  # a model may well send a number
    return "/v1/sessions/" + "/".join(quote(part, safe="") for part in (id, *parts))


def filters(since: When, until: When, as_of: When, thread: str | None, where: Metadata | None) -> dict[str, object]:
    """The filters that were given, as the body of a request has them, checked before it is sent.

    Raises:
        InputError: one of them cannot be meant.
    """
    filter_of(since, until, as_of, thread, where)
    bounds = {"since": written(since), "until": written(until), "as_of": written(as_of)}
    given = {**bounds, "thread": thread, "where": None if where is None else dict(where)}
    return {name: value for name, value in given.items() if value is not None}


def in_query(given: Mapping[str, object]) -> dict[str, str]:
    """The same, as an address has them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


def written(when: When) -> str | None:
    """A time as ISO 8601."""
    return when.isoformat() if isinstance(when, date) else when  # a datetime is a date


def items(given: Iterable[Rememberable]) -> list[dict[str, object]]:
    """Many memories, checked before the first is sent.

    Raises:
        InputError: as `Session.remember_many`.
    """
    return [_item(draft) for draft in checked_items(given)]


def item(given: Rememberable) -> dict[str, object]:
    """One memory, checked before it is sent.

    Raises:
        InputError: as `Session.remember`.
    """
    return _item(draft_of(given))


def _item(draft: Draft) -> dict[str, object]:
    labels = {"at": written(draft.at), "thread": draft.thread, "source": draft.source}
    fields = {"text": draft.text, "kind": draft.kind, "metadata": dict(draft.metadata), "pinned": draft.pinned}
    return {**fields, **{name: value for name, value in labels.items() if value is not None}}


def batches(given: Sequence[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """The same in requests of a size that a server takes."""
    batch: list[dict[str, object]] = []
    size = 0
    for item in given:
        more = len(msgspec.json.encode(item)) + 1
        if batch and (len(batch) == MOST_AT_ONCE or size + more > MOST_BODY):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += more
    if batch:
        yield batch


def changes(given: Mapping[str, object], at: When) -> dict[str, object]:
    """What `amend` was given, as the body of a request: an empty thread or source is taken away."""
    cleared = {"thread", "source"}
    told = {
        name: None if name in cleared and value == "" else value for name, value in given.items() if value is not None
    }
    return {**told, **({} if at is None else {"at": written(at)})}
