"""Thresholds as a TOML file, read and written.

    [[subject]]
    name = "mark"
    exclusive = true
    zone = "Europe/Berlin"
    budget = { work = "8h" }

    [[rule]]
    subject = "mark"
    place = "laptop"
    persona = "work"
    hours = "Mon-Fri 09:00-18:00 Europe/Berlin"

Rules for the same subject and place are tried in the order of the file.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from severance.chip.thresholds.positions import Path, nearest, spots
from severance.chip.thresholds.rules import (
    COMMAND,
    KINDS,
    NO_LIMITS,
    UTC_ZONE,
    Condition,
    Kind,
    Limits,
    Rule,
    Rules,
    Thresholds,
    checked_rules,
    checked_zone,
    read_budget,
    write_budget,
)
from severance.errors import InputError

Given = TypeVar("Given")
Made = TypeVar("Made")

MOST_BYTES = 1 << 20
_WHO = ("subject", "place", "persona")
_RULE_KEYS = (*_WHO, *KINDS)
_SUBJECT_KEYS = ("name", "exclusive", "zone", "budget")
_UNKNOWN = "there is no such persona of that subject; `severance sever SUBJECT PERSONA` makes one"
_AT = re.compile(r" ?\(at (?:line (\d+), column (\d+)|end of document)\)")

NameOf = Callable[[object, str], str]
"""What makes a name of what was written, or raises InputError that says what is wrong with it."""


Exists = Callable[[str, str], bool]
"""Whether a subject has a persona of this name."""


class _WrongError(Exception):
    """Something wrong at a path of the document."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(what)
        self.path = path


def read(text: str, name_of: NameOf, exists: Exists = lambda subject, persona: True) -> Thresholds:
    """The thresholds that a document declares, for personas that exist.

    Raises:
        InputError: it is not one; the message begins with line and column, and says what to write instead.
    """
    if len(text) > MOST_BYTES:
        raise InputError("line 1, column 1: the file is longer than thresholds can be")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_undecoded(str(error), text)) from None
    except RecursionError:
        raise InputError("line 1, column 1: this is no TOML; values are nested too deeply") from None
    try:
        return _thresholds(document, name_of, exists)
    except _WrongError as wrong:
        spot = nearest(spots(text), wrong.path)
        raise InputError(f"line {spot.line}, column {spot.column}: {wrong}") from None


def write(thresholds: Thresholds) -> str:
    """The document that `read` reads as these thresholds."""
    parts = []
    for name, limits in sorted(thresholds.limits.items()):
        lines = ["[[subject]]", f"name = {_quoted(name)}"]
        lines += ["exclusive = true"] if limits.exclusive else []
        lines += [f"zone = {_quoted(limits.zone)}"] if limits.zone != UTC_ZONE else []
        budgets = ", ".join(f"{_quoted(who)} = {_quoted(write_budget(s))}" for who, s in sorted(limits.budgets.items()))
        lines += [f"budget = {{ {budgets} }}"] if budgets else []
        parts.append("\n".join(lines) + "\n")
    for (subject, place), rules in sorted(thresholds.rules.items()):
        parts += [_written(subject, place, rule) for rule in rules]
    return "\n".join(parts)


def _written(subject: str, place: str, rule: Rule) -> str:
    said = zip(_WHO, (subject, place, rule.persona), strict=True)
    lines = ["[[rule]]", *(f"{key} = {_quoted(value)}" for key, value in said)]
    for condition in rule.conditions:
        values = [_quoted(value) for value in condition.values]
        alone = len(values) == 1 and condition.kind != COMMAND
        listed = values[0] if alone else f"[{', '.join(values)}]"
        lines.append(f"{condition.kind} = {listed}")
    return "\n".join(lines) + "\n"


