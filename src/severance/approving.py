"""What whoever has an override key can do without a store and a root key: make it, read requests, answer them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from severance.chip.override.keys import PrivateKey, PublicKey
from severance.chip.override.texts import DRAFT, REQUEST, WISH, Asked, Request, answered, request_of
from severance.chip.override.wishes import draft_of, request_for, signed_draft, wished
from severance.chip.override.wishes import wish_of as wish_in
from severance.drafts import name_of
from severance.errors import InputError
from severance.model import OverrideRequest, Persona, Right, moment
from severance.overridden import wish_of
from severance.ports import Clock, Entropy
from severance.system import SystemClock, SystemEntropy

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
    clock: Clock | None = None,
) -> str:
    """Ask for a persona to be woken, without a store and a network: a wish, as text, for `House.draft_override`.

    Any program that has an owner token hands it in, and brings back a draft, which `sign_draft` makes a request of.

    Args:
        subject, persona, key, reason, rights, threads, length, approve_within, use_within: as in
            `House.request_override`; the times begin now, so that the time for approving is also that for handing in.
        clock: what tells the time; the machine's without one. It may be five minutes before that of the house.

    Raises:
        InputError: an argument cannot be meant.
        KeyMissingError: the key cannot be read, or others can reach it.
    """
    who = Persona(name_of(subject, "the subject"), name_of(persona, "the persona"))
    wish, own = wish_of(reason, rights, threads, (length, approve_within, use_within)), load(key)
    now = (clock or SystemClock()).now()
    return wished(request_for(who, wish, own.public, now), own).text()


def sign_draft(draft: str, key: KeyPath) -> str:
    """Make a request of the draft that a house answered a wish with, as text, for `House.submit_override`.

    It is signed only where it says what was wished with this key, with the same times; what the house added, the house
    looks at again.

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


def read_over(text: str) -> tuple[str, OverrideRequest]:
    """What a wish, a draft or a request is, in one word, and what it says; of what it has no id or digest yet, those
    are empty. Errors as `show_request`.
    """
    if text.startswith(f"{DRAFT}."):
        return "draft", _said(draft_of(text).said)
    if is_wish(text):
        return "wish", replace(_said(wish_in(text).said), id="")
    return "request", show_request(text)


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
    return _said(request.said, request.digest)


def _said(said: Request, digest: bytes = b"") -> OverrideRequest:
    return OverrideRequest(
        id=said.id.hex(),
        subject=said.subject,
        persona=said.persona,
        requester=said.name,
        key=PublicKey(said.requester).id.hex(),
        reason=said.reason,
        rights=frozenset(said.rights),
        threads=said.threads,
        made=moment(said.made),
        approve_by=moment(said.approve_by),
        use_by=moment(said.use_by),
        length=timedelta(microseconds=said.length),
        digest=digest.hex(),
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
