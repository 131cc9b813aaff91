"""`severance audit` and `severance events`: what a user sees of the log, and with which exit codes."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from cli.conftest import Run
from kit.remembering import remembering


def verifier(run: Run) -> str:
    return str(json.loads(run("audit", "verify", "--json").out)["verifier"])


def test_entries_are_shown_by_kind_and_time(run: Run, store: Path) -> None:
    shown = run("audit", "show", "--what", "crossed")
    assert shown.code == 0
    assert "office" in shown.out
    assert "severed" not in shown.out
    assert run("audit", "show", "--until", "2000-01-01").out == "There are no such entries.\n"
    assert len(json.loads(run("audit", "show", "--since", "2000-01-01", "--json").out)["events"]) > 5
    assert run("audit", "show", "--since", "soon").code == 2


def test_a_log_that_was_cut_ends_with_4_until_it_is_accepted(run: Run, store: Path, tmp_path: Path) -> None:
    run("recall", "printer", "--at", "office")
    shutil.copy(store / "audit.db", tmp_path / "older")
    run("recall", "printer", "--at", "office")
    shutil.copy(tmp_path / "older", store / "audit.db")
    refused = run("recall", "printer", "--at", "office")
    assert refused.code == 4
    assert "the audit log was cut" in refused.err
    assert "severance audit accept" in refused.err
    accepted = run("audit", "accept")
    assert (accepted.code, accepted.err) == (0, "")
    assert accepted.out.startswith("The audit log goes on after ")
    assert run("recall", "printer", "--at", "office").code == 0
    assert "found=" in run("audit", "show", "--what", "audit.accepted").out


def test_a_log_that_is_gone_begins_anew_when_that_is_accepted(run: Run, store: Path) -> None:
    (store / "audit.db").unlink()
    assert run("status").code == 4
    accepted = run("audit", "accept").out
    assert accepted == "The audit log begins anew, and says so; of the one before nothing is there.\n"
    assert list(store.glob("*.before-accept*")) == []
    assert json.loads(run("audit", "show", "--json").out)["events"][0]["what"] == "audit.accepted"


def test_a_log_that_cannot_be_read_is_put_aside(run: Run, store: Path) -> None:
    (store / "audit.db").write_bytes(b"this is no log" * 1_000)
    accepted = run("audit", "accept").out
    assert "what was there has .before-accept in its name" in accepted
    assert (store / "audit.db.before-accept").is_file()


@pytest.mark.parametrize("command", [("show",), ("export",)])
def test_a_kind_that_there_is_not_is_answered_with_those_that_there_are(
    run: Run, store: Path, command: tuple[str, ...]
) -> None:
    refused = run("audit", *command, "--what", "banana")
    assert (refused.code, refused.out) == (2, "")
    assert "severed, placed, crossed, slept" in refused.err
    assert "banana" not in refused.err


def test_accepting_where_nothing_is_wrong_says_so(run: Run, store: Path, tmp_path: Path) -> None:
    before = run("audit", "show").out
    accepted = run("audit", "accept")
    assert (accepted.code, accepted.out.startswith("There is nothing to accept: ")) == (0, True)
    witnessed = run("--json", "audit", "accept", "--witness", f"file:{tmp_path / 'seen'}")
    assert (witnessed.json["changed"], (tmp_path / "seen").is_file()) == (False, True)
    assert run("audit", "show").out == before


def test_a_witness_that_is_a_service_is_asked(run: Run, store: Path, tmp_path: Path) -> None:
    with remembering() as service:
        spec = service.url
        assert run("audit", "verify", "--witness", spec).code == 0
        assert "goes on from what 1 witness(es)" in run("audit", "verify", "--witness", spec).out
        (note,) = service.kept
        assert note.startswith(b"severance/")
        service.status = 500
        refused = run("audit", "verify", "--witness", spec)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.count("\n") == 1
        assert "answered with status 500" in refused.err
    assert "nothing listens there" in run("audit", "verify", "--witness", spec).err
    assert run("audit", "verify", "--witness", "http://example.org/").code == 2


def test_a_witness_lets_itself_be_told_by_the_owner(run: Run, store: Path, tmp_path: Path) -> None:
    witness = f"file:{tmp_path / 'seen'}"
    shutil.copy(store / "audit.db", tmp_path / "older")
    run("recall", "printer", "--at", "office")
    run("audit", "verify", "--witness", witness)
    shutil.copy(tmp_path / "older", store / "audit.db")
    run("audit", "accept")
    refused = run("audit", "verify", "--witness", witness)
    assert refused.code == 4
    assert "audit accept --witness" in refused.err
    assert run("audit", "accept", "--witness", witness).out.startswith("The audit log goes on after ")
    assert run("audit", "verify", "--witness", witness).code == 0


def test_an_export_is_verified_without_the_store_and_without_a_key(run: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "crossings.jsonl"
    done = run("audit", "export", str(file), "--what", "crossed")
    assert done.out == f"Exported 1 entries to {file}. They are not sealed there.\n"
    if sys.platform != "win32":  # which has no modes
        assert file.stat().st_mode & 0o077 == 0
    key = verifier(run)
    elsewhere = {"SEVERANCE_STORE": str(tmp_path / "nowhere"), "SEVERANCE_KEY": "env:NOTHING"}
    found = run("audit", "verify", "--export", str(file), env=elsewhere)
    assert (found.code, found.err) == (0, "")
    assert f"compare it with the owner's: {key}" in found.out.replace("\n", " ")
    known = run("audit", "verify", "--export", str(file), "--verifier", key, env=elsewhere)
    assert "signed by the key that was given" in known.out
    assert run("audit", "export", str(file)).code == 1, "it is there already"
    assert run("audit", "export", str(file), "--force").code == 0
    assert json.loads(run("audit", "verify", "--export", str(file), "--json").out)["known"] is False


def test_an_export_that_was_altered_ends_with_4(run: Run, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.jsonl"
    run("audit", "export", str(file))
    file.write_bytes(file.read_bytes().replace(b'"office"', b'"home"', 1))
    refused = run("audit", "verify", "--export", str(file))
    assert refused.code == 4
    assert "does not say what is in the log" in refused.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--export", "gone.jsonl"), 1),
        (("--export", "key", "--verifier", "x"), 2),
        (("--verifier", "x"), 2),
        (("--export", "gone.jsonl", "--witness", "file:seen"), 2),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("this is no export\n", encoding="utf-8")
    assert run("audit", "verify", *words).code == code


def test_an_export_goes_to_standard_output_too(run: Run, store: Path) -> None:
    lines = run("audit", "export", "--what", "placed").out.splitlines()
    assert [json.loads(line).get("what") for line in lines] == [None, *["placed"] * (len(lines) - 1)]
    assert len(lines) > 3


def test_a_persona_sees_its_own_past(run: Run, store: Path) -> None:
    shown = run("events", "--at", "office", "--json")
    events = json.loads(shown.out)["events"]
    assert [event["what"] for event in events] == ["severed", "placed", "crossed", "slept", "crossed"]
    assert "house" not in shown.out
    assert len(json.loads(run("events", "--at", "office", "--limit", "2", "--json").out)["events"]) == 2
    assert "crossed" in run("events", "--at", "office").out
    assert run("events").code == 2


def test_what_is_brought_in_and_written_out_is_told(run: Run, store: Path, tmp_path: Path) -> None:
    run("export", str(tmp_path / "out.jsonl"), "--at", "office")
    run("import", str(tmp_path / "out.jsonl"), "--at", "house", "--subject", "mark")
    told = json.loads(run("audit", "show", "--json").out)["events"]
    found = {event["what"]: event for event in told if event["what"] in ("exported", "imported")}
    assert (found["exported"]["persona"], found["exported"]["detail"]) == ("work", {"memories": 2})
    assert (found["imported"]["persona"], found["imported"]["detail"]) == ("outie", {"format": "jsonl"})
