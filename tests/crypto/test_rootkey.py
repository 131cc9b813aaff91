"""Root keys: their written form, specs, which source applies, and the sources that only hand over what they got."""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.test_rootkey_parts import KEY, STORE, WRITTEN, Counted, leaks, strangers_home, where
from severance.crypto.rootkey import (
    Command,
    Environment,
    Given,
    Key,
    Keychain,
    KeyFile,
    Passphrase,
    Record,
    Where,
    decode_key,
    encode_key,
    for_new_store,
    for_store,
    parse_spec,
)
from severance.crypto.rootkey.source import home, shown, storable
from severance.errors import DamagedError, InputError, KeyMissingError, NewerVersionError

OTHER = bytes(32)


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    strangers_home(monkeypatch, tmp_path)


def make(tmp_path: Path, key: Key = None, **environ: str) -> tuple[bytes, Record]:
    here = where(tmp_path, None, **environ)
    return for_new_store(key, store=STORE, directory=here.directory, entropy=Counted(), environ=here.environ)


def fetch(tmp_path: Path, recorded: Record, key: Key = None, **environ: str) -> bytes:
    here = where(tmp_path, None, **environ)
    return for_store(key, recorded, store=STORE, directory=here.directory, environ=here.environ)


class TestWrittenForm:
    @given(st.binary(min_size=32, max_size=32), st.booleans(), st.booleans(), st.sampled_from(["", " ", "\r\n", "\t"]))
    def test_every_spelling_of_a_key_reads_back(self, key: bytes, urlsafe: bool, padded: bool, space: str) -> None:
        text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(key).decode()
        text = space + (text if padded else text.rstrip("=")) + space
        assert decode_key(text) == decode_key(text.encode()) == key
        assert decode_key(encode_key(key)) == key

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "=",
            WRITTEN[:-2],
            WRITTEN + "=",
            WRITTEN + WRITTEN,
            WRITTEN[:20] + "\n" + WRITTEN[20:],
            "-" + WRITTEN[1:],  # both alphabets
            WRITTEN[:-2] + "N=",  # spare bits set
            "é" * 43,
            "\ud800" * 43,
            KEY.hex(),
            encode_key(KEY[:31]),
        ],
    )
    def test_anything_else_is_no_key(self, text: str) -> None:
        assert decode_key(text) is None

    @given(st.one_of(st.text(max_size=60), st.binary(max_size=60)))
    def test_reading_never_fails(self, text: str | bytes) -> None:
        key = decode_key(text)
        assert key is None or len(key) == 32


class TestSpec:
    @pytest.mark.parametrize(
        ("text", "source"),
        [
            ("keychain", Keychain()),
            ("passphrase", Passphrase()),
            ("env", Environment("SEVERANCE_KEY")),
            ("env:OTHER_KEY", Environment("OTHER_KEY")),
            ("file:a:b/key", KeyFile(Path("a:b/key"))),
            ("command:pass show 'a b'", Command(("pass", "show", "a b"))),
        ],
    )
    def test_names_a_source(self, text: str, source: object) -> None:
        assert parse_spec(text) == source

    @pytest.mark.parametrize(
        "text",
        [
            *("", "vault:x", "\ud800", "keychain:", "Keychain", "env:", "env:A B", "env:A=B"),
            *("file", "file:", "file:.", "file:a\0b", "file:\ud800"),
            *("command", "command:", "command: ", "command:'a", "command:./get", "command:bin/get", "command:../get"),
        ],
    )
    def test_refuses_what_names_none(self, text: str) -> None:
        with pytest.raises(InputError):
            parse_spec(text)

    @pytest.mark.parametrize("text", [WRITTEN, f" {WRITTEN}\n", "passphrase:correct horse", "correct horse"])
    def test_refuses_secrets_and_does_not_repeat_them(self, text: str) -> None:
        with pytest.raises(InputError) as caught:
            parse_spec(text)
        assert text.strip() not in str(caught.value)
        assert "correct horse" not in str(caught.value)

    @given(st.text())
    def test_never_fails_otherwise(self, text: str) -> None:
        with suppress(InputError):
            parse_spec(text)


