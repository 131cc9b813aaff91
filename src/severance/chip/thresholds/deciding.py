"""The threshold decided: which rule holds, why, and until when. Asks the surroundings, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from ipaddress import ip_network
from types import MappingProxyType

from severance.chip.thresholds.hours import Hours
from severance.chip.thresholds.rules import (
    APPLICATION,
    COMMAND,
    DIRECTORY,
    HOST,
    HOURS,
    NETWORK,
    REPOSITORY,
    Condition,
    Kind,
    Rule,
    Rules,
)
from severance.chip.thresholds.surroundings import Known, Nowhere, Surroundings
from severance.errors import InputError

_MOST_STEPS = 1_000
"""Changes of hours that are looked at; the answer of a week repeats long before."""


@dataclass(frozen=True)
class Circumstances:
    """When and where somebody stands at a threshold.

    Attributes:
        now: microseconds since 1970.
        surroundings: what can be known of the world.
        application: the name of the program that crosses, as it was registered at the place; None for the owner.
    """

    now: int
    surroundings: Surroundings = field(default_factory=Nowhere)
    application: str | None = None

    def known(self) -> Circumstances:
        """The same, asking each question of the world once."""
        return Circumstances(self.now, Known(self.surroundings), self.application)

    def at(self, now: int) -> Circumstances:
        """The same at another time."""
        return Circumstances(now, self.surroundings, self.application)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a condition holds, and how that was seen, as a part of a sentence."""

    condition: Condition
    holds: bool
    why: str


