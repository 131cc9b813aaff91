"""What each command does, told to a person."""

from __future__ import annotations

import json
import os
import stat
import sys
import zipfile
from pathlib import Path

import pytest
from rich.console import Console

import severance
from severance.cli.app import EXIT_CODES, app

from .conftest import KEY, Run


def test_from_nothing_to_a_memory(run: Run, tmp_path: Path) -> None:
    made = run("init")
    assert (made.code, "Made a store" in made.out, "severance sever" in made.out) == (0, True, True)
    again = run("init")
    assert (again.code, "already" in again.out) == (0, True)
    severed = run("sever", "irving", "work", "home")
    assert "irving is severed into: home, work." in severed.out
    placed = run("place", "office", "irving=work")
    assert "At office, irving wakes as work." in placed.out
    assert "A crossing must start a new model context" in placed.out
    kept = run("remember", "-", "--at", "office", input="The lamp is broken.\n")
    assert kept.out.startswith("Remembered: ")
    assert "The lamp is broken." in run("recall", "lamp", "--at", "office").out
    assert (tmp_path / "store").is_dir()


def test_place_takes_somebody_away(run: Run, store: Path) -> None:
    assert run("place", "house", "mark=").out.startswith("At house, irving wakes as home.")
    assert run("place", "house", "irving=").out == "Nobody wakes at house.\n"


def test_status_shows_who_and_where_and_no_contents(run: Run, store: Path) -> None:
    shown = run("status")
    assert shown.code == 0
    for word in ("irving", "mark", "work", "home", "outie", "office", "house", "nowhere"):
        assert word in shown.out
    assert "printer" not in shown.out
    assert shown.out.splitlines()[2].split()[-1] == "writes", "records are none of a person's words"
    assert not any(frame in shown.out for frame in "│╭─")
    counts = {line.split()[-1] for line in shown.out.splitlines()[3:] if "home" in line or "outie" in line}
    assert counts == {"0"}, "nobody wrote to them"
    assert shown.out.splitlines()[3].split()[-1] in "02"
    assert {each["persona"]: each["writes"] for each in run("status", "--json").json["personas"]} == {
        "work": 2,
        "home": 0,
        "outie": 0,
    }


def test_status_of_an_empty_house(run: Run) -> None:
    run("init")
    assert "nobody in it yet" in run("status").out


