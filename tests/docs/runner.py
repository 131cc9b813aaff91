"""Runs the examples of a page of documentation.

```python blocks run in order in one namespace. ```console blocks are commands after `$ `, each followed by the output
that is expected of it, if any: `...` stands for anything, on a line of its own for any lines. A command has to succeed,
unless the next one is `echo $?` and shows its exit code. `export NAME=VALUE` holds for the rest of the page. A block
below `<!-- examples: save as NAME -->` is also written to a file of that name. A page with
`<!-- examples: need ADAPTER -->` runs where the framework is that this adapter of `severance.integrations` is for.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from severance import SeveranceError, connect
from severance.cli.main import main
from severance.resident.address import FOLDER, SOCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
POSIX_ONLY = "<!-- examples: not on Windows -->"
TIMEOUT_SECONDS = 600

_SAVED = re.compile(r"<!-- examples: save as ([\w.-]+) -->\s*\Z")
_NEEDED = re.compile(r"<!-- examples: need (\w+) -->")
_FENCE = re.compile(r"(?P<ticks>`{3,})(?P<language>[A-Za-z]*)\s*\Z")
_EXPORT = re.compile(r"export ([A-Z_][A-Z0-9_]*)=(\S*)\Z")
_NEEDS_SHELL = re.compile(r"[|<>;&$]")
_UNSET = (
    "CLAUDE_CONFIG_DIR",
    "CODEX_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "FORCE_COLOR",
    "COLUMNS",
)


class ExampleError(AssertionError):
    """An example does not do what its page says."""


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what is in it, the number of its first line, and the file that it is saved as."""

    language: str
    text: str
    line: int
    file: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a ```console block, and the output that is shown for it (empty where none is)."""

    text: str
    expected: tuple[str, ...]
    line: int


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    found: list[Block] = []
    inside: list[str] = []
    fence, language, start, file = "", "", 0, ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        match = _FENCE.match(line)
        if fence and match and match["ticks"] == fence and not match["language"]:
            found.append(Block(language, "\n".join(inside) + "\n", start, file))
            fence = file = ""
        elif fence:
            inside.append(line)
        elif match:
            fence, language, start, inside = match["ticks"], match["language"], number + 1, []
        elif saved := _SAVED.match(line):
            file = saved[1]
    if fence:
        raise ExampleError(f"{page.name}:{start - 1}: a block is not closed")
    return found


def commands(block: Block) -> list[Command]:
    """The commands of a ```console block."""
    found: list[tuple[str, list[str], int]] = []
    for number, line in enumerate(block.text.splitlines(), block.line):
        if line.startswith("$ "):
            found.append((line[2:], [], number))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (found[-1][0][:-1] + line.lstrip("> "), [], number)
        elif found:
            found[-1][1].append(line)
        elif line.strip():
            raise ExampleError(f"line {number}: output without a command")
    return [Command(text, tuple(_trimmed(shown)), number) for text, shown, number in found]


def run_page(page: Path, directory: Path) -> dict[str, object]:
    """Run a page's examples in `directory` with a home of their own; returns the namespace at the end."""
    with secluded(directory), _taken_down(directory):
        namespace: dict[str, object] = {"__name__": "__main__"}
        shell = Shell(page.name)
        for block in blocks(page):
            if block.file:
                Path(block.file).write_text(block.text, encoding="utf-8")
            if block.language == "python":
                # Blank lines before it, so that a traceback names the line of the page.
                exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)
            elif block.language == "console":
                shell.run(block)
        shell.finish()
        return namespace


@contextmanager
def _taken_down(directory: Path) -> Iterator[None]:
    """No house that an example started is up afterwards, however it ended."""
    try:
        yield
    finally:
        for found in directory.rglob(f"{FOLDER}/{SOCKET}"):
            with suppress(SeveranceError):
                connect(found.parents[1]).down()


