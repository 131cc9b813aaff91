"""Which alarms ring where: sinks and rules, as a TOML document and as the chip keeps them.

[[sink]]
name = "phone"
webhook = "https://alarms.example.org/severance"

[[rule]]
on = ["override.*", "damage"]
to = ["phone", "log"]
names = true

[[rule]]
on = "refused.repeated"
to = "log"
times = 5
within = "10m"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from severance.alarms.kinds import EXPORT_LARGE, KINDS, OVERRIDE, REPEATED
from severance.chip.register import MOST_SINKS, AlarmForm, AlarmsRow, SinkForm
from severance.chip.thresholds.positions import Path
from severance.chip.thresholds.rules import MOST_RULES
from severance.chip.thresholds.tables import WrongError, known, listed, loaded, quoted, tables, within
from severance.errors import InputError
from severance.net import checked_url, is_private

MOST_BYTES = 1 << 18
LOG, COMMAND, WEBHOOK, APPRISE = "log", "command", "webhook", "apprise"
SINKS = (COMMAND, WEBHOOK, APPRISE)
THE_LOG = SinkForm(LOG, LOG, (), 60)
"""The sink that is always there: the log of the program, and the list that the owner can look at."""

TIMES, WITHIN, ABOVE, GROUP, MOST = 5, 600, 10_000, 60, 10
DEFAULT = AlarmsRow((), (AlarmForm(("*",), (LOG,), False, TIMES, WITHIN, ABOVE, GROUP),))
"""What holds as long as the owner has said nothing else: everything goes to the log, without names."""

_LONGEST = 7 * 24 * 3_600
_MOST_TEXT = 2_000
_SINK_KEYS = ("name", *SINKS, "most")
_RULE_KEYS = ("on", "to", "names", "times", "within", "above", "group")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,49}")
_TIME = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def read(text: str) -> AlarmsRow:
    """The sinks and rules that a document declares.

    Raises:
        InputError: it is not one; the message begins with line and column, and says what to write instead.
    """
    return loaded(text, MOST_BYTES, "rules of alarms", _alarms)


def write(alarms: AlarmsRow) -> str:
    """The document that `read` reads as these."""
    parts = []
    for sink in alarms.sinks:
        lines = ["[[sink]]", f"name = {quoted(sink.name)}"]
        lines.append(f"{sink.kind} = {listed(sink.values, always=sink.kind == COMMAND)}")
        lines += [f"most = {sink.most}"] if sink.most != MOST else []
        parts.append("\n".join(lines) + "\n")
    for rule in alarms.rules:
        lines = ["[[rule]]", f"on = {listed(rule.on)}", f"to = {listed(rule.to)}"]
        lines += ["names = true"] if rule.names else []
        lines += [f"times = {rule.times}"] if rule.times != TIMES else []
        lines += [f'within = "{shown_time(rule.within)}"'] if rule.within != WITHIN else []
        lines += [f"above = {rule.above}"] if rule.above != ABOVE else []
        lines += [f'group = "{shown_time(rule.group)}"'] if rule.group != GROUP else []
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def changes(before: AlarmsRow, after: AlarmsRow) -> list[str]:
    """A sentence for each sink and each rule that comes or goes."""
    found = []
    for sinks, others, went in ((before.sinks, after.sinks, "goes"), (after.sinks, before.sinks, "comes")):
        found += [f"the sink {sink.name} {went}: {shown_sink(sink)}" for sink in sinks if sink not in others]
    for rules, those, went in ((before.rules, after.rules, "goes"), (after.rules, before.rules, "comes")):
        found += [f"a rule {went}: {shown_rule(rule)}" for rule in rules if rule not in those]
    return found


def shown_sink(sink: SinkForm) -> str:
    """What a sink is, without what may be a password in its address."""
    if sink.kind == LOG:
        return "the log of the program, and `severance alarm status`"
    if sink.kind == COMMAND:
        return f"command {' '.join(sink.values)}"
    return f"{sink.kind} {sink.values[0].partition('://')[0]}://..."


def shown_rule(rule: AlarmForm) -> str:
    """What a rule says, as half a sentence."""
    more = [f"{rule.times} within {shown_time(rule.within)}"] if _about(rule.on, REPEATED) else []
    more += [f"more than {rule.above:,} memories"] if _about(rule.on, EXPORT_LARGE) else []
    how = f" ({', '.join(more)})" if more else ""
    return f"{', '.join(rule.on)}{how} to {', '.join(rule.to)}, {'with' if rule.names else 'without'} names"


def shown_time(seconds: int) -> str:
    """A time as it is written in a document."""
    unit = next(unit for unit in ("d", "h", "m", "s") if seconds % _UNITS[unit] == 0)
    return f"{seconds // _UNITS[unit]}{unit}"


def _about(on: tuple[str, ...], kind: str) -> bool:
    return "*" in on or kind in on


def _alarms(document: Mapping[str, Any]) -> AlarmsRow:
    known(document, ("sink", "rule"), ())
    sinks = list[SinkForm]()
    for number, table in enumerate(tables(document, "sink")):
        sink = _sink(table, ("sink", number))
        if sink.name in (LOG, *(each.name for each in sinks)):
            raise WrongError(("sink", number, "name"), "there is a sink of this name already; give it another")
        sinks.append(sink)
    names = [LOG, *(sink.name for sink in sinks)]
    rules = tuple(_rule(table, ("rule", number), names) for number, table in enumerate(tables(document, "rule")))
    for key, count, most in (("sink", len(sinks), MOST_SINKS), ("rule", len(rules), MOST_RULES)):
        if count > most:
            raise WrongError((key, most), f"there are at most {most} of these")
    return AlarmsRow(tuple(sinks), rules)


def _sink(table: Mapping[str, Any], path: Path) -> SinkForm:
    known(table, _SINK_KEYS, path)
    name, kinds = table.get("name"), [kind for kind in SINKS if kind in table]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise WrongError((*path, "name"), 'a sink has a name of letters, digits, "-" and "_", such as name = "phone"')
    if len(kinds) != 1:
        raise WrongError(path, f"a sink has one of {', '.join(SINKS)}; the log is there without being declared")
    kind = kinds[0]
    value = table[kind]
    values = value if kind == COMMAND else [value]
    texts = isinstance(values, list) and all(isinstance(each, str) and "\0" not in each for each in values)
    if not texts or not values or sum(map(len, values)) > _MOST_TEXT:
        form = "a list of texts" if kind == COMMAND else "a text"
        raise WrongError((*path, kind), f"{kind} is {form}, up to {_MOST_TEXT:,} characters")
    within((*path, kind), _CHECKS[kind], values)
    return SinkForm(name, kind, tuple(values), _whole(table, "most", path, MOST, 1, 1_000))


def _rule(table: Mapping[str, Any], path: Path, names: list[str]) -> AlarmForm:
    known(table, _RULE_KEYS, path)
    on, to = _texts(table, "on", path), _texts(table, "to", path)
    for place, kind in enumerate(on):
        if kind not in ("*", *KINDS) and not (kind.startswith(OVERRIDE) and kind != OVERRIDE):
            there = f'there is no such alarm; there are {", ".join(KINDS)}, or "*" for all'
            raise WrongError((*path, "on", place), there)
    for place, name in enumerate(to):
        if name not in names:
            raise WrongError((*path, "to", place), f"there is no such sink; there are {', '.join(names)}")
    named = table.get("names", False)
    if type(named) is not bool:
        raise WrongError((*path, "names"), "names is true or false")
    return AlarmForm(
        on,
        to,
        named,
        _whole(table, "times", path, TIMES, 1, 1_000),
        _seconds(table, "within", path, WITHIN),
        _whole(table, "above", path, ABOVE, 0, 10**9),
        _seconds(table, "group", path, GROUP),
    )


def _texts(table: Mapping[str, Any], key: str, path: Path) -> tuple[str, ...]:
    value = table.get(key)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(each, str) for each in values):
        raise WrongError((*path, key), f"{key} is a text, or a list of texts")
    return tuple(dict.fromkeys(values))


def _whole(table: Mapping[str, Any], key: str, path: Path, usual: int, least: int, most: int) -> int:
    value = table.get(key, usual)
    if type(value) is not int or not least <= value <= most:
        raise WrongError((*path, key), f"{key} is a whole number from {least:,} to {most:,}")
    return value


def _seconds(table: Mapping[str, Any], key: str, path: Path, usual: int) -> int:
    value = table.get(key)
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    seconds = usual if value is None else int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise WrongError((*path, key), f'{key} is a time such as "30s", "10m", "2h" or "1d", up to 7d')
    return seconds


def _checked_command(values: list[str]) -> None:
    if not PurePath(values[0]).is_absolute() and not values[0].startswith("~/"):
        raise InputError(
            "a command is a list of a program and its arguments; the program is an absolute path, or begins with ~/,"
            ' such as ["~/bin/tell-me"]'
        )


def _checked_webhook(values: list[str]) -> None:
    parts = checked_url(values[0], "a webhook", "https://alarms.example.org/severance", query=True)
    if not is_private(parts):
        raise InputError("a webhook is https; plain http goes to this machine only")


def _checked_apprise(values: list[str]) -> None:
    if "://" not in values[0]:
        raise InputError('an address of apprise begins with its service, such as "mailto://user:password@example.org"')


_CHECKS: Mapping[str, Callable[[list[str]], None]] = {
    COMMAND: _checked_command,
    WEBHOOK: _checked_webhook,
    APPRISE: _checked_apprise,
}
