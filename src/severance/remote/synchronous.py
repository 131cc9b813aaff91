"""A house over HTTP. Made from `asynchronous.py` by `tools/synchronous.py`: change that one."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from time import monotonic
from time import sleep as _wait
from typing import Any, NoReturn, Self, TypeVar

from severance.asking import When, check_query, check_whole
from severance.drafts import Rememberable
from severance.errors import AsleepError, InputError, NotFoundError, SeveranceError
from severance.model import Memory, Metadata, Notice, PersonaEvent, Recollection
from severance.ports import Entropy
from severance.remote import problems, wire
from severance.remote.wire import Asked
from severance.system import SystemEntropy

T = TypeVar("T")


class Client:
    """A server of a house, and what is shown there with every request.

    What is busy, locked for a moment, or cannot be reached is asked again, with growing pauses; whatever changes
    something has a key, so that it is done once however often it is sent. Redirects are not followed.

    Attributes:
        url: where the server is.
    """

    def __init__(
        self,
        url: str,
        credential: str,
        *,
        patience: float = 20.0,
        timeout: float = 70.0,
        certificates: str | os.PathLike[str] | ssl.SSLContext | None = None,
        insecure: bool = False,
        entropy: Entropy | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: such as http://127.0.0.1:8420.
            credential: the text of a permit or of a place credential. It is in no repr, log or error of ours.
            patience: seconds in which a request is sent again; 0 sends it once.
            timeout: seconds to wait for one answer; a server answers within 60.
            certificates: whom to trust beside the system, as a file of PEM certificates, or a context.
            insecure: whether to go to another machine without TLS.
            entropy: where keys of requests are drawn from.

        Raises:
            InputError: an argument cannot be meant, or the HTTP library is not installed.
        """
        self.url = wire.checked_url(url, insecure=insecure)
        bearer = wire.checked_bearer(credential)
        library = wire.library()
        self._lost: type[Exception] = library.TransportError
        self._patience = patience
        self._entropy = entropy or SystemEntropy()
        self._http: Any = library.Client(
            headers={"Authorization": f"Bearer {bearer}"},
            verify=wire.trusted(certificates) if self.url.startswith("https:") else True,
            timeout=library.Timeout(timeout, connect=min(timeout, 10.0)),
            follow_redirects=False,
            trust_env=False,  # nothing between here and the server that was not named here
        )

    def cross(self) -> RemoteSession:
        """Cross: the persona that wakes at the place of the permit or credential wakes, in a new session.

        **A crossing must start a new model context**: no message, summary or scratch file of another session may be in
        it.

        Raises:
            NotFoundError: what was shown opens nothing.
            NotUpError: there is no server, or no house is up.
            AsleepError: the house is locked.
            StoreBusyError: as many sessions are open as may be.
        """
        asked = Asked("POST", "/v1/sessions", key=wire.fresh_key(self._entropy))
        return RemoteSession(self, wire.read(self._ask(asked), wire.Crossed))

    def ready(self) -> bool:
        """Whether a house is up and open there. It is asked once.

        Raises:
            StoreError: what answers is no server of Severance.
        """
        self._check_open()
        try:
            answer = self._http.get(f"{self.url}/readyz")
        except self._lost:
            return False
        return wire.read(answer.content, wire.Ready).ready

    def close(self) -> None:
        """Close the connections. Sessions that are open end by themselves when nothing is called for half an hour."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client, {self.url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be copied: what it shows would be in the copy")

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise InputError("this client has been closed; make another")

    def _ask(self, asked: Asked) -> bytes:
        """The body of the answer.

        Raises:
            SeveranceError: that it is a problem, or that none came.
            InputError: the client was closed.
        """
        self._check_open()
        end, attempt = monotonic() + self._patience, 0
        while True:
            try:
                answer = self._http.request(
                    asked.method,
                    f"{self.url}{asked.path}",
                    params=asked.query,
                    json=asked.body,
                    headers={} if asked.key is None else {"Idempotency-Key": asked.key},
                )
            except self._lost as lost:
                failed, again = problems.unreached(self.url, lost)
                pause = problems.pause(attempt) if again else None
            else:
                status, body = answer.status_code, bytes(answer.content)
                if 200 <= status < 300:
                    return body
                pause = problems.wait_of(status, answer.headers.get("retry-after"), attempt)
                failed = problems.error_of(status, body, again=pause is not None)
            if pause is None or monotonic() + pause > end:
                raise failed
            _wait(pause)
            attempt += 1


class RemoteSession:
    """One awake persona, reached over HTTP. Its methods are those of `severance.session.Session`.

    Every method raises `AsleepError` after the session has ended, `PermitError` where what was shown does not allow
    the call, `NotUpError` when no server answers, and a `StoreError` when the house cannot serve.

    Attributes:
        subject, persona, place: who is awake, and where.
        new_context: what whoever runs the model has to do now.
    """

    def __init__(self, client: Client, crossed: wire.Crossed) -> None:
        """Not for callers: use `Client.cross`."""
        self.subject = crossed.subject
        self.persona = crossed.persona
        self.place = crossed.place
        self.new_context = crossed.new_context
        self._client = client
        self._id = crossed.id
        self._ended = False

    def remember(
        self,
        text: str,
        *,
        at: When = None,
        thread: str | None = None,
        source: str | None = None,
        kind: str = "note",
        metadata: Metadata | None = None,
        pinned: bool = False,
    ) -> Memory:
        """As `Session.remember`."""
        fields = {"at": at, "thread": thread, "source": source, "kind": kind, "metadata": metadata or {}}
        item = wire.item({"text": text, "pinned": pinned, **fields})
        return self._change("POST", Memory, item, "memories")

    def remember_many(self, items: Iterable[Rememberable]) -> list[Memory]:
        """As `Session.remember_many`: all are checked before the first is sent, and sent in batches of at most 2,048
        and 3 MiB, each kept whole or not at all.
        """
        kept: list[Memory] = []
        for batch in wire.batches(wire.items(items)):
            kept += (self._change("POST", wire.Memories, {"memories": batch}, "memories")).memories
        return kept

    def recall(
        self,
        query: str,
        *,
        limit: int = 10,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> list[Recollection]:
        """As `Session.recall`."""
        check_query(query)
        check_whole(limit, "the limit", 1, wire.MOST_RECALLED)
        body = {"query": query, "limit": limit, **wire.filters(since, until, as_of, thread, where)}
        return (self._read("POST", wire.Recollections, body, "recall")).recollections

    def context(
        self,
        query: str,
        *,
        tokens: int = 1_000,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> str:
        """As `Session.context`."""
        check_query(query)
        body = {"query": query, "tokens": tokens, **wire.filters(since, until, as_of, thread, where)}
        return (self._read("POST", wire.Context, body, "context")).context

    def memories(
        self,
        *,
        since: When = None,
        until: When = None,
        as_of: When = None,
        thread: str | None = None,
        where: Metadata | None = None,
    ) -> Iterator[Memory]:
        """As `Session.memories`, fetched page by page. The filters are part of the request's address."""
        query = wire.in_query({**wire.filters(since, until, as_of, thread, where), "limit": wire.PAGE})
        cursor: str | None = ""
        while cursor is not None:
            asked = Asked("GET", self._path("memories"), query={**query, **({"cursor": cursor} if cursor else {})})
            page = wire.read(self._ask(asked), wire.Page)
            yield from page.memories
            cursor = page.cursor

    def get(self, id: str) -> Memory:  # noqa: A002 - the word that callers know
        """As `Session.get`."""
        return self._read("GET", Memory, None, "memories", id)

    def history(self, id: str) -> list[Memory]:  # noqa: A002
        """As `Session.history`."""
        return (self._read("GET", wire.Memories, None, "memories", id, "history")).memories

    def amend(
        self,
        id: str,  # noqa: A002
        text: str | None = None,
        *,
        at: When = None,
        thread: str | None = None,
        source: str | None = None,
        kind: str | None = None,
        metadata: Metadata | None = None,
        pinned: bool | None = None,
    ) -> Memory:
        """As `Session.amend`."""
        fields = {"text": text, "thread": thread, "source": source, "kind": kind, "pinned": pinned}
        given = {**fields, "metadata": None if metadata is None else dict(metadata)}
        return self._change("PATCH", Memory, wire.changes(given, at), "memories", id)

    def forget(self, id: str) -> int:  # noqa: A002
        """As `Session.forget`."""
        return (self._change("DELETE", wire.Forgotten, None, "memories", id)).versions

    def stats(self) -> dict[str, int]:
        """As `Session.stats`."""
        return self._read("GET", dict[str, int], None, "stats")

    def notices(self) -> tuple[Notice, ...]:
        """As `Session.notices`; the same again when it is asked again in this session."""
        return tuple((self._read("GET", wire.Notices, None, "notices")).notices)

    def events(self, *, limit: int = 100) -> list[PersonaEvent]:
        """As `Session.events`."""
        check_whole(limit, "the limit", 1, wire.MOST_RECALLED)
        asked = Asked("GET", self._path("events"), query={"limit": str(limit)})
        return wire.read(self._ask(asked), wire.Events).events

    def sleep(self) -> None:
        """End the session. Doing it again does nothing.

        Raises:
            NotUpError: no server answers; the session ends by itself when nothing is called for half an hour.
        """
        if not self._ended:
            self._ended = True
            with suppress(AsleepError, NotFoundError):  # it had ended before
                self._client._ask(Asked("DELETE", self._path()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(SeveranceError):  # what was raised inside counts, and the session ends by itself
            self.sleep()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a session cannot be copied: its copy would stay awake when it falls asleep")

    def __repr__(self) -> str:
        return f"<RemoteSession, {'asleep' if self._ended else 'awake'}>"  # no name: it may be logged

    def _path(self, *more: str) -> str:
        return wire.session_path(self._id, *more)

    def _ask(self, asked: Asked) -> bytes:
        if self._ended:
            raise AsleepError("this session has ended; cross again to wake the persona")
        return self._client._ask(asked)

    def _read(self, method: str, kind: type[T], body: object, *path: str) -> T:
        return wire.read(self._ask(Asked(method, self._path(*path), body)), kind)

    def _change(self, method: str, kind: type[T], body: object, *path: str) -> T:
        key = wire.fresh_key(self._client._entropy)
        return wire.read(self._ask(Asked(method, self._path(*path), body, key=key)), kind)
