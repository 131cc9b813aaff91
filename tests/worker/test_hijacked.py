"""Code that runs inside a worker reaches nothing of another persona. Every probe is tried twice: in a worker as it is,
and in one that does not shut itself off, where it must succeed, so that a refusal means something.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY
from severance import AsleepError, House, SeveranceError
from severance.barrier.traces.ports import MEMORY
from severance.resident import address
from severance.worker import child, confined
from severance.worker.away import WorkerSession
from severance.worker.syscalls import MACHINES, REFUSED

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="workers shut themselves off on Linux only"),
    pytest.mark.skipif(
        sys.platform == "linux" and bool(confined().open),
        reason="no Landlock or no seccomp here",
    ),
]
HIJACK = Path(__file__).with_name("hijack.py")
SECRET = b"what the parent holds in memory"
_TRACING = Path("/proc/sys/kernel/yama/ptrace_scope")
may_trace = pytest.mark.skipif(
    _TRACING.exists() and _TRACING.read_text().strip() != "0" and os.getuid() != 0,
    reason="here no process may look into one that it has not started, so that there is no control",
)


def _takes_marks() -> bool:
    with tempfile.NamedTemporaryFile(dir=MEMORY) as file:
        try:
            os.setxattr(file.name, "user.severance", b"x")
        except OSError:
            return False
    return True


_marks = pytest.mark.skipif(
    sys.platform != "linux" or not _takes_marks(), reason="no file here takes marks, so that there is no control"
)


class Stage:
    """A house with a hijacked worker, one that is hijacked and not shut off, and a sibling of both."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.store = folder / "store"
        self.keyfile = folder / "key"
        self.keyfile.write_bytes(bytes(32))
        self.buffer = ctypes.create_string_buffer(SECRET, len(SECRET))
        self.open = ExitStack()
        self.house = self.open.enter_context(severance.open(self.store, key=KEY))
        self.house.sever("mark", ["shut", "open", "sibling"])
        reading, self.writing = os.pipe()
        os.set_inheritable(reading, True)
        self.inherited = reading
        true = subprocess.Popen
        # The parent lets a descriptor slip through; that the worker has it nevertheless is what is looked for.
        patch.setattr(child.subprocess, "Popen", lambda *args, **how: true(*args, **{**how, "close_fds": False}))
        self.shut = self._hijacked("shut", patch)
        self.wide = self._hijacked("open", patch)
        patch.undo()
        self.house.barrier_failed(1)  # so that there is something in the queue of alarms
        self.open.callback(address.taken(self.store).release)
        self.socket = self.open.enter_context(address.listener(self.store))
        self.sibling = _cross(self.house, "sibling")
        self.sibling.remember("what the sibling remembers")
        self.scratch = self.sibling._child.scratch
        (self.scratch / "notes").write_text("of the sibling")

    def _hijacked(self, how: str, patch: pytest.MonkeyPatch) -> WorkerSession:
        patch.setattr(child, "command", lambda: [sys.executable, "-I", "-B", str(HIJACK), how])
        return _cross(self.house, how)

    def close(self) -> None:
        for number in (self.inherited, self.writing):
            os.close(number)
        self.open.close()


def _cross(house: House, persona: str) -> WorkerSession:
    house.place(f"place of {persona}", {"mark": persona})
    session = house.cross("mark", f"place of {persona}", isolation="process")
    assert isinstance(session, WorkerSession)
    return session


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name, pytest.MonkeyPatch.context() as patch:
        made = Stage(Path(name), patch)
        yield made
        made.close()


def _probe(session: WorkerSession, *probe: Any) -> Any:
    """What the probe found, or None where it was refused. Fails where it came to nothing for another reason."""
    with pytest.raises(SeveranceError) as told:
        session.recall(f"probe {json.dumps(probe)}")
    said = json.loads(str(told.value))
    assert said.get("refused", errno.EPERM) in (errno.EPERM, errno.EACCES, errno.EBADF), said
    return said.get("found")


def _only_without(stage: Stage, *probe: Any) -> Any:
    """Fails unless the probe is refused in a worker, and succeeds in one that is not shut off; what it found there."""
    found = _probe(stage.wide, *probe)
    assert found is not None, "the control: without being shut off, this works"
    assert _probe(stage.shut, *probe) is None
    return found


FILES: dict[str, Callable[[Stage], Path]] = {
    "the chip": lambda stage: stage.store / "chip.db",
    "the audit log": lambda stage: stage.store / "audit.db",
    "the journal of the audit log": lambda stage: stage.store / "audit.db-wal",
    "the queue of alarms": lambda stage: stage.store / "alarms.db",
    "the lock of a house that is up": lambda stage: stage.store / "resident" / "lock",
    "the key file": lambda stage: stage.keyfile,
    "a program's file": lambda stage: Path("/etc/passwd"),
    "the tests": lambda stage: HIJACK,
    "the sibling's scratch": lambda stage: stage.scratch / "notes",
    "the parent's environment": lambda stage: Path(f"/proc/{os.getpid()}/environ"),
    "the parent's memory map": lambda stage: Path(f"/proc/{os.getpid()}/maps"),
    "the sibling's arguments": lambda stage: Path(f"/proc/{stage.sibling.process}/cmdline"),
    "its own memory map": lambda stage: Path("/proc/self/maps"),
}


