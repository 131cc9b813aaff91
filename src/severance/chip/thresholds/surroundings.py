"""What a condition can ask about the world, and the machine that answers.

Everything comes in through one port, so that a test, or a server that speaks for a machine elsewhere, can say it.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Protocol

from severance.crypto.rootkey.allowed import is_allowed
from severance.crypto.rootkey.source import home
from severance.errors import KeyMissingError
from severance.programs import status

COMMAND_SECONDS = 5
Address = IPv4Address | IPv6Address
PASSED_ON = ("HOME", "LANG", "LOGNAME", "PATH", "SYSTEMROOT", "USER", "USERPROFILE")
"""Variables that a command gets; any other might hold a key."""


class Surroundings(Protocol):
    """Where this call is made. None says that it cannot be known; a condition on it then does not hold."""

    def host(self) -> str | None:
        """The name of the machine."""
        ...

    def directory(self) -> Path | None:
        """The working directory, absolute, without symbolic links."""
        ...

    def path(self, written: str) -> Path | None:
        """A path of a rule as it is here: `~` replaced, without symbolic links."""
        ...

    def repository(self) -> Path | None:
        """The root of the repository that the working directory is in; None where it is in none."""
        ...

    def addresses(self) -> Sequence[Address] | None:
        """The machine's own addresses."""
        ...

    def succeeds(self, argv: Sequence[str]) -> bool | str | None:
        """Whether this command ends with status 0; where it did not run to its end, why, as the end of a sentence."""
        ...


class Nowhere:
    """Surroundings of which nothing is known."""

    def host(self) -> str | None:
        """None."""
        return None

    def directory(self) -> Path | None:
        """None."""
        return None

    def path(self, written: str) -> Path | None:
        """None."""
        return None

    def repository(self) -> Path | None:
        """None."""
        return None

    def addresses(self) -> Sequence[Address] | None:
        """None."""
        return None

    def succeeds(self, argv: Sequence[str]) -> bool | str | None:
        """None."""
        return None


@dataclass(frozen=True)
class Machine:
    """This machine, this process, this user."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    command_seconds: float = COMMAND_SECONDS

    def host(self) -> str | None:
        """What the system calls itself."""
        return socket.gethostname() or None

    def directory(self) -> Path | None:
        """As `Surroundings`; None where it was removed."""
        with suppress(OSError):
            return Path.cwd().resolve()
        return None

    def path(self, written: str) -> Path | None:
        """As `Surroundings`; None where there is no home to begin with."""
        own = home(self.environ) if written.startswith("~") else Path()
        try:
            return (
                own.joinpath(written.removeprefix("~").lstrip("/") if written.startswith("~") else written).resolve()
                if own
                else None
            )
        except (OSError, RuntimeError, ValueError):
            return None

    def repository(self) -> Path | None:
        """The nearest directory upwards with a `.git`."""
        here = self.directory()
        for folder in (here, *here.parents) if here else ():
            with suppress(OSError):
                if (folder / ".git").exists():
                    return folder
        return None

    def addresses(self) -> Sequence[Address] | None:
        """Those of all interfaces that are up."""
        try:
            found = _of_interfaces() if sys.platform != "win32" else _of_name()
        except (OSError, AttributeError, ValueError):
            return None
        return sorted(found, key=str)

    def succeeds(self, argv: Sequence[str]) -> bool | str | None:
        """Run it, if this user has allowed exactly this command: without a shell, with no input and few variables."""
        program = self.path(argv[0])
        if program is None:
            return "has no directory to be found in: there is no home here"
        try:
            if not is_allowed(argv, self.environ):
                return "is not allowed on this machine; `severance threshold apply` here allows it"
            cwd = home(self.environ) or program.parent
            env = {name: self.environ[name] for name in PASSED_ON if name in self.environ}
            return status([str(program), *argv[1:]], seconds=self.command_seconds, cwd=cwd, env=env) == 0
        except KeyMissingError as problem:
            return f"is not run: {problem}"
        except TimeoutError:
            return f"did not end within {self.command_seconds:g} seconds"
        except FileNotFoundError:
            return "is not there, or what it runs with, or its directory, is not"
        except PermissionError:
            return "may not be executed; give it the permission"
        except (OSError, ValueError):
            return "could not be started"


class Known:
    """Surroundings as of one instant: each question is asked once, and then remembered."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._asked = surroundings
        self._paths: dict[str, Path | None] = {}
        self._commands: dict[tuple[str, ...], bool | str | None] = {}

    @cached_property
    def _host(self) -> str | None:
        return self._asked.host()

    @cached_property
    def _directory(self) -> Path | None:
        return self._asked.directory()

    @cached_property
    def _repository(self) -> Path | None:
        return self._asked.repository()

    @cached_property
    def _addresses(self) -> Sequence[Address] | None:
        return self._asked.addresses()

    def host(self) -> str | None:
        """As `Surroundings`."""
        return self._host

    def directory(self) -> Path | None:
        """As `Surroundings`."""
        return self._directory

    def path(self, written: str) -> Path | None:
        """As `Surroundings`."""
        if written not in self._paths:
            self._paths[written] = self._asked.path(written)
        return self._paths[written]

    def repository(self) -> Path | None:
        """As `Surroundings`."""
        return self._repository

    def addresses(self) -> Sequence[Address] | None:
        """As `Surroundings`."""
        return self._addresses

    def succeeds(self, argv: Sequence[str]) -> bool | str | None:
        """As `Surroundings`."""
        key = tuple(argv)
        if key not in self._commands:
            self._commands[key] = self._asked.succeeds(argv)
        return self._commands[key]


class _Interface(ctypes.Structure):
    """The beginning of `struct ifaddrs` of getifaddrs(3), the same on Linux, macOS and the BSDs."""


_Interface._fields_ = [
    ("next", ctypes.POINTER(_Interface)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]
_UP = 1


_WHERE: dict[int, tuple[int, int]] = {socket.AF_INET: (4, 4), socket.AF_INET6: (8, 16)}
"""Where an address begins in its `sockaddr`, and how long it is."""


def _of_interfaces() -> set[Address]:
    """The addresses that getifaddrs(3) lists."""
    library = ctypes.CDLL(find_library("c") if sys.platform == "darwin" else None, use_errno=True)
    first = ctypes.POINTER(_Interface)()
    if library.getifaddrs(ctypes.byref(first)) != 0:
        raise OSError(ctypes.get_errno(), "getifaddrs")
    found: set[Address] = set()
    try:
        each = first
        while bool(each):  # it is false where it points nowhere
            it = each.contents
            if it.address and it.flags & _UP:
                found.update(_address(it.address))
            each = it.next
    finally:
        library.freeifaddrs(first)
    return found


def _address(at: int) -> list[Address]:
    head = ctypes.string_at(at, 2)
    # Linux has a family of two bytes; macOS and the BSDs have a length and a family of one byte each.
    family = int.from_bytes(head, sys.byteorder) if sys.platform == "linux" else head[1]
    if family not in _WHERE:
        return []
    start, size = _WHERE[family]
    return [ip_address(ctypes.string_at(at + start, size))]


def _of_name() -> set[Address]:
    """The addresses of this machine's own name, which on Windows are all it has."""
    return {ip_address(str(entry[4][0]).split("%")[0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
