"""Prefix match: a tenant whose name begins like another's must not be taken for it."""

from __future__ import annotations

from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak

_ENDINGS = ("a", "0", "1", "-ops", "_2", "x1", "@home")
_BEGINNINGS = ("x", "1", "my-")


def probe(ground: Ground) -> None:
    """Names of which one is the beginning, or the end, of the other; each reads as itself."""
    for base in (*ground.tenants(2), f"client-{ground.random.randrange(1, 10)}"):
        mine = ground.plant(base, 2)
        names = [base + end for end in _ENDINGS] + [start + base for start in _BEGINNINGS]
        others = [one for one in map(ground.add, names) if one]
        for other in others:
            ground.reads(base, other.text)
            ground.reads(other.tenant, mine[0].text)
        for short in (base[:-1], base[: len(base) // 2], base[0], base[1:]):
            ground.reads(short, mine[1].text)
        for other in others:
            ground.leaves_alone(mine[1], "delete", other.tenant, other.id)


LEAK = Leak(
    slug="prefix",
    title="A tenant whose name begins like another's",
    advice=(
        "Compare tenants whole and never by how they begin; where a store finds by prefix, end every name with a "
        "separator that names can't have. Ids of one fixed length for tenants make the question disappear."
    ),
    probe=probe,
    toys=("PrefixMatch", "SubstringMatch"),
)
