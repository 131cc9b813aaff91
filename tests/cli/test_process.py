"""Real processes: pipes, closed streams, encodings, terminals, completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import severance

from .conftest import KEY, Run, command

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")


@pytest.fixture
def many(store: Path) -> Path:
    """Enough memories that an export does not fit into a pipe."""
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        session.remember_many([f"fact number {n} " + "x" * 200 for n in range(3_000)])
    return store


def test_codes_of_real_processes(spawn: Run, store: Path) -> None:
    assert spawn("status").code == 0
    assert spawn("status", "--store", "nowhere").code == 1
    assert spawn("status", "--bogus").code == 2
    assert spawn("status", "--key", "env:NOT_SET").code == 3


def test_remember_from_a_pipe(spawn: Run, store: Path) -> None:
    assert spawn("remember", "-", "--at", "office", input="Grüße aus dem Büro\n".encode()).code == 0
    found = spawn("recall", "-", "--at", "office", "--json", input="Grüße".encode())
    assert "Grüße aus dem Büro" in found.out


@posix
@pytest.mark.parametrize("words", [("export",), ("export", "--json"), ("recall", "fact", "--limit", "1000")])
def test_a_reader_that_stops(many: Path, words: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        command(*words, "--at", "office"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(100)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(600), err) == (1, b"")


@posix
def test_a_reader_that_was_never_there(store: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command("status"), stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")


@posix
@pytest.mark.parametrize("command_name", ["remember", "recall"])
def test_a_closed_standard_input(spawn: Run, store: Path, command_name: str) -> None:
    ended = spawn(command_name, "-", "--at", "office", preexec_fn=lambda: os.close(0))
    assert (ended.code, "standard input" in ended.err) == (2, True)


@posix
def test_a_closed_standard_output(store: Path) -> None:
    done = subprocess.run(
        command("status"), stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), check=False, timeout=600
    )
    assert done.returncode == 1
    assert b"standard output is closed" in done.stderr
    assert done.stderr.count(b"\n") == 1


@posix
def test_a_closed_standard_error(store: Path) -> None:
    done = subprocess.run(
        command("recall", "--bogus"), stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), check=False, timeout=600
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("export", "--at", "office")])
def test_a_full_disk_behind_standard_output(store: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command(*words), stdout=full, stderr=subprocess.PIPE, check=False, timeout=600)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_any_encoding_of_standard_output(
    spawn: Run, store: Path, encoding: str, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        session.remember("Привет, waffle 🧇 at café")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    ended = spawn("recall", "waffle", "--at", "office", *words)
    assert ended.code == 0
    assert spawn("status", *words).code == 0
    assert spawn("--help").code == 0
    if words:
        texts = [hit["memory"]["text"] for hit in ended.json["recollections"]]
        assert "Привет, waffle 🧇 at café" in texts


@posix
def test_arguments_that_are_not_utf8(spawn: Run, store: Path) -> None:
    ended = spawn(b"remember", b"caf\xe9", b"--at", b"office")
    assert (ended.code, ended.err.count("\n"), "UTF-8" in ended.err) == (2, 1, True)


def test_no_colours_in_a_pipe(spawn: Run, store: Path) -> None:
    for words in (("status",), ("recall", "printer", "--at", "office"), ("--help",), ("recall",)):
        ended = spawn(*words)
        assert "\x1b" not in ended.out + ended.err
        assert not any(frame in ended.out + ended.err for frame in "╭│─")


@posix
@pytest.mark.parametrize("plain", [False, True])
def test_at_a_terminal(store: Path, plain: bool) -> None:
    environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "60"} | ({"NO_COLOR": "1"} if plain else {})
    shown = _at_terminal(("recall", "printer", "--at", "office"), environ)
    assert "The printer is on the second floor." in shown
    assert ("\x1b[36m" in shown) == (not plain)
    assert "╭" in _at_terminal(("status",), environ)
    assert "╭" in _at_terminal(("--help",), environ)


@posix
def test_long_texts_are_cut_at_a_terminal_unless_full(store: Path) -> None:
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        session.remember("A zebra " + "with stripes " * 50 + "and an end.")
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "60"}
    words = ("recall", "zebra", "--at", "office", "--limit", "1")
    assert "and an end." not in _at_terminal(words, environ)
    assert "and an end." in _at_terminal((*words, "--full"), environ)


def _at_terminal(words: tuple[str, ...], environ: dict[str, str]) -> str:
    ours, theirs = os.openpty()
    with subprocess.Popen(command(*words), stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
        os.close(ours)
        assert process.wait(600) == 0
    return shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux says so when the other end is closed
        return b""


@posix
@pytest.mark.parametrize("typed", ["severance ", "severance recall x --at ", "severance --json recall x --subject i"])
def test_completion_knows_commands_and_no_names(store: Path, typed: str) -> None:
    environ = {
        **os.environ,
        "_SEVERANCE_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split(" ")) - 1),
    }
    done = subprocess.run(command(), env=environ, capture_output=True, check=False, timeout=600)
    assert done.stderr == b""
    for name in (b"irving", b"mark", b"office", b"house", b"outie"):
        assert name not in done.stdout
    assert (b"remember" in done.stdout) == (typed == "severance ")


def test_completion_can_be_shown(spawn: Run) -> None:
    shown = spawn("--show-completion", "bash", env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert "_SEVERANCE_COMPLETE" in shown.out


def test_nothing_remembered_stays_in_the_clear(spawn: Run, store: Path, own_home: Path) -> None:
    secret = b"xylophone-marmalade"
    spawn("remember", "-", "--at", "office", "--thread", "pimpernel", input=secret)
    spawn("recall", "-", "--at", "office", input=secret)
    spawn("check")
    for folder in (store, own_home):
        for path in folder.rglob("*"):
            if path.is_file():
                raw = path.read_bytes()
                assert not any(word in raw for word in (secret, b"pimpernel", b"irving", b"office"))
