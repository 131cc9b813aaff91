"""What the chip's rows say, and how their ids follow from names (docs/design/format.md, section 7)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import msgspec

from severance.chip.thresholds.awake import MOST_DAYS
from severance.chip.thresholds.rules import DAY_SECONDS, MOST_RULES, MOST_VALUES, Kind
from severance.crypto.boxes import BOX_BYTES
from severance.crypto.envelope import KEY_BYTES, NO_OWNER, SPACE_BYTES, TAG_BYTES
from severance.crypto.primitives import hkdf_sha512, hmac_sha256, sha256
from severance.model import ID_BYTES, Head, Persona, Place, Right

ROW_ID_BYTES = 16
MOST_SINKS = 20
MOST_CANARIES = 1_000
STATE_ID = bytes(ROW_ID_BYTES)
_MODULUS = 2**256
MOST_APPROVERS = 8
PUBLIC_KEYS_BYTES = 64
"""An Ed25519 key and an X25519 key."""

_DIGEST_BYTES = 32
_BOX = KEY_BYTES + BOX_BYTES
_LENGTH = struct.Struct(">I")
_MOST, _MOST_EPOCHS = 2**63, 2**32


class StateRow(msgspec.Struct, array_like=True, tag="state", frozen=True, forbid_unknown_fields=True):
    """How many rows there are, and the sum over them that guards the set."""

    count: int
    sum: bytes


class SubjectRow(msgspec.Struct, array_like=True, tag="subject", frozen=True, forbid_unknown_fields=True):
    """A subject."""

    name: str


class PersonaRow(msgspec.Struct, array_like=True, tag="persona", frozen=True, forbid_unknown_fields=True):
    """A persona, and the space that is its own."""

    subject: str
    name: str
    space: bytes
    epoch: int


class PlaceRow(msgspec.Struct, array_like=True, tag="place", frozen=True, forbid_unknown_fields=True):
    """A place."""

    name: str


class RuleForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One rule of a threshold: who wakes, and for each kind of condition its values."""

    persona: str
    conditions: dict[Kind, tuple[str, ...]] = {}


class WakeRow(msgspec.Struct, array_like=True, tag="wake", frozen=True, forbid_unknown_fields=True):
    """Which persona of a subject wakes at a place: that of the first rule whose conditions all hold."""

    place: str
    subject: str
    rules: tuple[RuleForm, ...]


class LimitsRow(msgspec.Struct, array_like=True, tag="limits", frozen=True, forbid_unknown_fields=True):
    """What holds for a subject wherever it is; budgets are seconds of a day for some personas."""

    subject: str
    exclusive: bool
    zone: str
    budgets: dict[str, int]


class TurnRow(msgspec.Struct, array_like=True, tag="turn", frozen=True, forbid_unknown_fields=True):
    """How often an exclusive subject has crossed: only the session of the last time may go on."""

    subject: str
    number: int


class AwakeRow(msgspec.Struct, array_like=True, tag="awake", frozen=True, forbid_unknown_fields=True):
    """How long a persona was awake: days since 1970, ascending, each with microseconds."""

    days: tuple[tuple[int, int], ...]


class KeyRow(msgspec.Struct, array_like=True, tag="key", frozen=True, forbid_unknown_fields=True):
    """The key of a space. A row of its own, so that erasing it erases the space everywhere."""

    secret: bytes


class AnchorRow(msgspec.Struct, array_like=True, tag="anchor", frozen=True, forbid_unknown_fields=True):
    """How far a space's log went when the chip last heard of it."""

    epoch: int
    seq: int
    digest: bytes


class PermitRow(msgspec.Struct, array_like=True, tag="permit", frozen=True, forbid_unknown_fields=True):
    """A permit that was made. Times are microseconds since 1970; `ended` is when it was revoked or seen to be over."""

    id: bytes
    subject: str
    persona: str
    place: str
    rights: tuple[Right, ...]
    made: int
    until: int
    ended: int | None = None


class CredentialRow(msgspec.Struct, array_like=True, tag="credential", frozen=True, forbid_unknown_fields=True):
    """The place credential of a program; `proof` follows from its secret, which the chip does not have."""

    id: bytes
    proof: bytes
    subject: str
    place: str
    program: str
    rights: tuple[Right, ...]
    made: int
    revoked: int | None = None


