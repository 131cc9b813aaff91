"""`severance tour`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from severance import tour
from severance.cli import screen


def run(
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FILE", help="Show it with these data instead.", show_default=False),
    ] = None,
) -> None:
    """Show in a minute what Severance does, in a store of its own that is gone afterwards."""
    raise typer.Exit(tour.run(data, screen.console()))
