"""A seccomp filter as a program for the kernel: what a worker has no use for is answered with EPERM.

Classic BPF over `struct seccomp_data`, see seccomp(2). A list of what is refused and not of what is allowed: which
calls an interpreter and its libraries need changes with every version of either.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator

REFUSED = {
    # Other processes: their memory, their descriptors, their ends.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # New processes and programs.
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    # The network, other programs' sockets, and descriptors that travel through them.
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "recvmmsg": (299, 243),
    # What is shared beside files: memory and queues of System V and POSIX, keys that the kernel holds.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Ways past this filter, or past the rules for files.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
    # What watches, loads or changes the machine.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "fanotify_init": (300, 262),
    "fanotify_mark": (301, 263),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "unshare": (272, 97),
    "setns": (308, 268),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "ioperm": (173, None),
    "iopl": (172, None),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
"""System calls by name, with their numbers on x86-64 and on aarch64."""

MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
"""By `os.uname().machine`: the column above, the kernel's name for the machine, and the number of seccomp itself."""

_CLONE, _CLONE3 = (56, 220), 435
_TGKILL, _PRLIMIT64 = (234, 131), (302, 261)
_CLONE_THREAD = 0x10000
_X32 = 0x40000000
_NUMBER, _MACHINE, _FIRST = 0, 4, 16  # offsets in seccomp_data; the low half of the first argument
_LOAD, _RETURN = 0x20, 0x06
_EQUAL, _AT_LEAST, _HAS = 0x15, 0x35, 0x45
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

Step = tuple[int, int, int, int]
"""An instruction: its code, how far to jump when it holds and when not, and a number."""


def program(machine: str, process: int) -> bytes:
    """The filter for this machine, as an array of `struct sock_filter`.

    Threads may be made, processes not. The process may signal itself and set its own limits, and no other's.

    Args:
        machine: one of `MACHINES`.
        process: the id of the process that it is for.
    """
    return b"".join(struct.pack("=HBBI", *step) for step in _steps(machine, process))


def _steps(machine: str, process: int) -> Iterator[Step]:
    column, name, _ = MACHINES[machine]
    refuse = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    yield _LOAD, 0, 0, _MACHINE
    yield _EQUAL, 1, 0, name  # calls of 32 bits have other numbers
    yield refuse
    yield _LOAD, 0, 0, _NUMBER
    if machine == "x86_64":
        yield _AT_LEAST, 0, 1, _X32
        yield refuse
    yield _EQUAL, 0, 1, _CLONE3  # its flags are in memory, which no filter sees; without it, libraries use `clone`
    yield _RETURN, 0, 0, _ERRNO | errno.ENOSYS
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            yield _EQUAL, 0, 1, number
            yield refuse
    yield from _only_if(_CLONE[column], (_HAS, 1, 0, _CLONE_THREAD), refuse)
    yield from _only_if(_TGKILL[column], (_EQUAL, 1, 0, process), refuse)
    # Zero is the process that calls.
    yield from _only_if(_PRLIMIT64[column], (_EQUAL, 1, 0, 0), refuse)
    yield _RETURN, 0, 0, _ALLOW


def _only_if(number: int, holds: Step, refuse: Step) -> Iterator[Step]:
    """The call of this number only where this holds of its first argument; any other goes on behind."""
    yield _EQUAL, 0, 4, number
    yield _LOAD, 0, 0, _FIRST
    yield holds
    yield refuse
    yield _RETURN, 0, 0, _ALLOW
