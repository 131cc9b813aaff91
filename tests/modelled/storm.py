"""Several processes on one store at once, each of which may be killed at any time; afterwards what they wrote down is
looked through for what no order explains.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

from kit import open_house
from modelled.actual import Template, identity
from modelled.history import Event, History
from severance import AsleepError, House, NotFoundError, Session
from severance.barrier.children import end_with_parent
from severance.barrier.traces.ports import ScopedEntropy, StillClock

_PROCESSES = 3
_LIVES = (1.0, 6.0)
"""Between so many seconds a process lives."""

_LOOK = 0.1

_WEIGHTS = {"call": 60, "admit": 14, "cross": 8, "sleep": 4, "make": 4, "revoke": 3, "place": 2}
_DAY = timedelta(days=1)
_WAKES = {"floor": "innie", "home": "outie"}


@dataclass
class Weathered:
    """What the processes did.

    Attributes:
        steps, kills: calls that were begun, and processes that were killed.
        answers: how often each kind of call got each answer; "killed" where nobody knows.
        seconds: how long it took.
    """

    steps: int = 0
    kills: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def storm(template: Template, folder: Path, steps: int, seed: int) -> Weathered:
    """Let processes work and die until they have done so many steps.

    Raises:
        AssertionError: something that they saw cannot be; the message says what.
    """
    begun, weathered, draw = time.monotonic(), Weathered(), random.Random(seed)
    folder.mkdir()
    shutil.copytree(template.store, folder / "store")
    living = list[_Process]()
    try:
        while (done := _lines(folder)) < steps or living:
            while done < steps and len(living) < _PROCESSES:
                living.append(_Process(folder, f"{seed}-{weathered.kills + len(living)}", draw.uniform(*_LIVES)))
            time.sleep(_LOOK)
            for one in [one for one in living if one.is_over() or done >= steps]:
                one.kill()
                living.remove(one)
                weathered.kills += 1
    finally:
        for one in living:
            one.kill()
    events = list(_read(folder))
    for event in events:
        weathered.answers[f"{event.what} {event.answer or 'killed'}"] += 1
    weathered.steps, weathered.seconds = len(events), time.monotonic() - begun
    first = [Event(-inf, -inf, "place", seat=place, persona=persona) for place, persona in _WAKES.items()]
    faults = list(History([*first, *events]).faults())
    assert not faults, "\n".join(faults[:20])
    shutil.rmtree(folder)
    return weathered


class _Process:
    """One of them, from outside."""

    def __init__(self, folder: Path, name: str, life: float) -> None:
        """With so many seconds to live from its first call on."""
        self._log = folder / f"{name}.log"
        self._life = life
        self._ends: float | None = None
        self._child = multiprocessing.get_context("spawn").Process(target=_live, args=(folder, name), daemon=True)
        self._child.start()

    def is_over(self) -> bool:
        """Whether it has lived long enough.

        Raises:
            AssertionError: it has ended by itself; what it said is on standard error.
        """
        assert self._child.is_alive(), "a process ended by itself"
        if self._ends is None and self._log.exists():
            self._ends = time.monotonic() + self._life
        return self._ends is not None and time.monotonic() >= self._ends

    def kill(self) -> None:
        """As `kill -9`."""
        self._child.kill()
        self._child.join()


def _lines(folder: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in folder.glob("*.log")) // 2


def _read(folder: Path) -> Iterator[Event]:
    """What was written down: each call once when it begins, and once more when it has ended."""
    for file in folder.glob("*.log"):
        last: dict[str, Any] | None = None
        for line in file.read_bytes().splitlines():
            said = json.loads(line)
            if last is not None and not said["answer"]:
                yield Event(**last | {"end": inf})
            last = said if not said["answer"] else None
            if last is None:
                yield Event(**said)
        if last is not None:
            yield Event(**last | {"end": inf})


class Life:
    """One process: it does what it likes, and writes it down."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._random = random.Random(name)
        self._log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._house: House = open_house(
            folder / "store", clock=StillClock(), entropy=ScopedEntropy(name.encode()), create=False
        )
        self._sessions: dict[str, Session] = {}
        self._number = 0

    def step(self) -> None:
        """One call."""
        (what,) = self._random.choices(list(_WEIGHTS), _WEIGHTS.values())
        place = self._random.choice(list(_WAKES))
        match what:
            case "call" | "sleep" if self._sessions:
                self._on_a_session(what)
            case "admit" | "revoke":
                self._with_a_text(what)
            case "cross" if len(self._sessions) < 4:
                self._open(Event(0, 0, what, seat=place), lambda: self._house.cross("mark", place))
            case "make":
                self._make(place)
            case "place":
                persona = _WAKES[place] if self._random.random() < 0.7 else self._random.choice(("innie", "outie"))
                event = Event(0, 0, what, seat=place, persona=persona)
                self._told(event, lambda: self._done(lambda: self._house.place(place, {"mark": persona})))

    def _on_a_session(self, what: str) -> None:
        name = self._random.choice(list(self._sessions))
        session = self._sessions[name] if what == "call" else self._sessions.pop(name)
        work: Callable[[], object] = session.sleep if what == "sleep" else lambda: session.recall("file")
        if self._told(Event(0, 0, what, session=name), lambda: self._done(work)) == "asleep":
            self._sessions.pop(name, None)

    def _with_a_text(self, what: str) -> None:
        files = list(self._folder.glob("*.text"))
        if not files:
            return
        file = self._random.choice(files)
        seat, persona, text = file.read_text().split()
        event = Event(0, 0, what, text=file.stem, seat=seat, persona=persona)
        if what == "revoke":
            self._told(event, lambda: self._done(lambda: self._house.revoke(identity(text))))
        elif len(self._sessions) < 4:
            self._open(event, lambda: self._house.admit(text))

    def _make(self, place: str) -> None:
        self._number += 1
        name = f"{self._name}-{self._number}"
        made = list[str]()

        def make() -> str:
            try:
                text = self._house.permit("mark", place, rights=["recall"], until=_DAY)
            except NotFoundError:
                return "refused"
            made.append(text)
            return "done"

        self._told(Event(0, 0, "make", text=name, seat=place), make)
        for text in made:
            persona = next(each.persona for each in self._house.permits() if each.id == identity(text))
            part = self._folder / f"{name}.part"
            part.write_text(f"{place} {persona} {text}")
            part.rename(part.with_suffix(".text"))

    def _open(self, event: Event, wake: Callable[[], Session]) -> None:
        self._number += 1
        name = f"{self._name}-{self._number}"

        def opened() -> str:
            try:
                self._sessions[name] = wake()
            except NotFoundError:
                return "refused"
            return self._sessions[name].persona

        self._told(Event(**asdict(event) | {"session": name}), opened)

    @staticmethod
    def _done(work: Callable[[], object]) -> str:
        try:
            work()
        except AsleepError:
            return "asleep"
        return "done"

    def _told(self, event: Event, work: Callable[[], str]) -> str:
        begin = time.monotonic_ns()
        self._write(asdict(event) | {"begin": begin, "end": 0})
        answer = work()
        self._write(asdict(event) | {"begin": begin, "end": time.monotonic_ns(), "answer": answer})
        return answer

    def _write(self, said: dict[str, Any]) -> None:
        os.write(self._log, json.dumps(said).encode() + b"\n")


def _live(folder: Path, name: str) -> None:
    end_with_parent()
    life = Life(folder, name)
    while True:
        life.step()
