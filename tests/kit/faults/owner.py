"""Faults against what owner tokens promise."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from msgspec.structs import replace

from kit import checks
from kit.faults.table import Patch, fault
from severance import store
from severance.audit.events import What
from severance.chip.gate import Gate, Standing
from severance.chip.register import Keys, TokenRow
from severance.chip.tokens import Tokens
from severance.errors import NotFoundError
from severance.house import House
from severance.resident import messages, overseeing, oversight, relay
from severance.resident.resident import Resident
from severance.telling import Telling


@fault(checks.owner_tokens_open_what_they_say)
def a_revoked_owner_token_opens(patch: Patch) -> None:
    true = Gate.looked_up

    def looked_up(self: Gate, like: Any, rows: Any) -> Any:
        found = true(self, like, rows)
        return replace(found, ended=None) if isinstance(found, TokenRow) else found

    patch.setattr(Gate, "looked_up", looked_up)


@fault(checks.owner_tokens_open_what_they_say)
def an_owner_token_has_no_end(patch: Patch) -> None:
    true = Tokens.make
    patch.setattr(Tokens, "make", lambda self, until, label, tell: true(self, until * 2, label, tell))


@fault(checks.owner_tokens_open_what_they_say)
def what_an_owner_token_opened_has_no_end(patch: Patch) -> None:
    true = Standing.__init__
    patch.setattr(
        Standing, "__init__", lambda self, gate, chip, row, now, end=None: true(self, gate, chip, row, now, None)
    )


@fault(checks.owner_tokens_open_what_they_say)
def a_part_of_an_owners_secret_is_enough(patch: Patch) -> None:
    true = Tokens._proof
    patch.setattr(Tokens, "_proof", lambda self, name, secret: true(self, name, secret[:16]))


@fault(checks.owner_tokens_open_what_they_say)
def an_owners_clock_that_is_set_back_opens_again(patch: Patch) -> None:
    patch.setattr(Gate, "now", lambda self, rows=None, at=None: self.time())
    patch.setattr(Gate, "seen", lambda self, now, row=None, at=None: None)


@fault(checks.an_owner_token_that_opens_nothing_is_told)
def a_wrong_owner_token_is_not_told(patch: Patch) -> None:
    true = Telling.tell

    def tell(self: Telling, what: What, *each: Any) -> None:
        if what != What.REFUSED:
            true(self, what, *each)

    patch.setattr(Telling, "tell", tell)


@fault(checks.a_token_is_revoked_in_the_log_too)
def an_older_chip_brings_owner_tokens_back(patch: Patch) -> None:
    patch.setattr(store, "_revoke_again", lambda events, chip, clock, entropy: None)


@fault(checks.a_token_is_revoked_in_the_log_too)
def a_revocation_of_a_token_is_not_told(patch: Patch) -> None:
    patch.setattr(House, "revoke_owner_token", lambda self, given: self._tokens.revoke(given))


@fault(checks.the_chip_has_no_secret_of_a_token)
def the_chip_keeps_the_secret_of_a_token(patch: Patch) -> None:
    true = Keys.proof

    def proof(self: Keys, kind: str, *parts: Any) -> bytes:
        return parts[-1] if kind == "owner secret" else true(self, kind, *parts)

    patch.setattr(Keys, "proof", proof)


if sys.platform != "win32":

    class _Anything:
        """Holds for ever."""

        def holds(self) -> bool:
            return True

    @fault(checks.nobody_else_is_answered_as_the_owner)
    def a_permit_is_taken_for_an_owner_token(patch: Patch) -> None:
        true = House._owner_with

        def owner_with(self: House, text: str) -> Any:
            try:
                return true(self, text)
            except NotFoundError:
                self.admit(text).sleep()
                return _Anything()

        patch.setattr(House, "_owner_with", owner_with)

    @fault(checks.nobody_else_is_answered_as_the_owner)
    def who_has_a_session_may_ask_what_an_owner_may(patch: Patch) -> None:
        true = relay.Relay._done

        class Lax:
            def decode(self, raw: bytes) -> Any:
                try:
                    return msgspec.msgpack.decode(raw, type=oversight.Asked)
                except msgspec.ValidationError:
                    return inside.decode(raw)

        def done(self: relay.Relay, session: Any, serving: Any, request: Any, size: int) -> Any:
            if type(request).__module__ == oversight.__name__:
                with self._host.at_home() as house:
                    return overseeing._done(house, request)
            return true(self, session, serving, request, size)

        inside = messages._inside
        patch.setattr(messages, "_inside", Lax())
        patch.setattr(relay.Relay, "_done", done)

    @fault(checks.what_a_token_opened_ends_with_it)
    def a_connection_outlives_its_token(patch: Patch) -> None:
        patch.setattr(Standing, "_look", lambda self, *, anew: None)

    @fault(checks.what_a_token_opened_ends_with_it)
    def an_owner_who_says_nothing_stays(patch: Patch) -> None:
        patch.setattr(relay.Relay, "look", lambda self: None)

    @fault(checks.what_a_token_opened_ends_with_it)
    def who_follows_is_not_looked_at_again(patch: Patch) -> None:
        true = overseeing.Overseeing._follow

        def follow(self: overseeing.Overseeing, after: int | None) -> None:
            self._standing = _Anything()
            true(self, after)

        patch.setattr(overseeing.Overseeing, "_follow", follow)
        patch.setattr(relay.Relay, "look", lambda self: None)

    @fault(checks.a_lock_ends_what_a_token_opened)
    def an_owner_stays_in_a_locked_house(patch: Patch) -> None:
        true = Resident._part

        def part(self: Resident, inside: list[relay.Relay], why: str) -> None:
            true(self, [each for each in inside if each not in self._owners], why)

        patch.setattr(Resident, "_part", part)

    @fault(checks.an_owner_does_not_keep_a_house_open)
    def an_owner_who_looks_uses_the_house(patch: Patch) -> None:
        true = Resident.check_open

        def check_open(self: Resident) -> None:
            true(self)
            self._watch.used()

        patch.setattr(Resident, "check_open", check_open)
