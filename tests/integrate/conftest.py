"""A machine of its own for every test, and `severance` run there as a person would."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from severance.cli.app import app
from severance.integrate.machine import Machine

# Modes, links, FIFOs and terminals are POSIX's; nothing of this was run on Windows yet.
collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []

KEY = base64.b64encode(bytes(range(32))).decode()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def machine(home: Path) -> Machine:
    """A machine of Linux on which nothing is set."""
    return Machine(home, {}, "linux")


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """The environment of a person there, with a root key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEVERANCE_", "XDG_", "CLAUDE_"))}
    kept = {name: value for name, value in kept.items() if name not in ("CODEX_HOME", "APPDATA", "FORCE_COLOR")}
    return {
        **kept,
        "HOME": str(home),
        "SEVERANCE_KEY": KEY,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


@pytest.fixture
def run(environ: dict[str, str], home: Path) -> Run:
    """Run `severance` in this process, as the person there."""

    def running(*words: str, given: bytes = b"", code: int | None = 0) -> Ran:
        with patch.dict(os.environ, environ, clear=True), chdir(home):
            result = CliRunner().invoke(app, list(words), input=given, prog_name="severance")
        return _checked(Ran(result.exit_code, result.stdout, result.stderr), code)

    return running


@pytest.fixture
def spawn(environ: dict[str, str], home: Path) -> Run:
    """Run it in a process of its own."""

    def spawning(*words: str, given: bytes = b"", code: int | None = 0, program: str = "") -> Ran:
        argv = [sys.executable, *(["-c", program] if program else ["-m", "severance.cli.main"]), *words]
        done = subprocess.run(argv, input=given, capture_output=True, env=environ, cwd=home, timeout=600, check=False)
        return _checked(Ran(done.returncode, done.stdout.decode(), done.stderr.decode()), code)

    return spawning


def _checked(ran: Ran, code: int | None) -> Ran:
    assert "Traceback" not in ran.err
    assert code is None or ran.code == code, ran
    return ran