@dataclass(frozen=True, slots=True)
class Looked:
    """A rule, and what became of each of its conditions."""

    rule: Rule
    verdicts: tuple[Verdict, ...]

    @property
    def holds(self) -> bool:
        """Whether all of its conditions do."""
        return all(verdict.holds for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who wakes.

    Attributes:
        persona: the persona of the first rule that holds; None where none does.
        until: the next instant at which that changes if nothing does but the time (microseconds since 1970), or None.
        looked: every rule in order, with its verdicts.
        later: for personas of rules that do not hold because of hours alone, when each would next wake.
    """

    persona: str | None
    until: int | None
    looked: tuple[Looked, ...]
    later: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def who(rules: Rules, at: Circumstances) -> str | None:
    """The persona of the first rule that holds; no rule after it is looked at."""
    return next((rule.persona for rule in rules if all(_holds(each, at) for each in rule.conditions)), None)


def until(rules: Rules, at: Circumstances) -> int | None:
    """The next instant at which the answer changes if nothing does but the time; None where it never does."""
    at, now = at.known(), at.now
    answer = who(rules, at)
    for _ in range(_MOST_STEPS):
        following = _next_change(rules, now)
        if following is None:
            return None
        now = following
        if who(rules, at.at(now)) != answer:
            return now
    return None


def zone_of(rules: Rules) -> str | None:
    """The time zone of the first hours in these rules; None where there are none."""
    values = (each.values[0] for rule in rules for each in rule.conditions if each.kind == HOURS)
    return next((value.split()[-1] for value in values), None)


def decide(rules: Rules, at: Circumstances) -> Decision:
    """Who wakes, with everything that was looked at. Every condition of every rule is tried."""
    at = at.known()
    looked = tuple(Looked(rule, tuple(_verdict(each, at) for each in rule.conditions)) for rule in rules)
    persona = next((each.rule.persona for each in looked if each.holds), None)
    return Decision(persona, until(rules, at), looked, _later(rules, at, persona))


def _later(rules: Rules, at: Circumstances, persona: str | None) -> dict[str, int]:
    """When each other persona would wake if nothing changed but the time."""
    found: dict[str, int] = {}
    wanted = {rule.persona for rule in rules} - {persona}
    now: int | None = at.now
    for _ in range(_MOST_STEPS):
        now = _next_change(rules, now) if now is not None else None
        if now is None or wanted <= found.keys():
            break
        answer = who(rules, at.at(now))
        if answer in wanted:
            found.setdefault(answer, now)
    return found


def _next_change(rules: Rules, now: int) -> int | None:
    """When the hours of any rule begin or end next."""
    found = []
    for rule in rules:
        for condition in rule.conditions:
            if condition.kind == HOURS:
                found += [_change_of(Hours.parse, value, now) for value in condition.values]
    return min((at for at in found if at is not None), default=None)


def _change_of(parse: Callable[[str], Hours], value: str, now: int) -> int | None:
    try:
        return parse(value).next_change(now)
    except InputError:  # of a zone that is not known here: they do not hold, and never will
        return None


def _holds(condition: Condition, at: Circumstances) -> bool:
    return _verdict(condition, at).holds


def _verdict(condition: Condition, at: Circumstances) -> Verdict:
    if condition.kind == COMMAND:
        return _command(condition, at)
    holds, why = _LOOKS[condition.kind](condition, at)
    return Verdict(condition, holds, why)


def _hours(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    seen: datetime | None = None
    for value in condition.values:
        try:
            hours = Hours.parse(value)
            seen = hours.local(at.now)
            if hours.hold(at.now):
                return True, f"it is {_shown(seen, hours)}, within {value}"
        except InputError:
            continue
    if seen is None:
        return False, "its time zone is not known on this machine"
    return False, f"it is {_shown(seen, hours)}, outside {' and '.join(condition.values)}"


def _shown(seen: datetime, hours: Hours) -> str:
    return f"{seen:%a %H:%M} in {hours.zone}"


def _host(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    name = at.surroundings.host()
    if name is None:
        return False, "the name of this machine cannot be known"
    holds = any(fnmatchcase(name.casefold(), value.casefold()) for value in condition.values)
    return holds, f"this machine is {name}, {'which is' if holds else 'not'} {_either(condition)}"


def _directory(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    here = at.surroundings.directory()
    if here is None:
        return False, "the working directory cannot be known"
    holds = any(root is not None and here.is_relative_to(root) for root in map(at.surroundings.path, condition.values))
    return holds, f"the working directory is {here}, {'in' if holds else 'not in'} {_either(condition)}"


def _repository(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    here = at.surroundings.repository()
    if here is None:
        return False, "the working directory is in no repository"
    holds = any(here == at.surroundings.path(value) for value in condition.values)
    return holds, f"the repository is {here}, {'which is' if holds else 'not'} {_either(condition)}"


def _application(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    if at.application is None:
        return False, "no registered program crosses"
    holds = at.application in condition.values
    return holds, f"the program is {at.application}, {'which is' if holds else 'not'} {_either(condition)}"


def _network(condition: Condition, at: Circumstances) -> tuple[bool, str]:
    own = at.surroundings.addresses()
    if own is None:
        return False, "the addresses of this machine cannot be known"
    networks = [ip_network(value) for value in condition.values]
    inside = [address for address in own for network in networks if address in network]
    if inside:
        return True, f"this machine has the address {inside[0]}, in {_either(condition)}"
    return False, f"this machine has no address in {_either(condition)}"


def _command(condition: Condition, at: Circumstances) -> Verdict:
    ended = at.surroundings.succeeds(condition.values)
    said = {True: "succeeded", False: "ended with another status than 0", None: "cannot be run here"}
    why = ended if isinstance(ended, str) else said[ended]
    return Verdict(condition, ended is True, f"the command {condition.values[0]} {why}")


def _either(condition: Condition) -> str:
    return " or ".join(condition.values)


_LOOKS: Mapping[Kind, Callable[[Condition, Circumstances], tuple[bool, str]]] = MappingProxyType(
    {
        HOURS: _hours,
        HOST: _host,
        DIRECTORY: _directory,
        REPOSITORY: _repository,
        APPLICATION: _application,
        NETWORK: _network,
    }
)
