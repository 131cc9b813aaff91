"""`severance export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from severance.cli import options, progress, screen
from severance.cli.edge import Edge
from severance.cli.newfile import new_file
from severance.model import Memory
from severance.transfer import write_jsonl
from severance.transfer.outgoing import exporting

_STEP = 512


def run(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A new file; without it, standard output.", show_default=False),
    ] = None,
    at: options.At = None,
    subject: options.Who = None,
    force: options.ReplaceFile = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Write all memories in their current version as JSON Lines, not sealed, for `import` or other programs.

    A file gets mode 0600: only you can read it, and whoever reads your disk.
    """
    edge = Edge(ctx, store, key, as_json)
    with edge.session(at, subject) as session:
        memories = list(session.memories())
        exporting(session, len(memories))
        if file is None or str(file) == "-":
            write_jsonl(memories, sys.stdout)
            return
        with new_file(file, force=force) as out, progress.bar("Exporting", quiet=edge.as_json) as tick:
            count = write_jsonl(_counted(memories, tick), out)
    if edge.as_json:
        screen.document({"file": str(file), "memories": count})
    else:
        screen.line(f"Exported {count:,} memories to {file}. They are not sealed there.")


def _counted(memories: Sequence[Memory], tick: progress.Tick) -> Iterator[Memory]:
    for done, memory in enumerate(memories):
        if done % _STEP == 0:
            tick(done, len(memories))
        yield memory
