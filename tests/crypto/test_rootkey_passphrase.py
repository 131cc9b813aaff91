"""Passphrases: the derivation, its record, and the prompt at a real terminal."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.test_rootkey_parts import STORE, Counted, leaks, strangers_home, where
from severance.crypto import primitives
from severance.crypto.rootkey import Cost, Passphrase, Record, Where, for_new_store, for_store
from severance.errors import DamagedError, InputError, KeyMissingError

CHEAP = Cost(memory_kib=32, iterations=1, lanes=1)
TEXT = "correct horse"

terminal = pytest.mark.skipif(importlib.util.find_spec("pty") is None, reason="Windows has no pseudo-terminals")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    strangers_home(monkeypatch, tmp_path)


def record(**altered: object) -> Record:
    recorded = Passphrase(TEXT, cost=CHEAP).make(Where(store=STORE, directory=Path(), environ={}), Counted())[1]
    return {**recorded, **altered}


def test_costs_what_rfc_9106_says_by_default(tmp_path: Path) -> None:
    entropy = Counted()
    key, recorded = Passphrase(TEXT).make(where(tmp_path), entropy)
    salt = Counted().draw(16, b"root")
    assert entropy.drawn == [(16, b"root")]
    assert recorded == {
        "source": "passphrase",
        "algorithm": "argon2id",
        "salt": salt.hex(),
        "memory_kib": 65_536,
        "iterations": 3,
        "lanes": 4,
    }
    assert key == primitives.argon2id(TEXT.encode(), salt, memory_kib=65_536, iterations=3, lanes=4)
    assert Passphrase(TEXT).fetch(where(tmp_path, recorded)) == key


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(1, 3), st.integers(1, 3))
def test_what_is_recorded_makes_the_key_again(text: str, iterations: int, lanes: int) -> None:
    source = Passphrase(text, cost=Cost(memory_kib=8 * lanes, iterations=iterations, lanes=lanes))
    store: Any = {"store": STORE, "directory": Path(), "environ": {}}
    key, recorded = for_new_store(source, entropy=Counted(), **store)
    # The cost is the store's, whatever the source would choose for a new one.
    assert for_store(Passphrase(text), json.loads(json.dumps(recorded)), **store) == key
    assert for_store(Passphrase(text + "x"), recorded, **store) != key


def test_letters_composed_otherwise_are_the_same(tmp_path: Path) -> None:
    composed, apart = Passphrase("caf\u00e9", cost=CHEAP), Passphrase("cafe\u0301", cost=CHEAP)
    assert composed.make(where(tmp_path), Counted()) == apart.make(where(tmp_path), Counted())


@pytest.mark.parametrize("text", ["", "\ud800", "horse\udcff"])
def test_refuses_what_is_none(text: str) -> None:
    with pytest.raises(InputError) as caught:
        Passphrase(text)
    assert not text or leaks(caught.value, text) == []


@pytest.mark.parametrize(
    "altered",
    [
        {"algorithm": "scrypt"},
        {"salt": "zz"},
        {"salt": "é"},
        {"salt": 7},
        {"salt": "aa" * 15},
        {"salt": "aa" * 65},
        {"memory_kib": (1 << 20) + 1},
        {"memory_kib": 7},
        {"memory_kib": "64"},
        {"memory_kib": 64.0},
        {"iterations": 0},
        {"iterations": 65},
        {"iterations": True},
        {"lanes": 0},
        {"lanes": 17, "memory_kib": 65_536},
        {"lanes": 16},
        {"lanes": None},
    ],
)
def test_refuses_an_altered_record_before_it_asks_or_works(tmp_path: Path, altered: Record) -> None:
    for source in (Passphrase(TEXT), Passphrase()):
        with pytest.raises(DamagedError, match="record of how the passphrase") as caught:
            source.fetch(where(tmp_path, record(**altered)))
        assert leaks(caught.value, TEXT) == []


def test_another_salt_or_cost_is_another_key(tmp_path: Path) -> None:
    keys = {
        Passphrase(TEXT).fetch(where(tmp_path, record(**altered)))
        for altered in ({}, {"salt": "bb" * 16}, {"salt": "bb" * 64}, {"iterations": 2}, {"memory_kib": 64})
    }
    assert len(keys) == 5


def test_a_store_made_otherwise_takes_none(tmp_path: Path) -> None:
    with pytest.raises(KeyMissingError, match="not made with a passphrase"):
        Passphrase(TEXT).fetch(where(tmp_path, {"source": "keychain"}))


def test_says_so_when_memory_does_not_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*secret: bytes, **cost: int) -> bytes:
        raise MemoryError

    monkeypatch.setattr(primitives, "argon2id", none_left)
    with pytest.raises(KeyMissingError, match="64 MiB") as caught:
        Passphrase(TEXT).make(where(tmp_path), Counted())
    assert leaks(caught.value, TEXT) == []


# The child makes a store's key and gets it again, asking each time, and says on its standard output how it went.
CHILD = """
import hashlib, os, sys
from pathlib import Path
if sys.argv[1] == "controlled":
    import fcntl, termios
    fcntl.ioctl(int(sys.argv[2]), termios.TIOCSCTTY, 0)
