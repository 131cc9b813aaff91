"""`severance integrate`, as a person runs it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import severance
from severance import credentials
from severance.integrate.files import BACKUP
from severance.integrate.trial import tried

from .conftest import Run

KEY = bytes(range(32))
ARGUMENTS = ("integrate", "claude-code", "--place", "laptop", "--wakes", "me=work", "--yes")


@pytest.fixture
def store(home: Path, run: Run) -> Path:
    """A store in which irving works at the office, and two subjects are in the house."""
    run("init")
    with severance.open(home / ".severance", key=KEY) as house:
        house.sever("irving", ["work", "home"])
        house.sever("mark", ["outie"])
        house.place("office", {"irving": "work"})
        house.place("house", {"irving": "home", "mark": "outie"})
    return home / ".severance"


def entry(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / ".claude.json").read_text())["mcpServers"]["severance"]
    return found


def kept(home: Path, place: str = "laptop", program: str = "claude-code") -> str | None:
    return credentials.kept(home / ".severance", place, program, environ={"HOME": str(home), "USERPROFILE": str(home)})


def listed(run: Run) -> list[tuple[str, str, bool]]:
    """Place, subject and whether it is open, of every credential."""
    found = json.loads(run("credential", "list", "--json").out)["credentials"]
    return [(each["place"], each["subject"], each["revoked"] is None) for each in found]


def test_it_makes_what_is_missing_and_a_second_time_changes_nothing(store: Path, home: Path, run: Run) -> None:
    said = run(*ARGUMENTS).out
    assert "Sever me, with the persona work.\nDeclare the place laptop, where me wakes as work.\n" in said
    assert "Make a place credential for Claude Code at laptop, and keep it.\n" in said
    assert '+    "severance": {\n' in said
    assert "A crossing must start a new model context" in said
    assert "severance integrate claude-code --check" in said
    assert listed(run) == [("laptop", "me", True)]
    files = {path: path.read_bytes() for path in home.glob(".claude*")}
    assert run(*ARGUMENTS).out == "There is nothing to change.\n"
    assert {path: path.read_bytes() for path in home.glob(".claude*")} == files
    assert listed(run) == [("laptop", "me", True)]


def test_what_it_writes_runs(store: Path, home: Path, run: Run) -> None:
    run(*ARGUMENTS)
    found = entry(home)
    assert Path(found["command"]).is_absolute()
    assert found["args"][:2] == ["--store", str(store)] or found["args"][:3] == ["-P", "-m", "severance.cli.main"]
    said = run("integrate", "claude-code", "--check").out
    assert said.startswith("It answers, with the tools ")
    assert "remember" in said
    tools = json.loads(run("integrate", "claude-code", "--check", "--json").out)["tools"]
    assert "recall" in tools
    credentials.drop(store, "laptop", "claude-code", environ={"HOME": str(home), "USERPROFILE": str(home)})
    failed = run("integrate", "claude-code", "--check", code=1)
    assert failed.err.startswith("severance: the server gave no answer: severance: no credential is kept")


def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(severance.StoreError, match="cannot be started"):
        tried(["/nowhere/severance"])
    with pytest.raises(severance.StoreError, match="gave no answer"):
        tried([sys.executable, "-c", ""])


@pytest.fixture
def foreign(home: Path) -> Callable[..., Path]:
    """A project by somebody else, whose server has these words, and which leaves a mark where it is started."""

    def made(*words: str) -> Path:
        project = home / "foreign"
        project.mkdir(exist_ok=True)
        written = {"mcpServers": {"severance": {"command": words[0], "args": words[1:]}}}
        (project / ".mcp.json").write_text(json.dumps(written))
        return project

    return made


def test_a_check_starts_nothing_that_is_not_written_here(
    store: Path, home: Path, run: Run, foreign: Callable[..., Path]
) -> None:
    run(*ARGUMENTS)
    ours, mark = [entry(home)["command"], *entry(home)["args"]], home / "started"
    other = home / "bin" / "severance"
    other.parent.mkdir()
    other.write_text(f"#!/bin/sh\necho run > {mark}\n")
    other.chmod(0o700)
    program = ["mcp", "--place", "laptop", "--program", "claude-code"]
    for words in (
        ["/bin/sh", "-c", f"echo run > {mark}", "--", "--store", str(store), *program],
        [str(other), "--store", str(store), *program],
        [str(other), *ours[1:]],
        [*ours[:-5], "--key", f"command:echo run > {mark}", *program],
        [*ours[:-5], "--embedder", "http://127.0.0.1:9", *program],
        [*ours, "--program", "zed"],
        [word if word != str(store) else str(home / "other") for word in ours],
    ):
        project = foreign(*words)
        refused = run("integrate", "claude-code", "--project", str(project), "--check", code=1)
        assert "nothing was started" in refused.err
        assert words[0] in refused.err
        assert (refused.out, refused.err.count("\n")) == ("", 1)
        assert not mark.exists()
    assert "It answers" in run("integrate", "claude-code", "--project", str(foreign(*ours)), "--check").out


def test_a_command_that_is_refused_is_shown_and_safe_to_show(
    store: Path, home: Path, run: Run, foreign: Callable[..., Path]
) -> None:
    words = ["/x\x1b[2J/severance", "--store", str(store), "mcp", "--place", "office", "--program", "claude-code"]
    for act, code in (("--check", 1), ("--remove", 2)):
        refused = run("integrate", "claude-code", "--project", str(foreign(*words)), act, code=code)
        assert "/severance' --store" in refused.err
        assert "\x1b" not in refused.err
    words[2] = "/" + "y" * 5000
    refused = run("integrate", "claude-code", "--project", str(foreign(*words)), "--check", code=1)
    assert len(refused.err) < 1000


def test_nothing_is_ended_because_of_what_somebody_else_wrote(
    store: Path, home: Path, run: Run, foreign: Callable[..., Path]
) -> None:
    run("integrate", "claude-code", "--place", "office", "--yes")
    (home / ".claude.json").unlink()
    for begin in (["/bin/sh", "-c", "true"], ["/x/severance"]):
        words = [*begin, "--store", str(store), "mcp", "--place", "office", "--program", "claude-code"]
        project = foreign(*words)
        before = (project / ".mcp.json").read_bytes()
        for act in (["--remove"], ["--place", "laptop", "--wakes", "me=work"]):
            refused = run("integrate", "claude-code", "--project", str(project), *act, "--yes", code=2)
            assert refused.err.count("\n") == 1
        assert (project / ".mcp.json").read_bytes() == before
        assert listed(run) == [("office", "irving", True)]
    run("integrate", "claude-code", "--project", str(project), "--remove", "--place", "office", "--yes")
    assert listed(run) == [("office", "irving", False)], "its user has named the place"


def test_it_can_be_taken_out_and_nothing_opens_any_more(store: Path, home: Path, run: Run) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and ".severance" not in path.parts}
    run(*ARGUMENTS, "--hooks")
    text = kept(home)
    assert text is not None
    assert (home / ".claude").is_dir()
    said = run("integrate", "claude-code", "--remove", "--yes").out
    assert not (home / ".claude").exists(), "it was made for the hooks alone"
    assert "Revoke the place credential of Claude Code at laptop, and drop it.\n" in said
    assert said.endswith("Taken out.\n")
    assert listed(run) == [("laptop", "me", False)]
    assert kept(home) is None
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and ".severance" not in path.parts}
    assert after == before
    with severance.open(store, key=KEY) as house, pytest.raises(severance.NotFoundError):
        house.admit(text)
    assert run("integrate", "claude-code", "--remove", "--yes").out == "There is nothing to change.\n"


def test_a_dry_run_does_nothing(store: Path, home: Path, run: Run) -> None:
    said = run(*ARGUMENTS, "--hooks", "--dry-run").out
    assert "Sever me" in said
    assert '"SessionStart"' in said
    assert said.endswith("Nothing was changed.\n")
    assert not (home / ".claude.json").exists()
    assert listed(run) == []
    run(*ARGUMENTS)
    assert "Revoke" in run("integrate", "claude-code", "--remove", "--dry-run").out
    assert listed(run) == [("laptop", "me", True)]


def test_without_a_yes_and_nobody_to_ask_nothing_is_written(store: Path, home: Path, run: Run) -> None:
    assert "pass --yes" in run(*ARGUMENTS[:-1], code=2).err
    assert not (home / ".claude.json").exists()
    assert listed(run) == []


def test_json_tells_what_was_done(store: Path, home: Path, run: Run) -> None:
    (home / ".claude.json").write_text("{}")
    found = json.loads(run(*ARGUMENTS, "--json").out)
    assert (found["client"], found["done"], len(found["steps"])) == ("claude-code", True, 3)
    copy = f"{home}/.claude.json{BACKUP}"
    assert found["files"][0] == {"file": f"{home}/.claude.json", "changed": True, "copy": copy}
    assert json.loads(run(*ARGUMENTS, "--json").out)["done"] is False


def test_who_wakes_at_a_place_that_is_there_is_never_changed(store: Path, home: Path, run: Run) -> None:
    for wakes in ("irving=home", "mark=outie", "me=work"):
        refused = run("integrate", "codex", "--place", "office", "--wakes", wakes, "--yes", code=2)
        assert "`severance place office" in refused.err
        first = "`severance sever me work` and then `severance place office me=work`"
        assert (first in refused.err) is (wakes == "me=work")
    assert run("integrate", "codex", "--place", "office", "--wakes", "irving=work", "--yes").out.count("Sever ") == 0
    assert listed(run) == [("office", "irving", True)]
    assert not (home / ".claude.json").exists()


def test_a_place_with_two_subjects_needs_one_to_be_named(store: Path, run: Run) -> None:
    assert "--subject" in run("integrate", "codex", "--place", "house", "--yes", code=2).err
    run("integrate", "codex", "--place", "house", "--subject", "mark", "--yes")
    assert listed(run) == [("house", "mark", True)]
    run("integrate", "codex", "--place", "house", "--subject", "irving", "--yes")
    assert listed(run) == [("house", "mark", False), ("house", "irving", True)], "one client is one subject"


def test_another_place_ends_what_was_at_the_first(store: Path, home: Path, run: Run) -> None:
    run(*ARGUMENTS, "--hooks")
    first = kept(home)
    said = run("integrate", "claude-code", "--place", "office", "--yes").out
    assert "End what Claude Code has at laptop.\n" in said
    assert listed(run) == [("laptop", "me", False), ("office", "irving", True)]
    assert kept(home) is None
    assert first != kept(home, "office") is not None
    assert "laptop" not in (home / ".claude.json").read_text() + (home / ".claude" / "settings.json").read_text()


def test_a_credential_that_was_revoked_is_made_anew(store: Path, home: Path, run: Run) -> None:
    run(*ARGUMENTS)
    first = kept(home)
    assert first is not None
    run("credential", "revoke", credentials.id_of(first))
    assert "Make a place credential" in run(*ARGUMENTS).out
    assert listed(run) == [("laptop", "me", False), ("laptop", "me", True)]
    assert kept(home) not in (first, None)


def test_a_project_and_its_user_share_what_lets_in(store: Path, home: Path, run: Run) -> None:
    project = home / "project"
    project.mkdir()
    run(*ARGUMENTS)
    run(*ARGUMENTS, "--project", str(project))
    assert (project / ".mcp.json").is_file()
    assert listed(run) == [("laptop", "me", True)]
    run("integrate", "claude-code", "--remove", "--project", str(project), "--yes")
    assert not (project / ".mcp.json").exists()
    assert listed(run) == [("laptop", "me", True)], "the user's own still needs it"
    assert "is not a folder" in run(*ARGUMENTS, "--project", str(home / "none"), code=2).err


def test_where_a_file_cannot_be_written_what_was_made_ends(
    store: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        raise severance.StoreFullError(f"the disk for {path.name} is full")

    with monkeypatch.context() as patched:
        patched.setattr("severance.integrate.files.put", full)
        assert "is full" in run("integrate", "codex", "--place", "office", "--yes", code=1).err
    assert listed(run) == [("office", "irving", False)]
    assert kept(home, "office", "codex") is None
    assert not (home / ".codex" / "config.toml").exists()


def test_what_changes_while_it_is_asked_about_is_not_overwritten(
    store: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def agree(yes: bool) -> None:
        (home / ".claude.json").write_text('{"new": 1}')

    monkeypatch.setattr("severance.cli.commands.integrate._agree", agree)
    assert "was changed meanwhile" in run(*ARGUMENTS, code=1).err
    assert (home / ".claude.json").read_text() == '{"new": 1}'
    assert listed(run) == [], "nothing is made where nothing can be written"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("emacs", "--place", "office"), "there is no client of this name; it is one of: claude-code"),
        (("codex",), "say where its agent is, with --place NAME"),
        (("codex", "--place", "nowhere"), "no such place here"),
        (("codex", "--place", "office", "--wakes", "work"), "SUBJECT=PERSONA"),
        (("codex", "--place", "office", "--wakes", "irving="), "the persona"),
        (("codex", "--place", "office", "--wakes", "irving=work", "--subject", "mark"), "different subjects"),
        (("codex", "--remove", "--hooks"), "--remove takes out all"),
        (("codex", "--remove", "--wakes", "irving=work"), "--wakes is not for that"),
        (("codex", "--remove", "--subject", "irving"), "--subject is not for that"),
        (("codex", "--check", "--remove"), "--check only tries what is written, and --remove is not for that"),
        (("codex", "--check", "--dry-run"), "--dry-run is not for that"),
        (("codex", "--check", "--hooks", "--place", "office"), "--hooks is not for that"),
        (("codex", "--check", "--wakes", "irving=work"), "--wakes is not for that"),
        (("codex", "--check", "--subject", "irving"), "--subject is not for that"),
        (("zed", "--place", "office", "--hooks"), "Zed runs no commands at the end of a turn"),
        (("windsurf", "--place", "office", "--project", "."), "leave --project out"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(words: tuple[str, ...], said: str, store: Path, run: Run) -> None:
    refused = run("integrate", *words, "--yes", code=None)
    assert refused.code in (1, 2)
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert listed(run) == []


def test_a_check_that_is_to_remove_does_neither(store: Path, home: Path, run: Run) -> None:
    run(*ARGUMENTS)
    refused = run("integrate", "claude-code", "--check", "--remove", "--yes", code=2)
    assert (refused.out, refused.err.count("\n")) == ("", 1)
    assert kept(home) is not None


def test_another_store_is_not_taken_out_from_here(store: Path, home: Path, run: Run, tmp_path: Path) -> None:
    run(*ARGUMENTS)
    other = str(tmp_path / "other")
    run("--store", other, "init")
    refused = run("--store", other, "integrate", "claude-code", "--remove", "--yes", code=2)
    assert f"--store {store}" in refused.err
    assert "not integrated at that place" in run("integrate", "claude-code", "--remove", "--place", "desk", code=1).err


def test_a_store_that_is_gone_can_still_be_taken_out(store: Path, home: Path, run: Run) -> None:
    run(*ARGUMENTS)
    store.rename(home / "gone")
    run("integrate", "claude-code", "--remove", "--yes")
    assert not (home / ".claude.json").exists()
    assert kept(home) is None


def test_a_key_file_is_named_from_everywhere(home: Path, run: Run, environ: dict[str, str]) -> None:
    del environ["SEVERANCE_KEY"]
    run("--key", "file:./root.key", "init")
    said = run("--key", "file:./root.key", *ARGUMENTS).out
    assert f"--key file:{home}/root.key integrate claude-code --check." in said
    assert f"file:{home}/root.key" in entry(home)["args"]
    refused = run("integrate", "claude-code", "--check", code=1)
    assert "nothing was started" in refused.err
    assert "It answers" in run("--key", "file:./root.key", "integrate", "claude-code", "--check").out


def test_without_the_extra_it_is_said_which_is_missing(
    store: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("severance.cli.commands.integrate.find_spec", lambda name: None)
    refused = run(*ARGUMENTS, code=2)
    assert refused.err.endswith("`pip install 'severance[mcp]'` does that\n")
    assert not (home / ".claude.json").exists()
    assert listed(run) == []


def test_a_person_is_asked(store: Path, home: Path, environ: dict[str, str]) -> None:
    pty = pytest.importorskip("pty", reason="needs a terminal")
    for answer, wrote in ((b"n\n", False), (b"y\n", True)):
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(home)
            os.execve(sys.executable, [sys.executable, "-m", "severance.cli.main", *ARGUMENTS[:-1]], environ)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(terminal, 4096)
        os.write(terminal, answer)
        try:
            while os.read(terminal, 4096):
                pass
        except OSError:  # the end, on Linux
            pass
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if wrote else 1)
        assert (home / ".claude.json").exists() is wrote
