"""Permits: tokens that open one persona at one place, for some rights, until some time. The one importer of Biscuit.

A permit is a Biscuit (https://www.biscuitsec.org): a block that the chip signs, and blocks that any holder may add,
each of which can only take something away. The signed block has opaque ids and no name. The text carries the public key
that it was signed with, so that a holder can weaken it offline; what a house believes is its own key.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from biscuit_auth import (
    Algorithm,
    AuthorizationError,
    Biscuit,
    BiscuitBuilder,
    BiscuitSerializationError,
    BiscuitValidationError,
    BlockBuilder,
    DataLogError,
    KeyPair,
    PrivateKey,
    PublicKey,
)

from severance.chip.blocks import blocks
from severance.errors import InputError
from severance.model import Right

PREFIX = "sev1"
MOST_TEXT = 8_192
"""Characters of a permit at most: some dozens of weakenings. What is longer is not looked at."""

MOST_WEAKENINGS = 32
ID_BYTES = 16

_KEY_BYTES = 32
_REFUSALS = (BiscuitValidationError, BiscuitSerializationError, AuthorizationError, DataLogError, ValueError)
_CROSS = "cross"
_BEFORE = "check if time($now), $now < {until};"
_ONLY_RIGHTS = "check if operation($call), {calls}.contains($call);"
_ONLY_THREADS = "check if thread($thread), {threads}.contains($thread) or any_thread(true);"
_ONLY_TOOL = "check if tool({tool});"

# The same as Biscuit prints it.
_UNTIL = r"check if time\(\$now\), \$now < (?P<until>-?\d{1,19});\n"
_NAMES = r'\{"[^"]*"(?:, "[^"]*")*\}'
_HEX = "[0-9a-f]{32}"
_SIGNED = re.compile(
    rf'house\("(?P<house>{_HEX})"\);\npermit\("(?P<permit>{_HEX})"\);\nseat\("(?P<seat>{_HEX})"\);\n'
    rf'(?P<rights>(?:right\("[a-z]+"\);\n)*){_UNTIL}'
)
_ADDED = re.compile(
    rf"(?:check if operation\(\$call\), (?P<rights>{_NAMES})\.contains\(\$call\);\n)?(?:{_UNTIL})?"
    rf"(?:check if thread\(\$thread\), (?P<threads>{_NAMES})\.contains\(\$thread\) or any_thread\(true\);\n)?"
    r'(?:check if tool\("(?P<tool>[^"]*)"\);\n)?'
)
_RIGHT = re.compile(r'right\("([a-z]+)"\)')
_NAME = re.compile(r'"([^"]*)"')
_MARKS = re.compile(r'[%"\\\x00-\x1f\x7f-\x9f]')


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


@dataclass(frozen=True, slots=True)
class Less:
    """What one block takes away; None takes nothing."""

    rights: frozenset[str] | None = None
    until: int | None = None
    threads: frozenset[str] | None = None
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit of this house, whose signatures are good. Whether it allows something is asked for each act.

    Attributes:
        id, seat, rights: as in `Grant`.
        until: when it ends, with what was taken from it; in microseconds since 1970.
        taken: what was taken from it, the earliest first.
    """

    id: bytes
    seat: bytes
    rights: frozenset[Right]
    until: int
    taken: tuple[Less, ...]

    def allows(self, act: Act) -> bool:
        """Whether it allows this, with everything that was taken away since it was made."""
        granted = act.right is None or act.right in self.rights
        return granted and act.at < self.until and all(_leaves(less, act) for less in self.taken)


