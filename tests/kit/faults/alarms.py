"""Faults against what alarms promise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from kit import checks
from kit.faults.table import Patch, fault
from severance import watched
from severance.alarms import bell, queue, sinks
from severance.alarms.bell import Bell
from severance.alarms.state import Batch, State
from severance.chip.register import SinkForm
from severance.crypto.primitives import hmac_sha256
from severance.model import Memory
from severance.watched import Watcher


@fault(checks.sinks_hear_no_more_than_they_may)
def a_sink_is_told_names_that_no_rule_allows(patch: Patch) -> None:
    true = bell._keep

    def keep(state: State, alarms: Any, ring: Any, now: int) -> None:
        rules = tuple(replace(rule, names=True) for rule in alarms.rules)
        true(state, replace(alarms, rules=rules), ring, now)

    patch.setattr(bell, "_keep", keep)
    patch.setattr(bell, "_named", lambda alarms, sink, kind: True)


@fault(checks.names_that_wait_go_only_where_they_may)
def names_stay_with_what_waits_when_rules_change(patch: Patch) -> None:
    patch.setattr(State, "withhold", lambda self, sink, named: None)


@fault(checks.names_that_wait_go_only_where_they_may)
def names_are_told_under_the_rules_of_the_time_when_it_rang(patch: Patch) -> None:
    patch.setattr(bell, "_keeps_names", lambda before, after, sink, kind: True)
    patch.setattr(bell, "_named", lambda alarms, sink, kind: True)


@fault(checks.sinks_hear_no_more_than_they_may)
def the_log_is_told_what_was_read(patch: Patch) -> None:
    true = Watcher.read

    def read(self: Watcher, memories: Iterable[Memory]) -> None:
        found = list(memories)
        sinks.LOGGER.warning("alarm: canary, %s", [memory.text for memory in found])
        true(self, found)

    patch.setattr(Watcher, "read", read)


@fault(checks.sinks_hear_no_more_than_they_may)
def a_signature_is_over_the_body_alone(patch: Patch) -> None:
    patch.setattr(sinks, "signature", lambda secret, at, body: hmac_sha256(secret, body).hex())


@fault(checks.no_alarm_is_lost)
def what_a_sink_does_not_take_is_forgotten(patch: Patch) -> None:
    true = State.settle

    def settle(self: State, sink: str, batch: bytes, why: str, now: int, group: int) -> None:
        true(self, sink, batch, "", now, group)

    patch.setattr(State, "settle", settle)


@fault(checks.no_alarm_is_lost)
def what_is_over_the_limit_is_dropped(patch: Patch) -> None:
    true = State.take

    def take(self: State, sink: SinkForm, now: int, fresh: bytes) -> Batch | None:
        lane = self.lanes.get(sink.name)
        if lane is not None and len(lane.sent) >= sink.most:
            lane.pending.clear()
        return true(self, sink, now, fresh)

    patch.setattr(State, "take", take)


@fault(checks.no_alarm_is_lost)
def what_waits_is_told_to_nobody_after_a_restart(patch: Patch) -> None:
    def close(self: Bell, seconds: float) -> int:
        self._change(lambda state, now: state.lanes.clear())
        return 0

    patch.setattr(Bell, "close", close)


@fault(checks.canaries_ring_however_they_are_read)
def a_canary_is_not_noticed_in_a_block(patch: Patch) -> None:
    patch.setattr(watched, "in_block", lambda hits, tokens: [])


@fault(checks.canaries_ring_however_they_are_read)
def a_canary_is_not_noticed_in_a_list(patch: Patch) -> None:
    patch.setitem(watched._LOOKS, "memories", watched._plain)


@fault(checks.canaries_ring_however_they_are_read)
def everything_is_a_canary(patch: Patch) -> None:
    patch.setattr(Watcher, "touched", lambda self, ids: self._rang())


@fault(checks.alarms_wait_sealed)
def the_queue_is_not_sealed(patch: Patch) -> None:
    class Plainly:
        def __init__(self, *given: Any) -> None:
            pass

        def seal(self, where: Any, content: bytes) -> bytes:
            return content

        def open(self, where: Any, frame: bytes) -> bytes:
            return frame

    patch.setattr(queue, "Sealer", Plainly)
    patch.setattr(queue, "Opener", Plainly)
