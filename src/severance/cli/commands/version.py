"""`severance version`."""

from __future__ import annotations

import typer

from severance import __version__
from severance.cli import options, screen
from severance.cli.edge import Globals


def run(ctx: typer.Context, as_json: options.AsJson = False) -> None:
    """Print the version."""
    if as_json or (isinstance(ctx.obj, Globals) and ctx.obj.as_json):
        screen.document({"version": __version__})
    else:
        screen.line(f"severance {__version__}")
