"""The escrow: a key for every two override keys, and for no one alone."""

from __future__ import annotations

from itertools import combinations

import pytest
from msgspec.structs import replace

from chip.override.conftest import HOUSE, KEY, SECRET, WHOM, Keys, asked, forms, request_for
from kit import flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.override.escrow import FEWEST, escrow_of, key_from, shares_without
from severance.chip.override.keys import PrivateKey
from severance.chip.override.texts import Asked, answered
from severance.chip.register import AnswerForm, EscrowRow, within_limits
from severance.errors import OverrideError


@pytest.fixture
def request_(keys: Keys, escrow: EscrowRow) -> Asked:
    return asked(request_for(keys[0], escrow), keys[0])


def approvals(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> list[AnswerForm]:
    return [
        AnswerForm(key.public.id, "", True, answered(request_, key, approves=True, entropy=entropy).raw) for key in keys
    ]


def opens(row: EscrowRow, request_: Asked, answers: list[AnswerForm], key: PrivateKey) -> bool:
    try:
        return key_from(row, request_, answers, key) == KEY
    except OverrideError:
        return False


def test_any_two_approvals_open_it_for_whoever_asked(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    for two in combinations(keys[1:], 2):
        assert opens(escrow, request_, approvals(request_, list(two), entropy), keys[0])
        assert opens(escrow, request_, approvals(request_, list(two[::-1]), entropy), keys[0])


def test_one_approval_opens_nothing(request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy) -> None:
    for key in keys[1:]:
        assert not opens(escrow, request_, approvals(request_, [key], entropy), keys[0])
        assert not opens(escrow, request_, approvals(request_, [key], entropy) * 2, keys[0])
    assert not opens(escrow, request_, [], keys[0])


def test_approvals_open_for_nobody_else(request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy) -> None:
    answers = approvals(request_, keys[1:3], entropy)
    assert [opens(escrow, request_, answers, key) for key in keys] == [True, False, False, False]


def test_approvals_of_another_request_open_nothing(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    other = asked(request_for(keys[0], escrow, reason="another"), keys[0])
    assert not opens(escrow, request_, approvals(other, keys[1:3], entropy), keys[0])
    mixed = approvals(other, keys[1:2], entropy) + approvals(request_, keys[2:3], entropy)
    assert not opens(escrow, request_, mixed, keys[0])


def test_a_refusal_among_them_does_not_count(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    first, second = approvals(request_, keys[1:3], entropy)
    assert not opens(escrow, request_, [first, replace(second, approves=False)], keys[0])


def test_an_escrow_made_anew_opens_with_new_approvals_only(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    anew = escrow_of(KEY, WHOM, HOUSE, forms(keys), entropy)
    assert anew is not None
    assert not opens(anew, request_, approvals(request_, keys[1:3], entropy), keys[0])


@pytest.mark.parametrize("count", range(FEWEST))
def test_with_too_few_keys_there_is_none(keys: Keys, entropy: ScopedEntropy, count: int) -> None:
    assert escrow_of(KEY, WHOM, HOUSE, forms(keys)[:count], entropy) is None


def test_it_shows_neither_the_key_nor_a_share_twice(escrow: EscrowRow) -> None:
    pieces = [piece for pair in escrow.pairs for piece in (pair.wrapped, pair.box_of_first, pair.box_of_second)]
    assert len(set(pieces)) == len(pieces) == 18
    assert not any(SECRET in piece for piece in pieces)
    assert within_limits(escrow)


def test_the_pairs_of_the_requester_are_left_out(keys: Keys, escrow: EscrowRow) -> None:
    requester = keys[0].public.id
    shares = shares_without(requester, escrow)
    assert len(shares) == 6
    assert all(requester not in (share.approver, share.other) for share in shares)


def test_an_escrow_that_was_altered_opens_nothing(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    answers = approvals(request_, keys[1:3], entropy)
    altered = EscrowRow(tuple(replace(pair, wrapped=flipped(pair.wrapped, 5)) for pair in escrow.pairs))
    assert not opens(altered, request_, answers, keys[0])
