"""The command: `python -m bench`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench import sections
from bench.__main__ import main
from bench.sections import Measure
from bench.table import Row
from benchmark.made_up import conversations
from kit.serving import serving

if TYPE_CHECKING:
    from pathlib import Path

    from bench.settings import Settings
    from bench.table import Found


def test_the_smallest_run_gives_a_table_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    given = ["--only", "speed.personas", "--sizes", "20", "--folder", str(tmp_path / "here"), "--json", str(file)]
    assert main(given) == 0
    assert "recall p50 at 20" in " ".join(capsys.readouterr().out.split())
    text = file.read_text("utf-8")
    whole = json.loads(text)
    assert list(whole) == ["format", "measures"]
    speed = whole["measures"]["speed.personas"]
    assert set(speed) == {"at", "machine", "rows", "skipped"}
    assert {"what", "figure", "unit", "goal", "key", "base", "against"} <= set(speed["rows"][0])
    assert {row["key"] for row in speed["rows"]} >= {"speed.recall.p50.20", "speed.bulk.20"}
    assert str(tmp_path) not in text


def test_what_has_no_data_is_skipped_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "quality.locomo", "--folder", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Skipped: --locomo was not given" in said
    assert "github.com/snap-research/locomo" in said


@pytest.mark.parametrize("name", ["locomo", "cimemories", "clinc"])
@pytest.mark.parametrize("content", ["", "no", "{}", "[]", "[5]", '{"domains": 5}', "\x00"])
def test_a_file_that_holds_something_else_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    given = ["--only", f"quality.{name}", "--folder", str(tmp_path), f"--{name}", str(tmp_path / "x.json")]
    assert main(given) == 0
    assert "Skipped:" in (said := " ".join(capsys.readouterr().out.split()))
    assert "x.json is not" in said


def test_ctrl_c_shows_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(settings: Settings) -> list[Found]:
        raise KeyboardInterrupt

    first = Measure("first", lambda settings: [Row("it went", 5, "times", key="first")])
    monkeypatch.setattr(sections, "chosen", lambda only: {"toy": (first, Measure("second", interrupted))})
    assert main(["--folder", str(tmp_path)]) == 130
    said = capsys.readouterr()
    assert "it went" in said.out
    assert "Interrupted" in said.err


def test_quality_is_measured_where_there_are_data(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    data = conversations(tmp_path / "some.json")
    assert main(["--only", "quality", "--folder", str(tmp_path), "--locomo", str(data), "--json", str(file)]) == 0
    quality = json.loads(file.read_text("utf-8"))["measures"].values()
    rows = {row["key"]: row for measure in quality for row in measure["rows"]}
    assert rows["locomo.r10"]["figure"] == 100.0
    assert rows["locomo.r10"]["against"] == "BM25"
    assert rows["locomo.single-hop.r10"]["figure"] == 100.0
    assert rows["speakers.crossed"]["figure"] == 0
    assert any(key.startswith("without.") for key in rows)
    assert len([sentence for measure in quality for sentence in measure["skipped"]]) == 4


def test_quality_is_measured_with_another_encoder(tmp_path: Path) -> None:
    data = conversations(tmp_path / "some.json")
    file = tmp_path / "figures.json"
    given = ["--only", "quality.locomo", "--locomo", str(data), "--json", str(file), "--folder", str(tmp_path)]
    with serving() as server:
        spec = f"openai:kit@{server.url}"
        assert main([*given, "--embedder", spec]) == 0
        assert server.asked
    measured = json.loads(file.read_text("utf-8"))["measures"]["quality.locomo"]
    assert measured["machine"]["versions"]["embedder"] == "openai:kit"
    assert str(server.url) not in file.read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--only", "velocity"], "nothing is called 'velocity'"),
        (["--sizes", "many"], "--sizes takes"),
        (["--sizes", "0"], "--sizes takes"),
        (["--sizes", "99999999999"], "--sizes takes"),
        (["--embedder", "foo"], "that is no embedder"),
        (["--locomo", "none.json"], "there is no file at none.json"),
        (["--seconds", "-1"], "--seconds takes"),
        (["--peers", "nobody"], "no peer is called 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "some.json"
    file.write_text('{"mine": 1}', encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--only", "speed", "--json", str(file)])
    assert file.read_text("utf-8") == '{"mine": 1}'
