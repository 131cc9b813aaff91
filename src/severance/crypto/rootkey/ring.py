"""The operating system's keychain, through `keyring`.

On its own because importing `keyring` takes 70 to 95 ms (measured on two cores), which only those who use it should
wait for: `keychain` loads this module when it is first needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import keyring
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend

from severance.crypto.rootkey.source import OTHER_SOURCES
from severance.errors import KeyMissingError

SERVICE = "severance"

T = TypeVar("T")


def read(account: str) -> str | None:
    """What the keychain holds for `account`, or None.

    Raises:
        KeyMissingError: there is no keychain that can be relied on, or it did not answer.
    """
    return _answer(lambda: next(filter(None, (ring.get_password(SERVICE, account) for ring in _rings())), None))


def write(account: str, secret: str) -> None:
    """Have the keychain keep `secret` for `account`.

    Raises:
        KeyMissingError: as `read`, or the keychain did not keep it.
    """
    _answer(lambda: _rings()[0].set_password(SERVICE, account, secret))


def _answer(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except KeyMissingError:
        raise
    except Exception as exc:  # noqa: BLE001  # backends let out whatever D-Bus, a plug-in or the system raised
        problem = type(exc).__name__
    # Out here, since the exception's frames hold the secret.
    raise KeyMissingError(f"The keychain did not answer ({problem}); unlock it, or {OTHER_SOURCES}.")


def _rings() -> list[KeyringBackend]:
    """The keychains to use, best first; never none. A chain is taken apart: its weakest link could be the one used."""
    current = keyring.get_keyring()
    rings = current.backends if isinstance(current, ChainerBackend) else [current]
    sound = [ring for ring in rings if _is_sound(ring)]
    if not sound:
        raise KeyMissingError(f"there is no keychain here; {OTHER_SOURCES}")
    return sound


def _is_sound(ring: KeyringBackend) -> bool:
    """Whether it is a keychain at all: not a stand-in, and not one that writes secrets down as they are.

    `keyring` itself recommends what has a priority of at least 1, but `keyrings.alt` has plaintext files above that.
    """
    for kind in type(ring).__mro__:
        if kind in (fail.Keyring, null.Keyring):
            return False
        if f"{kind.__module__}.".startswith("keyrings.alt.") or "plaintext" in kind.__name__.lower():
            return False
    return bool(ring.priority >= 1)