@dataclass(frozen=True, slots=True)
class Left:
    """What a permit says, with everything that was taken away.

    Attributes:
        id: as in `Grant`.
        rights: those that are left.
        until: when it ends, in microseconds since 1970.
        threads: the only threads that it reaches; None where it reaches all.
        tools: those of which it must be each that uses it: for one it opens, for several never.
        weakened: how often something was taken away.
    """

    id: bytes
    rights: frozenset[Right]
    until: int
    threads: frozenset[str] | None
    tools: frozenset[str]
    weakened: int

    def check(self) -> None:
        """Refuse it where nothing is left, whatever the time.

        Raises:
            InputError: it says what is missing.
        """
        if not self.rights:
            raise InputError("the permit has none of these rights; nothing would be left")
        if self.threads is not None and not self.threads:
            raise InputError("the permit reaches none of these threads; nothing would be left")
        if len(self.tools) > 1:
            raise InputError("the permit is for another tool; nothing would be left")


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
        return _written(_signed(self._house, grant).build(self._keys.private_key), self._keys.public_key)

    def read(self, text: str) -> Permit | None:
        """The permit that this text is; None when it is none, or another house's, or not what was signed."""
        try:
            said = _said(_parsed(text, self._keys.public_key)[0])
        except _REFUSALS:
            return None
        if said.house != self._house:
            return None
        return Permit(said.grant.permit, said.grant.seat, said.grant.rights, _left(said).until, said.taken)


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
        InputError: the text is no permit, nothing would be taken away or nothing be left, or it has been weakened too
            often.
    """
    if threads == [] or (rights is None and until is None and threads is None and tool is None):
        raise InputError("say what is to be taken from the permit: rights, time, threads or the tool")
    less = Less(
        None if rights is None else frozenset({_CROSS, *(right.value for right in rights)}),
        until,
        None if threads is None else frozenset(threads),
        tool,
    )
    try:
        token, public = _parsed(text, None)
        said = _said(token)
        found = _written(token.append(_block(less)), public)
    except _REFUSALS:
        raise _no_permit() from None
    _left(said._replace(taken=(*said.taken, less))).check()
    if len(found) > MOST_TEXT or token.block_count() > MOST_WEAKENINGS:
        raise InputError("the permit has been weakened too often; make a new one")
    return found


def described(text: str) -> Left:
    """What a permit says.

    Raises:
        InputError: the text is no permit.
    """
    try:
        return _left(_said(_parsed(text, None)[0]))
    except _REFUSALS:
        raise _no_permit() from None


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


def _leaves(less: Less, act: Act) -> bool:
    """Whether a block leaves this act allowed. Crossing names no thread."""
    called = _CROSS if act.right is None else act.right.value
    threads = less.threads is None or act.right is None or act.any_thread or act.thread in less.threads
    return threads and (less.rights is None or called in less.rights) and less.tool in (None, act.tool)


class _Said(NamedTuple):
    """What the blocks of a token say."""

    house: str
    grant: Grant
    taken: tuple[Less, ...]


def _left(said: _Said) -> Left:
    rights, until, threads = said.grant.rights, said.grant.until, None
    for less in said.taken:
        rights = rights if less.rights is None else frozenset(right for right in rights if right.value in less.rights)
        until = until if less.until is None else min(until, less.until)
        if less.threads is not None:
            threads = less.threads if threads is None else threads & less.threads
    tools = frozenset(less.tool for less in said.taken if less.tool is not None)
    return Left(said.grant.permit, rights, until, threads, tools, len(said.taken))


def _said(token: Biscuit) -> _Said:
    """What a token says, if every block has one of the forms that are written here.

    Nothing is evaluated: a holder may append any program in Biscuit's language, and one of a thousand characters can
    run for minutes. What the source of a block seems to say is written once more, and must give the same bytes.

    Raises:
        ValueError, and others of `_REFUSALS`: some block has no such form.
    """
    sources = [token.block_source(number) for number in range(token.block_count())]
    match = _SIGNED.fullmatch(sources[0])
    if match is None:
        raise ValueError
    rights = frozenset(map(Right, _RIGHT.findall(match["rights"])))
    grant = Grant(bytes.fromhex(match["permit"]), bytes.fromhex(match["seat"]), rights, int(match["until"]))
    taken = tuple(map(_less, sources[1:]))
    again = _signed(match["house"], grant).build(KeyPair().private_key)
    for less in taken:
        again = again.append(_block(less))
    if blocks(bytes(again.to_bytes())) != blocks(bytes(token.to_bytes())):
        raise ValueError
    return _Said(match["house"], grant, taken)


def _signed(house: str, grant: Grant) -> BiscuitBuilder:
    """The block that a house signs."""
    said = {"house": house, "permit": grant.permit.hex(), "seat": grant.seat.hex(), "until": grant.until}
    builder = BiscuitBuilder("house({house}); permit({permit}); seat({seat}); " + _BEFORE, said)
    for right in sorted(grant.rights):
        builder.add_code("right({right});", {"right": right.value})
    return builder


def _block(less: Less) -> BlockBuilder:
    """The block that a holder adds to take this away."""
    block = BlockBuilder()
    if less.rights is not None:
        block.add_code(_ONLY_RIGHTS, {"calls": set(less.rights)})
    if less.until is not None:
        block.add_code(_BEFORE, {"until": less.until})
    if less.threads is not None:
        block.add_code(_ONLY_THREADS, {"threads": set(map(_quoted, less.threads))})
    if less.tool is not None:
        block.add_code(_ONLY_TOOL, {"tool": _quoted(less.tool)})
    return block


def _less(source: str) -> Less:
    match = _ADDED.fullmatch(source)
    if match is None:
        raise ValueError
    rights, until, threads, tool = match.group("rights", "until", "threads", "tool")
    return Less(
        None if rights is None else frozenset(_NAME.findall(rights)),
        None if until is None else int(until),
        None if threads is None else frozenset(map(unquote, _NAME.findall(threads))),
        None if tool is None else unquote(tool),
    )


def _quoted(name: str) -> str:
    """A name without what ends a text in Biscuit's language, or is not shown."""
    return _MARKS.sub(lambda mark: "".join(f"%{byte:02X}" for byte in mark[0].encode()), name)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _bytes(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(raw) != text:  # one way to write each permit, so that a text can be recognised
        raise ValueError
    return raw
