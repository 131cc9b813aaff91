"""A second decoder of the format, written from docs/design/format.md alone.

It shares no code with `severance` and must never import it. It reads a whole store and refuses whatever the page does
not describe. It is written to be read beside that page, not to be fast.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import sqlite3
import struct
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Values = dict[str, Any]
Event = Values
Check = Callable[[object], bool]
Fields = dict[str, Check]

RECORD, CHUNK, ROW = 1, 2, 3
HEADER, TAG, MIB = 84, 16, 1 << 20


class Refused(Exception):  # noqa: N818
    """What was read is not what the page describes. `reason` is a short fixed string."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason: Final = reason


def require(holds: bool, reason: str) -> None:
    if not holds:
        raise Refused(reason)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hkdf(ikm: bytes, salt: bytes, info: bytes, length: int = 64) -> bytes:
    """HKDF-SHA-512 (RFC 5869)."""
    prk, block, okm = hmac.digest(salt, ikm, "sha512"), b"", b""
    for number in range(1, -(-length // 64) + 1):
        block = hmac.digest(prk, block + info + bytes([number]), "sha512")
        okm += block
    return okm[:length]


def u32(value: int) -> bytes:
    return value.to_bytes(4)


# --- Section 2: frames ------------------------------------------------------------------------------------------------


def bucket(size: int) -> int:
    """The smallest bucket that holds `size` bytes."""
    if size > 65_536:
        return -(-size // 65_536) * 65_536
    powers = [1 << n for n in range(8, 17)]
    return min(b for power in powers for b in (power, power * 3 // 2) if b >= size)


def segment(key: bytes, frame: bytes, space: bytes, epoch: int) -> tuple[bytes, bool]:
    """The AES-256-GCM key of a frame's segment, and whether the frame commits to it."""
    salt, commitment = frame[8:40], frame[40:72]
    okm = hkdf(key, salt, b"severance/segment/v1" + b"\x01" + space + u32(epoch))
    return okm[:32], hmac.compare_digest(okm[32:], commitment)


def open_frame(key: bytes, frame: bytes, *, kind: int, space: bytes, epoch: int, seq: int, bind: bytes) -> bytes:
    """The content of a frame that stands where (`kind`, `space`, `epoch`, `seq`, `bind`) says."""
    size = len(frame) - HEADER - TAG
    require(size >= 256, "short")
    require(frame[0] == 1, "version")
    require(frame[1] == 1, "suite")
    require(frame[2] == kind, "kind")
    require(frame[3] == 0, "reserved")
    require(frame[4:8] == u32(epoch), "epoch")
    aes_key, commits = segment(key, frame, space, epoch)
    require(commits, "commitment")
    salt, nonce = frame[8:40], frame[72:84]
    aad = b"SVRN" + bytes([1, 1, kind, 0]) + space + u32(epoch) + salt + seq.to_bytes(8) + bind
    try:
        plain = AESGCM(aes_key).decrypt(nonce, frame[HEADER:], aad)
    except InvalidTag:
        raise Refused("tag") from None
    end = 4 + int.from_bytes(plain[:4])
    require(end <= size, "length")
    require(bucket(end) == size <= 8 * MIB, "size")
    require(not any(plain[end:]), "padding")
    return plain[4:end]


# --- Section 4: records -----------------------------------------------------------------------------------------------


def unpack(content: bytes, reason: str) -> tuple[str, list[Any]]:
    """The msgpack array that `content` is, to its last byte: the string in front, and the rest."""
    try:
        elements = msgspec.msgpack.decode(content, type=list[msgspec.Raw])
        values = [msgspec.msgpack.decode(raw) for raw in elements]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError):
        raise Refused(reason) from None
    require(len(values) > 0 and is_str(values[0]), reason)
    for raw, value in zip(elements, values, strict=True):
        require(type(value) is not dict or len(value) == map_size(bytes(raw)), reason)
    return values[0], values[1:]


def map_size(raw: bytes) -> int:
    """How many pairs a msgpack map is said to have: fewer are left of them if a key is there twice."""
    width = {0xDE: 2, 0xDF: 4}.get(raw[0], 0)
    return int.from_bytes(raw[1 : 1 + width]) if width else raw[0] & 0x0F


def named(values: list[Any], fields: Fields, reason: str) -> dict[str, Any]:
    """The values under the names of their fields."""
    require(len(values) == len(fields), "later version")
    require(all(check(value) for check, value in zip(fields.values(), values, strict=True)), reason)
    return dict(zip(fields, values, strict=True))


def of(kind: type, holds: Callable[[Any], bool] = lambda _: True) -> Check:
    return lambda value: type(value) is kind and holds(value)


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def array_of(check: Check) -> Check:
    return of(list, lambda values: all(check(value) for value in values))


def binary(size: int) -> Check:
    return of(bytes, lambda value: len(value) == size)


is_str, is_bool, is_bin = of(str), of(bool), of(bytes)
is_int, is_float = of(int, lambda value: -(1 << 63) <= value < 1 << 63), of(float, math.isfinite)
is_count, is_size = (of(int, lambda value, least=least: least <= value < 1 << 63) for least in (0, 1))
is_epoch = of(int, lambda value: 0 < value < 1 << 32)
is_scale = of(float, lambda value: 0 <= value < math.inf)
is_name = of(str, lambda value: value != "" and unicodedata.is_normalized("NFC", value))
is_id, is_16, is_32 = binary(15), binary(16), binary(32)
is_rights = array_of(lambda value: value in ("recall", "remember", "amend", "forget", "send", "refine"))
is_plain = optional(lambda value: any(check(value) for check in (is_bool, is_int, is_float, is_str)))
is_metadata = of(dict, lambda value: all(is_str(k) and is_plain(v) for k, v in value.items()))

MEMORY: Final[Fields] = {
    "id": is_id,
    "text": is_str,
    "at": is_int,
    "recorded": is_int,
    "thread": optional(is_str),
    "source": optional(is_str),
    "kind": is_str,
    "metadata": is_metadata,
    "pinned": is_bool,
    "echo_of": optional(is_id),
    "supersedes": optional(is_id),
    "vector": is_bin,
    "scale": is_scale,
}
EVENTS: Final[dict[str, tuple[str, Fields]]] = {
    "m": ("remembered", MEMORY),
    "r": ("repeated", {"id": is_id, "at": is_int, "recorded": is_int}),
    "f": ("forgotten", {"ids": array_of(is_id), "seqs": array_of(is_count), "recorded": is_int}),
    "e": ("embedder", {"identity": is_str, "dimensions": is_size}),
    "v": ("revectored", {"identity": is_str, "id": is_id, "vector": is_bin, "scale": is_scale}),
}


def read_event(seq: int, content: bytes) -> Event:
    tag, values = unpack(content, "record")
    require(tag in EVENTS, "later version")
    name, fields = EVENTS[tag]
    return {"seq": seq, "event": name, **named(values, fields, "record")}


# --- Sections 6 and 7: the files --------------------------------------------------------------------------------------


def rows(db: sqlite3.Connection, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    return db.execute(sql, parameters).fetchall()


VAULT_SCHEMA: Final = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE spaces (id BLOB PRIMARY KEY, seq INTEGER NOT NULL, digest BLOB NOT NULL, erased INTEGER NOT NULL) "
    "WITHOUT ROWID",
    "CREATE TABLE records (space BLOB, seq INTEGER, frame BLOB, digest BLOB NOT NULL, "
    "hash BLOB NOT NULL, PRIMARY KEY (space, seq)) WITHOUT ROWID",
    "CREATE TABLE layers (space BLOB, last INTEGER, first INTEGER NOT NULL, before BLOB NOT NULL, "
    "digest BLOB NOT NULL, chunks INTEGER NOT NULL, PRIMARY KEY (space, last)) WITHOUT ROWID",
    "CREATE TABLE chunks (space BLOB, last INTEGER, n INTEGER, frame BLOB NOT NULL, "
    "PRIMARY KEY (space, last, n)) WITHOUT ROWID",
}
CHIP_SCHEMA: Final = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE rows (id BLOB PRIMARY KEY, owner BLOB, frame BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX rows_owner ON rows (owner)",
}


def layout(db: sqlite3.Connection) -> set[str]:
    """Every table, index, view and trigger of a file, with single blanks; empty of those that SQLite made by itself."""
    found = [sql or "" for (sql,) in rows(db, "SELECT sql FROM sqlite_master")]
    require(all(is_str(sql) for sql in found), "tables")
    return {" ".join(sql.split()) for sql in found}


@contextmanager
def open_file(path: Path, application: int) -> Iterator[sqlite3.Connection]:
    """One consistent view of a file, which is not written to."""
    in_use = any(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-journal"))
    uri = path.resolve().as_uri() + ("?mode=ro" if in_use else "?mode=ro&immutable=1")
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as db:
            rows(db, "BEGIN")
            require(rows(db, "PRAGMA application_id") == [(application,)], "application")
            ((version,),) = rows(db, "PRAGMA user_version")
            require(version == 1, "later version" if version > 1 else "version")
            yield db
    except (sqlite3.Error, UnicodeDecodeError):  # the latter: text, or an error message, that is not UTF-8
        raise Refused("sqlite") from None


def meta(db: sqlite3.Connection, name: str) -> Any:
    found = rows(db, "SELECT value FROM meta WHERE name = ?", name)
    require(len(found) == 1, "meta")
    return found[0][0]


@contextmanager
def open_vault(path: Path) -> Iterator[sqlite3.Connection]:
    with open_file(path, 0x53565256) as db:
        require(layout(db) == VAULT_SCHEMA, "tables")
        require(is_16(meta(db, "store")), "store")
        yield db


@contextmanager
def open_chip(path: Path) -> Iterator[sqlite3.Connection]:
    with open_file(path, 0x53565243) as db:
        require(layout(db) == CHIP_SCHEMA, "tables")
        require(is_16(meta(db, "store")), "store")
        require(is_bin(meta(db, "key")), "meta")
        yield db


# --- Section 7: the chip ----------------------------------------------------------------------------------------------

NULL = STATE = bytes(16)

KINDS: Final = ("hours", "host", "directory", "repository", "application", "network", "command")


def is_conditions(value: object) -> bool:
    if type(value) is not dict:
        return False
    texts = all(type(texts) is list and 0 < len(texts) <= 50 and all(map(is_str, texts)) for texts in value.values())
    return texts and all(kind in KINDS for kind in value)


def is_rule(value: object) -> bool:
    return type(value) is list and len(value) == 2 and is_name(value[0]) and is_conditions(value[1])


is_rules = of(list, lambda rules: 0 < len(rules) <= 100 and all(map(is_rule, rules)))
is_budgets = of(dict, lambda found: all(is_name(k) and is_int(v) and 0 < v <= 86_400 for k, v in found.items()))
is_day = of(list, lambda day: len(day) == 2 and all(map(is_count, day)))
is_days = of(
    list,
    lambda days: len(days) <= 7 and all(map(is_day, days)) and all(a[0] < b[0] for a, b in pairwise(days)),
)

is_64 = of(bytes, lambda raw: len(raw) == 64)
is_80 = of(bytes, lambda raw: len(raw) == 80)
is_48 = of(bytes, lambda raw: len(raw) == 48)


def each_is(*checks: Check) -> Check:
    """Whether a list is as long as there are checks, each of which holds for its entry."""
    return of(
        list, lambda row: len(row) == len(checks) and all(check(it) for check, it in zip(checks, row, strict=True))
    )


def all_are(check: Check) -> Check:
    return of(list, lambda found: all(map(check, found)))


def once(found: list[Any], *columns: int) -> bool:
    """Whether no two entries are alike in one of these columns."""
    return all(len({row[column] for row in found}) == len(found) for column in columns)


is_approvers = of(
    list, lambda keys: len(keys) <= 8 and all_are(each_is(is_name, is_64, is_count))(keys) and once(keys, 0, 1)
)
is_pairs = of(
    list,
    lambda pairs: (
        all_are(each_is(is_16, is_16, is_48, is_80, is_80))(pairs)
        and all(pair[0] < pair[1] for pair in pairs)
        and len({(pair[0], pair[1]) for pair in pairs}) == len(pairs)
    ),
)
is_answers = all_are(each_is(is_16, is_name, is_bool, is_bin))
is_notices = all_are(each_is(is_16, is_name, is_str, is_count, is_count, optional(is_count), is_bool, is_bool))

is_texts = all_are(is_str)
is_sinks = of(list, lambda sinks: len(sinks) <= 20 and all_are(each_is(is_str, is_str, is_texts, is_count))(sinks))
is_alarm_rules = of(
    list,
    lambda rules: (
        len(rules) <= 100
        and all_are(each_is(is_texts, is_texts, is_bool, is_count, is_count, is_count, is_count))(rules)
    ),
)
is_canaries = of(list, lambda ids: len(ids) <= 1_000 and all_are(is_id)(ids))

# For each type: the parts of the id; the type and the parts that the owner's id is made of; the fields.
ROWS: Final[dict[str, tuple[list[str], list[str], Fields]]] = {
    "state": ([], [], {"count": is_count, "sum": is_32}),
    "subject": (["name"], ["subjects"], {"name": is_name}),
    "persona": (
        ["subject", "name"],
        ["subject", "subject"],
        {"subject": is_name, "name": is_name, "space": is_16, "epoch": is_epoch},
    ),
    "place": (["name"], ["places"], {"name": is_name}),
    "wake": (["place", "subject"], ["place", "place"], {"place": is_name, "subject": is_name, "rules": is_rules}),
    "limits": (
        ["subject"],
        [],
        {"subject": is_name, "exclusive": is_bool, "zone": is_str, "budgets": is_budgets},
    ),
    "turn": (["subject"], [], {"subject": is_name, "number": is_count}),
    "key": (["space"], [], {"key": is_32}),
    "anchor": (["space"], [], {"epoch": is_epoch, "seq": is_count, "digest": is_32}),
    "awake": (["space"], [], {"days": is_days}),
    "permit": (
        ["id"],
        ["permits"],
        {
            "id": is_16,
            "subject": is_name,
            "persona": is_name,
            "place": is_name,
            "rights": is_rights,
            "made": is_count,
            "until": is_count,
            "ended": optional(is_count),
        },
    ),
    "credential": (
        ["id"],
        ["credentials"],
        {
            "id": is_16,
            "proof": is_32,
            "subject": is_name,
            "place": is_name,
            "program": is_name,
            "rights": is_rights,
            "made": is_count,
            "revoked": optional(is_count),
        },
    ),
    "token": (
        ["id"],
        ["tokens"],
        {
            "id": is_16,
            "proof": is_32,
            "label": is_str,
            "made": is_count,
            "until": is_count,
            "ended": optional(is_count),
        },
    ),
    "clock": ([], [], {"at": is_count}),
    "head": ([], [], {"size": is_count, "root": is_32}),
    "approvers": ([], [], {"keys": is_approvers}),
    "escrow": (["space"], [], {"pairs": is_pairs}),
    "override": (
        ["id"],
        ["overrides"],
        {
            "id": is_16,
            "request": is_bin,
            "answers": is_answers,
            "used": optional(is_count),
            "until": optional(is_count),
            "ended": optional(is_count),
            "why": is_str,
        },
    ),
    "notices": (["space"], [], {"notices": is_notices}),
    "alarms": ([], [], {"sinks": is_sinks, "rules": is_alarm_rules}),
    "canary": (["space"], [], {"ids": is_canaries}),
}


OF_SPACE: Final = ("key", "anchor", "awake", "escrow", "notices", "canary")

Row = tuple[bytes, bytes | None, bytes]  # id, owner, frame


class Chip:
    def __init__(self, store: bytes, root_key: bytes) -> None:
        okm = hkdf(root_key, store, b"severance/chip/v1", 160)
        self.store, self.key, self.name_key = store, okm[:32], okm[32:64]
        self.permit_seed, self.event_key, self.checkpoint_seed = okm[64:96], okm[96:128], okm[128:]

    def mac(self, message: bytes) -> bytes:
        return hmac.digest(self.name_key, message, "sha256")

    def proof(self, kind: str, *parts: str | bytes) -> bytes:
        raw = [part.encode() if isinstance(part, str) else part for part in parts]
        return self.mac(kind.encode() + b"".join(u32(len(p)) + p for p in raw))

    def row_id(self, kind: str, *parts: str | bytes) -> bytes:
        return STATE if kind == "state" else self.proof(kind, *parts)[:16]

    def open(self, row: Row) -> tuple[str, Values]:
        row_id, owner, frame = row
        bind = sha256(b"severance/row/v1" + row_id + (owner or NULL))
        content = open_frame(self.key, frame, kind=ROW, space=self.store, epoch=0, seq=0, bind=bind)
        kind, values = unpack(content, "row")
        require(kind in ROWS, "later version")
        return kind, named(values, ROWS[kind][2], "row")

    def open_state(self, state: Row, others: list[Row]) -> Values:
        """A commitment that does not match means a wrong key, unless that of another row does."""
        try:
            kind, fields = self.open(state)
        except Refused as refused:
            known = any(segment(self.key, frame, self.store, 0)[1] for _, _, frame in others)
            raise Refused("wrong key" if refused.reason == "commitment" and not known else refused.reason) from None
        self.check_place(state, kind, fields)
        return fields

    def check_place(self, row: Row, kind: str, fields: Values) -> None:
        """The row has the id and the owner that its fields give."""
        parts, owner, _ = ROWS[kind]
        require(row[0] == self.row_id(kind, *(fields[part] for part in parts)), "row id")
        expected = self.row_id(owner[0], *(fields[part] for part in owner[1:])) if owner else None
        require(row[1] == expected, "owner")

    def check_set(self, state: Values, others: list[Row]) -> None:
        macs = [self.mac(b"row" + row_id + (owner or NULL) + sha256(frame)) for row_id, owner, frame in others]
        require(state["count"] == len(macs), "count")
        require(state["sum"] == (sum(int.from_bytes(mac) for mac in macs) % (1 << 256)).to_bytes(32), "sum")

    def open_all(self, others: list[Row]) -> dict[str, list[Values]]:
        """The fields of the rows of each type; those of a space with the space that their id is made of."""
        opened = [(row, *self.open(row)) for row in others]
        spaces = [fields["space"] for _, kind, fields in opened if kind == "persona"]
        space_of = {self.row_id(kind, space): space for space in spaces for kind in OF_SPACE}
        found: dict[str, list[Values]] = {kind: [] for kind in ROWS}
        for row, kind, fields in opened:
            if kind in OF_SPACE:
                fields["space"] = space_of.get(row[0], b"")
            self.check_place(row, kind, fields)
            found[kind].append(fields)
        return found


def read_chip(path: Path, root_key: bytes) -> dict[str, Any]:
    """The `store` id, and all `personas` and `wakes`, once the set of rows has been verified."""
    with open_chip(path) as db:
        chip = Chip(meta(db, "store"), root_key)
        table = rows(db, "SELECT id, owner, frame FROM rows")
    for row_id, owner, frame in table:
        require(is_16(row_id) and optional(is_16)(owner) and is_bin(frame), "row")
    states, others = ([row for row in table if (row[0] == STATE) is wanted] for wanted in (True, False))
    require(len(states) == 1, "state")
    chip.check_set(chip.open_state(states[0], others), others)
    return {"store": chip.store, **join(chip.open_all(others))}


def read_key_source(path: Path) -> Values:
    """Where the root key comes from: of use only to who does not have it."""
    with open_chip(path) as db:
        raw = meta(db, "key")
    try:
        source = json.loads(raw.decode())
    except ValueError:  # not JSON, or not UTF-8
        raise Refused("meta") from None
    require(type(source) is dict, "meta")
    return source


def join(found: dict[str, list[Values]]) -> dict[str, list[Values]]:
    """The personas, each with its `key` and its `anchor`, and the wakes; all that they name exists."""
    subjects, places = ({row["name"] for row in found[kind]} for kind in ("subject", "place"))
    keys, anchors = ({row["space"]: row for row in found[kind]} for kind in ("key", "anchor"))
    personas, wakes = found["persona"], found["wake"]
    for persona in personas:
        require(persona["subject"] in subjects, "subject")
        require(persona["space"] in keys, "key")
        require(persona["space"] in anchors, "anchor")
        persona.update(key=keys[persona["space"]]["key"], anchor=anchors[persona["space"]])
        require(persona["anchor"]["epoch"] == persona["epoch"], "anchor")
    require(len({persona["space"] for persona in personas}) == len(personas), "space")
    names = {(persona["subject"], persona["name"]) for persona in personas}
    require(all(wake["place"] in places for wake in wakes), "place")
    woken = {(wake["subject"], persona) for wake in wakes for persona, _ in wake["rules"]}
    require(woken <= names, "persona")
    told = {"permits": found["permit"], "credentials": found["credential"], "tokens": found["token"]}
    told |= {"clock": found["clock"], "head": found["head"]}
    told |= {"limits": found["limits"], "turns": found["turn"], "awake": found["awake"]}
    told |= {"approvers": found["approvers"], "escrows": found["escrow"]}
    told |= {"overrides": found["override"], "notices": found["notices"]}
    told |= {"alarms": found["alarms"], "canaries": found["canary"]}
    return {"personas": personas, "wakes": wakes, **told}


# --- Sections 3 and 8: a space's log ----------------------------------------------------------------------------------


def read_chain(vault: sqlite3.Connection, space: bytes, epoch: int) -> tuple[list[bytes | None], list[bytes]]:
    """What can be read and verified without a key: the frames (None where one was erased), and D(0) to D(n)."""
    found = rows(vault, "SELECT seq, frame, digest, hash FROM records WHERE space = ? ORDER BY seq", space)
    require([seq for seq, *_ in found] == list(range(1, len(found) + 1)), "gap")
    digests = [sha256(b"severance/log/v1" + space + u32(epoch))]
    for _, frame, digest, hashed in found:
        require(is_32(digest) and is_32(hashed) and optional(is_bin)(frame), "digest")
        require(frame is None or sha256(frame) == hashed, "hash")
        digests.append(sha256(b"severance/head/v1" + digests[-1] + hashed))
        require(digest == digests[-1], "digest")
    require(rows(vault, "SELECT seq, digest FROM spaces WHERE id = ?", space) == [(len(found), digests[-1])], "head")
    return [frame for _, frame, *_ in found], digests


def read_log(
    vault: sqlite3.Connection, space: bytes, key: bytes, epoch: int, anchor: Values | None = None
) -> list[Event]:
    """Every record in order. One that was erased is {"seq": n, "event": "erased"}, and named by a later `Forgotten`."""
    frames, digests = read_chain(vault, space, epoch)
    if anchor is not None:
        require(anchor["epoch"] == epoch and anchor["seq"] < len(digests), "anchor")
        require(digests[anchor["seq"]] == anchor["digest"], "anchor")
    events: list[Event] = [{"seq": seq, "event": "erased"} for seq in range(1, len(frames) + 1)]
    for seq, (frame, bind) in enumerate(zip(frames, digests[:-1], strict=True), 1):
        if frame is not None:
            content = open_frame(key, frame, kind=RECORD, space=space, epoch=epoch, seq=seq, bind=bind)
            events[seq - 1] = read_event(seq, content)
    forgotten = forgettings(events)
    require(all(0 < seq < event["seq"] for event in forgotten for seq in event["seqs"]), "record")
    named_seqs = {seq for event in forgotten for seq in event["seqs"]}
    require(all(event["seq"] in named_seqs for event in events if event["event"] == "erased"), "erased")
    return events


def forgettings(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "forgotten"]


# --- Section 4: what the events add up to -----------------------------------------------------------------------------


class Replay:
    """Takes the events in order. What a `forgotten` names is passed over: it is erased, or an older file put back."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self.passed_over = {seq for event in forgettings(events) for seq in event["seqs"]}
        self.forgotten_ids = {memory for event in forgettings(events) for memory in event["ids"]}
        self.known: dict[bytes, Event] = {}
        self.after: dict[bytes, bytes] = {}  # from each version that was superseded to the next
        self.dimensions = 0
        self.brought: dict[str, dict[bytes, Event]] = defaultdict(dict)  # `v` since the last `e`: by embedder, by id

    def run(self) -> None:
        require(not self.events or self.events[0]["event"] == "embedder", "embedder")
        for event in self.events:
            if event["seq"] not in self.passed_over:
                getattr(self, event["event"])(event)

    def remembered(self, event: Event) -> None:
        memory, old, echo = event["id"], event["supersedes"], event["echo_of"]
        require(memory not in self.forgotten_ids, "forgotten")
        require(memory not in self.known, "duplicate")
        require(echo is None or echo in self.known or echo in self.forgotten_ids, "unknown memory")
        if old is not None:
            require(old in self.known, "unknown memory")
            require(old not in self.after, "superseded")
            self.after[old] = memory
        require(len(event["vector"]) == self.dimensions, "vector")
        self.known[memory] = {**{name: event[name] for name in ("seq", *MEMORY)}, "repeats": 0}

    def repeated(self, event: Event) -> None:
        require(event["id"] in self.known, "unknown memory")
        self.known[event["id"]]["repeats"] += 1

    def forgotten(self, event: Event) -> None:
        """What it names, if it is still there, is about its memories and names all their versions."""
        for record in (self.events[seq - 1] for seq in event["seqs"]):
            if record["event"] != "erased":
                require(record.get("id") in event["ids"], "forgotten")
                require(record.get("supersedes") in (None, *event["ids"]), "forgotten")

    def revectored(self, event: Event) -> None:
        require(event["id"] in self.known, "unknown memory")
        self.brought[event["identity"]][event["id"]] = event

    def embedder(self, event: Event) -> None:
        self.dimensions = event["dimensions"]
        brought = self.brought.pop(event["identity"], {})
        self.brought.clear()
        for i, memory in self.known.items():
            require(i in brought and len(brought[i]["vector"]) == self.dimensions, "vector")
            memory.update(vector=brought[i]["vector"], scale=brought[i]["scale"])

    def history(self, memory: bytes) -> list[Event]:
        versions = [self.known[memory]]
        while (memory := self.after.get(memory, b"")) in self.known:
            versions.append(self.known[memory])
        return versions


def histories(events: Sequence[Event]) -> list[list[Event]]:
    """All versions of each memory that is not forgotten, the oldest first, with repeats and the vector in force."""
    replay = Replay(events)
    replay.run()
    for memory in replay.known.values():
        raw, scale = memory["vector"], memory.pop("scale")
        memory["vector"] = [byte * scale for byte in struct.unpack(f"{len(raw)}b", raw)]
    later = set(replay.after.values())
    return [replay.history(memory) for memory in replay.known if memory not in later]


def id_text(memory: bytes) -> str:
    """An id as it is written for people."""
    return memory.hex()


# --- Section 5: snapshots ---------------------------------------------------------------------------------------------


def read_layers(vault: sqlite3.Connection, space: bytes, key: bytes, epoch: int) -> list[Values]:
    """The layers of a space's snapshot, checked against the log: `first`, `last`, and the joined `content`."""
    found = rows(vault, "SELECT first, last, before, digest, chunks FROM layers WHERE space = ? ORDER BY last", space)
    chunks = rows(vault, "SELECT last, n, frame FROM chunks WHERE space = ? ORDER BY last, n", space)
    _, digests = read_chain(vault, space, epoch)
    require({last for last, _, _ in chunks} <= {layer[1] for layer in found}, "chunks")
    layers: list[Values] = []
    for first, last, before, digest, count in found:
        require(is_size(first) and is_size(last) and first <= last < len(digests), "layer")
        require(not layers or layers[-1]["last"] < first, "layer")
        require((digests[first - 1], digests[last]) == (before, digest), "layer")
        own = [(n, frame) for of_layer, n, frame in chunks if of_layer == last]
        require(len(own) == count > 0 and [n for n, _ in own] == list(range(count)), "chunks")
        heads = (first - 1).to_bytes(8) + before + digest
        content = b"".join(open_chunks([frame for _, frame in own], heads, last, key, space, epoch))
        layers.append({"first": first, "last": last, "content": content})
    return layers


def open_chunks(
    frames: Sequence[bytes], heads: bytes, last: int, key: bytes, space: bytes, epoch: int
) -> Iterator[bytes]:
    before = bytes(32)
    for index, frame in enumerate(frames):
        require(is_bin(frame), "chunks")
        ends = bytes([index == len(frames) - 1])
        bind = sha256(b"severance/chunk/v1" + heads + before + u32(index) + ends)
        content = open_frame(key, frame, kind=CHUNK, space=space, epoch=epoch, seq=last, bind=bind)
        require(len(content) <= MIB, "chunks")
        yield content
        before = sha256(frame)


# --- Section 1: a store -----------------------------------------------------------------------------------------------


def open_store(directory: Path, root_key: bytes) -> dict[tuple[str, str], dict[str, Any]]:
    """Everything that a store holds, by subject and persona."""
    chip = read_chip(directory / "chip.db", root_key)  # before the vault: no anchor is newer than its log
    with open_vault(directory / "vault.db") as vault:
        require(meta(vault, "store") == chip["store"], "store")
        for persona in chip["personas"]:
            space, key, epoch = (persona[name] for name in ("space", "key", "epoch"))
            events = read_log(vault, space, key, epoch, persona["anchor"])
            layers = read_layers(vault, space, key, epoch)
            found = histories(events)
            current = [versions[-1] for versions in found]
            persona.update(events=events, histories=found, memories=current, layers=layers)
    return {(persona["subject"], persona["name"]): persona for persona in chip["personas"]}
