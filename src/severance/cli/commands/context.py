"""`severance context`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from severance.cli import options, screen, streams, words
from severance.cli.edge import Edge


def run(
    ctx: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY|-", help="What to look for; - reads standard input.", show_default=False)
    ],
    at: options.At = None,
    subject: options.Who = None,
    tokens: Annotated[int, typer.Option("--tokens", help="About how many tokens at most, 16 or more.")] = 1_000,
    since: options.Since = None,
    until: options.Until = None,
    as_of: options.AsOf = None,
    thread: options.InThread = None,
    where: options.Where = None,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Print what answers a query as a block of text for a prompt, oldest first; nothing if nothing comes near it.

    The block belongs into a model context that began with this crossing.
    """
    edge = Edge(ctx, store, key, as_json)
    asked = streams.text_from_input(query, "the query", "ask in fewer words")
    wanted = words.metadata(where)
    with edge.session(at, subject) as session:
        block = session.context(
            asked, tokens=tokens, since=since, until=until, as_of=as_of, thread=thread, where=wanted
        )
    if edge.as_json:
        screen.document({"context": block})
    elif block:
        # To the letter for a program; a terminal gets no control characters.
        sys.stdout.write(f"{screen.shown(block) if streams.has_reader_at_terminal() else block}\n")
