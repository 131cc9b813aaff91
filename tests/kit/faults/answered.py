"""Faults in what the HTTP interface answers, and to whom."""

from __future__ import annotations

from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance.server import memories, observing, problems, rooms
from severance.server.keys import Keys


@fault(checks.a_route_answers_its_own_bearer)
def a_session_is_anybodys_who_knows_its_address(patch: Patch) -> None:
    patch.setattr(rooms, "digest_of", lambda bearer: bytes(32))


@fault(checks.a_route_answers_its_own_bearer)
def the_session_of_another_bearer_is_forbidden_and_not_absent(patch: Patch) -> None:
    true = rooms.Rooms.find

    def find(self: rooms.Rooms, id: str, bearer: str) -> rooms.Room:  # noqa: A002
        there = rooms._name_of(id) in self._rooms
        try:
            return true(self, id, bearer)
        except problems.Problem:
            raise problems.Problem(problems.NOT_ALLOWED if there else problems.NOT_FOUND) from None

    patch.setattr(rooms.Rooms, "find", find)


@fault(checks.a_key_is_of_its_session)
def keys_are_kept_for_all_sessions_together(patch: Patch) -> None:
    everybodys: Any = Keys(1_000)
    true = rooms.Room.__init__

    def __init__(self: rooms.Room, *given: Any) -> None:  # noqa: N807
        true(self, *given)
        self.keys = everybodys

    patch.setattr(rooms.Room, "__init__", __init__)

    async def same(request: Any) -> bytes:
        return b""

    patch.setattr(memories, "_print", same)


@fault(checks.a_line_of_the_log_has_no_id)
def the_log_has_addresses(patch: Patch) -> None:
    patch.setattr(observing, "route_of", lambda scope: scope["path"])
