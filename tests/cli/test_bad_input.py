"""What cannot be done is told in one sentence, with the right code, and without content."""

from __future__ import annotations

import base64
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

import severance

from .conftest import KEY, Ran, Run

OTHER_KEY = base64.b64encode(bytes(32)).decode()
SECRET = "xylophone-marmalade"


def _one_sentence(ended: Ran, code: int, *words: str) -> None:
    assert ended.code == code, (ended.err, ended.out)
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("severance: ")
    for word in words:
        assert word in ended.err


def test_wrong_key(run: Run, store: Path) -> None:
    _one_sentence(run("status", env={"SEVERANCE_KEY": OTHER_KEY}), 3, "not the root key")
    assert run("status", "--json", env={"SEVERANCE_KEY": OTHER_KEY}).error["kind"] == "WrongKeyError"


def test_no_key_and_a_key_that_is_none(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _one_sentence(run("status", env={"SEVERANCE_KEY": SECRET}), 3)
    monkeypatch.delenv("SEVERANCE_KEY")
    ended = run("status")
    _one_sentence(ended, 3)
    assert SECRET not in ended.err


def test_a_key_in_the_arguments_is_refused_and_not_repeated(run: Run, store: Path) -> None:
    ended = run("status", "--key", OTHER_KEY)
    _one_sentence(ended, 2)
    assert OTHER_KEY not in ended.err
    _one_sentence(run("status", "--key", "nonsense"), 2)


def test_missing_chip(run: Run, store: Path) -> None:
    (store / "chip.db").unlink()
    _one_sentence(run("status"), 1)


def test_missing_vault(run: Run, store: Path) -> None:
    for path in store.glob("vault.db*"):
        path.unlink()
    _one_sentence(run("status"), 1, "vault")


def test_foreign_chip(run: Run, store: Path, tmp_path: Path) -> None:
    severance.open(tmp_path / "other", key=KEY).close()
    shutil.copy2(tmp_path / "other" / "chip.db", store / "chip.db")
    _one_sentence(run("status"), 1, "different stores")


@pytest.mark.parametrize(
    "words",
    [
        ("sever", "a", "b"),
        ("place", "a", "b=c"),
        ("status",),
        ("remember", "x", "--at", "a"),
        ("recall", "x", "--at", "a"),
        ("context", "x", "--at", "a"),
        ("forget", "x", "--at", "a", "--yes"),
        ("amend", "x", "y", "--at", "a"),
        ("history", "x", "--at", "a"),
        ("import", "{}", "--at", "a"),
        ("export", "--at", "a"),
        ("check",),
        ("backup", "{}.tar"),
        ("reembed",),
    ],
)
def test_only_init_makes_a_store(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    source = tmp_path / "some.jsonl"
    source.write_text('"x"\n')
    _one_sentence(run(*(word.format(source) for word in words)), 1, "severance init")
    assert not (tmp_path / "store").exists()


def test_unknown_place_and_subject(run: Run, store: Path) -> None:
    _one_sentence(run("recall", "x", "--at", "mars"), 1)
    _one_sentence(run("recall", "x", "--at", "office", "--subject", "mark"), 1)
    _one_sentence(run("recall", "x", "--at", "office", "--subject", "nobody"), 1)
    _one_sentence(run("recall", "x", "--at", "nowhere"), 1, "nobody wakes")
    assert (
        run("recall", "x", "--at", "mars", "--subject", "mark").err
        == run("recall", "x", "--at", "office", "--subject", "mark").err
    )


def test_no_place_and_several_subjects(run: Run, store: Path) -> None:
    _one_sentence(run("recall", "x"), 2, "--at")
    told = run("recall", "x", "--at", "house")
    _one_sentence(told, 2, "--subject")
    assert "irving" not in told.err  # it is an answer to somebody who named nobody


def test_unknown_persona(run: Run, store: Path) -> None:
    _one_sentence(run("place", "office", "irving=nobody"), 1, "severance sever")


@pytest.mark.parametrize("pair", ["irving", "=work", ""])
def test_a_place_needs_pairs(run: Run, store: Path, pair: str) -> None:
    _one_sentence(run("place", "office", pair), 2, "SUBJECT=PERSONA")


def test_a_name_twice(run: Run, store: Path) -> None:
    _one_sentence(run("place", "office", "irving=work", "irving=home"), 2, "twice")
    _one_sentence(run("remember", "x", "--at", "office", "--meta", "a=1", "--meta", "a=2"), 2, "twice")


@pytest.mark.parametrize("name", ["a/b", "a=b", " a", "a\x07"])
def test_names_that_names_cannot_be(run: Run, store: Path, name: str) -> None:
    _one_sentence(run("sever", name, "work"), 2)


@pytest.mark.parametrize("command", ["remember", "recall", "context"])
@pytest.mark.parametrize("text", ["", " \n\t"])
def test_empty_text(run: Run, store: Path, command: str, text: str) -> None:
    _one_sentence(run(command, text, "--at", "office"), 2, "empty")
    _one_sentence(run(command, "-", "--at", "office", input=text), 2, "empty")


def test_text_of_the_greatest_length_and_one_byte_more(run: Run, store: Path) -> None:
    assert run("remember", "-", "--at", "office", input="x" * 65_536 + "\n").code == 0
    ended = run("remember", "-", "--at", "office", input="x" * 65_537)
    _one_sentence(ended, 2, "65,537")
    _one_sentence(run("remember", "-", "--at", "office", input="x" * 2_000_000), 2, "1,048,576")


@pytest.mark.parametrize("command", ["remember", "recall"])
def test_nul(run: Run, store: Path, command: str) -> None:
    _one_sentence(run(command, "-", "--at", "office", input=f"{SECRET}\0"), 2, "NUL")


@pytest.mark.parametrize("command", ["remember", "recall", "context"])
def test_invalid_utf8_on_standard_input(run: Run, store: Path, command: str) -> None:
    _one_sentence(run(command, "-", "--at", "office", input=b"caf\xe9"), 2, "UTF-8")


def test_invalid_utf8_in_arguments(run: Run, store: Path) -> None:
    _one_sentence(run("remember", f"{SECRET}\udcff", "--at", "office"), 2, "UTF-8")
    _one_sentence(run("recall", "x", "--at", "\udcff"), 2, "UTF-8")


@pytest.mark.parametrize(
    "query", ["the of and is", '"foo AND (NEAR* :', "'; DROP TABLE records; --", "* OR NOT", "🦆", "?"]
)
@pytest.mark.parametrize("command", ["recall", "context"])
def test_queries_that_are_only_odd(run: Run, store: Path, command: str, query: str) -> None:
    ended = run(command, "--at", "office", "--", query)
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize("option", ["--since", "--until", "--as-of"])
@pytest.mark.parametrize("value", ["yesterday-ish", "2024-13-01", "2024-02-30T00:00", ""])
def test_a_date_that_is_none(run: Run, store: Path, option: str, value: str) -> None:
    _one_sentence(run("recall", "x", "--at", "office", option, value), 2, "2024-05-31")


def test_a_date_that_is_none_in_remember(run: Run, store: Path) -> None:
    _one_sentence(run("remember", SECRET, "--at", "office", "--when", "soon"), 2, "2024-05-31")


@pytest.mark.parametrize("value", ["0", "1001", "-1"])
def test_limits(run: Run, store: Path, value: str) -> None:
    _one_sentence(run("recall", "x", "--at", "office", "--limit", value), 2, "1,000")


def test_a_number_that_is_none(run: Run, store: Path) -> None:
    _one_sentence(run("recall", "x", "--at", "office", "--limit", "many"), 2, "--limit")
    _one_sentence(run("context", "x", "--at", "office", "--tokens", "3"), 2, "16")


@pytest.mark.parametrize("id", ["x", "a" * 30, "\x1b[2J", ""])
@pytest.mark.parametrize("command", [("forget", "--yes"), ("amend", "--pin"), ("history",)])
def test_an_id_that_is_not_here(run: Run, store: Path, command: tuple[str, ...], id: str) -> None:  # noqa: A002
    ended = run(command[0], id, *command[1:], "--at", "office")
    _one_sentence(ended, 1, "no memory with that id is remembered here")


def test_the_id_of_another_persona_is_like_none(run: Run, store: Path, printer: str) -> None:
    words = ("--at", "house", "--subject", "irving")
    assert run("history", printer, *words).err == run("history", "0" * 30, *words).err


def test_words_without_quotes_are_not_repeated(run: Run, store: Path) -> None:
    ended = run("remember", "The", SECRET, "is", "--at", "office")
    _one_sentence(ended, 2, "quotes")
    assert SECRET not in ended.err
    dashed = run("remember", f"--{SECRET} is mine", "--at", "office")
    _one_sentence(dashed, 2, "--")
    assert SECRET not in dashed.err


def test_unknown_command_and_option(run: Run, store: Path) -> None:
    _one_sentence(run("recal", "x"), 2, "Did you mean 'recall'?")
    _one_sentence(run("recall", "x", "--bogus"), 2, "--bogus")
    _one_sentence(run("recall"), 2, "severance recall --help")


def test_a_file_where_the_store_should_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("mine")
    for command in ("status", "init"):
        _one_sentence(run(command), 2, "is a file")
    assert (tmp_path / "store").read_text() == "mine"


def test_an_empty_store_path(run: Run, store: Path) -> None:
    _one_sentence(run("status", "--store", ""), 2, "--store")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows guesses the homes of others")
def test_a_store_in_the_home_of_nobody(run: Run, store: Path) -> None:
    _one_sentence(run("status", "--store", "~nobody-of-this-name/store"), 2, "path")


def test_a_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _one_sentence(run("init", "--store", str(tmp_path / "file" / "store")), 1)


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder(run: Run, store: Path, tmp_path: Path) -> None:
    for path in (*store.iterdir(), store):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert run("recall", "printer", "--at", "office").code == 0
        _one_sentence(run("remember", SECRET, "--at", "office"), 1)
    finally:
        store.chmod(0o700)


def test_a_store_of_which_files_are_read_only(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for root, who may write everything: SQLite is told so."""
    opened = sqlite3.connect

    def connect(target: object, *more: object, **named: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = opened(target, *more, **named)  # type: ignore[call-overload]
        connection.execute("PRAGMA query_only = 1")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect)
    ended = run("remember", SECRET, "--at", "office")
    assert ended.code == 1
    assert SECRET not in ended.err


def test_a_folder_that_is_not_there_for_files(run: Run, store: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "no" / "file")
    _one_sentence(run("export", missing, "--at", "office"), 1)
    _one_sentence(run("check", "--salvage", missing), 1)
    _one_sentence(run("restore", missing), 1)
    _one_sentence(run("export", str(tmp_path), "--at", "office"), 1)


@pytest.mark.parametrize("name", ["vault.db", "chip.db"])
def test_a_file_that_is_not_a_database(run: Run, store: Path, name: str) -> None:
    for path in store.glob("*-*"):
        path.unlink()
    (store / name).write_bytes(b"not a database, but long enough to look like one " * 200)
    _one_sentence(run("status"), 4)


def test_damage_is_found_and_the_rest_is_saved(run: Run, store: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(store / "vault.db")) as vault, vault:
        space, seq = vault.execute("SELECT space, seq FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        (frame,) = vault.execute("SELECT frame FROM records WHERE space = ? AND seq = ?", (space, seq)).fetchone()
        altered = frame[:-1] + bytes([frame[-1] ^ 1])
        vault.execute("UPDATE records SET frame = ? WHERE space = ? AND seq = ?", (altered, space, seq))
    ended = run("check")
    assert ended.code == 4
    assert "--salvage" in ended.out
    saved = run("check", "--salvage", str(tmp_path / "s.zip"), "--json")
    assert saved.code == 4
    assert saved.json["intact"] is False
    assert saved.json["findings"]


def test_restoring_what_is_no_backup(run: Run, store: Path, tmp_path: Path) -> None:
    (tmp_path / "no.tar").write_bytes(b"nothing of the kind" * 100)
    _one_sentence(run("restore", str(tmp_path / "no.tar"), "--replace"), 4)
    assert run("status").code == 0
