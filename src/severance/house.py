"""The house: where vault, chip, embedder, clock and entropy are put together. `severance.open()` makes one.

A house is for the owner, who has the root key: it severs, declares places and crosses. What a program or a model gets
is the session that crossing returns, and a session names no persona.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from weakref import WeakValueDictionary

from severance.admitted import let_in
from severance.admitting import Admitting, Waking
from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.auditing import Auditing
from severance.chip.chip import Chip
from severance.chip.gate import Claim, Gate
from severance.chip.thresholds.applying import allow_commands, changes, explanation
from severance.chip.thresholds.awake import day_of
from severance.chip.thresholds.book import Book
from severance.chip.thresholds.deciding import Circumstances, decide
from severance.chip.thresholds.document import read as read_thresholds
from severance.chip.thresholds.document import write as write_thresholds
from severance.chip.thresholds.staying import Seat, Staying
from severance.chip.thresholds.stored import days_of, limits_of
from severance.chip.thresholds.surroundings import Machine, Surroundings
from severance.crypto.envelope import SpaceKey
from severance.crypto.rootkey import Key, variables
from severance.drafts import name_of
from severance.embed import bundled
from severance.embed.specs import embedder_of, reranker_of
from severance.errors import EmbedderError, InputError, NotFoundError, SeveranceError, StoreError
from severance.model import Explanation, Head, Memory, Persona, PersonaStatus, Place, Status, micros
from severance.ports import Clock, Embedder, Entropy, Reranker, Reranking, Vault
from severance.records import Event
from severance.session import Session
from severance.space import Space, new_key, stored_head
from severance.store import VAULT_NAME, open_audit, open_store, path_of
from severance.system import SystemClock, SystemEntropy
from severance.upkeep.backup import Backup, back_up
from severance.upkeep.check import UNREADABLE, Finding, examine, salvaged
from severance.upkeep.reembed import reembed
from severance.worker.workers import Workers
from severance.writing import choosing

EMBEDDER_VARIABLE = "SEVERANCE_EMBEDDER"
RERANKER_VARIABLE = "SEVERANCE_RERANKER"
T = TypeVar("T")

_LAST = micros(datetime(2200, 1, 1, tzinfo=UTC))
_BATCH = 4_096
"""Personas that are made in one step: other writers wait no longer than it takes."""

Progress = Callable[[int, int], None]
"""Called now and then with how much is done and how much there is."""


def open(  # noqa: A001 - `severance.open` is what people will write
    path: str | os.PathLike[str] = "~/.severance",
    *,
    key: Key = None,
    create: bool = True,
    embedder: str | Embedder | None = None,
    reranker: str | Reranker | Reranking | None = None,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    surroundings: Surroundings | None = None,
) -> House:
    """Open the store at `path`, and make it if there is none.

    Args:
        path: the store's directory.
        key: where the root key comes from: 32 bytes, or `file:PATH`, `passphrase`, `keychain`, `env`, `env:NAME`,
            `command:...`. Without it: SEVERANCE_KEY, then the source recorded when the store was made, then the
            keychain.
        create: whether to make a store where there is none.
        embedder: turns texts into vectors: an embedder, or a spec such as `bundled`, `openai:MODEL@URL`,
            `fastembed:MODEL`, `model2vec:MODEL` or `sentence-transformers:MODEL`. Without it: the spec in
            SEVERANCE_EMBEDDER, then the bundled one, which needs no download.
        reranker: puts what recall found in a better order: a re-ranker, or a spec such as `endpoint:MODEL@URL`,
            `sentence-transformers:MODEL` or `fastembed:MODEL`. Without it: the spec in SEVERANCE_RERANKER, then none.
        clock, entropy, surroundings: for tests and replays; by default the machine's. The last is what the conditions
            of thresholds ask: host, directory, addresses, commands.

    Raises:
        StoreMissingError: there is no store, and `create` is False; or its chip or vault is missing.
        KeyMissingError, WrongKeyError: the root key could not be had, or is another store's.
        StoreError, DamagedError: the store cannot serve, or is not what was written.
        InputError: a spec cannot be meant.
    """
    chosen, reranking = chosen_embedder(embedder, key), _reranking(reranker, key)
    entropy = entropy or SystemEntropy()
    directory = path_of(path)
    vault, chip = open_store(directory, key=key, create=create, entropy=entropy)
    clock = clock or SystemClock()
    try:
        audit = open_audit(directory, chip, clock, entropy)
    except BaseException:
        chip.close()
        vault.close()
        raise
    return House(
        directory,
        vault,
        chip,
        audit,
        embedder=chosen,
        reranking=reranking,
        clock=clock,
        entropy=entropy,
        surroundings=surroundings,
    )


class House(Admitting, Auditing):
    """An unlocked store. Close it, or use it in a `with` block; closing puts every session to sleep.

    Names are 1 to 100 characters. Every method raises `StoreError` when the store cannot serve, and `DamagedError` when
    it is not what was written.
    """

    def __init__(
        self,
        directory: Path,
        vault: Vault,
        chip: Chip,
        audit: AuditLog | None,
        *,
        embedder: Callable[[], Embedder],
        reranking: Callable[[], Reranking | None] = lambda: None,
        clock: Clock,
        entropy: Entropy,
        surroundings: Surroundings | None = None,
    ) -> None:
        """Not for callers: use `severance.open`."""
        self._directory = directory
        self._vault = vault
        self._chip = chip
        self._audit = audit
        # Called at first need: a command that only looks at the house should not wait for word vectors.
        self._embedder = cache(embedder)
        self._reranking = cache(reranking)
        self._clock = clock
        self._entropy = entropy
        # In the order of crossing: a set's order would differ between runs, and with it what closing writes.
        self._sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self._crossings = count()
        self._book = Book(chip)
        self._gate = Gate(chip, clock, entropy)
        self._surroundings = surroundings or Machine()
        self._workers = Workers(directory / VAULT_NAME)

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors here."""
        return self._embedder()

    def sever(self, subject: str, personas: Iterable[str]) -> list[Persona]:
        """Divide a subject: give it personas, each with a space and a key of its own. Returns all it has now.

        Personas that exist already stay as they are, so that this can be said again.

        Raises:
            InputError: a name that names can't have, or no persona at all.
            EmbedderError: the embedder cannot be loaded, or is not one that a log can name.
        """
        subject = name_of(subject, "the subject")
        if isinstance(personas, str):
            raise InputError("personas are a list of names, not one text")
        names = list(dict.fromkeys(name_of(name, "a persona") for name in personas))
        if not names:
            raise InputError("a subject is severed into at least one persona; name it")
        known = self._chip.known(subject, names)
        first = choosing(self.embedder)
        new = [name for name in names if name not in known]
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            self._tell(What.SEVERED, *({"subject": subject, "persona": name} for name in batch))
            self._sever(subject, batch, first)
        return self._chip.personas(subject)

    def place(self, name: str, wakes: Mapping[str, str | None]) -> Place:
        """Declare a place, and which persona of each subject wakes there. Returns the place as it is now.

        Subjects that are not mentioned stay as they are; None says that nobody of that subject wakes there any more.

        Raises:
            InputError: a name that names can't have.
            NotFoundError: a persona that does not exist; nothing was changed.
        """
        name = name_of(name, "the place")
        if not isinstance(wakes, Mapping):
            raise InputError("who wakes at a place is a mapping of subjects to personas")
        checked = {
            name_of(subject, "a subject"): None if persona is None else name_of(persona, "a persona")
            for subject, persona in wakes.items()
        }
        told = [{"place": name, "subject": subject, "persona": persona} for subject, persona in checked.items()]
        self._tell(What.PLACED, *(told or [{"place": name}]))
        self._chip.set_place(name, checked)
        return self._chip.place(name)

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
        if isolation not in (None, "process"):
            raise InputError('isolation is "process", or nothing')
        machine = isinstance(self._clock, SystemClock) and isinstance(self._entropy, SystemEntropy)
        if isolation is not None and not machine:
            raise InputError("a process of its own has the machine's clock and entropy; open the house without others")
        place = name_of(place, "the place")
        wake = self._wake if isolation is None else self._wake_elsewhere
        return self._crossed(name_of(subject, "the subject"), place, wake)

    def _waking_now(self, subject: str, place: str) -> Persona:
        at = Circumstances(self._gate.now(), self._surroundings).known()
        return self._chip.waking(subject, place, at)

    def _crossed(self, subject: str, place: str, wake: Waking, claim: Claim | None = None) -> Session:
        """The persona that wakes there for whoever claims it, or for the owner, woken in this way."""
        try:
            return self._let_through(subject, place, wake, claim)
        except NotFoundError:
            self._tell(What.REFUSED, {"subject": subject, "place": place})
            raise

    def _let_through(self, subject: str, place: str, wake: Waking, claim: Claim | None) -> Session:
        application = None if claim is None else claim.program
        watch = self._book.watch(subject, place)
        at = Circumstances(self._gate.now(), self._surroundings, application).known()
        persona = self._chip.waking(subject, place, at)
        admission = None if claim is None else claim.open(persona)
        if claim is not None and admission is None:
            self._chip.refuse()
        key = self._chip.key(persona)
        seat = Seat(persona, place, key.space)
        staying = Staying(self._book, watch, seat, at, surroundings=self._surroundings, clock=self._clock.now)
        if staying.over:
            self._chip.refuse()
        self._tell(What.CROSSED, _whom(persona, place))  # before anything can be read
        session = wake(persona, place, key, staying)
        if admission is not None:
            let_in(session, admission)
        try:
            staying.take_turn()  # last: a crossing that fails puts nobody else to sleep
        except BaseException:
            with suppress(SeveranceError):
                session.sleep()
            raise
        self._sessions[next(self._crossings)] = session
        return session

    def _wake(self, persona: Persona, place: str, key: SpaceKey, staying: Staying) -> Session:
        return Session(
            persona,
            place,
            Space(self._vault, key, self._entropy),
            embedder=self.embedder,
            reranking=self._reranking,
            clock=self._clock,
            entropy=self._entropy,
            anchor=self._chip.anchor(key),
            keep_anchor=partial(self._chip.set_anchor, key),  # and not this house: a session should reach little
            still_awake=staying,
            slept=partial(_slept, staying, self._audit, _whom(persona, place)),
        )

    def _wake_elsewhere(self, persona: Persona, place: str, key: SpaceKey, staying: Staying) -> Session:
        return self._workers.wake(
            persona,
            place,
            key,
            embedder=self.embedder,
            reranking=self._reranking,
            anchor=self._chip.anchor(key),
            keep_anchor=partial(_keep_confirmed, self._vault, self._chip, key),
            still_awake=staying,
            slept=partial(_slept, staying, self._audit, _whom(persona, place)),
        )

    def thresholds(self) -> str:
        """All rules and limits as the TOML text that `apply_thresholds` takes."""
        return write_thresholds(self._book.all())

    def apply_thresholds(self, text: str, *, dry: bool = False) -> list[str]:
        """Let these rules and limits hold from now on, and no others. Returns what changes, in sentences.

        Sessions that they no longer wake end at their next call. The commands that they name may be run on this machine
        from now on, for this user.

        Args:
            text: TOML, as in docs/how-to/thresholds.md.
            dry: only tell what would change.

        Raises:
            InputError: it cannot be meant; the message has line and column, and what holds stays in force.
        """
        personas = {(who.subject, who.name) for who in self._everyone()}
        after = read_thresholds(text, name_of, lambda subject, persona: (subject, persona) in personas)
        found = changes(self._book.all(), after)
        if not dry:
            allow_commands(after, os.environ)
            if found:
                self._tell(What.THRESHOLD_CHANGED, {"detail": {"changes": len(found)}})
                self._book.replace(after)
        return found

    def explain(
        self, subject: str, place: str, *, when: datetime | None = None, application: str | None = None
    ) -> Explanation:
        """Who wakes at a place and why, on this machine, now or at another time. Nobody is woken, nothing changes.

        Args:
            subject, place: of whom and where.
            when: as if it were then; a time without a zone is taken as UTC.
            application: as if the program that was registered by this name crossed.

        Raises:
            InputError: a name that names can't have, or a time before 1970 or after 2199.
        """
        subject, place = name_of(subject, "the subject"), name_of(place, "the place")
        now = self._clock.now() if when is None else micros(when)
        if not 0 <= now < _LAST:
            raise InputError("a time is from 1970 to 2199")
        at = Circumstances(now, self._surroundings, application)
        return explanation(subject, place, decide(self._book.rules(subject, place), at))

    def status(self) -> Status:
        """Who there is and who wakes where. Nobody is woken for it, and nothing remembered is looked at."""
        now, roll = (
            self._clock.now(),
            self._chip.roll(),
        )  # of the set as a whole: a list must not be short of somebody who was taken out
        awake_at = defaultdict[tuple[str, str], list[str]](list)
        for place in roll.places:
            for subject, names in {**{s: (p,) for s, p in place.wakes.items()}, **place.depends}.items():
                for name in names:
                    awake_at[subject, name].append(place.name)
        # In the order of the file: of many personas, each page is then read once.
        ordered = sorted(roll.personas, key=attrgetter("space"))
        records = {known.space: stored_head(self._vault, known.space, known.anchor).seq for known in ordered}
        personas = []
        for persona, space, _ in roll.personas:
            places = tuple(awake_at.get((persona.subject, persona.name), ()))
            limits = limits_of(roll.limits.get(persona.subject))
            today = days_of(roll.awake.get(space)).get(day_of(now, limits.zone), 0) // 1_000_000
            budget = limits.budgets.get(persona.name)
            personas.append(PersonaStatus(persona.subject, persona.name, places, records[space], today, budget))
        return Status(str(self._directory), tuple(personas), tuple(roll.places))

    def check(self, progress: Progress | None = None) -> list[Finding]:
        """Read everything, and say what is not as it was written; an empty list when all is."""
        return examine(self._vault, self._chip, self._entropy, self._everyone, progress)

    def salvage(self) -> Iterator[tuple[Persona, Iterator[Memory]]]:
        """Of each persona that can still be read, every memory that can still be read, in its current version."""
        for persona in self._chip.survivors():
            yield persona, self._salvaged(persona)

    def reembed(self, progress: Progress | None = None) -> int:
        """Embed every memory of every persona with this house's embedder. Returns how many were embedded.

        Can be interrupted and run again; personas that use this embedder already are left alone.
        """
        self._chip.verify()  # as for `status`
        self._tell(What.REEMBEDDED, {})
        spaces = [Space(self._vault, self._chip.key(persona), self._entropy) for persona in self._everyone()]
        done = 0
        for number, space in enumerate(spaces):
            try:
                done += reembed(space, self._chip.anchor(space.key), self.embedder, progress)
            except EmbedderError as error:
                raise EmbedderError(
                    f"{error}; {number:,} of {len(spaces):,} personas have the new embedder, run it again",
                    again=error.again,
                ) from None
        return done

    def backup(self, path: str | os.PathLike[str], *, chip: bool = True) -> Backup:
        """Write a consistent copy of the store to a new file while others may go on writing; sealed as it is.

        Without the chip, the copy cannot be opened without this store's chip, and what is retired later stays retired.

        Raises:
            StoreError: the file exists or cannot be written.
        """
        self._tell(What.BACKED_UP, {"detail": {"chip": chip}})
        return back_up(self._vault, self._chip if chip else None, path_of(path))

    def close(self) -> None:
        """Put every session to sleep and let go of the store. Doing it again does nothing."""
        with ExitStack() as last:  # backwards; one that fails keeps none of the others from its turn
            last.callback(self._vault.close)
            last.callback(self._chip.close)
            if self._audit is not None:
                last.callback(self._audit.close)
            last.callback(self._workers.close)  # they have the vault open
            for session in reversed(list(self._sessions.values())):
                last.callback(session.sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _tell(self, what: What, *each: Mapping[str, Any]) -> None:
        """Write into the audit log what is about to happen; in a store that is only read there is none."""
        _told(self._audit, what, *each)

    def _sever(self, subject: str, names: Sequence[str], first: Event) -> None:
        """Make these personas, with a space each that begins with `first`."""
        spaces = {
            name: Space(self._vault, new_key(self._entropy, f"{subject}/{name}".encode()), self._entropy)
            for name in names
        }
        self._vault.create([space.begun([first]) for space in spaces.values()])
        keys = {name: (space.key, space.head) for name, space in spaces.items()}
        for name in self._chip.add_personas(subject, keys):
            self._vault.drop(
                keys[name][0].space
            )  # another process severed the same persona first; its space is the one

    def _salvaged(self, persona: Persona) -> Iterator[Memory]:
        # When it is asked for, and empty where nothing can be read, so that the others still have their turn.
        with suppress(*UNREADABLE):
            yield from salvaged(Space(self._vault, self._chip.key(persona), self._entropy))

    def _everyone(self) -> list[Persona]:
        return [persona for subject in self._chip.subjects() for persona in self._chip.personas(subject.name)]


def _keep_confirmed(vault: Vault, chip: Chip, key: SpaceKey, head: Head) -> None:
    """Move an anchor to where a worker says that its log ends: no further than the vault's own head."""
    stored_head(vault, key.space, head)
    chip.set_anchor(key, head)


def check_thresholds(text: str) -> int:
    """How many rules a text has that `House.apply_thresholds` could take, if the personas exist.

    Raises:
        InputError: it could not; the message has line and column.
    """
    return sum(map(len, read_thresholds(text, name_of).rules.values()))


def chosen_embedder(chosen: str | Embedder | None, key: Key = None) -> Callable[[], Embedder]:
    """What makes the embedder that `open` would use for these arguments.

    Raises:
        InputError: the spec, here or in the environment, cannot be meant.
    """
    if chosen is None:
        return _in_environment(EMBEDDER_VARIABLE, embedder_of, key) or bundled
    return embedder_of(chosen, variables(key)) if isinstance(chosen, str) else partial(_itself, chosen)


def _reranking(chosen: str | Reranker | Reranking | None, key: Key) -> Callable[[], Reranking | None]:
    if chosen is None:
        return _in_environment(RERANKER_VARIABLE, reranker_of, key) or partial(_itself, None)
    if isinstance(chosen, str):
        return reranker_of(chosen, variables(key))
    return partial(_itself, chosen if isinstance(chosen, Reranking) else Reranking(chosen))


def _in_environment(variable: str, read: Callable[[str, Collection[str]], T], key: Key) -> T | None:
    """What the spec in a variable means, or None where it has none."""
    spec = os.environ.get(variable)
    try:
        return read(spec, variables(key)) if spec else None
    except InputError as problem:
        raise InputError(f"{variable}: {problem}") from None


def _whom(persona: Persona, place: str) -> Mapping[str, Any]:
    return {"subject": persona.subject, "persona": persona.name, "place": place}


def _slept(staying: Staying, audit: AuditLog | None, whom: Mapping[str, Any]) -> None:
    try:
        staying.end()
    finally:
        with suppress(StoreError):  # it sleeps whether that can be written down or not
            _told(audit, What.SLEPT, whom)


def _told(audit: AuditLog | None, what: What, *each: Mapping[str, Any]) -> None:
    if audit is not None:
        audit.tell_all(what, each)


def _itself(thing: T) -> T:
    return thing
