"""`severance place`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes, words
from severance.cli.edge import Edge
from severance.model import Place

_FORM = "SUBJECT=PERSONA"
_LINES = 4
"""Lines of a rule without conditions: its header, whose, where, who."""


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The place.", show_default=False)],
    wakes: Annotated[
        list[str],
        typer.Argument(metavar=_FORM, help="Who wakes there; SUBJECT= for nobody of that subject.", show_default=False),
    ],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Declare a place, and which persona of each subject wakes there. Subjects not mentioned stay as they are."""
    edge = Edge(ctx, store, key, as_json)
    chosen = {subject: persona or None for subject, persona in words.pairs(wakes, _FORM).items()}
    with edge.house() as house:
        before = house.thresholds()
        place = house.place(name, chosen)
        replaced = _conditional(before, house.thresholds())
    if edge.as_json:
        screen.document({**shapes.of_place(place), "replaced": replaced})
        return
    _show(place)
    if replaced:
        screen.line("This replaced rules with conditions, which `severance threshold apply` takes again:")
        screen.line(replaced)


def _conditional(before: str, after: str) -> str | None:
    """The tables of a text of thresholds that are gone, if any of them is a rule with conditions."""
    left = set(after.strip("\n").split("\n\n"))
    gone = [table for table in before.strip("\n").split("\n\n") if table not in left]
    return "\n\n".join(gone) if any(table.count("\n") >= _LINES for table in gone) else None


def _show(place: Place) -> None:
    if not place.wakes and not place.depends:
        screen.line(f"Nobody wakes at {place.name}.")
        return
    for subject, persona in place.wakes.items():
        screen.line(f"At {place.name}, {subject} wakes as {persona}.")
    for subject, personas in place.depends.items():
        screen.line(f"At {place.name}, {subject} wakes as {' or '.join(personas)}, or not, as its conditions hold.")
    screen.line(f"Next: severance remember - --at {place.name}           remember what you type or pipe in")
    screen.line(f"      severance import PATH --at {place.name}        or what you have already")
    screen.line("Going to a place is a crossing. A crossing must start a new model context: what a model still")
    screen.line("holds of one persona is out of Severance's reach.")
