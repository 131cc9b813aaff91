"""Access by id: whoever knows or guesses an id must not get, change or remove somebody else's memory."""

from __future__ import annotations

from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak


def probe(ground: Ground) -> None:
    """Another tenant's id, whole and cut short, in every call that takes one."""
    ann, ben, nobody = ground.tenants(3)
    hers = ground.plant(ann, 4)
    his = ground.plant(ben, 1)[0]
    for reader in (ben, nobody):
        for one in hers:
            ground.reads_own_only(reader, "get", reader, one.id)
    for short in (hers[0].id[:8], hers[0].id[:-1], hers[0].id.upper() + " ", f" {hers[0].id}"):
        ground.reads_own_only(ben, "get", ben, short)
    ground.leaves_alone(hers[1], "update", ben, hers[1].id, ground.sentence(ben)[0])
    ground.leaves_alone(hers[2], "delete", ben, hers[2].id)
    ground.leaves_alone(hers[3], "delete", nobody, hers[3].id)
    ground.leaves_alone(his, "update", ann, his.id, ground.sentence(ann)[0])


LEAK = Leak(
    slug="id",
    title="Somebody else's memory, by its id",
    advice=(
        "Look every id up within the tenant's own memories, also for updates and deletions, and answer for a foreign "
        "id just as for one that does not exist. Where the memory's own calls take an id and no tenant, never pass on "
        "an id from a user, a model or a request before you have checked whose it is."
    ),
    probe=probe,
    toys=("GetByAnyone", "UpdateByAnyone", "DeleteByAnyone"),
    not_covered=("Whether ids can be guessed: the probes are given the ids of others.",),
)
