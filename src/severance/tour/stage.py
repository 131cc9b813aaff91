"""How the tour looks: headings, tables and verdicts, at a width that fits any terminal, and readable without colour."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

_WIDEST = 96


class Stage:
    """A console, and the few things that are put on it. Texts are printed, never interpreted as markup."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(console.width, _WIDEST)

    def put(self, thing: RenderableType = "") -> None:
        """Print one thing, no wider than the stage."""
        self.console.print(thing, width=self.width)

    def heading(self, title: str, why: str) -> None:
        """Begin an act: its title, and in one sentence why it matters."""
        self.put()
        self.put(Rule(Text(title, style="bold"), align="left", style="cyan"))
        self.put(Text(why, style="italic"))
        self.put()

    def say(self, text: str, style: str = "") -> None:
        """A plain line or two."""
        self.put(Text(text, style=style))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
        """A table; the columns in `numbers` stand to the right."""
        table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
        for place, name in enumerate(columns):
            table.add_column(Text(name), justify="right" if place in numbers else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self.put(table)

    def panel(self, title: str, content: str) -> None:
        """A framed text."""
        self.put(Panel(Text(content), title=Text(title), title_align="left", border_style="cyan", expand=True))

    def verdict(self, good: bool, text: str) -> bool:
        """Say how an act went, and return it."""
        mark = Text("  holds  " if good else "  BROKEN  ", style="bold reverse green" if good else "bold reverse red")
        self.put(Padding(Text.assemble(mark, "  ", text), (0, 0, 0, 0)))
        return good
