"""Requests and answers: what is signed, and the texts in which it is handed from one person to another.

docs/design/format.md, section 11, says the same in words; change neither without the other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, TypeVar

import msgspec

from severance.chip.override.keys import PrivateKey, PublicKey, read, written
from severance.crypto.boxes import BOX_BYTES, boxed, unboxed
from severance.crypto.primitives import sha256
from severance.errors import InputError, OverrideError
from severance.model import MAX_LABEL_BYTES, MAX_NAME_CHARS, Right
from severance.ports import Entropy

MOST_REASON = 500
"""Characters of a reason at most."""

MOST_THREADS = 100
MOST_TEXT = 262_144
"""Characters of a request or an answer at most. What is longer is not looked at."""

REQUEST, WISH, DRAFT, _ANSWER = "sevr1", "sevw1", "sevd1", "seva1"
_NOT_YET = {
    WISH: "that is a wish, and no request yet: hand it in with `severance override submit`, and sign what comes",
    DRAFT: "that is a draft, and no request yet: sign it with `severance override sign`",
}
SIGNATURE_BYTES = 64
_SCOPE = b"override"
_FRAMED = struct.Struct(">16s16sI16s16sI")
_LENGTH = struct.Struct(">I")

_Id = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
_Box = Annotated[bytes, msgspec.Meta(min_length=32 + BOX_BYTES, max_length=32 + BOX_BYTES)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_CHARS)]
_Thread = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LABEL_BYTES)]
_LAST = 253_402_300_799_999_999
"""The last microsecond of the year 9999: what comes after is no time that could be shown."""

_Time = Annotated[int, msgspec.Meta(ge=0, le=_LAST)]


class ShareForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A share in a box for one approver; it opens with that of the other."""

    approver: _Id
    other: _Id
    box: _Box


