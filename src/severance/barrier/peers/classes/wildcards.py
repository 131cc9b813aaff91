"""Wildcards: a tenant, a query or an id that a query language could read as `anything`."""

from __future__ import annotations

from severance.barrier.peers.ground import Ground, Planted
from severance.barrier.peers.leak import Leak

_ALL = (
    "*", "**", "%", "%%", "_%", "?*", ".*", ".+", "^.*$", "[a-z]*", "[^/]*", "$ne", '{"$ne": ""}', '{"$gt": ""}',
    "' OR '1'='1", '" OR 1=1 --', "*:*", "/", "()", "true", "/.*/", "~", "<any>",
)  # fmt: skip


def probe(ground: Ground) -> None:
    """Patterns that fit another tenant's name, as tenant; patterns that fit everything, as tenant, query and id."""
    ann, ben = ground.tenants(2)
    hers, his = ground.plant(ann, 2), ground.plant(ben, 2)
    for name in [*_fitting(ann, ben), *_ALL]:
        ground.reads(name, hers[0].text)
        _write(ground, name, hers[1])
    for name in _ALL:
        ground.reads_own_only(ben, "search", ben, name, 1_000)
        ground.reads_own_only(ben, "get", ben, name)
        ground.leaves_alone(hers[0], "delete", ben, name)
        ground.leaves_alone(hers[0], "update", ben, name, ground.sentence(ben)[0])
    for one in (ann, ben):
        ground.reads(one, his[1].text)


def _write(ground: Ground, name: str, planted: Planted) -> None:
    """What a tenant of this name adds must not be found by the one that it fits."""
    added = ground.add(name)
    if added:
        ground.reads(planted.tenant, added.text)
        ground.leaves_alone(planted, "delete", name, added.id)


def _fitting(name: str, other: str) -> list[str]:
    """Patterns of several languages that fit this name."""
    half = len(name) // 2
    return [
        f"{name[:half]}%",
        f"%{name[half:]}",
        "_" * len(name),
        f"{name[:-1]}_",
        f"{name[:half]}*",
        "?" * len(name),
        f"{name[:half]}.*",
        f"{name}|{other}",
        f"[{name[0]}]{name[1:]}",
        f"{name},{other}",
        f"{name} OR {other}",
        f"({name})",
    ]


LEAK = Leak(
    slug="wildcard",
    title="A name, query or id that a query language reads as a pattern",
    advice=(
        "Compare tenants and ids for equality with bound parameters, and escape what goes into a pattern (LIKE, glob, "
        "regular expressions, JSON filters). Refuse names with signs that your store's query language reads."
    ),
    probe=probe,
    toys=("LikeTenant", "GlobTenant", "RegexTenant", "StarQuery", "StarId"),
    not_covered=("Query languages other than SQL patterns, globs, regular expressions and JSON operators.",),
)