from severance.crypto.rootkey import Passphrase, Cost, for_new_store, for_store
from severance.errors import SeveranceError
class Fixed:
    def draw(self, size, scope):
        return bytes(size)
store = dict(store=bytes(16), directory=Path("/nowhere"), environ={})
try:
    source = Passphrase(cost=Cost(memory_kib=32, iterations=1, lanes=1))
    key, recorded = for_new_store(source, entropy=Fixed(), **store)
    again = for_store(None, recorded, **store)
    print(key.hex(), again == key)
except SeveranceError as exc:
    print(type(exc).__name__, exc)
"""


class Terminal:
    """A pseudo-terminal with a child at it."""

    def __init__(self, *, control: str, stdin: bool = True, stderr: bool = True) -> None:
        self.master, slave = os.openpty()
        self.seen = b""
        self.child = subprocess.Popen(
            [sys.executable, "-c", CHILD, control, str(slave)],
            stdin=slave if stdin else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=slave if stderr else subprocess.DEVNULL,
            pass_fds=(slave,),
            start_new_session=True,
        )
        os.close(slave)
        if self.child.stdin is not None:
            # What comes through a pipe is not somebody's answer, however much it looks like one.
            self.child.stdin.write(b"from the pipe\n" * 3)
            self.child.stdin.flush()

    def answer(self, prompt: str, line: str) -> None:
        self.wait_for(prompt)
        os.write(self.master, line.encode() + b"\n")

    def wait_for(self, prompt: str) -> None:
        until, start = time.monotonic() + 600, len(self.seen)
        while prompt.encode() not in self.seen[start:]:
            assert time.monotonic() < until, f"no {prompt!r} in {self.seen!r}"
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 4096)

    def end(self) -> str:
        """What the child said. It must not be waiting for anything."""
        try:
            return self.child.communicate(timeout=600)[0].decode().strip()
        finally:
            self.child.kill()
            os.close(self.master)


@terminal
class TestPrompt:
    @pytest.mark.parametrize(
        ("control", "stdin", "stderr"),
        [("controlled", True, True), ("controlled", False, True), ("controlled", True, False), ("loose", True, True)],
    )
    def test_asks_twice_for_a_new_store_and_once_after(self, control: str, stdin: bool, stderr: bool) -> None:
        at = Terminal(control=control, stdin=stdin, stderr=stderr)
        at.answer("New passphrase: ", TEXT)
        at.answer("The same again: ", TEXT)
        at.answer("Passphrase: ", TEXT)
        key = primitives.argon2id(TEXT.encode(), bytes(16), memory_kib=32, iterations=1, lanes=1)
        assert at.end() == f"{key.hex()} True"
        assert TEXT.encode() not in at.seen  # nothing typed was shown

    def test_refuses_two_that_differ(self) -> None:
        at = Terminal(control="controlled")
        at.answer("New passphrase: ", TEXT)
        at.answer("The same again: ", TEXT + "!")
        said = at.end()
        assert said.startswith("InputError")
        assert TEXT not in said

    def test_refuses_an_empty_one(self) -> None:
        at = Terminal(control="controlled")
        at.answer("New passphrase: ", "")
        assert at.end().startswith("InputError a passphrase has at least one character")

    def test_takes_the_end_of_input_for_nobody_there(self) -> None:
        at = Terminal(control="controlled")
        at.wait_for("New passphrase: ")
        os.write(at.master, b"\x04")
        assert at.end().startswith("KeyMissingError there is no terminal")

    def test_does_not_take_the_terminal_from_an_agent_that_runs_us_in_pipes(self) -> None:
        at = Terminal(control="controlled", stdin=False, stderr=False)
        said = at.end()
        assert said.startswith("KeyMissingError there is no terminal")
        assert "--key file:PATH" in said
        assert at.seen == b""

    def test_does_not_ask_where_letters_would_show(self) -> None:
        at = Terminal(control="loose", stdin=False)
        assert at.end().startswith("KeyMissingError there is no terminal")


@pytest.mark.parametrize("stream", [None, "closed"])
def test_no_streams_at_all_are_no_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: str | None) -> None:
    with (tmp_path / "closed").open("w") as closed:
        pass
    for name in ("stdin", "stderr"):
        monkeypatch.setattr(sys, name, closed if stream else None)
    with pytest.raises(KeyMissingError, match="no terminal"):
        Passphrase().make(where(tmp_path), Counted())
