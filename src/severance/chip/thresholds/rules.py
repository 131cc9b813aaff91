"""What thresholds are made of: rules with conditions, in order, and the limits of a subject. Pure nouns.

`persona = f(subject, place, conditions)`: of the rules for a subject at a place, the first of which every condition
holds says who wakes; where none does, nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_network
from pathlib import PurePath
from types import MappingProxyType
from typing import Literal

from severance.chip.thresholds.hours import Hours, zone_named
from severance.errors import InputError
from severance.model import parse_length

Kind = Literal["hours", "host", "directory", "repository", "application", "network", "command"]
HOURS: Kind = "hours"
HOST: Kind = "host"
DIRECTORY: Kind = "directory"
REPOSITORY: Kind = "repository"
APPLICATION: Kind = "application"
NETWORK: Kind = "network"
COMMAND: Kind = "command"
KINDS: tuple[Kind, ...] = (HOURS, HOST, DIRECTORY, REPOSITORY, APPLICATION, NETWORK, COMMAND)
"""What a condition can be about, in the order in which conditions are looked at: what costs most comes last."""

MOST_RULES = 100
MOST_VALUES = 50
MOST_TEXT = 4_096
DAY_SECONDS = 86_400
UTC_ZONE = "UTC"

_PATTERN = re.compile(r"(?:[^\[\]/\\]|\[!?[^\[\]]+\])+")


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: it holds when any of its values does; a command's values are its program and arguments.

    Attributes:
        kind: one of `KINDS`.
        values: as they were written, checked.
    """

    kind: Kind
    values: tuple[str, ...]

    @classmethod
    def of(cls, kind: Kind, values: Sequence[str]) -> Condition:
        """A condition, checked.

        Raises:
            InputError: it cannot be meant; the message says what to write instead.
        """
        if not values or len(values) > MOST_VALUES:
            raise InputError(f"{kind} has 1 to {MOST_VALUES} values")
        for value in values:
            if "\0" in value or len(value) > MOST_TEXT or (not value and not (kind == COMMAND and value != values[0])):
                raise InputError(f"a value of {kind} is empty, longer than {MOST_TEXT:,} characters, or has a NUL")
        return cls(kind, _command(values) if kind == COMMAND else tuple(map(_CHECKS[kind], values)))


@dataclass(frozen=True, slots=True)
class Rule:
    """Who wakes when all of these hold; no conditions always hold."""

    persona: str
    conditions: tuple[Condition, ...] = ()


Rules = tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a subject wherever it is.

    Attributes:
        exclusive: whether one persona may be awake at a time, in one session.
        zone: the time zone in which its days begin.
        budgets: for some personas, how many seconds of each day they may be awake.
    """

    exclusive: bool = False
    zone: str = UTC_ZONE
    budgets: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All rules and all limits of a house.

    Attributes:
        rules: for each (subject, place) that has any, its rules in order.
        limits: for each subject that has any, its limits.
    """

    rules: Mapping[tuple[str, str], Rules]
    limits: Mapping[str, Limits]


def checked_rules(rules: Rules) -> Rules:
    """These rules, if they can be one threshold.

    Raises:
        InputError: too many of them, or one that can never be reached.
    """
    if len(rules) > MOST_RULES:
        raise InputError(f"a subject has at most {MOST_RULES} rules at one place")
    if any(not rule.conditions for rule in rules[:-1]):
        raise InputError(
            "this rule can never be reached: one before it, for the same subject and place, has no conditions;"
            " put that one last"
        )
    return rules


def read_budget(text: str) -> int:
    """Seconds of a budget, such as `2h`, `90m` or `1h30m`: a length of time as others are.

    Raises:
        InputError: it is not one, or not from a minute to a day.
    """
    length = parse_length(text)
    seconds = 0 if length is None else int(length.total_seconds())
    if not 60 <= seconds <= DAY_SECONDS:
        raise InputError('a budget is from 1m to 24h for each day; write it as "2h", "45m" or "1h30m"')
    return seconds


def write_budget(seconds: int) -> str:
    """The written form of a budget."""
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def _hours(text: str) -> str:
    return str(Hours.parse(text))


def _host(text: str) -> str:
    if len(text) > 253 or any(char.isspace() for char in text) or not _PATTERN.fullmatch(text):
        raise InputError('a host is a name or a pattern, such as "laptop" or "*.example.org"')
    return text


def _path(kind: Kind, text: str) -> str:
    if not (PurePath(text).is_absolute() or text == "~" or text.startswith("~/")):
        raise InputError(f'a {kind} is an absolute path, or begins with ~/, such as "~/code/client-a"')
    return text


def _application(text: str) -> str:
    if text != text.strip() or len(text) > 100:
        raise InputError("an application is the name that it was registered with at the place, up to 100 characters")
    return text


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        pass
    try:
        meant = f'; write "{ip_network(text, strict=False)}"'
    except ValueError:
        meant = ', such as "10.20.0.0/16" or "fd00:1234::/32"'
    raise InputError(f"a network is an address and the length of its prefix{meant}")


def _command(argv: Sequence[str]) -> tuple[str, ...]:
    if sum(map(len, argv)) > MOST_TEXT or not (PurePath(argv[0]).is_absolute() or argv[0].startswith("~/")):
        raise InputError(
            "a command is a list of a program and its arguments; the program is an absolute path, or begins with ~/,"
            ' such as ["~/bin/at-work", "--quiet"]'
        )
    return tuple(argv)


def checked_zone(text: str) -> str:
    """The name of a time zone that is known here.

    Raises:
        InputError: it is not.
    """
    zone_named(text)
    return text


_CHECKS: Mapping[Kind, Callable[[str], str]] = MappingProxyType(
    {
        HOURS: _hours,
        HOST: _host,
        DIRECTORY: partial(_path, DIRECTORY),
        REPOSITORY: partial(_path, REPOSITORY),
        APPLICATION: _application,
        NETWORK: _network,
    }
)
