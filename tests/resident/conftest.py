"""A store, permits for it, and real processes of houses that are up for it; all have ended when a test has."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY, PLACES, WORLD
from kit.processes import children_of, is_there, until
from severance import ResidentHouse
from severance.embed import Hashing

RIGHTS = ("recall", "remember", "amend", "forget")

collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []


class Up:
    """A house that is up in a process of its own."""

    def __init__(self, store: Path, **habits: Any) -> None:
        script = Path(__file__).with_name("house_up.py")
        arguments = [sys.executable, "-W", "error", str(script), str(store), json.dumps(habits)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()
        self._store = store

    @property
    def house(self) -> ResidentHouse:
        """As a program has it."""
        return severance.connect(self._store)

    def workers(self) -> set[int]:
        """The processes that it has started."""
        return children_of(self.process.pid)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(60)

    def end(self) -> str:
        """End it, and its workers, whatever became of it. Returns what it said on standard error."""
        workers = self.workers()
        self.process.kill()
        said = self.process.communicate(timeout=60)[1]
        until(lambda: not any(map(is_there, workers)))
        return said


@pytest.fixture
def store(folder: Path) -> Path:
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as made:
        for subject, personas in WORLD.items():
            made.sever(subject, personas)
        for place, wakes in PLACES.items():
            made.place(place, wakes)
    return folder / "store"


@pytest.fixture
def permit(store: Path) -> Callable[..., str]:
    """Makes permits for whoever of mark wakes at the floor."""

    def make(*rights: str, subject: str = "mark", place: str = "floor", until: timedelta = timedelta(hours=1)) -> str:
        with severance.open(store, key=KEY, embedder=Hashing(16)) as house:
            return house.permit(subject, place, rights=rights or RIGHTS, until=until)

    return make


@pytest.fixture
def up(store: Path) -> Iterator[Callable[..., Up]]:
    """Starts a house."""
    started: list[Up] = []

    def start(**habits: Any) -> Up:
        started.append(Up(store, **habits))
        assert started[-1].line == "up\n"
        return started[-1]

    yield start
    said = [each.end() for each in started]
    for number in {each.process.pid for each in started}:
        with suppress(ProcessLookupError):
            os.kill(number, 0)
            raise AssertionError("it is still there")
    assert said == [""] * len(started), "what nobody foresaw"
