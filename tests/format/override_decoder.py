"""Section 11 once more, written from docs/design/format.md alone: what two approvals open.

Like `decoder`, it shares no code with `severance` and must never import it.
"""

from __future__ import annotations

import base64
import hmac
from itertools import permutations
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from format.decoder import Refused, hkdf, require, sha256, u32

REQUEST = (
    "id house space epoch subject persona requester name reason rights threads made approve_by use_by length shares"
)
ANSWER = "id request key approves shares"


class Signed(NamedTuple):
    """A text, opened: what was signed, and by what."""

    signature: bytes
    body: bytes
    fields: dict[str, Any]


def raw_of(prefix: str, text: str) -> bytes:
    kind, _, encoded = text.partition(".")
    require(kind == prefix, "text")
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))


def seeds(text: str) -> tuple[bytes, bytes]:
    raw = raw_of("sevs1", text)
    require(len(raw) == 64, "text")
    return raw[:32], raw[32:]


def publics(text: str) -> bytes:
    signs, opens = seeds(text)
    first = Ed25519PrivateKey.from_private_bytes(signs).public_key().public_bytes_raw()
    return first + X25519PrivateKey.from_private_bytes(opens).public_key().public_bytes_raw()


def key_id(public: bytes) -> bytes:
    return sha256(b"severance/override/key/v1" + public)[:16]


def unbox(box: bytes, seed: bytes, context: bytes) -> bytes:
    own, sender = X25519PrivateKey.from_private_bytes(seed), box[:32]
    agreed = own.exchange(X25519PublicKey.from_public_bytes(sender))
    key = hkdf(agreed, sender + own.public_key().public_bytes_raw(), b"severance/box/v1", 32)
    try:
        return AESGCM(key).decrypt(bytes(12), box[32:], context)
    except InvalidTag:
        raise Refused("shares") from None


def signed(prefix: str, kind: str, names: str, text: str) -> Signed:
    raw = raw_of(prefix, text)
    try:
        tag, *values = msgspec.msgpack.decode(raw[64:])
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        raise Refused(kind) from None
    require(tag == kind and len(values) == len(names.split()), kind)
    return Signed(raw[:64], raw[64:], dict(zip(names.split(), values, strict=True)))


def check_signature(found: Signed, public: bytes, purpose: bytes, reason: str) -> None:
    try:
        key = Ed25519PublicKey.from_public_bytes(public[:32])
        key.verify(found.signature, purpose + u32(len(found.body)) + found.body)
    except (InvalidSignature, ValueError):
        raise Refused(reason) from None


def opened(vector: dict[str, Any]) -> tuple[bytes, bytes]:
    """The key of the space, and the digest of the request."""
    registered = {key_id(public): public for public in map(publics, vector["private"])}
    request = signed("sevr1", "request", REQUEST, vector["request"])
    said = request.fields
    check_signature(request, said["requester"], b"severance/override/ask/v1", "request")
    digest = sha256(b"severance/override/request/v1" + request.signature + request.body)
    approvals: dict[bytes, dict[bytes, bytes]] = {}
    for text in vector["answers"]:
        answer = signed("seva1", "answer", ANSWER, text)
        by = answer.fields["key"]
        require(by in registered, "key")
        check_signature(answer, registered[by], b"severance/override/answer/v1", "signature")
        require(answer.fields["request"] == digest, "digest")
        require(answer.fields["approves"], "denied")
        require(registered[by] != said["requester"], "requester")
        approvals[by] = dict(answer.fields["shares"])
    require(len(approvals) >= 2, "approvals")
    _, requester = seeds(vector["private"][0])
    names = [name.encode() for name in (said["subject"], said["persona"])]
    for first, second, wrapped, *_ in vector["pairs"]:
        for one, other in permutations(approvals, 2):
            if (one, other) == (bytes.fromhex(first), bytes.fromhex(second)):
                given = b"severance/given/v1" + digest
                a = unbox(approvals[one].get(other, bytes(80)), requester, given + one + other)
                b = unbox(approvals[other].get(one, bytes(80)), requester, given + other + one)
                context = b"severance/escrow/v1" + said["house"] + said["space"] + u32(said["epoch"]) + one + other
                context += u32(len(names[0])) + names[0] + names[1]
                key = AESGCM(bytes(x ^ y for x, y in zip(a, b, strict=True)))
                return key.decrypt(bytes(12), bytes.fromhex(wrapped), context), digest
    raise Refused("approvals")


def drafted(wish: str, draft: str, request: str) -> dict[str, Any]:
    """What a house added to a wish in a draft, of which the same key signed the request."""
    asked, completed, whole = (
        signed(prefix, "request", REQUEST, text)
        for prefix, text in (("sevw1", wish), ("sevd1", draft), ("sevr1", request))
    )
    public = asked.fields["requester"]
    check_signature(asked, public, b"severance/override/wish/v1", "wish")
    check_signature(whole, public, b"severance/override/ask/v1", "request")
    require(completed.signature == asked.signature and completed.body == whole.body, "draft")
    added, left = dict(completed.fields), dict(asked.fields)
    bare = {"id": bytes(16), "house": bytes(16), "space": bytes(16), "epoch": 0, "shares": []}
    require({name: left.pop(name) for name in bare} == bare and left.pop("name") == key_id(public).hex(), "bare")
    return {name: value for name, value in added.items() if (name, value) not in left.items()}


def draft_id(name_key: bytes, draft: str) -> bytes:
    """The id that a house with this name key gives to such a draft."""
    said = {**signed("sevd1", "request", REQUEST, draft).fields, "id": bytes(16)}
    array = msgspec.msgpack.encode(["request", *said.values()])
    return hmac.digest(name_key, b"draft" + u32(len(array)) + array, "sha256")[:16]
