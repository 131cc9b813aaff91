"""`severance reembed`."""

from __future__ import annotations

import typer

from severance.cli import options, progress, screen
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    embedder: options.Embedder = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Embed every memory with another embedder, or with that of this version of Severance.

    Can be interrupted and run again. Give every command the same embedder from then on, best with SEVERANCE_EMBEDDER.
    """
    edge = Edge(ctx, store, key, as_json, embedder=embedder)
    with edge.house() as house, progress.bar("Embedding", quiet=edge.as_json) as tick:
        count = house.reembed(tick)
    if edge.as_json:
        screen.document({"embedded": count})
    elif count:
        screen.line(f"Embedded {count:,} memories anew.")
    else:
        screen.line("Every memory is embedded with this embedder already.")
