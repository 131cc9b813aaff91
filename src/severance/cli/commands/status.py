"""`severance status`."""

from __future__ import annotations

import typer
from rich.text import Text

from severance.cli import options, screen, shapes, words
from severance.cli.commands.up import how_it_is
from severance.cli.edge import Edge
from severance.cli.overrides import show_overrides
from severance.model import PersonaStatus, Status
from severance.resident.client import HouseState


def run(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Show who there is, who wakes where, and whether a house is up. Nobody is woken for it.

    Nothing remembered is looked at either, so memories are not counted: writes are, of which remembering, amending and
    forgetting are one each, and with `reembed` each memory, and once the new encoder.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        status = house.status()
    state = edge.up()
    if edge.as_json:
        screen.document(shapes.of_status(status, state))
    else:
        _show(status, state)


def _show(status: Status, state: HouseState | None) -> None:
    up = "No house is up for it." if state is None else f"The house is up: {how_it_is(state)}."
    if not status.personas:
        screen.line(f"The store at {status.store} has nobody in it yet. {up}")
        screen.line("Next: severance sever SUBJECT PERSONA PERSONA")
        return
    screen.line(f"The store at {status.store}")
    screen.line(up)
    table = screen.table("subject", "persona", "wakes at", "awake today", "writes")
    table.columns[-1].justify = "right"
    subject = None
    for persona in status.personas:
        if subject is not None and persona.subject != subject:
            table.add_section()
        places = Text(", ".join(persona.places)) if persona.places else Text("nowhere", style="dim")
        table.add_row(
            Text("" if persona.subject == subject else persona.subject, style="bold"),
            persona.name,
            places,
            _awake(persona),
            f"{persona.writes:,}",
        )
        subject = persona.subject
    screen.console().print(table)
    if status.overrides:
        screen.line("Overrides that are not over:")
        show_overrides(status.overrides)
    idle = [place.name for place in status.places if not place.wakes and not place.depends]
    if idle:
        screen.line(f"Places where nobody wakes: {', '.join(idle)}.")


def _awake(persona: PersonaStatus) -> str:
    had = words.written(persona.awake)
    return had if persona.budget is None else f"{had} of {words.written(persona.budget)}"
