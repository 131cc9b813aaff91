"""A key that a command prints: a password manager, a hardware token, a secret store."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from severance.crypto.rootkey.allowed import allow, is_allowed
from severance.crypto.rootkey.source import Record, Source, Where, decode_key, home, shown, storable
from severance.errors import DamagedError, InputError, KeyMissingError

if TYPE_CHECKING:
    from severance.ports import Entropy

TIMEOUT_SECONDS = 60
MAX_CHARS = 8192


@dataclass(frozen=True, slots=True)
class Command(Source):
    """A program and its arguments that print 32 bytes as base64. It is run without a shell.

    It runs in the user's home directory and its name is an absolute path, begins with `~/`, or is looked up in PATH:
    the same command must not become another program because somebody opened the store from another directory.
    Its errors go where ours go; it gets nothing on standard input, and can ask at `/dev/tty`.

    Raises:
        InputError: there is no program, it is a relative path, or an argument cannot be passed on.
    """

    name: ClassVar[str] = "command"
    argv: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.argv, str):
            raise InputError("a command is a list of arguments")
        object.__setattr__(self, "argv", tuple(self.argv))
        if not all(type(part) is str and (part == "" or storable(part)) for part in self.argv):
            raise InputError("the arguments of a command are text in UTF-8 without NUL")
        if not self.argv or not self.argv[0] or sum(map(len, self.argv)) > MAX_CHARS:
            raise InputError(f"a command has a program, and at most {MAX_CHARS} characters")
        program = self.argv[0]
        plain = not Path(program).drive and "/" not in program and os.sep not in program
        if not (plain or Path(program).is_absolute() or Path(program).parts[:1] == ("~",)):
            raise InputError("the program of a command is a name, an absolute path, or a path that begins with ~/")

    @classmethod
    def parse(cls, text: str, platform: str = sys.platform) -> Command:
        """Split a command line as a POSIX shell would; on Windows a backslash is a letter like any other.

        Raises:
            InputError: a quotation is not closed, or as for the class.
        """
        posix = platform != "win32"
        try:
            parts = shlex.split(text, posix=posix)
        except ValueError:
            raise InputError("command: has a quotation that is not closed") from None
        if not posix:  # there, shlex leaves the quotes on
            parts = [part[1:-1] if len(part) > 1 and part[0] == part[-1] == '"' else part for part in parts]
        return cls(tuple(parts))

    def make(self, where: Where, entropy: Entropy) -> tuple[bytes, Record]:
        """The key that it prints; nothing is made."""
        return self.fetch(where), {"source": self.name, "argv": list(self.argv)}

    def fetch(self, where: Where) -> bytes:
        """The key that it prints. The user named it, so from now on it may be run from a record as well."""
        key = _run(self.argv, where.environ)
        allow(self.argv, where.environ)
        return key

    @classmethod
    def fetch_recorded(cls, where: Where) -> bytes:
        """The key that it prints, if the user has allowed this very command before."""
        argv = where.recorded.get("argv")
        try:
            command = cls(tuple(argv if isinstance(argv, list) else ()))
        except InputError:
            raise DamagedError("the chip's record of the root key names a command that cannot be one") from None
        if not is_allowed(command.argv, where.environ):
            raise KeyMissingError(
                "this store names a command that gets its key, and you have not allowed it here."
                f" If you trust it, pass it once as --key command:... It is: {shown(shlex.join(command.argv))}"
            )
        return _run(command.argv, where.environ)


def _run(argv: Sequence[str], environ: Mapping[str, str]) -> bytes:
    program = _program(argv[0], environ)
    failure, key = _output([program, *argv[1:]], environ)
    if failure is not None:
        raise KeyMissingError(f"the command that gets the key {failure}: {shown(argv[0])}")
    if key is None:
        raise KeyMissingError(f"the command that gets the key did not print 32 bytes as base64: {shown(argv[0])}")
    return key


def _program(name: str, environ: Mapping[str, str]) -> str:
    own = home(environ)
    if name.startswith("~") and own is not None:
        name = str(own.joinpath(*Path(name).parts[1:]))
    found = shutil.which(name, path=environ.get("PATH"))
    # Windows looks in the current directory first, and some put "." in PATH: whose directory that is, who knows.
    if found is None or not Path(found).is_absolute():
        raise KeyMissingError(f"the command that gets the key is not in PATH, or cannot be run: {shown(name)}")
    return found


def _output(argv: list[str], environ: Mapping[str, str]) -> tuple[str | None, bytes | None]:
    """What went wrong, or None; and the key, or None. What was printed stays in here."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            check=False,
            cwd=home(environ) or Path(argv[0]).parent,
            env=dict(environ),
        )
    except subprocess.TimeoutExpired:  # it carries what was printed so far
        return f"did not end within {TIMEOUT_SECONDS} seconds", None
    except (OSError, ValueError) as exc:
        return f"could not be started ({type(exc).__name__})", None
    if done.returncode != 0:
        return f"ended with status {done.returncode}", None
    return None, decode_key(done.stdout)
