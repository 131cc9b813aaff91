"""HTTP as an edge of a trace: every call is a request to the app, and what is observed is the answer to the letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, cast
from urllib.parse import quote

import httpx2
import msgspec

from severance.barrier.traces.edges import Edge, Heard, Loop, Reached, RefusedError
from severance.barrier.traces.people import Who
from severance.ports import Clock, Entropy
from severance.resident.client import HouseState
from severance.server.app import application
from severance.server.limits import Limits
from severance.server.parts import Outside
from severance.session import Session

_PAGE = 5
_MOST = 100_000


class Answer(NamedTuple):
    """What came back: the status, the headers by name, the body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def json(self) -> Any:
        """The body as it is meant."""
        return msgspec.json.decode(self.body)


class _Door:
    """Lets in whoever says a word that was given out, once."""

    def __init__(self) -> None:
        self.waiting: dict[str, Session] = {}

    def admit(self, text: str, /, *, place: str | None = None, tool: str | None = None) -> Session:
        return self.waiting.pop(text)

    def state(self) -> HouseState:
        return HouseState(locked=False, sessions=0)


class OverHttp:
    """Sessions over HTTP."""

    def __init__(self, clock: Clock, entropy: Entropy) -> None:
        self._door, self._loop, self._crossed = _Door(), Loop(), Counter[Who]()
        limits = Limits(sessions=_MOST, sessions_each=_MOST, rate=0)
        outside = Outside(self._door, limits=limits, clock=clock, entropy=entropy, ticks=lambda: 0.0)
        transport = httpx2.ASGITransport(app=application(outside))
        self._client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")

    def over(self, session: Session, who: Who) -> Session:
        """As `Edge.over`."""
        self._crossed[who] += 1
        bearer = f"{who[0]}.{who[1]}.{self._crossed[who]}"
        self._door.waiting[bearer] = session
        return cast(Session, OneOverHttp(session, partial(self._ask, bearer)))

    def close(self) -> None:
        """As `Edge.close`."""
        self._loop.close()

    def _ask(self, bearer: str, verb: str, path: str, *, said: Any = None, asked: Any = None) -> Answer:
        headers = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        body = None if said is None else msgspec.json.encode(said)
        path = f"/v1/sessions{path}"
        answer = self._loop.wait(self._client.request(verb, path, content=body, headers=headers, params=asked))
        told = Answer(answer.status_code, tuple(sorted(answer.headers.items())), answer.content)
        if answer.is_error:
            raise RefusedError(*told)
        return told


class OneOverHttp(Reached):
    """One session over HTTP: the methods of a session, each as a request. All raise RefusedError."""

    def __init__(self, true: Session, ask: Callable[..., Answer]) -> None:
        """Crosses."""
        crossed = ask("POST", "")
        super().__init__(true, crossed)
        self._ask = ask
        self._path = f"/{crossed.json()['id']}"

    def __exit__(self, *raised: object) -> None:
        self.sleep()

    def remember(self, text: str, **fields: Any) -> Heard:
        """As `Session.remember`."""
        return self._one("POST", "/memories", {"text": text, **fields})

    def remember_many(self, items: Iterable[Mapping[str, Any]]) -> list[Heard]:
        """As `Session.remember_many`."""
        return _each(self._do("POST", "/memories", said={"memories": list(items)}), "memories")

    def recall(self, query: str, **asked: Any) -> Heard:
        """As `Session.recall`."""
        return Heard("", self._do("POST", "/recall", said={"query": query, **asked}))

    def context(self, query: str, **asked: Any) -> Heard:
        """As `Session.context`."""
        return Heard("", self._do("POST", "/context", said={"query": query, **asked}))

    def memories(self, **filters: Any) -> Iterator[Heard]:
        """As `Session.memories`, in small pages."""
        asked: dict[str, Any] = {name: _written(value) for name, value in filters.items()} | {"limit": _PAGE}
        while True:
            page = self._do("GET", "/memories", asked=asked)
            yield Heard("", page)
            asked["cursor"] = page.json()["cursor"]
            if asked["cursor"] is None:
                return

    def get(self, id: str) -> Heard:  # noqa: A002 - the word that callers know
        """As `Session.get`."""
        return self._one("GET", _memory(id))

    def history(self, id: str) -> Heard:  # noqa: A002
        """As `Session.history`."""
        return Heard("", self._do("GET", f"{_memory(id)}/history"))

    def amend(self, id: str, text: str | None, **fields: Any) -> Heard:  # noqa: A002
        """As `Session.amend`."""
        return self._one("PATCH", _memory(id), {**({} if text is None else {"text": text}), **fields})

    def forget(self, id: str) -> Heard:  # noqa: A002
        """As `Session.forget`."""
        return Heard("", self._do("DELETE", _memory(id)))

    def stats(self) -> dict[str, Any]:
        """As `Session.stats`."""
        told = self._do("GET", "/stats")
        return {**told.json(), "told": told}

    def events(self, *, limit: int) -> Heard:
        """As `Session.events`."""
        return Heard("", self._do("GET", "/events", asked={"limit": limit}))

    def notices(self) -> Heard:
        """As `Session.notices`."""
        return Heard("", self._do("GET", "/notices"))

    def sleep(self) -> None:
        """As `Session.sleep`."""
        self._do("DELETE", "")

    def _one(self, verb: str, path: str, said: Mapping[str, Any] | None = None) -> Heard:
        told = self._do(verb, path, said=said)
        return Heard(told.json()["id"], told)

    def _do(self, verb: str, path: str, **rest: Any) -> Answer:
        return self._ask(verb, f"{self._path}{path}", **rest)


def edge(clock: Clock, entropy: Entropy) -> Edge:
    """HTTP."""
    return OverHttp(clock, entropy)


def _each(told: Answer, name: str) -> list[Heard]:
    """The memories of an answer; the first has all of it."""
    ids = [each["id"] for each in told.json()[name]]
    return [Heard(id, told if number == 0 else None) for number, id in enumerate(ids)]  # noqa: A001


def _memory(id: str) -> str:  # noqa: A002
    return f"/memories/{quote(id, safe='')}"


def _written(value: Any) -> str:
    """As in a query."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
