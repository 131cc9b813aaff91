"""Override keys, and a request for one persona, without a house."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from severance.barrier.traces.ports import NOON, SECOND, ScopedEntropy
from severance.chip.override.escrow import escrow_of, shares_without
from severance.chip.override.keys import PrivateKey
from severance.chip.override.texts import Request, asked
from severance.chip.register import ApproverForm, EscrowRow
from severance.crypto.envelope import SpaceKey
from severance.model import Right

HOUSE, SPACE, SECRET = b"H" * 16, b"S" * 16, b"K" * 32
KEY = SpaceKey(SPACE, 3, SECRET)
WHOM = ("mark", "innie")
HOUR = 3_600 * SECOND

Keys = list[PrivateKey]


@pytest.fixture
def keys(folder: Path, entropy: ScopedEntropy) -> Keys:
    """Of the requester, and of three others."""
    made = [PrivateKey.make(folder / f"{name}.key", entropy) for name in "abcd"]
    assert all(one.public != other.public for one, other in pairwise(made))
    return made


@pytest.fixture
def escrow(keys: Keys, entropy: ScopedEntropy) -> EscrowRow:
    row = escrow_of(KEY, WHOM, HOUSE, forms(keys), entropy)
    assert row is not None
    return row


def forms(keys: Keys) -> list[ApproverForm]:
    return [ApproverForm(name, key.public.raw, NOON) for name, key in zip("abcd", keys, strict=False)]


def request_for(requester: PrivateKey, escrow: EscrowRow, **changed: object) -> Request:
    fields: dict[str, object] = {
        "id": b"O" * 16,
        "house": HOUSE,
        "space": SPACE,
        "epoch": 3,
        "subject": "mark",
        "persona": "innie",
        "requester": requester.public.raw,
        "name": "a",
        "reason": "he does not answer",
        "rights": (Right.RECALL,),
        "threads": None,
        "made": NOON,
        "approve_by": NOON + HOUR,
        "use_by": NOON + 2 * HOUR,
        "length": HOUR,
        "shares": shares_without(requester.public.id, escrow),
    }
    return Request(**{**fields, **changed})  # type: ignore[arg-type]


__all__ = ["HOUR", "HOUSE", "KEY", "SECRET", "SPACE", "WHOM", "Keys", "asked", "forms", "request_for"]