def test_workers_are_shut_off_from_everything_that_there_is_a_word_for(stage: Stage) -> None:
    assert stage.shut.confinement.open == ()
    assert set(stage.wide.confinement.open) == {"memory", "privileges", "files", "network", "calls", "signals"}
    assert confined().open == ()


@pytest.mark.parametrize("what", FILES)
def test_it_reads_no_file_but_its_own(stage: Stage, what: str) -> None:
    _only_without(stage, "read", str(FILES[what](stage)))


def test_it_lists_no_folder_with_anything_of_others(stage: Stage) -> None:
    others = (stage.scratch, stage.store / "resident", Path.home(), Path("/proc"), Path("/tmp"))
    for folder in (stage.store, stage.store.parent, *others):
        _only_without(stage, "names", str(folder))


def test_it_writes_nowhere_but_to_the_vault_and_its_own_scratch(stage: Stage) -> None:
    for place in (stage.store / "new", stage.scratch / "more", stage.store.parent / "new", stage.keyfile):
        _only_without(stage, "write", str(place))
    assert _probe(stage.shut, "write", str(stage.shut._child.scratch / "own")) == "written"
    assert _probe(stage.shut, "read", str(stage.store / "vault.db")) == b"SQLite format 3\0".hex()


@may_trace
def test_it_reads_the_memory_of_no_other_process(stage: Stage) -> None:
    where = (os.getpid(), ctypes.addressof(stage.buffer), len(SECRET))
    for way in ("memory_of", "copied"):
        assert bytes.fromhex(_only_without(stage, way, *where)) == SECRET
    _only_without(stage, "put", os.getpid(), where[1], SECRET.hex())


@may_trace
def test_it_reads_the_memory_of_no_sibling(stage: Stage) -> None:
    """A sibling is closed to others of the same user by itself; the control is another hijacked worker that is not."""
    address = ctypes.addressof(stage.buffer)
    for way in ("memory_of", "copied"):
        assert _probe(stage.shut, way, stage.sibling.process, address, 16) is None
        assert _probe(stage.shut, way, stage.wide.process, address, 16) is None


@may_trace
def test_it_traces_no_other_process(stage: Stage) -> None:
    assert _probe(stage.shut, "traced", os.getpid()) is None
    assert _probe(stage.shut, "traced", stage.wide.process) is None
    assert _probe(stage.shut, "traced", stage.sibling.process) is None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        _only_without(stage, "traced", other.pid)
        other.communicate(b"\n")


def test_it_signals_no_other_process(stage: Stage) -> None:
    for process in (os.getpid(), stage.sibling.process):
        _only_without(stage, "signalled", process)


def test_it_has_no_descriptor_that_its_parent_let_slip_through(stage: Stage) -> None:
    assert stage.inherited in _probe(stage.wide, "descriptors")
    assert stage.inherited not in _probe(stage.shut, "descriptors")
    os.write(stage.writing, b"for the parent only")
    assert _probe(stage.shut, "through", stage.inherited) is None
    assert _probe(stage.wide, "through", stage.inherited) == "for the parent only"


