"""The Merkle tree of RFC 6962, and the proofs of RFC 9162: pure functions, of use without any store.

A tree is over leaves in an order. Its root is 32 bytes; two trees of one size with one root hold the same leaves. An
inclusion proof shows that a leaf is in a tree, a consistency proof that one tree goes on from another.

Sources: RFC 6962, section 2.1 (hashes); RFC 9162, sections 2.1.3.2 and 2.1.4.2 (verification).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from severance.crypto.primitives import sha256
from severance.errors import InputError

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"")
"""The root of the tree without leaves."""

Node = Callable[[int, int], bytes]
"""The hash of the perfect subtree at (level, number): the leaves from `number * 2**level` on, `2**level` of them."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\x00" + leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of what stands over two subtrees."""
    return sha256(b"\x01" + left + right)


def subtrees(first: int, after: int) -> list[tuple[int, int]]:
    """The perfect subtrees (level, number) that cover the leaves from `first` up to `after`, from left to right.

    `first` has to be where a subtree begins that is larger than the range, as it is everywhere in a proof.
    """
    found = []
    while first < after:
        level = (after - first).bit_length() - 1
        found.append((level, first >> level))
        first += 1 << level
    return found


def root(node: Node, first: int, after: int) -> bytes:
    """The root over the leaves from `first`, which is as `subtrees` wants it, up to `after`."""
    hashes = [node(*place) for place in subtrees(first, after)]
    if not hashes:
        return EMPTY_ROOT
    total = hashes.pop()
    while hashes:
        total = node_hash(hashes.pop(), total)
    return total


def inclusion(node: Node, leaf: int, size: int) -> list[bytes]:
    """The proof that leaf number `leaf` is in the tree of the first `size` leaves, 32 bytes each, from below.

    Raises:
        InputError: there is no such leaf in that tree.
    """
    if not 0 <= leaf < size:
        raise InputError(f"there is no entry {leaf:,} among the first {size:,}")
    return _path(node, leaf, 0, size)


def consistency(node: Node, earlier: int, later: int) -> list[bytes]:
    """The proof that the tree of `later` leaves goes on from that of `earlier` ones.

    Raises:
        InputError: the sizes are none of which the one goes on from the other.
    """
    if not 0 <= earlier <= later:
        raise InputError(f"a log of {later:,} entries does not go on from one of {earlier:,}")
    if earlier in (0, later):
        return []
    return _subproof(node, earlier, 0, later, whole=True)


def includes(top: bytes, size: int, leaf: int, hashed: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the leaf with this hash to be number `leaf` of the `size` leaves under the root `top`."""
    if not 0 <= leaf < size or not _are_hashes(proof):
        return False
    number, last, total = leaf, size - 1, hashed
    for step in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            total = node_hash(step, total)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            total = node_hash(total, step)
        number, last = number >> 1, last >> 1
    return last == 0 and total == top


def goes_on(earlier: bytes, size: int, later: bytes, total: int, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the tree of `total` leaves under `later` to go on from that of `size` under `earlier`."""
    if not 0 <= size <= total or not _are_hashes(proof):
        return False
    if size == total:
        return not proof and earlier == later
    if size == 0:
        return not proof and earlier == EMPTY_ROOT
    steps = list(proof) if size & (size - 1) else [earlier, *proof]
    if not steps:
        return False
    number, last = size - 1, total - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            new = node_hash(new, step)
        number, last = number >> 1, last >> 1
    return last == 0 and old == earlier and new == later


def _path(node: Node, leaf: int, first: int, after: int) -> list[bytes]:
    if after - first == 1:
        return []
    middle = first + _half(after - first)
    if leaf < middle:
        return [*_path(node, leaf, first, middle), root(node, middle, after)]
    return [*_path(node, leaf, middle, after), root(node, first, middle)]


def _subproof(node: Node, earlier: int, first: int, after: int, *, whole: bool) -> list[bytes]:
    """RFC 6962, section 2.1.2, with `earlier` counted from the beginning of the tree."""
    if earlier == after:
        return [] if whole else [root(node, first, after)]
    middle = first + _half(after - first)
    if earlier <= middle:
        return [*_subproof(node, earlier, first, middle, whole=whole), root(node, middle, after)]
    return [*_subproof(node, earlier, middle, after, whole=False), root(node, first, middle)]


def _half(count: int) -> int:
    """The largest power of two below a count of at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def _are_hashes(proof: Sequence[bytes]) -> bool:
    return len(proof) <= 2 * 64 and all(len(step) == HASH_BYTES for step in proof)
