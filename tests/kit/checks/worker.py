"""A persona in a process of its own: what that process has, and how long it is there."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest.mock import patch

import severance
from kit.processes import is_there
from severance import Persona
from severance.barrier.traces.ports import KEY
from severance.embed import Hashing
from severance.worker import confined
from severance.worker.away import WorkerSession
from severance.worker.pipes import Pipe

_SECONDS = 10.0
_NAMES = ("innie", "outie")


@contextmanager
def _awake(folder: Path) -> Iterator[tuple[severance.House, list[WorkerSession]]]:
    """A house, and a worker of each of two personas, which have ended afterwards whatever became of them."""
    with severance.open(folder / "store", key=KEY, embedder=Hashing(16)) as house:
        house.sever("mark", _NAMES)
        sessions = list[WorkerSession]()
        try:
            for name in _NAMES:
                house.place(name, {"mark": name})
                session = house.cross("mark", name, isolation="process")
                assert isinstance(session, WorkerSession)
                sessions.append(session)
            yield house, sessions
        finally:
            for session in sessions:
                with suppress(ProcessLookupError):
                    os.kill(session.process, signal.SIGKILL)


def a_worker_is_shut_off(folder: Path) -> None:
    """As far as this platform allows, and nothing that was open in its parent is open in it."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with _awake(folder) as (_, sessions):
        os.close(writing)
        for session in sessions:
            assert session.confinement == confined(), "it is not shut off as others are"
        ended = select.poll()
        ended.register(reading, select.POLLHUP)
        assert ended.poll(int(_SECONDS * 1000)), "a worker has a descriptor of its parent"
    os.close(reading)


def a_worker_gets_one_key(folder: Path) -> None:
    """The bytes on the pipe to each worker hold the key of its persona once, and that of no other."""
    sent: dict[int, bytes] = {}
    true = Pipe.send

    def send(self: Pipe, raw: bytes) -> None:
        sent[self.writing] = sent.get(self.writing, b"") + raw
        true(self, raw)

    with patch.object(Pipe, "send", send), _awake(folder) as (house, sessions):
        secrets = [house._chip.key(Persona("mark", name)).secret for name in _NAMES]
        for session, own in zip(sessions, secrets, strict=True):
            said = sent[session._child._pipe.writing]
            held = [secret for secret in (*secrets, KEY) if secret in said or secret.hex().encode() in said]
            assert held == [own], "a worker got another key than its own"


def a_worker_shows_nothing(folder: Path) -> None:
    """Neither its arguments nor its environment say whose it is, and its directory is its own, and says nothing."""
    with _awake(folder) as (_, sessions):
        folders = [session._child.scratch for session in sessions]
        assert len(set(folders)) == len(folders), "two workers have one directory"
        for session, scratch in zip(sessions, folders, strict=True):
            session.remember("a memory of this one")
            shown = [str(scratch), *map(str, scratch.rglob("*"))]
            for name in ("cmdline", "environ"):
                with suppress(OSError):  # there is no /proc, or it is closed, as it should be
                    shown.append(Path("/proc", str(session.process), name).read_bytes().decode("utf-8", "replace"))
            said = [word for word in ("mark", *_NAMES, str(folder)) for text in shown if word in text]
            assert not said, "a worker shows whose it is"
            assert not list(scratch.iterdir()), "something was left in its directory"


def a_worker_ends_with_its_parent(folder: Path) -> None:
    """When the other end of its pipe is closed, nobody is there to serve."""
    with _awake(folder) as (_, sessions):
        for session in sessions:
            session._child._pipe.close()
            end = time.monotonic() + _SECONDS
            while is_there(session.process):
                assert time.monotonic() < end, "a worker goes on without its parent"
                time.sleep(0.02)