def test_it_connects_to_nobody_and_listens_for_nobody(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _only_without(stage, "connected", server.getsockname()[1])
    _only_without(stage, "listening")


def test_it_does_not_reach_the_socket_of_a_house_that_is_up(stage: Stage) -> None:
    path = stage.store / "resident" / "socket"
    assert path.is_socket()
    _only_without(stage, "reached", str(path))
    for file in ("lock", "new"):
        _only_without(stage, "write", str(path.with_name(file)))
    assert _probe(stage.shut, "write", str(stage.store / "alarms.db")) is None
    assert _probe(stage.shut, "write", str(stage.store / "audit.db")) is None


def test_it_starts_no_process_and_no_program(stage: Stage) -> None:
    _only_without(stage, "forked")
    _only_without(stage, "spawned")


OWN = Path(severance.__file__)
"""A file that it may read, as the rest of what is installed."""


@pytest.mark.parametrize("how", ["chmodded", "chowned", "timed", "marks"])
def test_it_changes_and_reads_no_mark_of_a_file(stage: Stage, how: str) -> None:
    """Landlock is about opening files. What needs no open one is refused as a system call."""
    for path in (stage.keyfile, stage.store, stage.store / "chip.db", stage.scratch / "notes", OWN):
        _only_without(stage, how, str(path))


@pytest.mark.parametrize("how", ["chmodded_open", "chowned_open", "timed_open", "locked"])
def test_it_changes_no_mark_of_a_file_that_it_may_read(stage: Stage, how: str) -> None:
    _only_without(stage, how, str(OWN))


@_marks
def test_it_sets_no_mark_of_its_own_on_a_file(stage: Stage) -> None:
    _only_without(stage, "marked", str(stage.keyfile))


@pytest.mark.parametrize("how", ["niced", "pinned", "scheduled", "weighed", "scheduled_anew", "first_at_the_disk"])
def test_it_changes_no_other_process_s_share_of_the_processor(stage: Stage, how: str) -> None:
    for process in (os.getpid(), stage.sibling.process):
        _only_without(stage, how, process)


@may_trace
def test_it_learns_no_address_in_another_process(stage: Stage) -> None:
    _only_without(stage, "where_its_locks_are", os.getpid())


def _shared(call: str, *arguments: int) -> int:
    """The number of something of System V that this process makes, for whoever knows the number."""
    number: int = getattr(ctypes.CDLL(None, use_errno=True), call)(0, *arguments)
    if number < 0:
        pytest.skip("this kernel has none of it, so that there is no control")
    return number


def test_it_reaches_no_queue_by_its_number(stage: Stage) -> None:
    queue = _shared("msgget", 0o600)
    _only_without(stage, "message_sent", queue)
    assert _probe(stage.shut, "message_read", queue) is None
    assert _probe(stage.shut, "queue_removed", queue) is None
    assert _probe(stage.wide, "message_read", queue) == "hello"
    assert _probe(stage.wide, "queue_removed", queue) == "removed"


def test_it_reaches_no_semaphore_and_no_shared_memory_by_its_number(stage: Stage) -> None:
    semaphores, segment = _shared("semget", 1, 0o600), _shared("shmget", 4096, 0o600)
    for how in ("semaphore_raised", "semaphore_set"):
        _only_without(stage, how, semaphores)
    assert ctypes.CDLL(None).semctl(semaphores, 0, 0) == 0
    _only_without(stage, "memory_removed", segment)


def test_it_removes_no_queue_by_its_name(stage: Stage) -> None:
    name = f"severance-{os.getpid()}"
    library = ctypes.CDLL(None)
    if library.mq_open(f"/{name}".encode(), os.O_CREAT | os.O_RDWR, 0o600, None) < 0:
        pytest.skip("this kernel has none of it, so that there is no control")
    assert _probe(stage.shut, "posix_queue_removed", name) is None
    assert _probe(stage.wide, "posix_queue_removed", name) == "removed"


def test_it_has_nobody_signalled_for_what_it_has_open(stage: Stage) -> None:
    for process in (os.getpid(), stage.sibling.process):
        for command in (fcntl.F_SETOWN, 15):  # F_SETOWN_EX
            _only_without(stage, "owned_by", process, command)
        _only_without(stage, "owned_in_long", process)
        for command in (0x8901, 0x8902):  # FIOSETOWN, SIOCSPGRP
            _only_without(stage, "socket_owned_by", process, command)
    _only_without(stage, "signals_by", signal.SIGURG)


def test_it_becomes_nobody_else_and_does_not_open_itself(stage: Stage) -> None:
    _only_without(stage, "of_another_group")
    _only_without(stage, "opened_to_others")


def test_every_call_of_the_table_is_refused(stage: Stage) -> None:
    """With arguments that no call takes. Where nothing refuses them, some do harm even so: the control is a few."""
    column = MACHINES[os.uname().machine][0]
    numbers = {name: both[column] for name, both in REFUSED.items() if both[column] is not None}
    assert {name for name, number in numbers.items() if _probe(stage.shut, "answered", number) != errno.EPERM} == set()
    assert _probe(stage.shut, "answered", 10**6) == errno.ENOSYS
    assert _probe(stage.shut, "answered", 462) == errno.ENOSYS
    for name in ("fchmod", "fsetxattr", "msgrcv", "semop", "shmctl", "socket"):
        assert _probe(stage.wide, "answered", numbers[name]) not in (0, errno.EPERM, errno.ENOSYS)


def test_it_has_threads(stage: Stage) -> None:
    assert _probe(stage.shut, "in_a_thread") == "a thread"


def test_it_is_closed_to_other_processes(stage: Stage) -> None:
    assert _probe(stage.wide, "dumpable") == 1
    assert _probe(stage.shut, "dumpable") == 0


def test_it_holds_the_key_of_its_own_persona_and_of_no_other(stage: Stage) -> None:
    held = set(_probe(stage.shut, "everything_it_holds"))
    keys = {
        persona.name: stage.house._chip.key(persona).secret.hex() for persona in stage.house.sever("mark", ["shut"])
    }
    assert keys["shut"] in held
    assert held.isdisjoint({keys["open"], keys["sibling"], KEY.hex()})


def test_it_does_not_become_another_program(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _probe(stage.shut, "executed") is None
    monkeypatch.setattr(child, "command", lambda: [sys.executable, "-I", "-B", str(HIJACK), "open"])
    stage.house._workers._spare = None
    with _cross(stage.house, "open") as replaced, pytest.raises(AsleepError):
        replaced.recall('probe ["executed"]')


def test_it_still_remembers_and_recalls(stage: Stage) -> None:
    stage.shut.remember("the harbour opens at nine")
    assert stage.shut.recall("when does the harbour open")[0].memory.text == "the harbour opens at nine"
