"""A small store, everything that can be asked of it, and what became of the answers after its files were altered.

Flips and cuts are made here, edits of rows in `alterations`. `tools/flips.py` flips every bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from severance import house as houses
from severance import sleeping
from severance import space as spaces
from severance.audit import auditlog
from severance.barrier.endurance.echo import echoes, listen
from severance.barrier.endurance.replacing import replaced
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock, small_snapshots
from severance.embed import Hashing
from severance.errors import SeveranceError
from severance.house import House
from severance.model import Memory
from severance.session import Session

FILES = ("vault.db", "chip.db")
"""What is altered. The audit log is written by asking, and has alterations of its own in its tests."""
SUBJECT = "mark"
WAKES = {"floor": "innie", "home": "outie"}
QUERIES = ("the file and the goats", "dinner with Petey", "percent")
NOTICED = ("refused", "found by check")
SOUND = ("harmless", *NOTICED)

Files = Mapping[str, bytes]
Answers = dict[str, Any]


def open_store(store: Path, seed: bytes = b"damage", clock: StillClock | None = None) -> House:
    """The house of a store made by `build`. Its chip hears nothing of the audit log, which asking writes."""
    with replaced(auditlog.AuditLog, keep_head=_keep_nothing):
        house = houses.open(
            store,
            key=KEY,
            create=False,
            embedder=Hashing(16),
            clock=clock or StillClock(),
            entropy=ScopedEntropy(seed),
        )
    if (audit := cast(Any, house)._audit) is not None:
        audit.keep_head = _keep_nothing
    return house


def _keep_nothing(*_: object) -> None:
    """In the place of what moves the log's head."""


@dataclass
class Built:
    """A closed store as bytes, and as it was at two moments before.

    Attributes:
        files: the store: two personas with repeats, amendments and forgotten memories; the innie with a snapshot of
            several chunks and records after it, the outie without a snapshot.
        earlier: the same store before its last memories, with an older snapshot of the innie.
        unanchored: like `files`, with three more memories of each persona of which the chip has not heard.
        spaces: place to the id of the space of whoever wakes there.
        last: place to the head's number in `files`, which is the anchor too.
    """

    files: Files = field(default_factory=dict)
    earlier: Files = field(default_factory=dict)
    unanchored: Files = field(default_factory=dict)
    spaces: dict[str, bytes] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)


def build(store: Path) -> Built:
    """Make the store in an empty folder `store`, and read what it is made of."""
    built, clock = Built(), StillClock()
    houses.open(store, key=KEY, embedder=Hashing(16), clock=clock, entropy=ScopedEntropy(b"new")).close()
    with open_store(store, b"begin", clock) as house:
        house.sever(SUBJECT, WAKES.values())
        for place, persona in WAKES.items():
            house.place(place, {SUBJECT: persona})
    with small_snapshots(), replaced(spaces, CHUNK_BYTES=900):
        with open_store(store, b"early", clock) as house:
            _live(house, "floor", FLOOR[:4], clock)
            with replaced(sleeping, _LOOSE=1_000, BLOCK=1_000):
                _live(house, "home", HOME, clock)
        built.earlier = contents(store)
        with open_store(store, b"late", clock) as house:
            _live(house, "floor", FLOOR[4:], clock)
    with open_store(store, b"tail", clock) as house, house.cross(SUBJECT, "floor") as innie:
        innie.remember("the goats are in the big room again", thread="tuesday")
        innie.remember("the waffle party was cancelled")
    built.files = contents(store)
    with open_store(store) as house:
        for place in WAKES:
            with house.cross(SUBJECT, place) as session:
                space = session._space
                assert space is not None  # noqa: S101 - it is awake
                built.spaces[place], built.last[place] = space.key.space, space.head.seq
    built.unanchored = _left_awake(store, clock)
    restore(store, built.files)
    return built


