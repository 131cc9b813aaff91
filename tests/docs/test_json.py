"""The samples of docs/reference/json.md have the fields that the commands print."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import severance
from docs.runner import ROOT, blocks, secluded
from severance.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = ROOT / "docs" / "reference" / "json.md"
_FREE = ("metadata", "wakes", "versions", "secrets")
_PLAIN = """
store file bytes up locked sessions memory memories subject persona personas place places version format error message
exit_code findings
recollections
"""
"""Names that say what they are."""


def _sections() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _samples() -> dict[str, Any]:
    found = {}
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for block in blocks(PAGE):
        title = next(line for line in reversed(lines[: block.line]) if line.startswith("## "))
        found[title.removeprefix("## ")] = json.loads(block.text)
    return found


def _shape(value: Any) -> Any:
    """The names of the fields, all the way down; of a list, the shape of its first entry."""
    if isinstance(value, dict):
        return {name: None if name in _FREE else _shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_shape(entry) for entry in value[:1]]
    return None


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Any]]:
    """Runs a command with `--json`, in this process, and returns what it printed."""

    def run(*words: str) -> Any:
        with pytest.raises(SystemExit):
            app(["--json", "--store", "store", *words])
        said = capsys.readouterr()
        return json.loads(said.out or said.err)

    with secluded(tmp_path):
        yield run


def test_the_samples_are_what_is_printed(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    printed = {"init": run("init", "--key", "file:key"), "sever": run("sever", "mark", "innie", "outie")}
    printed["place"] = run("place", "floor", "mark=innie")
    rules = work / "rules.toml"
    rules.write_text('rule = [{subject="mark", place="floor", persona="innie", host="*"}]', encoding="utf-8")
    printed["threshold check"] = run("threshold", "check", str(rules))
    printed["threshold apply"] = run("threshold", "apply", str(rules))
    printed["threshold explain"] = run("threshold", "explain", "mark", "--at", "floor")
    rules.write_text('rule = [{subject="mark", place="floor", persona="innie"}]', encoding="utf-8")
    run("threshold", "apply", str(rules))
    printed["threshold show"] = run("threshold", "show")
    printed["permit make"] = run("permit", "make", "mark", "--at", "floor", "--rights", "recall", "--for", "8h")
    printed["permit list"] = run("permit", "list")
    printed["permit revoke"] = run("permit", "revoke", printed["permit list"]["permits"][0]["id"])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(printed["permit make"]["permit"].encode())))
    printed["permit show"] = run("permit", "show")
    printed["credential make"] = run("credential", "make", "floor", "--for", "mark", "--name", "editor")
    printed["credential list"] = run("credential", "list")
    printed["integrate"] = run("integrate", "zed", "--place", "floor", "--yes")
    printed["owner token"] = run("owner", "token", "--for", "8h", "--label", "the console")
    printed["owner list"] = run("owner", "list")
    printed["clock show"] = run("clock", "show")
    printed["status"] = run("status")
    printed["remember"] = run("remember", "The file is at 96 percent.", "--at", "floor")
    printed["recall"] = run("recall", "the file", "--at", "floor")
    printed["context"] = run("context", "the file", "--at", "floor")
    number = printed["remember"]["memory"]["id"]
    printed |= _overridden(run, monkeypatch)
    printed["amend"] = run("amend", number, "The file is complete.", "--at", "floor")
    printed["history"] = run("history", number, "--at", "floor")
    printed["forget"] = run("forget", number, "--yes", "--at", "floor")
    printed["Errors"] = run("history", number, "--at", "floor")
    work.joinpath("some.jsonl").write_text('"one"\n"two"\n{}\n', encoding="utf-8")
    printed["import"] = run("import", "some.jsonl", "--at", "floor")
    work.joinpath("notes").mkdir()
    work.joinpath("notes", "plan.md").write_text(f"# Plan\n\nFriday.\n\n# Key\n\nnpm_{'a1' * 18}\n", encoding="utf-8")
    work.joinpath("notes", "photo.md").write_bytes(b"\0")
    printed["watch"] = run("watch", "notes", "--at", "floor", "--once")
    work.joinpath("examples.toml").write_text('rule = [{persona = "innie", words = ["one", "two"]}]', encoding="utf-8")
    printed["route"] = run("route", "some.jsonl", "--examples", "examples.toml", "--plan", "plan.jsonl")
    printed["export"] = run("export", "all.jsonl", "--at", "floor")
    printed["backup"] = run("backup", "a.backup")
    printed["restore"] = run("restore", "a.backup", "--replace")
    printed["reembed"] = run("reembed")
    rules.write_text(
        'sink = [{name = "hook", webhook = "http://127.0.0.1:9/"}]\n'
        'rule = [{on = "*", to = ["hook", "log"], names = true}]',
        encoding="utf-8",
    )
    printed["alarm check"] = run("alarm", "check", str(rules))
    printed["alarm apply"] = run("alarm", "apply", str(rules))
    printed["alarm show"] = run("alarm", "show")
    printed["alarm list"] = run("alarm", "list")
    printed["alarm test"] = run("alarm", "test")
    printed["alarm secret"] = run("alarm", "secret", "hook")
    printed["canary plant"] = run("canary", "plant", "The code is 9-1-1-3.", "--at", "floor")
    run("recall", "code", "--at", "floor")
    printed["canary list"] = run("canary", "list")
    printed["canary remove"] = run("canary", "remove", printed["canary plant"]["memory"]["id"])
    printed["alarm status"] = run("alarm", "status")
    printed["audit show"] = run("audit", "show", "--what", "severed", "--limit", "1")
    printed["audit verify"] = run("audit", "verify", "--witness", "file:witness.txt")
    printed["audit export"] = run("audit", "export", "crossings.jsonl", "--what", "crossed")
    printed["audit accept"] = run("audit", "accept")
    printed["events"] = run("events", "--at", "floor")
    printed["serve"] = _samples()["serve"]  # it stays; tests/server/test_serving.py reads it
    for name in ("up", "lock", "unlock", "down"):
        printed[name] = _samples()[name] if sys.platform == "win32" else run(name)
    printed["version"] = run("version")
    printed["tour"] = run("tour")
    printed["barrier"] = run("barrier", "--only", "doors", "--for", "1s")
    _flip_a_byte(work / "store")
    printed["check"] = run("check", "--salvage", "saved.zip")
    samples = _samples()
    assert {name: _shape(sample) for name, sample in samples.items()} == {
        name: _shape(printed[name]) for name in samples
    }
    assert set(printed) == set(samples)


def _overridden(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the commands about overrides print."""
    printed = {}
    for name in ("helly", "burt", "dylan"):
        printed["override keygen"] = made = run("override", "keygen", f"{name}.key")
        printed["override register"] = run("override", "register", name, made["public"])
    printed["override keys"] = run("override", "keys")
    asked = run("override", "request", "mark", "innie", "--as", "helly.key", "--reason", "He is ill.", "--for", "30m")
    printed["override request"] = asked
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(asked["request"].encode())))
    printed["override show"] = run("override", "show")
    for name in ("burt", "dylan"):
        printed["override approve"] = run("override", "approve", asked["id"], "--as", f"{name}.key")
    printed["override use"] = run("override", "use", asked["id"], "--as", "helly.key", "--ask", "the file")
    printed["override list"] = run("override", "list")
    printed["override unregister"] = run("override", "unregister", "burt")
    return printed


