"""Whether a state that was found after a power cut is one that may be found.

Two depths. `Shallow` lets SQLite recover both databases and compares every row with what had been committed; it takes a
fraction of a millisecond. `deep` opens the store as a user would, and reads everything.
"""

from __future__ import annotations

import shutil
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import apsw

import severance
from crash.stage import DIMENSIONS, OTHER_DIMENSIONS, Kept, Who, kept
from crash.states import Image
from crash.tape import Content, Mark, Tape, content_of
from severance import EmbedderError, House, StoreMissingError
from severance.barrier.traces.ports import KEY
from severance.embed import Hashing
from severance.store import ASIDE, AUDIT_NAME, CHIP_NAME, VAULT_NAME

FILES = {
    VAULT_NAME: (f"store/{VAULT_NAME}", f"store/{VAULT_NAME}-wal"),
    CHIP_NAME: (f"store/{CHIP_NAME}", f"store/{CHIP_NAME}-journal"),
}
_ABSENT = (-1,)
_TABLE_SIZE = 200_000


LOG = (f"store/{AUDIT_NAME}", f"store/{AUDIT_NAME}-wal")
"""Of the audit log, whose head the chip remembers."""


def wanted(path: str) -> bool:
    """Whether a path is one that is looked at after a power cut."""
    name = path.removeprefix("store/")
    return path in ("store", *FILES[VAULT_NAME], *FILES[CHIP_NAME], *LOG) or path.endswith(".tar") or ASIDE in name


class Shallow:
    """Recovers states of one tape in a folder, and says what is wrong with them."""

    def __init__(self, tape: Tape, folder: Path) -> None:
        self._tape = tape
        self._folder = folder
        (folder / "store").mkdir(parents=True)
        self._there: dict[str, int | None] = {}
        self._known: dict[tuple[int | None, ...], tuple[int, ...] | str] = {}
        self._rules = {name: Rules(tape, name) for name in FILES}
        self._mark_times = [mark.at for mark in tape.marks]
        self._files = {path: raw for mark in tape.marks for path, raw in mark.files.items()}

    def wrong(self, at: int, image: Image) -> str | None:
        """What is wrong with this state when the power went after `at` operations; None if nothing is."""
        found: dict[str, tuple[int, ...]] = {}
        for name in FILES:
            outcome = self.recovered(name, image)
            if isinstance(outcome, str):
                return outcome
            fitting = self._rules[name].fitting(at, outcome)
            if isinstance(fitting, str):
                return fitting
            found[name] = fitting
        return self._apart(found) or self._broken_promise(at, image)

    def recovered(self, name: str, image: Image) -> tuple[int, ...] | str:
        """Which of the tape's states the database is in once SQLite has recovered it (several may be the same)."""
        if FILES[name][0] not in image:
            return _ABSENT
        marks = tuple(image[path].mark if path in image else None for path in FILES[name])
        known = self._known.get(marks)
        if known is None:
            if len(self._known) > _TABLE_SIZE:
                self._known.clear()
            known = self._known[marks] = self._recover(name, image)
        return known

    def _recover(self, name: str, image: Image) -> tuple[int, ...] | str:
        for path in FILES[name]:
            found = image.get(path)
            mark = None if found is None else found.mark
            if self._there.get(path, 0) != mark:
                target = self._folder / path
                if found is None:
                    target.unlink(missing_ok=True)
                else:
                    target.write_bytes(found.raw)
                self._there[path] = mark
        if FILES[name][1] in image and name == CHIP_NAME:  # recovering it writes to the file, and removes the journal
            self._there[FILES[name][0]] = self._there[FILES[name][1]] = 0
        try:
            content = _read(self._folder / FILES[name][0], name)
        except (apsw.Error, UnicodeDecodeError) as error:
            return f"{name} cannot be read: {error}"
        same = tuple(n for n, state in enumerate(self._tape.states[name]) if state.content == content)
        return same or f"{name} holds what it never held between two transactions"

    def _apart(self, found: dict[str, tuple[int, ...]]) -> str | None:
        vaults, chips = found[VAULT_NAME], found[CHIP_NAME]
        if chips != _ABSENT and vaults == _ABSENT and not self._tape.gaps:
            return "the chip is there without the vault"
        if _ABSENT in (vaults, chips):
            return None
        ages = [{self._tape.states[name][n].age for n in found[name]} for name in FILES]
        return None if ages[0] & ages[1] else "the chip and the vault are of different stores"

    def _broken_promise(self, at: int, image: Image) -> str | None:
        """A file that is made may be there whole or not at all; once it was promised it must be there."""
        last = bisect_right(self._mark_times, at) - 1
        promised = self._tape.marks[last].files if last >= 0 else {}
        for path, raw in self._files.items():
            found = image.get(path)
            if found is None and path in promised:
                return f"{path} is not there, and was acknowledged"
            if found is not None and found.raw != raw:
                return f"{path} is there in part"
        return None


class Rules:
    """Which states of one database may be found after how many operations."""

    def __init__(self, tape: Tape, name: str) -> None:
        self._name = name
        self._states = tape.states[name]
        self._done = [state.done for state in self._states]
        self._gaps = tape.gaps
        self._times, self._least = _demanded(tape, name)

    def fitting(self, at: int, found: tuple[int, ...]) -> tuple[int, ...] | str:
        """Those of the states found that may be there, or what is wrong.

        At least what the last transaction that had returned made of it, and at least what a session had been told; not
        what no transaction had begun to write.
        """
        least = bisect_right(self._done, at) - 1
        times = bisect_right(self._times, at)
        if times:
            least = max(least, self._least[times - 1])
        if found == _ABSENT:
            if least < 0 or any(start <= at < end for start, end in self._gaps):
                return found
            return f"{self._name} is not there, and was acknowledged"
        fitting = tuple(n for n in found if n >= least and self._states[n].begun <= at) if least < 10**9 else ()
        age = sum(at >= end for _, end in self._gaps)
        fitting = tuple(n for n in fitting if self._states[n].age >= age)
        if fitting:
            return fitting
        return f"{self._name} is in state {found} of {len(self._states) - 1} and should be in {least} at least"