FLOOR: tuple[dict[str, Any], ...] = (
    {"text": "the file is at 96 percent", "thread": "monday", "source": "helly", "metadata": {"room": 7}},
    {"text": "the map that Petey drew", "amended": "the map that Petey drew of the severed floor"},
    {"text": "the map is behind the picture", "forgotten": True},
    {"text": "the goats are not ready", "pinned": True, "again": True},
    {"text": "a melon bar for the file at 100 percent", "thread": "monday"},
    {"text": "there is another department", "forgotten": True, "amended": "there is no other department"},
    {"text": "the elevator knows"},
)
HOME: tuple[dict[str, Any], ...] = (
    {"text": "dinner without dinner at Devon's", "again": True},
    {"text": "Petey came by", "amended": "a man who said that he is Petey came by", "source": "door"},
    {"text": "the phone in the basement", "forgotten": True},
    {"text": "Gemma liked the tree", "metadata": {"sad": True}},
)


def _live(house: House, place: str, life: tuple[dict[str, Any], ...], clock: StillClock) -> None:
    with house.cross(SUBJECT, place) as session:
        gone = []
        for number, given in enumerate(life):
            clock.tick()
            fields = {name: value for name, value in given.items() if name not in ("amended", "forgotten", "again")}
            memory = session.remember(**fields)
            if given.get("again"):
                session.remember(**fields)
            if "amended" in given:
                session.amend(memory.id, given["amended"], kind=f"corrected {number}")
            if given.get("forgotten"):
                gone.append(memory.id)
        for each in gone:
            session.forget(each)


def _left_awake(store: Path, clock: StillClock) -> Files:
    """Three more memories of each persona, and then the process is killed: the log has them, the chip has not heard."""
    house = open_store(store, b"awake", clock)
    sessions = [house.cross(SUBJECT, place) for place in WAKES]
    for session in sessions:
        for number in range(3):
            session.remember(f"unheard of {number}")
    for file in (house._chip, house._vault, house._audit):
        if file is not None:
            file.close()
    for session in sessions:
        session._space = None
    return contents(store)


def contents(store: Path) -> Files:
    """The bytes of what can be altered in a closed store."""
    return {name: (store / name).read_bytes() for name in FILES}


def restore(store: Path, files: Files) -> None:
    """Make the folder hold these files and nothing else."""
    for path in store.iterdir():
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (store / name).write_bytes(content)


def ask(store: Path) -> Answers:
    """Everything that can be asked of the store, each with its answer or the `SeveranceError` that it raised.

    What is raised once is not held against what comes after: each answer stands for itself.
    """
    answers: Answers = {}

    def put(question: str, call: Callable[[], Any]) -> Any:
        try:
            found = answers[question] = call()
        except SeveranceError as error:
            answers[question] = error
            return None
        return found

    house = put("open", lambda: open_store(store))
    if house is None:
        return answers
    answers["open"] = True
    try:
        put("status", house.status)
        for place in WAKES:
            session = put(f"cross {place}", partial(house.cross, SUBJECT, place))
            if session is not None:
                answers[f"cross {place}"] = session.persona
                _ask_session(session, place, put)
        put("check", house.check)
        if any(isinstance(answer, SeveranceError) for answer in answers.values()) or answers["check"]:
            put("salvage", lambda: [memory for _, found in house.salvage() for memory in found])
    finally:
        put("close", house.close)
    return answers


def _ask_session(session: Session, place: str, put: Callable[[str, Callable[[], Any]], Any]) -> None:
    memories = put(f"memories {place}", lambda: list(session.memories()))
    for memory in memories or ():
        if memory.supersedes is not None:
            put(f"history {place} {memory.text}", partial(session.history, memory.id))
    for query in QUERIES[:2]:
        put(f"recall {place} {query}", partial(session.recall, query, limit=3))
    put(f"stats {place}", session.stats)
    put(f"sleep {place}", session.sleep)


class Outcome(NamedTuple):
    """What became of one alteration.

    Attributes:
        kind: "harmless" (the same answers, and `check` finds nothing), "refused" (some call raised a `SeveranceError`),
            "found by check" (the same answers, and `check` finds it); or a fault: "wrong answer", "check is silent"
            (refused, but `check` was asked and found nothing), "wrong salvage", or the name of another exception.
        detail: the first call that raised, and what.
    """

    kind: str
    detail: str = ""


