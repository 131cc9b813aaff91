"""What this machine says of itself."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import chdir
from ipaddress import ip_address
from pathlib import Path

import pytest

from chip.thresholds.worlds import Told, when
from severance.chip.thresholds.deciding import decide
from severance.chip.thresholds.rules import COMMAND, Condition, Rule
from severance.chip.thresholds.surroundings import Known, Machine, Nowhere
from severance.crypto.rootkey.allowed import allow

ENVIRON = {"PATH": os.environ.get("PATH", ""), "SECRET": "not to be passed on"}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with chdir(tmp_path):
        yield Machine({**ENVIRON, "HOME": str(tmp_path), "APPDATA": str(tmp_path), "USERPROFILE": str(tmp_path)}, 2)


def script(folder: Path, text: str) -> str:
    path = folder / "command"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_the_working_directory_and_its_repository_have_no_symbolic_links(machine: Machine, tmp_path: Path) -> None:
    deep = tmp_path / "repository" / "src" / "a"
    deep.mkdir(parents=True)
    (tmp_path / "repository" / ".git").write_text("gitdir: elsewhere", encoding="utf-8")
    assert machine.repository() is None or machine.repository() not in deep.parents
    (tmp_path / "link").symlink_to(deep)
    with chdir(tmp_path / "link"):
        assert machine.directory() == deep.resolve()
        assert machine.repository() == (tmp_path / "repository").resolve()
    assert machine.path(str(tmp_path / "link")) == deep.resolve()
    assert machine.path("~/repository") == (tmp_path / "repository").resolve()
    assert machine.path("~") == tmp_path.resolve()


@pytest.mark.skipif(sys.platform == "win32", reason="a directory in use cannot be removed")
def test_a_working_directory_that_was_removed_is_not_known(machine: Machine, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with chdir(gone):
        gone.rmdir()
        assert machine.directory() is None
        assert machine.repository() is None


def test_own_addresses_are_those_that_one_can_listen_on(machine: Machine) -> None:
    own = machine.addresses()
    assert own is not None
    assert ip_address("127.0.0.1") in own
    assert ip_address("192.0.2.1") not in own
    for address in (each for each in own if each.version == 4):
        with socket.socket() as listening:
            listening.bind((str(address), 0))


def test_the_host_is_what_the_system_calls_itself(machine: Machine) -> None:
    assert machine.host() == socket.gethostname()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_command_runs_only_where_its_user_has_allowed_that_very_command(machine: Machine, tmp_path: Path) -> None:
    program = script(tmp_path, 'echo ran >> "$0.log"; exit "$1"')
    assert "is not allowed" in str(machine.succeeds([program, "0"]))
    assert not Path(f"{program}.log").exists(), "it was not even started"
    allow([program, "0"], machine.environ)
    assert machine.succeeds([program, "0"]) is True
    assert "is not allowed" in str(machine.succeeds([program, "1"])), "other arguments are another command"
    allow([program, "1"], machine.environ)
    assert machine.succeeds([program, "1"]) is False


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_a_command_gets_no_input_few_variables_and_little_time(machine: Machine, tmp_path: Path) -> None:
    program = script(tmp_path, 'read line && exit 1; test -z "$SECRET" -a "$HOME" = "$(pwd)" -a -n "$PATH"')
    allow([program], machine.environ)
    assert machine.succeeds([program]) is True
    slow = script(tmp_path, "exec sleep 60")
    allow([slow], machine.environ)
    assert Machine(machine.environ, 0.2).succeeds([slow]) == "did not end within 0.2 seconds"


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_why_an_allowed_command_does_not_run_is_told(machine: Machine, tmp_path: Path) -> None:
    program, missing = script(tmp_path, "exit 0"), str(tmp_path / "missing")
    for each in (program, missing):
        allow([each], machine.environ)
    Path(program).chmod(0o600)
    assert "is not there" in str(machine.succeeds([missing]))
    assert "may not be executed" in str(machine.succeeds([program]))
    at = when("2026-06-05T10:00Z", Told(ends={"/x": "is not there"}))
    decision = decide((Rule("work", (Condition(COMMAND, ("/x",)),)),), at)
    assert (decision.persona, decision.looked[0].verdicts[0].why) == (None, "the command /x is not there")


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files")
def test_no_command_runs_where_others_can_write_what_is_allowed(machine: Machine, tmp_path: Path) -> None:
    program = script(tmp_path, "exit 0")
    allow([program], machine.environ)
    (tmp_path / ".config" / "severance" / "allowed-commands").chmod(0o666)
    assert "others than you can write" in str(machine.succeeds([program]))


def test_what_is_asked_once_is_not_asked_again() -> None:
    world = Told(ends={"/x": True})
    known = Known(world)
    assert [known.succeeds(["/x"]) for _ in range(3)] == [True] * 3
    world.name = "another"
    assert known.host() == "another"
    world.name = "a third"
    assert known.host() == "another"
    assert world.ran == [("/x",)]


def test_nowhere_knows_nothing() -> None:
    nowhere = Nowhere()
    asked = (nowhere.host(), nowhere.directory(), nowhere.path("~"), nowhere.repository(), nowhere.addresses())
    assert {*asked, nowhere.succeeds(["/bin/true"])} == {None}
