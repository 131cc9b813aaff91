"""`severance tour`."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from severance import tour
from severance.cli import options, screen
from severance.cli.edge import Globals

_WIDTH = 100


def run(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Show it with these data instead.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show in a minute what Severance does, in a store of its own that is gone afterwards."""
    if not (as_json or (isinstance(ctx.obj, Globals) and ctx.obj.as_json)):
        raise typer.Exit(tour.run(data, screen.console()))
    told = io.StringIO()
    code = tour.run(data, Console(file=told, width=_WIDTH))
    screen.document({"held": code == 0, "report": [line.rstrip() for line in told.getvalue().splitlines()]})
    raise typer.Exit(code)