@pytest.mark.parametrize("words", [("--store", "{}", "status"), ("status", "--store", "{}")])
def test_the_store_can_be_named_on_either_side(
    run: Run, store: Path, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVERANCE_STORE", "/nowhere")
    assert run(*(word.format(store) for word in words)).code == 0
    assert run("--store", "/elsewhere", "status", "--store", str(store)).code == 0


def test_the_key_can_be_named_on_either_side(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEVERANCE_KEY")
    spec = f"file:{tmp_path / 'key'}"
    assert run("init", "--key", spec).code == 0
    assert run("--key", spec, "status").code == 0
    assert run("status", "--key", spec).code == 0
    assert run("status").code == 0  # the chip knows where its key is


def test_the_store_is_beneath_home_by_default(run: Run, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEVERANCE_STORE")
    assert run("init").code == 0
    assert (own_home / ".severance").is_dir()


def test_place_and_subject_from_the_environment(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEVERANCE_PLACE", "office")
    assert "second floor" in run("recall", "printer").out
    monkeypatch.setenv("SEVERANCE_PLACE", "house")
    assert run("recall", "printer").code == 2
    monkeypatch.setenv("SEVERANCE_SUBJECT", "mark")
    assert run("recall", "printer").out == "Nothing is remembered here that answers this.\n"
    assert run("remember", "I am mark", "--subject", "mark", "--at", "house").code == 0
    assert "I am mark" in run("recall", "mark", "--at", "house").out


def test_remember_takes_every_field(run: Run, store: Path) -> None:
    words = ("--when", "2020-01-02", "--thread", "t", "--source", "s", "--kind", "fact", "--pin")
    memory = run("remember", "It is so.", *words, "--meta", "n=1", "--meta", "t=x=y", "--at", "office", "--json").json[
        "memory"
    ]
    assert memory["at"] == "2020-01-02T00:00:00+00:00"
    assert (memory["thread"], memory["source"], memory["kind"], memory["pinned"]) == ("t", "s", "fact", True)
    assert memory["metadata"] == {"n": 1, "t": "x=y"}


def test_remembering_the_same_again_says_so(run: Run, store: Path) -> None:
    run("remember", "The same.", "--at", "office")
    assert "now 2 times" in run("remember", "The same.", "--at", "office").out


@pytest.mark.parametrize(
    ("piped", "text"),
    [("one\n", "one"), ("one\r\n", "one"), ("one\n\n", "one\n"), ("\ufeffone", "one"), ("é\n", "é"), ("-", "-")],
)
def test_standard_input_loses_one_newline_and_nothing_else(run: Run, store: Path, piped: str, text: str) -> None:
    memory = run("remember", "-", "--at", "office", "--json", input=piped.encode()).json["memory"]
    assert memory["text"] == text


def test_recall_filters(run: Run, store: Path) -> None:
    def ids(*words: str) -> list[str]:
        found = run("recall", "printer waffles", "--at", "office", "--json", *words).json["recollections"]
        return sorted(hit["memory"]["text"][:5] for hit in found)

    assert ids() == ["Dylan", "The p"]
    assert ids("--limit", "1") in (["Dylan"], ["The p"])
    assert ids("--since", "2024-06-01") == ["Dylan"]
    assert ids("--until", "2024-05-31T12:00Z") == ["The p"]
    assert ids("--thread", "mdr") == ["The p"]
    assert ids("--where", "desk=3") == ["Dylan"]
    assert ids("--where", 'desk="3"') == []
    assert ids("--as-of", "2000-01-01") == []


def test_recall_shows_what_forget_and_amend_need(run: Run, store: Path, printer: str) -> None:
    shown = run("recall", "-", "--at", "office", input="where is the printer?").out
    assert "2024-05-31" in shown
    assert "mdr" in shown
    assert printer in shown
    assert "words: printer" in shown


def test_nothing_in_a_memory_is_markup_or_commands_the_terminal(run: Run, store: Path) -> None:
    text = "[red]zebra[/red] :smile: \x1b[2J \x9b \u202e done"
    run("remember", "-", "--at", "office", input=text)
    shown = run("recall", "zebra", "--at", "office").out
    assert "[red]zebra[/red] :smile: \\x1b[2J \\x9b \\u202e done" in shown
    assert "\x1b" not in shown
    found = run("recall", "zebra", "--at", "office", "--json").json["recollections"][0]
    assert found["memory"]["text"] == text


def test_context_is_a_block_or_nothing(run: Run, store: Path) -> None:
    assert "- [2024-05-31 · mdr] The printer" in run("context", "printer", "--at", "office", "--tokens", "100").out
    assert run("context", "printer", "--at", "house", "--subject", "mark").out == ""


def test_amend_and_history(run: Run, store: Path, printer: str) -> None:
    assert run("amend", printer, "-", "--at", "office", input="It is on the third floor.").code == 0
    assert run("amend", printer, "--pin", "--at", "office").code == 0
    shown = run("history", printer, "--at", "office").out
    assert [line for line in shown.splitlines() if "floor" in line] == [
        "The printer is on the second floor.",
        "It is on the third floor.",
        "It is on the third floor.",
    ]
    nothing = run("amend", printer, "--at", "office")
    assert (nothing.code, "say what to change" in nothing.err) == (2, True)


def test_forget_is_for_good_and_asks(run: Run, store: Path, printer: str) -> None:
    refused = run("forget", printer, "--at", "office")
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert run("forget", printer, "--at", "office", "--yes").out == f"Forgotten: {printer} (1 version).\n"
    gone = run("forget", printer, "--at", "office", "--yes")
    assert (gone.code, gone.err) == (1, "severance: no memory with that id is remembered here\n")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("Yes\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_forget_at_a_terminal(
    run: Run, store: Path, printer: str, answer: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("severance.cli.streams.can_ask", lambda: True)
    ended = run("forget", printer, "--at", "office", input=answer)
    assert ended.code == code
    assert "The printer is on the second floor." in ended.err
    assert (run("history", printer, "--at", "office").code == 1) == (code == 0)


def test_export_to_a_file(run: Run, store: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    assert "Exported 2 memories" in run("export", str(target), "--at", "office").out
    assert [json.loads(line)["source"] for line in target.read_text().splitlines()] == [None, "Dylan"]
    if sys.platform != "win32":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    target.write_text("mine")
    refused = run("export", str(target), "--at", "office")
    assert (refused.code, target.read_text()) == (1, "mine")
    assert run("export", str(target), "--at", "office", "--force").code == 0
    assert target.read_text().count("\n") == 2
    assert [path.name for path in tmp_path.glob("out*")] == ["out.jsonl"]


def test_export_to_standard_output_is_json_lines(run: Run, store: Path) -> None:
    for words in ((), ("-",), ("--json",)):
        lines = run("export", *words, "--at", "office").out.splitlines()
        assert [json.loads(line)["text"][:5] for line in lines] == ["The p", "Dylan"]


def test_check_and_salvage(run: Run, store: Path, tmp_path: Path) -> None:
    assert run("check").out == "Everything is as it was written.\n"
    target = tmp_path / "saved.zip"
    assert "Saved 2 memories of 3 personas" in run("check", "--salvage", str(target)).out
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["irving/home.jsonl", "irving/work.jsonl", "mark/outie.jsonl"]
        assert archive.read("irving/work.jsonl").count(b"\n") == 2
    if sys.platform != "win32":
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert run("check", "--salvage", str(target)).code == 1


def test_salvage_writes_no_name_that_leads_out_of_the_folder(run: Run, store: Path, tmp_path: Path) -> None:
    run("sever", "..", "..", "a\\b", "C:x", "100%")
    target = tmp_path / "saved.zip"
    run("check", "--salvage", str(target))
    with zipfile.ZipFile(target) as archive:
        names = [name for name in archive.namelist() if name.startswith("%")]
    assert sorted(names) == ["%2E%2E/%2E%2E.jsonl", "%2E%2E/100%25.jsonl", "%2E%2E/C%3Ax.jsonl", "%2E%2E/a%5Cb.jsonl"]


def test_backup_and_restore(run: Run, store: Path, tmp_path: Path) -> None:
    target = str(tmp_path / "backup.tar")
    assert "Backed up to" in run("backup", target).out
    assert run("backup", target).code == 1
    assert run("restore", target).code == 1  # a store is there
    assert run("restore", target, "--store", str(tmp_path / "other")).code == 0
    assert "second floor" in run("recall", "printer", "--at", "office", "--store", str(tmp_path / "other")).out
    run("remember", "Later.", "--at", "office")
    assert run("restore", target, "--replace").code == 0
    bare = str(tmp_path / "bare.tar")
    assert "no chip" in run("backup", bare, "--without-chip").out
    run("remember", "Later still.", "--at", "office")
    assert run("restore", bare, "--replace").code == 4
    assert run("restore", bare, "--replace", "--accept-older").code == 0


def test_reembed_has_nothing_to_do(run: Run, store: Path) -> None:
    assert run("reembed").out == "Every memory is embedded with this embedder already.\n"


def test_tour_is_given_a_console_and_ends_with_its_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def touring(data: Path | None, console: object) -> int:
        seen.append(data)
        return 3

    monkeypatch.setattr("severance.tour.run", touring, raising=False)
    assert run("tour").code == 3
    assert run("tour", "--data", "some.json").code == 3
    assert seen == [None, Path("some.json")]


def test_version(run: Run) -> None:
    assert run("version").out == run("--version").out == f"severance {severance.__version__}\n"
    assert run("--json", "version").json == {"version": severance.__version__}


def test_help_lists_every_command_and_the_exit_codes(run: Run) -> None:
    shown = run("--help")
    assert shown.code == 0
    assert " ".join(EXIT_CODES.split()) in " ".join(shown.out.split())
    for command in app.registered_commands:
        assert f"  {command.name} " in shown.out
        assert run(str(command.name), "--help").code == 0


def test_no_command_is_usage(run: Run) -> None:
    assert (run().code, run("--json").error["kind"]) == (2, "UsageError")
    assert "Usage: severance" in run().out


def test_help_warns_of_arguments(run: Run) -> None:
    for command in ("remember", "recall"):
        assert "list of processes" in " ".join(run(command, "--help").out.split())


def test_pretty_exceptions_are_off() -> None:
    assert app.pretty_exceptions_enable is False
    assert app.pretty_exceptions_show_locals is False


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_what_is_exported_stays_private_under_any_umask(run: Run, store: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("export", str(tmp_path / "x.jsonl"), "--at", "office")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.jsonl").stat().st_mode) == 0o600


def test_what_was_written_opens_in_code(run: Run, store: Path) -> None:
    run("remember", "From the command line.", "--at", "office")
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        assert session.recall("command line")[0].memory.text == "From the command line."


@pytest.mark.parametrize("words", [("tour", "--json"), ("--json", "tour")])
@pytest.mark.parametrize("code", [0, 1])
def test_tour_as_json(run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int) -> None:
    def touring(data: Path | None, console: Console) -> int:
        console.print("It holds, or not. ")
        return code

    monkeypatch.setattr("severance.tour.run", touring, raising=False)
    ended = run(*words)
    assert ended.code == code
    assert ended.json == {"held": code == 0, "report": ["It holds, or not."]}
