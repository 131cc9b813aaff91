"""Requests and answers: texts that anybody may hand to an approver or to a house, and what a bad signer may sign."""

from __future__ import annotations

from functools import cache

import msgspec

from fuzzing.target import Choices, Target, text_of
from severance.approving import shown
from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.override.escrow import escrow_of, shares_without
from severance.chip.override.keys import PrivateKey, public_of, written
from severance.chip.override.texts import (
    Answered,
    Asked,
    Request,
    _message,
    answer_of,
    answered,
    asked,
    request_of,
)
from severance.chip.override.wishes import Wished, draft_of, drafted, signed_draft, wish_of, wished
from severance.chip.register import ApproverForm
from severance.crypto.envelope import SpaceKey
from severance.errors import InputError, OverrideError
from severance.model import Right

_PURPOSES = ("sevk1.", "sevr1.", "seva1.", "", "sevw1.", "sevd1.")


@cache
def _keys() -> tuple[PrivateKey, ...]:
    return tuple(PrivateKey(bytes([number]) * 32, bytes([number + 9]) * 32) for number in range(1, 4))


@cache
def _request() -> Asked:
    keys, space = _keys(), SpaceKey(bytes(16), 1, bytes(32))
    forms = [ApproverForm(f"{number}", key.public.raw, 1) for number, key in enumerate(keys)]
    escrow = escrow_of(space, ("mark", "innie"), bytes(16), forms, ScopedEntropy())
    assert escrow is not None
    said = Request(
        id=bytes(16),
        house=bytes(16),
        space=bytes(16),
        epoch=1,
        subject="mark",
        persona="innie",
        requester=keys[0].public.raw,
        name="0",
        reason="he is ill",
        rights=(Right.RECALL,),
        threads=("monday",),
        made=1,
        approve_by=2,
        use_by=3,
        length=4,
        shares=shares_without(keys[0].public.id, escrow),
    )
    return asked(said, keys[0])


@cache
def _wish() -> Wished:
    return wished(_request().said, _keys()[0])


@cache
def _answer() -> Answered:
    return answered(_request(), _keys()[1], approves=True, entropy=ScopedEntropy())


def run_text(data: bytes) -> None:
    """A text is refused in a sentence, or is written again as it was."""
    choices = Choices(data)
    text = choices.pick(_PURPOSES) + text_of(choices.rest())
    for read in (request_of, answer_of, public_of, wish_of, draft_of):
        try:
            found = read(text)
        except (InputError, OverrideError):
            continue
        assert found.text() == text.strip()
    try:
        request = signed_draft(text, _keys()[0])
    except (InputError, OverrideError):
        return
    assert request_of(request.text()) == request


def run_signed(data: bytes) -> None:
    """Whatever a requester signs can be shown to an approver, and answered, or is refused in a sentence."""
    key, approver = _keys()[:2]
    raw = key.sign(_message(Request, bytes(64) + data)) + data
    try:
        request = request_of(written("sevr1", raw))
    except (InputError, OverrideError):
        return
    assert shown(request).digest == request.digest.hex()
    for approves in (True, False):
        try:
            answer = answered(request, approver, approves=approves, entropy=ScopedEntropy())
        except OverrideError:
            continue
        assert answer_of(answer.text()).is_by(approver.public)


def _contents() -> list[bytes]:
    said = _request().said
    changed = [
        {},
        {"threads": None, "shares": ()},
        {"made": 253_402_300_799_999_999, "length": 10**17},
        {"made": 2**62, "approve_by": 2**62},
        {"reason": "\x1b[2J\u202e"},
    ]
    return [msgspec.msgpack.encode(msgspec.structs.replace(said, **fields)) for fields in changed]


TARGETS = (
    Target(
        name="override-text",
        decoder="override",
        run=run_text,
        seeds=lambda: [
            b"\1" + _request().text()[6:].encode(),
            b"\2" + _answer().text()[6:].encode(),
            b"\0" + _keys()[0].public.text()[6:].encode(),
            b"\4" + _wish().text()[6:].encode(),
            b"\5" + drafted(_wish(), _request().said).text()[6:].encode(),
        ],
        tokens=(b"sevr1.", b"seva1.", b"sevw1.", b"sevd1.", b"=", b"-", b"_"),
        weight=4,
        short=600,
    ),
    Target(
        name="override-signed",
        decoder="override",
        run=run_signed,
        seeds=_contents,
        tokens=(b"request", b"\xcf\x40", b"\xc0", b"\xc4\x10"),
        weight=2,
        short=400,
    ),
)