class TokenRow(msgspec.Struct, array_like=True, tag="token", frozen=True, forbid_unknown_fields=True):
    """An owner token; `proof` follows from its secret, which the chip does not have. Times as in `PermitRow`."""

    id: bytes
    proof: bytes
    label: str
    made: int
    until: int
    ended: int | None = None


class ClockRow(msgspec.Struct, array_like=True, tag="clock", frozen=True, forbid_unknown_fields=True):
    """The latest time that the chip has seen."""

    at: int


class HeadRow(msgspec.Struct, array_like=True, tag="head", frozen=True, forbid_unknown_fields=True):
    """How far the audit log went when the chip last heard of it: so many entries, under this root."""

    size: int
    root: bytes


class ApproverForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One registered override key: whose it is, its two public keys, and when it was registered."""

    name: str
    public: bytes
    made: int


class ApproversRow(msgspec.Struct, array_like=True, tag="approvers", frozen=True, forbid_unknown_fields=True):
    """The override keys that are registered, in the order in which they were."""

    keys: tuple[ApproverForm, ...]


class PairForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The key of a space for two override keys: wrapped, and a share of what opens it in a box for each of the two."""

    first: bytes
    second: bytes
    wrapped: bytes
    box_of_first: bytes
    box_of_second: bytes


class EscrowRow(msgspec.Struct, array_like=True, tag="escrow", frozen=True, forbid_unknown_fields=True):
    """The key of a space for every two override keys. A row of its own, erased with the key."""

    pairs: tuple[PairForm, ...]


class AnswerForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """What an approver answered; `raw` is the signed answer, and empty once the override is over."""

    key: bytes
    name: str
    approves: bool
    raw: bytes


class OverrideRow(msgspec.Struct, array_like=True, tag="override", frozen=True, forbid_unknown_fields=True):
    """An override from its request on. Times are microseconds since 1970; `why` is the word for how it ended."""

    id: bytes
    raw: bytes
    answers: tuple[AnswerForm, ...] = ()
    used: int | None = None
    until: int | None = None
    ended: int | None = None
    why: str = ""


class NoticeForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """That an override woke a persona. `told` while there is nothing new in it; `again` where it had heard before."""

    id: bytes
    requester: str
    reason: str
    at: int
    until: int
    ended: int | None = None
    told: bool = False
    again: bool = False


class NoticesRow(msgspec.Struct, array_like=True, tag="notices", frozen=True, forbid_unknown_fields=True):
    """What the persona of a space is to be told at its next waking."""

    notices: tuple[NoticeForm, ...]


class SinkForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A sink of alarms: its name, its kind, what that needs, and how many messages it gets in a minute at most."""

    name: str
    kind: str
    values: tuple[str, ...]
    most: int


class AlarmForm(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One rule of alarms: of what kinds, to which sinks, whether with names; from so many within so many seconds, from
    so many memories; and for how many seconds the same is gathered into one message.
    """

    on: tuple[str, ...]
    to: tuple[str, ...]
    names: bool
    times: int
    within: int
    above: int
    group: int


class AlarmsRow(msgspec.Struct, array_like=True, tag="alarms", frozen=True, forbid_unknown_fields=True):
    """Which alarms ring where."""

    sinks: tuple[SinkForm, ...]
    rules: tuple[AlarmForm, ...]


class CanaryRow(msgspec.Struct, array_like=True, tag="canary", frozen=True, forbid_unknown_fields=True):
    """The ids of the memories of a space that ring when they are read."""

    ids: tuple[bytes, ...]


Row = (
    StateRow
    | SubjectRow
    | PersonaRow
    | PlaceRow
    | WakeRow
    | LimitsRow
    | TurnRow
    | KeyRow
    | AnchorRow
    | AwakeRow
    | PermitRow
    | CredentialRow
    | TokenRow
    | ClockRow
    | HeadRow
    | ApproversRow
    | EscrowRow
    | OverrideRow
    | NoticesRow
    | AlarmsRow
    | CanaryRow
)

