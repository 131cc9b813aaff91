"""The figures as plots, in SVG: the same figures give the same files, to be read on light and on dark pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.figures import Figures, rows
from bench.peers.adapters import KNOWN, OURS
from bench.table import Row

_INK = "#7a7a7a"
"""A grey that stands out from white and from black."""

_OURS = "#e0622a"
_OTHERS = ("#3d87c9", "#4a9d5f", "#a06cc0", "#b28a1e", "#2a9d9d", "#c05a8a", "#7d8a96")
_MARKS = "sD^vPX*"
_STYLE = {
    "svg.hashsalt": "severance",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.frameon": False,
    "grid.color": _INK,
    "grid.alpha": 0.25,
}
_COMPARED_AT = 10_000


def draw(measured: Figures, folder: Path) -> list[Path]:
    """Draw what there are figures for; returns the files.

    Args:
        measured: what was measured, by name.
        folder: made if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    with _styled():
        for name, plot in PLOTS.items():
            figure = plot(measured)
            if figure is not None:
                path = folder / f"{name}.svg"
                figure.savefig(path, transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None})
                made.append(path)
    return made


def recall(measured: Figures) -> Figure | None:
    """How long recall takes, by the number of memories, Severance and its peers."""
    times = {name: sorted(_sizes(measured, f"peers.{name}.recall.p50.")) for name in KNOWN}
    times = {name: points for name, points in times.items() if points}
    if not times:
        return None
    figure, axes = _axes("Recall, p50, query embedding included", "memories", "ms")
    for name, points in times.items():
        axes.plot(*zip(*points, strict=True), **_look(name), label=KNOWN[name].title)
    _by_tens(axes, "x")
    _by_tens(axes, "y")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def found(measured: Figures) -> Figure | None:
    """What is found against how long it takes."""
    figures = {
        name: (took.figure, recalled)
        for name in KNOWN
        if (took := _row(measured, f"peers.{name}.recall.p50.{_COMPARED_AT}"))
        and (recalled := _row(measured, f"peers.{name}.r10"))
    }
    if not figures:
        return None
    figure, axes = _axes("Found on LoCoMo, and how fast", f"recall p50 at {_COMPARED_AT:,} memories, ms", "R@10, %")
    for name, (took_ms, recalled) in figures.items():
        error = [[_below(recalled)], [_above(recalled)]]
        axes.errorbar(
            [took_ms], [recalled.figure], error, **{**_look(name), "linestyle": ""}, capsize=3, label=KNOWN[name].title
        )
    _by_tens(axes, "x")
    axes.grid(visible=True, which="major")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def locomo(measured: Figures) -> Figure | None:
    """R@10 by category, beside plain BM25."""
    tens = [row for row in rows(measured, "quality") if row.key.startswith("locomo.") and row.key.endswith("r10")]
    if not tens:
        return None
    figure, axes = _axes("LoCoMo by category, with 95 % intervals", "", "R@10, %")
    places = range(len(tens))
    errors = [[_below(row) for row in tens], [_above(row) for row in tens]]
    axes.bar([at - 0.2 for at in places], [row.figure for row in tens], 0.38, yerr=errors, color=_OURS, ecolor=_INK)
    axes.bar([at + 0.2 for at in places], [row.base or 0 for row in tens], 0.38, color=_OTHERS[-1])
    axes.set_xticks(list(places), [row.key.split(".")[1] if row.key.count(".") > 1 else "all" for row in tens])
    axes.set_ylim(0, 100)
    axes.legend(["Severance", "BM25"], loc="center left", bbox_to_anchor=(1.0, 0.5), labelcolor=_INK)
    return figure


PLOTS: dict[str, Callable[[Figures], Figure | None]] = {"recall": recall, "found": found, "locomo": locomo}
"""The plots by the name of their file; None where there are no figures for one."""


@contextmanager
def _styled() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def _axes(title: str, across: str, up: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return figure, axes


def _by_tens(axes: Any, which: str) -> None:
    """A logarithmic axis, `x` or `y`, with numbers as people write them."""
    axes.set(**{f"{which}scale": "log"})
    axis = getattr(axes, f"{which}axis")
    axis.set_major_formatter(FuncFormatter(lambda figure, _: f"{figure:,g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.grid(visible=True, which="major")


def _look(name: str) -> dict[str, Any]:
    if name == OURS:
        return {"color": _OURS, "marker": "o", "linewidth": 2.5, "zorder": 3}
    place = list(KNOWN).index(name) - 1
    return {"color": _OTHERS[place % len(_OTHERS)], "marker": _MARKS[place % len(_MARKS)], "linewidth": 1.3}


def _sizes(measured: Figures, start: str) -> list[tuple[int, float]]:
    found = (row for row in rows(measured, "peers") if row.key.startswith(start))
    return [(int(row.key.rsplit(".", 1)[1]), row.figure) for row in found]


def _row(measured: Figures, key: str) -> Row | None:
    return next((row for row in rows(measured, "peers") if row.key == key), None)


def _below(row: Row) -> float:
    return 0.0 if row.low is None else row.figure - row.low


def _above(row: Row) -> float:
    return 0.0 if row.high is None else row.high - row.figure
