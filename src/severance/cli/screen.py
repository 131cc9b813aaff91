"""What a person reads: Rich on a terminal, plain lines everywhere else. And what a program reads: one JSON document."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from severance.cli import streams

# Nothing is cut or wrapped for a width that a file does not have.
_NO_WIDTH = 100_000
_KEPT = frozenset("\n\t")
# Characters that reorder what stands around them: a text could show other words than it holds.
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def console(*, errors: bool = False) -> Console:
    """A console for standard output, or for standard error.

    Nothing in the text is taken for markup: what somebody remembered is printed, not interpreted.
    """
    stream = sys.stderr if errors else sys.stdout
    at_terminal = stream is not None and stream.isatty()
    made = Console(file=stream, markup=False, emoji=False, highlight=False)
    if not at_terminal and not made.is_terminal:
        made.width = _NO_WIDTH
    return made


def line(text: str = "", style: str = "") -> None:
    """Print one line to standard output, not wrapped, with nothing in it that a terminal would obey."""
    console().print(Text(shown(text), style=style), soft_wrap=True)


def table(*columns: str) -> Table:
    """A table with a frame on a terminal, and plain columns elsewhere. Its texts are made harmless."""
    framed = streams.has_reader_at_terminal()
    made = _Shown(box=box.ROUNDED if framed else None, pad_edge=framed)
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def document(content: object) -> None:
    """Print one JSON document on one line."""
    sys.stdout.write(json.dumps(content, ensure_ascii=not streams.is_utf8()) + "\n")


def shown(text: str) -> str:
    """`text` safe to show at a terminal: control characters, which could command it, become visible escapes."""
    if text.isprintable():
        return text
    return "".join(char if _harmless(char) else char.encode("unicode_escape").decode("ascii") for char in text)


def on_one_line(text: str) -> str:
    """`text` safe to show, its white space folded into single blanks."""
    return shown(" ".join(text.split()))


class _Shown(Table):
    """Makes every text in a cell safe to show."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        super().add_row(*map(_cell, cells), **more)


def _cell(cell: Any) -> Any:
    if isinstance(cell, Text):
        safe = on_one_line(cell.plain)
        return cell if safe == cell.plain else Text(safe, style=cell.style)
    return on_one_line(cell) if isinstance(cell, str) else cell


def _harmless(char: str) -> bool:
    return char in _KEPT or (unicodedata.category(char) not in ("Cc", "Cs") and char not in _REORDERING)