class Bench:
    """One store that is altered and asked again and again, in a folder of its own."""

    def __init__(self, folder: Path, built: Built | None = None) -> None:
        self.store = folder / "store"
        self.built = built or build(self.store)
        self.store.mkdir(exist_ok=True)
        restore(self.store, self.built.files)
        self.truth = ask(self.store)
        raised = any(isinstance(answer, SeveranceError) for answer in self.truth.values())
        # Asking must not write, or trials would depend on one another.
        if raised or self.truth["check"] or contents(self.store) != self.built.files:
            raise SeveranceError("a store that nobody has altered is refused, or changed by asking")
        self._steps = listen(lambda: ask(self.store))
        self._known = {_essence(memory) for memory in self._versions()}

    def _versions(self) -> Iterator[Memory]:
        with open_store(self.store) as house:
            for place in WAKES:
                with house.cross(SUBJECT, place) as session:
                    for memory in session.memories():
                        yield from session.history(memory.id)

    @property
    def bits(self) -> int:
        """How many bits the store has."""
        return 8 * sum(map(len, self.built.files.values()))

    def flip(self, bit: int, *, short: bool = False) -> Outcome:
        """Flip one bit, numbered through both files, ask everything, and put it back.

        With `short`, nothing is asked where SQLite says the same of the altered store as of the sound one.
        """
        name, at = place_of(self.built.files, bit // 8)
        path, content = self.store / name, self.built.files[name]
        with path.open("r+b", buffering=0) as file:
            file.seek(at)
            file.write(bytes([content[at] ^ 1 << bit % 8]))
        try:
            if short and echoes(self._steps):
                return Outcome("harmless", "the same rows")
            return self.outcome()
        finally:
            self.reset()

    def cut(self, name: str, length: int) -> Outcome:
        """Cut a file to this length, ask everything, and put it back."""
        os.truncate(self.store / name, length)
        try:
            return self.outcome()
        finally:
            self.reset()

    def reset(self) -> None:
        """Put back what was written to, by us or by the store."""
        for path in self.store.iterdir():
            if path.name not in FILES:
                path.unlink()
        for name, content in self.built.files.items():
            path = self.store / name
            if path.read_bytes() != content:
                path.write_bytes(content)

    def outcome(self) -> Outcome:
        """Ask everything of the store as it is now, and judge."""
        try:
            answers = ask(self.store)
        except Exception as error:  # noqa: BLE001 - whatever else comes out is what is looked for
            return Outcome(type(error).__name__, str(error))
        return self.judge(answers)

    def judge(self, answers: Answers) -> Outcome:
        """Compare with the answers of the sound store."""
        raised = ""
        for question, answer in answers.items():
            if isinstance(answer, SeveranceError):
                raised = raised or f"{question.split()[0]}: {type(answer).__name__}"
            elif question not in ("check", "salvage") and self.truth.get(question) != answer:
                return Outcome("wrong answer", question)
        if "open" not in answers or not isinstance(answers["open"], SeveranceError):
            salvaged = answers.get("salvage", [])
            if not isinstance(salvaged, SeveranceError) and not self._known.issuperset(map(_essence, salvaged)):
                return Outcome("wrong salvage", raised)
            if raised and answers["check"] == []:
                return Outcome("check is silent", raised)
            if not raised:
                return Outcome("found by check") if answers["check"] else Outcome("harmless")
        return Outcome("refused", raised)


def _essence(memory: Memory) -> tuple[Any, ...]:
    """What of a memory may not be wrong even in a salvage. Links and counts may point to what was lost."""
    metadata = tuple(sorted(memory.metadata.items()))
    return memory.id, memory.text, memory.at, memory.thread, memory.source, memory.kind, metadata, memory.pinned


def cuts(files: Files) -> list[tuple[str, int]]:
    """Every file with every length to cut it to: whole pages, and any length within its last two pages."""
    found = []
    for name in FILES:
        content = files[name]
        page = int.from_bytes(content[16:18], "big")
        lengths = {*range(0, len(content), page), *range(len(content) - 2 * page, len(content))}
        found += [(name, length) for length in sorted(lengths)]
    return found


def place_of(files: Files, at: int) -> tuple[str, int]:
    """Which file the store's byte `at` is in, and where there."""
    for name in FILES:
        if at < len(files[name]):
            return name, at
        at -= len(files[name])
    raise IndexError("the store has no such byte")
