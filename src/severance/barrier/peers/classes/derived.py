"""Derived artefacts: merging, deduplication, ranking and counting across tenants.

What a tenant observes is compared in two runs with and two without the others' memories. What differs between the two
without them is random anyway, and is no leak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from severance.barrier.causes import GIVEN
from severance.barrier.peers.ground import LIMIT, Ground, Planted
from severance.barrier.peers.leak import Leak
from severance.barrier.peers.wire import Answer

_SAME_SCORE = 1e-5
"""Relative. The same sum in another order differs by less, in single precision."""
_QUERIES = 4
_OTHERS = 25


@dataclass
class Seen:
    """What one tenant can see, by what it is of; and in which of these something was somebody else's."""

    parts: dict[str, list[object]]
    foreign: set[str] = field(default_factory=set)


def probe(ground: Ground) -> None:
    """The same text by two tenants, nearly the same text, and one tenant's answers with and without the others."""
    _twins(ground)
    _near(ground)
    _compared(ground)


def _twins(ground: Ground) -> None:
    """Two tenants say the same; then one takes it back."""
    for method in ("delete", "update"):
        ann, ben, cleo = ground.tenants(3)
        mine = ground.plant(ann)[0]
        ground.owners.pop(mine.mark)  # several tenants say it: it is nobody's alone
        yours, third = (ground.add(tenant, mine.text, mine.mark) for tenant in (ben, cleo))
        for one, whom in ((mine, ann), (yours, ben), (third, cleo)):
            if one is not None and not ground.finds(one):
                ground.broke(
                    ("add", "merged with somebody else's"),
                    f"{whom!r} does not find what it added, since others had added the same text: {mine.text!r}",
                )
            else:
                ground.tally.held()
        if yours:
            rest = [ground.sentence(ben)[0]] if method == "update" else []
            ground.leaves_alone(mine, method, ben, yours.id, *rest)
            if third:
                ground.leaves_alone(third, "add", ben, mine.text)


def _near(ground: Ground) -> None:
    """Two tenants say nearly the same: neither text may take something from the other."""
    ann, ben = ground.tenants(2)
    mine = ground.plant(ann)[0]
    text, mark = ground.sentence(ben)
    yours = ground.add(ben, mine.text.replace(mine.mark, mark), mark)
    if yours is None:
        return
    ground.reads(ann, yours.text)
    ground.reads(ben, mine.text)
    ground.leaves_alone(mine, "update", ben, yours.id, text)


def _compared(ground: Ground) -> None:
    ann, *others = ground.tenants(4)
    hers = [ground.sentence(ann)[0] for _ in range(8)]
    theirs = [(ground.random.choice(others), number) for number in range(_OTHERS)]
    queries = [*hers[:_QUERIES], "the word for it", "bronze key behind the clock"]
    runs = []
    for crowd in ([], [], theirs, theirs):
        ground.fresh()
        runs.append(_observed(ground, ann, hers, queries, crowd))
    alone, again, *crowded = runs
    for what, seen in alone.parts.items():
        if not _same(seen, again.parts[what]):
            continue
        others_seen = [run.parts[what] for run in crowded if not _same(seen, run.parts[what])]
        if len(others_seen) == len(crowded):
            shown = f"{_shown(seen)} became {_shown(others_seen[0])}"
            how = GIVEN if any(what in run.foreign for run in crowded) else "changed with what others hold"
            ground.broke((_operation(what), how), f"with what other tenants hold, {what} of {ann!r} changed: {shown}")
        else:
            ground.tally.held()


def _observed(ground: Ground, ann: str, hers: list[str], queries: list[str], crowd: list[tuple[str, int]]) -> Seen:
    """What one tenant can see: ids, then texts, order, number and scores of each answer."""
    planted: list[Planted] = []
    rest = iter(crowd)
    share = -(-len(crowd) // len(hers))
    for text in hers:
        for _ in range(share):
            if (who := next(rest, None)) is not None:
                # Closer to what will be asked than what the tenant has: a filter that comes after the search shows.
                ground.add(who[0], f"{queries[who[1] % len(queries)]} {ground.sentence(who[0])[1]}")
        one = ground.add(ann, text)
        planted += [one] if one else []
    seen = Seen({"the ids": [one.id for one in planted]})
    answers = [(f"search({query!r})", ground.ask("search", ann, query, LIMIT)) for query in queries]
    for what, answer in [*answers, ("list", ground.ask("list", ann))]:
        if answer.kind == "ok":
            parts = _parts(what, answer)
            seen.parts |= parts
            seen.foreign |= set(parts) if ground.foreign(ann, answer) else set()
    return seen


def _operation(what: str) -> str:
    """Through which operation this is seen."""
    return next((method for method in ("search", "list") if f" of {method}" in what), "add")


def _parts(what: str, answer: Answer) -> dict[str, list[object]]:
    scores: list[object] = [row.score for row in answer.rows if row.score is not None]
    return {f"the answer of {what}": [row.text for row in answer.rows], f"the scores of {what}": scores}


def _same(one: list[object], two: list[object]) -> bool:
    if len(one) != len(two):
        return False
    return all(
        math.isclose(a, b, rel_tol=_SAME_SCORE) if isinstance(a, float) and isinstance(b, float) else a == b
        for a, b in zip(one, two, strict=True)
    )


def _shown(seen: list[object]) -> str:
    return f"{len(seen)} of {str(seen)[:80]}"


LEAK = Leak(
    slug="derived",
    title="Merging, ranking or counting across tenants",
    advice=(
        "Build everything that is derived (duplicates, summaries, statistics of words, indexes, numbers) from the "
        "memories of one tenant only. Filter before the nearest neighbours are chosen, not after, or others' memories "
        "push a tenant's own out of its results."
    ),
    probe=probe,
    toys=("SharedDuplicates", "CountsForAll", "FiltersAfterwards", "ScoresAgainstAll"),
    not_covered=("Summaries that a language model writes: the probes run without one.", "Timing."),
)