def test_every_command_that_prints_json_has_a_section() -> None:
    named = {command.name for command in app.registered_commands}
    assert named <= set(_sections())


def test_every_field_is_explained() -> None:
    """In its own section, or where memories, damage and a house that is up are described."""
    sections = _sections()
    prose = {name: re.sub(r"```.*?```", "", text, flags=re.DOTALL) for name, text in sections.items()}
    told = {name: set(re.findall(r"`([a-z_]+)`", text)) for name, text in prose.items()}
    for name, sample in _samples().items():
        elsewhere = (told[other] for other in ("A memory", "check", "place", "status", "up"))
        known = told[name].union(_PLAIN.split(), *elsewhere)
        assert set(_names(sample)) <= known, name


def test_a_memory_has_these_fields() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)`", _sections()["A memory"], re.MULTILINE)) == set(severance.Memory.__slots__)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from () if name in _FREE else _names(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _names(entry)


def _flip_a_byte(store: Path) -> None:
    vault = store / "vault.db"
    with closing(sqlite3.connect(vault)) as raw:
        [(frame,)] = raw.execute("SELECT frame FROM records WHERE frame IS NOT NULL ORDER BY seq DESC LIMIT 1")
    content = bytearray(vault.read_bytes())
    content[content.index(frame) + len(frame) // 2] ^= 1
    vault.write_bytes(content)
