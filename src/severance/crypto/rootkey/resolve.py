"""Which source applies, and the key from it. This is all that the rest of Severance needs to call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from severance.crypto.rootkey.command import Command
from severance.crypto.rootkey.environment import KEY_VARIABLE, Environment
from severance.crypto.rootkey.given import Given
from severance.crypto.rootkey.keychain import Keychain
from severance.crypto.rootkey.keyfile import KeyFile
from severance.crypto.rootkey.passphrase import Passphrase
from severance.crypto.rootkey.source import Record, Source, Where, decode_key, shown
from severance.errors import DamagedError, InputError, NewerVersionError
from severance.ports import RootKey

if TYPE_CHECKING:
    from severance.ports import Entropy

Key = bytes | str | Source | RootKey | None
"""What `key=` takes: 32 bytes, a spec as for `--key`, a source, anything with `obtain()`, or None for the usual."""

_BY_NAME: Mapping[str, type[Source]] = {
    kind.name: kind for kind in (Given, Environment, KeyFile, Passphrase, Keychain, Command)
}
_SPECS = "file:PATH, passphrase, keychain, env, env:NAME or command:..."


def parse_spec(text: str) -> Source:
    """The source that `--key` names: file:PATH, passphrase, keychain, env, env:NAME or command:...

    Raises:
        InputError: it is none of these. What was given is not repeated, since it may have been a secret.
    """
    kind, colon, rest = text.partition(":")
    match kind, bool(colon):
        case "keychain", False:
            return Keychain()
        case "passphrase", False:
            return Passphrase()
        case "passphrase", True:
            raise InputError("the passphrase is asked for, and does not belong in an argument: pass --key passphrase")
        case "env", named:
            return Environment(rest) if named else Environment()
        case "file", True:
            return KeyFile(Path(rest))
        case "command", True:
            return Command.parse(rest)
    if decode_key(text) is not None:
        raise InputError(
            "that is a key itself, and other users of this machine can see arguments:"
            f" put it in {KEY_VARIABLE} or a file, and replace it if it is in use"
        )
    raise InputError(f"a key comes from {_SPECS}")


def for_new_store(
    key: Key, *, store: bytes, directory: Path, entropy: Entropy, environ: Mapping[str, str]
) -> tuple[bytes, Record]:
    """The root key for a store that is about to be made, and what its chip is to record about it.

    The source is `key`, or else SEVERANCE_KEY where it is set, or else the keychain, which gets a new random key.
    A key that this made (a key file, an entry in the keychain) stays if the store is then not made.

    Args:
        key: see `Key`.
        store: the id that the store will have, 16 bytes.
        directory: where it will be.
        entropy: draws new keys and salts in the scope `b"root"`.
        environ: the environment variables.

    Returns:
        32 bytes, and a record that is JSON and holds no secret.

    Raises:
        KeyMissingError: the source that applies has no key; no other is tried in its place.
        InputError: `key` cannot be meant.
    """
    where = Where(store=store, directory=directory, environ=environ)
    return (_named(key, environ) or Keychain()).make(where, entropy)


def for_store(
    key: Key, recorded: Mapping[str, object], *, store: bytes, directory: Path, environ: Mapping[str, str]
) -> bytes:
    """The root key, 32 bytes, for a store that exists. Whether it is the right one only the chip can tell.

    The source is `key`, or else SEVERANCE_KEY where it is set, or else the one in `recorded`, or else (when nothing was
    recorded) the keychain.

    Args:
        key: see `Key`.
        recorded: what `for_new_store` returned; read from the chip unverified, and treated so.
        store, directory, environ: as in `for_new_store`.

    Raises:
        KeyMissingError: the source that applies has no key; no other is tried in its place.
        InputError: `key` cannot be meant.
        DamagedError: `recorded` is not what `for_new_store` returned.
        NewerVersionError: `recorded` names a source that this version does not know.
    """
    where = Where(store=store, directory=directory, environ=environ, recorded=recorded)
    named = _named(key, environ)
    if named is not None:
        return named.fetch(where)
    source = recorded.get("source", Keychain.name)
    if not isinstance(source, str):
        raise DamagedError("the chip's record of where its root key comes from was altered")
    if source not in _BY_NAME:
        raise NewerVersionError(f"this version does not know the source that the root key comes from: {shown(source)}")
    return _BY_NAME[source].fetch_recorded(where)


def variables(key: Key) -> frozenset[str]:
    """The names of the environment variables that hold the root key, as far as `key` says: SEVERANCE_KEY in any case.

    Raises:
        InputError: `key` is a text that is no spec.
    """
    source = parse_spec(key) if isinstance(key, str) else key
    return frozenset({KEY_VARIABLE, source.variable} if isinstance(source, Environment) else {KEY_VARIABLE})


def _named(key: Key, environ: Mapping[str, str]) -> Source | None:
    """The source that the user named, by `key` or by setting SEVERANCE_KEY (to whatever: empty is a mistake, too)."""
    if key is None:
        return Environment() if KEY_VARIABLE in environ else None
    if isinstance(key, Source):
        return key
    if isinstance(key, str):
        return parse_spec(key)
    if isinstance(key, bytes):
        return Given(key)
    if callable(getattr(key, "obtain", None)):
        return Given(key.obtain())
    raise InputError(f"key= takes 32 bytes, an object with obtain(), or one of: {_SPECS}")
