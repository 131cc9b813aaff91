"""What `severance route` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from severance.cli import screen
from severance.cli.edge import Edge
from severance.routing import Carried, Plan, Proposal
from severance.routing.sources import Pile
from severance.transfer import Skipped


def show_proposal(
    edge: Edge, path: Path, subject: str, found: Proposal, pile: Pile, known: Mapping[str, Collection[str]]
) -> None:
    """How many go where, and why; and that nothing was moved."""
    counts = found.counts()
    if edge.as_json:
        planned = {name: counted.total() for name, counted in counts.items()}
        _document(path, subject, planned, Carried(unsure=found.unsure, skipped=pile.skipped), applied=False)
        return
    table = screen.table("persona", "memories", "by a rule", "by examples", "as their conversation")
    for name, by in counts.items():
        table.add_row(name, *(f"{number:,}" for number in (by.total(), by["rule"], by["examples"], by["conversation"])))
    table.add_row("(unsure)", f"{found.unsure:,}", "", "", "")
    screen.console().print(table)
    _skipped(pile.skipped, pile.first_skipped)
    for name in counts:
        if not known.get(name):
            screen.line(f"{name} wakes at no place, and so can be given nothing; `severance place` declares one.")
    screen.line(f"Nothing was moved. The plan is in {path}, and not sealed there: names and hashes, in the clear.")
    screen.line(f"Read it, change it, and then: severance route --apply {path}")


def question(plan: Plan) -> str:
    """What is asked before anything is moved."""
    counts = Counter(name for name in plan.items.values() if name is not None)
    told = ", ".join(f"{number:,} to {screen.on_one_line(name)}" for name, number in sorted(counts.items()))
    if plan.place is None:
        sources = ", ".join(screen.on_one_line(path) for path, _ in plan.sources)
        return f"Import {told or 'nothing'}, for {screen.on_one_line(plan.subject)}, from {sources}?"
    return (
        f"Move {told or 'nothing'}, and forget them for good at {screen.on_one_line(plan.place)}, with their earlier"
        " versions?"
    )


def show_carried(edge: Edge, path: Path, plan: Plan, carried: Carried) -> None:
    """What was moved, and what was not."""
    if edge.as_json:
        planned = dict(sorted(Counter(name for name in plan.items.values() if name is not None).items()))
        _document(path, plan.subject, planned, carried, applied=True)
        return
    begin = "" if carried.finished else "Before it ended: "
    for name in sorted(carried.moved):
        screen.line(f"{begin}{name}: {carried.moved[name]:,} moved; {carried.there[name]:,} were there already.")
    if plan.place is not None:
        screen.line(f"{begin}{carried.forgotten:,} forgotten by the persona that had them.")
    left = {
        "are in the plan without a persona": carried.unsure,
        "are in the plan, and not in the sources any more": carried.missing,
        "are in the sources, and not in the plan": carried.unplanned,
    }
    for why, number in left.items():
        if number:
            screen.line(f"Not moved: {number:,} that {why}.")
    if carried.missing:
        screen.line("  What was changed since the plan was made is another item; make the plan anew to move that, too.")
    _skipped(carried.skipped, carried.first_skipped)
    if not carried.finished:
        screen.line("Do the plan again to go on: what is there already does not come twice.")


def _skipped(number: int, first: list[Skipped]) -> None:
    for each in first:
        screen.line(f"  skipped {screen.on_one_line(each.where)}: {each.why}")
    if number > len(first):
        screen.line(f"  and {number - len(first):,} more")


def _document(path: Path, subject: str, planned: Mapping[str, int], carried: Carried, *, applied: bool) -> None:
    screen.document(
        {
            "plan": str(path),
            "subject": subject,
            "personas": [
                {
                    "persona": name,
                    "planned": number,
                    "moved": carried.moved.get(name, 0),
                    "already_there": carried.there.get(name, 0),
                }
                for name, number in planned.items()
            ],
            "forgotten": carried.forgotten,
            "unsure": carried.unsure,
            "missing": carried.missing,
            "unplanned": carried.unplanned,
            "skipped": carried.skipped,
            "applied": applied,
            "finished": carried.finished or not applied,
        }
    )