class TestGiven:
    def test_is_what_was_given(self, tmp_path: Path) -> None:
        assert make(tmp_path, KEY) == (KEY, {"source": "given"})
        assert fetch(tmp_path, {"source": "given"}, KEY) == KEY

    @pytest.mark.parametrize("key", [b"", KEY[:31], KEY + b"x", bytearray(KEY), 7, "x" * 32])
    def test_refuses_what_is_not_32_bytes(self, tmp_path: Path, key: Key) -> None:
        with pytest.raises(InputError) as caught:
            make(tmp_path, key)
        assert repr(key) not in str(caught.value)

    def test_takes_any_object_that_obtains_a_key(self, tmp_path: Path) -> None:
        @dataclass
        class Own:
            key: bytes

            def obtain(self) -> bytes:
                return self.key

        assert make(tmp_path, Own(KEY)) == (KEY, {"source": "given"})
        assert fetch(tmp_path, {"source": "keychain"}, Own(KEY)) == KEY
        with pytest.raises(InputError):
            make(tmp_path, Own(b"short"))

    def test_says_so_when_it_is_not_given_again(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError, match=r"given in code.*SEVERANCE_KEY.*--key"):
            fetch(tmp_path, {"source": "given"})


class TestEnvironment:
    def test_reads_the_variable(self, tmp_path: Path) -> None:
        assert make(tmp_path, SEVERANCE_KEY=f" {WRITTEN}\n") == (KEY, {"source": "environment"})
        assert make(tmp_path, "env:MINE", MINE=WRITTEN) == (KEY, {"source": "environment", "variable": "MINE"})
        assert fetch(tmp_path, {"source": "environment", "variable": "MINE"}, MINE=WRITTEN) == KEY

    @pytest.mark.parametrize("text", ["", " ", "nonsense", WRITTEN[:-3], "hunter2" * 6])
    @pytest.mark.parametrize("recorded", [{"source": "environment"}, {"source": "keychain"}, {}])
    def test_never_passes_over_one_that_is_set(self, tmp_path: Path, text: str, recorded: Record) -> None:
        for call in (
            lambda: fetch(tmp_path, recorded, SEVERANCE_KEY=text),
            lambda: make(tmp_path, SEVERANCE_KEY=text),
        ):
            with pytest.raises(KeyMissingError, match="SEVERANCE_KEY is set, but not") as caught:
                call()
            # The caller's environment is in our frames; what was read from it is not.
            assert not text.strip() or all(place.endswith(".environ") for place in leaks(caught.value, text))

    def test_says_so_when_it_is_not_set(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError, match="made with a key from SEVERANCE_KEY"):
            fetch(tmp_path, {"source": "environment"})
        with pytest.raises(KeyMissingError, match="SEVERANCE_KEY is not set"):
            fetch(tmp_path, {"source": "environment"}, "env")

    @pytest.mark.parametrize("variable", ["", "A=B", "A\x1b[31m", 7, None, "A" * 101])
    def test_refuses_an_altered_record(self, tmp_path: Path, variable: object) -> None:
        with pytest.raises(DamagedError):
            fetch(tmp_path, {"source": "environment", "variable": variable})


