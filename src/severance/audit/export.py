"""An audit log, or a part of it, as a file that anybody can verify, with neither the store nor a key.

JSON Lines (docs/design/format.md, section 10): a header with the signed checkpoint, then a line for each entry with
what it says, its sealed frame, what opens that frame and no other, and the proof that it is in the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec

from severance.audit import notes, proofs
from severance.audit.events import Happened, shown
from severance.errors import DamagedError, InputError, NewerVersionError

FORMAT = 1
MOST_LINE = 65_536
"""Bytes of a line at most."""

_KIND = "severance audit"
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: which log, the key that its checkpoints are verified with, and its last signed checkpoint."""

    kind: str = _KIND
    format: int = FORMAT
    verifier: str
    checkpoint: str


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry: what it says, the frame and its 64 bytes of disclosure, and the inclusion proof, from below."""

    number: _Number
    at: int
    what: str
    subject: str | None
    persona: str | None
    place: str | None
    id: str | None
    detail: dict[str, str | int | bool]
    frame: bytes
    opens: bytes
    proof: list[bytes]


@dataclass(frozen=True, slots=True)
class Shown:
    """What an export shows, when all of it holds.

    Attributes:
        checkpoint: of what it is a part.
        verifier: the key that has signed that.
        entries: how many entries are in it.
    """

    checkpoint: notes.Checkpoint
    verifier: str
    entries: int


def header(verifier: str, note: str) -> bytes:
    """The first line."""
    return msgspec.json.encode(Header(verifier=verifier, checkpoint=note)) + b"\n"


def line(number: int, event: Happened, frame: bytes, opens: bytes, proof: list[bytes]) -> bytes:
    """The line of one entry."""
    told = {name: getattr(event, name) for name in ("at", "what", "subject", "persona", "place", "id", "detail")}
    return msgspec.json.encode(Line(number=number, **told, frame=frame, opens=opens, proof=proof)) + b"\n"


def verified(lines: Iterable[bytes], verifier: str | None = None) -> Shown:
    """Hold an export against its checkpoint, and that against the key that signs it.

    Args:
        lines: of the file, none longer than `MOST_LINE`, each with its line end.
        verifier: the key, as it is known from elsewhere; without it, the one that the file itself names.

    Raises:
        InputError: it is no export, or the verifier key is none.
        NewerVersionError: a later version wrote it.
        DamagedError: it is another log's, was not signed, or a line does not say what is in the log, byte for byte.
    """
    rest = iter(lines)
    raw = next(rest, b"")
    first = _header(raw)
    known = first.verifier if verifier is None else verifier
    checkpoint = notes.read(first.checkpoint, known)
    if raw != header(known, first.checkpoint):
        raise DamagedError("the first line of the export was altered, or names another verifier key than its log has")
    store = _store(checkpoint.origin)
    before, count = -1, 0
    for raw, entry in _entries(rest):
        if entry.number <= before:
            raise DamagedError(f"entry {entry.number} is out of its place in the export; ask for the right one")
        _check(raw, entry, checkpoint, store)
        before, count = entry.number, count + 1
    return Shown(checkpoint, known, count)


def _check(raw: bytes, entry: Line, checkpoint: notes.Checkpoint, store: bytes) -> None:
    hashed = proofs.leaf_hash(entry.frame)
    if not proofs.includes(checkpoint.root, checkpoint.size, entry.number, hashed, entry.proof):
        raise DamagedError(f"entry {entry.number} of the export is not in the log that its checkpoint is of")
    event = shown(entry.opens, entry.frame, store, entry.number)
    # The bytes, not the values: 1 and true are equal in Python, and of a key that is there twice only one is read.
    if raw != line(entry.number, event, entry.frame, entry.opens, entry.proof):
        raise DamagedError(f"entry {entry.number} of the export does not say what is in the log")


def _header(raw: bytes) -> Header:
    try:
        found = msgspec.json.decode(raw, type=dict[str, object])
        if found.get("kind") != _KIND:
            raise InputError("this is no export of an audit log; `severance audit export FILE` makes one")
        if found.get("format") != FORMAT:
            raise NewerVersionError("the export was written by a later version of Severance; use that version")
        return msgspec.convert(found, Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InputError("this is no export of an audit log; `severance audit export FILE` makes one") from None


def _entries(lines: Iterator[bytes]) -> Iterator[tuple[bytes, Line]]:
    for number, raw in enumerate(lines, 2):
        if not raw.endswith(b"\n") or len(raw) > MOST_LINE:
            raise DamagedError(f"line {number} of the export was cut short, or is no entry; ask for the right one")
        try:
            entry = msgspec.json.decode(raw, type=Line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise DamagedError(f"line {number} of the export is no entry; ask for the right one") from None
        yield raw, entry


def _store(origin: str) -> bytes:
    """The id of the store whose log has this name."""
    try:
        store = bytes.fromhex(origin.removeprefix("severance/"))
    except ValueError:
        store = b""
    if notes.origin_of(store) != origin:
        raise DamagedError("the checkpoint is not that of a store's log; ask for the right export")
    return store
