"""What is absent is said in one sentence, and which measures are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.sections import SECTIONS, chosen
from bench.settings import DATA, AbsentError, Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", DATA)
def test_absent_data_are_named_with_where_they_are_and_what_is_skipped(name: str, tmp_path: Path) -> None:
    for path, reason in ((None, f"--{name} was not given"), (tmp_path / "none.json", "there is no file at")):
        with pytest.raises(AbsentError) as told:
            Settings(folder=tmp_path, **{name: path}).need(name)
        sentence = str(told.value)
        assert reason in sentence
        assert DATA[name].published in sentence
        assert DATA[name].skipped in sentence
        assert "\n" not in sentence


def test_data_that_are_there_are_given(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text("[]", encoding="utf-8")
    assert Settings(folder=tmp_path, locomo=file).need("locomo") == file


def test_without_names_everything_is_measured() -> None:
    assert chosen(()) == SECTIONS


def test_a_section_or_one_of_its_measures_is_chosen() -> None:
    assert chosen(("quality",)) == {"quality": SECTIONS["quality"]}
    [(section, measures)] = chosen(("speed.personas",)).items()
    assert (section, [measure.name for measure in measures]) == ("speed", ["personas"])
    assert list(chosen(("speed.personas", "quality.locomo"))) == ["quality", "speed"]


@pytest.mark.parametrize("name", ["velocity", "speed.nothing", "personas", ""])
def test_a_name_that_means_nothing_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(ValueError, match=r"speed\.personas"):
        chosen((name,))


def test_no_measure_has_the_name_of_another() -> None:
    for measures in SECTIONS.values():
        names = [measure.name for measure in measures]
        assert len(set(names)) == len(names)
