"""What a worker is given: one key, over the pipe, after it has shut itself off; nothing by argument or environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY
from severance import House
from severance.worker import child, pipes
from severance.worker.syscalls import MACHINES, program


def test_one_key_goes_through_the_pipe(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    true = pipes.Pipe.send

    def send(self: pipes.Pipe, raw: bytes) -> None:
        sent.append(raw)
        true(self, raw)

    monkeypatch.setattr(pipes.Pipe, "send", send)
    with home.cross("mark", "floor", isolation="process") as session:
        session.remember("a memory")
        session.recall("memory")
    everyone = [severance.Persona(*one) for one in (("mark", "innie"), ("mark", "outie"), ("helly", "innie"))]
    keys = {(persona.subject, persona.name): home._chip.key(persona).secret for persona in everyone}
    whole = b"".join(sent)
    assert whole.count(keys.pop(("mark", "innie"))) == 1
    assert not any(key in whole for key in (*keys.values(), KEY))
    assert b"chip.db" not in whole


def test_the_key_is_sent_to_a_worker_that_has_shut_itself_off(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    key = home._chip.key(severance.Persona("mark", "innie")).secret
    said: list[str] = []
    true = pipes.Pipe

    class Noting(true):  # type: ignore[misc, valid-type]
        def send(self, raw: bytes) -> None:
            said.append("key" if key in raw else "something")
            super().send(raw)

        def receive(self) -> bytes | None:
            raw: bytes | None = super().receive()
            said.append("Ready" if b"Ready" in (raw or b"") else "something")
            return raw

    monkeypatch.setattr(child, "Pipe", Noting)
    home.cross("mark", "floor", isolation="process").sleep()
    assert said.index("Ready") < said.index("key")
    assert said.count("key") == 1


def test_nothing_is_in_its_arguments_or_its_environment(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEVERANCE_KEY", "hex:secret")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    started: list[tuple[Any, Any]] = []
    true = subprocess.Popen

    def popen(arguments: Any, **how: Any) -> Any:
        started.append((arguments, how))
        return true(arguments, **how)

    monkeypatch.setattr(child.subprocess, "Popen", popen)
    session: Any = home.cross("mark", "floor", isolation="process")
    (arguments, how), *_ = started
    assert arguments[1:] == ["-I", "-B", "-X", "utf8", "-m", "severance.worker"]
    assert "secret" not in repr(how["env"])
    assert "PATH" not in how["env"]
    assert {how["env"][name] for name in ("HOME", "TMPDIR")} == {str(session._child.scratch)}
    if os.name == "posix":
        assert Path(session._child.scratch).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_is_a_program_that_the_kernel_takes(machine: str) -> None:
    """Its own machine runs it in every other test; here that jumps lead nowhere else, and that it ends."""
    raw = program(machine, 4711)
    steps = [(raw[at : at + 2], raw[at + 2], raw[at + 3]) for at in range(0, len(raw), 8)]
    assert len(raw) % 8 == 0
    assert len(steps) < 4096
    for place, (_, yes, no) in enumerate(steps):
        assert place + 1 + max(yes, no) < len(steps) or place == len(steps) - 1
    assert steps[-1][0] == b"\x06\x00"
