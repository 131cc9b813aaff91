"""Boxes that one key opens, and secrets in two shares."""

from __future__ import annotations

import pytest

from kit import flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.crypto.boxes import BOX_BYTES, boxed, joined, split, unboxed
from severance.crypto.primitives import agreed, agreement_key, hkdf_sha512

ALICE, BOB = bytes(range(32)), bytes(range(32, 64))
SECRET = b"\xaa" * 32


def box(entropy: ScopedEntropy, content: bytes = SECRET, context: bytes = b"here") -> bytes:
    return boxed(content, agreement_key(ALICE), context, entropy, b"scope")


def test_both_sides_agree_on_the_same_secret_and_others_on_another() -> None:
    assert agreed(ALICE, agreement_key(BOB)) == agreed(BOB, agreement_key(ALICE))
    assert agreed(ALICE, agreement_key(ALICE)) != agreed(ALICE, agreement_key(BOB))


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), b"", b"short"])
def test_a_key_that_agrees_with_everybody_on_nothing_is_refused(entropy: ScopedEntropy, public: bytes) -> None:
    assert agreed(ALICE, public) is None
    with pytest.raises(ValueError):
        boxed(SECRET, public, b"", entropy, b"scope")


def test_a_box_opens_for_its_key_in_its_context_alone(entropy: ScopedEntropy) -> None:
    sealed = box(entropy)
    assert unboxed(sealed, ALICE, b"here") == SECRET
    assert unboxed(sealed, BOB, b"here") is None
    assert unboxed(sealed, ALICE, b"there") is None
    assert len(sealed) == len(SECRET) + BOX_BYTES


@pytest.mark.parametrize("at", range(0, 80, 7))
def test_a_box_that_was_altered_does_not_open(entropy: ScopedEntropy, at: int) -> None:
    assert unboxed(flipped(box(entropy), at), ALICE, b"here") is None


@pytest.mark.parametrize("size", [0, 1, 31, 32, 47, 79])
def test_a_box_that_was_cut_does_not_open(entropy: ScopedEntropy, size: int) -> None:
    assert unboxed(box(entropy)[:size], ALICE, b"here") is None


def test_no_two_boxes_are_alike(entropy: ScopedEntropy) -> None:
    first, second = box(entropy), box(entropy)
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


def test_a_secret_opens_with_both_shares_in_its_context(entropy: ScopedEntropy) -> None:
    wrapped, first, second = split(SECRET, b"here", entropy, b"scope")
    assert joined(wrapped, first, second, b"here") == joined(wrapped, second, first, b"here") == SECRET
    assert joined(wrapped, first, second, b"there") is None
    assert joined(flipped(wrapped, 3), first, second, b"here") is None


def test_one_share_opens_nothing(entropy: ScopedEntropy) -> None:
    wrapped, first, second = split(SECRET, b"here", entropy, b"scope")
    assert first != second
    others = [bytes(32), first, b"", first[:31], hkdf_sha512(first, salt=b"", info=b"", length=32)]
    assert [joined(wrapped, first, other, b"here") for other in others] == [None] * 5
    assert [joined(wrapped, second, other, b"here") for other in others[:1]] == [None]


def test_shares_of_two_secrets_do_not_mix(entropy: ScopedEntropy) -> None:
    wrapped, first, _ = split(SECRET, b"here", entropy, b"scope")
    _, _, second = split(SECRET, b"here", entropy, b"scope")
    assert joined(wrapped, first, second, b"here") is None
