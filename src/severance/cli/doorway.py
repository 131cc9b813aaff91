"""What the commands for permits, place credentials and owner tokens have in common: a list of them, and their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from rich.text import Text

from severance.cli import screen, shapes, words
from severance.cli.edge import Edge
from severance.cli.newfile import new_file
from severance.errors import InputError

T = TypeVar("T")


def show(
    edge: Edge,
    found: Sequence[T],
    names: tuple[str, str],
    columns: tuple[str, ...],
    *,
    shape: Callable[[T], dict[str, Any]],
    row: Callable[[T], tuple[str, ...]],
    over: Callable[[T], datetime | None],
) -> None:
    """Print them as a table, or as JSON.

    Args:
        edge: which of the two.
        found: what there is.
        names: what many of them are, as a key of JSON and in a sentence.
        columns: the headings; the last is that of `over`.
        shape: one of them as JSON.
        row: the other cells of one.
        over: when it ended, if it did.
    """
    if edge.as_json:
        screen.document({names[0]: [shape(info) for info in found]})
        return
    if not found:
        screen.line(f"There are no {names[1]}.")
        return
    table = screen.table(*columns)
    for info in found:
        ended = over(info)
        table.add_row(*row(info), Text(shapes.short(ended)) if ended else Text("open", style="green"))
    screen.console().print(table)


def end_of(length: str | None, until: str | None) -> timedelta | str | None:
    """When something ends, as --for or --until says; None where neither does.

    Raises:
        InputError: both do.
    """
    if length is not None and until is not None:
        raise InputError("--for and --until both say when it ends; give one of them")
    return until if length is None else words.length(length, "--for")


def hand_out(edge: Edge, what: str, made: Callable[[], str], out: Path | None) -> None:
    """Make a text that lets somebody in, and print it, or write it to a new file of mode 0600.

    Args:
        edge: whether what is printed is JSON.
        what: what the text is, as a key of JSON.
        made: makes it; not called where there cannot be such a file.
        out: the file, or None.

    Raises:
        StoreError: the name is taken, or the file cannot be written.
    """
    if out is None:
        text = made()
        if edge.as_json:
            screen.document({what: text})
        else:
            screen.line(text)
        return
    with new_file(out) as file:
        file.write(f"{made()}\n".encode())
    if edge.as_json:
        screen.document({"file": str(out)})
    else:
        screen.line(f"Written to {out}, which you alone can read.")


def revoke(edge: Edge, id: str) -> None:  # noqa: A002 - the word that callers know
    """End the permit or the credential that has this id, and say so."""
    with edge.house() as house:
        house.revoke(id)
    if edge.as_json:
        screen.document({"revoked": id})
    else:
        screen.line("Revoked: it opens nothing, and sessions that it opened end at their next call.")
