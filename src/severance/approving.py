"""What whoever has an override key can do without a store and a root key: make it, read requests, answer them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from severance.chip.override.keys import PrivateKey
from severance.chip.override.texts import REQUEST, Asked, answered, request_of
from severance.chip.override.wishes import WISH, request_for, signed_draft, wished
from severance.drafts import name_of
from severance.errors import InputError
from severance.model import OverrideRequest, Persona, Right, moment
from severance.overridden import wish_of
from severance.ports import Entropy
from severance.system import SystemEntropy

KeyPath = str | os.PathLike[str]
"""The file that an override key is in."""

_HOUR = timedelta(hours=1)


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


def wish_override(
    subject: str,
    persona: str,
    *,
    key: KeyPath,
    reason: str,
    rights: Iterable[str] = (Right.RECALL,),
    threads: Iterable[str] | None = None,
    length: timedelta,
    approve_within: timedelta = _HOUR,
    use_within: timedelta = _HOUR,
) -> str:
    """Ask for a persona to be woken, without a store and a network: a wish, as text, for `House.draft_override`.

    Any program that has an owner token hands it in, and brings back a draft, which `sign_draft` makes a request of.

    Args:
        subject, persona, key, reason, rights, threads, length, approve_within, use_within: as in
            `House.request_override`; the times begin when the draft is made.

    Raises:
        InputError: an argument cannot be meant.
        KeyMissingError: the key cannot be read, or others can reach it.
    """
    who = Persona(name_of(subject, "the subject"), name_of(persona, "the persona"))
    wish, own = wish_of(reason, rights, threads, (length, approve_within, use_within)), load(key)
    return wished(request_for(who, wish, own.public), own).text()


def sign_draft(draft: str, key: KeyPath) -> str:
    """Make a request of the draft that a house answered a wish with, as text, for `House.submit_override`.

    It is signed only where it says what was wished with this key; what the house added, the house looks at again.

    Args:
        draft: the text that `House.draft_override` returned.
        key: the file of the requester's key.

    Raises:
        InputError: it is no draft, or the file holds no key.
        OverrideError: it is of a wish of another key, or says anything else than was wished.
        KeyMissingError: the key cannot be read, or others can reach it.
    """
    if not isinstance(draft, str):
        raise InputError("a draft is a text; a house answers a wish with one")
    return signed_draft(draft, load(key)).text()


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


def is_wish(text: str) -> bool:
    """Whether a text is meant to be a wish, whatever is wrong with it."""
    return text.startswith(f"{WISH}.")


def is_request(text: str) -> bool:
    """Whether a text is meant to be a request, whatever is wrong with it."""
    return text.startswith(f"{REQUEST}.")


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