_SPACE = ("space",)
IDS: dict[type[Row], tuple[str, tuple[str, ...], tuple[str, ...] | None]] = {
    SubjectRow: ("subject", ("name",), ("subjects",)),
    PersonaRow: ("persona", ("subject", "name"), ("subject", "subject")),
    PlaceRow: ("place", ("name",), ("places",)),
    WakeRow: ("wake", ("place", "subject"), ("place", "place")),
    LimitsRow: ("limits", ("subject",), None),
    TurnRow: ("turn", ("subject",), None),
    KeyRow: ("key", _SPACE, None),
    AnchorRow: ("anchor", _SPACE, None),
    AwakeRow: ("awake", _SPACE, None),
    PermitRow: ("permit", ("id",), ("permits",)),
    CredentialRow: ("credential", ("id",), ("credentials",)),
    TokenRow: ("token", ("id",), ("tokens",)),
    ClockRow: ("clock", (), None),
    HeadRow: ("head", (), None),
    ApproversRow: ("approvers", (), None),
    EscrowRow: ("escrow", _SPACE, None),
    OverrideRow: ("override", ("id",), ("overrides",)),
    NoticesRow: ("notices", _SPACE, None),
    AlarmsRow: ("alarms", (), None),
    CanaryRow: ("canary", _SPACE, None),
}
"""The word and the fields that an id is made of, and those of the owner's. Rows of a space do not name it."""

ENCODER = msgspec.msgpack.Encoder()
DECODER: msgspec.msgpack.Decoder[Row] = msgspec.msgpack.Decoder(Row)


class Known(NamedTuple):
    """A persona, the id of its space, and how far that space's log went when the chip last heard of it."""

    persona: Persona
    space: bytes
    anchor: Head


class Roll(NamedTuple):
    """Everybody, by subject and name, and every place, by name, as of one instant; and what there is of limits, by
    subject, and of time awake, by space.
    """

    personas: list[Known]
    places: list[Place]
    limits: dict[str, LimitsRow]
    awake: dict[bytes, AwakeRow]


def within_limits(row: Row) -> bool:
    """Whether ids, keys and digests in a row have their sizes, and numbers are those that the format allows."""
    match row:
        case StateRow(count, total):
            return 0 <= count < _MOST and len(total) == _DIGEST_BYTES
        case PersonaRow(_, _, space, epoch):
            return len(space) == SPACE_BYTES and 0 <= epoch < _MOST_EPOCHS
        case KeyRow(secret):
            return len(secret) == KEY_BYTES
        case AnchorRow(epoch, seq, digest):
            return 0 <= epoch < _MOST_EPOCHS and 0 <= seq < _MOST and len(digest) == _DIGEST_BYTES
        case WakeRow() | LimitsRow() | TurnRow() | AwakeRow():
            return _is_of_threshold(row)
        case PermitRow() | CredentialRow() | TokenRow() | ClockRow() | HeadRow():
            return _is_of_door(row)
        case AlarmsRow() | CanaryRow():
            return _is_of_alarms(row)
        case ApproversRow() | EscrowRow() | OverrideRow() | NoticesRow():
            return _is_of_override(row)
    return True


def _is_of_door(row: PermitRow | CredentialRow | TokenRow | ClockRow | HeadRow) -> bool:
    match row:
        case PermitRow(name, made=made, until=until, ended=ended):
            return len(name) == ROW_ID_BYTES and _are_times(made, until, ended)
        case CredentialRow(name, proof, made=made, revoked=revoked):
            return len(name) == ROW_ID_BYTES and len(proof) == _DIGEST_BYTES and _are_times(made, revoked)
        case TokenRow(name, proof, made=made, until=until, ended=ended):
            sized = len(name) == ROW_ID_BYTES and len(proof) == _DIGEST_BYTES
            return sized and _are_times(made, until, ended)
        case ClockRow(at):
            return _are_times(at)
        case HeadRow(size, root):
            return 0 <= size < _MOST and len(root) == _DIGEST_BYTES


def _is_of_override(row: ApproversRow | EscrowRow | OverrideRow | NoticesRow) -> bool:
    match row:
        case ApproversRow(keys):
            publics = {key.public for key in keys}
            sized = all(len(key.public) == PUBLIC_KEYS_BYTES and _are_times(key.made) for key in keys)
            return (
                len(keys) <= MOST_APPROVERS and sized and len(publics) == len({key.name for key in keys}) == len(keys)
            )
        case EscrowRow(pairs):
            return all(map(_is_pair, pairs)) and len({(pair.first, pair.second) for pair in pairs}) == len(pairs)
        case OverrideRow(name, used=used, until=until, ended=ended, answers=answers):
            keyed = all(len(answer.key) == ROW_ID_BYTES for answer in answers)
            return len(name) == ROW_ID_BYTES and keyed and _are_times(used, until, ended)
        case NoticesRow(notices):
            return all(len(each.id) == ROW_ID_BYTES and _are_times(each.at, each.until, each.ended) for each in notices)


