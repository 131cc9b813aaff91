"""A plan: which persona each item is to go to. A file in JSON Lines, to be read and changed by hand.

The first line says of what it is the plan. Each line after it is one item: the persona, or null where that is not
clear; how sure, and why; and the item's name, which is a hash, with the number of its source and its number there. What
an item says is not in a plan, but for the first characters of it where the owner asks for excerpts. Names of personas
and the paths of sources are in it, in the clear.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Self

from severance.errors import InputError
from severance.transfer import FORMATS, Skipped, files, lines
from severance.transfer.items import Progress

VERSION = 1
EXCERPT_CHARS = 80
_KIND = "plan of severance route"
_NAME = re.compile(r"[0-9a-f]{32}")
_TAKEN_OUT = "taken out"
_AGAIN = "make the plan anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a plan says of one item.

    Attributes:
        persona: who gets it; None where that is not clear.
        sure: 0 to 1; 1 for a rule.
        why: in a few words, none of them from the item.
        by: "rule", "examples", "conversation" or "nothing".
        name, source, number: of the item.
        excerpt: the beginning of its text, or None.
    """

    persona: str | None
    sure: float
    why: str
    by: str
    name: str
    source: int
    number: int
    excerpt: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan.

    Attributes:
        subject: whose personas are meant.
        sources: paths with their formats, in order; empty where `place` is given.
        options: for the formats.
        place: where the persona wakes whose memories are to be moved, or None.
        items: the persona for each item, by name; None where it is not clear.
        keeps_secrets: whether what is in the sources is left as it is; an item without its secrets has another name.
    """

    subject: str
    sources: tuple[tuple[str, str], ...]
    options: Mapping[str, str]
    place: str | None
    items: Mapping[str, str | None] = field(default_factory=dict)
    keeps_secrets: bool = True

    @classmethod
    def read(cls, path: Path, personas: Collection[str] | None = None) -> Self:
        """The plan in a file; with `personas`, one that names no others.

        Raises:
            InputError: it is none, others can write it, or a line in it cannot be meant; the message says which.
        """
        _check_own(path)
        head: dict[str, Any] | None = None
        items: dict[str, str | None] = {}
        for where, line in lines.objects(path, Progress()):
            if isinstance(line, Skipped):
                raise InputError(f"{path}, {where}: {line.why}; correct it, or {_AGAIN}")
            if head is None:
                head = _head(path, line)
                continue
            name, persona = _item(f"{path}, {where}", line, personas)
            if items.setdefault(name, persona) != persona:
                raise InputError(f"{path}, {where}: it sends an item elsewhere that is in the plan already")
        if head is None:
            raise InputError(f"{path} is empty; {_AGAIN}")
        sources = tuple((each["path"], each["format"]) for each in head["sources"])
        return cls(head["subject"], sources, head["options"], head["from"], items, head.get("secrets") != _TAKEN_OUT)


def write(out: BinaryIO, plan: Plan, decisions: Iterable[Decision]) -> None:
    """Write a plan with these decisions in the place of its own.

    Raises:
        OSError: it could not be written.
    """
    listed = [{"path": path, "format": name} for path, name in plan.sources]
    head = {"severance": _KIND, "version": VERSION, "subject": plan.subject, "from": plan.place}
    secrets = {} if plan.keeps_secrets else {"secrets": _TAKEN_OUT}
    out.write(_line({**head, "sources": listed, "options": dict(plan.options), **secrets}))
    for each in decisions:
        line: dict[str, object] = {"persona": each.persona, "sure": round(each.sure, 2), "why": each.why}
        line |= {"source": each.source, "number": each.number, "item": each.name}
        if each.excerpt is not None:
            line["excerpt"] = each.excerpt
        out.write(_line(line))


def _check_own(path: Path) -> None:
    """A plan says which files are read and who is given what is in them, so it has to be its reader's own."""
    found = files.status(path)
    if sys.platform != "win32" and (found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022):
        raise InputError(
            f"others than you can write {path}; read it, and then: chmod go-w (and chown, if it is not yours)"
        )


def _line(content: Mapping[str, object]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def _head(path: Path, line: object) -> dict[str, Any]:
    if not isinstance(line, dict) or line.get("severance") != _KIND:
        raise InputError(f"{path} is no plan of `severance route`; name the file that --plan was")
    if line.get("version") != VERSION:
        raise InputError(f"{path} is a plan of another version of Severance; {_AGAIN}")
    sources, options, place = line.get("sources"), line.get("options"), line.get("from")
    good = (
        isinstance(line.get("subject"), str)
        and isinstance(sources, list)
        and all(isinstance(each, dict) and isinstance(each.get("path"), str) for each in sources)
        and all(each.get("format") in FORMATS for each in sources)
        and isinstance(options, dict)
        and all(isinstance(value, str) for value in options.values())
        and (place is None or isinstance(place, str))
        and bool(sources) != (place is not None)
    )
    if not good:
        raise InputError(f"{path}, line 1: it does not say what the plan is for; {_AGAIN}")
    return line


def _item(where: str, line: object, personas: Collection[str] | None) -> tuple[str, str | None]:
    name = line.get("item") if isinstance(line, dict) else None
    if not isinstance(line, dict) or not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(f"{where}: it has no item; correct it, or {_AGAIN}")
    persona = line.get("persona")
    if persona is not None and not isinstance(persona, str):
        raise InputError(f"{where}: the persona is a name, or null where it is not clear")
    if persona is not None and personas is not None and persona not in personas:
        raise InputError(f"{where}: that persona is not one of the subject's; `severance status` lists them")
    return name, persona
