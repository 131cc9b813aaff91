"""A persona in a process of its own: what that process has, and how long it is there."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Thread
from unittest.mock import patch

import severance
from kit.processes import LONGEST, is_there
from severance import Persona
from severance.barrier.traces.ports import KEY
from severance.embed import Hashing
from severance.worker import child, confined
from severance.worker.away import WorkerSession
from severance.worker.pipes import Pipe
from severance.worker.syscalls import MACHINES, program

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


_FILTERED = """
import ctypes, errno, fcntl, os, struct, sys
path, parent, machine, number = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
reading, _ = os.pipe()
libc = ctypes.CDLL(None)
sys.stdout.write(f"{os.getpid()}\\n")
sys.stdout.flush()
code = bytes.fromhex(sys.stdin.readline())
if code:
    steps = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(steps))
    libc.prctl(38, *[ctypes.c_ulong(n) for n in (1, 0, 0, 0)])
    assert libc.syscall(ctypes.c_long(number), ctypes.c_long(1), ctypes.c_long(0), header) == 0
ways = {
    "mode": lambda: os.chmod(path, 0o600),
    "owner": lambda: os.chown(path, -1, -1),
    "times": lambda: os.utime(path, (1, 1)),
    "attributes": lambda: os.listxattr(path),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, parent, os.getpriority(os.PRIO_PROCESS, parent)),
    "processor": lambda: os.sched_setaffinity(parent, os.sched_getaffinity(parent)),
    "signals": lambda: fcntl.fcntl(reading, fcntl.F_SETOWN, parent),
}
for name, way in ways.items():
    try:
        way()
        print(name)
    except PermissionError:
        pass
"""


def a_worker_changes_nothing_that_is_not_opened(folder: Path) -> None:
    """The filter that workers put on, in a process of this check's own; without it, all of this works there."""
    file = folder / "of others"
    file.touch(0o600)
    assert _reached(file, filtered=False), "the control: nothing of this works anywhere"
    assert not (reached := _reached(file, filtered=True)), f"a worker reaches {', '.join(reached)} of others"


def _reached(file: Path, *, filtered: bool) -> list[str]:
    machine = os.uname().machine
    arguments = [sys.executable, "-I", "-c", _FILTERED, str(file), str(os.getpid()), machine, str(MACHINES[machine][2])]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        code = program(machine, int(process.stdout.readline())).hex() if filtered else ""
        said, _ = process.communicate(f"{code}\n", timeout=LONGEST)
        assert process.returncode == 0, "the filter is none that the kernel takes"
    return said.split()


_STUBBORN = """
from severance.worker import confine
confine.alone()
import os, time
from severance.errors import DamagedError
from severance.worker import serve

def for_ever(*_):
    while True:
        time.sleep(3600)

def sorry(*_):
    raise DamagedError("it is not what was written")

os._exit = for_ever
serve.Serving._sleep = {answer}
serve.main()
"""


def a_worker_that_will_not_sleep_is_ended(folder: Path) -> None:
    """Whether it says nothing to it, or that something is wrong: its process ends, and the log has that it slept."""
    for answer in ("for_ever", "sorry"):
        command = [sys.executable, "-I", "-B", "-c", _STUBBORN.format(answer=answer)]
        with ExitStack() as undo:
            undo.enter_context(patch.object(child, "command", lambda command=command: command))
            undo.enter_context(patch.object(child.Child, "patience", 0.5))
            undo.enter_context(patch.object(child, "_LAST", 0.5))
            with _awake(folder / answer) as (house, sessions):
                ending = [Thread(target=_asleep, args=(session,), daemon=True) for session in sessions]
                for each in ending:
                    each.start()
                end = time.monotonic() + _SECONDS
                while any(is_there(session.process) for session in sessions):
                    assert time.monotonic() < end, "a worker that will not sleep goes on, and has its key"
                    time.sleep(0.02)
                for each in ending:
                    each.join(_SECONDS)
                told = [event.what for event in house.events(limit=100)]
                assert told.count("slept") == told.count("crossed"), "that a persona slept is not in the log"


def _asleep(session: WorkerSession) -> None:
    with suppress(severance.SeveranceError):
        session.sleep()
