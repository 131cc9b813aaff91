"""`severance status`."""

from __future__ import annotations

import typer
from rich.text import Text

from severance.cli import options, screen, shapes, words
from severance.cli.commands.override import show_overrides
from severance.cli.edge import Edge
from severance.model import PersonaStatus, Status


def run(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Show who there is and who wakes where. Nobody is woken for it, and nothing remembered is looked at.

    So memories are not counted: writes are, of which remembering, amending and forgetting are one each.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        status = house.status()
    if edge.as_json:
        screen.document(shapes.of_status(status))
    else:
        _show(status)


def _show(status: Status) -> None:
    if not status.personas:
        screen.line(f"The store at {status.store} has nobody in it yet.")
        screen.line("Next: severance sever SUBJECT PERSONA PERSONA")
        return
    screen.line(f"The store at {status.store}")
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
            f"{persona.records:,}",
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
