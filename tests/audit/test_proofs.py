"""The Merkle tree against the published test vectors, against itself, and against every small alteration."""

from __future__ import annotations

import base64
from functools import cache

import pytest

from severance.audit.proofs import (
    EMPTY_ROOT,
    consistency,
    goes_on,
    includes,
    inclusion,
    leaf_hash,
    node_hash,
    root,
    subtrees,
)
from severance.crypto.primitives import sha256
from severance.errors import InputError

LEAVES = [bytes([number]) * number for number in range(35)]
MOST = len(LEAVES)


@cache
def node(level: int, number: int) -> bytes:
    if level == 0:
        return leaf_hash(LEAVES[number])
    return node_hash(node(level - 1, 2 * number), node(level - 1, 2 * number + 1))


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0])
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + by_definition(leaves[:half]) + by_definition(leaves[half:]))


@pytest.mark.parametrize("size", range(MOST + 1))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    assert root(node, 0, size) == by_definition(LEAVES[:size])


def test_the_roots_of_two_known_trees() -> None:
    """The empty tree, and the one whose single leaf is empty: two values that follow from the RFC alone."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert base64.b64encode(leaf_hash(b"")) == b"bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="


def test_subtrees_cover_a_range_from_left_to_right() -> None:
    assert subtrees(0, 0) == []
    assert subtrees(0, 8) == [(3, 0)]
    assert subtrees(0, 7) == [(2, 0), (1, 2), (0, 6)]
    assert subtrees(4, 7) == [(1, 2), (0, 6)]


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_leaf_is_shown_to_be_there_and_at_no_other_place(size: int) -> None:
    top = root(node, 0, size)
    for leaf in range(size):
        proof = inclusion(node, leaf, size)
        hashed = leaf_hash(LEAVES[leaf])
        assert [at for at in range(-1, size + 2) if includes(top, size, at, hashed, proof)] == [leaf]
        assert not includes(top, size, leaf, leaf_hash(b"another"), proof)
        assert not includes(sha256(b"another"), size, leaf, hashed, proof)


@pytest.mark.parametrize("later", range(MOST + 1))
def test_every_tree_goes_on_from_every_earlier_one(later: int) -> None:
    new = root(node, 0, later)
    for earlier in range(later + 1):
        old = root(node, 0, earlier)
        proof = consistency(node, earlier, later)
        assert goes_on(old, earlier, new, later, proof)
        assert not goes_on(sha256(b"another"), earlier, new, later, proof)
        assert earlier == 0 or not goes_on(old, earlier, sha256(b"another"), later, proof)
        assert not goes_on(new, later, old, earlier, proof) or earlier == later


@pytest.mark.parametrize("alter", ["cut", "added", "changed", "swapped", "short"])
def test_an_altered_proof_shows_nothing(alter: str) -> None:
    def altered(proof: list[bytes]) -> list[bytes]:
        match alter:
            case "cut":
                return proof[:-1]
            case "added":
                return [*proof, proof[0]]
            case "changed":
                return [*proof[:-1], bytes([proof[-1][0] ^ 1]) + proof[-1][1:]]
            case "swapped":
                return proof[::-1]
            case _:
                return [*proof[:-1], proof[-1][:-1]]

    top = root(node, 0, 13)
    proof = altered(inclusion(node, 5, 13))
    assert not includes(top, 13, 5, leaf_hash(LEAVES[5]), proof)
    assert not goes_on(root(node, 0, 6), 6, top, 13, altered(consistency(node, 6, 13)))


def test_what_was_rewritten_has_no_proof() -> None:
    """A log of the same size with one entry changed does not go on from what a witness has seen."""

    @cache
    def rewritten(level: int, number: int) -> bytes:
        if level == 0:
            return leaf_hash(b"rewritten" if number == 3 else LEAVES[number])
        return node_hash(rewritten(level - 1, 2 * number), rewritten(level - 1, 2 * number + 1))

    for earlier in range(4, 20):
        seen = root(node, 0, earlier)
        assert not goes_on(seen, earlier, root(rewritten, 0, 20), 20, consistency(rewritten, earlier, 20))
        assert goes_on(seen, earlier, root(node, 0, 20), 20, consistency(node, earlier, 20)), "the control"


def test_what_cannot_be_shown_is_not_asked() -> None:
    with pytest.raises(InputError, match="no entry 5 among the first 5"):
        inclusion(node, 5, 5)
    with pytest.raises(InputError, match="does not go on"):
        consistency(node, 6, 5)
