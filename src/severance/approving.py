"""What whoever has an override key can do without a store and a root key: make it, read requests, answer them."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from severance.chip.override.keys import PrivateKey
from severance.chip.override.texts import Asked, answered, request_of
from severance.errors import InputError
from severance.model import OverrideRequest, moment
from severance.ports import Entropy
from severance.system import SystemEntropy

KeyPath = str | os.PathLike[str]
"""The file that an override key is in."""


def new_override_key(path: KeyPath) -> str:
    """Make an override key in a new file that its owner alone can read. Returns its public half, to be registered.

    Raises:
        StoreError: the file is there already, or cannot be made.
        InputError: the path cannot be one, or is a folder.
    """
    file = _path(path)
    if file.is_dir():
        raise InputError(f"{file} is a folder; name a file for the override key")
    return PrivateKey.make(file, SystemEntropy()).public.text()


def approve(request: str, key: KeyPath) -> str:
    """Approve exactly this request: the answer, as text, for `House.answer_override`. Needs no store and no network.

    It hands the approver's share of the persona's key to whoever asked, and to nobody else. Read the request first
    (`show_request`).

    Args:
        request: the text that `House.request_override` returned.
        key: the file of the approver's key.

    Raises:
        InputError: it is no request, or the file holds no key.
        OverrideError: the request was altered, is not for this key, or is its own.
        KeyMissingError: the key cannot be read, or others can reach it.
    """
    return answer(request_of(_text(request)), load(key), approves=True)


def deny(request: str, key: KeyPath) -> str:
    """Refuse exactly this request: the answer, as `approve` returns one. It ends the override, even while it is used.

    Raises:
        As `approve`.
    """
    return answer(request_of(_text(request)), load(key), approves=False)


def show_request(request: str) -> OverrideRequest:
    """What a request says. That its requester signed it has been looked at; whether its house knows it, it can tell.

    Raises:
        InputError: it is no request.
        OverrideError: it was altered.
    """
    return shown(request_of(_text(request)))


def answer(request: Asked, key: PrivateKey, *, approves: bool, entropy: Entropy | None = None) -> str:
    """The answer to a request, as text."""
    return answered(request, key, approves=approves, entropy=entropy or SystemEntropy()).text()


def load(key: KeyPath) -> PrivateKey:
    """The override key in a file; errors as `approve`."""
    return PrivateKey.load(_path(key))


def shown(request: Asked) -> OverrideRequest:
    """What a request says."""
    said = request.said
    return OverrideRequest(
        id=said.id.hex(),
        subject=said.subject,
        persona=said.persona,
        requester=said.name,
        key=request.requester.id.hex(),
        reason=said.reason,
        rights=frozenset(said.rights),
        threads=said.threads,
        made=moment(said.made),
        approve_by=moment(said.approve_by),
        use_by=moment(said.use_by),
        length=timedelta(microseconds=said.length),
        digest=request.digest.hex(),
    )


def _text(request: object) -> str:
    if not isinstance(request, str):
        raise InputError("a request is a text; `severance override request` prints one")
    return request


def _path(path: object) -> Path:
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise InputError("an override key is in a file; name its path")
    try:
        return Path(os.fsdecode(path)).expanduser()
    except (RuntimeError, ValueError):
        raise InputError("that is no path of a file; name the file of the override key") from None
