"""Rows: ratios, goals, and how they are shown."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from bench.table import HEADINGS, Row, markdown, number, show


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("x", 5, "ms", 5), "met"),
        (Row("x", 5.1, "ms", 5), "missed"),
        (Row("x", 5, "%", 5, at_least=True), "met"),
        (Row("x", 4.9, "%", 5, at_least=True), "missed"),
        (Row("x", 3, "ms", 1.5, base=2, goal_of_ratio=True), "met"),
        (Row("x", 3.2, "ms", 1.5, base=2, goal_of_ratio=True), "missed"),
        (Row("x", 3, "ms", 1.5, goal_of_ratio=True), ""),
        (Row("x", 3, "ms"), ""),
    ],
)
def test_a_goal_is_met_or_missed(row: Row, verdict: str) -> None:
    assert row.verdict == verdict


def test_a_ratio_is_the_figure_by_what_it_is_compared_with() -> None:
    assert Row("x", 3, "ms", base=2).ratio == 1.5
    assert Row("x", 3, "ms", base=0).ratio is None
    assert Row("x", 3, "ms").ratio is None


def test_a_row_without_a_key_gets_one_of_its_words() -> None:
    assert Row("Recall p50, at 10,000", 1, "ms").key == "recall-p50-at-10-000"
    assert Row("Recall", 1, "ms", key="recall.p50").key == "recall.p50"


def test_a_row_shows_figure_interval_ratio_and_goal() -> None:
    row = Row("recall", 80.04, "%", 1.2, True, low=77.0, high=83.0, base=60.0, against="BM25", goal_of_ratio=True)
    assert row.cells == ("recall", "80.0 (77.0 to 83.0)", "%", "1.33 x BM25", "≥ 1.2 x", "met")


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (0, "0.00"),
        (0.1234, "0.123"),
        (1.234, "1.23"),
        (12.34, "12.3"),
        (123.4, "123"),
        (98_765.4, "98,765"),
        (-4.07, "-4.07"),
    ],
)
def test_numbers_have_the_figures_that_count(figure: float, shown: str) -> None:
    assert number(figure) == shown


def test_a_table_shows_all_rows() -> None:
    out = StringIO()
    show("speed", [Row("recall", 1, "ms"), Row("waking", 2, "ms")], Console(file=out, width=200))
    assert {"recall", "waking", "speed"} <= set(out.getvalue().split())
    assert markdown(HEADINGS, [Row("recall", 1, "ms").cells]).splitlines()[2] == "| recall | 1.00 | ms | | | |"
