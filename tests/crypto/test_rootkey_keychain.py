"""Keys in the keychain: `keyring` itself, with a backend in memory and with the stand-ins that it really has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import keyring
import keyring.core
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked, PasswordSetError

from crypto.test_rootkey_parts import KEY, STORE, WRITTEN, Counted, leaks, strangers_home, where
from severance.crypto.rootkey import Keychain, decode_key, for_new_store, for_store
from severance.errors import KeyMissingError

SAYS = r"--key file:PATH, --key passphrase, --key env or --key command:\.\.\."


class InMemory(KeyringBackend):
    """As good a keychain as any, but for its memory."""

    priority: Any = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


class PlaintextKeyring(InMemory):
    priority = 9


class Heir(PlaintextKeyring):
    pass


class NotRecommended(InMemory):
    priority = 0.9


class Alternative(InMemory):
    __module__ = "keyrings.alt.Gnome"


class Forgetful(InMemory):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Locked(InMemory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")


class Denied(InMemory):
    def set_password(self, service: str, username: str, password: str) -> None:
        raise PasswordSetError(f"denied: {password}")


class NoBus(InMemory):
    def get_password(self, service: str, username: str) -> str | None:
        raise ConnectionRefusedError("no D-Bus")


class Weird(InMemory):
    @property
    def priority(self) -> Any:
        raise RuntimeError("not on this system")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    strangers_home(monkeypatch, tmp_path)
    monkeypatch.setattr(keyring.core, "_keyring_backend", fail.Keyring())  # type: ignore[no-untyped-call]  # put back after


def test_makes_a_key_and_finds_it_again(tmp_path: Path) -> None:
    ring, entropy = InMemory(), Counted()
    keyring.set_keyring(ring)
    here = where(tmp_path)
    store: Any = {"store": STORE, "directory": here.directory, "environ": here.environ}
    key, recorded = for_new_store(None, entropy=entropy, **store)
    assert recorded == {"source": "keychain"}
    assert entropy.drawn == [(32, b"root")]
    assert {slot: decode_key(text) for slot, text in ring.entries.items()} == {("severance", STORE.hex()): key}
    assert for_store(None, recorded, **store) == for_store("keychain", {}, **store) == key


def test_never_writes_over_a_key(tmp_path: Path) -> None:
    ring = InMemory()
    keyring.set_keyring(ring)
    for there, ok in ((WRITTEN, True), ("nonsense", False)):
        ring.set_password("severance", STORE.hex(), there)
        if ok:
            assert Keychain().make(where(tmp_path), Counted())[0] == KEY
        else:
            with pytest.raises(KeyMissingError) as caught:
                Keychain().make(where(tmp_path), Counted())
            assert leaks(caught.value, there) == []
        assert list(ring.entries.values()) == [there]


def test_says_so_when_it_has_no_key_for_this_store(tmp_path: Path) -> None:
    keyring.set_keyring(InMemory())
    with pytest.raises(KeyMissingError, match=f"no key for this store.*{STORE.hex()}.*{SAYS}"):
        Keychain.fetch_recorded(where(tmp_path))


@pytest.mark.parametrize("kind", [fail.Keyring, null.Keyring, PlaintextKeyring, Heir, NotRecommended, Alternative])
def test_refuses_what_is_no_keychain(tmp_path: Path, kind: type[KeyringBackend]) -> None:
    ring = kind()
    keyring.set_keyring(ring)
    with pytest.raises(KeyMissingError, match=rf"^there is no keychain here; pass {SAYS}"):
        Keychain().make(where(tmp_path), Counted())
    with pytest.raises(KeyMissingError, match=r"^there is no keychain here"):
        Keychain.fetch_recorded(where(tmp_path))
    assert getattr(ring, "entries", {}) == {}


@pytest.mark.parametrize("kind", [Locked, Denied, NoBus, Weird])
def test_does_not_go_on_without_an_answer(tmp_path: Path, kind: type[KeyringBackend]) -> None:
    keyring.set_keyring(kind())
    with pytest.raises(KeyMissingError, match=f"The keychain did not answer.*{SAYS}") as caught:
        Keychain().make(where(tmp_path), Counted())
    drawn = Counted().draw(32, b"")
    assert leaks(caught.value, drawn) == []


def test_finds_out_a_keychain_that_keeps_nothing(tmp_path: Path) -> None:
    keyring.set_keyring(Forgetful())
    with pytest.raises(KeyMissingError, match="has no key for this store"):
        Keychain().make(where(tmp_path), Counted())


class TestChain:
    def chain(self, *rings: KeyringBackend) -> Any:
        chain = type("Chain", (ChainerBackend,), {"backends": list(rings)})
        KeyringBackend._classes.discard(chain)  # keyring keeps every class there is, and tries them all
        return chain()

    def test_its_weak_links_are_not_used(self, tmp_path: Path) -> None:
        weak, sound, spare = PlaintextKeyring(), InMemory(), InMemory()
        keyring.set_keyring(self.chain(weak, sound, spare))
        key, _ = Keychain().make(where(tmp_path), Counted())
        assert (len(weak.entries), len(sound.entries), len(spare.entries)) == (0, 1, 0)
        keyring.set_keyring(self.chain(weak, spare, sound))
        assert Keychain().fetch(where(tmp_path)) == key

    def test_one_of_weak_links_only_is_none(self, tmp_path: Path) -> None:
        keyring.set_keyring(self.chain(PlaintextKeyring(), null.Keyring()))  # type: ignore[no-untyped-call]
        with pytest.raises(KeyMissingError, match=r"^there is no keychain here"):
            Keychain().make(where(tmp_path), Counted())


def test_a_backend_that_cannot_be_loaded_is_an_answer_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "no.such.Backend")
    with pytest.raises(KeyMissingError, match="did not answer"):
        Keychain().fetch(where(tmp_path))


def test_nobody_who_does_not_use_it_waits_for_keyring() -> None:
    script = "import sys, severance.crypto.rootkey; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
