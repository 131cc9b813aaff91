"""Owner tokens at the command line."""

from __future__ import annotations

from pathlib import Path

from .conftest import Run


def test_a_token_is_printed_alone_and_once(run: Run, store: Path) -> None:
    made = run("owner", "token", "--for", "8h", "--label", "the console")
    assert (made.code, made.err, made.out.count("\n")) == (0, "", 1)
    text = made.out.strip()
    assert text.startswith("sevo.")
    listed = run("owner", "list").out
    assert "the console" in listed
    assert text.split(".")[2] not in listed
    assert run("--json", "owner", "token", "--until", "2999-01-01").json.keys() == {"token"}


def test_when_it_ends_has_to_be_said_once(run: Run, store: Path) -> None:
    for words in ((), ("--for", "8h", "--until", "2999-01-01"), ("--for", "soon"), ("--until", "2001-01-01")):
        refused = run("owner", "token", *words)
        assert (refused.code, refused.out) == (2, ""), words
    assert run("owner", "list").out == "There are no owner tokens.\n"


def test_a_token_is_revoked_by_its_id(run: Run, store: Path) -> None:
    run("owner", "token", "--for", "8h")
    (made,) = run("--json", "owner", "list").json["tokens"]
    for _ in range(2):
        assert run("owner", "revoke", made["id"]).code == 0
    assert run("--json", "owner", "list").json["tokens"][0]["ended"] is not None
    unknown = run("owner", "revoke", "0" * 32)
    assert (unknown.code, unknown.out) == (1, "")


def test_a_label_cannot_write_to_the_terminal(run: Run, store: Path) -> None:
    assert run("owner", "token", "--for", "8h", "--label", "a\x1b[2Jb\nc").code == 0
    listed = run("owner", "list").out
    assert "\x1b[2J" not in listed
    assert "b\nc" not in listed


def test_an_owner_token_is_no_permit(run: Run, store: Path) -> None:
    text = run("owner", "token", "--for", "8h").out.strip()
    refused = run("recall", "anything", env={"SEVERANCE_PERMIT": text})
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == run("recall", "anything", env={"SEVERANCE_PERMIT": "nothing"}).err