@dataclass(slots=True)
class Shell:
    """What runs console blocks: it remembers how the last command ended."""

    page: str
    last: tuple[Command, int, str] | None = None

    def run(self, block: Block) -> None:
        """Run every command of a block, and compare what it printed."""
        for command in commands(block):
            exported = _EXPORT.match(command.text)
            if command.text == "echo $?":
                shown = str(self.last[1] if self.last else 0)
                self.last = None
            else:
                self.finish()
                code, shown = (0, "") if exported else _output(command.text)
                self.last = (command, code, shown)
            if exported:
                os.environ[exported[1]] = exported[2]
            if command.expected and not matches(command.expected, shown):
                expected = "\n".join(command.expected)
                raise ExampleError(
                    f"{self.page}:{command.line}: $ {command.text}\nthe page says:\n{expected}\n\nit was:\n{shown}"
                )

    def finish(self) -> None:
        """Refuse a last command that failed, where the page does not say so."""
        if self.last and self.last[1] != 0:
            command, code, shown = self.last
            raise ExampleError(f"{self.page}:{command.line}: $ {command.text}\nended with code {code}:\n{shown}")


class secluded(chdir[Path]):  # noqa: N801 - used like the function that it extends
    """A home and a current directory of its own: `~/.severance` and the keychain of whoever runs this are safe."""

    def __init__(self, directory: Path) -> None:
        self._home = directory / "home"
        work = directory / "work"
        for folder in (self._home, work):
            folder.mkdir()
        super().__init__(work)
        self._environ = patch.dict(os.environ)

    def __enter__(self) -> None:
        self._environ.start()
        for name in list(os.environ):
            if name.startswith("SEVERANCE_") or name in _UNSET:
                del os.environ[name]
        scripts = str(Path(sys.executable).parent)
        os.environ |= {
            "HOME": str(self._home),
            "USERPROFILE": str(self._home),
            "APPDATA": str(self._home / "AppData"),
            "PATH": os.pathsep.join((scripts, os.environ.get("PATH", ""))),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "PYTHONUTF8": "1",
        }
        super().__enter__()

    def __exit__(self, *problem: object) -> None:
        super().__exit__(*problem)
        self._environ.stop()


def matches(expected: tuple[str, ...], shown: str) -> bool:
    """Whether output is what a page shows; white space at the ends of lines and of the whole does not count."""
    parts: list[str] = []
    for line in expected:
        any_lines = line.strip() == "..."
        parts.append(r"(?:.*\n)*?" if any_lines else re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + r"[ \t]*\n")
    lines = _trimmed(shown.splitlines())
    return re.fullmatch("".join(parts), "\n".join(line.rstrip() for line in lines) + "\n") is not None


def adapters_of(page: Path) -> list[str]:
    """The adapters whose frameworks the examples of a page need."""
    return _NEEDED.findall(page.read_text(encoding="utf-8"))


def needs_shell(page: Path) -> bool:
    """Whether a page has commands that only a POSIX shell understands, or says that it is not for Windows."""
    consoles = (block for block in blocks(page) if block.language == "console")
    return POSIX_ONLY in page.read_text(encoding="utf-8") or any(
        _NEEDS_SHELL.search(command.text) for block in consoles for command in commands(block)
    )


def _output(text: str) -> tuple[int, str]:
    if _NEEDS_SHELL.search(text):
        argv = [shutil.which("bash") or "bash", "-c", f"set -o pipefail; {text}"]
    else:
        argv = shlex.split(text, comments=True)
        if argv[0] == "severance" and sys.platform != "win32":
            return _forked(argv)
        argv[0] = shutil.which(argv[0]) or argv[0]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _forked(argv: list[str]) -> tuple[int, str]:
    """The same in a process forked from one that has loaded the command line: half a second less for each command."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["severance.cli.app"])
    with tempfile.NamedTemporaryFile() as out:
        process = processes.Process(target=_command, args=(argv, str(Path.cwd()), dict(os.environ), out.name))
        process.start()
        process.join(TIMEOUT_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode or 0, out.read().decode("utf-8", "replace")


def _command(argv: list[str], directory: str, environ: dict[str, str], out: str) -> None:
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environ)
    target = os.open(out, os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(target, number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    sys.argv = argv
    main()


def _trimmed(lines: list[str]) -> Iterator[str]:
    text = "\n".join(lines).strip("\n")
    return iter(text.splitlines())
