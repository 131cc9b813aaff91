"""Stores for both decoders to read, and what each of the two says of one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import severance
from format import decoder
from severance.embed.hashing import Hashing
from severance.errors import SeveranceError
from severance.model import Memory

if TYPE_CHECKING:
    from severance import House
    from severance.ports import Entropy

ROOT = bytes(range(32))
VAULT, CHIP, AUDIT = "vault.db", "chip.db", "audit.db"
FIRST, SECOND = Hashing(16), Hashing(24)
DOORS = {
    ("mark", "innie"): "severed floor",
    ("mark", "outie"): "home",
    ("helly", "helena"): "home",
    ("helly", "héllÿ r."): "severed floor",
}


class Ticking:
    """A clock that goes on by a second with each look."""

    def __init__(self, start: int = 1_700_000_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        self._now += 1_000_000
        return self._now


def open_house(directory: Path, embedder: Hashing = SECOND, *, entropy: Entropy | None = None) -> House:
    """Random bytes are the system's, unless the store's bytes are to be the same in each run."""
    return severance.open(directory, key=ROOT, embedder=embedder, clock=Ticking(), entropy=entropy)


def sever(house: House) -> None:
    for subject in ("mark", "helly"):
        house.sever(subject, [name for who, name in DOORS if who == subject])
    for place in dict.fromkeys(DOORS.values()):
        house.place(place, wakes={who: name for (who, name), where in DOORS.items() if where == place})
    house.sever("irving", ["nobody yet"])
    house.place("nowhere", wakes={})


def live(house: House, much: int) -> None:
    """Some of everything in three personas, and `much` in one of them."""
    with house.cross("mark", "severed floor") as innie:
        innie.remember_many([f"File {n} is at {n * 7 % 100} percent." for n in range(much)])
        innie.remember("File 3 is at 21 percent.")
        innie.remember("Lunch was melon.", thread="monday", source="irving", kind="fact", pinned=True)
        first = innie.remember("The file is due.", at="2024-05-31", metadata={"n": 1, "f": 0.5, "b": True, "x": None})
        second = innie.amend(first.id, "The file is due soon.")
        innie.amend(second.id, "The file is overdue.")
        innie.remember("The file is overdue.", metadata={"n": 1, "f": 0.5, "b": True, "x": None})
        innie.recall("lunch melon")
        innie.remember("Lunch was melon, melon!")
    with house.cross("mark", "home") as outie:
        gone = outie.remember("The basement is a secret.")
        outie.remember("The basement is a secret.")
        outie.amend(gone.id, "The basement is a darker secret.")
        outie.recall("the basement")
        outie.remember("The basement is a darker secret!")
        outie.remember("Ricken reads tonight. 🌒")
        outie.forget(gone.id)
    with house.cross("helly", "severed floor") as helly:
        helly.remember_many(["I quit.", "I quit.", "Nobody leaves the floor."])


def settle(house: House) -> None:
    """Embed anew, forget what was embedded twice, and let everybody sleep with layers of a snapshot."""
    house.reembed()
    with house.cross("mark", "severed floor") as innie:
        innie.forget(next(innie.memories()).id)
        innie.forget(innie.recall("lunch melon")[0].memory.id)
        innie.remember("Something after all of that.")
        innie.remember("Something after all of that.")
    for (subject, _), place in DOORS.items():
        house.cross(subject, place).sleep()


def copied(directory: Path, to: Path) -> Path:
    """A copy of a store that is not open."""
    to.mkdir(exist_ok=True)
    for name in (VAULT, CHIP):
        assert not (directory / f"{name}-wal").exists()
        shutil.copyfile(directory / name, to / name)
    if (directory / AUDIT).exists():
        shutil.copyfile(directory / AUDIT, to / AUDIT)
    return to


def histories_of(who: Any) -> dict[str, list[Memory]]:
    """All versions of all memories of a session or a mind."""
    return {memory.id: who.history(memory.id) for memory in who.memories()}


def answers(house: House) -> dict[Any, Any]:
    """What somebody would see of a store."""
    status = house.status()
    seen: dict[Any, Any] = {"status": (status.personas, status.places)}
    for (subject, persona), place in DOORS.items():
        with house.cross(subject, place) as session:
            hits = [
                [(hit.memory, hit.score, hit.reasons) for hit in session.recall(query)]
                for query in ("file 7", "the basement", "who quit?")
            ]
            seen[subject, persona] = (session.persona, histories_of(session), session.stats(), hits)
    return seen


def in_the_decoder(directory: Path) -> str:
    """Why it refuses the store; empty when it does not."""
    try:
        decoder.open_store(directory, ROOT)
    except decoder.Refused as refused:
        return refused.reason
    return ""


def in_the_library(directory: Path, expected: dict[Any, Any]) -> tuple[str, str]:
    """What `check` says (`findings`, `nothing`, or the error it raises), and what is answered: `same`, `other`, or the
    error. Where the store does not open, `closed` and the error.
    """
    try:
        house = open_house(directory)
    except SeveranceError as error:
        return "closed", type(error).__name__
    with house:
        try:
            checked = "findings" if house.check() else "nothing"
        except SeveranceError as error:
            checked = type(error).__name__
        try:
            return checked, "same" if answers(house) == expected else "other"
        except SeveranceError as error:
            return checked, type(error).__name__


def edit(directory: Path, name: str, *statements: str, **values: object) -> None:
    with closing(sqlite3.connect(directory / name, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement, values)


def space_of(directory: Path, *persona: str) -> dict[str, Any]:
    (found,) = (
        p for p in decoder.read_chip(directory / CHIP, ROOT)["personas"] if (p["subject"], p["name"]) == persona
    )
    return found


INNIE = ("mark", "innie")
