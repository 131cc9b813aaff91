"""Permits: tokens that open one persona at one place, for some rights, until some time. The one importer of Biscuit.

A permit is a Biscuit (https://www.biscuitsec.org): a block that the chip signs, and blocks that any holder may add,
each of which can only take something away. The signed block has opaque ids and no name. The text carries the public key
that it was signed with, so that a holder can weaken it offline; what a house believes is its own key.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from biscuit_auth import (
    Algorithm,
    AuthorizationError,
    Authorizer,
    AuthorizerBuilder,
    Biscuit,
    BiscuitBuilder,
    BiscuitSerializationError,
    BiscuitValidationError,
    BlockBuilder,
    DataLogError,
    KeyPair,
    PrivateKey,
    PublicKey,
    Rule,
)

from severance.errors import InputError
from severance.model import Right

PREFIX = "sev1"
MOST_TEXT = 8_192
"""Characters of a permit at most: some dozens of weakenings. What is longer is not looked at."""

MOST_WEAKENINGS = 32
ID_BYTES = 16

_MOST_FACTS, _MOST_STEPS, _MOST_TIME = 400, 50, timedelta(milliseconds=100)
_KEY_BYTES = 32
_REFUSALS = (BiscuitValidationError, BiscuitSerializationError, AuthorizationError, DataLogError, ValueError)
_CROSS = "cross"
_BEFORE = "check if time($now), $now < {until};"
_ONLY_RIGHTS = "check if operation($call), {calls}.contains($call);"
_ONLY_THREADS = "check if thread($thread), {threads}.contains($thread) or any_thread(true);"
_ONLY_TOOL = "check if tool({tool});"


@dataclass(frozen=True, slots=True)
class Grant:
    """What the chip signs.

    Attributes:
        permit: the id of the permit, 16 random bytes.
        seat: the keyed id of who wakes where, 16 bytes.
        rights: what it allows.
        until: when it ends, in microseconds since 1970.
    """

    permit: bytes
    seat: bytes
    rights: frozenset[Right]
    until: int


@dataclass(frozen=True, slots=True)
class Act:
    """One call that a permit should allow.

    Attributes:
        at: when, in microseconds since 1970.
        right: which right it needs; None for crossing, which every permit allows.
        thread: the one thread that it reads or writes; None where it is not one.
        tool: the tool that makes the call.
        any_thread: it is only asked whether there is a thread in which it would be allowed. So it is for crossing.
    """

    at: int
    right: Right | None = None
    thread: str | None = None
    tool: str | None = None
    any_thread: bool = False


class Permit:
    """A permit of this house, whose signatures are good. Whether it allows something is asked for each act."""

    def __init__(self, token: Biscuit, house: str) -> None:
        """Not for callers: use `Issuer.read`."""
        self._token = token
        self._house = house
        asked = _limited(AuthorizerBuilder()).build(token)
        self.id = bytes.fromhex(_only(asked, "permit"))
        self.seat = bytes.fromhex(_only(asked, "seat"))
        if len(self.id) != ID_BYTES or len(self.seat) != ID_BYTES or _only(asked, "house") != house:
            raise ValueError

    def allows(self, act: Act) -> bool:
        """Whether it allows this, with everything that was taken away since it was made."""
        call = _CROSS if act.right is None else act.right.value
        builder = AuthorizerBuilder("time({now}); operation({call});", {"now": act.at, "call": call})
        if act.thread is not None:
            builder.add_code("thread({thread});", {"thread": act.thread})
        if act.any_thread or act.right is None:
            builder.add_code("any_thread(true);")
        if act.tool is not None:
            builder.add_code("tool({tool});", {"tool": act.tool})
        wanted = "house({house})" if act.right is None else "house({house}), right({call})"
        said = {"house": self._house} if act.right is None else {"house": self._house, "call": call}
        builder.add_code(f"allow if {wanted};", said)
        try:
            _limited(builder).build(self._token).authorize()
        except _REFUSALS:
            return False
        return True

    def end(self, now: int, until: int, tool: str | None) -> int:
        """From when on it does not even allow crossing: `until`, or earlier where it was weakened, found by halving.

        Args:
            now, until: in microseconds since 1970; it is allowed now, and no longer at `until`.
            tool: as in `Act`.
        """
        if self.allows(Act(until - 1, tool=tool)):
            return until
        while until - now > 1:
            middle = (now + until) // 2
            now, until = (middle, until) if self.allows(Act(middle, tool=tool)) else (now, middle)
        return until


class Issuer:
    """Makes the permits of one house, and tells which texts are permits of it."""

    def __init__(self, store: bytes, seed: bytes) -> None:
        """Args: the store id, and the 32-byte seed of the signing key."""
        self._house = store.hex()
        self._keys = KeyPair.from_private_key(PrivateKey.from_bytes(seed, Algorithm.Ed25519))

    def __repr__(self) -> str:
        return f"Issuer({self._house})"

    def make(self, grant: Grant) -> str:
        """The permit that says this, as text."""
        said = {"house": self._house, "permit": grant.permit.hex(), "seat": grant.seat.hex(), "until": grant.until}
        builder = BiscuitBuilder("house({house}); permit({permit}); seat({seat}); " + _BEFORE, said)
        for right in sorted(grant.rights):
            builder.add_code("right({right});", {"right": right.value})
        return _written(builder.build(self._keys.private_key), self._keys.public_key)

    def read(self, text: str) -> Permit | None:
        """The permit that this text is; None when it is none, or another house's, or not what was signed."""
        try:
            return Permit(_parsed(text, self._keys.public_key)[0], self._house)
        except _REFUSALS:
            return None


