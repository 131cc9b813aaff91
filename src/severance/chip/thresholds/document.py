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

from collections.abc import Callable, Mapping
from typing import Any

from severance.chip.thresholds.positions import Path
from severance.chip.thresholds.rules import (
    APPLICATION,
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
from severance.chip.thresholds.tables import WrongError, known, listed, loaded, quoted, tables, within

MOST_BYTES = 1 << 20
_WHO = ("subject", "place", "persona")
_RULE_KEYS = (*_WHO, *KINDS)
_SUBJECT_KEYS = ("name", "exclusive", "zone", "budget")
_FORM = "{} is a text, or a list of texts of which any may hold"
_UNKNOWN = "there is no such persona of that subject; `severance sever SUBJECT PERSONA` makes one"

NameOf = Callable[[object, str], str]
"""What makes a name of what was written, or raises InputError that says what is wrong with it."""


Exists = Callable[[str, str], bool]
"""Whether a subject has a persona of this name."""


def read(text: str, name_of: NameOf, exists: Exists = lambda subject, persona: True) -> Thresholds:
    """The thresholds that a document declares, for personas that exist.

    Raises:
        InputError: it is not one; the message begins with line and column, and says what to write instead.
    """
    return loaded(text, MOST_BYTES, "thresholds", lambda document: _thresholds(document, name_of, exists))


def write(thresholds: Thresholds) -> str:
    """The document that `read` reads as these thresholds."""
    parts = []
    for name, limits in sorted(thresholds.limits.items()):
        lines = ["[[subject]]", f"name = {quoted(name)}"]
        lines += ["exclusive = true"] if limits.exclusive else []
        lines += [f"zone = {quoted(limits.zone)}"] if limits.zone != UTC_ZONE else []
        budgets = ", ".join(f"{quoted(who)} = {quoted(write_budget(s))}" for who, s in sorted(limits.budgets.items()))
        lines += [f"budget = {{ {budgets} }}"] if budgets else []
        parts.append("\n".join(lines) + "\n")
    for (subject, place), rules in sorted(thresholds.rules.items()):
        parts += [_written(subject, place, rule) for rule in rules]
    return "\n".join(parts)


def _written(subject: str, place: str, rule: Rule) -> str:
    said = zip(_WHO, (subject, place, rule.persona), strict=True)
    lines = ["[[rule]]", *(f"{key} = {quoted(value)}" for key, value in said)]
    for condition in rule.conditions:
        lines.append(f"{condition.kind} = {listed(condition.values, always=condition.kind == COMMAND)}")
    return "\n".join(lines) + "\n"


def _thresholds(document: Mapping[str, Any], name_of: NameOf, exists: Exists) -> Thresholds:
    known(document, ("subject", "rule"), ())
    limits: dict[str, Limits] = {}
    for number, table in enumerate(tables(document, "subject")):
        path: Path = ("subject", number)
        name, found = _limits(table, path, name_of)
        if name in limits:
            raise WrongError(path, "this subject has a table already; put both into one")
        for persona in found.budgets:
            if not exists(name, persona):
                raise WrongError((*path, "budget", persona), _UNKNOWN, key=True)
        limits[name] = found
    rules: dict[tuple[str, str], Rules] = {}
    for number, table in enumerate(tables(document, "rule")):
        path = ("rule", number)
        known(table, _RULE_KEYS, path)
        subject, place, persona = (_name(table, key, path, name_of) for key in _WHO)
        if not exists(subject, persona):
            raise WrongError((*path, "persona"), _UNKNOWN)
        rule = Rule(persona, tuple(_condition(table, kind, path, name_of) for kind in KINDS if kind in table))
        rules[subject, place] = within(path, checked_rules, (*rules.get((subject, place), ()), rule))
    return Thresholds(rules, {name: found for name, found in limits.items() if found != NO_LIMITS})


def _limits(table: Mapping[str, Any], path: Path, name_of: NameOf) -> tuple[str, Limits]:
    known(table, _SUBJECT_KEYS, path)
    exclusive, zone, budget = table.get("exclusive", False), table.get("zone", UTC_ZONE), table.get("budget", {})
    if type(exclusive) is not bool:
        raise WrongError((*path, "exclusive"), "exclusive is true or false")
    if not isinstance(zone, str):
        raise WrongError((*path, "zone"), 'zone is the name of a time zone, such as "Europe/Berlin"')
    within((*path, "zone"), checked_zone, zone)
    if not isinstance(budget, dict):
        raise WrongError((*path, "budget"), 'budget has a time for each persona, such as { work = "8h" }')
    budgets = {}
    for who, text in budget.items():
        here = (*path, "budget", who)
        persona = within(here, lambda given: name_of(given, "a persona"), who, key=True)
        if not isinstance(text, str) or persona in budgets:
            raise WrongError(here, 'a budget is one text for each persona, such as "2h"')
        budgets[persona] = within(here, read_budget, text)
    return _name(table, "name", path, name_of), Limits(exclusive, zone, budgets)


def _name(table: Mapping[str, Any], key: str, path: Path, name_of: NameOf) -> str:
    if key not in table:
        raise WrongError(path, f'{key} is missing; add {key} = "NAME"')
    return within(
        (*path, key), lambda given: name_of(given, f"the {key}" if key == "place" else f"a {key}"), table[key]
    )


def _condition(table: Mapping[str, Any], kind: Kind, path: Path, name_of: NameOf) -> Condition:
    value, path = table[kind], (*path, kind)
    if kind == COMMAND:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise WrongError(path, f"{kind} is a list of texts")
        return within(path, lambda given: Condition.of(kind, given), value)
    if isinstance(value, str):
        value = [_value(value, kind, path, name_of)]
    elif isinstance(value, list):
        value = [_value(each, kind, (*path, number), name_of) for number, each in enumerate(value)]
    else:
        raise WrongError(path, _FORM.format(kind))
    return within(path, lambda given: Condition.of(kind, given), value)


def _value(value: object, kind: Kind, path: Path, name_of: NameOf) -> str:
    if not isinstance(value, str):
        raise WrongError(path, _FORM.format(kind))
    if kind == APPLICATION:
        return within(path, lambda given: name_of(given, "an application"), value)
    return within(path, lambda given: Condition.of(kind, [given]), value).values[0]
