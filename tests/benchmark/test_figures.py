"""Figures as JSON, as tables and as plots."""

from __future__ import annotations

import getpass
import json
import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench import figures, pages
from bench.peers.adapters import KNOWN
from bench.table import Row
from benchmark.made_up import MACHINE, measured, one, peer_rows


def test_what_is_written_is_read(tmp_path: Path) -> None:
    figures.write(tmp_path / "deep" / "some.json", measured())
    assert figures.read(tmp_path / "deep" / "some.json") == measured()


def test_what_was_not_measured_again_stays(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    figures.write(file, measured())
    figures.write(file, {"speed.personas": one(Row("recall", 7, "ms"))})
    found = figures.read(file)
    assert figures.rows(found, "speed") == [Row("recall", 7, "ms")]
    assert figures.part(found, "peers") == [measured()["peers.speed"]]


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": 99, "measures": {}}', "no json"])
def test_another_file_is_not_taken_for_figures(content: str, tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ValueError):
        figures.read(file)


def test_the_machine_is_described_and_not_named() -> None:
    found = figures.machine()
    assert set(found) == set(MACHINE)
    assert found["versions"]["numpy"]
    written = json.dumps(found)
    for private in (platform.node(), getpass.getuser(), str(Path.home())):
        assert not re.search(rf'[" /]{re.escape(private)}[" /]', written)


def test_the_day_machine_and_load_are_said() -> None:
    quiet = "2026-02-03, 2 cores of x86_64 (skylake), 8 GB, Linux, Python 3.13.1"
    timed, found = Row("recall", 1, "ms"), Row("recall", 80, "%")
    assert pages.when([one(timed)]) == quiet
    assert pages.when([one(timed, provisional=True)]).startswith(f"{quiet}; provisional")
    assert pages.when([one(found, provisional=True)]) == quiet


def test_what_is_the_same_for_several_measures_is_said_once() -> None:
    busy = one(Row("recall", 1, "ms"), provisional=True)
    assert pages.when([one(), one(), busy]) == pages.when([busy])
    assert pages.when([one(), one(cores=8)]).count("2026-02-03") == 2


@pytest.mark.parametrize("name", pages.TABLES)
def test_every_table_is_made_of_figures_or_says_that_there_are_none(name: str) -> None:
    full = pages.TABLES[name](measured())
    assert full.count("|") > 20
    assert name == "ablations" or "2026-02-03" in full
    assert "Nothing was measured" in pages.TABLES[name]({})


def test_the_table_of_peers_has_ratios_versions_and_what_is_missing() -> None:
    table = pages.peers(measured())
    assert "| Chroma | 4.00 (8.00 x) |" in table
    assert "| Chroma | chromadb 1.5.9 | 60.0 (57.0 to 63.0) | 20 of 20: utf-8, vector |" in table
    assert "- LanceDB is not installed" in table


def test_a_peer_without_figures_is_named_with_why() -> None:
    table = pages.peers(measured())
    [small, large, *_] = [part for part in table.split("\n\n") if part.startswith("Not asked in this run")]
    assert "mem0, local Qdrant; LangGraph InMemoryStore" in small
    assert "Chroma" not in small
    assert small.endswith("Asked, and not all measured, for the reason below: LanceDB.")
    assert small == large


def test_a_peer_that_was_given_up_at_a_size_is_named_there_and_not_elsewhere() -> None:
    of = measured()["peers.speed"]
    rows = tuple(row for row in of.rows if row.key != "peers.chroma.recall.p50.10000")
    said = "Chroma at 10,000, speed: 7 were written in 1 s, and it was not asked."
    given = {"peers.speed": one(*rows, skipped=(said,))}
    assert "for the reason below: Chroma." in pages.left_out(given, "speed", 10_000)
    assert "Chroma" not in pages.left_out(given, "speed", 1_000)


def test_where_all_are_measured_nothing_is_left_out() -> None:
    rows = [row for name in KNOWN for row in peer_rows(name, 1.0, 50.0, 3)]
    assert pages.left_out({"peers.speed": one(*rows)}, "speed", 1_000) == ""


def test_the_readme_says_with_whom_nothing_was_compared() -> None:
    of = measured()["peers.speed"]
    faster = Row("Chroma, fastest", 8, "times", key="peers.faster.100000")
    rows = [replace(row, key=row.key.replace(".10000", ".100000")) for row in of.rows]
    skipped = tuple(why.replace("10,000", "100,000") for why in of.skipped)
    said = pages.readme({"peers.speed": one(*rows, faster, skipped=skipped)})
    assert "Recall at 100,000 is compared with some of the other memories only. Not asked in this run" in said
    assert said.endswith("for the reason that [Benchmarks](docs/benchmarks.md) gives: LanceDB.")


def test_the_readme_has_five_rows_at_most_and_links_the_others() -> None:
    text = (pages.ROOT / "README.md").read_text("utf-8")
    block = text.partition("<!-- figures: readme -->")[2].partition("<!-- end of figures -->")[0]
    rows = [line for line in block.splitlines() if line.startswith("| ")][2:]
    assert 3 <= len(rows) <= 5
    assert "[Benchmarks](docs/benchmarks.md)" in text


def test_a_page_is_filled_between_its_marks_and_nowhere_else() -> None:
    page = "above\n<!-- figures: speed -->\nold\n<!-- end of figures -->\nbelow\n"
    new = pages.filled(page, measured())
    assert new.startswith("above\n<!-- figures: speed -->\n")
    assert new.endswith("<!-- end of figures -->\nbelow\n")
    assert "old" not in new
    assert "recall p50 at 10,000" in new
    assert pages.filled(new, measured()) == new


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_the_documentation_has_the_figures_of_the_file(page: Path) -> None:
    text = page.read_text("utf-8")
    assert "<!-- figures: " in text
    assert text == pages.filled(text, figures.read(pages.FIGURES)), "run `python -m bench.pages`"


def test_the_same_figures_give_the_same_plots(tmp_path: Path) -> None:
    plots = pytest.importorskip("bench.plots", reason="matplotlib is in the group `bench`", exc_type=ImportError)
    first, second = plots.draw(measured(), tmp_path / "a"), plots.draw(measured(), tmp_path / "b")
    assert [file.stem for file in first] == list(plots.PLOTS)
    assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]
    drawn = (tmp_path / "a" / "recall.svg").read_text("utf-8")
    assert "Severance" in drawn
    assert "Chroma" in drawn


def test_nothing_is_drawn_of_nothing(tmp_path: Path) -> None:
    plots = pytest.importorskip("bench.plots", reason="matplotlib is in the group `bench`", exc_type=ImportError)
    assert plots.draw({}, tmp_path / "a") == []