def _thresholds(document: Mapping[str, Any], name_of: NameOf, exists: Exists) -> Thresholds:
    _known(document, ("subject", "rule"), ())
    limits: dict[str, Limits] = {}
    for number, table in enumerate(_tables(document, "subject")):
        path: Path = ("subject", number)
        name, found = _limits(table, path, name_of)
        if name in limits:
            raise _WrongError(path, "this subject has a table already; put both into one")
        for persona in found.budgets:
            if not exists(name, persona):
                raise _WrongError((*path, "budget", persona), _UNKNOWN)
        limits[name] = found
    rules: dict[tuple[str, str], Rules] = {}
    for number, table in enumerate(_tables(document, "rule")):
        path = ("rule", number)
        _known(table, _RULE_KEYS, path)
        subject, place, persona = (_name(table, key, path, name_of) for key in _WHO)
        if not exists(subject, persona):
            raise _WrongError((*path, "persona"), _UNKNOWN)
        rule = Rule(persona, tuple(_condition(table, kind, path) for kind in KINDS if kind in table))
        rules[subject, place] = _within(path, checked_rules, (*rules.get((subject, place), ()), rule))
    return Thresholds(rules, {name: found for name, found in limits.items() if found != NO_LIMITS})


def _limits(table: Mapping[str, Any], path: Path, name_of: NameOf) -> tuple[str, Limits]:
    _known(table, _SUBJECT_KEYS, path)
    exclusive, zone, budget = table.get("exclusive", False), table.get("zone", UTC_ZONE), table.get("budget", {})
    if type(exclusive) is not bool:
        raise _WrongError((*path, "exclusive"), "exclusive is true or false")
    if not isinstance(zone, str):
        raise _WrongError((*path, "zone"), 'zone is the name of a time zone, such as "Europe/Berlin"')
    _within((*path, "zone"), checked_zone, zone)
    if not isinstance(budget, dict):
        raise _WrongError((*path, "budget"), 'budget has a time for each persona, such as { work = "8h" }')
    budgets = {}
    for who, text in budget.items():
        here = (*path, "budget", who)
        persona = _within(here, lambda given: name_of(given, "a persona"), who)
        if not isinstance(text, str) or persona in budgets:
            raise _WrongError(here, 'a budget is one text for each persona, such as "2h"')
        budgets[persona] = _within(here, read_budget, text)
    return _name(table, "name", path, name_of), Limits(exclusive, zone, budgets)


def _tables(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = document.get(key, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):
        raise _WrongError((key,), f"{key} is a list of tables; write its header as [[{key}]]")
    return found


def _known(table: Mapping[str, Any], keys: tuple[str, ...], path: Path) -> None:
    for key in table:
        if key not in keys:
            raise _WrongError((*path, key), f"there is no such key here; the keys are {', '.join(keys)}")


def _name(table: Mapping[str, Any], key: str, path: Path, name_of: NameOf) -> str:
    if key not in table:
        raise _WrongError(path, f'{key} is missing; add {key} = "NAME"')
    return _within(
        (*path, key), lambda given: name_of(given, f"the {key}" if key == "place" else f"a {key}"), table[key]
    )


def _condition(table: Mapping[str, Any], kind: Kind, path: Path) -> Condition:
    value = table[kind]
    values = [value] if isinstance(value, str) and kind != COMMAND else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        form = "a list of texts" if kind == COMMAND else "a text, or a list of texts of which any may hold"
        raise _WrongError((*path, kind), f"{kind} is {form}")
    return _within((*path, kind), lambda given: Condition.of(kind, given), values)


def _within(path: Path, work: Callable[[Given], Made], given: Given) -> Made:
    try:
        return work(given)
    except InputError as problem:
        raise _WrongError(path, str(problem)) from None


def _undecoded(said: str, text: str) -> str:
    found = _AT.search(said)
    lines = text.splitlines() or [""]
    line, column = (found[1], found[2]) if found and found[1] else (len(lines), len(lines[-1]) + 1)
    reason = _AT.sub("", said).rstrip(".")
    return f"line {line}, column {column}: this is no TOML ({reason[:1].lower()}{reason[1:]}); correct it there"


def _quoted(text: str) -> str:
    """A basic string of TOML. JSON's escapes are among TOML's, but for the delete character, which JSON leaves."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
