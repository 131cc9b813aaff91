"""A store at the command line's end: made with a key from the environment, in a home of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import severance
from severance.cli.app import app

KEY = bytes(range(32))
WRITTEN_KEY = base64.b64encode(KEY).decode()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document on one line."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that standard error tells as JSON, and nothing beside it."""
        document = json.loads(self.err)
        assert set(document) == {"error"}
        assert {"kind", "message", "exit_code"} <= set(document["error"])
        assert document["error"]["exit_code"] == self.code
        return dict(document["error"])


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user's: no settings, no keychain, no places from the environment."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith("SEVERANCE_"):
            monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "APPDATA", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEVERANCE_KEY", WRITTEN_KEY)
    monkeypatch.setenv("SEVERANCE_STORE", str(tmp_path / "store"))
    # Whoever forgets the key gets an error, and never a prompt of the real keychain.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return home


@pytest.fixture
def run() -> Run:
    """Run a command in this process."""

    def running(*words: str, input: str | bytes | None = None, env: Mapping[str, str] | None = None) -> Ran:  # noqa: A002
        result = CliRunner().invoke(app, list(words), input=input, env=env, prog_name="severance")
        assert "Traceback" not in result.stderr
        return Ran(result.exit_code, result.stdout, result.stderr)

    return running


@pytest.fixture
def spawn() -> Run:
    """Run a command in a process of its own, as a shell would."""

    def spawning(*words: str | bytes, **more: Any) -> Ran:
        done = subprocess.run(command(*words), capture_output=True, timeout=600, check=False, **more)
        err = done.stderr.decode(errors="backslashreplace")
        assert "Traceback" not in err
        assert "Exception ignored" not in err
        return Ran(done.returncode, done.stdout.decode(errors="backslashreplace"), err)

    return spawning


def command(*words: str | bytes) -> list[str | bytes]:
    """The argument vector of a process that runs `severance`."""
    return [sys.executable, "-m", "severance.cli.main", *words]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which irving works at the office, and he and mark are at home in the house."""
    directory = tmp_path / "store"
    with severance.open(directory, key=KEY) as house:
        house.sever("irving", ["work", "home"])
        house.sever("mark", ["outie"])
        house.place("office", {"irving": "work"})
        house.place("house", {"irving": "home", "mark": "outie"})
        house.place("nowhere", {})
        with house.cross("irving", "office") as session:
            session.remember("The printer is on the second floor.", at="2024-05-31", thread="mdr")
            session.remember("Dylan likes waffles.", at="2024-06-01", source="Dylan", metadata={"desk": 3})
    return directory


@pytest.fixture
def printer(store: Path) -> str:
    """The id of the memory about the printer."""
    with severance.open(store, key=KEY) as house, house.cross("irving", "office") as session:
        return session.recall("printer")[0].memory.id
