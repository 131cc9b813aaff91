"""The line of a shell that is a hook: read, told from what its user has of the kind, and written anew."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath

MODULE = ("-P", "-m", "severance.cli.main")
"""What an interpreter is given to be this program."""

_BEFORE = frozenset({"--store", "--key", "--embedder", "--reranker"})
_BEHIND = frozenset({"--place", "--marker", "--phrase", "--about", "--store", "--key"})
_FLAGS = frozenset({"--strict"})
_SPECIAL = re.compile(r"[&|<>^()]")
_PLAIN = re.compile(r"""(?:'[^']*'|"[^"$`\\!]*"|\\[^\r\n]|[^'"\\\r\n$`~*?\[\]{}!#])*""")
"""A line with which a shell does nothing but to cut it into words: whatever else it knows stands in quotation marks, or
behind a backslash."""


@dataclass(frozen=True, slots=True)
class Shell:
    """How words are a line: read, where it is one of this shell's, and written."""

    read: Callable[[str], list[str]]
    write: Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that is in the form that is written here.

    Attributes:
        words: the program, its options, `hook`, the client and the place.
        more: what its user has put behind it: options of `severance hook`.
        shell: how it is written.
    """

    words: tuple[str, ...]
    more: tuple[str, ...]
    shell: Shell


def hook_of(line: object, client: str) -> Hook | None:
    """What a line is; None where it is not one that `severance integrate` wrote for this client.

    A line in which a shell would do anything else is its user's own: another command, a redirection, or what it puts
    something else in the place of (`$HOME`, `~`, `*`).
    """
    if not isinstance(line, str):
        return None
    return next((hook for shell in _SHELLS if (hook := _hook(shell, line, client)) is not None), None)


def renewed(line: str, wanted: str, client: str) -> str:
    """The line that is wanted, with what its user has put behind the one that is there; that one, if it says the same.

    Args:
        line: what is there; a hook of this client.
        wanted: what is to be there, without more behind it.
        client: whose.
    """
    there, new = hook_of(line, client), hook_of(wanted, client)
    if there is None or new is None or not there.more:
        return wanted
    if there.words == new.words:
        return line
    return f"{wanted} {new.shell.write(there.more)}"


def line_of(words: Sequence[str], platform: str) -> str:
    """The words as a line of the shell that this platform has, in which each of them is one word and nothing else."""
    return (_WINDOWS if platform == "win32" else _POSIX).write(words)


def is_program(command: str, words: Sequence[str]) -> bool:
    """Whether a command with these arguments is this program with options alone, as they are written here."""
    before = words
    if tuple(words[: len(MODULE)]) == MODULE:
        before = words[len(MODULE) :]
    elif "severance" not in (PurePath(command).stem, PureWindowsPath(command).stem):
        return False
    return before[:1] == ["--store"] and len(before) % 2 == 0 and _BEFORE.issuperset(before[::2])


def _hook(shell: Shell, line: str, client: str) -> Hook | None:
    try:
        words = shell.read(line)
    except ValueError:  # a quotation that does not end
        return None
    for at in range(1, len(words) - 1):
        if words[at : at + 2] == ["hook", client] and is_program(words[0], words[1:at]):
            break
    else:
        return None
    options = _options(words[at + 2 :])
    places = [option for option in options or () if option[0] == "--place"]
    if options is None or len(places) != 1:
        return None
    more = (word for option in options if option is not places[0] for word in option)
    return Hook((*words[: at + 2], *places[0]), tuple(more), shell)


def _options(words: list[str]) -> list[tuple[str, ...]] | None:
    """The options behind a hook, each as its words; None where there is anything else."""
    found: list[tuple[str, ...]] = []
    rest = list(words)
    while rest:
        name, is_joined, value = rest.pop(0).partition("=")
        if name in _FLAGS and not is_joined:
            found.append((name,))
        elif name in _BEHIND and (is_joined or rest):
            found.append((name, value if is_joined else rest.pop(0)))
        else:
            return None
    return found


def _posix(line: str) -> list[str]:
    if not _PLAIN.fullmatch(line):
        return []
    words = shlex.shlex(line, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    words.commenters = ""
    return list(words)


def _windows(line: str) -> list[str]:
    """As `subprocess.list2cmdline` writes them: a backslash is one, except before a quotation mark."""
    if re.search(r"[\r\n]", line):
        return []
    words = shlex.shlex(line.replace('\\"', "\0"), posix=True, punctuation_chars="&|<>")
    words.whitespace_split = True
    words.commenters, words.escape, words.quotes = "", "", '"'
    found = [word.replace("\0", '"') for word in words]
    return found if PureWindowsPath(*found[:1]).is_absolute() else []


def _windows_line(words: Sequence[str]) -> str:
    # `list2cmdline` knows programs, and not the shell that is between: to that, `a&b` would be two commands.
    bare = [_SPECIAL.search(word) is not None and not re.search(r'[ \t"]|\\$', word) for word in words]
    return " ".join(
        f'"{word}"' if is_bare else subprocess.list2cmdline([word]) for word, is_bare in zip(words, bare, strict=True)
    )


_POSIX, _WINDOWS = Shell(_posix, shlex.join), Shell(_windows, _windows_line)
_SHELLS = (_WINDOWS, _POSIX)
