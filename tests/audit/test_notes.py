"""Signed checkpoints: what was signed is read, and nothing else is."""

from __future__ import annotations

import pytest

from severance.audit.notes import Checkpoint, origin_of, read, signed, verifier_of
from severance.crypto.primitives import public_key, sha256, sign, verifies
from severance.errors import DamagedError, InputError

SEED = bytes(range(32))
STORE = bytes(16)
ORIGIN = origin_of(STORE)
POINT = Checkpoint(ORIGIN, 7, sha256(b"root"), 1_700_000_000_000_000)
NOTE = signed(POINT, SEED)
VERIFIER = verifier_of(ORIGIN, SEED)


def test_what_was_signed_is_read() -> None:
    assert read(NOTE, VERIFIER) == POINT
    assert NOTE.startswith(f"{ORIGIN}\n7\n")
    assert NOTE.count("\n") == 6


def test_the_signature_is_that_of_rfc_8032() -> None:
    """Test 1 of section 7.1: the key, and the signature of the empty message."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    assert public_key(seed).hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert sign(seed, b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b"
    )
    assert verifies(public_key(seed), b"", sign(seed, b""))
    assert not verifies(public_key(seed), b"x", sign(seed, b""))
    assert not verifies(b"short", b"", sign(seed, b""))


def test_signatures_of_witnesses_are_passed_over() -> None:
    text, signatures = NOTE.split("\n\n")
    assert read(f"{text}\n\n\u2014 witness.example/w AAAABBBB\n{signatures}", VERIFIER) == POINT


def test_every_byte_counts() -> None:
    for at in range(len(NOTE)):
        altered = NOTE[:at] + chr(ord(NOTE[at]) ^ 1) + NOTE[at + 1 :]
        with pytest.raises(DamagedError):
            read(altered, VERIFIER)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n\n",
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n7\n", "\n\u0667\n"),
        NOTE.replace("time ", "time +"),
        NOTE.replace("\n\n", "\nmore\n\n"),
        NOTE.partition("\n\n")[0] + "\n\n",
        NOTE + "x" * 5_000,
    ],
)
def test_what_is_no_checkpoint_is_refused(note: str) -> None:
    with pytest.raises(DamagedError):
        read(note, VERIFIER)


def test_another_key_or_another_log_is_told_apart() -> None:
    with pytest.raises(DamagedError, match="not signed by this log's key"):
        read(signed(POINT, bytes(32)), VERIFIER)
    with pytest.raises(DamagedError, match="that of another log"):
        read(signed(Checkpoint(origin_of(bytes(15) + b"1"), 7, POINT.root, POINT.at), SEED), VERIFIER)


@pytest.mark.parametrize(
    "verifier", ["", "a+b", VERIFIER[:-4], VERIFIER.replace("severance", "other"), "a+00+" + "=" * 9]
)
def test_a_verifier_key_that_is_none_is_refused(verifier: str) -> None:
    with pytest.raises(InputError, match="verifier key"):
        read(NOTE, verifier)
