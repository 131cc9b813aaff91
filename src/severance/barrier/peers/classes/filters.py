"""A filter that is missing on one operation: everything that reads or writes must ask whose memory it is."""

from __future__ import annotations

from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak

_GENERAL = ("key", "Who keeps something under the stair?", "a", " ", "zq", "memory")
_MANY = 1_000
_ODD_LIMITS = (0, -1, 1_001, 10**6)
"""Too few, and more than there are: what some memories read as `no limit`. To refuse them is right too."""


def probe(ground: Ground) -> None:
    """Every reading call of every tenant, before and after updates, deletions and a restart; also of a newcomer.

    Then with limits that some memories read as `no limit`.
    """
    ann, ben, nobody = ground.tenants(3)
    hers, his = ground.plant(ann, 5), ground.plant(ben, 3)
    for reader, other in ((ben, hers), (ann, his), (nobody, hers)):
        _read(ground, reader, other[0].text)
        for query in _GENERAL:
            ground.reads_own_only(reader, "search", reader, query, _MANY)
    changed, _ = ground.sentence(ben)
    ground.leaves_alone(hers[1], "update", ben, his[0].id, changed)
    ground.leaves_alone(hers[1], "delete", ben, his[1].id)
    for reader, other in ((ben, hers), (ann, his)):
        _read(ground, reader, other[1].text)
    ground.reopen()
    for reader, other in ((ben, hers), (nobody, his)):
        _read(ground, reader, other[2].text)
    for limit in _ODD_LIMITS:
        for reader in (ben, nobody):
            ground.reads_own_only(reader, "search", reader, hers[0].text, limit)


def crowd(ground: Ground, size: int) -> None:
    """A store of so many memories of two tenants: a filter may give way only when there are many.

    What another's id opens in a small store, too, is of the class of ids, and is not tried once more.
    """
    ann, ben, nobody = ground.tenants(3)
    hers, his = ground.plant(ann, 4), ground.plant(ben, 1)
    by_id = not ground.foreign(ben, ground.ask("get", ben, hers[0].id))
    ground.ask("delete", ben, hers[1].id)
    by_id = by_id and ground.finds(hers[1])
    for number in range(size - len(hers) - len(his)):
        if ground.add((ann, ben)[number % 2]) is None:
            break  # it takes no more, which is its right
    for reader, other in ((ben, hers), (ann, his), (nobody, hers)):
        for query in _GENERAL:
            ground.reads_own_only(reader, "search", reader, query, _MANY)
        _read(ground, reader, other[0].text)
    ground.leaves_alone(hers[2], "delete", ben, his[0].id)
    if by_id:
        ground.reads_own_only(ben, "get", ben, hers[2].id)
        ground.leaves_alone(hers[3], "delete", ben, hers[3].id)
    ground.reopen()
    for reader, other in ((ben, hers), (nobody, his)):
        _read(ground, reader, other[0].text)


def _read(ground: Ground, reader: str, text: str) -> None:
    ground.reads(reader, text)
    ground.reads_own_only(reader, "search", reader, text, _MANY)


LEAK = Leak(
    slug="filter",
    title="An operation that forgets whose memories it may touch",
    advice=(
        "Give every operation the tenant, and take it from one place that no operation can go round, such as a store "
        "of its own for each tenant. Treat an empty result as empty, and never fall back to a wider search."
    ),
    probe=probe,
    toys=(
        "NoFilterInSearch",
        "NoFilterInList",
        "WiderWhenEmpty",
        "DeletesAll",
        "ForgetsFilterAfterRestart",
        "NoLimitMeansAll",
        "HighLimitMeansAll",
        "OpensWhenFull",
    ),
    crowd=crowd,
)
