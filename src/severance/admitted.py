"""Sessions of those who were let in with a permit or a place credential: every call first asks what that allows.

What each public method of a session needs is in one table, `NEEDS`. A session with a method that is not in it cannot be
let in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, wraps
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from severance.asking import checked_items
from severance.drafts import check_text
from severance.errors import AsleepError, NotFoundError, PermitError
from severance.model import MAX_LABEL_BYTES, Memory, Recollection, Right
from severance.session import Session
from severance.writing import unknown_memory

_LINKS = ("echo_of", "supersedes", "superseded_by")
"""Where a memory names others."""
_ENDED = "what this session was let in with has ended or was revoked; ask for another"
S = TypeVar("S", bound=Session)


class Admission(Protocol):
    """What the chip says of a permit or a credential while its session is open."""

    def holds(self) -> bool:
        """Whether it neither ended nor was revoked."""
        ...

    def has(self, right: Right) -> bool:
        """Whether it allows this in any thread; of the instant at which it held."""
        ...

    def allows(self, right: Right, thread: str | None) -> bool:
        """Whether it allows this in a thread, or in none and so in all; of the instant at which it held."""
        ...

    def end(self) -> None:
        """It holds no longer."""
        ...


def _not_allowed(right: Right) -> PermitError:
    return PermitError(f"what this session was let in with does not allow it to {right}")


class _Asked(NamedTuple):
    """One call on the session of somebody who was let in: the method as it would be without, and its arguments."""

    session: Session
    admission: Admission
    right: Right
    method: Callable[..., Any]
    given: tuple[Any, ...]
    named: dict[str, Any]

    def done(self) -> Any:
        """What the method returns."""
        return self.method(self.session, *self.given, **self.named)

    def argument(self, name: str) -> Any:
        """The first argument."""
        return self.given[0] if self.given else self.named.get(name)

    def thread(self) -> str | None:
        """The thread that is named; an empty one is none."""
        given = self.named.get("thread")
        return None if given is None else check_text(given, "the thread", MAX_LABEL_BYTES) or None

    def require(self, thread: str | None) -> None:
        """Refuse what is not allowed in this thread."""
        if not self.admission.allows(self.right, thread):
            if self.admission.has(self.right):
                raise PermitError("what this session was let in with reaches some threads only; name one of them")
            self.require_right()

    def require_right(self) -> None:
        """Refuse what is not allowed in any thread."""
        if not self.admission.has(self.right):
            raise _not_allowed(self.right)

    def reaches(self, memory: Memory) -> bool:
        """Whether a memory is in a thread that is allowed."""
        return self.admission.allows(self.right, memory.thread)

    def reaches_all(self) -> bool:
        """Whether all threads are allowed."""
        return self.admission.allows(self.right, None)

    def shown(self, memory: Memory) -> Memory:
        """A memory that is reached, without the ids of others that are not: they would tell of other threads."""
        hidden: dict[str, Any] = {}
        for name in _LINKS:
            linked = getattr(memory, name)
            if linked is not None and not self._is_known(linked):
                hidden[name] = None
        return replace(memory, **hidden) if hidden else memory

    def _is_known(self, id: str) -> bool:  # noqa: A002 - the word that callers know
        get = type(self.session).get.__wrapped__  # type: ignore[attr-defined]
        try:
            return self.reaches(get(self.session, id))
        except NotFoundError:
            return False


def _thread(asked: _Asked) -> Any:
    """A call that names a thread, or touches all."""
    asked.require(asked.thread())
    return asked.done()


def _bit_by_bit(asked: _Asked) -> Iterator[Memory]:
    """The same, asked again for every memory."""
    asked.require(asked.thread())
    return _each(asked, asked.done())


def _many(asked: _Asked) -> Any:
    """Many memories, each in a thread of its own. None is kept where one may not be."""
    asked.require_right()
    drafts = checked_items(asked.argument("items"))
    for thread in dict.fromkeys(draft.thread for draft in drafts):
        asked.require(thread)
    return asked.method(asked.session, drafts)


def _plain(asked: _Asked) -> Any:
    """A call that is about no memory."""
    asked.require_right()
    return asked.done()


def _one(asked: _Asked) -> Any:
    """A memory in one version: in another thread it is not known."""
    asked.require_right()
    memory = asked.done()
    if not asked.reaches(memory):
        raise unknown_memory()
    return memory


def _versions(asked: _Asked) -> Any:
    """The versions of a memory: those in other threads are not known."""
    asked.require_right()
    known = [memory for memory in asked.done() if asked.reaches(memory)]
    if not known:
        raise unknown_memory()
    return known


def _change(asked: _Asked) -> Any:
    """A change of a memory with all its versions: not known where one of them is in another thread."""
    asked.require_right()
    history = type(asked.session).history.__wrapped__  # type: ignore[attr-defined]
    if not all(asked.reaches(memory) for memory in history(asked.session, asked.argument("id"))):
        raise unknown_memory()
    if asked.named.get("thread") is not None:
        asked.require(asked.thread())  # an empty one takes it out of every thread
    done = asked.done()
    if isinstance(done, Memory) and not asked.reaches(done):
        raise unknown_memory()  # another session moved it meanwhile: what it says now is not for this one
    return done


class Need(NamedTuple):
    """What a method needs: a right, and in which threads."""

    right: Right
    checked: Callable[[_Asked], Any]


NEEDS: Mapping[str, Need] = MappingProxyType(
    {
        "recall": Need(Right.RECALL, _thread),
        "context": Need(Right.RECALL, _thread),
        "memories": Need(Right.RECALL, _bit_by_bit),
        "stats": Need(Right.RECALL, _thread),
        "events": Need(Right.RECALL, _thread),
        "notices": Need(Right.RECALL, _plain),
        "get": Need(Right.RECALL, _one),
        "history": Need(Right.RECALL, _versions),
        "remember": Need(Right.REMEMBER, _thread),
        "remember_many": Need(Right.REMEMBER, _many),
        "amend": Need(Right.AMEND, _change),
        "forget": Need(Right.FORGET, _change),
    }
)
READS: Mapping[str, Need] = MappingProxyType({"_behind": Need(Right.RECALL, _bit_by_bit)})
"""What lists memories in pages, and what that needs."""
TELLS: Mapping[str, Need] = MappingProxyType(
    {"_exporting": Need(Right.RECALL, _plain), "_importing": Need(Right.REMEMBER, _plain)}
)
"""What a house that is up lets programs have the log tell of themselves, and what that needs."""
FREE = frozenset({"subject", "persona", "place", "confinement", "process"})
"""What needs no right: whose session it is, and where."""


def let_in(session: S, admission: Admission) -> S:
    """The session, every call on which asks the admission from now on. Nobody but the caller may have it yet."""
    vars(session)["_admission"] = admission
    kind: Any = type(session)
    session.__class__ = _asking(kind)
    return session


@cache
def _asking(kind: type[Session]) -> Any:
    """The class of such sessions that ask.

    Raises:
        TypeError: one of its methods is not in the table.
    """
    public = {name for name in dir(kind) if not name.startswith("_")}
    unknown = public - NEEDS.keys() - FREE - {"sleep"}
    if unknown:
        raise TypeError(f"nothing says what these need: {', '.join(sorted(unknown))}")
    methods = {name: _guarded(getattr(kind, name), need) for name, need in {**NEEDS, **READS, **TELLS}.items()}
    return type(kind.__name__, (kind,), {**methods, "sleep": _sleeping(kind.sleep)})


def check_inside(session: Session) -> None:
    """Raise AsleepError, and put the session to sleep, where it has ended, or what it was let in with no longer holds.

    For what is about to be given out, or taken, between two calls.
    """
    if "_admission" in vars(session):
        _held(session)
    session._check_awake()


def look_inside(session: Session) -> None:
    """The same, asked also where the persona is awake: of another process, or of a house that is up."""
    check_inside(session)
    session._look()


def over_by(session: Session) -> AsleepError | None:
    """Why the session is over, where what it was let in with no longer holds, or its persona may not stay awake: its
    hours, its turn, its time or the rules of its place have changed. It is not put to sleep here.
    """
    if "_admission" in vars(session) and not vars(session)["_admission"].holds():
        return no_longer_inside()
    try:
        session._still_awake()
    except AsleepError as ended:
        return ended
    return None


def require_right(session: Session, right: Right) -> None:
    """Raise PermitError where what the session was let in with allows this in no thread."""
    if "_admission" in vars(session) and not vars(session)["_admission"].has(right):
        raise _not_allowed(right)


def no_longer_inside() -> AsleepError:
    """The error for who is inside when what they were let in with holds no longer."""
    return AsleepError(_ENDED)


def _guarded(method: Callable[..., Any], need: Need) -> Callable[..., Any]:
    @wraps(method)
    def asking(session: Session, *given: Any, **named: Any) -> Any:
        admission = _held(session)
        asked = _Asked(session, admission, need.right, method, given, named)
        return _shown(asked, need.checked(asked))

    return asking


def _sleeping(sleep: Callable[[Session], None]) -> Callable[[Session], None]:
    @wraps(sleep)
    def sleeping(session: Session) -> None:
        vars(session)["_has_slept"] = True
        vars(session)["_admission"].end()
        sleep(session)

    return sleeping


def _held(session: Session) -> Admission:
    """What the session was let in with, as long as that holds; it falls asleep when it does not."""
    admission: Admission = vars(session)["_admission"]
    if not admission.holds():
        if "_has_slept" not in vars(session):
            session._ended = _ENDED
            session.sleep()
        raise AsleepError(session._ended)
    return admission


def _each(asked: _Asked, memories: Iterator[Memory]) -> Iterator[Memory]:
    shown = _as_it_is if asked.reaches_all() else asked.shown
    while True:
        _held(asked.session)
        asked.require(asked.thread())
        memory = next(memories, None)
        if memory is None:
            return
        yield shown(memory)


def _as_it_is(memory: Memory) -> Memory:
    return memory


def _shown(asked: _Asked, found: Any) -> Any:
    """What a call returns, with every memory in it as `_Asked.shown` has it where not all threads are allowed."""
    if not isinstance(found, list | Memory) or asked.reaches_all():
        return found
    return [_one_shown(asked, each) for each in found] if isinstance(found, list) else asked.shown(found)


def _one_shown(asked: _Asked, found: Any) -> Any:
    if isinstance(found, Recollection):
        return replace(found, memory=asked.shown(found.memory))
    return asked.shown(found) if isinstance(found, Memory) else found
