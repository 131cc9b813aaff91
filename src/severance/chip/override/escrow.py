"""The escrow: each space's key, wrapped for every two override keys, so that neither opens it without the other.

It is made from the key when the key is at hand: where override keys change, and where personas are severed. What opens
it again (`key_from`) looks at no other row with a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations

from severance.chip.override.keys import PrivateKey, PublicKey
from severance.chip.override.texts import (
    Asked,
    ShareForm,
    answer_in,
    context_of,
    escrow_context,
    share_given,
)
from severance.chip.register import AnswerForm, ApproverForm, EscrowRow, PairForm
from severance.crypto.boxes import boxed, joined, split
from severance.crypto.envelope import SpaceKey
from severance.errors import OverrideError
from severance.ports import Entropy

FEWEST = 3
"""Keys without which nobody could be woken: a requester and two others."""


def escrow_of(
    key: SpaceKey, whom: tuple[str, str], house: bytes, keys: Sequence[ApproverForm], entropy: Entropy
) -> EscrowRow | None:
    """The escrow of one persona's key; None where there are too few override keys.

    Args:
        key: the key of its space.
        whom: subject and persona.
        house: the store id.
        keys: the override keys that are registered.
        entropy: draws under the space's id.
    """
    if len(keys) < FEWEST:
        return None
    publics = sorted((PublicKey(each.public) for each in keys), key=lambda public: public.id)
    pairs = []
    for first, second in combinations(publics, 2):
        context = context_of(house, (key.space, key.epoch), whom, first.id, second.id)
        wrapped, *shares = split(key.secret, context, entropy, key.space)
        boxes = [
            boxed(share, public.for_boxes, context, entropy, key.space)
            for share, public in zip(shares, (first, second), strict=True)
        ]
        pairs.append(PairForm(first.id, second.id, wrapped, *boxes))
    return EscrowRow(tuple(pairs))


def shares_without(requester: bytes, row: EscrowRow) -> tuple[ShareForm, ...]:
    """The shares that approvers can hand over, the pairs of the requester's own key left out."""
    found = []
    for pair in row.pairs:
        if requester not in (pair.first, pair.second):
            found += [
                ShareForm(pair.first, pair.second, pair.box_of_first),
                ShareForm(pair.second, pair.first, pair.box_of_second),
            ]
    return tuple(found)


def key_from(row: EscrowRow, request: Asked, answers: Sequence[AnswerForm], requester: PrivateKey) -> SpaceKey:
    """The key of the space, from the approvals of any two that are for each other.

    Raises:
        OverrideError: the approvals do not open it.
    """
    pairs = {(pair.first, pair.second): pair.wrapped for pair in row.pairs}
    given = [said for said in (answer_in(answer.raw) for answer in answers if answer.approves) if said is not None]
    for first, second in permutations(given, 2):
        wrapped = pairs.get((first.key, second.key))
        shares = share_given(request, first, second.key, requester), share_given(request, second, first.key, requester)
        if wrapped is None or shares[0] is None or shares[1] is None:
            continue
        secret = joined(wrapped, shares[0], shares[1], escrow_context(request.said, first.key, second.key))
        if secret is not None:
            return SpaceKey(request.said.space, request.said.epoch, secret)
    raise OverrideError("the approvals do not open the persona; ask again", why="shares")
