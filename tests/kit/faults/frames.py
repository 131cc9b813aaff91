"""Faults in keys, frames and what they bind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import Session
from severance import house as house_module
from severance.chip import changes
from severance.chip import chip as chip_module
from severance.crypto import envelope
from severance.crypto.envelope import Opener, Sealer, SpaceKey, Where
from severance.model import Head, Plain, Sealed
from severance.vault.sqlite import SqliteVault


@fault(checks.every_persona_has_its_own_key)
def two_personas_share_a_key(patch: Patch) -> None:
    fresh, first = house_module.new_key, list[SpaceKey]()

    def new_key(entropy: Any, scope: bytes) -> SpaceKey:
        key = fresh(entropy, scope)
        first.append(key)
        return replace(key, secret=first[0].secret)

    patch.setattr(house_module, "new_key", new_key)


@fault(checks.no_nonce_twice)
def nonces_repeat(patch: Patch) -> None:
    true = Sealer.seal

    def seal(self: Sealer, where: Where, content: Plain) -> Sealed:
        entropy = self._entropy
        if self._left == 0:
            self._new_segment()
        self._entropy = type("Zeros", (), {"draw": lambda self, size, scope: bytes(size)})()
        try:
            return true(self, where, content)
        finally:
            self._entropy = entropy

    patch.setattr(Sealer, "seal", seal)


@fault(checks.no_nonce_twice)
def every_session_writes_under_the_same_salt(patch: Patch) -> None:
    def segment(self: Sealer) -> None:
        self._salt = bytes(32)
        self._aead, self._commitment = envelope._segment(self._key, self._salt)
        self._left = envelope.FRAMES_PER_SEGMENT

    patch.setattr(Sealer, "_new_segment", segment)


@fault(checks.every_row_has_its_own_salt)
def rows_of_the_chip_share_a_salt(patch: Patch) -> None:
    patch.setattr(chip_module, "sealing", lambda key, entropy: Sealer(key, changes._ScopedEntropy(entropy)).seal)


@fault(checks.forgetting_does_not_read_what_others_hold)
def forgetting_searches_the_whole_vault(patch: Patch) -> None:
    true = SqliteVault.append

    def append(self: SqliteVault, *given: Any) -> Head:
        head = true(self, *given)
        self.scrub()
        return head

    patch.setattr(SqliteVault, "append", append)


@fault(checks.forgetting_does_not_read_what_others_hold)
def nobody_looks_for_stale_copies(patch: Patch) -> None:
    patch.setattr(SqliteVault, "scrub", lambda self: None)


@fault(checks.a_segment_ends)
def a_segment_never_ends(patch: Patch) -> None:
    true = Sealer._new_segment

    def segment(self: Sealer) -> None:
        true(self)
        self._left = 2**60

    patch.setattr(Sealer, "_new_segment", segment)


def _associated_without(patch: Patch, **blank: Any) -> None:
    def associated(where: Where, key: SpaceKey, salt: bytes) -> bytes:
        fields = {"kind": where.kind, "space": key.space, "epoch": key.epoch, "salt": salt, "seq": where.seq}
        fields |= {"bind": where.bind, **blank}
        head = (b"SVRN", 1, 1, fields["kind"], 0)
        return envelope._AAD.pack(*head, *(fields[name] for name in ("space", "epoch", "salt", "seq", "bind")))

    patch.setattr(envelope, "_associated", associated)


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_number(patch: Patch) -> None:
    _associated_without(patch, seq=0)


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_bind(patch: Patch) -> None:
    _associated_without(patch, bind=bytes(32))


@fault(checks.a_frame_opens_in_its_place_only)
def associated_data_lacks_the_kind(patch: Patch) -> None:
    _associated_without(patch, kind=0)


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_space(patch: Patch) -> None:
    _associated_without(patch, space=bytes(16))


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_epoch(patch: Patch) -> None:
    _associated_without(patch, epoch=0)


@fault(checks.a_frame_is_as_the_format_says)
def associated_data_lacks_the_salt(patch: Patch) -> None:
    _associated_without(patch, salt=bytes(32))


@fault(checks.a_frame_opens_in_its_place_only)
def nothing_binds_the_space(patch: Patch) -> None:
    _associated_without(patch, space=bytes(16))
    true = envelope._segment
    patch.setattr(envelope, "_segment", lambda key, salt: true(replace(key, space=bytes(16)), salt))


@fault(checks.a_frame_opens_in_its_place_only)
def nothing_binds_the_epoch(patch: Patch) -> None:
    _associated_without(patch, epoch=0)
    true = envelope._segment
    patch.setattr(envelope, "_segment", lambda key, salt: true(replace(key, epoch=0), salt))


@fault(checks.a_frame_opens_in_its_place_only)
def the_commitment_is_not_compared(patch: Patch) -> None:
    patch.setattr(envelope, "equal", lambda left, right: True)


@fault(checks.a_frame_opens_in_its_place_only)
def the_zero_byte_is_not_looked_at(patch: Patch) -> None:
    true = Opener._header
    patch.setattr(Opener, "_header", lambda self, where, frame: true(self, where, frame[:3] + b"\0" + frame[4:]))


@fault(checks.a_frame_is_as_the_format_says)
def padding_is_not_looked_at(patch: Patch) -> None:
    def unpad(padded: bytes, key: SpaceKey, where: Where) -> Plain:
        (length,) = envelope._LENGTH.unpack_from(padded)
        if length + 4 > len(padded) or envelope.bucket(length) != len(padded):
            raise envelope._damaged("is not padded", key, where)
        return Plain(padded[4 : 4 + length])

    patch.setattr(envelope, "_unpad", unpad)


@fault(checks.a_frame_is_as_the_format_says)
def any_bucket_will_do(patch: Patch) -> None:
    def unpad(padded: bytes, key: SpaceKey, where: Where) -> Plain:
        (length,) = envelope._LENGTH.unpack_from(padded)
        if length + 4 > len(padded) or any(padded[4 + length :]):
            raise envelope._damaged("is not padded", key, where)
        return Plain(padded[4 : 4 + length])

    patch.setattr(envelope, "_unpad", unpad)


@fault(checks.another_embedder_is_refused)
def any_embedder_will_do(patch: Patch) -> None:
    patch.setattr(Session, "_check_embedder", lambda self: None)
