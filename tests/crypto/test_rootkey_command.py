"""Keys from commands: real processes, and the list of those that may be run from a record."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.test_rootkey_parts import KEY, WRITTEN, Counted, leaks, strangers_home, where
from severance.crypto.rootkey import Command, Record, allowed, command, parse_spec
from severance.crypto.rootkey.allowed import allow, config_directory, is_allowed
from severance.errors import DamagedError, InputError, KeyMissingError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, which the mode does not show")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    strangers_home(monkeypatch, tmp_path)


def python(script: str) -> Command:
    return Command((sys.executable, "-c", script))


PRINTS = python(f"print('{WRITTEN}')")


def listed(tmp_path: Path) -> Path:
    directory = config_directory(where(tmp_path).environ)
    assert directory is not None
    assert directory.is_relative_to(tmp_path)
    return directory / "allowed-commands"


class TestRunning:
    @pytest.mark.parametrize("text", [WRITTEN, WRITTEN.rstrip("="), f"  {WRITTEN}\\r\\n\\n", WRITTEN.replace("+", "-")])
    def test_the_key_is_what_it_prints(self, tmp_path: Path, text: str) -> None:
        source = python(f"print('{text}')")
        assert source.make(where(tmp_path), Counted()) == (KEY, {"source": "command", "argv": list(source.argv)})
        assert source.fetch(where(tmp_path)) == KEY

    @pytest.mark.parametrize(
        ("script", "says"),
        [
            ("", "did not print 32 bytes"),
            ("print('hunter2')", "did not print 32 bytes"),
            ("import sys; sys.stdout.buffer.write(b'\\xff' * 44)", "did not print 32 bytes"),
            ("import os; print(os.environ['LEAK']); raise SystemExit(3)", "ended with status 3"),
        ],
    )
    def test_anything_else_is_no_key(self, tmp_path: Path, script: str, says: str) -> None:
        for call in (python(script).fetch, lambda here: python(script).make(here, Counted())):
            with pytest.raises(KeyMissingError, match=says) as caught:
                call(where(tmp_path, LEAK=WRITTEN))
            assert "hunter2" not in str(caught.value)
            assert WRITTEN not in str(caught.value)
            # The environment is in our frames; what the command printed is not.
            assert all(place.endswith(".environ") for place in leaks(caught.value, WRITTEN))
        assert not listed(tmp_path).exists()

    def test_one_that_does_not_end_is_ended(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "TIMEOUT_SECONDS", 1)
        start = time.monotonic()
        with pytest.raises(KeyMissingError, match="did not end within 1 seconds") as caught:
            python(
                "import base64, time; print(base64.b64encode(bytes(range(100, 132))).decode(), flush=True);"
                "time.sleep(10_000)"
            ).fetch(where(tmp_path))
        assert time.monotonic() - start < 600
        assert leaks(caught.value, WRITTEN) == []

    def test_it_gets_no_input_and_its_errors_pass_through(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        script = f"import sys; assert sys.stdin.read() == ''; print('touch it', file=sys.stderr); print('{WRITTEN}')"
        assert python(script).fetch(where(tmp_path)) == KEY
        assert capfd.readouterr() == ("", "touch it" + os.linesep)

    def test_there_is_no_shell(self, tmp_path: Path) -> None:
        script = f"import sys; assert sys.argv[1:] == ['$HOME', '; exit 1', '*']; print('{WRITTEN}')"
        assert Command((*python(script).argv, "$HOME", "; exit 1", "*")).fetch(where(tmp_path)) == KEY

    def test_it_runs_in_the_home_so_that_it_means_the_same_everywhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "store" / "get.py").write_text("raise SystemExit('the wrong one')")
        (tmp_path / "home" / "get.py").write_text(f"print('{WRITTEN}')")
        monkeypatch.chdir(tmp_path / "store")
        assert Command((sys.executable, "get.py")).fetch(where(tmp_path)) == KEY

    def test_a_program_in_the_current_directory_is_not_found(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = "get.bat" if sys.platform == "win32" else "get"
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(KeyMissingError, match="not in PATH"):
            Command((name,)).fetch(where(tmp_path, PATH="."))
        with pytest.raises(KeyMissingError, match="not in PATH"):
            Command(("no-such-program",)).fetch(where(tmp_path))

    @posix
    def test_a_program_is_looked_up_in_path_or_from_the_home(self, tmp_path: Path) -> None:
        program = tmp_path / "home" / "get"
        program.write_text(f"#!/bin/sh\necho {WRITTEN}\n")
        program.chmod(0o755)
        assert Command(("~/get",)).fetch(where(tmp_path)) == KEY
        assert Command(("get",)).fetch(where(tmp_path, PATH=str(program.parent))) == KEY
        program.write_text("not a program")
        with pytest.raises(KeyMissingError, match="could not be started"):
            Command(("~/get",)).fetch(where(tmp_path))


class TestParsing:
    def test_on_posix_as_a_shell_would(self) -> None:
        assert Command.parse(r"""a 'b c' "d\"e" f\ g ''""", "linux").argv == ("a", "b c", 'd"e', "f g", "")

    def test_on_windows_backslashes_stay(self) -> None:
        line = r'"C:\Program Files\pass.exe" show C:\x'
        # A program there is absolute only to Windows, so the parts are seen through one with a plain name.
        assert Command.parse("run " + line, "win32").argv == ("run", r"C:\Program Files\pass.exe", "show", r"C:\x")

    @pytest.mark.parametrize(
        "argv", ["pass show", [], [""], ["a", "b\0"], ["a", 7], ["a", "\ud800"], ["a" * 8193], ["./"], ["./x"]]
    )
    def test_refuses_what_cannot_be_run(self, argv: list[str]) -> None:
        with pytest.raises(InputError):
            Command(argv)


class TestAllowance:
    def test_a_record_is_not_run_until_the_user_has_named_the_command(self, tmp_path: Path) -> None:
        mark = tmp_path / "ran"
        source = python(f"open({str(mark)!r}, 'a').write('x'); print('{WRITTEN}')")
        recorded: Record = {"source": "command", "argv": list(source.argv)}
        with pytest.raises(KeyMissingError, match=r"you have not allowed it here.*--key command:"):
            Command.fetch_recorded(where(tmp_path, recorded))
        assert not mark.exists()
        source.fetch(where(tmp_path))
        assert Command.fetch_recorded(where(tmp_path, recorded)) == KEY
        assert mark.read_text() == "xx"

    def test_one_letter_more_is_another_command(self, tmp_path: Path) -> None:
        PRINTS.fetch(where(tmp_path))
        for argv in ([*PRINTS.argv, ""], [*PRINTS.argv[:2], PRINTS.argv[2] + " "], [" ".join(PRINTS.argv)]):
            assert not is_allowed(argv, where(tmp_path).environ)
        assert is_allowed(PRINTS.argv, where(tmp_path).environ)

    def test_making_a_store_allows_its_command(self, tmp_path: Path) -> None:
        key, recorded = PRINTS.make(where(tmp_path), Counted())
        assert Command.fetch_recorded(where(tmp_path, json.loads(json.dumps(recorded)))) == key

    def test_the_list_holds_each_once_and_no_command_in_the_clear(self, tmp_path: Path) -> None:
        for _ in range(3):
            PRINTS.fetch(where(tmp_path))
        allow(["other"], where(tmp_path).environ)
        lines = listed(tmp_path).read_text().splitlines()
        assert [len(bytes.fromhex(line)) for line in lines] == [32, 32]

    @posix
    def test_the_list_is_the_users_alone(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            PRINTS.fetch(where(tmp_path))
        finally:
            os.umask(before)
        assert stat.S_IMODE(listed(tmp_path).stat().st_mode) == 0o600
        assert stat.S_IMODE(listed(tmp_path).parent.stat().st_mode) == 0o700

    @posix
    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
    @pytest.mark.parametrize("which", ["file", "directory"])
    def test_a_list_that_others_can_write_is_refused(self, tmp_path: Path, mode: int, which: str) -> None:
        PRINTS.fetch(where(tmp_path))
        path = listed(tmp_path) if which == "file" else listed(tmp_path).parent
        path.chmod(mode | (0o111 if which == "directory" else 0))
        recorded = {"argv": list(PRINTS.argv)}
        for call in (lambda: Command.fetch_recorded(where(tmp_path, recorded)), lambda: allow(["x"], os.environ)):
            with pytest.raises(KeyMissingError, match="chmod go-w"):
                call()
        path.chmod(0o700)

    @posix
    def test_a_list_of_somebody_else_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        PRINTS.fetch(where(tmp_path))
        if os.geteuid() != 0:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)
        else:  # what is root's is trusted by everybody, so it has to become somebody else's
            try:
                os.chown(listed(tmp_path), 12345, -1)
            except PermissionError:
                pytest.skip("a root that may not give files away cannot make this case")
        with pytest.raises(KeyMissingError, match="others than you"):
            is_allowed(PRINTS.argv, where(tmp_path).environ)

    def test_where_no_list_can_be_kept_the_named_command_still_serves(self, tmp_path: Path) -> None:
        (tmp_path / "home" / "config").write_text("in the way")
        assert PRINTS.fetch(where(tmp_path)) == KEY
        assert not is_allowed(PRINTS.argv, where(tmp_path).environ)

    def test_what_it_shows_of_an_unknown_command_is_escaped_and_cut(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError) as caught:
            Command.fetch_recorded(where(tmp_path, {"argv": ["sh", "-c", "\x1b]0;\u202e\n" + "x" * 5000]}))
        text = str(caught.value)
        assert text.isprintable()
        assert len(text) < 500
        assert "more characters" in text

    @pytest.mark.parametrize("argv", [None, [], "sh", {"sh": 1}, [1], [["sh"]], ["sh", "\0"], ["./sh"], ["", "x"]])
    def test_an_altered_record_is_damage(self, tmp_path: Path, argv: object) -> None:
        with pytest.raises(DamagedError):
            Command.fetch_recorded(where(tmp_path, {"argv": argv}))

    @given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
    def test_only_the_same_command_is_the_same(self, one: list[str], other: list[str]) -> None:
        assert (allowed._digest(one) == allowed._digest(other)) is (one == other)


class TestPlace:
    def test_of_the_list_on_each_system(self, tmp_path: Path) -> None:
        own, other = tmp_path / "own", tmp_path / "other"
        homes = {"HOME": str(own), "USERPROFILE": str(own)}
        assert config_directory(homes, "linux") == own / ".config" / "severance"
        assert config_directory({**homes, "XDG_CONFIG_HOME": str(other)}, "linux") == other / "severance"
        assert config_directory({**homes, "XDG_CONFIG_HOME": "relative"}, "linux") == own / ".config" / "severance"
        assert config_directory(homes, "darwin") == own / "Library" / "Application Support" / "severance"
        assert config_directory(homes, "win32") == own / "AppData" / "Roaming" / "severance"
        assert config_directory({**homes, "APPDATA": str(other)}, "win32") == other / "severance"
        assert config_directory({"HOME": "relative", "USERPROFILE": "relative"}, "linux") is None


@posix
def test_it_can_ask_at_the_terminal(tmp_path: Path) -> None:
    """As pinentry does: standard input is empty, and `/dev/tty` is there."""
    ask = (
        "import os; assert not os.isatty(0); tty = open('/dev/tty', 'r+b', buffering=0);"
        "tty.write(b'PIN?'); print(tty.readline().decode())"
    )
    script = (
        "import fcntl, termios, sys, os; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
        "from pathlib import Path\n"
        "from severance.crypto.rootkey import Command, Where\n"
        "here = Where(store=bytes(16), directory=Path('/nowhere'), environ=os.environ)\n"
        "print(Command((sys.executable, '-c', sys.argv[1])).fetch(here).hex())"
    )
    master, slave = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", script, ask], stdin=slave, stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        os.close(slave)
        assert os.read(master, 4) == b"PIN?"
        os.write(master, WRITTEN.encode() + b"\n")
        assert child.communicate(timeout=600)[0].decode().strip() == KEY.hex()
    os.close(master)


def test_the_spec_of_it_reads_back(tmp_path: Path) -> None:
    assert parse_spec("command:pass show severance") == Command(["pass", "show", "severance"])
