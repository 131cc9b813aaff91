"""A seccomp filter as a program for the kernel: what a worker has no use for is answered with EPERM.

Classic BPF over `struct seccomp_data`, see seccomp(2). A list of what is refused and not of what is allowed: which
calls an interpreter and its libraries need changes with every version of either. Every call up to the last of `_NEWEST`
was looked at once; later ones do not exist for a worker, as for a library on an older kernel.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Sequence

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
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "get_robust_list": (274, 100),
    # What a file is marked with: no rule for opening files is about that.
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "getxattr": (191, 8),
    "lgetxattr": (192, 9),
    "fgetxattr": (193, 10),
    "listxattr": (194, 11),
    "llistxattr": (195, 12),
    "flistxattr": (196, 13),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "flock": (73, 32),
    "cachestat": (451, 451),
    # Who it is.
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "setgroups": (116, 159),
    "capset": (126, 91),
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
    "setsockopt": (54, 208),
    "getsockopt": (55, 209),
    # What is shared beside files: memory and queues of System V and POSIX, keys that the kernel holds.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "semget": (64, 190),
    "semop": (65, 193),
    "semtimedop": (220, 192),
    "semctl": (66, 191),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    "mq_timedsend": (242, 182),
    "mq_timedreceive": (243, 183),
    "mq_notify": (244, 184),
    "mq_getsetattr": (245, 185),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Ways past this filter, or past the rules for files.
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "io_setup": (206, 0),
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
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "modify_ldt": (154, None),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
"""System calls by name, with their numbers on x86-64 and on aarch64."""

MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
"""By `os.uname().machine`: the column above, the kernel's name for the machine, and the number of seccomp itself."""

_NEWEST = 457
"""The first call that was not looked at (`statmount`). What comes later is refused as what the kernel does not have."""

_CLONE, _CLONE3 = (56, 220), 435
_TGKILL, _PRLIMIT64 = (234, 131), (302, 261)
_FCNTL, _IOCTL, _PRCTL = (72, 25), (16, 29), (157, 167)
_FCNTL_ALLOWED = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)
"""Copies of descriptors, their flags, and locks; not who is signalled, leases, notices of changes, sizes of pipes."""
_IOCTL_ALLOWED = (0x5401, 0x802C542A, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""Whether it is a terminal and how large, what waits to be read, blocking or not, and closed on execution or not."""
_PRCTL_REFUSED = (4, 62, 0x59616D61)
"""To be open to others again, to share a processor's core with another process, and to let another trace it."""
_CLONE_THREAD = 0x10000
_CLONE_NAMESPACES = 0x7E020000
_X32 = 0x40000000
_NUMBER, _MACHINE, _FIRST, _SECOND = 0, 4, 16, 24
"""Offsets in `seccomp_data`; of arguments the low half, since the kernel takes no more of those that are looked at."""
_LOAD, _RETURN = 0x20, 0x06
_EQUAL, _AT_LEAST, _HAS = 0x15, 0x35, 0x45
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

Step = tuple[int, int, int, int]
"""An instruction: its code, how far to jump when it holds and when not, and a number."""


_PASS: Step = (_RETURN, 0, 0, _ALLOW)
_REFUSE: Step = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
_UNKNOWN: Step = (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)


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
    yield _LOAD, 0, 0, _MACHINE
    yield _EQUAL, 1, 0, name  # calls of 32 bits have other numbers
    yield _REFUSE
    yield _LOAD, 0, 0, _NUMBER
    if machine == "x86_64":
        yield _AT_LEAST, 0, 1, _X32
        yield _REFUSE
    yield _AT_LEAST, 0, 1, _NEWEST
    yield _UNKNOWN
    yield _EQUAL, 0, 1, _CLONE3  # its flags are in memory, which no filter sees; without it, libraries use `clone`
    yield _UNKNOWN
    for numbers in REFUSED.values():
        number = numbers[column]
        if number is not None:
            yield _EQUAL, 0, 1, number
            yield _REFUSE
    yield _EQUAL, 0, 5, _CLONE[column]
    yield _LOAD, 0, 0, _FIRST
    yield _HAS, 1, 0, _CLONE_NAMESPACES
    yield _HAS, 1, 0, _CLONE_THREAD
    yield _REFUSE
    yield _PASS
    yield from _where(_TGKILL[column], _FIRST, (process,), _PASS, _REFUSE)
    yield from _where(_PRLIMIT64[column], _FIRST, (0,), _PASS, _REFUSE)  # zero is the process that calls
    yield from _where(_FCNTL[column], _SECOND, _FCNTL_ALLOWED, _PASS, _REFUSE)
    yield from _where(_IOCTL[column], _SECOND, _IOCTL_ALLOWED, _PASS, _REFUSE)
    yield from _where(_PRCTL[column], _FIRST, _PRCTL_REFUSED, _REFUSE, _PASS)
    yield _PASS


def _where(number: int, argument: int, values: Sequence[int], one: Step, none: Step) -> Iterator[Step]:
    """For the call of this number: `one` where the argument is one of these values, else `none`."""
    yield _EQUAL, 0, len(values) + 3, number
    yield _LOAD, 0, 0, argument
    for left in range(len(values), 0, -1):
        yield _EQUAL, left, 0, values[-left]
    yield none
    yield one