def weaken(
    text: str,
    *,
    rights: Collection[Right] | None = None,
    until: int | None = None,
    threads: Collection[str] | None = None,
    tool: str | None = None,
) -> str:
    """The permit with less in it; needs no key and no house. What is None stays as it was.

    Args:
        text: the permit.
        rights: which of its rights are left.
        until: when it ends at the latest, in microseconds since 1970.
        threads: the only threads that its calls may name; a call that names none is refused.
        tool: the only tool that may use it.

    Raises:
        InputError: the text is no permit, nothing would be taken away, or it has been weakened too often.
    """
    taken: list[tuple[str, dict[str, object]]] = []
    if rights is not None:
        taken.append((_ONLY_RIGHTS, {"calls": {_CROSS, *(right.value for right in rights)}}))
    if until is not None:
        taken.append((_BEFORE, {"until": until}))
    if threads is not None:
        taken.append((_ONLY_THREADS, {"threads": set(threads)}))
    if tool is not None:
        taken.append((_ONLY_TOOL, {"tool": tool}))
    if not taken or threads == []:
        raise InputError("say what is to be taken from the permit: rights, time, threads or the tool")
    try:
        token, public = _parsed(text, None)
        block = BlockBuilder()
        for code, said in taken:
            block.add_code(code, said)
        found = _written(token.append(block), public)
    except _REFUSALS:
        raise _no_permit() from None
    if len(found) > MOST_TEXT or token.block_count() > MOST_WEAKENINGS:
        raise InputError("the permit has been weakened too often; make a new one")
    return found


def described(text: str) -> tuple[str, list[str]]:
    """The id of a permit, and what each of its blocks says, as source text to be read by people.

    Raises:
        InputError: the text is no permit.
    """
    try:
        token, _ = _parsed(text, None)
        name = _only(_limited(AuthorizerBuilder()).build(token), "permit")
    except _REFUSALS:
        raise _no_permit() from None
    return name, [token.block_source(number).strip() for number in range(token.block_count())]


def _no_permit() -> InputError:
    return InputError("this is no permit; `severance permit make` makes one")


def _parsed(text: str, public: PublicKey | None) -> tuple[Biscuit, PublicKey]:
    """The token in a text, signed by `public`, or where that is None by the key that the text names."""
    if len(text) > MOST_TEXT or not text.isascii():
        raise ValueError
    prefix, key, token = text.split(".")
    raw = _bytes(key)
    if prefix != PREFIX or len(raw) != _KEY_BYTES:
        raise ValueError
    named = PublicKey.from_bytes(raw, Algorithm.Ed25519)
    if public is not None and public.to_bytes() != named.to_bytes():
        raise ValueError
    raw = _bytes(token)
    parsed = Biscuit.from_bytes(raw, named)
    if bytes(parsed.to_bytes()) != raw or parsed.block_count() > MOST_WEAKENINGS + 1:
        raise ValueError
    return parsed, named


def _written(token: Biscuit, public: PublicKey) -> str:
    return ".".join((PREFIX, _text(bytes(public.to_bytes())), _text(bytes(token.to_bytes()))))


def _only(asked: Authorizer, name: str) -> str:
    """The one text that the signed block says by this name; what other blocks say does not count."""
    (fact,) = asked.query(Rule(f"found($it) <- {name}($it)"))
    (value,) = fact.terms
    if not isinstance(value, str):
        raise ValueError
    return value


def _limited(builder: AuthorizerBuilder) -> AuthorizerBuilder:
    limits = builder.limits()
    limits.max_facts, limits.max_iterations, limits.max_time = _MOST_FACTS, _MOST_STEPS, _MOST_TIME
    builder.set_limits(limits)
    return builder


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:  # one way to write each permit, so that a text can be recognised
        raise ValueError
    return raw
