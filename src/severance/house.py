"""The house: where vault, chip, embedder, clock and entropy are put together. `severance.open()` makes one.

A house is for the owner, who has the root key: it severs, declares places and crosses. What a program or a model gets
is the session that crossing returns, and a session names no persona.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache, partial
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar
from weakref import WeakValueDictionary

from severance.chip.chip import Chip
from severance.crypto.rootkey import Key, variables
from severance.drafts import name_of
from severance.embed import bundled
from severance.embed.specs import embedder_of, reranker_of
from severance.errors import InputError
from severance.model import Memory, Persona, PersonaStatus, Place, Status
from severance.ports import Clock, Embedder, Entropy, Reranker, Reranking, Vault
from severance.records import Event
from severance.session import Session
from severance.space import Space, new_key, stored_head
from severance.store import open_store, path_of
from severance.system import SystemClock, SystemEntropy
from severance.upkeep.backup import Backup, back_up
from severance.upkeep.check import UNREADABLE, Finding, examine, salvaged
from severance.upkeep.reembed import reembed
from severance.writing import choosing

EMBEDDER_VARIABLE = "SEVERANCE_EMBEDDER"
RERANKER_VARIABLE = "SEVERANCE_RERANKER"
T = TypeVar("T")

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
        clock, entropy: for tests and replays; by default the machine's.

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
    return House(directory, vault, chip, embedder=chosen, reranking=reranking, clock=clock, entropy=entropy)


class House:
    """An unlocked store. Close it, or use it in a `with` block; closing puts every session to sleep.

    Names are 1 to 100 characters. Every method raises `StoreError` when the store cannot serve, and `DamagedError` when
    it is not what was written.
    """

    def __init__(
        self,
        directory: Path,
        vault: Vault,
        chip: Chip,
        *,
        embedder: Callable[[], Embedder],
        reranking: Callable[[], Reranking | None] = lambda: None,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        """Not for callers: use `severance.open`."""
        self._directory = directory
        self._vault = vault
        self._chip = chip
        # Called at first need: a command that only looks at the house should not wait for word vectors.
        self._embedder = cache(embedder)
        self._reranking = cache(reranking)
        self._clock = clock
        self._entropy = entropy
        # In the order of crossing: a set's order would differ between runs, and with it what closing writes.
        self._sessions: WeakValueDictionary[int, Session] = WeakValueDictionary()
        self._crossings = count()

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
            self._sever(subject, new[start : start + _BATCH], first)
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
        self._chip.set_place(name, checked)
        return self._chip.place(name)

    def cross(self, subject: str, place: str) -> Session:
        """Go to a place: the persona that wakes there wakes, in a new session.

        Start a new model context for it: what the model still holds of another persona is out of Severance's reach.

        Raises:
            NotFoundError: nobody of that name wakes at a place of that name.
            EmbedderError: the memories were embedded by another embedder than this house's.
        """
        place = name_of(place, "the place")
        persona = self._chip.waking(name_of(subject, "the subject"), place)
        key = self._chip.key(persona)
        session = Session(
            persona,
            place,
            Space(self._vault, key, self._entropy),
            embedder=self.embedder,
            reranking=self._reranking,
            clock=self._clock,
            entropy=self._entropy,
            anchor=self._chip.anchor(key),
            keep_anchor=partial(self._chip.set_anchor, key),  # and not this house: a session should reach little
        )
        self._sessions[next(self._crossings)] = session
        return session

    def status(self) -> Status:
        """Who there is and who wakes where. Nobody is woken for it, and nothing remembered is looked at."""
        roll = self._chip.roll()  # of the set as a whole: a list must not be short of somebody who was taken out
        awake_at = defaultdict[tuple[str, str], list[str]](list)
        for place in roll.places:
            for pair in place.wakes.items():
                awake_at[pair].append(place.name)
        # In the order of the file: of many personas, each page is then read once.
        ordered = sorted(roll.personas, key=attrgetter("space"))
        records = {known.space: stored_head(self._vault, known.space, known.anchor).seq for known in ordered}
        personas = []
        for persona, space, _ in roll.personas:
            places = tuple(awake_at.get((persona.subject, persona.name), ()))
            personas.append(PersonaStatus(persona.subject, persona.name, places, records[space]))
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
        spaces = [Space(self._vault, self._chip.key(persona), self._entropy) for persona in self._everyone()]
        return sum(reembed(space, self._chip.anchor(space.key), self.embedder, progress) for space in spaces)

    def backup(self, path: str | os.PathLike[str], *, chip: bool = True) -> Backup:
        """Write a consistent copy of the store to a new file while others may go on writing; sealed as it is.

        Without the chip, the copy cannot be opened without this store's chip, and what is retired later stays retired.

        Raises:
            StoreError: the file exists or cannot be written.
        """
        return back_up(self._vault, self._chip if chip else None, path_of(path))

    def close(self) -> None:
        """Put every session to sleep and let go of the store. Doing it again does nothing."""
        with ExitStack() as last:  # backwards; one that fails keeps none of the others from its turn
            last.callback(self._vault.close)
            last.callback(self._chip.close)
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

    def _salvaged(self, persona: Persona) -> Iterator[Memory]:
        # When it is asked for, and empty where nothing can be read, so that the others still have their turn.
        with suppress(*UNREADABLE):
            yield from salvaged(Space(self._vault, self._chip.key(persona), self._entropy))

    def _everyone(self) -> list[Persona]:
        return [persona for subject in self._chip.subjects() for persona in self._chip.personas(subject.name)]


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