class Request(msgspec.Struct, array_like=True, tag="request", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the requester signs. Times are microseconds since 1970, lengths microseconds.

    Attributes:
        id: of the override.
        house: the store id.
        space, epoch: of the persona's key.
        subject, persona: who is to be woken.
        requester: the requester's public key, 64 bytes.
        name: the name under which that is registered.
        reason: why, in the requester's words.
        rights, threads: what the session may do, and in which threads, None for all.
        made, approve_by, use_by: when it was asked, and until when it may be approved, and used.
        length: for how long it opens.
        shares: of the escrow, in boxes for the approvers, the requester's own left out.
    """

    id: _Id
    house: _Id
    space: _Id
    epoch: Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
    subject: _Name
    persona: _Name
    requester: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
    name: _Name
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_REASON)]
    rights: Annotated[tuple[Right, ...], msgspec.Meta(min_length=1)]
    threads: Annotated[tuple[_Thread, ...], msgspec.Meta(min_length=1, max_length=MOST_THREADS)] | None
    made: _Time
    approve_by: _Time
    use_by: _Time
    length: Annotated[int, msgspec.Meta(ge=1, le=_LAST)]
    shares: tuple[ShareForm, ...]


class GivenForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An approver's share in a box for the requester; it opens with that of the other."""

    other: _Id
    box: _Box


class Answer(msgspec.Struct, array_like=True, tag="answer", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an approver signs.

    Attributes:
        id: of the override.
        request: the digest of exactly the request that is answered, 32 bytes.
        key: the id of the approver's key.
        approves: or refuses.
        shares: where it approves.
    """

    id: _Id
    request: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    key: _Id
    approves: bool
    shares: tuple[GivenForm, ...]


S = TypeVar("S", Request, Answer)
ENCODER = msgspec.msgpack.Encoder()
_DECODERS = {kind: msgspec.msgpack.Decoder(kind) for kind in (Request, Answer)}


@dataclass(frozen=True)
class Asked:
    """A signed request."""

    raw: bytes
    said: Request

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that stand for exactly this request, its signature included."""
        return sha256(b"severance/override/request/v1" + self.raw)

    @property
    def requester(self) -> PublicKey:
        """Whose request it is."""
        return PublicKey(self.said.requester)

    def text(self) -> str:
        """As it is handed to approvers."""
        return written(REQUEST, self.raw)


@dataclass(frozen=True)
class Answered:
    """An answer, whose signature is looked at by whoever knows the key."""

    raw: bytes
    said: Answer

    def is_by(self, key: PublicKey) -> bool:
        """Whether this key signed it."""
        return key.id == self.said.key and key.signed(_message(Answer, self.raw), self.raw[:SIGNATURE_BYTES])

    def text(self) -> str:
        """As it is handed to whoever submits it."""
        return written(_ANSWER, self.raw)


def escrow_context(request: Request, first: bytes, second: bytes) -> bytes:
    """What the escrow of a persona's key for two override keys, with these ids, is bound to."""
    return context_of(request.house, (request.space, request.epoch), (request.subject, request.persona), first, second)


def context_of(house: bytes, space: tuple[bytes, int], whom: tuple[str, str], first: bytes, second: bytes) -> bytes:
    """The same, of a space with its epoch, and of a subject and a persona."""
    subject, persona = (name.encode("utf-8") for name in whom)
    framed = _FRAMED.pack(house, *space, min(first, second), max(first, second), len(subject))
    return b"severance/escrow/v1" + framed + subject + persona


def asked(request: Request, key: PrivateKey) -> Asked:
    """The request, signed."""
    return Asked(_signed(request, key), request)


def answered(request: Asked, key: PrivateKey, *, approves: bool, entropy: Entropy) -> Answered:
    """The answer of one approver to exactly this request, signed. An approval hands over the approver's shares.

    Raises:
        OverrideError: the request is the approver's own; or none of its shares is for this key.
    """
    if key.public == request.requester:
        if approves:
            raise OverrideError("whoever asks cannot approve; two others have to", why="own")
        return _answer(request, key, ())
    if not approves:
        return _answer(request, key, ())
    given = []
    for share in request.said.shares:
        if share.approver != key.public.id or request.requester.id in (share.approver, share.other):
            continue
        opened = unboxed(share.box, key.opens, escrow_context(request.said, share.approver, share.other))
        if opened is None:
            raise OverrideError("a share in this request is not of the persona that it names", why="altered")
        context = _given_context(request, share.approver, share.other)
        given.append(
            GivenForm(share.other, boxed(opened, request.requester.for_boxes, context, entropy, _SCOPE + key.public.id))
        )
    if not given:
        raise OverrideError("this request is not for that key; its house did not know the key then", why="stranger")
    return _answer(request, key, tuple(given))


def share_given(request: Asked, answer: Answer, other: bytes, requester: PrivateKey) -> bytes | None:
    """The share that an approval hands over for use with that of another; None where there is none, or no good one."""
    boxes = [given.box for given in answer.shares if given.other == other]
    return unboxed(boxes[0], requester.opens, _given_context(request, answer.key, other)) if boxes else None


def request_of(text: str) -> Asked:
    """The request that a text is.

    Raises:
        InputError: it is none.
        OverrideError: it was altered.
    """
    raw, said = _requested(text)
    if raw is None or said is None:
        raise none_of(REQUEST, text, "that is no request for an override; `severance override request` prints one")
    return checked_request(raw, said)


def claimed_id(text: str) -> bytes | None:
    """The id that a request says it has, whoever signed it; None where the text is no request."""
    _, said = _requested(text)
    return None if said is None else said.id


def checked_request(raw: bytes, said: Request | None = None) -> Asked:
    """The request in these bytes.

    Raises:
        OverrideError: it is not what its requester signed.
    """
    found = _decoded(Request, raw) if said is None else said
    if found is None or not PublicKey(found.requester).signed(_message(Request, raw), raw[:SIGNATURE_BYTES]):
        raise OverrideError("the request is not what its requester signed: it was altered", why="altered")
    return Asked(raw, found)


def answer_of(text: str) -> Answered:
    """The answer that a text is.

    Raises:
        InputError: it is none.
    """
    raw = read(_ANSWER, text.strip()) if len(text) <= MOST_TEXT else None
    said = None if raw is None else _decoded(Answer, raw)
    if raw is None or said is None:
        raise none_of(
            _ANSWER, text, "that is no answer to a request; `severance override approve` or `deny` prints one"
        )
    return Answered(raw, said)


def none_of(wanted: str, text: str, otherwise: str) -> InputError:
    """The error for a text that is none of the kind that is wanted: what it is meant to be, or else this sentence."""
    kind = text.strip().partition(".")[0]
    return InputError(_NOT_YET[kind] if kind != wanted and kind in _NOT_YET else otherwise)


def request_in(raw: bytes) -> Request | None:
    """What a request says, behind whatever signature; None where it is none."""
    return _decoded(Request, raw)


def answer_in(raw: bytes) -> Answer | None:
    """What a signed answer says; None where it is none."""
    return _decoded(Answer, raw)


def _requested(text: str) -> tuple[bytes | None, Request | None]:
    raw = read(REQUEST, text.strip()) if len(text) <= MOST_TEXT else None
    return raw, None if raw is None else _decoded(Request, raw)


def _answer(request: Asked, key: PrivateKey, shares: tuple[GivenForm, ...]) -> Answered:
    said = Answer(id=request.said.id, request=request.digest, key=key.public.id, approves=bool(shares), shares=shares)
    return Answered(_signed(said, key), said)


def _given_context(request: Asked, approver: bytes, other: bytes) -> bytes:
    return b"severance/given/v1" + request.digest + approver + other


def _signed(said: Request | Answer, key: PrivateKey) -> bytes:
    content = ENCODER.encode(said)
    return key.sign(_message(type(said), bytes(SIGNATURE_BYTES) + content)) + content


def _message(kind: type[Request | Answer], raw: bytes) -> bytes:
    """What is signed: one kind is never taken for the other."""
    purpose = b"severance/override/ask/v1" if kind is Request else b"severance/override/answer/v1"
    return framed(purpose, raw[SIGNATURE_BYTES:])


def framed(purpose: bytes, content: bytes) -> bytes:
    """What is signed of this content for this purpose."""
    return purpose + _LENGTH.pack(len(content)) + content


def _decoded(kind: type[S], raw: bytes) -> S | None:
    try:
        return _DECODERS[kind].decode(raw[SIGNATURE_BYTES:])  # type: ignore[return-value]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
