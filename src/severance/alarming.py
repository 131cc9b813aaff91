"""The part of a house that raises alarms: its rules, its canaries, and what waits to be told."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from severance.alarms import queue
from severance.alarms.bell import Bell
from severance.alarms.canaries import Canaries
from severance.alarms.queue import Fleeting, QueueFile
from severance.alarms.rules import COMMAND, THE_LOG, WEBHOOK, changes, read, shown_rule, shown_sink, write
from severance.alarms.sinks import LOGGER, SECONDS
from severance.alarms.state import Group
from severance.asking import When
from severance.audit.events import What
from severance.chip.chip import Chip
from severance.crypto.rootkey.allowed import allow
from severance.errors import InputError, NotFoundError, SeveranceError
from severance.model import (
    AlarmGroup,
    AlarmRules,
    AlarmSink,
    AlarmStatus,
    AlarmTold,
    AlarmTried,
    CanaryInfo,
    Memory,
    Persona,
    moment,
)
from severance.ports import Clock, Entropy
from severance.session import Session
from severance.telling import Telling
from severance.watched import Watcher, watched

AT_CLOSING = 2.0
"""Seconds for which a house that is closed waits for sinks; what is not told by then waits for the next time."""

_HOUR = 3_600_000_000


class Damages:
    """Tells of damage that somebody came upon: of the same, once an hour."""

    def __init__(self, telling: Telling, bell: Bell, clock: Clock) -> None:
        """Nothing was found yet."""
        self._telling = telling
        self._bell = bell
        self._clock = clock
        self._last: dict[tuple[Any, ...], int] = {}

    def tell(self, whom: Mapping[str, Any]) -> None:
        """Something that concerns these is not what was written. Never raises: the caller has an error to raise."""
        now, same = self._clock.now(), tuple(whom.get(name) for name in ("subject", "persona", "place"))
        if 0 <= now - self._last.get(same, now - _HOUR) < _HOUR:
            return
        self._last[same] = now
        try:
            self._telling.tell(What.DAMAGE, whom)
        except SeveranceError:  # it may be the log itself
            with suppress(SeveranceError):
                self._bell.hear(What.DAMAGE, whom)


class Alarming:
    """What a house does that somebody may hear of at once what they should."""

    _chip: Chip
    _clock: Clock
    _telling: Telling
    _bell: Bell
    _damages: Damages
    cross: Callable[..., Session]

    def alarms(self) -> str:
        """All sinks and rules as the TOML text that `apply_alarms` takes."""
        return write(self._bell.rules())

    def apply_alarms(self, text: str, *, dry: bool = False, empty: bool = False) -> list[str]:
        """Let these sinks and rules hold from now on, and no others. Returns what changes, in sentences.

        What waits for a sink that goes is told to the log. The commands that they name may be run on this machine from
        now on, for this user.

        Args:
            text: TOML, as in docs/how-to/alarms.md.
            dry: only tell what would change.
            empty: also let a text without any rule hold, so that nobody is told of anything.

        Raises:
            InputError: it cannot be meant; the message has line and column, and what holds stays in force.
        """
        before, after = self._bell.rules(), read(text)
        if before.rules and not after.rules and not (dry or empty):
            raise InputError(
                "line 1, column 1: there is no rule in it; where nobody is to be told of anything, say so (--empty)"
            )
        found = changes(before, after)
        if not dry:
            for sink in after.sinks:
                if sink.kind == COMMAND:
                    allow(sink.values, os.environ)
            if found:
                self._telling.tell(What.ALARMS_CHANGED, {"detail": {"changes": len(found)}})
                self._bell.replace(after)
        return found

    def alarm_rules(self) -> AlarmRules:
        """What rings where, in words: sinks without what may be a password in their addresses."""
        alarms = self._bell.rules()
        sinks = {sink.name: shown_sink(sink) for sink in (THE_LOG, *alarms.sinks)}
        return AlarmRules(sinks, tuple(map(shown_rule, alarms.rules)))

    def alarm_secret(self, sink: str) -> str:
        """What the messages to a webhook are signed with, base64 of 32 bytes: for whoever receives them.

        A webhook with another name or another address has another one.

        Raises:
            NotFoundError: there is no webhook of this name.
        """
        for each in self._bell.rules().sinks:
            if sink == each.name and each.kind == WEBHOOK:
                return base64.b64encode(self._bell.secret(each)).decode("ascii")
        raise NotFoundError("there is no webhook of that name; see `severance alarm list`")

    def alarm_status(self) -> AlarmStatus:
        """What waits for which sink, and what was told lately, the oldest first."""
        state, now = self._bell.state(), self._clock.now()
        sinks = []
        for sink in (THE_LOG, *self._bell.rules().sinks):
            lane, due = state.lanes.get(sink.name), state.due(sink, now)
            if lane is None:
                continue
            batch = lane.batch
            groups = [*(batch.groups if batch is not None else ()), *lane.pending]
            if groups:
                why, tries = (batch.why, batch.tried) if batch is not None else ("", 0)
                at = None if due is None else moment(due)
                sinks.append(AlarmSink(sink=sink.name, waiting=tuple(map(_seen, groups)), why=why, tries=tries, due=at))
        told = tuple(AlarmTold(at=moment(each.at), sink=each.sink, alarm=_seen(each.group)) for each in state.told)
        return AlarmStatus(tuple(sinks), told)

    def test_alarms(self, sink: str | None = None) -> list[AlarmTried]:
        """Tell every sink, or the one of this name, that this is a test, and say what became of it.

        Raises:
            NotFoundError: there is no sink of this name.
        """
        found = [AlarmTried(tried.sink, tried.why) for tried in self._bell.test(sink)]
        if not found:
            raise NotFoundError("there is no sink of that name; see `severance alarm list`")
        return found

    def plant_canary(self, subject: str, place: str, text: str, *, at: When = None) -> Memory:
        """Have whoever wakes there remember something that rings when it is read. Returns the memory.

        It rings when recall, context, get, memories or history gives it to a caller, and when it is amended or
        forgotten. Nothing in the memory tells that it does. A text that is remembered already is one from now on.

        Args:
            subject, place: who is to remember it.
            text: what looks worth reading, and nobody has a reason to read.
            at: when it happened; now without.

        Raises:
            InputError: a text that cannot be remembered, or there are 1,000 already.
            NotFoundError: nobody of that name wakes at a place of that name.
        """
        with self.cross(subject, place) as session:
            memory = session.remember(text, at=at)
            persona = Persona(session.subject, session.persona)
        self._telling.tell(What.CANARY_PLANTED, {"subject": persona.subject, "persona": persona.name})
        self._canaries(persona).add(memory.id)
        return memory

    def canaries(self) -> list[CanaryInfo]:
        """All canaries, by persona. Whether they are still remembered is not looked at."""
        found = [(persona, self._canaries(persona).all()) for persona in self._chip.everyone()]
        return [CanaryInfo(who.subject, who.name, each) for who, ids in found for each in sorted(ids)]

    def remove_canary(self, id: str) -> None:  # noqa: A002 - the word that callers know
        """Let the memory with this id ring no more. It stays remembered.

        Raises:
            NotFoundError: it is no canary.
        """
        for persona in self._chip.everyone():
            if self._canaries(persona).remove(id):
                self._telling.tell(What.CANARY_REMOVED, {"subject": persona.subject, "persona": persona.name})
                return
        raise NotFoundError("that is no canary; see `severance canary list`")

    def barrier_failed(self, parts: int) -> None:
        """Tell that the barrier, tried on this store, found a crossing in so many of its parts."""
        if parts < 1:
            raise InputError("a barrier that failed did so in at least one of its parts")
        self._telling.tell(What.BARRIER_FAILED, {"detail": {"parts": parts}})

    def _tell_now(self, what: What, *each: Mapping[str, Any]) -> None:
        """Say that these happen, as `Telling.tell`; when this returns, every sink was told, or failed, or is due later,
        and what it was not told is kept for it.
        """
        self._telling.tell(what, *each)
        self._bell.flush(SECONDS)

    def _watched(self, session: Session, whom: Mapping[str, Any], space: bytes) -> Session:
        """The session, with its canaries and its damage looked out for."""
        rang = partial(self._telling.tell, What.CANARY, whom)
        watcher = Watcher(Canaries(self._chip, space), rang, partial(self._damages.tell, whom))
        return watched(session, watcher)

    def _canaries(self, persona: Persona) -> Canaries:
        return Canaries(self._chip, self._chip.key(persona).space)

    def _close_bell(self) -> None:
        failing = self._bell.close(AT_CLOSING)
        if failing:
            LOGGER.warning("%s; `severance alarm status` says why", _waiting(failing))


def bell_of(directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> Bell:
    """The alarms of an open store. In one that is only read, what waits is lost with the process."""
    path = directory.absolute() / queue.NAME
    kept = Fleeting() if chip.readonly else QueueFile(path, chip.store, chip.keys.event, entropy)
    return Bell(chip, kept, clock, entropy)


def cut_at_opening(directory: Path, chip: Chip, clock: Clock, entropy: Entropy) -> None:
    """Raise the alarm that the audit log of a store was cut or rewritten, while it cannot be opened for that reason."""
    bell = bell_of(directory, chip, clock, entropy)
    try:
        with suppress(SeveranceError):  # the store cannot be opened, and this is what the caller has to hear of
            bell.hear(What.AUDIT_CUT, {})
    finally:
        bell.close(AT_CLOSING)


def check_alarms(text: str) -> int:
    """How many rules a text has that `House.apply_alarms` could take.

    Raises:
        InputError: it could not; the message has line and column.
    """
    return len(read(text).rules)


def _seen(group: Group) -> AlarmGroup:
    key = group.key
    return AlarmGroup(
        kind=key.kind,
        count=group.count,
        first=moment(group.first),
        last=moment(group.last),
        subject=key.subject,
        persona=key.persona,
        place=key.place,
    )


def _waiting(count: int) -> str:
    if count == 1:
        return "1 alarm waits, since a sink has not taken it"
    return f"{count:,} alarms wait, since a sink has not taken them"
