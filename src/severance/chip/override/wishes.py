"""How somebody asks who has an override key, and no access to the house: a wish, a draft, and then the request.

The wish is made where the key is, and says what is asked for and until when. The house adds what it alone has: that is
the draft. The key signs it only where it is the wish as it was, and with that it is a request. docs/design/format.md,
section 11, says the same in words; change neither without the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from severance.chip.override.keys import ID_BYTES, PrivateKey, PublicKey, read, written
from severance.chip.override.state import Wish
from severance.chip.override.texts import (
    DRAFT,
    ENCODER,
    MOST_TEXT,
    SIGNATURE_BYTES,
    WISH,
    Asked,
    Request,
    asked,
    framed,
    none_of,
    request_in,
)
from severance.errors import OverrideError
from severance.model import Persona

_PURPOSE = b"severance/override/wish/v1"
_NONE = bytes(ID_BYTES)


@dataclass(frozen=True)
class Wished:
    """A signed wish: a request without what the house adds."""

    raw: bytes
    said: Request

    def text(self) -> str:
        """As it is handed to whoever hands it in."""
        return written(WISH, self.raw)


@dataclass(frozen=True)
class Drafted:
    """The draft of a request, behind the signature of the wish that it is for."""

    raw: bytes
    said: Request

    def text(self) -> str:
        """As it is handed back to whoever wished."""
        return written(DRAFT, self.raw)


def request_for(persona: Persona, wish: Wish, requester: PublicKey, now: int) -> Request:
    """The request for this wish, without what the house adds; its times begin now."""
    return Request(
        id=_NONE,
        house=_NONE,
        space=_NONE,
        epoch=0,
        subject=persona.subject,
        persona=persona.name,
        requester=requester.raw,
        name=requester.id.hex(),
        reason=wish.reason,
        rights=tuple(sorted(wish.rights)),
        threads=wish.threads,
        made=now,
        approve_by=now + wish.approve_within,
        use_by=now + wish.approve_within + wish.use_within,
        length=wish.length,
        shares=(),
    )


def wished(request: Request, key: PrivateKey) -> Wished:
    """The wish for such a request, signed; of its fields those that a house adds are left out."""
    said = _bare(request)
    return Wished(_signed(said, key), said)


def wish_of(text: str) -> Wished:
    """The wish that a text is.

    Raises:
        InputError: it is none.
        OverrideError: it was altered.
    """
    raw = _raw(WISH, text)
    said = None if raw is None else request_in(raw)
    if raw is None or said is None:
        raise none_of(WISH, text, "that is no wish for an override; `severance override request --offline` prints one")
    if said != _bare(said) or not _is_wish(said, raw):
        raise OverrideError("the wish is not what its requester signed: it was altered", why="altered")
    return Wished(raw, said)


def drafted(wish: Wished, request: Request) -> Drafted:
    """The draft of this request, which is what was wished with what the house adds."""
    return Drafted(wish.raw[:SIGNATURE_BYTES] + ENCODER.encode(request), request)


def draft_of(text: str) -> Drafted:
    """The draft that a text is.

    Raises:
        InputError: it is none.
        OverrideError: it says anything else than was wished with the key that it names.
    """
    raw = _raw(DRAFT, text)
    said = None if raw is None else request_in(raw)
    if raw is None or said is None or said == _bare(said):
        raise none_of(DRAFT, text, "that is no draft of a request; a house answers a wish with one")
    if not _is_wish(_bare(said), raw):
        raise OverrideError("the draft is not of what was wished with its key: it was altered", why="altered")
    return Drafted(raw, said)


def signed_draft(text: str, key: PrivateKey) -> Asked:
    """The request that a draft is of, signed.

    Raises:
        InputError, OverrideError: as `draft_of`; or it is of another key's wish.
    """
    said = draft_of(text).said
    if said.requester != key.public.raw:
        raise OverrideError("the draft is of a wish of another key; sign it with that", why="other")
    return asked(said, key)


def _bare(said: Request) -> Request:
    """What is left of a request without all that a house adds."""
    return replace(
        said,
        id=_NONE,
        house=_NONE,
        space=_NONE,
        epoch=0,
        name=PublicKey(said.requester).id.hex(),
        shares=(),
    )


def _is_wish(said: Request, raw: bytes) -> bool:
    message = framed(_PURPOSE, ENCODER.encode(said))
    return PublicKey(said.requester).signed(message, raw[:SIGNATURE_BYTES])


def _signed(said: Request, key: PrivateKey) -> bytes:
    content = ENCODER.encode(said)
    return key.sign(framed(_PURPOSE, content)) + content


def _raw(prefix: str, text: str) -> bytes | None:
    return read(prefix, text.strip()) if len(text) <= MOST_TEXT else None
