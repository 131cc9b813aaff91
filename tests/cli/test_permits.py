"""Permits, place credentials and the clock at the command line."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

import severance
from severance import credentials

from .conftest import KEY, Run

MAKE = ("permit", "make", "irving", "--at", "office", "--for", "8h", "--rights")


def made(run: Run, rights: str = "recall,remember", *more: str) -> str:
    found = run(*MAKE, rights, *more)
    assert (found.code, found.err) == (0, "")
    return found.out.removesuffix("\n")


def test_a_permit_is_printed_alone(run: Run, store: Path) -> None:
    text = made(run)
    assert text.startswith("sev1.")
    assert text.split() == [text]
    assert run("--json", *MAKE, "recall").json.keys() == {"permit"}
    secret = run("credential", "make", "office", "--for", "irving", "--name", "editor").out
    assert secret.startswith("sevc.")
    assert secret.count("\n") == 1
    assert text not in run("permit", "list").out


GIVEN_OUT = {
    "permit": ("permit", "make", "irving", "--at", "office", "--rights", "recall", "--for", "8h"),
    "credential": ("credential", "make", "office", "--for", "irving", "--name", "editor"),
    "token": ("owner", "token", "--for", "8h"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such mode")
@pytest.mark.parametrize("what", GIVEN_OUT)
def test_what_lets_in_is_written_to_a_file_of_ones_own(run: Run, store: Path, tmp_path: Path, what: str) -> None:
    file = tmp_path / "shown.txt"
    before = os.umask(0)
    try:
        written = run(*GIVEN_OUT[what], "--out", str(file))
    finally:
        os.umask(before)
    assert (written.code, written.out, written.err) == (0, f"Written to {file}, which you alone can read.\n", "")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().startswith("sev")
    assert file.read_text().count("\n") == 1
    again = tmp_path / "again.txt"
    assert run(*GIVEN_OUT[what], "--out", str(again), "--json").json == {"file": str(again)}


@pytest.mark.parametrize("what", GIVEN_OUT)
def test_a_file_that_is_there_is_left_alone_and_nothing_is_made(
    run: Run, store: Path, tmp_path: Path, what: str
) -> None:
    file = tmp_path / "shown.txt"
    file.write_text("somebody's")
    refused = run(*GIVEN_OUT[what], "--out", str(file))
    assert (refused.code, refused.out, file.read_text()) == (1, "", "somebody's")
    made = run("owner" if what == "token" else what, "list", "--json").json
    assert list(made.values()) == [[]], "no text is lost that opens something"


def test_what_cannot_be_made_leaves_no_file(run: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "shown.txt"
    assert run("credential", "make", "mars", "--for", "irving", "--name", "x", "--out", str(file)).code == 1
    assert not file.exists()


def test_a_weaker_permit_is_written_so_as_well(run: Run, store: Path, tmp_path: Path) -> None:
    made = run(*GIVEN_OUT["permit"]).out
    file = tmp_path / "weaker.txt"
    assert run("permit", "weaken", "--tool", "editor", "--out", str(file), input=made).code == 0
    assert run("permit", "show", "--json", input=file.read_text()).json["tool"] == "editor"


def test_an_option_that_is_repeated_says_more(run: Run, store: Path) -> None:
    text = made(run, "recall", "--rights", "remember,amend")
    assert run("--json", "permit", "show", input=text).json["rights"] == ["amend", "recall", "remember"]
    less = run("permit", "weaken", "--rights", "recall", "--rights", "amend", "--for", "1h30m", input=text).out
    assert run("--json", "permit", "show", input=less).json["rights"] == ["amend", "recall"]
    words = (
        "credential",
        "make",
        "office",
        "--for",
        "irving",
        "--name",
        "x",
        "--rights",
        "recall",
        "--rights",
        "forget",
    )
    assert run(*words).code == 0
    assert run("--json", "credential", "list").json["credentials"][0]["rights"] == ["forget", "recall"]
    nobody = run("credential", "make", "office", "--for", "nobody", "--name", "x")
    assert (nobody.code, nobody.out) == (1, "")


def test_a_permit_of_any_length_is_refused_in_the_same_sentence(run: Run, store: Path) -> None:
    said = {run("recall", "printer", env={"SEVERANCE_PERMIT": text}).err for text in ("sev1.x.y", "x" * 70_000)}
    assert len(said) == 1


OPENS_NOBODY = (
    "opens nobody here: it is no permit or place credential, or has ended, or is for another place or tool, or nobody "
    "wakes there now\n"
)


def test_whatever_opens_nobody_is_told_as_what_was_shown(run: Run, store: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    ended = made(run)
    run("permit", "revoke", run("--json", "permit", "show", input=ended).json["id"])
    for text in ("nonsense", "mark", "sev1.x.y", "sevc.x.y", ended, made(run)):
        for words in (("recall", "printer"), ("watch", str(notes), "--once"), ("export",)):
            told = run(*words, "--at", "house", env={"SEVERANCE_PERMIT": text})
            assert (told.code, told.out) == (1, "")
            assert told.err == f"severance: what is in SEVERANCE_PERMIT {OPENS_NOBODY}"


def test_a_kept_credential_that_opens_nobody_is_told_as_that(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVERANCE_CONFIG", str(tmp_path / "config"))
    (tmp_path / "config").mkdir(mode=0o700)
    (tmp_path / "notes").mkdir()
    credentials.keep(store, "office", "editor", "sevc.x.y")
    told = run("watch", str(tmp_path / "notes"), "--once", "--at", "office", "--program", "editor")
    said = f"severance: the credential that is kept for this program {OPENS_NOBODY}"
    assert (told.code, told.err) == (1, said)
    told = run("mcp", "--place", "office", "--program", "editor")
    assert (told.code, told.err) == (1, said)
    credentials.keep(store, "office", "codex", "sevc.x.y")
    end = '{"hook_event_name": "Stop", "last_assistant_message": "Decision: none."}'
    told = run("hook", "codex", "--place", "office", "--strict", input=end)
    assert (told.code, told.err) == (1, said.replace("this program", "codex"))


def test_commands_do_what_the_permit_allows(run: Run, store: Path) -> None:
    permit = {"SEVERANCE_PERMIT": f"{made(run)}\n"}
    assert "second floor" in run("recall", "printer", env=permit).out
    assert run("remember", "A lamp.", "--thread", "mdr", env=permit).code == 0
    refused = run("forget", "--yes", "a" * 30, env=permit)
    assert (refused.code, refused.out) == (1, "")
    only = {"SEVERANCE_PERMIT": made(run, "remember")}
    refused = run("recall", "printer", env=only)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "severance: what this session was let in with does not allow it to recall\n"
    assert run("--json", "recall", "printer", env=only).error["kind"] == "PermitError"


def test_a_permit_is_for_its_place_and_subject(run: Run, store: Path) -> None:
    permit = {"SEVERANCE_PERMIT": made(run)}
    assert run("recall", "printer", "--at", "office", "--subject", "irving", env=permit).code == 0
    elsewhere = run("recall", "printer", "--at", "house", "--subject", "irving", env=permit)
    somebody = run("recall", "printer", "--subject", "mark", env=permit)
    assert (elsewhere.code, elsewhere.out, somebody.code, somebody.out) == (1, "", 1, "")
    assert run("recall", "printer", env={"SEVERANCE_PERMIT": ""}).code == 2, "set to nothing is not set"
    assert run("recall", "printer", env={"SEVERANCE_PERMIT": "sev1.x.y"}).code == 1


def test_a_credential_lets_in_as_well(run: Run, store: Path) -> None:
    secret = run("credential", "make", "office", "--for", "irving", "--name", "editor", "--rights", "recall").out
    assert "second floor" in run("recall", "printer", env={"SEVERANCE_PERMIT": secret}).out
    assert run("remember", "A lamp.", env={"SEVERANCE_PERMIT": secret}).code == 1
    (info,) = run("--json", "credential", "list").json["credentials"]
    assert (info["subject"], info["place"], info["program"], info["rights"]) == (
        "irving",
        "office",
        "editor",
        ["recall"],
    )
    assert "editor" in run("credential", "list").out
    assert "Revoked" in run("credential", "revoke", info["id"]).out
    assert run("recall", "printer", env={"SEVERANCE_PERMIT": secret}).code == 1


def test_revoking(run: Run, store: Path) -> None:
    permit = {"SEVERANCE_PERMIT": made(run)}
    (info,) = run("--json", "permit", "list").json["permits"]
    assert (info["persona"], info["ended"]) == ("work", None)
    assert run("--json", "permit", "revoke", info["id"]).json == {"revoked": info["id"]}
    assert run("recall", "printer", env=permit).code == 1
    assert run("--json", "permit", "list").json["permits"][0]["ended"] is not None
    for word in ("permit", "credential"):
        assert run(word, "revoke", "0" * 32).code == 1


def test_weakening_needs_no_store_and_no_key(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = made(run)
    monkeypatch.setenv("SEVERANCE_STORE", "/nowhere")
    monkeypatch.delenv("SEVERANCE_KEY")
    words = ("permit", "weaken", "--rights", "recall", "--thread", "mdr", "--for", "5m", "--tool", "severance")
    less = run(*words, input=f"{text}\n")
    assert (less.code, less.err, less.out.count("\n")) == (0, "", 1)
    shown = run("permit", "show", input=less.out)
    assert "mdr" in shown.out
    assert "irving" not in shown.out
    assert "allows:   recall\n" in shown.out
    found = run("--json", "permit", "show", input=less.out).json
    assert (found["rights"], found["threads"], found["tool"], found["weakened"]) == (
        ["recall"],
        ["mdr"],
        "severance",
        1,
    )
    assert found["until"].startswith("20")
    whole = run("permit", "show", input=text).out
    assert "threads:  all\ntool:     any\nweakened: 0 times\n" in whole
    for nothing in (("--rights", "amend"), ("--until", "2001-01-01"), ("--thread", "")):
        refused = run("permit", "weaken", *nothing, input=text)
        assert (refused.code, refused.out) == (2, ""), nothing
    for again in (("--thread", "other"), ("--tool", "another")):
        assert run("permit", "weaken", *again, input=less.out).code == 2
    assert run("--json", *words, input=text).json.keys() == {"permit"}
    with severance.open(store, key=KEY) as house, house.admit(less.out.strip(), tool="severance") as session:
        assert [hit.memory.text for hit in session.recall("printer", thread="mdr")] == [
            "The printer is on the second floor."
        ]


@pytest.mark.parametrize(
    "words",
    [
        (*MAKE, "everything"),
        (*MAKE, ""),
        (*MAKE, "recall", "--until", "2030-01-01"),
        ("permit", "make", "irving", "--rights", "recall", "--for", "8h"),
        ("permit", "make", "irving", "--at", "office", "--rights", "recall"),
        ("permit", "make", "irving", "--at", "office", "--rights", "recall", "--for", "eight hours"),
        ("permit", "make", "irving", "--at", "office", "--rights", "recall", "--for", "0s"),
        ("permit", "make", "irving", "--at", "office", "--rights", "recall", "--for", "999999999d"),
        ("permit", "make", "irving", "--at", "office", "--rights", "recall", "--until", "2001-01-01"),
        ("permit", "weaken"),
        ("permit", "weaken", "--rights", "recall"),
        ("permit", "show"),
        ("credential", "make", "office", "--for", "irving", "--name", ""),
    ],
)
def test_what_cannot_be_meant_prints_nothing_that_opens(run: Run, store: Path, words: tuple[str, ...]) -> None:
    found = run(*words, input="no permit")
    assert (found.code, found.out) == (2, "")
    assert found.err.count("\n") == 1


def test_lists_of_nothing(run: Run, store: Path) -> None:
    assert run("permit", "list").out == "There are no permits.\n"
    assert run("credential", "list").out == "There are no place credentials.\n"
    assert run("--json", "permit", "list").json == {"permits": []}


def test_the_clock(run: Run, store: Path) -> None:
    assert run("clock", "show").out.startswith("Permits end by this time: 20")
    assert json.loads(run("--json", "clock", "accept").out).keys() == {"time"}
