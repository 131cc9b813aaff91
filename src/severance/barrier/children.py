"""How the barrier starts Python: nothing in the user's current folder is run, and nothing of the user's is passed on.

A program is started with its scratch as the current folder, with `-P`, and with an environment of a few known names:
no key, no password that somebody keeps in the environment, no program that runs before it (`PYTHONSTARTUP`). And how
a process that was started sees to it that it does not outlive its parent.
"""

from __future__ import annotations

import os
import site
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from pathlib import Path
from threading import Thread

_KEPT = (
    *("PATH", "LANG", "LANGUAGE", "TZ", "PYTHONHOME", "PYTHONNOUSERSITE"),
    *("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE"),
)
_HOMES = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
_TEMPORARY = ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")
_SEARCHED = ("PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def command(module: str, *arguments: str) -> list[str]:
    """The argument vector that runs a module, whatever is in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(folder: Path) -> dict[str, str]:
    """An environment with home and temporary folders in `folder`, which are made: `home` and `tmp`."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    homes = dict.fromkeys(_HOMES, str(folder / "home"))
    return _passed() | homes | dict.fromkeys(_TEMPORARY, str(folder / "tmp"))


@contextmanager
def sheltered() -> Iterator[None]:
    """What `multiprocessing` starts within has such an environment, with the home and temporary folders of this one."""
    before = dict(os.environ)
    here = {name: value for name, value in before.items() if name in (*_HOMES, *_TEMPORARY)}
    try:
        _become(_passed() | here)
        yield
    finally:
        _become(before)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """The environment does not have these variables within."""
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)


def end_with_parent() -> None:
    """This process, which `multiprocessing` has started, ends when its parent is gone, also after a `kill -9`."""
    parent = parent_process()
    if parent is not None:
        end_with(parent.sentinel)


def end_with(handle: int) -> None:
    """This process ends when there is something to read here, or the end of it: a pipe that only its parent can close.

    Args:
        handle: a descriptor, or the sentinel of a process.
    """
    Thread(target=_follow, args=(handle,), daemon=True).start()


def _follow(handle: int) -> None:
    connection.wait([handle])
    os._exit(1)  # the main thread may be in the middle of long work, or wait for some that nobody will send


def _become(wanted: dict[str, str]) -> None:
    """Without a moment in which a name is missing that stays."""
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


def _passed() -> dict[str, str]:
    """What is passed on whatever the folder, and what makes it start nothing that is not installed."""
    given = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    searched = {name: _absolute(os.environ[name]) for name in _SEARCHED if name in os.environ}
    # Packages that were installed for the user alone are found by the old home.
    packages = {"PYTHONUSERBASE": base} if (base := site.getuserbase()) else {}
    # For what it starts itself: `-P` is for one process.
    safe = {"PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return given | {name: value for name, value in searched.items() if value} | packages | safe


def _absolute(entries: str) -> str:
    """A list of folders without those that depend on the current one."""
    return os.pathsep.join(entry for entry in entries.split(os.pathsep) if Path(entry).is_absolute())
