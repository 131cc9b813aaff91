"""`severance restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from severance import restore
from severance.cli import options, screen
from severance.cli.edge import Edge
from severance.resident.client import check_down


def run(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.", show_default=False)],
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of a store that is there, which is kept beside.")
    ] = False,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Accept that the backup is older than what the chip knows of.")
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Put a backup in the place of the store, after proving that it opens and is what was written."""
    edge = Edge(ctx, store, key, as_json)
    check_down(edge.store)
    # Without a spinner: it would draw over the question for a passphrase, which comes in the middle.
    backup = restore(file, edge.store, key=edge.key, replace=replace, accept_older=accept_older, **edge.ports)
    if edge.as_json:
        content = {"store": str(edge.store), "file": str(backup.path), "bytes": backup.size, "chip": backup.chip}
        screen.document(content)
    else:
        screen.line(f"Restored {backup.path} to {edge.store}.")
