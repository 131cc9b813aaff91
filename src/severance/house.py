"""The house: where vault, chip, embedder, clock and entropy are put together. `severance.open()` makes one.

A house is for the owner, who has the root key: it severs, declares places and crosses. What a program or a model gets
is the session that crossing returns, and a session names no persona.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar

from severance.alarming import Damages, bell_of, cut_at_opening
from severance.audit.auditlog import AuditLog
from severance.audit.events import What
from severance.auditing import Auditing
from severance.chip.chip import Chip
from severance.chip.gate import Gate
from severance.chip.override.desk import Desk
from severance.chip.thresholds.awake import day_of
from severance.chip.thresholds.book import Book
from severance.chip.thresholds.stored import days_of, limits_of
from severance.chip.thresholds.surroundings import Machine, Surroundings
from severance.chip.tokens import Tokens
from severance.crossing import Crossing
from severance.crypto.rootkey import Key, variables
from severance.drafts import name_of
from severance.embed import bundled
from severance.embed.made import embedder_of, reranker_of
from severance.errors import DamagedError, InputError, SeveranceError
from severance.governing import Governing
from severance.keeping import Keeping
from severance.model import Persona, PersonaStatus, Place, Status
from severance.overridden import OPEN
from severance.overriding import Overriding
from severance.owning import Owning
from severance.ports import Clock, Embedder, Entropy, Reranker, Reranking, Vault
from severance.records import Event
from severance.refusals import Refusals
from severance.space import Space, new_key, stored_head
from severance.store import VAULT_NAME, open_audit, open_store, path_of
from severance.system import SystemClock, SystemEntropy
from severance.telling import Telling
from severance.worker.workers import Workers
from severance.writing import choosing

EMBEDDER_VARIABLE = "SEVERANCE_EMBEDDER"
RERANKER_VARIABLE = "SEVERANCE_RERANKER"
T = TypeVar("T")

_BATCH = 4_096
"""Personas that are made in one step: other writers wait no longer than it takes."""


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
    except BaseException as problem:
        if isinstance(problem, DamagedError):
            cut_at_opening(directory, chip, clock, entropy)
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
    )._begin()


class House(Crossing, Governing, Keeping, Auditing, Overriding, Owning):
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
        super().__init__()
        self._directory = directory
        self._vault = vault
        self._chip = chip
        self._audit = audit
        self._telling = Telling(audit)
        self._bell = bell_of(directory, chip, clock, entropy)
        self._damages = Damages(self._telling, self._bell, clock)
        self._telling.listeners.append(self._bell.hear)
        self._refusals = Refusals(self._telling, clock)
        # Called at first need: a command that only looks at the house should not wait for word vectors.
        self._embedder = cache(embedder)
        self._reranking = cache(reranking)
        self._clock = clock
        self._entropy = entropy
        self._book = Book(chip)
        self._gate = Gate(chip, clock, entropy)
        self._tokens = Tokens(chip, self._gate, entropy)
        self._desk = Desk(chip, entropy)
        self._surroundings = surroundings or Machine()
        self._workers = Workers(directory / VAULT_NAME)

    def _begin(self) -> Self:
        """This house, which tells what waits to be told; closed again where that is cut short."""
        try:
            with suppress(SeveranceError):  # what waits can wait, and keeps nobody out
                self._bell.begin()
        except BaseException:
            self.close()
            raise
        return self

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
            self._telling.tell(What.SEVERED, *({"subject": subject, "persona": name} for name in batch))
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
        self._telling.tell(What.PLACED, *(told or [{"place": name}]))
        self._chip.set_place(name, checked)
        return self._chip.place(name)

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
        overrides = tuple(found for found in self._settled() if found.state in OPEN)
        return Status(str(self._directory), tuple(personas), tuple(roll.places), overrides)

    def close(self) -> None:
        """Put every session to sleep and let go of the store. Doing it again does nothing."""
        with ExitStack() as last:  # backwards; one that fails keeps none of the others from its turn
            last.callback(self._vault.close)
            last.callback(self._chip.close)
            if self._audit is not None:
                last.callback(self._audit.close)
                last.callback(self._refusals.say)
            last.callback(self._close_bell)
            last.callback(self._workers.close)  # they have the vault open
            last.callback(self._write_dropped)
            for session in reversed(list(self._sessions.values())):
                last.callback(session.sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

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


def _itself(thing: T) -> T:
    return thing
