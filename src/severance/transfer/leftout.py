"""What is in a folder beside what is read from it: counted by kind, and named."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePath

MOST_NAMED = 10_000
_MOST_KINDS = 1_000
_ENDING = re.compile(r"\.[\w+-]{1,12}")


@dataclass(slots=True)
class LeftOut:
    """Files and folders that were passed over.

    Attributes:
        kinds: how many of each kind: the ending of the name (`.pdf`), `hidden`, `folder`, `no ending` or `other`. A
            folder is one, whatever is in it.
        names: the first 10,000 of them, from the folder that was named; a folder's ends with a slash.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    names: list[str] = field(default_factory=list)

    def note(self, name: str, *, is_folder: bool = False) -> None:
        """One was passed over: its path from the folder that was named, as it can be shown."""
        kind = _kind(name, is_folder)
        self.kinds[kind if kind in self.kinds or len(self.kinds) < _MOST_KINDS else "other"] += 1
        if len(self.names) < MOST_NAMED:
            self.names.append(name + ("/" if is_folder else ""))


def _kind(name: str, is_folder: bool) -> str:
    path = PurePath(name)
    if path.name.startswith("."):
        return "hidden"
    if is_folder:
        return "folder"
    ending = path.suffix.lower()
    if not ending:
        return "no ending"
    return ending if _ENDING.fullmatch(ending) else "other"
