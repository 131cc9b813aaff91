"""Files that have the system start a house when its user logs in: a unit for systemd, an agent for launchd."""

from __future__ import annotations

import hashlib
import os
import plistlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from severance.errors import InputError

Manager = Literal["systemd", "launchd"]

_DEFAULT = "severance"
_UNIT = """\
[Unit]
Description=Severance, the house of one store

[Service]
ExecStart={command}
Restart=on-failure
# Without its key, where something is damaged, or where a house is up already, trying again does not help.
RestartPreventExitStatus=2 3 4 7
UMask=0077
LimitCORE=0
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A file to be written.

    Attributes:
        path: where.
        content: what.
        begin, end: the commands with which its user lets it begin, and end.
    """

    path: Path
    content: bytes
    begin: tuple[str, ...]
    end: tuple[str, ...]


def unit_for(
    manager: Manager, store: Path, words: Sequence[str], *, home: Path, environ: Mapping[str, str], default: bool
) -> Unit:
    """The file for a house.

    Args:
        manager: who starts it.
        store: the store's directory.
        words: the program and its arguments.
        home: the user's.
        environ: where XDG_CONFIG_HOME is looked for.
        default: whether it is the store that is used where none is named; others have a number in the name.

    Raises:
        InputError: a word cannot stand in such a file.
    """
    if any(not word.isprintable() for word in words):
        raise InputError("a path or a spec holds a sign that cannot stand in such a file; rename it")
    name = _DEFAULT if default else f"{_DEFAULT}-{hashlib.sha256(os.fsencode(store)).hexdigest()[:8]}"
    return (_systemd if manager == "systemd" else _launchd)(name, words, home, environ)


def manager_here() -> Manager:
    """The one of this system."""
    return "launchd" if sys.platform == "darwin" else "systemd"


def _systemd(name: str, words: Sequence[str], home: Path, environ: Mapping[str, str]) -> Unit:
    """A user's unit: systemd.unit(5), systemd.service(5)."""
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return Unit(
        config / "systemd" / "user" / f"{name}.service",
        _UNIT.format(command=" ".join(map(_quoted, words))).encode(),
        ("systemctl --user daemon-reload", f"systemctl --user enable --now {name}"),
        (f"systemctl --user disable --now {name}",),
    )


def _launchd(name: str, words: Sequence[str], home: Path, environ: Mapping[str, str]) -> Unit:
    """A user's agent: launchd.plist(5)."""
    content = {
        "Label": name,
        "ProgramArguments": list(words),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 60,
        "Umask": 0o077,
        "HardResourceLimits": {"Core": 0},
        "ProcessType": "Background",
    }
    path = home / "Library" / "LaunchAgents" / f"{name}.plist"
    return Unit(path, plistlib.dumps(content), (f"launchctl load -w {path}",), (f"launchctl unload -w {path}",))


def _quoted(word: str) -> str:
    """As one word for systemd, which would put variables and specifiers in the place of `$` and `%`."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
