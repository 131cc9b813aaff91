"""`severance remember`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes, streams, words
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    text: Annotated[
        str, typer.Argument(metavar="TEXT|-", help="What to remember; - reads standard input.", show_default=False)
    ],
    at: options.At = None,
    subject: options.Who = None,
    when: options.Happened = None,
    thread: options.Thread = None,
    source: options.Source = None,
    kind: Annotated[str, typer.Option("--kind", help="What sort of memory it is.")] = "note",
    meta: options.Meta = None,
    pin: Annotated[bool, typer.Option("--pin", help="Let it come before equals.")] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Keep one memory.

    A text written as an argument is seen in the list of processes and stays in the shell's history; with - it comes
    from standard input, and does neither.
    """
    edge = Edge(ctx, store, key, as_json)
    given = streams.text_from_input(text, "the text")
    metadata = words.metadata(meta)
    with edge.session(at, subject) as session:
        memory = session.remember(
            given, at=when, thread=thread, source=source, kind=kind, metadata=metadata, pinned=pin
        )
    if edge.as_json:
        screen.document({"memory": shapes.of_memory(memory)})
    elif memory.repeats > 1:
        screen.line(f"Remembered before, now {memory.repeats:,} times: {memory.id}")
    else:
        screen.line(f"Remembered: {memory.id}")
