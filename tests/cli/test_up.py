"""`up`, `down`, `lock` and `unlock`, as real processes; and commands that go through a house that is up."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

import severance
from kit.processes import PROC, is_there, until
from severance.resident import address

from .conftest import KEY, Run, command

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the paths here are too long for a socket")


def _houses(store: Path) -> set[int]:
    """The processes that are a house for this store."""
    found = set()
    for entry in PROC.glob("[0-9]*"):
        with suppress(OSError):
            said = (entry / "cmdline").read_bytes().split(b"\0")
            if os.fsencode(store) in said and b"--foreground" in said:
                found.add(int(entry.name))
    return found


@pytest.fixture(autouse=True)
def taken_down(store: Path) -> Iterator[None]:
    """No house of a test outlives it."""
    yield
    with suppress(severance.StoreError):
        severance.connect(store).down()
    until(lambda: not [each for each in _houses(store) if is_there(each)])


@pytest.fixture
def shown(store: Path) -> str:
    with severance.open(store, key=KEY) as house:
        return house.permit("irving", "office", rights=["recall", "remember"], until=timedelta(hours=1))


@contextmanager
def somebody_else(store: Path) -> Iterator[None]:
    """Within, somebody has the place of the house, and does not listen."""
    lease = address.taken(store)
    try:
        yield
    finally:
        lease.release()


def _keyless(shown: str | None = None) -> dict[str, str]:
    """An environment without the root key."""
    kept = {name: value for name, value in os.environ.items() if name != "SEVERANCE_KEY"}
    return kept if shown is None else {**kept, "SEVERANCE_PERMIT": shown}


def test_with_a_house_up_a_permit_is_enough(spawn: Run, shown: str, store: Path) -> None:
    assert spawn("recall", "printer", env=_keyless(shown)).code == 3, "without one, the root key is needed"
    up = spawn("up")
    assert (up.code, up.out) == (0, "The house is up: open, 0 sessions.\n")
    found = spawn("recall", "printer", "--json", env=_keyless(shown))
    assert (found.code, "second floor" in found.out) == (0, True)
    assert spawn("remember", "a new one", env=_keyless(shown)).code == 0
    refused = spawn("recall", "printer", "--at", "house", env=_keyless(shown))
    assert (refused.code, refused.out) == (1, "")
    assert spawn("recall", "printer", env=_keyless("sev1_nothing")).code == 1
    assert len(_houses(store)) == 1


def test_up_says_that_it_is_and_down_that_it_was(spawn: Run, store: Path) -> None:
    told = spawn("up", "--json").json
    assert told == {"store": str(store), "up": True, "locked": False, "sessions": 0, "http": None}
    assert spawn("up").out == "The house is up already: open, 0 sessions.\n"
    assert spawn("lock").out == "The house is locked.\n"
    assert spawn("up").out == "The house is up already: locked; `severance unlock` opens it.\n"
    assert spawn("down", "--json").json == told | {"up": False, "locked": True}
    ended = spawn("down")
    assert (ended.code, "no house is up" in ended.err) == (1, True)


def test_status_says_whether_a_house_is_up_and_how(spawn: Run, run: Run, store: Path) -> None:
    assert "No house is up for it.\n" in run("status").out
    assert run("status", "--json").json["house"] is None
    spawn("up", "--http", "127.0.0.1:0")
    url = severance.connect(store).state().http
    assert f"The house is up: open, 0 sessions, HTTP at {url}.\n" in run("status").out
    assert run("status", "--json").json["house"] == {"locked": False, "sessions": 0, "http": url}
    spawn("lock")
    assert f"The house is up: locked; `severance unlock` opens it, HTTP at {url}.\n" in run("status").out
    assert run("status", "--json").json["house"] == {"locked": True, "sessions": 0, "http": url}


def test_a_lock_is_that_of_the_house_and_not_of_the_store(spawn: Run, run: Run, shown: str) -> None:
    spawn("up")
    spawn("lock")
    refused = run("recall", "printer", env={"SEVERANCE_PERMIT": shown})
    assert (refused.code, "the house is locked" in refused.err) == (1, True)
    assert "second floor" in run("recall", "printer", "--at", "office").out, "the root key is at hand"
    assert "whoever has the root key" in " ".join(run("lock", "--help").out.split())


def test_up_again_at_the_same_address_says_so_and_at_another_where_it_is(spawn: Run, run: Run, store: Path) -> None:
    spawn("up", "--http", "0")
    url = severance.connect(store).state().http
    assert url is not None
    port = url.rpartition(":")[2]
    for same in (port, f"127.0.0.1:{port}", f"localhost:{port}", "0"):
        told = run("up", "--http", same)
        assert (told.code, told.out) == (0, f"The house is up already: open, 0 sessions, HTTP at {url}.\n"), same
    for other in (str(int(port) ^ 1), f"127.0.0.2:{port}", "127.0.0.2:0"):
        refused = run("up", "--http", other)
        assert (refused.code, refused.out, f"serves HTTP at {url}, and" in refused.err) == (2, "", True), other
    refused = run("up", "--http", port, "--most", "7")
    assert (refused.code, "(--most)" in refused.err) == (2, True), "that is not the address"


def test_up_with_http_where_the_house_serves_none_is_refused(spawn: Run, run: Run) -> None:
    spawn("up")
    refused = run("up", "--http", "0")
    assert (refused.code, "serves no HTTP" in refused.err) == (2, True)


def test_a_port_in_use_is_one_plain_sentence_before_the_store_is_opened(run: Run, store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("up", "--http", str(port), "--key", "file:/nowhere/at/all")
    why = os.strerror(errno.EADDRINUSE)
    said = f"severance: nothing can listen at 127.0.0.1 port {port} ({why}); choose another port or address\n"
    assert (refused.code, refused.out, refused.err) == (1, "", said)


def test_options_that_a_house_does_not_have_are_refused(spawn: Run, store: Path) -> None:
    assert spawn("up", "--locked", "--most", "7").code == 0
    assert spawn("up", "--locked").code == 0, "it is"
    refused = spawn("up", "--locked", "--most", "9", "--lock-after", "8h")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
    assert "(--lock-after, --most)" in refused.err
    assert "severance down" in refused.err
    spawn("unlock")
    assert "(--locked)" in spawn("up", "--locked").err
    (house,) = _houses(store)
    assert is_there(house)


def test_of_two_at_once_both_say_that_it_is_up(store: Path) -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    both = [subprocess.Popen(command("up"), **pipes) for _ in range(3)]  # type: ignore[call-overload]
    ended = [(*process.communicate(timeout=120), process.returncode) for process in both]
    assert [(err, code) for _, err, code in ended] == [(b"", 0)] * 3
    assert sorted(out for out, _, _ in ended) == [
        b"The house is up already: open, 0 sessions.\n",
        b"The house is up already: open, 0 sessions.\n",
        b"The house is up: open, 0 sessions.\n",
    ]
    assert len(_houses(store)) == 1


def test_who_opens_the_house_elsewhere_is_waited_for_and_then_told_of(
    store: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("severance.cli.commands.up._ANOTHER", 0.2)
    with somebody_else(store):
        ended = run("--json", "up")
    assert (ended.code, ended.error["kind"]) == (7, "AlreadyUpError")


def test_a_second_house_in_the_foreground_ends_with_a_code_of_its_own(spawn: Run) -> None:
    spawn("up")
    second = spawn("up", "--foreground")
    assert (second.code, "a house is up for" in second.err) == (7, True)


def test_locked_it_takes_the_root_key_to_go_on(spawn: Run, shown: str) -> None:
    assert spawn("up", "--locked", env=_keyless()).code == 0
    found = spawn("recall", "printer", env=_keyless(shown))
    assert (found.code, "the house is locked; `severance unlock` opens it" in found.err) == (1, True)
    assert spawn("unlock", env=_keyless()).code == 3
    assert spawn("unlock", "--json").json["locked"] is False
    assert spawn("recall", "printer", env=_keyless(shown)).code == 0


def test_who_cannot_begin_says_why(spawn: Run, store: Path, tmp_path: Path) -> None:
    assert spawn("up", "--store", str(tmp_path / "nowhere")).code == 1
    without = spawn("up", env=_keyless())
    assert (without.code, without.err.count("\n")) == (3, 1)
    for words in (("--lock-after", "soon"), ("--idle", "0s"), ("--most", "0")):
        assert spawn("up", *words).code == 2
    assert _houses(store) == set()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])  # Windows lacks the last
def test_in_the_foreground_it_ends_when_it_is_asked_to(store: Path, shown: str, name: str) -> None:
    number: signal.Signals = getattr(signal, name)
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("these tests were begun to ignore that signal, and so is what they begin")
    with subprocess.Popen(command("up", "--foreground"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline() == b"The house is up: open, 0 sessions.\n"
            session = severance.connect(store).admit(shown)
            session.remember("acknowledged")
            process.send_signal(number)
            assert (process.wait(60), process.stderr.read()) == (0, b"")
        finally:
            process.kill()
    with pytest.raises(severance.AsleepError, match="was taken down"):
        session.recall("acknowledged")
    assert list((store / "resident").iterdir()) == []
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as again:
        assert "acknowledged" in [memory.text for memory in again.memories()]


def test_a_house_that_was_left_has_no_terminal_and_no_output(spawn: Run, store: Path) -> None:
    spawn("up")
    (house,) = _houses(store)
    if (PROC / str(house) / "stat").exists():
        fields = (PROC / str(house) / "stat").read_text().rpartition(")")[2].split()
        assert int(fields[3]) == house, "a session of its own"
        if os.getuid() == 0:
            assert {(PROC / str(house) / "fd" / str(n)).readlink() for n in (0, 1, 2)} == {Path(os.devnull)}


def test_the_options_reach_the_house(spawn: Run, store: Path) -> None:
    more = ["--most", "7", "--idle", "5m", "--lock-after", "8h", "--lock-on-sleep", "--isolation", "none"]
    assert spawn("up", *more).code == 0
    (house,) = _houses(store)
    if (PROC / str(house) / "cmdline").exists():
        said = (PROC / str(house) / "cmdline").read_bytes().decode().split("\0")
        assert [word for word in more if word not in said] == []


def test_with_a_key_on_the_command_line_the_store_is_opened_here(spawn: Run, shown: str) -> None:
    spawn("up", "--locked")
    environ = {**os.environ, "SEVERANCE_PERMIT": shown}
    assert spawn("recall", "printer", env=environ).code == 1
    assert spawn("recall", "printer", "--key", "env", env=environ).code == 0


def test_a_store_is_not_restored_under_a_house_that_is_up(spawn: Run, tmp_path: Path) -> None:
    assert spawn("backup", str(tmp_path / "backup")).code == 0
    spawn("up")
    refused = spawn("restore", str(tmp_path / "backup"), "--replace")
    assert (refused.code, "take it down first" in refused.err) == (1, True)
    spawn("down")
    assert spawn("restore", str(tmp_path / "backup"), "--replace").code == 0


def test_a_unit_is_shown_before_it_is_written(run: Run, own_home: Path, store: Path) -> None:
    asked = run("up", "--install", "systemd")
    assert (asked.code, "pass --yes" in asked.err, "ExecStart=" in asked.out) == (2, True, True)
    assert not (own_home / "systemd").exists()
    written = run("up", "--lock-after", "30m", "--install", "systemd", "--yes")
    assert written.code == 0
    (unit,) = (own_home / "systemd" / "user").iterdir()
    content = unit.read_text()
    assert str(store) in content
    assert '"--lock-after" "30m"' in content
    assert content in written.out
    assert f"systemctl --user enable --now {unit.stem}" in written.out
    again = run("up", "--install", "systemd", "--yes")
    assert (again.code, again.out) == (1, "")
    assert "is there already; `severance up --uninstall systemd` removes it" in again.err
    assert unit.read_text() == content
    assert run("up", "--uninstall", "systemd", "--yes").code == 0
    assert not unit.exists()
    gone = run("up", "--uninstall", "systemd", "--yes")
    assert (gone.code, gone.out, "nothing is installed for this store" in gone.err) == (1, "", True)


def test_to_install_and_uninstall_at_once_is_a_contradiction(run: Run, own_home: Path) -> None:
    refused = run("up", "--install", "systemd", "--uninstall", "systemd", "--yes")
    assert (refused.code, refused.out, "opposites" in refused.err) == (2, "", True)
    assert not (own_home / "systemd").exists()


def test_an_agent_is_written_as_json_says(run: Run, own_home: Path) -> None:
    told = run("--json", "up", "--install", "launchd", "--yes").json
    assert told["written"] is True
    assert Path(told["file"]).is_file()
    assert told["next"] == [f"launchctl load -w {told['file']}"]
    told = run("--json", "up", "--uninstall", "launchd", "--yes").json
    assert (told["written"], Path(told["file"]).exists()) == (False, False)


def test_on_windows_it_says_that_it_cannot_be(run: Run, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    monkeypatch.setattr("severance.resident.address.sys.platform", "win32")
    ended = run("up")
    assert (ended.code, "cannot be up on Windows yet" in ended.err) == (2, True)
