"""What was measured, against what was aimed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and the goal for it where there is one."""

    what: str
    figure: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def verdict(self) -> str:
        """Whether the goal was met; empty where there is none."""
        if self.goal is None:
            return ""
        met = self.figure >= self.goal if self.at_least else self.figure <= self.goal
        return "met" if met else "missed"


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the figures."""
    table = Table("what", "figure", "unit", "goal", "")
    table.columns[1].justify = table.columns[3].justify = "right"
    for row in rows:
        goal = "" if row.goal is None else f"{'≥' if row.at_least else '≤'} {row.goal:,g}"
        table.add_row(row.what, f"{row.figure:,.2f}", row.unit, goal, row.verdict)
    console.print(table)
