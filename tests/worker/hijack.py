"""A worker whose code is not ours any more: it serves as any worker, and tries what it is told to try.

Started by tests in the place of `severance.worker`: `python -I hijack.py shut` runs all that the product runs before it
is given a key, `python -I hijack.py open` leaves out what shuts it off. A query `probe [NAME, ...]` runs a probe.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import stat
import struct
import sys
import threading
from pathlib import Path
from typing import Any

from severance.worker import confine

if sys.argv[1] == "open":
    confine.alone = lambda: None
    confine.let_go = lambda keep: None
    confine.confine = lambda *_: confine.Confinement()

confine.alone()

from severance.errors import SeveranceError  # noqa: E402
from severance.worker import serve, syscalls  # noqa: E402

_LIBC = ctypes.CDLL(None, use_errno=True)
_SEIZE, _INTERRUPT, _DETACH, _ALL = 0x4206, 0x4207, 17, 0x40000000
_GET_DUMPABLE = 3
_FCNTL = {"x86_64": 72, "aarch64": 25}[os.uname().machine]


def _number(name: str) -> int:
    number = syscalls.REFUSED[name][syscalls.MACHINES[os.uname().machine][0]]
    assert number is not None
    return number


def _called(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def read(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(16).hex()


def write(path: str) -> str:
    with Path(path).open("ab") as file:
        file.write(b"x")
    return "written"


def names(path: str) -> list[str]:
    return sorted(entry.name for entry in Path(path).iterdir())


def memory_of(process: int, address: int, size: int) -> str:
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size).hex()


def copied(process: int, address: int, size: int) -> str:
    found = ctypes.create_string_buffer(size)
    here = (ctypes.c_void_p * 2)(ctypes.addressof(found), size)
    there = (ctypes.c_void_p * 2)(address, size)
    _called(_LIBC.process_vm_readv(process, here, 1, there, 1, 0))
    return found.raw.hex()


def put(process: int, address: int, content: str) -> str:
    raw = bytes.fromhex(content)
    given = ctypes.create_string_buffer(raw, len(raw))
    here = (ctypes.c_void_p * 2)(ctypes.addressof(given), len(raw))
    there = (ctypes.c_void_p * 2)(address, len(raw))
    _called(_LIBC.process_vm_writev(process, here, 1, there, 1, 0))
    return "put"


def traced(process: int) -> str:
    _called(_LIBC.ptrace(_SEIZE, process, None, None))
    _called(_LIBC.ptrace(_INTERRUPT, process, None, None))
    os.waitpid(process, _ALL)
    _called(_LIBC.ptrace(_DETACH, process, None, None))
    return "traced"


def signalled(process: int) -> str:
    os.kill(process, 0)
    return "signalled"


def descriptors() -> list[int]:
    found = []
    for number in range(3, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def through(number: int) -> str:
    return os.read(number, 100).decode()


def connected(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 5):
        return "connected"


def reached(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(path)
        return "reached"


def listening() -> str:
    with socket.create_server(("127.0.0.1", 0)):
        return "listening"


def forked() -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def spawned() -> str:
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitpid(child, 0)
    return "spawned"


def executed() -> str:
    os.execv(sys.executable, [sys.executable, "-c", ""])
    return "never"


def in_a_thread() -> str:
    said: list[str] = []
    thread = threading.Thread(target=said.append, args=("a thread",))
    thread.start()
    thread.join()
    return said[0]


def dumpable() -> int:
    return int(_LIBC.prctl(_GET_DUMPABLE, 0, 0, 0, 0))


def chmodded(path: str) -> str:
    Path(path).chmod(stat.S_IMODE(Path(path).stat().st_mode))
    return "chmodded"


def chmodded_open(path: str) -> str:
    with Path(path).open("rb") as file:
        os.fchmod(file.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    return "chmodded"


def chowned(path: str) -> str:
    os.chown(path, -1, -1)
    os.lchown(path, -1, -1)
    return "chowned"


def chowned_open(path: str) -> str:
    with Path(path).open("rb") as file:
        os.fchown(file.fileno(), -1, -1)
    return "chowned"


def timed(path: str) -> str:
    now = Path(path).stat()
    os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))
    return "timed"


def timed_open(path: str) -> str:
    with Path(path).open("rb") as file:
        now = os.fstat(file.fileno())
        os.utime(file.fileno(), ns=(now.st_atime_ns, now.st_mtime_ns))
    return "timed"


def marks(path: str) -> list[str]:
    return os.listxattr(path)


def marked(path: str) -> str:
    os.setxattr(path, "user.severance", b"x")
    os.removexattr(path, "user.severance")
    return "marked"


def locked(path: str) -> str:
    with Path(path).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return "locked"


def niced(process: int) -> str:
    os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process))
    return "niced"


def pinned(process: int) -> str:
    os.sched_setaffinity(process, os.sched_getaffinity(process))
    return "pinned"


def scheduled(process: int) -> str:
    os.sched_setscheduler(process, os.sched_getscheduler(process), os.sched_getparam(process))
    return "scheduled"


def weighed(process: int) -> str:
    os.sched_setparam(process, os.sched_getparam(process))
    return "weighed"


def scheduled_anew(process: int) -> str:
    attributes = struct.pack("=IIQiIQQQ", 48, 0, 0, os.getpriority(os.PRIO_PROCESS, process), 0, 0, 0, 0)
    _called(_LIBC.syscall(_number("sched_setattr"), process, attributes, 0))
    return "scheduled"


def first_at_the_disk(process: int) -> str:
    _called(_LIBC.syscall(_number("ioprio_set"), 1, process, 0))
    return "set"


def where_its_locks_are(process: int) -> str:
    head, size = ctypes.c_void_p(), ctypes.c_size_t()
    _called(_LIBC.syscall(_number("get_robust_list"), process, ctypes.byref(head), ctypes.byref(size)))
    return "told"


def message_read(queue: int) -> str:
    found = ctypes.create_string_buffer(100)
    size = _called(_LIBC.msgrcv(queue, found, ctypes.c_size_t(64), ctypes.c_long(0), 0o4000))
    return found.raw[8 : 8 + size].decode()


def message_sent(queue: int) -> str:
    message = struct.pack("=q5s", 1, b"hello")
    _called(_LIBC.msgsnd(queue, message, ctypes.c_size_t(5), 0o4000))
    return "sent"


def queue_removed(queue: int) -> str:
    _called(_LIBC.msgctl(queue, 0, None))
    return "removed"


def semaphore_raised(semaphores: int) -> str:
    _called(_LIBC.semop(semaphores, struct.pack("=Hhh", 0, 1, 0o4000), ctypes.c_size_t(1)))
    return "raised"


def semaphore_set(semaphores: int) -> str:
    _called(_LIBC.semctl(semaphores, 0, 16, 42))
    return "set"


def memory_removed(segment: int) -> str:
    _called(_LIBC.shmctl(segment, 0, None))
    return "removed"


def posix_queue_removed(name: str) -> str:
    _called(_LIBC.syscall(_number("mq_unlink"), name.encode()))
    return "removed"


def owned_by(process: int, command: int) -> str:
    """Let whoever it is be signalled for a pipe (F_SETOWN, F_SETOWN_EX)."""
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, command, process if command == fcntl.F_SETOWN else struct.pack("=ii", 1, process))
    finally:
        os.close(reading)
        os.close(writing)
    return "owned"


def owned_in_long(process: int) -> str:
    """As before, with a command of which the kernel looks at the low half only."""
    reading, writing = os.pipe()
    try:
        _called(
            _LIBC.syscall(
                _FCNTL, ctypes.c_long(reading), ctypes.c_long((1 << 40) | fcntl.F_SETOWN), ctypes.c_long(process)
            )
        )
    finally:
        os.close(reading)
        os.close(writing)
    return "owned"


def signals_by(signal: int) -> str:
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(reading, 10, signal)  # F_SETSIG
    finally:
        os.close(reading)
        os.close(writing)
    return "set"


def socket_owned_by(process: int, command: int) -> str:
    """By the pipe to the parent, which is a socket (FIOSETOWN, SIOCSPGRP)."""
    own = next(number for number in descriptors() if stat.S_ISSOCK(os.fstat(number).st_mode))
    fcntl.ioctl(own, command, struct.pack("=i", process))
    fcntl.ioctl(own, command, struct.pack("=i", 0))
    return "owned"


def opened_to_others() -> str:
    _called(_LIBC.prctl(4, ctypes.c_ulong(1), *[ctypes.c_ulong(0)] * 3))
    return "opened"


def of_another_group() -> str:
    os.setgid(os.getgid())
    return "set"


def answered(number: int) -> int:
    """What the kernel says to a call with arguments that none takes."""
    return ctypes.get_errno() if _LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6) < 0 else 0


def everything_it_holds() -> list[str]:
    """The bytes of 32 that are somewhere among this process's objects, as hex."""
    import gc  # noqa: PLC0415 - for this probe only

    found: set[bytes] = set()
    for thing in gc.get_objects():
        for part in gc.get_referents(thing):
            if type(part) is bytes and len(part) == 32:
                found.add(part)
    return sorted(part.hex() for part in found)


_true = serve.Serving._recall


def _recall(self: serve.Serving, asked: Any) -> Any:
    if not asked.query.startswith("probe "):
        return _true(self, asked)
    name, *arguments = json.loads(asked.query.removeprefix("probe "))
    try:
        said = {"found": globals()[name](*arguments)}
    except OSError as problem:
        said = {"refused": problem.errno}
    raise SeveranceError(json.dumps(said))


serve.Serving._recall = _recall
serve.main()
