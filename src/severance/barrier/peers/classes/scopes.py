"""Default or empty scope: a tenant that is empty, or reads like nothing, must not mean everybody."""

from __future__ import annotations

from severance.barrier.peers.ground import Ground
from severance.barrier.peers.leak import Leak

_NOTHING = (
    "",
    " ",
    "\t",
    "\n",
    "None",
    "null",
    "undefined",
    "nil",
    "NaN",
    "0",
    "-1",
    "false",
    "[]",
    "{}",
    '""',
    "\u200b",
)
_DEFAULT = (
    "default",
    "public",
    "global",
    "shared",
    "all",
    "any",
    "everyone",
    "system",
    "root",
    "admin",
    "anonymous",
    "me",
)


def probe(ground: Ground) -> None:
    """Names that stand for nobody or everybody: what they read, and who reads what they add."""
    ann, ben = ground.tenants(2)
    hers = ground.plant(ann, 2)
    ground.plant(ben)
    names = _NOTHING + _DEFAULT
    for name in names:
        ground.reads(name, hers[0].text)
    added = [one for one in map(ground.add, names) if one]
    for one in added:
        ground.reads(ann, one.text)
    for name in names:
        ground.reads(name, hers[1].text)
    for one in added:
        ground.leaves_alone(hers[1], "delete", one.tenant, one.id)


LEAK = Leak(
    slug="scope",
    title="An empty or default tenant that stands for everybody",
    advice=(
        "Refuse an empty tenant in every operation, with an error and not with a default. Make the tenant a required "
        "argument whose type has no empty value."
    ),
    probe=probe,
    toys=("EmptyMeansAll", "EmptyMeansDefault"),
    not_covered=("A tenant that is left out or None: an adapter always passes a text.",),
)
