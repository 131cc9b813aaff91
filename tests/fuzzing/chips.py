"""The chip: its rows behind the seal, its file, and who wakes with which key from an altered one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from fuzzing.target import Choices, Target, scratch
from severance.barrier.traces.ports import KEY, ScopedEntropy
from severance.chip.chip import Chip
from severance.chip.register import (
    DECODER,
    ENCODER,
    STATE_ID,
    AlarmForm,
    AlarmsRow,
    AnchorRow,
    AnswerForm,
    ApproverForm,
    ApproversRow,
    AwakeRow,
    CanaryRow,
    ClockRow,
    CredentialRow,
    EscrowRow,
    HeadRow,
    KeyRow,
    Keys,
    LimitsRow,
    NoticeForm,
    NoticesRow,
    OverrideRow,
    PairForm,
    PermitRow,
    PersonaRow,
    PlaceRow,
    Row,
    RuleForm,
    SinkForm,
    StateRow,
    SubjectRow,
    TurnRow,
    WakeRow,
    summed,
    within_limits,
)
from severance.chip.rows import RowFile, StoredRow
from severance.crypto.envelope import Opener, Sealer, SpaceKey, genesis, row_place
from severance.errors import NotFoundError, SeveranceError
from severance.model import Head, Persona, Plain, Right

_ROWS: tuple[Row, ...] = (
    StateRow(3, bytes(32)),
    SubjectRow("mark"),
    PersonaRow("mark", "innie", bytes(16), 1),
    PlaceRow("floor"),
    WakeRow("floor", "mark", (RuleForm("innie", {"hours": ("Mon-Fri 09:00-18:00 UTC",)}), RuleForm("outie"))),
    LimitsRow("mark", True, "Europe/Berlin", {"innie": 60}),
    TurnRow("mark", 1),
    AwakeRow(((1, 2), (3, 4))),
    KeyRow(bytes(range(32))),
    AnchorRow(1, 5, bytes(32)),
    PermitRow(bytes(16), "mark", "innie", "floor", (Right.RECALL,), 1, 2),
    CredentialRow(bytes(16), bytes(32), "mark", "floor", "editor", tuple(Right), 1, 2),
    ClockRow(5),
    HeadRow(5, bytes(32)),
    AlarmsRow(
        (SinkForm("hook", "webhook", ("https://a.example",), 3),), (AlarmForm(("*",), ("log",), True, 5, 6, 7, 8),)
    ),
    CanaryRow((bytes(15),)),
    ApproversRow((ApproverForm("irving", bytes(64), 1), ApproverForm("burt", b"k" * 64, 2))),
    EscrowRow((PairForm(bytes(16), b"k" * 16, bytes(48), bytes(80), bytes(80)),)),
    OverrideRow(bytes(16), b"signed", (AnswerForm(bytes(16), "burt", True, b"signed"),), 1, 2, 3, "time"),
    NoticesRow((NoticeForm(bytes(16), "irving", "why", 1, 2),)),
)
_KEYS = Keys.derive(KEY, bytes(16))


def run_row(data: bytes) -> None:
    """What a row says is within the limits of the format, has an id, and is written again as an equal row."""
    try:
        row = DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    if not within_limits(row):
        return
    check_row(row)
    assert DECODER.decode(ENCODER.encode(row)) == row
    wanted, owner = _KEYS.identify(row, bytes(16))
    assert len(wanted) == 16
    assert owner is None or len(owner) == 16


def check_row(row: Row) -> None:
    """The limits that the format names for a row (docs/design/format.md, section 7)."""
    match row:
        case StateRow():
            assert row.count >= 0
            assert len(row.sum) == 32
        case PersonaRow():
            assert len(row.space) == 16
            assert 0 <= row.epoch < 2**32
        case KeyRow():
            assert len(row.secret) == 32
        case AnchorRow():
            assert len(row.digest) == 32
            assert 0 <= row.epoch < 2**32
            assert 0 <= row.seq < 2**63
        case WakeRow() | LimitsRow() | TurnRow() | AwakeRow():
            check_threshold(row)
        case PermitRow() | CredentialRow() | ClockRow() | HeadRow():
            check_door(row)
        case ApproversRow() | EscrowRow() | OverrideRow() | NoticesRow():
            check_override(row)
        case AlarmsRow() | CanaryRow():
            check_alarms(row)


def check_door(row: PermitRow | CredentialRow | ClockRow | HeadRow) -> None:
    """The same, of rows about who is let in, and about the audit log."""
    match row:
        case PermitRow():
            assert len(row.id) == 16
            assert all(0 <= at < 2**63 for at in (row.made, row.until, row.ended or 0))
        case CredentialRow():
            assert len(row.id) == 16
            assert len(row.proof) == 32
            assert all(0 <= at < 2**63 for at in (row.made, row.revoked or 0))
        case ClockRow():
            assert 0 <= row.at < 2**63
        case HeadRow():
            assert 0 <= row.size < 2**63
            assert len(row.root) == 32


def check_alarms(row: AlarmsRow | CanaryRow) -> None:
    """The same, of rows about alarms (section 12)."""
    match row:
        case AlarmsRow():
            assert len(row.sinks) <= 20
            assert len(row.rules) <= 100
            assert all(0 <= sink.most < 2**63 for sink in row.sinks)
            assert all(0 <= n < 2**63 for each in row.rules for n in (each.times, each.within, each.above, each.group))
        case CanaryRow():
            assert len(row.ids) <= 1_000
            assert all(len(each) == 15 for each in row.ids)


def check_override(row: ApproversRow | EscrowRow | OverrideRow | NoticesRow) -> None:
    """The same, of rows about overrides (section 11)."""
    match row:
        case ApproversRow():
            assert (
                len({each.name for each in row.keys}) == len({each.public for each in row.keys}) == len(row.keys) <= 8
            )
            assert all(len(each.public) == 64 and 0 <= each.made < 2**63 for each in row.keys)
        case EscrowRow():
            assert all(len(pair.first) == len(pair.second) == 16 and pair.first < pair.second for pair in row.pairs)
            assert all(len(pair.wrapped) == 48 and len(pair.box_of_first) == 80 for pair in row.pairs)
            assert all(len(pair.box_of_second) == 80 for pair in row.pairs)
        case OverrideRow():
            assert len(row.id) == 16
            assert all(len(answer.key) == 16 for answer in row.answers)
            assert all(0 <= (at or 0) < 2**63 for at in (row.used, row.until, row.ended))
        case NoticesRow():
            assert all(len(each.id) == 16 for each in row.notices)
            assert all(0 <= (at or 0) < 2**63 for each in row.notices for at in (each.at, each.until, each.ended))


def check_threshold(row: WakeRow | LimitsRow | TurnRow | AwakeRow) -> None:
    """The same, of rows about thresholds."""
    match row:
        case WakeRow():
            assert 0 < len(row.rules) <= 100
            assert all(0 < len(each) <= 50 for rule in row.rules for each in rule.conditions.values())
        case LimitsRow():
            assert all(0 < seconds <= 86_400 for seconds in row.budgets.values())
        case TurnRow():
            assert 0 <= row.number < 2**63
        case AwakeRow():
            assert len(row.days) <= 7
            assert [day for day, _ in row.days] == sorted({day for day, _ in row.days})


@dataclass(frozen=True, slots=True)
class Sound:
    """A chip of two subjects as bytes, the same one change earlier, and the truth about it."""

    store: bytes
    now: bytes
    earlier: bytes
    truth: dict[tuple[str, str], tuple[Persona, SpaceKey, Head]]


@cache
def sound() -> Sound:
    """Made once for the process."""
    path = scratch() / "sound.db"
    store, entropy = bytes(range(16)), ScopedEntropy(b"fuzz chip")
    RowFile.create(path, store, b'{"source":"given"}', Chip.first_row(store, KEY, entropy)).close()
    chip = Chip(RowFile.open(path), KEY, entropy)
    spaces = {
        name: SpaceKey(name.encode().ljust(16, b"."), 1, name.encode().ljust(32, b"!"))
        for name in ("innie", "outie", "helena")
    }
    heads = {name: genesis(key.space, 1) for name, key in spaces.items()}
    chip.add_personas("mark", {name: (spaces[name], heads[name]) for name in ("innie", "outie")})
    chip.add_personas("helly", {"helena": (spaces["helena"], heads["helena"])})
    chip.set_place("floor", {"mark": "outie", "helly": "helena"})
    chip.set_place("home", {"mark": "outie"})
    earlier = path.read_bytes()
    chip.set_place("floor", {"mark": "innie"})
    heads["innie"] = Head(7, bytes([7]) * 32)
    chip.set_anchor(spaces["innie"], heads["innie"])
    chip.close()
    wakes = {("mark", "floor"): "innie", ("mark", "home"): "outie", ("helly", "floor"): "helena"}
    truth = {
        (subject, place): (Persona(subject, name), spaces[name], heads[name])
        for (subject, place), name in wakes.items()
    }
    return Sound(store, path.read_bytes(), earlier, truth)


def check_chip(content: bytes, truth: Callable[[str, str], Any]) -> None:
    """Open a chip and cross everywhere; `truth` is what must come of a crossing that is not refused (... for any)."""
    path = scratch() / "chip.db"
    path.with_name("chip.db-journal").unlink(missing_ok=True)
    path.write_bytes(content)
    try:
        chip = Chip(RowFile.open(path), KEY, ScopedEntropy())
    except SeveranceError:
        return
    with closing(chip):
        for subject in ("mark", "helly"):
            for place in ("floor", "home"):
                found = crossing(chip, subject, place)
                right = truth(subject, place)
                assert found is None or right is ... or found == right, "a chip woke somebody else, or with another key"
        for listing in (chip.subjects, chip.places, chip.survivors, lambda: chip.personas("mark"), chip.verify):
            with suppress(SeveranceError):
                listing()


def crossing(chip: Chip, subject: str, place: str) -> Any:
    """Who wakes, with which key, and from where on; "nobody", or None when it was refused as damage."""
    try:
        persona = chip.waking(subject, place)
        key = chip.key(persona)
        anchor = chip.anchor(key)
        genesis(key.space, key.epoch)
    except NotFoundError:
        return "nobody"
    except SeveranceError:
        return None
    return persona, key, anchor


def _true(subject: str, place: str) -> Any:
    return sound().truth.get((subject, place), "nobody")


def run_chip_file(data: bytes) -> None:
    """A chip with other bytes in its file wakes the right persona with the right key, or nobody."""
    choices, made = Choices(data), sound()
    content = bytearray(made.now)
    while choices:
        alter(choices, content, (made.now, made.earlier))
    check_chip(bytes(content), lambda *at: ... if _is_earlier(bytes(content)) else _true(*at))


def _is_earlier(content: bytes) -> bool:
    # With all rows as they were earlier it is a chip: nothing in it tells that there is a newer one (threat model, P5).
    return content == sound().earlier or _rows(content) == _rows(sound().earlier)


def alter(choices: Choices, content: bytearray, versions: tuple[bytes, ...]) -> None:
    """One alteration of a file: a bit, a byte, a page of another version, an end."""
    edit, page = choices.below(6), choices.below(max(len(content) // 4_096, 1)) * 4_096
    at = min(page + choices.below(4_096), max(len(content) - 1, 0))
    if edit < 2 and content:
        content[at] = choices.byte() if edit else content[at] ^ 1 << choices.below(8)
    elif edit == 2:
        content[at : at + 8] = choices.take(8)
    elif edit == 3:
        other = choices.pick(versions)
        there = choices.below(max(len(other) // 4_096, 1)) * 4_096
        content[page : page + 4_096] = other[there : there + 4_096]
    elif edit == 4:
        del content[at:]
    else:
        content[at : at + 16] = bytes(16)


def run_chip_rows(data: bytes) -> None:
    """A chip whose rows were deleted, swapped, copied, put back or given other types does the same."""
    choices, made = Choices(data), sound()
    path = scratch() / "rows.db"
    path.write_bytes(made.now)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw, suppress(sqlite3.Error):
        raw.execute("PRAGMA journal_mode = MEMORY")
        ids = [row for (row,) in raw.execute("SELECT id FROM rows ORDER BY id")]
        while choices:
            _edit_rows(choices, raw, ids)
    content = path.read_bytes()
    check_chip(content, lambda *at: ... if _is_earlier(content) else _true(*at))


def _rows(content: bytes) -> Any:
    with closing(sqlite3.connect(":memory:")) as raw:
        raw.deserialize(content)
        try:
            return raw.execute("SELECT id, owner, frame FROM rows ORDER BY id").fetchall()
        except (sqlite3.Error, ValueError, OverflowError):
            return None


@cache
def _earlier_rows() -> dict[bytes, tuple[bytes, bytes | None, bytes]]:
    return {row[0]: row for row in _rows(sound().earlier)}


def _edit_rows(choices: Choices, raw: sqlite3.Connection, ids: list[bytes]) -> None:
    one, other = choices.pick(ids), choices.pick(ids)
    edit = choices.below(8)
    if edit == 0:
        raw.execute("DELETE FROM rows WHERE id = ?", (one,))
    elif edit == 1:
        raw.execute("UPDATE rows SET frame = (SELECT frame FROM rows WHERE id = ?) WHERE id = ?", (other, one))
    elif edit == 2:
        raw.execute("UPDATE rows SET owner = (SELECT owner FROM rows WHERE id = ?) WHERE id = ?", (other, one))
    elif edit == 3:
        raw.execute(
            "INSERT OR REPLACE INTO rows SELECT ?, owner, frame FROM rows WHERE id = ?", (choices.take(16), one)
        )
    elif edit == 4:
        raw.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", _earlier_rows().get(one, (one, None, b"")))
    elif edit == 5:
        column = choices.pick(("owner", "frame"))
        kind = choices.pick(("TEXT", "INTEGER", "REAL", "BLOB"))
        raw.execute(f"UPDATE rows SET {column} = CAST(coalesce({column}, 'x') AS {kind}) WHERE id = ?", (one,))
    elif edit == 6:
        name, value = choices.pick((b"store", b"key")).decode(), choices.take(choices.below(20))
        raw.execute("UPDATE meta SET value = ? WHERE name = ?", (value, name))
    else:
        at = choices.below(400)
        raw.execute(
            "UPDATE rows SET frame = substr(frame, 1, ?) || ? || substr(frame, ?) WHERE id = ?",
            (at, choices.take(1), at + 2, one),
        )


def run_chip_forged(data: bytes) -> None:
    """Behind the seal: a chip of which one row says something else, sealed and guarded as if we had written it."""
    choices, made = Choices(data), sound()
    rows = {row: StoredRow(row, owner, frame) for row, owner, frame in _rows(made.now)}
    target = choices.pick([row for row in sorted(rows) if row != STATE_ID])
    kind = choices.below(3)
    plain = choices.rest() if kind == 1 else _odd_row(choices) if kind == 0 else _nearly_true_row(choices, target)
    seal = Sealer(SpaceKey(made.store, 0, _chip_keys().seal), ScopedEntropy(b"forger")).seal
    owner = rows[target].owner
    rows[target] = replace_frame(rows[target], seal(row_place(target, owner), Plain(plain)))
    del rows[STATE_ID]
    state = StateRow(len(rows), summed(_chip_keys().share(*row) for row in rows.values()))
    frame = seal(row_place(STATE_ID, None), Plain(ENCODER.encode(state)))
    path = scratch() / "forged.db"
    path.write_bytes(made.now)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA journal_mode = MEMORY")
        changed = (rows[target], StoredRow(STATE_ID, None, frame))
        raw.executemany("UPDATE rows SET frame = ? WHERE id = ?", [(row.frame, row.id) for row in changed])
    check_chip(path.read_bytes(), lambda *_: ...)


def replace_frame(row: StoredRow, frame: bytes) -> StoredRow:
    """The row with another frame."""
    return StoredRow(row.id, row.owner, frame)


@cache
def _chip_keys() -> Keys:
    return Keys.derive(KEY, sound().store)


_VALUES: tuple[Any, ...] = (
    b"",
    bytes(16),
    bytes(32),
    bytes(33),
    -1,
    0,
    1,
    2**32,
    2**63,
    "",
    "mark",
    "floor",
    "innie",
    "outie",
    None,
)


def _odd_row(choices: Choices) -> bytes:
    tag = choices.pick(
        (
            "state",
            "subject",
            "persona",
            "place",
            "wake",
            "limits",
            "turn",
            "awake",
            "key",
            "anchor",
            "permit",
            "credential",
            "clock",
            "head",
            "approvers",
            "escrow",
            "override",
            "notices",
            "alarms",
            "canary",
            "x",
        )
    )
    return msgspec.msgpack.encode([tag, *(choices.pick(_VALUES) for _ in range(choices.below(6)))])


_PLAIN_ROWS = tuple(ENCODER.encode(row) for row in _ROWS)
_BEYOND = tuple(ENCODER.encode(row) for row in (StateRow(-1, bytes(32)), KeyRow(bytes(31)), AnchorRow(1, 2**63, b"")))


def _nearly_true_row(choices: Choices, target: bytes) -> bytes:
    fields = list(_true_fields()[target])
    fields[choices.below(len(fields))] = choices.pick(_VALUES)
    return msgspec.msgpack.encode(fields)


@cache
def _true_fields() -> dict[bytes, list[Any]]:
    opener = Opener(SpaceKey(sound().store, 0, _chip_keys().seal))
    return {
        row: msgspec.msgpack.decode(opener.open(row_place(row, owner), frame))
        for row, owner, frame in _rows(sound().now)
    }


TARGETS = (
    Target(
        name="row",
        decoder="chip",
        run=run_row,
        seeds=lambda: (*_PLAIN_ROWS, *_BEYOND),
        longest=200,
        tokens=(
            *(b"\xa0" + name for name in (b"state", b"anchor")),
            b"\xc4\x20",
            b"\xc4\x10",
            b"\xcf" + b"\xff" * 8,
            b"\xd3" + b"\xff" * 8,
        ),
        weight=30,
        short=6_000,
    ),
    Target(
        name="chip-file",
        decoder="chip",
        run=run_chip_file,
        seeds=lambda: [bytes([edit, page, 1, 5, 7]) for edit in range(6) for page in range(6)] + [b""],
        longest=40,
        weight=0.4,
        short=60,
    ),
    Target(
        name="chip-rows",
        decoder="chip",
        run=run_chip_rows,
        seeds=lambda: [bytes([one, one + 3, edit, 1, 2]) for edit in range(8) for one in range(5)] + [b""],
        longest=40,
        weight=0.4,
        short=80,
    ),
    Target(
        name="chip-forged",
        decoder="chip",
        run=run_chip_forged,
        seeds=lambda: (
            [bytes([number, 1]) + plain for plain in _PLAIN_ROWS for number in (0, 5, 9)]
            + [bytes([number, 0, 2, 5, *range(number, number + 6)]) for number in range(12)]
            + [bytes([number, 2, 4, 7]) for number in range(14)]
        ),
        longest=120,
        weight=0.3,
        short=60,
    ),
)
