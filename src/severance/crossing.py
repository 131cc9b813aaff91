"""The part of a house in which a place is gone to, and the persona that wakes there wakes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Literal
from weakref import WeakValueDictionary, finalize

from severance.admitted import let_in
from severance.admitting import Admitting, Stay, Waking
from severance.alarming import Alarming
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.chip.gate import Claim
from severance.chip.thresholds.book import Book
from severance.chip.thresholds.deciding import Circumstances
from severance.chip.thresholds.staying import Seat, Staying
from severance.chip.thresholds.surroundings import Surroundings
from severance.crypto.envelope import SpaceKey
from severance.drafts import name_of
from severance.errors import DamagedError, InputError, NotFoundError, SeveranceError, StoreError
from severance.model import Head, Notice, Persona
from severance.ports import Clock, Embedder, Entropy, Reranking, Vault
from severance.refusals import Refusals
from severance.session import Session
from severance.space import Space, stored_head
from severance.system import SystemClock, SystemEntropy
from severance.telling import Telling
from severance.worker.workers import Workers


class Crossing(Admitting, Alarming):
    """How sessions begin: for the owner, and for whoever was let in."""

    _vault: Vault
    _book: Book
    _telling: Telling
    _refusals: Refusals
    _clock: Clock
    _entropy: Entropy
    _surroundings: Surroundings
    _workers: Workers
    _embedder: Callable[[], Embedder]
    _reranking: Callable[[], Reranking | None]
    _notices_of: Callable[[bytes], Callable[[], tuple[Notice, ...]]]

    def __init__(self) -> None:
        # In the order of crossing: a set's order would differ between runs, and with it what closing writes.
        self._sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self._crossings = count()
        self._dropped: dict[Persona, SimpleQueue[tuple[Slept, int]]] = {}

    def cross(self, subject: str, place: str, *, isolation: Literal["process"] | None = None) -> Session:
        """Go to a place: the persona that wakes there wakes, in a new session.

        Start a new model context for it: what the model still holds of another persona is out of Severance's reach.

        Args:
            isolation: "process" wakes the persona in a process of its own, which has its key and no other, and shuts
                itself off as far as the platform allows: `confinement` of the session says how far. The session is
                used as any other; when its process ends, the persona is asleep. Without it, this process.

        Raises:
            InputError: a name that names can't have; or there is isolation, and the house has another clock or entropy
                than the machine's.
            NotFoundError: nobody of that name wakes at a place of that name.
            EmbedderError: the memories were embedded by another embedder than this house's.
        """
        wake = self._waking(isolation)
        place = name_of(place, "the place")
        return self._crossed(name_of(subject, "the subject"), place, wake)

    def _waking_now(self, subject: str, place: str) -> Persona:
        at = Circumstances(self._gate.now(), self._surroundings).known()
        return self._chip.waking(subject, place, at)

    def _crossed(self, subject: str, place: str, wake: Waking, claim: Claim | None = None) -> Session:
        """The persona that wakes there for whoever claims it, or for the owner, woken in this way."""
        try:
            return self._let_through(subject, place, wake, claim)
        except NotFoundError:
            self._tell_refused(subject, place, claim)
            raise
        except DamagedError:
            self._damages.tell({"subject": subject, "place": place})
            raise

    def _tell_refused(self, subject: str, place: str, claim: Claim | None) -> None:
        by = None if claim is None else "permit" if claim.program is None else "credential"
        if by is not None and not subject:  # what was shown is of nobody here
            self._refusals.stranger(by)
        else:
            self._refusals.tell(_refused(subject, place, by, late=claim is not None and claim.late))

    def _let_through(self, subject: str, place: str, wake: Waking, claim: Claim | None) -> Session:
        application = None if claim is None else claim.program
        watch = self._book.watch(subject, place)
        at = Circumstances(self._gate.now(), self._surroundings, application).known()
        # Whom nobody would be let in with asks no condition: a command of the owner's may take its time.
        persona = self._chip.waking(subject, place, at if claim is None or claim.good else None)
        admission = None if claim is None else claim.open(persona)
        if claim is not None and admission is None:
            self._chip.refuse()
        key = self._chip.key(persona)
        self._write_dropped(persona)
        seat = Seat(persona, place, key.space)
        staying = Staying(self._book, watch, seat, at, surroundings=self._surroundings, clock=self._clock.now)
        if staying.over:
            self._chip.refuse()
        self._telling.tell(What.CROSSED, _whom(persona, place))  # before anything can be read
        session = self._watched(wake(persona, place, key, staying), _whom(persona, place), key.space)
        if admission is not None:
            let_in(session, admission)
        try:
            staying.take_turn()  # last: a crossing that fails puts nobody else to sleep
        except BaseException:
            with suppress(SeveranceError):
                session.sleep()
            raise
        session._notices = self._notices_of(key.space)
        self._keep(session)
        return session

    def _waking(self, isolation: Literal["process"] | None) -> Waking:
        if isolation not in (None, "process"):
            raise InputError('isolation is "process", or nothing')
        machine = isinstance(self._clock, SystemClock) and isinstance(self._entropy, SystemEntropy)
        if isolation is not None and not machine:
            raise InputError("a process of its own has the machine's clock and entropy; open the house without others")
        return self._wake if isolation is None else self._wake_elsewhere

    def _keep(self, session: Session) -> None:
        """Put the session to sleep when the house is closed."""
        self._sessions[next(self._crossings)] = session

    def _write_dropped(self, *personas: Persona) -> None:
        """Write down that sessions sleep that nobody put to sleep, but that nobody has any more; of these personas, or
        of all. At a crossing it is the one that wakes: when another crosses, nothing that it can see may change.
        """
        for persona in personas or tuple(self._dropped):
            dropped = self._dropped.get(persona, SimpleQueue())
            with suppress(Empty):
                while True:
                    slept, at = dropped.get_nowait()
                    slept(at)

    def _dropping(self, session: Session, persona: Persona, slept: Slept) -> Session:
        """The session; when nobody has it any more, that is noted: Python may find out in the middle of anything."""
        dropped = self._dropped.setdefault(persona, SimpleQueue())
        finalize(session, _drop, dropped, slept, self._clock).atexit = False
        return session

    def _wake(self, persona: Persona, place: str, key: SpaceKey, stay: Stay) -> Session:
        slept = Slept(stay, self._telling, _whom(persona, place))
        session = Session(
            persona,
            place,
            Space(self._vault, key, self._entropy),
            embedder=self._embedder(),
            reranking=self._reranking,
            clock=self._clock,
            entropy=self._entropy,
            anchor=self._chip.anchor(key),
            keep_anchor=partial(self._chip.set_anchor, key),  # and not this house: a session should reach little
            still_awake=stay,
            slept=slept,
            own=self._telling.of(persona, place),
        )
        return self._dropping(session, persona, slept)

    def _wake_elsewhere(self, persona: Persona, place: str, key: SpaceKey, stay: Stay) -> Session:
        slept = Slept(stay, self._telling, _whom(persona, place))
        session = self._workers.wake(
            persona,
            place,
            key,
            embedder=self._embedder(),
            reranking=self._reranking,
            anchor=self._chip.anchor(key),
            keep_anchor=partial(_keep_confirmed, self._vault, self._chip, key),
            still_awake=stay,
            slept=slept,
            own=self._telling.of(persona, place),
        )
        return self._dropping(session, persona, slept)


def _keep_confirmed(vault: Vault, chip: Chip, key: SpaceKey, head: Head) -> None:
    """Move an anchor to where a worker says that its log ends: no further than the vault's own head."""
    stored_head(vault, key.space, head)
    chip.set_anchor(key, head)


def _whom(persona: Persona, place: str) -> Mapping[str, Any]:
    return {"subject": persona.subject, "persona": persona.name, "place": place}


def _refused(subject: str, place: str, by: str | None, *, late: bool) -> Mapping[str, Any]:
    """What the log has of a refusal of the owner, or of who showed something of this house."""
    told = {"subject": subject, "place": place}
    if by is None:
        return told
    return {**told, "detail": {"by": by, "late": True} if late else {"by": by}}


class Slept:
    """What is done once when a session sleeps, by whoever finds out first."""

    def __init__(self, stay: Stay, telling: Telling, whom: Mapping[str, Any]) -> None:
        self._stay, self._telling, self._whom = stay, telling, whom
        self._first = Lock()

    def __call__(self, at: int | None = None) -> None:
        """It sleeps, or has since a time that is given in microseconds since 1970."""
        if not self._first.acquire(blocking=False):
            return
        try:
            self._stay.end(at)
        finally:
            with suppress(StoreError):  # it sleeps whether that can be written down or not
                self._telling.tell(What.SLEPT, self._whom)


def _drop(dropped: SimpleQueue[tuple[Slept, int]], slept: Slept, clock: Clock) -> None:
    dropped.put((slept, clock.now()))
