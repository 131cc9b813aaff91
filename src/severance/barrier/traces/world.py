"""A scratch house while a trace runs through it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from severance import house as houses
from severance.barrier.traces import fuse as fuses
from severance.barrier.traces.content import Content
from severance.barrier.traces.edges import Cached, Edge, edge_of
from severance.barrier.traces.elsewhere import end_workers, in_workers, kill
from severance.barrier.traces.fuse import Fuse, wire
from severance.barrier.traces.observing import Observation, observed, placeless
from severance.barrier.traces.people import EVERYONE, PLACES, WORLD, Who
from severance.barrier.traces.ports import FEW, KEY, NOON, SECOND, Overlap, Ports, ScopedEntropy, StillClock
from severance.barrier.traces.seats import Seats
from severance.barrier.traces.shape import Shape, shape_of
from severance.barrier.traces.steps import OWNER, SESSION, TYPED, Numbered, Step
from severance.house import House
from severance.model import Persona, id_text
from severance.ports import Reranking
from severance.session import Session

STORE = "store"
_RANG = "severance: alarm: "
_LONGEST = 10.0  # seconds
_FILES = (
    *("vault.db", "vault.db-wal", "vault.db-shm", "chip.db", "chip.db-journal"),
    *("audit.db", "audit.db-wal", "audit.db-shm"),
    *("alarms.db", "alarms.db-wal", "alarms.db-shm"),
)


@dataclass(eq=False)
class Awake:
    """A session, and what its persona has in hand."""

    who: Who
    session: Session
    content: Content
    ids: list[str]


class World:
    """A house while a trace runs through it.

    Attributes:
        folder: where the store is, with what else the trace writes.
        clock, entropy, ports: everything that could differ between runs.
        fuse: cuts calls short.
        contents: what each persona's numbers mean.
        absent: a persona that was never severed, or None.
        dimensions: of the embedder in force.
        houses: two handles on one store, as two processes would have them.
        awake, ids: each persona's sessions, and the ids that it was given.
        seats: the thresholds, as the trace has set them.
        seen: what each persona observed; None for what everybody may.
        shapes: what somebody who reads the disk saw, each time that nobody had the store open.
        spaces: the id of each persona's space.
        asked: what the step that is being taken has had its encoders do: embed or score, how many texts, a digest.
        backups: how many were made.
        backup: the last one that was made without the chip.
    """

    def __init__(self, folder: Path, contents: Mapping[Who, Content], absent: Who | None, ports: Ports) -> None:
        self.folder = folder
        self.ports = ports
        self.fuse = Fuse()
        self.clock = _Clock(self.fuse)
        self.entropy: ScopedEntropy = ports.entropy()
        self.contents = contents
        self.absent = absent
        self.dimensions = FEW
        self.houses: list[House | None] = [None, None]
        self.awake: dict[Who, list[Awake]] = defaultdict(list)
        self.ids: dict[Who, list[str]] = defaultdict(list)
        self.seats = Seats()
        self.seen: dict[Who | None, list[Observation]] = defaultdict(list)
        self.shapes: list[Shape] = []
        self.spaces: dict[Who, bytes] = {}
        self.asked: list[tuple[str, int, str]] = []
        self.backups = 0
        self.backup: Path | None = None
        self._edge: Edge | None = None

    @property
    def store(self) -> Path:
        """The store's directory."""
        return self.folder / STORE

    def house(self, desk: int = 0) -> House:
        """The house, or a second handle on the same store, as another process would have it."""
        found = self.houses[desk]
        assert found is not None  # noqa: S101 - `furnish` comes first
        return found

    def furnish(self) -> None:
        """Open both handles. Never put off until somebody needs one: who that is must make no difference."""
        self.houses = [house or self.open(self.dimensions) for house in self.houses]

    def open(self, dimensions: int, *, plain: bool = False) -> House:
        """One more handle. Unless `plain`, the best two that are recalled there are re-ranked; the scores of the rest,
        which follow from those of all, stay to be seen.
        """
        embedder = _Embedder(self.ports.embedder(dimensions, self.folder), self.fuse, self.asked)
        reranker = None if plain else Reranking(_Reranker(self.asked), candidates=2)
        house = houses.open(
            self.store, key=KEY, embedder=embedder, reranker=reranker, clock=self.clock, entropy=self.entropy
        )
        return wire(in_workers(house) if self.ports.workers else house, self.fuse)

    def wakes(self, given: Mapping[str, str | None]) -> dict[str, str | None]:
        """Who wakes, without the one who is absent."""
        return {s: None if p is None or (s, p) == self.absent else p for s, p in given.items()}

    def there(self, subject: str, names: Sequence[str]) -> list[str]:
        """These personas, without the one who is absent."""
        return [name for name in names if (subject, name) != self.absent]

    def place(self, name: str, wakes: Mapping[str, str | None], declare: Callable[..., Any]) -> Any:
        """Move a threshold with `declare`, and keep it in mind."""
        found = declare(name, self.wakes(wakes))
        self.seats.place(name, wakes)
        return found

    def reached(self, session: Session, who: Who) -> Session:
        """The session of somebody who has just crossed, as they have it."""
        if not self.ports.edge:
            return session
        if self._edge is None:
            edge = edge_of(self.ports.edge)(self.clock, self.entropy)
            self._edge = Cached(edge) if self.ports.cached else edge
        return self._edge.over(session, who)

    def _let_go_of_edge(self) -> None:
        edge, self._edge = self._edge, None
        if edge is not None:
            edge.close()

    @property
    def rules(self) -> str:
        """All thresholds as a TOML document, without the one who is absent."""
        return self.seats.written(lambda who: who != self.absent)

    def where(self, who: Who) -> str:
        """The first place at which this persona wakes now, or one where nobody does."""
        return self.seats.where(who, self.minute)

    @property
    def minute(self) -> int:
        """The minute of the trace, which is the number of the step."""
        return (self.clock.at - NOON) // (60 * SECOND)

    def next_backup(self, *, chip: bool) -> Path:
        """A new file for a backup."""
        self.backups += 1
        path = self.folder / f"{self.backups}.tar"
        if not chip:
            self.backup = path
        return path

    def build(self) -> None:
        """Sever everybody and declare the places, in an empty folder."""
        self.furnish()
        for subject, names in WORLD.items():
            if there := self.there(subject, names):
                self.house().sever(subject, there)
        for place, wakes in PLACES.items():
            self.place(place, wakes, self.house().place)
        everyone = [who for who in EVERYONE if who != self.absent]
        self.spaces = {who: self.house()._chip.key(Persona(*who)).space for who in everyone}

    def run(self, steps: Sequence[Numbered]) -> None:
        """Take the steps in a house that is built, and close it."""
        self.furnish()
        for numbered in steps:
            self.clock.at = NOON + 60 * SECOND * numbered.at
            self._take(numbered)
        self.clock.at += SECOND
        self.close()

    def close(self) -> None:
        """Close both handles; every session sleeps. Then look at the disk."""
        self.dismiss()
        self.shapes.append(shape_of(self.folder, [f"{n}.tar" for n in range(1, self.backups + 1)]))

    def overheard(self, said: str) -> None:
        """What the process wrote to its own output and errors, such as a log line, is for everybody to see: by
        whatever way, also straight to the descriptors."""
        if said:
            self._keep(None, -1, "the process's own output", said)

    def dismiss(self) -> None:
        """Close what is open, and do not look."""
        try:
            self._let_go_of_edge()
            for desk, house in enumerate(self.houses):
                if house is not None:
                    self.houses[desk] = None
                    house.close()
        finally:
            self.awake.clear()  # not before: a session that nobody holds any more is not put to sleep

    def crash(self, during: Step | None, cut: tuple[str, int] | None) -> None:
        """The process ends without a word, in the middle of a call if there is one: the files stay as they are."""
        kept: list[dict[Path, bytes]] = []
        uncut = self.ports.workers or bool(self.ports.edge)
        if during is not None and during.who is not None and cut is not None and not uncut:
            self.fuse.arm(*cut, partial(self._end, kept))
            self._observe(during, during.who)
            self.fuse.disarm()
        for house in filter(None, self.houses):
            end_workers(house)
            house._bell.close(0)
        files = kept[0] if kept else self._files()
        for house in filter(None, self.houses):
            for connection in (*fuses.connections(house), fuses.told(house), house._bell._queue):
                connection.close()
        self._let_go_of_edge()
        self.houses = [None, None]
        self.awake.clear()
        for name in _FILES:
            (self.store / name).unlink(missing_ok=True)
        for path, content in files.items():
            path.write_bytes(content)
        self.furnish()

    def command(self, *words: str, stdin: str = "", by: Who | None = None) -> Any:
        """What a user sees of a command: exit code, standard output, standard error. None where there are none.

        What rings is told on the errors of the owner's commands, for the owner alone; it is left out of them. Those of
        a persona are taken as they are.
        """
        if self.ports.commands is None:
            return None
        code, out, err = self.ports.commands(
            ["--store", str(self.store), *words],  # before the words: some commands have no store
            stdin.encode(),
            key=KEY,
            open_house=self._opened,
            ports={"clock": self.clock, "entropy": self.entropy},
            ticks=lambda: 0.0,
        )
        rang = [line for line in err.splitlines(keepends=True) if by is None and line.startswith(_RANG)]
        return code, out, "".join(line for line in err.splitlines(keepends=True) if line not in rang)

    def id_of(self, who: Who, args: Mapping[str, Any]) -> str:
        """An id: one that the persona saw, one that another persona saw, one that nobody did, or none at all."""
        kind: str = args["id"][0]
        number: int = args["id"][1]
        own = self.ids[who]
        if kind == "own" and own:
            return own[number % len(own)]
        if kind == "other":
            others = [i for other in EVERYONE if other != who for i in self.ids[other]]
            if others:
                return others[number % len(others)]
        if kind == "odd":
            return ("", "A" * 30, "a" * 29, "ä" * 30, "a" * 30 + "\n", " " + "a" * 29)[number % 6]
        return id_text(hashlib.sha256(b"nobody" + bytes([number % 256])).digest()[:15])

    def _take(self, numbered: Numbered) -> None:
        step, by = numbered.step, numbered.by
        if step.what in OWNER:
            views = self._cut(step, lambda: OWNER[step.what](self, step.args))
            for who, view in (views if isinstance(views, dict) else {by: views}).items():
                self._keep(who, numbered.at, step.what, view)
        elif by is not None:
            for what, view in self._observe(step, by):
                self._keep(by, numbered.at, what, view)
            # Whoever runs an encoder sees this: what is asked of it for one persona must not depend on another.
            self._keep(by, numbered.at, "asked of the encoders", tuple(self.asked))
        self.asked.clear()
        for house in filter(None, self.houses):
            house._bell.flush(_LONGEST)  # or its thread would go on beside the next step

    def _keep(self, who: Who | None, at: int, what: str, view: Any) -> None:
        self.seen[who].append((at, what, placeless(view, str(self.folder))))

    def _observe(self, step: Step, who: Who) -> list[tuple[str, Any]]:
        """What a persona observes of a step of its own: of the waking before it, where nobody is awake, too."""
        if step.what in TYPED:
            return [(step.what, self._cut(step, lambda: TYPED[step.what](self, who, step.args)))]
        found: list[tuple[str, Any]] = []
        sessions = self.awake[who]
        if not sessions:
            arrival = {"subject": who[0], "place": self.where(who), "desk": 0}
            found.append(("cross", observed(lambda: OWNER["cross"](self, arrival)[who])))
        if sessions:
            awake = sessions[step.args["session"] % len(sessions)]
            before = repr(awake.session)
            killed = self.ports.workers and step.args.get("cut") is not None
            if killed:
                kill(awake.session)
            found.append((step.what, self._cut(step, lambda: SESSION[step.what](self, awake, step.args))))
            ended = killed or (step.what != "sleep" and repr(awake.session) != before)
            if ended and awake in sessions:
                sessions.remove(awake)  # its process or its threshold has ended it; the persona crosses again
        return found

    def _cut(self, step: Step, call: Callable[[], Any]) -> Any:
        """Make a call, cut short where the step says so."""
        cut = step.args.get("cut")
        # A worker is not cut short, but killed; and what is cut short behind an edge would be told by a traceback.
        if cut is None or self.ports.workers or self.ports.edge:
            return observed(call)
        where, number, how = cut
        broken = where == fuses.EMBED and how != fuses.CANCELLED
        self.fuse.arm(where, number, fuses.failing if broken else fuses.ending(how))
        try:
            return observed(call)
        finally:
            self.fuse.disarm()

    def _opened(self, path: Path, *, key: bytes, create: bool) -> House:
        return self.open(self.dimensions, plain=True)

    def _end(self, kept: list[dict[Path, bytes]]) -> None:
        kept.append(self._files())
        raise fuses.Cut

    def _files(self) -> dict[Path, bytes]:
        """The store's files as they are. Not the index of the write-ahead log, which lives as long as a process."""
        found = {}
        for name in _FILES:
            if not name.endswith("-shm"):
                with suppress(FileNotFoundError):
                    found[self.store / name] = (self.store / name).read_bytes()
        return found


class _Clock(StillClock):
    """Touches the fuse."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self._fuse = fuse

    def now(self) -> int:
        self._fuse.touch(fuses.CLOCK)
        return super().now()


class _Embedder:
    """Keeps what it was asked, touches the fuse, and passes on."""

    def __init__(self, embedder: Any, fuse: Fuse, asked: list[tuple[str, int, str]]) -> None:
        self._embedder = embedder
        self._fuse = fuse
        self._asked = asked
        self.identity: str = embedder.identity
        self.dimensions: int = embedder.dimensions

    def embed(self, texts: Sequence[str]) -> Any:
        self._asked.append(_told("embed", texts))
        self._fuse.touch(fuses.EMBED)
        return self._embedder.embed(texts)


class _Reranker(Overlap):
    """Keeps what it was asked."""

    def __init__(self, asked: list[tuple[str, int, str]]) -> None:
        self._asked = asked

    def score(self, query: str, texts: Sequence[str]) -> Any:
        self._asked.append(_told("score", [query, *texts]))
        return super().score(query, texts)


def _told(what: str, texts: Sequence[str]) -> tuple[str, int, str]:
    digest = hashlib.sha256(repr(list(texts)).encode()).hexdigest()
    return what, len(texts), digest[:16]
