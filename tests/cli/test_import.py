"""Importing: once, in batches, with a report."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from severance.capture import secrets
from severance.errors import InputError, StoreFullError
from severance.session import Session
from severance.transfer import markdown

from .conftest import Run, command


def _lines(path: Path, texts: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return path


def _import(run: Run, path: Path, *words: str) -> dict[str, object]:
    found = run("import", str(path), "--at", "office", "--json", *words).json
    assert isinstance(found, dict)
    return found


def test_a_second_import_adds_nothing(run: Run, store: Path, tmp_path: Path) -> None:
    source = _lines(tmp_path / "a.jsonl", [f"fact number {n}" for n in range(1_300)])
    first = _import(run, source)
    assert (first["imported"], first["already_there"], first["finished"]) == (1_300, 0, True)
    second = _import(run, source)
    assert (second["imported"], second["already_there"]) == (0, 1_300)
    assert len(run("export", "--at", "office").out.splitlines()) == 1_302
    with source.open("a") as file:
        file.write('{"text": "one more"}\n')
    third = _import(run, source)
    assert (third["imported"], third["already_there"]) == (1, 1_300)


def test_another_persona_has_not_imported_it(run: Run, store: Path, tmp_path: Path) -> None:
    source = _lines(tmp_path / "a.jsonl", ["a fact"])
    _import(run, source)
    again = run("import", str(source), "--at", "house", "--subject", "irving", "--json").json
    assert again["imported"] == 1


def test_an_entry_twice_in_one_source_is_imported_once(run: Run, store: Path, tmp_path: Path) -> None:
    report = _import(run, _lines(tmp_path / "a.jsonl", ["same", "same"]))
    assert (report["imported"], report["already_there"]) == (1, 1)


def test_an_export_imported_elsewhere_is_the_same(run: Run, store: Path, tmp_path: Path, printer: str) -> None:
    run("remember", "Dylan likes waffles.", "--source", "Dylan", "--meta", "desk=3", "--at", "office")  # again
    run("amend", printer, "It moved.", "--at", "office")
    run("export", str(tmp_path / "out.jsonl"), "--at", "office")
    words = ("--at", "house", "--subject", "mark")
    assert run("import", str(tmp_path / "out.jsonl"), *words).code == 0
    kept = [json.loads(line) for line in run("export", *words).out.splitlines()]
    told = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    fields = ("text", "at", "thread", "source", "kind", "metadata", "pinned", "repeats")
    assert [[entry[name] for name in fields] for entry in kept] == [[entry[name] for name in fields] for entry in told]
    assert run("import", str(tmp_path / "out.jsonl"), *words, "--json").json["already_there"] == 2


def test_repeats_have_a_bound_and_old_versions_stay_out(run: Run, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.jsonl"
    old = {"text": "old", "id": "a" * 30, "superseded_by": "b" * 30}
    source.write_text(json.dumps({"text": "often", "repeats": 10**9}) + "\n" + json.dumps(old) + "\n")
    report = _import(run, source)
    assert (report["imported"], report["skipped"]) == (1, 1)
    often = [json.loads(line) for line in run("export", "--at", "office").out.splitlines() if "often" in line]
    assert often[0]["repeats"] == 100


def test_a_half_valid_file(run: Run, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "half.jsonl"
    source.write_bytes(b'{"text": "good"}\n{"text": ""}\nnot json\n\xff\xfe\n{"text": "also good"}\n')
    ended = run("import", str(source), "--at", "office")
    assert ended.code == 0
    assert "Imported 2 from jsonl" in ended.out
    assert "skipped line 3: it is not valid JSON" in ended.out


def test_the_first_twenty_that_were_skipped(run: Run, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    source.write_text('{"text": "good"}\n' + "nonsense\n" * 33)
    report = _import(run, source)
    assert report["skipped"] == 33
    assert isinstance(report["first_skipped"], list)
    assert len(report["first_skipped"]) == 20
    assert "and 13 more" in run("import", str(source), "--at", "office").out


def test_all_skipped_is_a_failure(run: Run, store: Path, tmp_path: Path) -> None:
    source = tmp_path / "bad.jsonl"
    source.write_text('{"no": "text"}\n' * 3)
    ended = run("import", str(source), "--at", "office", "--format", "jsonl", "--json")
    assert (ended.code, ended.json["skipped"], ended.json["finished"]) == (1, 3, True)


def test_formats_and_options(run: Run, store: Path, tmp_path: Path) -> None:
    source = _lines(tmp_path / "a.jsonl", ["x"])
    for words in (("--format", "nonsense"), ("--option", "x"), ("--option", "speaker=Ann")):
        ended = run("import", str(source), "--at", "office", *words)
        assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert run("import", str(tmp_path / "missing"), "--at", "office").code == 2
    (tmp_path / "empty").write_bytes(b"")
    assert run("import", str(tmp_path / "empty"), "--at", "office").code == 2


def test_a_markdown_folder(run: Run, store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Plants\n\nThe fern needs water on Mondays.\n")
    (folder / "b.txt").write_text("The goats are fed at noon.\n")
    assert _import(run, folder)["imported"] == 2
    assert _import(run, folder)["already_there"] == 2
    assert "fern" in run("recall", "who needs water?", "--at", "office").out


def test_what_of_a_folder_is_left_out_is_said(run: Run, store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Plants\n\nThe fern needs water on Mondays.\n")
    assert "left out" not in run("import", str(folder), "--at", "office").out
    for name in ("b.pdf", "c.pdf", "d.png", ".hidden", "Makefile", *(f"x.e{n}" for n in range(9))):
        (folder / name).write_text("the goats are fed at noon")
    told = run("import", str(folder), "--at", "office")
    assert told.out.splitlines()[1:] == [
        "  left out: 2 .pdf, 1 .e0, 1 .e1, 1 .e2, 1 .e3, 1 .e4, 1 .e5, 1 .e6, 5 of other kinds; --json names them"
    ]
    report = _import(run, folder)
    assert isinstance(report["left_out"], dict)
    assert sum(report["left_out"].values()) == 14
    assert report["left_out"][".pdf"] == 2
    assert isinstance(report["first_left_out"], list)
    assert {"b.pdf", ".hidden", "Makefile"} < set(report["first_left_out"])
    assert "goats" not in run("export", "--at", "office").out


def test_standard_input_is_imported(run: Run, store: Path, tmp_path: Path) -> None:
    lines = '{"text": "The fern needs water on Mondays."}\n"Goats eat it."\n'
    assert run("import", "-", "--at", "office", "--json", input=lines).json["imported"] == 2
    assert run("import", "-", "--at", "office", "--json", input=lines).json["already_there"] == 2
    assert run("import", str(_lines(tmp_path / "a.jsonl", ["Goats eat it."])), "--at", "office").code == 0
    notes = run("import", "-", "--format", "markdown", "--at", "office", input="# Beds\n\nBeans.\n")
    assert notes.out.startswith("Imported 1 from markdown;")
    for given, words in (("", ()), ("only text", ()), ("x", ("--format", "nonsense"))):
        refused = run("import", "-", "--at", "office", *words, input=given)
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)


def test_a_failure_in_the_middle_says_what_was_kept(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Session.remember_many
    calls: list[int] = []

    def failing(self: Session, items: list[object]) -> object:
        calls.append(len(items))
        if len(calls) == 3:
            raise StoreFullError("the disk is full")
        return whole(self, items)  # type: ignore[arg-type]

    source = _lines(tmp_path / "a.jsonl", [f"fact {n}" for n in range(2_000)])
    monkeypatch.setattr(Session, "remember_many", failing)
    ended = run("import", str(source), "--at", "office")
    assert ended.code == 1
    assert ended.out.startswith("Before it ended, imported 1,024 ")
    assert ended.err == "severance: the disk is full\n"
    monkeypatch.undo()


@pytest.mark.skipif(sys.platform == "win32", reason="a signal to one process is POSIX")
@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_keeps_what_was_imported(run: Run, store: Path, tmp_path: Path, as_json: bool) -> None:
    total = 60_000
    source = _lines(tmp_path / "a.jsonl", [f"fact number {n} about the {n % 97}th thing" for n in range(total)])
    words = ("import", str(source), "--at", "office", *(["--json"] if as_json else []))
    began = _size(store)
    process = subprocess.Popen(
        command(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    patience = time.monotonic() + 600
    while _size(store) < began + 500_000 and process.poll() is None and time.monotonic() < patience:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130
    kept = len(run("export", "--at", "office").out.splitlines()) - 2
    assert 0 < kept < total
    if as_json:
        report = json.loads(out)
        assert (report["imported"], report["finished"]) == (kept, False)
        assert json.loads(err)["error"]["kind"] == "Interrupted"
    else:
        assert out.decode().startswith(f"Before it ended, imported {kept:,} ")
        assert "Import it again to go on" in out.decode()
        assert err.decode() == "severance: interrupted\n"
        rest = _import(run, source)
        assert (rest["imported"], rest["already_there"]) == (total - kept, kept)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


SECRET = "correct-horse-7"


def _exported(run: Run) -> list[dict[str, object]]:
    return [json.loads(line) for line in run("export", "--at", "office").out.splitlines()]


def _chat() -> list[object]:
    said = {"uuid": "m1", "sender": "human", "text": f"My password: {SECRET}", "created_at": "2024-03-01T10:00:00Z"}
    return [{"uuid": "c1", "name": f"The password: {SECRET}", "chat_messages": [said]}]


SOURCES = {
    "notes/plan.md": f"# Plan\n\nWe ship.\n\n## Access\n\nThe staging password: {SECRET}\n",
    "notes/plan.txt": f"The staging password: {SECRET}\n",
    "one.md": f'---\ntitle: "password: {SECRET}"\n---\nThe staging password: {SECRET}\n',
    "hand.jsonl": json.dumps({"text": f"The staging password: {SECRET}", "password": SECRET}) + "\n",
    "claude.json": json.dumps(_chat()),
    "mem0.json": json.dumps({"results": [{"id": "1", "memory": f"password: {SECRET}", "user_id": "mark"}]}),
    "mail.mbox": "From a@b.org Mon Jun  3 10:00:00 2024\nFrom: A <a@b.org>\nMessage-ID: <1@b.org>\n"
    f"Date: Mon, 03 Jun 2024 10:00:00 +0200\nSubject: Keys\n\nThe password: {SECRET}\n",
}


@pytest.mark.parametrize("name", SOURCES)
def test_secrets_are_taken_out_of_whatever_is_imported_unless_they_are_to_be_kept(
    run: Run, store: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(SOURCES[name])
    source = path.parent if path.parent != tmp_path else path
    told = run("import", str(source), "--at", "office")
    assert told.code == 0
    assert "  taken out before: " in told.out
    assert "password" in told.out.partition("taken out before: ")[2]
    found = json.dumps(_exported(run))
    assert "[secret removed: password]" in found
    assert SECRET not in found
    again = _import(run, source)
    assert again["imported"] == 0
    assert again["secrets"]
    kept = run("import", str(source), "--at", "house", "--subject", "irving", "--keep-secrets", "--json").json
    assert kept["secrets"] is None
    assert SECRET in run("export", "--at", "house", "--subject", "irving").out


def test_a_long_note_is_cleaned_by_its_sections_and_broken_lines_are_told(
    run: Run, store: Path, tmp_path: Path
) -> None:
    broken = f"# Keys\n\nThe staging password: {SECRET}\n\n".encode() + b"\xff\xfe broken\n"
    (tmp_path / "short.md").write_bytes(broken)
    (tmp_path / "long.md").write_bytes(broken + (b"goat " * 200 + b"\n\n") * 2_200)
    for name in ("short.md", "long.md"):
        found = _import(run, tmp_path / name)
        assert found["secrets"] == {"password": 1}
        assert found["first_skipped"] == [{"where": f"{name} line 5", "why": "it is not UTF-8"}]
    assert SECRET not in json.dumps(_exported(run))


def test_our_own_export_comes_back_as_it_was(run: Run, store: Path, tmp_path: Path) -> None:
    run("remember", f"The staging password: {SECRET}", "--at", "office")
    run("export", str(tmp_path / "out.jsonl"), "--at", "office")
    words = ("--at", "house", "--subject", "mark")
    assert run("import", str(tmp_path / "out.jsonl"), *words, "--json").json["secrets"] == {}
    assert SECRET in run("export", *words).out


def test_without_what_finds_secrets_it_says_so(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise InputError("not installed")

    monkeypatch.setattr(secrets, "ready", absent)
    source = _lines(tmp_path / "a.jsonl", [f"password: {SECRET}"])
    told = run("import", str(source), "--at", "office")
    assert told.code == 0
    assert told.err.count("\n") == 1
    assert "pip install 'severance[watch]'" in told.err
    assert SECRET in json.dumps(_exported(run))
    assert _import(run, source)["secrets"] is None
    assert run("import", str(source), "--at", "office", "--keep-secrets").err == ""


def test_what_cannot_be_read_is_told_by_its_cause(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in {"a.md": "good", "empty.md": "", "shut.md": "shut", "torn.md": "torn"}.items():
        (folder / name).write_text(text)
    (folder / "dangling.md").symlink_to(folder / "nothing.md")
    (folder / "inside.md").symlink_to(folder / "a.md")
    is_opened, lines = Path.open, markdown._lines

    def opened(self: Path, *more: Any) -> Any:
        if self.name == "shut.md":
            raise PermissionError(errno.EACCES, "Permission denied")
        return is_opened(self, *more)

    def torn(stream: Any, progress: Any) -> Any:
        if stream.getvalue() == b"torn":
            raise OSError(errno.EIO, "Input/output error")
        return lines(stream, progress)

    monkeypatch.setattr(Path, "open", opened)
    monkeypatch.setattr(markdown, "_lines", torn)
    monkeypatch.setattr(os, "access", lambda *given, **more: Path(given[0]).name != "shut.md")
    assert _import(run, folder)["first_skipped"] == [
        {"where": "dangling.md", "why": "it is a link that leads nowhere"},
        {"where": "empty.md", "why": "it is empty"},
        {"where": "shut.md", "why": "it may not be read; check its permissions"},
        {"where": "torn.md", "why": "it could not be read to its end (Input/output error)"},
    ]
    alone = run("import", str(folder / "shut.md"), "--at", "office")
    assert (alone.code, alone.err) == (2, f"severance: {folder / 'shut.md'} may not be read; check its permissions\n")
