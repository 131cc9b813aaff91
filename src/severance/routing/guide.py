"""What the owner says about who gets what: rules, and a few examples. A file in TOML.

    [examples]
    work = ["The printer is on the second floor.", "Dylan wants the finger traps."]
    home = ["Water the beans on Sunday."]

    [[rule]]
    persona = "work"
    source = ["slack"]

A rule holds for a memory when all that it names is so: `source` (who said it), `thread` (the conversation), `folder`
(of the file), `person` (a name, in the text, the conversation or the source), `words` (in the text or the conversation)
and `metadata` (names to values). Where several are listed for one of them, any of these will do.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files

MOST_BYTES = 1 << 20
MOST_RULES = 1_000
MOST_EXAMPLES = 2_000
_LISTS = ("source", "thread", "folder", "person", "words")
_KNOWN = frozenset({"persona", "metadata", *_LISTS})


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the owner's.

    Attributes:
        persona: who gets what it holds for.
        source, thread, folder: of these, each in small letters; empty for any.
        person, words: what finds one of these, or None for any.
        metadata: names to values, as text.
    """

    persona: str
    source: frozenset[str]
    thread: frozenset[str]
    folder: tuple[tuple[str, ...], ...]
    person: re.Pattern[str] | None
    words: re.Pattern[str] | None
    metadata: Mapping[str, str]

    def why(self) -> str:
        """What it looks at, in words."""
        looks = {
            "the source": self.source,
            "the conversation": self.thread,
            "the folder": self.folder,
            "a person": self.person,
            "words": self.words,
            "metadata": self.metadata,
        }
        return " and ".join(name for name, given in looks.items() if given)

    def holds(self, draft: Draft, path: tuple[str, ...]) -> bool:
        """Whether it holds for a memory that comes from a file whose folders and name are `path`."""
        thread, source = draft.thread or "", draft.source or ""
        return (
            (not self.source or source.casefold() in self.source)
            and (not self.thread or thread.casefold() in self.thread)
            and (not self.folder or any(_inside(folder, path, thread) for folder in self.folder))
            and (self.person is None or _found(self.person, draft.text, thread, source))
            and (self.words is None or _found(self.words, draft.text, thread))
            and all(_said(draft.metadata.get(name)) == value for name, value in self.metadata.items())
        )


@dataclass(frozen=True, slots=True)
class Guide:
    """Rules in their order, and examples: persona and text."""

    rules: tuple[Rule, ...]
    examples: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path, personas: Collection[str]) -> Self:
        """The guide in a file, which may name only these personas.

        Raises:
            InputError: it cannot be read, or something in it cannot be meant. No text in it is repeated.
        """
        files.status(path)
        raw = files.head(path, MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise InputError(f"{path} is longer than {MOST_BYTES:,} bytes; a few examples are enough")
        try:
            document = tomllib.loads(raw.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 (byte {error.start:,}); save it as UTF-8") from None
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            place = re.search(r"\(at line \d+", str(error))
            where = f"{place[0]})" if place else "(at its end)"
            raise InputError(f"{path} is not valid TOML {where}; correct it") from None
        return cls._of(document, path, personas)

    @classmethod
    def _of(cls, document: dict[str, Any], path: Path, personas: Collection[str]) -> Self:
        unknown = sorted(document.keys() - {"examples", "rule"})
        if unknown:
            raise InputError(f"{path} has something beside [examples] and [[rule]]; there is nothing else to say")
        rules, examples = document.get("rule", []), document.get("examples", {})
        if not isinstance(rules, list) or not isinstance(examples, dict):
            raise InputError(f"{path}: examples are written under [examples], and each rule under [[rule]]")
        made = tuple(_rule(f"{path}, rule {number}", rule, personas) for number, rule in enumerate(rules, 1))
        told = tuple(each for name, texts in examples.items() for each in _examples(path, name, texts, personas))
        if len(made) > MOST_RULES or len(told) > MOST_EXAMPLES:
            raise InputError(f"{path} has more than {MOST_RULES:,} rules or {MOST_EXAMPLES:,} examples; leave some out")
        if not made and not told:
            raise InputError(f"{path} has no rule and no example; a few examples for each persona are enough")
        return cls(made, told)


def _rule(where: str, given: Any, personas: Collection[str]) -> Rule:
    if not isinstance(given, dict) or given.keys() - _KNOWN or len(given) < 2:
        raise InputError(f"{where}: a rule has a persona and some of {', '.join(sorted(_KNOWN - {'persona'}))}")
    persona = given.get("persona")
    _check_persona(where, persona, personas)
    listed = {name: _texts(where, given[name]) if name in given else () for name in _LISTS}
    metadata = given.get("metadata", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, (str, int, bool)) for value in metadata.values()):
        raise InputError(f"{where}: metadata is a table of names and values")
    return Rule(
        str(persona),
        frozenset(text.casefold() for text in listed["source"]),
        frozenset(text.casefold() for text in listed["thread"]),
        tuple(_parts(text) for text in listed["folder"]),
        _any_of(listed["person"]),
        _any_of(listed["words"]),
        {name: _said(value) for name, value in metadata.items()},
    )


def _examples(path: Path, name: str, texts: Any, personas: Collection[str]) -> list[tuple[str, str]]:
    where = f"{path}, [examples]"
    _check_persona(where, name, personas)
    return [(name, text) for text in _texts(where, texts)]


def _check_persona(where: str, name: Any, personas: Collection[str]) -> None:
    if name not in personas:
        raise InputError(f"{where}: that persona is not one of this subject's; `severance status` lists them")


def _texts(where: str, value: Any) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(text, str) and text.strip() for text in listed):
        raise InputError(f"{where}: what is listed there are texts, none of them empty")
    return tuple(listed)


def _any_of(texts: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds any of these as whole words, however they are spaced and written."""
    spaced = (r"\s+".join(map(re.escape, text.split())) for text in texts)
    return re.compile(rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)", re.IGNORECASE) if texts else None


def _found(pattern: re.Pattern[str], *texts: str) -> bool:
    return any(pattern.search(text) for text in texts)


def _parts(folder: str) -> tuple[str, ...]:
    return tuple(part for part in folder.replace("\\", "/").split("/") if part not in ("", "."))


def _inside(folder: tuple[str, ...], path: tuple[str, ...], thread: str) -> bool:
    """Whether these folders, one in the other, lead to the file; the thread of a note is its name."""
    whole = (*path, *_parts(thread))
    return any(whole[start : start + len(folder)] == folder for start in range(len(whole) - len(folder) + 1))


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
