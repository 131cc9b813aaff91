"""Which files and folders are left alone: patterns as in a `.gitignore`, as far as people use them here.

A pattern without a slash is of a name at any depth (`*.txt`, `drafts`); one with a slash is of a path from the folder
that is watched (`/todo.md`, `archive/2019`, `**/private/*.md`). A slash at the end means folders only. `*` and `?` do
not reach over a slash, `**` does. What is below a folder that is left alone is left alone. There is no `!`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from severance.errors import InputError
from severance.transfer import files

MOST_PATTERNS = 1_000
_PARTS = re.compile(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]/]*\]|.", re.DOTALL)
_ALWAYS = (".*", "node_modules", "*~", "#*#", "~$*", "*.tmp")
"""Hidden ones, with them `.git` and the settings of editors, and what editors put beside a file while they save it."""


class Exclusion:
    """A set of patterns.

    Raises:
        InputError: a pattern is empty, negated or too much.
    """

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        given = [*_ALWAYS, *patterns]
        if len(given) > MOST_PATTERNS:
            raise InputError(f"there are more than {MOST_PATTERNS:,} exclusion patterns")
        made = [_compiled(pattern) for pattern in given]
        self._any = re.compile("|".join(regex for regex, _ in made))
        self._files = re.compile("|".join(regex for regex, folder_only in made if not folder_only))

    def leaves_out(self, path: str, *, is_folder: bool) -> bool:
        """Whether this is left alone.

        Args:
            path: from the folder that is watched, with `/` between its names. Its parents have been asked about before.
            is_folder: whether it is a folder.
        """
        return (self._any if is_folder else self._files).fullmatch(path) is not None


def patterns_in(path: Path) -> list[str]:
    """The patterns in a file: one to a line, without blank lines and those that begin with `#`.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    try:
        lines = files.read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8; save it as UTF-8 and try again") from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _compiled(pattern: str) -> tuple[str, bool]:
    bare = pattern.strip()
    if bare.startswith("!"):
        raise InputError(
            "an exclusion pattern with ! takes nothing back here; leave the pattern out that it is against"
        )
    path = bare.strip("/")
    if not path or "\0" in path:
        raise InputError("an exclusion pattern is empty; write a name such as drafts, or *.txt")
    anywhere = "" if "/" in bare.rstrip("/") else "(?:.*/)?"
    return f"(?s:{anywhere}{''.join(map(_part, _PARTS.findall(path)))})", bare.endswith("/")


def _part(part: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if part in fixed:
        return fixed[part]
    if len(part) > 2 and part.startswith("["):
        inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
        return f"(?!/)[{'^' + inner[1:] if inner.startswith('!') else inner}]"
    return re.escape(part)
