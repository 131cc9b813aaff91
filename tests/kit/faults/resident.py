"""Faults of a house that is up, and of what its workers leave."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec

from kit import checks
from kit.faults.table import Patch, fault
from severance import admitted
from severance.audit import events
from severance.errors import NotFoundError
from severance.house import House
from severance.resident import messages as resident_messages
from severance.resident import relay
from severance.resident.line import Line
from severance.resident.resident import Resident
from severance.resident.watch import Watch
from severance.worker import scratch
from severance.worker.messages import for_worker
from severance.worker.serve import Serving

if sys.platform != "win32":

    @fault(checks.a_house_lets_in_only_who_shows_something)
    def a_house_crosses_without_a_permit(patch: Patch) -> None:
        true = House.admit

        def admit(self: House, text: str, **named: Any) -> Any:
            try:
                return true(self, text, **named)
            except NotFoundError:
                return self.cross("mark", named["place"])

        patch.setattr(House, "admit", admit)

    @fault(checks.a_house_lets_in_only_who_shows_something)
    def a_call_needs_no_session_of_its_own(patch: Patch) -> None:
        true, last = relay.Relay._begun, list[House]()
        opened = Resident.open

        def open_(self: Resident, key: bytes | None = None) -> None:
            opened(self, key)
            last[:] = [self._house] if self._house is not None else []

        def begun(self: relay.Relay, raw: bytes) -> None:
            try:
                relay.opening_in(raw)
            except relay.GarbledError:
                with last[0].cross("mark", "floor") as session:
                    return self._tell(Serving(session).answer(for_worker(raw)))  # type: ignore[arg-type]
            return true(self, raw)

        patch.setattr(Resident, "open", open_)
        patch.setattr(relay.Relay, "_begun", begun)

    @fault(checks.a_house_answers_its_own_user_only)
    def another_user_is_answered(patch: Patch) -> None:
        def answer(self: Resident, connection: socket.socket) -> None:
            Thread(target=self._relay, args=(relay.Relay(Line(connection), self),), daemon=True).start()

        patch.setattr(Resident, "_answer", answer)

    @fault(checks.a_session_ends_with_its_connection)
    def a_session_survives_its_connection(patch: Patch) -> None:
        kept: list[Any] = []

        def leave(self: Resident, left: relay.Relay, session: Any) -> None:
            kept.append(session)
            with self._state:
                self._inside.discard(left)
            self._rooms.release()

        patch.setattr(Resident, "leave", leave)

    @fault(checks.a_locked_house_has_nobody_awake)
    def a_session_survives_the_lock(patch: Patch) -> None:
        def lock(self: Resident, why: str = "") -> None:
            self._house, self._why = None, why

        patch.setattr(Resident, "lock", lock)

    @fault(checks.a_locked_house_has_nobody_awake)
    def who_is_at_the_door_is_not_waited_for(patch: Patch) -> None:
        def lock(self: Resident, why: str = "") -> None:
            with self._state:
                house, self._house, self._why = self._house, None, why
            if house is not None:
                for session in list(house._sessions.values()):
                    session.sleep()

        patch.setattr(Resident, "lock", lock)

    @fault(checks.a_locked_house_has_nobody_awake)
    def a_lock_puts_to_sleep_and_keeps_the_key(patch: Patch) -> None:
        kept: list[House] = []

        def lock(self: Resident, why: str = "") -> None:
            with self._state:
                house, self._house, self._why = self._house, None, why
                while self._entering:
                    self._state.wait()
            if house is not None:
                kept.append(house)
                for session in list(house._sessions.values()):
                    session.sleep()

        patch.setattr(Resident, "lock", lock)

    @fault(checks.whose_permit_was_revoked_is_given_nothing_more)
    def the_rest_of_a_list_asks_nobody(patch: Patch) -> None:
        patch.setattr(relay, "check_inside", lambda session: None)

    @fault(checks.whose_permit_was_revoked_is_given_nothing_more)
    def who_is_revoked_and_says_nothing_stays(patch: Patch) -> None:
        patch.setattr(relay.Relay, "look", lambda self: None)

    @fault(checks.who_may_not_stay_awake_is_shown_out)
    def only_permits_are_looked_at(patch: Patch) -> None:
        def over_by(session: Any) -> Any:
            return None if vars(session)["_admission"].holds() else admitted.no_longer_inside()

        patch.setattr(relay, "over_by", over_by)

    @fault(checks.who_is_refused_does_not_keep_a_house_open)
    def rubbish_at_the_door_keeps_a_house_open(patch: Patch) -> None:
        true = Resident.check_open

        def check_open(self: Resident) -> None:
            true(self)
            self._watch.used()

        patch.setattr(Resident, "check_open", check_open)

    @fault(checks.who_is_refused_does_not_keep_a_house_open)
    def a_refused_call_is_use(patch: Patch) -> None:
        @contextmanager
        def using(self: Watch) -> Iterator[None]:
            self.used()
            yield

        patch.setattr(Watch, "using", using)

    @fault(checks.a_permit_writes_nothing_into_the_log)
    def the_log_is_told_without_a_right(patch: Patch) -> None:
        patch.setattr(admitted, "TELLS", {})
        patch.setattr(admitted, "_asking", admitted._asking.__wrapped__)

    @fault(checks.a_permit_writes_nothing_into_the_log)
    def what_cannot_be_read_again_is_sealed(patch: Patch) -> None:
        patch.setattr(events, "_encoded", lambda event: msgspec.msgpack.encode(event))

    @fault(checks.a_permit_writes_nothing_into_the_log)
    def a_program_says_what_it_likes_to_the_log(patch: Patch) -> None:
        true = resident_messages._inside

        class Lax:
            def decode(self, raw: bytes) -> Any:
                said = msgspec.msgpack.decode(raw)
                return said if said[0] == "Carried" else true.decode(raw)

        patch.setattr(resident_messages, "_inside", Lax())

    @fault(checks.a_scratch_in_use_is_not_swept)
    def scratch_is_swept_whoever_has_it(patch: Patch) -> None:
        true = scratch._locked

        def locked(path: Path, *, wait: bool) -> int:
            held = true(path, wait=wait)
            return held if held >= 0 or wait else scratch.os.open(path, scratch.os.O_RDONLY)

        patch.setattr(scratch, "_locked", locked)
