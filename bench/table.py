"""What was measured, against what was aimed at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

HEADINGS = ("what", "figure", "unit", "ratio", "goal", "")
_NUMERIC = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, and the goal for it where there is one.

    Attributes:
        what: in words, with the size it was measured at.
        figure, unit: the figure.
        goal, at_least: the goal, and whether it is a lower bound. It is one for the ratio if `goal_of_ratio`.
        key: a name that stays, such as `recall.p50.10000`, by which documentation and plots find the figure.
        low, high: the ends of its 95 % interval.
        base, against: what it is compared with, in the same unit and from the same run; and what that is.
    """

    what: str
    figure: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    key: str = ""
    low: float | None = None
    high: float | None = None
    base: float | None = None
    against: str = ""
    goal_of_ratio: bool = False

    def __post_init__(self) -> None:
        """A row without a key gets one made of its words."""
        object.__setattr__(self, "key", self.key or re.sub(r"\W+", "-", self.what.lower()).strip("-"))

    @property
    def ratio(self) -> float | None:
        """The figure divided by what it is compared with; None where that is nothing."""
        return self.figure / self.base if self.base else None

    @property
    def verdict(self) -> str:
        """Whether the goal was met; empty where there is none."""
        judged = self.ratio if self.goal_of_ratio else self.figure
        if self.goal is None or judged is None:
            return ""
        met = judged >= self.goal if self.at_least else judged <= self.goal
        return "met" if met else "missed"

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as a table has it, under `HEADINGS`."""
        ratio = "" if self.ratio is None else f"{number(self.ratio)} x {self.against}".rstrip()
        bound = "" if self.goal is None else f"{'≥' if self.at_least else '≤'} {self.goal:,g}"
        between = "" if self.low is None or self.high is None else f" ({number(self.low)} to {number(self.high)})"
        goal = f"{bound} x" if bound and self.goal_of_ratio else bound
        return (self.what, number(self.figure) + between, self.unit, ratio, goal, self.verdict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not measured, and why, in one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Versions:
    """What was measured, beside this project and what it needs: packages and their versions."""

    of: Mapping[str, str]


Found = Row | Skipped | Versions
"""What a measure gives."""


def number(figure: float) -> str:
    """Three figures that count, or all that stand before the point."""
    if figure != figure or figure in (float("inf"), float("-inf")):
        return str(figure)
    size = abs(figure)
    places = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 or size == 0 else 3
    return f"{figure:,.{places}f}"


def show(title: str, rows: Sequence[Row], console: Console) -> None:
    """Print the figures."""
    table = Table(*HEADINGS, title=title, title_justify="left")
    for place in _NUMERIC:
        table.columns[place].justify = "right"
    for row in rows:
        table.add_row(*row.cells)
    console.print(table)


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|" for cells in lines)