def _demanded(tape: Tape, name: str) -> tuple[list[int], list[int]]:
    """From which operation on at least which state must be there, by what calls returned."""
    if name != VAULT_NAME:
        return [], []
    logs = [{(row[0], row[1]): row[3] for row in state.content[2]} for state in tape.states[name]]
    times, least, lowest = [], [], 0
    for mark in tape.marks:
        if any(mark.at == end for _, end in tape.gaps):
            lowest = 0  # another store: its states say what is demanded of it
        for space, seq, digest in mark.heads:
            while lowest < len(logs) and logs[lowest].get((space, seq)) != digest and seq:
                lowest += 1
        if lowest == len(logs):
            lowest = 10**9  # no transaction ever wrote it
        times.append(mark.at)
        least.append(lowest)
        if lowest == 10**9:
            break
    return times, least


def _read(path: Path, name: str) -> Content:
    raw = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # Recovery in memory of its own, and the log left as it is: the same files serve for many states.
        raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        raw.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        return content_of(raw, name)
    finally:
        raw.close()


@dataclass
class Claim:
    """What must be found when the store is opened.

    Attributes:
        there: whether a store was acknowledged.
        pieces: whether it may be in pieces, since a restore was under way.
        personas: who must be there.
        memories: by persona, what it may remember: one of these.
        extra: by persona, ids that must be among its memories.
        besides: a text that is left out where memories are compared with `memories`.
        exactly: by persona, what it must remember, neither more nor less.
    """

    there: bool = True
    pieces: bool = False
    personas: tuple[Who, ...] = ()
    memories: dict[Who, list[Kept]] = field(default_factory=dict)
    extra: dict[Who, list[str]] = field(default_factory=dict)
    besides: str = ""
    exactly: dict[Who, Kept] = field(default_factory=dict)


def claimed(last: Mark | None, following: Mark | None = None) -> Claim:
    """After this mark, while the call was under way that the following one ends."""
    if last is None:
        return Claim(there=False)
    memories = {who: [mine] for who, mine in last.memories.items()}
    if following is not None:
        for who, mine in memories.items():
            mine.append(following.memories.get(who, ()))
    return Claim(personas=last.personas, memories=memories)


def claimed_at(tape: Tape, at: int) -> Claim:
    """What must be found when the power went after so many operations."""
    times = [mark.at for mark in tape.marks]
    passed = bisect_right(times, at)
    claim = claimed(
        tape.marks[passed - 1] if passed else None, tape.marks[passed] if passed < len(tape.marks) else None
    )
    claim.pieces = any(start <= at < end for start, end in tape.gaps)
    return claim


def deep(image: Image, folder: Path, claim: Claim) -> str | None:
    """Open the store as its owner would, and say what is wrong; `folder` is new, and removed again."""
    folder.mkdir()
    try:
        for path, found in image.items():
            if path != "store":
                target = folder / path
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(found.raw)
        return _opened(folder / "store", claim)
    finally:
        shutil.rmtree(folder)


def _opened(store: Path, claim: Claim) -> str | None:
    try:
        house = severance.open(store, key=KEY, embedder=Hashing(DIMENSIONS), create=not claim.there)
    except StoreMissingError as error:
        return None if claim.pieces else f"the store does not open: {error}"
    except severance.SeveranceError as error:
        return f"the store does not open: {error}"
    try:
        with house:
            return _inside(house, claim)
    except severance.SeveranceError as error:
        return f"{type(error).__name__}: {error}"


def _inside(house: House, claim: Claim) -> str | None:
    findings = house.check()
    if findings:
        return f"check: {findings[0].what}"
    there = {(persona.subject, persona.name) for persona in house.status().personas}
    if missing := set(claim.personas) - there:
        return f"{len(missing)} personas are not there"
    for who, allowed in claim.memories.items():
        if who not in there:
            continue
        found = _memories(house, who)
        if set(claim.extra.get(who, ())) - {memory[0] for memory in found}:
            return f"{who} does not remember what was acknowledged last"
        if found != claim.exactly.get(who, found):
            return f"{who} remembers {_less(claim.exactly[who], found)}, which its session knew"
        found = tuple(memory for memory in found if memory[1] != claim.besides)
        if found not in allowed:
            return f"{who} remembers {_less(allowed[0], found)}"
    return None


def _less(memories: Kept, found: Kept) -> str:
    lost, more = set(memories) - set(found), set(found) - set(memories)
    return f"{len(lost)} less and {len(more)} more than was told"


def _memories(house: House, who: Who) -> Kept:
    """What a persona remembers, by waking it at a place of its own."""
    subject, name = who
    house.place("afterwards", {subject: name})
    try:
        with house.cross(subject, "afterwards") as session:
            return kept(session.memories())
    except EmbedderError:
        elsewhere = severance.open(house._directory, key=KEY, embedder=Hashing(OTHER_DIMENSIONS))
        with elsewhere, elsewhere.cross(subject, "afterwards") as session:
            return kept(session.memories())
