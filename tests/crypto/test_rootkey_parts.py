"""What the tests of root keys share, and the test of the one part of it that could hide a failure."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from severance.crypto.rootkey import Where
from severance.errors import KeyMissingError

STORE = bytes(range(16))
KEY = bytes(range(100, 132))
WRITTEN = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1+f4CBgoM="


class Counted:
    """Entropy that never repeats within a test, and is the same in each run."""

    def __init__(self) -> None:
        self.drawn: list[tuple[int, bytes]] = []

    def draw(self, size: int, scope: bytes) -> bytes:
        self.drawn.append((size, scope))
        return hashlib.shake_256(b"%d" % len(self.drawn)).digest(size)


def strangers_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Move everything that is the user's into `tmp_path`, so that no test touches what is real."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home" / "config"))
    monkeypatch.delenv("SEVERANCE_KEY", raising=False)
    (tmp_path / "home").mkdir()
    (tmp_path / "store").mkdir()


def where(tmp_path: Path, recorded: Mapping[str, object] | None = None, **environ: str) -> Where:
    """The store in `tmp_path`, with this process's environment and `environ`."""
    return Where(store=STORE, directory=tmp_path / "store", environ={**os.environ, **environ}, recorded=recorded or {})


def leaks(error: BaseException, secret: str | bytes) -> list[str]:
    """Where `secret` can be read off an exception: its text, what it was raised from, or the locals of our frames."""
    needles = {str(secret), repr(secret)} | ({secret.hex()} if isinstance(secret, bytes) else set())
    found, queue, seen = [], [error], set[int]()
    while queue:
        exc = queue.pop()
        if id(exc) in seen:
            continue
        seen.add(id(exc))
        queue += [linked for linked in (exc.__cause__, exc.__context__) if linked is not None]
        texts = {"text": f"{exc} {exc!r} {exc.args!r} {vars(exc)!r}"}
        trace = exc.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if "rootkey" in code.co_filename and "test_" not in code.co_filename:
                texts |= {f"{code.co_name}.{name}": repr(value) for name, value in trace.tb_frame.f_locals.items()}
            trace = trace.tb_next
        found += [place for place, text in texts.items() if any(needle in text for needle in needles)]
    return found


def test_leaks_are_seen() -> None:
    def raise_both() -> None:
        try:
            raise ValueError(WRITTEN)
        except ValueError:
            raise KeyMissingError("no") from None

    with pytest.raises(KeyMissingError) as caught:
        raise_both()
    assert leaks(caught.value, WRITTEN) == ["text"]
    assert leaks(caught.value, "something else") == []
