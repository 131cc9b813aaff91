"""Requests and answers: what is signed, what is handed over, and what is refused before a house has seen it."""

from __future__ import annotations

import base64

import msgspec
import pytest

from chip.override.conftest import HOUSE, SPACE, Keys, asked, request_for
from kit import flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.override.keys import written
from severance.chip.override.texts import (
    MOST_TEXT,
    Asked,
    GivenForm,
    answer_of,
    answered,
    request_of,
    share_given,
)
from severance.chip.register import EscrowRow
from severance.crypto.boxes import boxed
from severance.errors import InputError, OverrideError


def raw_of(text: str) -> bytes:
    encoded = text.partition(".")[2]
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


@pytest.fixture
def request_(keys: Keys, escrow: EscrowRow) -> Asked:
    return asked(request_for(keys[0], escrow), keys[0])


def test_a_request_is_read_as_it_was_signed(request_: Asked) -> None:
    found = request_of(request_.text())
    assert (found.raw, found.said, found.digest) == (request_.raw, request_.said, request_.digest)


def test_an_answer_is_read_as_it_was_signed(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    answer = answered(request_, keys[1], approves=True, entropy=entropy)
    found = answer_of(answer.text())
    assert found == answer
    assert found.is_by(keys[1].public)
    assert not found.is_by(keys[2].public)
    assert found.said.approves


@pytest.mark.parametrize("at", [0, 63, 64, 80, 200, -1])
def test_a_request_that_was_altered_is_refused(request_: Asked, at: int) -> None:
    raw = bytearray(request_.raw)
    raw[at] ^= 1
    with pytest.raises((InputError, OverrideError)):
        request_of(written("sevr1", bytes(raw)))


def test_every_bit_of_a_request_is_signed(keys: Keys, escrow: EscrowRow) -> None:
    small = asked(request_for(keys[0], escrow, shares=()), keys[0])
    for at in range(len(small.raw)):
        with pytest.raises((InputError, OverrideError)):
            request_of(written("sevr1", flipped(small.raw, at)))


def test_every_bit_of_an_answer_is_signed(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    answer = answered(request_, keys[1], approves=False, entropy=entropy)
    for at in range(len(answer.raw)):
        try:
            assert not answer_of(written("seva1", flipped(answer.raw, at))).is_by(keys[1].public)
        except InputError:
            continue


@pytest.mark.parametrize("field", ["made", "approve_by", "use_by", "length"])
def test_a_time_that_cannot_be_shown_is_no_time(keys: Keys, escrow: EscrowRow, field: str) -> None:
    last = 253_402_300_799_999_999
    assert request_of(asked(request_for(keys[0], escrow, **{field: last}), keys[0]).text())
    with pytest.raises(InputError, match="no request"):
        request_of(asked(request_for(keys[0], escrow, **{field: last + 1}), keys[0]).text())


def test_a_request_signed_by_another_key_is_refused(keys: Keys, escrow: EscrowRow) -> None:
    forged = asked(request_for(keys[0], escrow), keys[1])
    with pytest.raises(OverrideError, match="altered"):
        request_of(forged.text())


def test_a_request_is_no_answer_and_an_answer_no_request(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    answer = answered(request_, keys[1], approves=True, entropy=entropy)
    for text in (request_.text(), written("seva1", request_.raw), "", "seva1.", "seva1.AAAA"):
        with pytest.raises(InputError, match="no answer"):
            answer_of(text)
    for text in (answer.text(), written("sevr1", answer.raw), "", "sevr1.", "sevr1." + "A" * MOST_TEXT):
        with pytest.raises(InputError, match="no request"):
            request_of(text)


def test_an_approval_hands_its_shares_to_the_requester_alone(
    request_: Asked, keys: Keys, entropy: ScopedEntropy
) -> None:
    requester, approver, other, third = keys
    answer = answered(request_, approver, approves=True, entropy=entropy).said
    assert {given.other for given in answer.shares} == {other.public.id, third.public.id}
    assert share_given(request_, answer, other.public.id, requester) is not None
    assert share_given(request_, answer, other.public.id, third) is None
    assert share_given(request_, answer, requester.public.id, requester) is None


def test_an_approval_s_shares_are_for_its_request_alone(
    request_: Asked, keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    answer = answered(request_, keys[1], approves=True, entropy=entropy).said
    longer = asked(request_for(keys[0], escrow, length=10**15), keys[0])
    assert share_given(request_, answer, keys[2].public.id, keys[0]) is not None
    assert share_given(longer, answer, keys[2].public.id, keys[0]) is None


def test_a_refusal_hands_over_nothing(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    answer = answered(request_, keys[1], approves=False, entropy=entropy).said
    assert (answer.approves, answer.shares) == (False, ())


def test_whoever_asks_cannot_approve_but_can_withdraw(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    with pytest.raises(OverrideError, match="two others"):
        answered(request_, keys[0], approves=True, entropy=entropy)
    assert not answered(request_, keys[0], approves=False, entropy=entropy).said.approves


def test_shares_of_another_persona_are_not_handed_over(keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy) -> None:
    for changed in ({"persona": "outie"}, {"subject": "helly"}, {"space": HOUSE}, {"house": SPACE}, {"epoch": 4}):
        relabelled = asked(request_for(keys[0], escrow, **changed), keys[0])
        with pytest.raises(OverrideError, match="not of the persona that it names"):
            answered(relabelled, keys[1], approves=True, entropy=entropy)


def test_a_share_that_opens_with_the_requester_s_own_is_not_handed_over(
    keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    """Or one approval would be enough: the requester opens the other half alone."""
    requester, approver = keys[:2]
    said = request_for(requester, escrow)
    own = [pair for pair in escrow.pairs if {pair.first, pair.second} == {requester.public.id, approver.public.id}]
    box = own[0].box_of_first if own[0].first == approver.public.id else own[0].box_of_second
    share = msgspec.structs.replace(said.shares[0], approver=approver.public.id, other=requester.public.id, box=box)
    greedy = asked(msgspec.structs.replace(said, shares=(share, *said.shares)), requester)
    answer = answered(greedy, approver, approves=True, entropy=entropy).said
    assert requester.public.id not in {given.other for given in answer.shares}
    only = asked(msgspec.structs.replace(said, shares=(share,)), requester)
    with pytest.raises(OverrideError, match="not for that key"):
        answered(only, approver, approves=True, entropy=entropy)


def test_a_key_that_is_not_in_the_request_cannot_approve_it(
    keys: Keys, escrow: EscrowRow, entropy: ScopedEntropy
) -> None:
    said = request_for(keys[0], escrow)
    left = tuple(share for share in said.shares if share.approver != keys[3].public.id)
    without = asked(msgspec.structs.replace(said, shares=left), keys[0])
    with pytest.raises(OverrideError, match="not for that key"):
        answered(without, keys[3], approves=True, entropy=entropy)


def test_a_share_in_a_box_for_somebody_else_is_none(request_: Asked, keys: Keys, entropy: ScopedEntropy) -> None:
    answer = answered(request_, keys[1], approves=True, entropy=entropy).said
    box = boxed(b"s" * 32, keys[3].public.for_boxes, b"", entropy, b"")
    wrong = msgspec.structs.replace(answer, shares=(GivenForm(keys[2].public.id, box),))
    assert share_given(request_, wrong, keys[2].public.id, keys[0]) is None
