"""Sessions that are watched: what a canary's reading is, and what damage is, is told before the caller has it.

A watched session is a session, here or in a worker, whose class has these methods around its own; what they tell, they
tell in the process of the house.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from threading import local
from typing import Any, Protocol, TypeVar

from severance.context import in_block
from severance.errors import DamagedError
from severance.model import Memory, Recollection
from severance.session import Session

S = TypeVar("S", bound=Session)


class Canaries(Protocol):
    """The ids of the memories of one persona that ring."""

    def among(self, ids: Iterable[str | None]) -> bool:
        """Whether one of these is a canary."""
        ...

    def add(self, memory: str) -> None:
        """The memory with this id is one from now on."""
        ...


class Watcher:
    """What one session's calls are looked at with."""

    def __init__(self, canaries: Canaries, rang: Callable[[], None], damaged: Callable[[], None]) -> None:
        """Args: which memories ring, what to do when one is read, and when something is not what was written."""
        self._canaries = canaries
        self._rang = rang
        self.damaged = damaged
        self._here = local()

    def read(self, memories: Iterable[Memory]) -> None:
        """These are about to be given to the caller."""
        self.touched(memory.id for memory in memories)

    def touched(self, ids: Iterable[object]) -> None:
        """Something is about to be done with the memories of these ids."""
        found = [each for each in ids if isinstance(each, str)]  # a model may well send a list
        if found and self._canaries.among(found):
            self._rang()

    def amended(self, memory: Memory) -> None:
        """This is a new version; of a canary, it is a canary as well."""
        if self._canaries.among([memory.supersedes]):
            self._canaries.add(memory.id)
            self._rang()

    def recalled(self, hits: list[Recollection]) -> None:
        """These are about to be given to the caller, unless they are only what a block is made of."""
        block: list[Recollection] | None = getattr(self._here, "block", None)
        if block is None:
            self.read(hit.memory for hit in hits)
        else:
            block += hits

    @contextmanager
    def block(self, tokens: int) -> Iterator[None]:
        """While a block is made of what is recalled in this thread; what is in it is read at the end."""
        hits: list[Recollection] = []
        self._here.block = hits
        try:
            yield
        finally:
            self._here.block = None
        if self._canaries.among(hit.memory.id for hit in hits):  # most of the time it need not be chosen again
            self.read(in_block(hits, tokens))


def watched(session: S, watcher: Watcher) -> S:
    """The session, every call on which is watched from now on. Nobody but the caller may have it yet."""
    vars(session)["_watcher"] = watcher
    kind: Any = type(session)
    session.__class__ = _watching(kind)
    return session


@cache
def _watching(kind: type[Session]) -> Any:
    methods = {name: _around(kind, name) for name in _LOOKS}
    return type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})


def _around(kind: type[Session], name: str) -> Callable[..., Any]:
    @wraps(getattr(kind, name))
    def watching(session: Session, *given: Any, **named: Any) -> Any:
        watcher: Watcher = vars(session)["_watcher"]
        method = getattr(kind, name)  # as it is now: this class outlives what a test puts in the place of a method
        try:
            return _LOOKS[name](watcher, lambda: method(session, *given, **named), *given, **named)
        except DamagedError:
            watcher.damaged()
            raise

    return watching


def _plain(watcher: Watcher, call: Callable[[], Any], *given: Any, **named: Any) -> Any:
    return call()


def _recalled(watcher: Watcher, call: Callable[[], list[Recollection]], *given: Any, **named: Any) -> Any:
    hits = call()
    watcher.recalled(hits)
    return hits


def _block(watcher: Watcher, call: Callable[[], str], *given: Any, **named: Any) -> str:
    with watcher.block(named.get("tokens", 1_000)):
        return call()


def _one(watcher: Watcher, call: Callable[[], Memory], *given: Any, **named: Any) -> Memory:
    memory = call()
    watcher.read([memory])
    return memory


def _several(watcher: Watcher, call: Callable[[], list[Memory]], *given: Any, **named: Any) -> list[Memory]:
    memories = call()
    watcher.read(memories)
    return memories


def _bit_by_bit(watcher: Watcher, call: Callable[[], Iterator[Memory]], *given: Any, **named: Any) -> Iterator[Memory]:
    return _each(watcher, call())


def _each(watcher: Watcher, memories: Iterator[Memory]) -> Iterator[Memory]:
    try:
        for memory in memories:
            watcher.read([memory])
            yield memory
    except DamagedError:
        watcher.damaged()
        raise


def _amended(watcher: Watcher, call: Callable[[], Memory], *given: Any, **named: Any) -> Memory:
    memory = call()
    watcher.amended(memory)
    return memory


def _forgotten(watcher: Watcher, call: Callable[[], int], *given: Any, **named: Any) -> int:
    watcher.touched([given[0] if given else named.get("id")])
    return call()


_LOOKS: dict[str, Callable[..., Any]] = {
    "recall": _recalled,
    "context": _block,
    "memories": _bit_by_bit,
    "get": _one,
    "history": _several,
    "amend": _amended,
    "forget": _forgotten,
    "remember": _plain,
    "remember_many": _plain,
    "stats": _plain,
}
"""How each method that reads or changes memories is watched."""
