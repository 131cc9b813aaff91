"""What a worker gives up before it is given a key. Everything by system calls through ctypes; nothing is installed.

Landlock: the kernel's documentation, "Landlock: unprivileged access control". Each step that the platform does not
have is left out, and `Confinement` says so.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from severance.system import no_core_dumps
from severance.worker.syscalls import MACHINES, program

if sys.platform != "win32":
    import resource

_PR_GET_DUMPABLE, _PR_GET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 3, 21, 38
_SECCOMP_SET_MODE_FILTER, _SECCOMP_GET_ACTION_AVAIL, _TSYNC = 1, 2, 1
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_READ = _READ_FILE | _READ_DIR
_OWN_FOLDER = _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files, from which version of Landlock on."""
_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals
_NET_SINCE, _SCOPES_SINCE = 4, 6
_MOST_FILES = 256


@dataclass(frozen=True, slots=True)
class Confinement:
    """What is closed to a worker. Without one of these, what the operating system grants the user is open to it.

    Attributes:
        memory: other processes of the user cannot read its memory, and it leaves no core dump.
        privileges: no program that it could start would have more rights than it has.
        files: of all files it can open the vault's, its scratch directory, and to read the Python that it runs.
        network: it can open no connection and listen on no port.
        calls: it can start no process or program and reach into none, change no other's share of the processor, and no
            file's mode, owner, times or attributes, by any system call.
        signals: it can signal no process but itself.
    """

    memory: bool = False
    privileges: bool = False
    files: bool = False
    network: bool = False
    calls: bool = False
    signals: bool = False

    @property
    def open(self) -> tuple[str, ...]:
        """The names of what is not closed; empty where everything is."""
        return tuple(field.name for field in fields(self) if not getattr(self, field.name))


def confined() -> Confinement:
    """What workers on this platform are confined to. Nothing is changed by asking.

    Of each worker that runs, `confinement` of its session tells what was in fact done.
    """
    if sys.platform != "linux":
        return Confinement()
    landlock, filtered = _landlock_version(), _can_filter()
    return Confinement(
        memory=True,
        privileges=True,
        files=landlock >= 3,  # before, a file that may not be written could still be cut to nothing
        network=filtered or landlock >= _NET_SINCE,
        calls=filtered,
        signals=filtered or landlock >= _SCOPES_SINCE,
    )


def alone() -> None:
    """Leave no core dump, close this process to others, and let nothing that it starts gain rights. First of all."""
    no_core_dumps()
    if sys.platform == "linux":
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    if sys.platform != "win32":
        with suppress(ValueError, OSError):  # the limit there is lower already
            resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))


def let_go(keep: Iterable[int]) -> None:
    """Close every descriptor but these: what the parent let slip through as well."""
    before = 0
    for number in sorted({*keep}):
        if number > before:  # of nothing at all, `closerange(0, 0)` makes everything
            os.closerange(before, number)
        before = number + 1
    os.closerange(before, 65_536)


def confine(readable: Iterable[Path], files: Iterable[Path], folder: Path) -> Confinement:
    """Close everything else to this process and all threads that it will have; it must have one thread only.

    Args:
        readable: folders in which everything may be read.
        files: files that may be read and written. One that is not there is left out, and cannot be made.
        folder: where files may be made, too.
    """
    if sys.platform != "linux":
        return Confinement()
    landlock = _landlock_version()
    walled = landlock > 0 and _single() and _wall_in(landlock, readable, files, folder)
    filtered = _can_filter() and _filter()
    return Confinement(
        memory=_prctl(_PR_GET_DUMPABLE) == 0,
        privileges=True,
        files=walled and landlock >= 3,
        network=filtered or (walled and landlock >= _NET_SINCE),
        calls=filtered,
        signals=filtered or (walled and landlock >= _SCOPES_SINCE),
    )


def _wall_in(version: int, readable: Iterable[Path], files: Iterable[Path], folder: Path) -> bool:
    rights = _RIGHTS[max(first for first in _RIGHTS if first <= version)]
    handled = struct.pack(
        "=QQQ", rights, _TCP if version >= _NET_SINCE else 0, _SCOPES if version >= _SCOPES_SINCE else 0
    )
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NET_SINCE else 8
    rules = _syscall(_CREATE_RULESET, handled[:size], size, 0)
    if rules < 0:
        return False
    try:
        granted = [(path, _READ) for path in readable]
        granted += [(path, _READ_FILE | _WRITE_FILE | _TRUNCATE) for path in files]
        for path, wanted in [*granted, (folder, _OWN_FOLDER)]:
            if not _grant(rules, path, wanted & rights):
                return False
        return _syscall(_RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _grant(rules: int, path: Path, rights: int) -> bool:
    """A rule for what is at this path now, whatever is put there later; nothing is granted where nothing is."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        return _syscall(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0) == 0
    finally:
        os.close(place)


def _filter() -> bool:
    machine = os.uname().machine
    steps = ctypes.create_string_buffer(code := program(machine, os.getpid()), len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(steps))
    # For every thread, where a library has started one already.
    return _syscall(MACHINES[machine][2], _SECCOMP_SET_MODE_FILTER, _TSYNC, header) == 0


def _can_filter() -> bool:
    machine = os.uname().machine
    if machine not in MACHINES or struct.calcsize("P") != 8:
        return False
    errno_action = struct.pack("=I", 0x00050000)
    return _syscall(MACHINES[machine][2], _SECCOMP_GET_ACTION_AVAIL, 0, errno_action) == 0


def _landlock_version() -> int:
    """0 where the kernel has none, or it is not switched on."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _VERSION))


def _single() -> bool:
    """Whether this process has one thread: Landlock is for the thread that asks, and those it makes later."""
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return True


def _prctl(option: int, first: int = 0) -> int:
    try:
        return int(ctypes.CDLL(None).prctl(option, ctypes.c_ulong(first), *[ctypes.c_ulong(0)] * 3))
    except (OSError, AttributeError):
        return -1


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    """The answer, -1 for an error. Numbers go as `long`, bytes as a pointer to them."""
    try:
        call = ctypes.CDLL(None).syscall
    except (OSError, AttributeError):
        return -1
    call.restype = ctypes.c_long
    given = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    return int(call(ctypes.c_long(number), *given))
