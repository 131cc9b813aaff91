"""`severance backup`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, progress, screen
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    file: options.NewFile,
    without_chip: Annotated[
        bool,
        typer.Option(
            "--without-chip", help="Leave the keys out: the backup can then be opened with this store's chip only."
        ),
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Write a consistent copy of the store to a new file, sealed as it is, while others may go on writing."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house, progress.spinner("Backing up", quiet=edge.as_json):
        backup = house.backup(file, chip=not without_chip)
    if edge.as_json:
        screen.document({"file": str(backup.path), "bytes": backup.size, "chip": backup.chip})
        return
    screen.line(f"Backed up to {backup.path} ({backup.size:,} bytes).")
    if backup.chip:
        screen.line("It opens with the root key, which is not in it.")
    else:
        screen.line("It has no chip: it opens only together with this store's chip.")
