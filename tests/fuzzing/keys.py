"""Where a root key comes from: what somebody typed, what is in a file, and what an unverified chip says."""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from fuzzing.documents import document
from fuzzing.target import Choices, Target, scratch, text_of
from severance.crypto.rootkey import for_store
from severance.crypto.rootkey.keychain import Keychain
from severance.crypto.rootkey.keyfile import KeyFile
from severance.crypto.rootkey.passphrase import _read
from severance.crypto.rootkey.resolve import parse_spec
from severance.crypto.rootkey.source import KEY_BYTES, Source, Where, decode_key, encode_key
from severance.errors import DamagedError, InputError, KeyMissingError, SeveranceError
from severance.store import _recorded, path_of

_KEY = bytes(range(100, 132))
_RECORDS: tuple[dict[str, Any], ...] = (
    {"source": "file", "base": "root", "path": "/nowhere/key"},
    {"source": "file", "base": "home", "path": "key"},
    {
        "source": "passphrase",
        "algorithm": "argon2id",
        "salt": "00" * 16,
        "memory_kib": 65_536,
        "iterations": 3,
        "lanes": 4,
    },
    {"source": "command", "argv": ["/bin/echo", encode_key(_KEY)]},
    {"source": "environment", "variable": "NOWHERE"},
)


def run_spec(data: bytes) -> None:
    """What `--key` may say is a source, or is refused without repeating it."""
    text, said = text_of(data), ""
    try:
        assert isinstance(parse_spec(text), Source)
    except InputError as problem:
        said = str(problem)
    assert len(text) < 12 or text not in said, "an error repeats what may be a secret"
    with suppress(InputError):
        assert isinstance(path_of(text), Path)


def run_key(data: bytes) -> None:
    """A written key is 32 bytes in one way of writing them, or it is none."""
    key = decode_key(data)
    text = data.decode("latin-1")
    assert text.strip() != text.strip(" \t\n\r\f\v") or decode_key(text) == key
    if key is not None:
        assert len(key) == KEY_BYTES
        assert encode_key(key)[:43] == data.strip()[:43].replace(b"-", b"+").replace(b"_", b"/").decode()
    assert decode_key(encode_key(data[:32].ljust(32, b"\0"))) == data[:32].ljust(32, b"\0")


def run_key_file(data: bytes) -> None:
    """A key file gives the key that is written in it, or none."""
    path = scratch() / "key"
    path.write_bytes(data)
    path.chmod(0o600)
    where = Where(store=bytes(16), directory=scratch() / "store", environ={"HOME": str(scratch())})
    try:
        key = KeyFile(path).fetch(where)
    except KeyMissingError:
        assert decode_key(data[:4_096]) is None
        return
    assert key == base64.b64decode(data.strip()[:43].replace(b"-", b"+").replace(b"_", b"/") + b"=")


def run_recorded(data: bytes) -> None:
    """What an altered chip says of the root key gives no key, runs no command, and costs no more than is allowed."""
    choices = Choices(data)
    raw = document(choices, json.dumps(choices.pick(_RECORDS)).encode()) if choices.byte() % 4 else choices.rest()
    ran = scratch() / "ran"
    try:
        recorded = _recorded(raw, needed=True)
    except DamagedError:
        return
    cost = _cost(recorded)
    assert cost <= 4 << 20, "a chip asks for more work than a passphrase may cost"
    if recorded.get("source") == "passphrase" or recorded.get("source", Keychain.name) == Keychain.name:
        return  # the one asks at the terminal, the other in the keychain
    environ = {"HOME": str(scratch()), "PATH": os.defpath}
    try:
        for_store(None, recorded, store=bytes(16), directory=scratch() / "store", environ=environ)
    except SeveranceError:
        assert not ran.exists()
        return
    raise AssertionError("a key came out of a record that nobody wrote")


def _cost(recorded: object) -> int:
    try:
        _, cost = _read(recorded)
    except DamagedError:
        return 0
    return cost.memory_kib * cost.iterations


TARGETS = (
    Target(
        name="key-spec",
        decoder="keys",
        run=run_spec,
        seeds=lambda: [
            b"file:/a/key",
            b"passphrase",
            b"env:NAME",
            b"command:pass show 'a b'",
            b"keychain",
            b"env",
            encode_key(_KEY).encode(),
        ],
        longest=200,
        tokens=(b"file:", b"command:", b"env:", b"~/", b"'", b"://", b"~nobody"),
        weight=10,
        short=1_200,
    ),
    Target(
        name="key",
        decoder="keys",
        run=run_key,
        seeds=lambda: [
            encode_key(_KEY).encode(),
            base64.urlsafe_b64encode(_KEY),
            b"\n" + encode_key(_KEY).encode() + b"\n",
        ],
        longest=80,
        tokens=(b"=", b"\n", b"-_", b"+/"),
        weight=20,
        short=2_000,
    ),
    Target(
        name="key-file",
        decoder="keys",
        run=run_key_file,
        seeds=lambda: [encode_key(_KEY).encode() + b"\n"],
        longest=5_000,
        tokens=(b"=", b"\n"),
        weight=2,
        short=200,
    ),
    Target(
        name="key-record",
        decoder="keys",
        run=run_recorded,
        seeds=lambda: [
            bytes([1, which, *edit])
            for which in range(5)
            for edit in (b"", b"\x01\0\x05", b"\x01\x01\0\x09", b"\x02\x01\x01\x02")
        ],
        longest=60,
        weight=2,
        short=200,
    ),
)
