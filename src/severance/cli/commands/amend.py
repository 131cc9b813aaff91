"""`severance amend`."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.cli import options, screen, shapes, streams, words
from severance.cli.edge import Edge
from severance.errors import InputError


def run(
    ctx: typer.Context,
    id: options.Id,  # noqa: A002 - the word that people know
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT|-", help="What it says from now on; - reads standard input.", show_default=False),
    ] = None,
    at: options.At = None,
    subject: options.Who = None,
    when: options.Happened = None,
    thread: options.Thread = None,
    source: options.Source = None,
    kind: Annotated[str | None, typer.Option("--kind", help="What sort of memory it is.", show_default=False)] = None,
    meta: options.Meta = None,
    pin: Annotated[bool | None, typer.Option("--pin/--unpin", help="Let it come before equals, or no longer.")] = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Put a new version in the place of a memory. What is not given stays; the old version is kept in its history.

    Metadata that is given replaces all metadata. As with `remember`, - keeps the text out of the list of processes.
    """
    edge = Edge(ctx, store, key, as_json)
    given = None if text is None else streams.text_from_input(text, "the text")
    metadata = words.metadata(meta)
    if all(value is None for value in (given, when, thread, source, kind, metadata, pin)):
        raise InputError("say what to change: a text, or one of the options")
    with edge.session(at, subject) as session:
        memory = session.amend(
            id, given, at=when, thread=thread, source=source, kind=kind, metadata=metadata, pinned=pin
        )
    if edge.as_json:
        screen.document({"memory": shapes.of_memory(memory)})
    else:
        screen.line(f"Amended: {memory.id}")
