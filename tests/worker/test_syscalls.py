"""The filter of system calls, on both machines, as the kernel would run it. That it does: `test_hijacked`."""

from __future__ import annotations

import errno
import struct

import pytest

from severance.worker import syscalls
from severance.worker.syscalls import MACHINES, REFUSED, program

PROCESS = 4711
LONG = 1 << 40
"""A bit of an argument that the kernel does not look at where it takes 32."""
ALLOWED = 0x7FFF0000
SOUND = {
    "read": (0, 63),
    "write": (1, 64),
    "mmap": (9, 222),
    "futex": (202, 98),
    "openat": (257, 56),
    "newfstatat": (262, 79),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "unlinkat": (263, 35),
    "getrandom": (318, 278),
    "sched_getaffinity": (204, 123),
    "exit_group": (231, 94),
    "futex_requeue": (456, 456),
}
"""What an interpreter and SQLite call, with the numbers on x86-64 and aarch64."""
SPECIAL = {"clone": (56, 220), "tgkill": (234, 131), "prlimit64": (302, 261), "fcntl": (72, 25), "ioctl": (16, 29)}
SPECIAL |= {"prctl": (157, 167)}

machines = pytest.mark.parametrize("machine", MACHINES)


def _ran(machine: str, number: int, *arguments: int, name: int | None = None) -> int:
    """What the filter says to this call: classic BPF over `struct seccomp_data`, as far as the filter uses it."""
    given = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, MACHINES[machine][1] if name is None else name, 0, *given)
    steps = list(struct.iter_unpack("=HBBI", program(machine, PROCESS)))
    value = place = 0
    while True:
        code, yes, no, operand = steps[place]
        if code == 0x06:
            return int(operand)
        if code == 0x20:
            value, jump = struct.unpack_from("<I", data, operand)[0], 0
        else:
            holds = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            jump = yes if holds else no
        place += 1 + jump


def _allows(machine: str, name: str, *arguments: int) -> bool:
    both = SOUND.get(name) or SPECIAL[name]
    answer = _ran(machine, both[MACHINES[machine][0]], *arguments)
    assert answer in (ALLOWED, 0x00050000 | errno.EPERM)
    return answer == ALLOWED


@machines
def test_what_is_in_the_table_is_refused_and_the_rest_is_not(machine: str) -> None:
    column = MACHINES[machine][0]
    for both in REFUSED.values():
        number = both[column]
        if number is not None:
            assert _ran(machine, number) == 0x00050000 | errno.EPERM
    assert all(_allows(machine, name) for name in SOUND)


@machines
def test_what_nobody_looked_at_does_not_exist(machine: str) -> None:
    for number in (457, 463, 466, 469, 600, 2**20):  # statmount, setxattrat, removexattrat, file_setattr
        assert _ran(machine, number) == 0x00050000 | errno.ENOSYS
    assert _ran(machine, 435) == 0x00050000 | errno.ENOSYS  # clone3


@machines
def test_calls_of_another_machine_are_refused(machine: str) -> None:
    for name in (0x40000003, 0x40000028, 0):  # i386, arm
        assert _ran(machine, 0, name=name) == 0x00050000 | errno.EPERM
    assert _ran("x86_64", 0x40000000) == 0x00050000 | errno.EPERM  # x32


@machines
def test_of_fcntl_there_are_copies_flags_and_locks(machine: str) -> None:
    allowed = {command for command in range(1100) if _allows(machine, "fcntl", 3, command)}
    assert allowed == {0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030}
    for owning in (8, 10, 15):  # F_SETOWN, F_SETSIG, F_SETOWN_EX
        assert not _allows(machine, "fcntl", 3, owning | LONG)
    assert _allows(machine, "fcntl", 8, 6, 8)  # the other arguments decide nothing


@machines
def test_of_ioctl_there_is_what_is_asked_of_any_file(machine: str) -> None:
    allowed = {command for command in range(0x5400, 0x9000) if _allows(machine, "ioctl", 3, command)}
    assert allowed == {0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451}
    for owning in (0x8901, 0x8902, 0x5412):  # FIOSETOWN, SIOCSPGRP, TIOCSTI
        assert not _allows(machine, "ioctl", 3, owning | LONG)


@machines
def test_threads_may_be_made_and_processes_and_namespaces_not(machine: str) -> None:
    thread = 0x003D0F00  # as the C library makes one
    assert _allows(machine, "clone", thread)
    assert not _allows(machine, "clone", thread & ~0x10000)
    assert not _allows(machine, "clone", 17)  # a process, with a signal at its end
    for space in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert not _allows(machine, "clone", thread | space)


@machines
def test_it_signals_itself_and_limits_itself_only(machine: str) -> None:
    assert _allows(machine, "tgkill", PROCESS, 1, 6)
    assert not _allows(machine, "tgkill", PROCESS + 1, PROCESS, 6)
    assert _allows(machine, "prlimit64", 0, PROCESS)
    assert not _allows(machine, "prlimit64", PROCESS + 1)


@machines
def test_it_stays_closed_to_others(machine: str) -> None:
    assert _allows(machine, "prctl", 15)  # the name of a thread
    assert _allows(machine, "prctl", 3)
    for option in (4, 62, 0x59616D61):  # dumpable again, a core that is shared, who may trace it
        assert not _allows(machine, "prctl", option)
        assert not _allows(machine, "prctl", option | LONG)


def test_no_two_names_have_one_number() -> None:
    for column in (0, 1):
        numbers = [both[column] for both in [*REFUSED.values(), *SOUND.values(), *SPECIAL.values()]]
        there = [number for number in numbers if number is not None]
        assert len(there) == len(set(there))
        assert max(there) < syscalls._NEWEST
