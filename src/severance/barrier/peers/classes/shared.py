"""Shared mutable context: what one call leaves behind in the process must not colour somebody else's call."""

from __future__ import annotations

from severance.barrier.causes import GIVEN_AGAIN, GIVEN_AT_ONCE
from severance.barrier.peers.ground import LIMIT, Ground
from severance.barrier.peers.leak import Leak
from severance.barrier.peers.wire import Argument, Call

_KEPT = "gave an object that others write to"
_LANES = 4
_CALLS = 12


def probe(ground: Ground) -> None:
    """Several tenants at once in threads, then results that one keeps, and writes to, while another asks."""
    tenants = ground.tenants(_LANES)
    planted = {tenant: ground.plant(tenant, 2) for tenant in tenants}
    lanes = [_lane(ground, tenant, planted[tenant][0].text, planted[tenant][0].id) for tenant in tenants]
    for tenant, lane, answers in zip(tenants, lanes, ground.remote.race(lanes), strict=True):
        for call, answer in zip(lane, answers, strict=True):
            ground.judge(tenant, (call.method, GIVEN_AT_ONCE), f"{ground.shown(call)} while others called too", answer)
    for tenant in tenants:
        ground.reads(tenant, "the word")
    _kept(ground, *tenants[:2])
    _kept(ground, *tenants[2:])


def _lane(ground: Ground, tenant: str, text: str, id: str) -> list[Call]:  # noqa: A002
    """Calls of one tenant's own."""
    calls: list[tuple[str, list[Argument]]] = []
    for _ in range(_CALLS):
        calls += [
            ("add", [tenant, ground.sentence(tenant)[0]]),
            ("search", [tenant, text, LIMIT]),
            ("list", [tenant]),
            ("get", [tenant, id]),
        ]
    return [Call(method, args) for method, args in calls]


def _kept(ground: Ground, holder: str, other: str) -> None:
    asked: tuple[tuple[str, list[Argument]], ...] = (("list", []), ("search", ["the word", LIMIT]))
    for method, rest in asked:
        first, second = (Call(method, [tenant, *rest]) for tenant in (holder, other))
        tampered, _ = ground.sentence(holder)
        while_held, held, after = ground.remote.share(first, second, tampered)
        kept = GIVEN_AGAIN if ground.foreign(other, while_held) else _KEPT
        ground.judge(other, (method, GIVEN_AGAIN), ground.shown(second), while_held)
        ground.judge(holder, (method, kept), f"{second} changed what {first} had returned before: it", held)
        ground.judge(other, (method, kept), f"{second}, after {holder!r} wrote into what {first} had returned,", after)


LEAK = Leak(
    slug="shared",
    title="State that two tenants share while both are being served",
    advice=(
        "Pass the tenant to every call, and keep no current one in an object, a module or a connection; in "
        "asynchronous code use context variables. Return copies, and put the tenant into the key of every cache."
    ),
    probe=probe,
    toys=("CurrentTenant", "SharedResults", "CacheWithoutTenant"),
    not_covered=("Several processes on one store, and asynchronous calls: the probes use threads in one process.",),
)
