"""What the frozen vectors are made with: fixed keys, random bytes from a counter; and which of them are optional."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

Vector = dict[str, Any]
pack = msgspec.msgpack.encode


def fixed(name: str, size: int) -> bytes:
    """Bytes that follow from a name."""
    return hashlib.shake_256(b"severance vectors " + name.encode()).digest(size)


class Counter:
    """Entropy from a counter, one stream for each scope."""

    def __init__(self) -> None:
        self._drawn: dict[bytes, int] = {}

    def draw(self, size: int, scope: bytes) -> bytes:
        self._drawn[scope] = count = self._drawn.get(scope, 0) + 1
        return fixed(f"draw {scope.hex()} {count}", size)


SPACE, KEY, BIND = fixed("space", 16), fixed("key", 32), fixed("bind", 32)
SALT, NONCE = fixed("salt", 32), fixed("nonce", 12)

OPTIONAL = {
    "logs": {
        "time beyond 64 bits",
        "metadata name twice",
        "metadata not finite",
        "scale not finite",
        "scale negative",
        "itself forgotten",
        "repeat of nothing",
        "vector of nothing",
        "supersedes nothing",
        "supersedes itself",
        "echo of nothing",
        "vector empty",
        "embedder without vectors",
        "same embedder with short vectors",
        "vectors discarded",
        "id of a forgotten one again",
        "version left",
        "forgets another's record",
        "forgotten but not named",
    },
    "chips": {
        "sealed without owner",
        "sealed under another owner",
        "short key",
        "short permit id",
        "unknown right",
        "right not in an array",
        "permit made before 1970",
        "permit without an end",
        "permit ended before 1970",
        "permit ended is a truth",
        "short proof",
        "program is a number",
        "credential revoked before 1970",
        "short token id",
        "short proof of a token",
        "token without a label",
        "token without an end",
        "token ended before 1970",
        "permit under another id",
        "permit under another owner",
        "clock before 1970",
        "clock beyond 64 bits",
        "clock with an owner",
        "clock with two times",
        "log of fewer entries than none",
        "log beyond 64 bits",
        "short root",
        "head with an owner",
        "short digest",
        "negative number",
        "empty name",
        "decomposed name",
        "short space id",
        "no subject",
        "shared space",
        "key of no persona",
        "anchor of no persona",
        "wakes nobody",
        "a rule wakes nobody",
        "no rule",
        "too many rules",
        "a name for rules",
        "unknown condition",
        "condition without a value",
        "value not in an array",
        "budget of nothing",
        "budget beyond a day",
        "exclusive is a number",
        "limits with an owner",
        "negative turn",
        "turn with two numbers",
        "days descend",
        "too many days",
        "negative time awake",
        "wakes nowhere",
        "nine override keys",
        "override key registered twice",
        "name of two override keys",
        "short override key",
        "pair out of order",
        "pair twice",
        "short box",
        "short wrap",
        "short override id",
        "short id of an answer",
        "override used before 1970",
        "override under another id",
        "override under another owner",
        "too many sinks",
        "too many rules of alarms",
        "fewer messages than none",
        "times beyond 64 bits",
        "names is a number",
        "alarms with an owner",
        "short id of a canary",
        "too many canaries",
        "short id of a notice",
        "notice before 1970",
    },
}
"""What only a holder of the key could have written wrongly, and a reader may leave unchecked (the end of section 8)."""


def marked(group: str, vectors: list[Vector]) -> list[Vector]:
    """With those that a reader may leave unchecked said to be optional."""
    assert OPTIONAL[group] <= {vector["name"] for vector in vectors if "refused" in vector}
    return [vector | ({"optional": True} if vector["name"] in OPTIONAL[group] else {}) for vector in vectors]


def plain(value: Any) -> Any:
    """With bytes in hex, as JSON needs them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value
