"""`severance watch` at the command line: what it says, how it ends, and that it goes on until then."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

import severance
from severance import credentials
from severance.capture import secrets

from .conftest import KEY, Run, command

TOKEN = "npm_" + "a1" * 18


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    made.mkdir()
    (made / "plan.md").write_text(f"# Plan\n\nWe ship on Friday.\n\n## Keys\n\n{TOKEN}\n")
    (made / "odd.md").write_bytes(b"\0")
    return made


def remembered(store: Path) -> set[str]:
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        return {memory.text for memory in session.memories() if memory.source == "notes"}


def test_once(run: Run, store: Path, notes: Path) -> None:
    told = run("watch", str(notes), "--at", "office", "--once")
    assert told.code == 0
    assert told.out.splitlines() == [
        "2 notes: remembered 2, amended 0, forgot 0.",
        "  taken out before: 1 npm-token",
        "  skipped odd.md: it is a binary file",
    ]
    assert remembered(store) == {"# Plan\n\nWe ship on Friday.", "## Keys\n\n[secret removed: npm-token]"}
    (notes / "plan.md").write_text("# Plan\n\nWe ship on Monday.\n")
    told = run("watch", str(notes), "--at", "office", "--once")
    assert "  1 are of what is not in the notes any more; --forget would forget them" in told.out.splitlines()
    assert run("watch", str(notes), "--at", "office", "--once", "--forget", "--json").json["forgotten"] == 1
    assert remembered(store) == {"# Plan\n\nWe ship on Monday."}


def test_a_dry_run_remembers_nothing(run: Run, store: Path, notes: Path) -> None:
    told = run("watch", str(notes), "--at", "office", "--dry-run")
    assert told.out.splitlines()[0] == "2 notes: would remember 2, amend 0, forget 0."
    assert remembered(store) == set()


def test_what_is_left_out(run: Run, store: Path, notes: Path, tmp_path: Path) -> None:
    (tmp_path / "patterns").write_text("odd.md\n")
    words = ("watch", str(notes), "--at", "office", "--once", "--exclude-from", str(tmp_path / "patterns"), "--json")
    assert run(*words).json["skipped"] == 0
    assert run(*words, "--exclude", "plan*").json["files"] == 0
    assert run(*words, "--exclude", "!plan.md").code == 2


def test_it_goes_on_until_it_is_told_to_end(store: Path, notes: Path) -> None:
    words = command("watch", str(notes), "--at", "office", "--json")
    for ending in (signal.SIGINT, signal.SIGTERM)[: 1 if sys.platform == "win32" else 2]:
        text = f"# New\n\nBy {ending.name}.\n"
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
            try:
                assert started.stdout is not None
                assert json.loads(started.stdout.readline())["files"] >= 2
                (notes / f"{ending.name}.md").write_text(text)
                while json.loads(started.stdout.readline())["remembered"] != 1:
                    pass
                started.send_signal(ending)
                _, err = started.communicate(timeout=120)
            finally:
                started.kill()
        assert (started.returncode, err) == (0, b"")
        assert text.strip() in remembered(store)


def test_with_the_credential_that_is_kept_for_a_program(run: Run, store: Path, notes: Path) -> None:
    words = ("watch", str(notes), "--at", "office", "--program", "notes", "--once", "--json")
    assert run(*words, "--subject", "irving").code == 2
    missing = run(*words)
    assert (missing.code, missing.error["kind"]) == (1, "NotFoundError")
    with severance.open(store, key=KEY) as house:
        credentials.keep(store, "office", "notes", house.register("irving", "office", "notes"))
    assert run(*words).json["remembered"] == 2
    with severance.open(store, key=KEY) as house:
        (credential,) = house.credentials()
        house.revoke(credential.id)
    ended = run(*words)
    assert (ended.code, ended.error["kind"]) == (1, "NotFoundError")


def test_with_a_permit_in_the_environment(run: Run, store: Path, notes: Path) -> None:
    with severance.open(store, key=KEY) as house:
        permit = house.permit("irving", "office", rights=["recall"], until=timedelta(hours=1))
    ended = run("watch", str(notes), "--once", "--json", env={"SEVERANCE_PERMIT": permit})
    assert (ended.code, ended.error["kind"]) == (1, "PermitError")
    assert remembered(store) == set()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["none"], "is no folder"),
        (["notes", "notes"], "named twice"),
        (["notes", "--exclude", ""], "exclusion pattern is empty"),
        (["notes", "--program", "x"], "say where"),
        (["notes"], "say where"),
    ],
)
def test_what_cannot_be_meant(
    run: Run, store: Path, notes: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(notes.parent)
    ended = run("watch", *words, "--once")
    assert ended.code == 2
    assert says in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("missing", ["detect_secrets.plugins.aws", "watchfiles"])
def test_without_the_extra_nothing_is_remembered(
    run: Run, store: Path, notes: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    secrets._detectors.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    try:
        ended = run("watch", str(notes), "--at", "office")
    finally:
        secrets._detectors.cache_clear()
    assert ended.code == 2
    assert "severance[watch]" in ended.err
    if missing != "watchfiles":
        assert remembered(store) == set()
