"""`severance recall`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from severance.cli import options, screen, shapes, streams, words
from severance.cli.edge import Edge
from severance.model import Recollection


def run(
    ctx: typer.Context,
    query: Annotated[
        str, typer.Argument(metavar="QUERY|-", help="What to look for; - reads standard input.", show_default=False)
    ],
    at: options.At = None,
    subject: options.Who = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many, 1 to 1,000.")] = 10,
    since: options.Since = None,
    until: options.Until = None,
    as_of: options.AsOf = None,
    thread: options.InThread = None,
    where: options.Where = None,
    full: Annotated[bool, typer.Option("--full", help="Show whole texts, also at a terminal.")] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Find the memories that answer a query best, best first, with the reasons.

    Any words will do, there is no query syntax. Like a text to remember, a query written as an argument is seen in the
    list of processes; - keeps it out.
    """
    edge = Edge(ctx, store, key, as_json)
    asked = streams.text_from_input(query, "the query", "ask in fewer words")
    wanted = words.metadata(where)
    with edge.session(at, subject) as session:
        hits = session.recall(asked, limit=limit, since=since, until=until, as_of=as_of, thread=thread, where=wanted)
    if edge.as_json:
        screen.document({"recollections": [shapes.of_recollection(hit) for hit in hits]})
    else:
        show(hits, full=full or not streams.has_reader_at_terminal())


def show(hits: Sequence[Recollection], *, full: bool) -> None:
    """Recollections for people: whole texts, or one line of each."""
    if not hits:
        screen.line("Nothing is remembered here that answers this.")
        return
    console = screen.console()
    for hit in hits:
        memory = hit.memory
        labels = [screen.on_one_line(label) for label in (memory.thread, memory.source) if label]
        score, day = (f"{hit.score:.3f}", "bold"), f"  {memory.at.date().isoformat()}  "
        head = Text.assemble(score, day, (" · ".join(labels), "cyan"))
        console.print(head, soft_wrap=True)
        if full:
            console.print(Text(screen.shown(memory.text)), soft_wrap=True)
        else:
            console.print(Text(screen.on_one_line(memory.text)), no_wrap=True, overflow="ellipsis")
        reasons = screen.on_one_line("; ".join(hit.reasons))
        console.print(Text(f"{memory.id}  {reasons}", style="dim"), soft_wrap=True)
        console.print()