def _is_pair(pair: PairForm) -> bool:
    boxes = (pair.wrapped, KEY_BYTES + TAG_BYTES), (pair.box_of_first, _BOX), (pair.box_of_second, _BOX)
    named = len(pair.first) == len(pair.second) == ROW_ID_BYTES and pair.first < pair.second
    return named and all(len(found) == size for found, size in boxes)


def _is_of_threshold(row: WakeRow | LimitsRow | TurnRow | AwakeRow) -> bool:
    match row:
        case WakeRow(_, _, rules):
            return 0 < len(rules) <= MOST_RULES and all(map(_is_rule, rules))
        case LimitsRow(_, _, _, budgets):
            return all(0 < seconds <= DAY_SECONDS for seconds in budgets.values())
        case TurnRow(_, number):
            return 0 <= number < _MOST
        case AwakeRow(days):
            ascending = all(before[0] < after[0] for before, after in pairwise(days))
            return len(days) <= MOST_DAYS and ascending and all(0 <= n < _MOST for each in days for n in each)


def _is_of_alarms(row: AlarmsRow | CanaryRow) -> bool:
    match row:
        case AlarmsRow(sinks, rules):
            amounts = [amount for rule in rules for amount in (rule.times, rule.within, rule.above, rule.group)]
            few = len(sinks) <= MOST_SINKS and len(rules) <= MOST_RULES
            return few and all(0 <= n < _MOST for n in (*amounts, *(sink.most for sink in sinks)))
        case CanaryRow(ids):
            return len(ids) <= MOST_CANARIES and all(len(each) == ID_BYTES for each in ids)


def _is_rule(rule: RuleForm) -> bool:
    return all(0 < len(values) <= MOST_VALUES for values in rule.conditions.values())


def _are_times(*found: int | None) -> bool:
    return all(at is None or 0 <= at < _MOST for at in found)


@dataclass(frozen=True, slots=True)
class Keys:
    """What derives from the root key for one store. Its repr shows nothing."""

    seal: bytes
    name: bytes
    permit: bytes
    event: bytes
    checkpoint: bytes

    def __repr__(self) -> str:
        return "Keys()"

    @classmethod
    def derive(cls, root_key: bytes, store: bytes) -> Keys:
        """The chip key, the name key, the seed that permits are signed from, and the two of the audit log."""
        okm = hkdf_sha512(root_key, salt=store, info=b"severance/chip/v1", length=5 * KEY_BYTES)
        return cls(*(okm[start : start + KEY_BYTES] for start in range(0, len(okm), KEY_BYTES)))

    def row_id(self, kind: str, *parts: str | bytes) -> bytes:
        """The id of the row of this type with these parts: 16 bytes that tell nothing without the name key."""
        return self.proof(kind, *parts)[:ROW_ID_BYTES]

    def proof(self, kind: str, *parts: str | bytes) -> bytes:
        """32 bytes that follow from the parts, and only for whoever has the name key."""
        framed = kind.encode("ascii")
        for part in parts:
            raw = part.encode("utf-8") if isinstance(part, str) else part
            framed += _LENGTH.pack(len(raw)) + raw
        return hmac_sha256(self.name, framed)

    def share(self, row: bytes, owner: bytes | None, frame: bytes) -> int:
        """What one row contributes to the guarding sum (additive multiset hash, Clarke et al., ASIACRYPT 2003)."""
        return int.from_bytes(hmac_sha256(self.name, b"row" + row + (owner or NO_OWNER) + sha256(frame)), "big")

    def identify(self, row: Row, space: bytes = b"") -> tuple[bytes, bytes | None]:
        """The id and the owner that a row must have. `space` is needed for rows that do not name theirs."""
        if isinstance(row, StateRow):
            return STATE_ID, None
        kind, fields, owner = IDS[type(row)]
        found = self.row_id(kind, *(getattr(row, field) for field in fields) if fields is not _SPACE else (space,))
        return found, None if owner is None else self.row_id(owner[0], *(getattr(row, field) for field in owner[1:]))


def summed(shares: Iterator[int]) -> bytes:
    """The guarding sum as 32 bytes."""
    return (sum(shares) % _MODULUS).to_bytes(32, "big")


def moved(total: bytes, minus: int, plus: int) -> bytes:
    """The guarding sum after one share went and another came."""
    return ((int.from_bytes(total, "big") - minus + plus) % _MODULUS).to_bytes(32, "big")