class TestOrder:
    def key_file(self, tmp_path: Path, key: bytes = OTHER) -> Record:
        path = tmp_path / "home" / "key"
        path.write_text(encode_key(key) + "\n")
        path.chmod(0o600)
        return {"source": "file", "base": "home", "path": "key"}

    def test_named_before_environment_before_recorded(self, tmp_path: Path) -> None:
        recorded = self.key_file(tmp_path)
        assert fetch(tmp_path, recorded) == OTHER
        assert fetch(tmp_path, recorded, SEVERANCE_KEY=WRITTEN) == KEY
        assert fetch(tmp_path, recorded, bytes(31) + b"1", SEVERANCE_KEY=WRITTEN) == bytes(31) + b"1"

    def test_a_named_source_does_not_mind_a_bad_environment(self, tmp_path: Path) -> None:
        assert fetch(tmp_path, {}, KEY, SEVERANCE_KEY="bad") == KEY
        assert make(tmp_path, KEY, SEVERANCE_KEY="bad")[0] == KEY

    def test_a_named_source_that_fails_gives_way_to_none(self, tmp_path: Path) -> None:
        recorded = self.key_file(tmp_path)
        with pytest.raises(KeyMissingError):
            fetch(tmp_path, recorded, f"file:{tmp_path / 'absent'}", SEVERANCE_KEY=WRITTEN)
        with pytest.raises(KeyMissingError):
            make(tmp_path, "env:ABSENT", SEVERANCE_KEY=WRITTEN)

    def test_a_recorded_source_that_fails_gives_way_to_none(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def never(self: Keychain, where: Where) -> bytes:
            raise AssertionError("the keychain was asked")

        monkeypatch.setattr(Keychain, "fetch", never)
        for source in ("given", "environment"):
            with pytest.raises(KeyMissingError):
                fetch(tmp_path, {"source": source})

    def test_the_keychain_is_what_remains(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Keychain, "fetch", lambda self, where: KEY)
        monkeypatch.setattr(Keychain, "make", lambda self, where, entropy: (KEY, {"source": "keychain"}))
        assert fetch(tmp_path, {}) == KEY
        assert make(tmp_path) == (KEY, {"source": "keychain"})

    @pytest.mark.parametrize("source", [7, None, [], {}])
    def test_a_record_that_names_nothing_is_damage(self, tmp_path: Path, source: object) -> None:
        with pytest.raises(DamagedError):
            fetch(tmp_path, {"source": source})

    def test_a_source_from_a_later_version_is_refused_as_such(self, tmp_path: Path) -> None:
        with pytest.raises(NewerVersionError, match=r"\\x1b") as caught:
            fetch(tmp_path, {"source": "tpm\x1b[31m" + "x" * 999})
        assert len(str(caught.value)) < 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_VALUES = ["argon2id", "store", "home", "root", "aa" * 16]
_FIELDS = ["algorithm", "salt", "memory_kib", "iterations", "lanes", "argv", "base", "path", "variable"]


@given(
    st.sampled_from(["given", "environment", "file", "passphrase", "command"]),
    st.dictionaries(st.sampled_from(_FIELDS), _JSON | st.sampled_from(_VALUES)),
)
def test_no_record_does_anything_but_refuse(source: str, fields: Record) -> None:
    """Whatever stands in an altered chip: a typed error, no key, nothing run and nobody asked."""
    with pytest.raises((KeyMissingError, DamagedError)):
        for_store(
            None, {**fields, "source": source}, store=STORE, directory=Path("/nowhere"), environ={"HOME": "/nowhere"}
        )


@given(st.binary(min_size=32, max_size=32), st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True))
def test_what_is_recorded_finds_the_key_again(key: bytes, variable: str) -> None:
    environ = {variable: encode_key(key), "HOME": "/nowhere"}
    store: Any = {"store": STORE, "directory": Path("/nowhere"), "environ": environ}
    made, recorded = for_new_store(f"env:{variable}", entropy=Counted(), **store)
    assert encode_key(key) not in json.dumps(recorded)
    assert for_store(None, json.loads(json.dumps(recorded)), **store) == made == key


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    here = where(tmp_path, SEVERANCE_KEY=WRITTEN)
    for thing in (Given(KEY), Passphrase("correct horse"), Environment(), here):
        for text in (repr(thing), str(thing), f"{thing}"):
            assert WRITTEN not in text
            assert repr(KEY)[2:-1] not in text
            assert "correct horse" not in text


def test_what_is_shown_is_escaped_and_cut() -> None:
    assert shown("a\x1b[31m\u202eb\n\ud800é") == "a\\x1b[31m\\u202eb\\n\\ud800é"
    assert shown("x" * 201) == "x" * 200 + "... (and 1 more characters)"


@pytest.mark.parametrize(("text", "fits"), [("a é", True), ("", False), ("a\0", False), ("\ud800", False), ("?", True)])
def test_what_can_be_stored(text: str, fits: bool) -> None:
    assert storable(text) is fits


@pytest.mark.parametrize("named", ["relative", "/", os.sep])
def test_a_home_that_is_none_is_not_used(named: str) -> None:
    assert home({"HOME": named, "USERPROFILE": named}) is None
