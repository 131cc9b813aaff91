"""The files that have the system start a house."""

from __future__ import annotations

import plistlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from severance import InputError
from severance.cli import exits
from severance.resident.units import Unit, unit_for

HOME = Path("/home/mark")
WORDS = ["/usr/bin/python3", "-m", "severance.cli.main", "--store", '/data/a "b" $HOME 100% \\ é', "up", "--foreground"]


def _systemd(**environ: str) -> Unit:
    return unit_for("systemd", HOME / "s", WORDS, home=HOME, environ=environ, default=True)


def test_a_unit_goes_where_systemd_looks() -> None:
    assert _systemd().path == HOME / ".config/systemd/user/severance.service"
    assert _systemd(XDG_CONFIG_HOME="/else").path == Path("/else/systemd/user/severance.service")


def test_systemd_does_not_try_again_where_that_would_not_help() -> None:
    (line,) = [line for line in _systemd().content.decode().splitlines() if line.startswith("RestartPrevent")]
    assert line.partition("=")[2].split() == [
        str(code) for code in (exits.USAGE, exits.NO_KEY, exits.DAMAGED, exits.UP)
    ]


def test_what_systemd_would_replace_is_escaped() -> None:
    (line,) = [line for line in _systemd().content.decode().splitlines() if line.startswith("ExecStart=")]
    assert "%h" not in line
    plain = line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$")
    assert shlex.split(plain) == WORDS
    assert line.count("%") == 2
    assert line.count("$") == 2


def test_systemd_finds_nothing_wrong_with_it(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    words = [shutil.which("true") or "true", *WORDS[1:]]
    made = unit_for("systemd", HOME / "s", words, home=HOME, environ={}, default=True)
    (tmp_path / "severance.service").write_bytes(made.content)
    arguments = ["systemd-analyze", "--user", "verify", str(tmp_path / "severance.service")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert "severance.service" not in done.stderr


def test_an_agent_goes_where_launchd_looks_and_says_the_same() -> None:
    made = unit_for("launchd", HOME / "s", WORDS, home=HOME, environ={}, default=True)
    assert made.path == HOME / "Library/LaunchAgents/severance.plist"
    content = plistlib.loads(made.content)
    assert content["ProgramArguments"] == WORDS
    assert (content["Label"], content["RunAtLoad"]) == ("severance", True)
    assert content["KeepAlive"] == {"SuccessfulExit": False}, "after `severance down` it stays down"


def test_each_store_has_a_name_of_its_own() -> None:
    names = {
        unit_for("systemd", Path(store), WORDS, home=HOME, environ={}, default=default).path.name
        for store, default in [("/a", True), ("/a", False), ("/b", False)]
    }
    assert len(names) == 3


@pytest.mark.parametrize("word", ["a\nExecStart=/bin/evil", "a\x00b", "\x1b[2J"])
def test_a_word_that_could_write_another_line_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="cannot stand in such a file"):
        unit_for("systemd", HOME / "s", [*WORDS, word], home=HOME, environ={}, default=True)
