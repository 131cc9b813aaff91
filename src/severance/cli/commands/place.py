"""`severance place`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes, words
from severance.cli.edge import Edge
from severance.model import Place

_FORM = "SUBJECT=PERSONA"


def run(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The place.", show_default=False)],
    wakes: Annotated[
        list[str],
        typer.Argument(
            metavar=f"{_FORM}...", help="Who wakes there; SUBJECT= for nobody of that subject.", show_default=False
        ),
    ],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Declare a place, and which persona of each subject wakes there. Subjects not mentioned stay as they are."""
    edge = Edge(ctx, store, key, as_json)
    chosen = {subject: persona or None for subject, persona in words.pairs(wakes, _FORM).items()}
    with edge.house() as house:
        place = house.place(name, chosen)
    if edge.as_json:
        screen.document(shapes.of_place(place))
    else:
        _show(place)


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
