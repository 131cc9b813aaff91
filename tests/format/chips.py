"""Frozen vectors of chips."""

from __future__ import annotations

from typing import Any

import msgspec

from format.given import Counter, Vector, fixed, marked, pack, plain
from kit import flipped
from severance.chip.register import (
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
    RuleForm,
    SinkForm,
    StateRow,
    SubjectRow,
    TokenRow,
    TurnRow,
    WakeRow,
    summed,
)
from severance.crypto.envelope import Sealer, SpaceKey, genesis, row_place
from severance.model import Plain, Right

STORE, ROOT = fixed("store", 16), fixed("root key", 32)
INNIE, OUTIE = fixed("innie", 16), fixed("outie", 16)
INNIE_KEY, OUTIE_KEY = fixed("innie key", 32), fixed("outie key", 32)
SOURCE = b'{"source": "given"}'
DIGEST = fixed("digest", 32)
CANARY = fixed("canary", 15)
PERMIT, CREDENTIAL, SECRET = fixed("permit", 16), fixed("credential", 16), fixed("secret", 32)
MADE, UNTIL = 1_700_000_000_000_000, 1_700_003_600_000_000
RULES = (
    RuleForm("innie", {"hours": ("Mon-Fri 09:00-18:00 Europe/Berlin",), "command": ("/bin/at-work", "")}),
    RuleForm("outié"),
)
Stored = tuple[bytes, bytes | None, bytes]


class Rows:
    """A chip in the making."""

    def __init__(self) -> None:
        self.keys = Keys.derive(ROOT, STORE)
        self.entropy = Counter()
        self.rows: dict[bytes, Stored] = {}
        self.state: Stored | None = None

    def put(self, row: Any, space: bytes = b"") -> Rows:
        return self.put_raw(*self.keys.identify(row, space), ENCODER.encode(row))

    def put_raw(self, row: bytes, owner: bytes | None, content: bytes) -> Rows:
        """Anything, anywhere."""
        self.rows[row] = (row, owner, self.frame(row, owner, content))
        return self

    def frame(self, row: bytes, owner: bytes | None, content: bytes) -> bytes:
        """Under a salt of its own."""
        sealer = Sealer(SpaceKey(STORE, 0, self.keys.seal), self.entropy)
        return sealer.seal(row_place(row, owner), Plain(content))

    def seal(self, count: int | None = None, total: bytes | None = None) -> Rows:
        """Write `state`."""
        fits = summed(self.keys.share(*row) for row in self.rows.values())
        row = StateRow(len(self.rows) if count is None else count, fits if total is None else total)
        self.state = (STATE_ID, None, self.frame(STATE_ID, None, ENCODER.encode(row)))
        return self

    def vector(self, name: str, what: str, *, root: bytes = ROOT, source: bytes = SOURCE, **more: Any) -> Vector:
        rows = sorted([*self.rows.values(), *([self.state] if self.state else [])])
        given = {"root_key": root, "store": STORE, "source": source, "rows": rows}
        return plain({"name": name, "what": what, **given, **more})

    def bad(self, name: str, what: str, reason: str, error: str = "DamagedError", **more: Any) -> Vector:
        return self.vector(name, what, **more, refused=reason, error=error)


def small_chip(space: bytes = INNIE, **without: bool) -> Rows:
    chip = Rows()
    for name, row, of in (
        ("subject", SubjectRow("mark"), b""),
        ("persona", PersonaRow("mark", "innie", space, 1), b""),
        ("key", KeyRow(INNIE_KEY), space),
        ("anchor", AnchorRow(1, 5, DIGEST), space),
    ):
        if without.get(name, True):
            chip.put(row, of)
    return chip


def permits() -> list[PermitRow]:
    """One that opens, and one that has ended."""
    rights = (Right.RECALL, Right.REMEMBER)
    first = PermitRow(PERMIT, "mark", "outié", "home", rights, MADE, UNTIL)
    return [first, PermitRow(fixed("another permit", 16), "mark", "innie", "floor", tuple(Right), 0, UNTIL, UNTIL)]


def credentials(chip: Rows) -> list[CredentialRow]:
    """One that opens, and one that was revoked."""
    proof = chip.keys.proof("secret", CREDENTIAL, SECRET)
    first = CredentialRow(CREDENTIAL, proof, "mark", "home", "editor", tuple(Right), MADE)
    second = fixed("another credential", 16)
    return [first, CredentialRow(second, DIGEST, "nobody", "nowhere", "editor", (), 0, UNTIL)]


def tokens(chip: Rows) -> list[TokenRow]:
    """One that opens, and one that was revoked."""
    proof = chip.keys.proof("owner secret", CREDENTIAL, SECRET)
    first = TokenRow(CREDENTIAL, proof, "the console", MADE, UNTIL)
    return [first, TokenRow(fixed("another token", 16), DIGEST, "", 0, UNTIL, UNTIL)]


def override_rows(chip: Rows) -> Vector:
    """Rows about overrides put into a chip, and what they say."""
    forms = [ApproverForm(name, fixed(f"override key of {name}", 64), MADE) for name in ("irving", "burt", "dylan")]
    first, second = sorted((PERMIT, CREDENTIAL))
    pair = PairForm(first, second, fixed("wrapped", 48), fixed("box", 80), fixed("another box", 80))
    answers = (AnswerForm(PERMIT, "burt", True, b"signed"), AnswerForm(CREDENTIAL, "dylan", False, b""))
    override = OverrideRow(fixed("override", 16), b"signed", answers, MADE, UNTIL, UNTIL, "denied")
    notice = NoticeForm(fixed("override", 16), "irving", "he does not answer", MADE, UNTIL, UNTIL, False, True)
    chip.put(ApproversRow(tuple(forms))).put(EscrowRow((pair,)), INNIE)
    chip.put(override).put(NoticesRow((notice,)), INNIE)
    fields = msgspec.structs.asdict(override)
    fields["request"], fields["answers"] = fields.pop("raw"), [list(msgspec.structs.astuple(each)) for each in answers]
    return {
        "approvers": [{"keys": [list(msgspec.structs.astuple(form)) for form in forms]}],
        "escrows": [{"space": INNIE, "pairs": [list(msgspec.structs.astuple(pair))]}],
        "overrides": [fields],
        "notices": [{"space": INNIE, "notices": [list(msgspec.structs.astuple(notice))]}],
    }


def alarm_rows(chip: Rows) -> Vector:
    """Rows about alarms put into a chip, and what they say."""
    sinks = (
        SinkForm("desk", "command", ("~/bin/tell-me", ""), 10),
        SinkForm("hook", "webhook", ("https://a.example",), 3),
    )
    rules = (AlarmForm(("override.*", "damage"), ("desk", "log"), True, 5, 600, 10_000, 60),)
    chip.put(AlarmsRow(sinks, rules)).put(CanaryRow((CANARY,)), INNIE)
    listed = {name: [list(msgspec.structs.astuple(form)) for form in forms] for name, forms in _forms(sinks, rules)}
    return {"alarms": [listed], "canaries": [{"space": INNIE, "ids": [CANARY]}]}


def _forms(sinks: tuple[SinkForm, ...], rules: tuple[AlarmForm, ...]) -> tuple[tuple[str, Any], ...]:
    return ("sinks", sinks), ("rules", rules)


def chips() -> list[Vector]:
    none: Vector = {name: [] for name in ("permits", "credentials", "tokens", "clock", "head")}
    none |= {name: [] for name in ("limits", "turns", "awake")}
    none |= {name: [] for name in ("approvers", "escrows", "overrides", "notices", "alarms", "canaries")}
    empty = {"personas": [], "wakes": [], **none}
    innie: Vector = {"subject": "mark", "name": "innie", "space": INNIE, "epoch": 1, "key": INNIE_KEY}
    innie["anchor"] = {"epoch": 1, "seq": 5, "digest": DIGEST}
    outie: Vector = {"subject": "mark", "name": "outié", "space": OUTIE, "epoch": 2, "key": OUTIE_KEY}
    outie["anchor"] = {"epoch": 2, "seq": 0, "digest": genesis(OUTIE, 2).digest}
    full = small_chip()
    full.put(PersonaRow("mark", "outié", OUTIE, 2)).put(KeyRow(OUTIE_KEY), OUTIE)
    full.put(AnchorRow(2, 0, genesis(OUTIE, 2).digest), OUTIE)
    full.put(PlaceRow("floor")).put(PlaceRow("home")).put(WakeRow("floor", "mark", RULES))
    door: dict[str, list[Any]] = {"permits": permits(), "credentials": credentials(full), "tokens": tokens(full)}
    door |= {"clock": [ClockRow(UNTIL)], "head": [HeadRow(12, DIGEST)]}
    door |= {"limits": [LimitsRow("mark", True, "Europe/Berlin", {"outié": 7_200})], "turns": [TurnRow("mark", 7)]}
    for row in (row for rows in door.values() for row in rows):
        full.put(row)
    full.put(AwakeRow(((20_000, 5), (20_001, 86_400_000_000))), INNIE)
    shown = {name: [msgspec.structs.asdict(row) for row in rows] for name, rows in door.items()}
    keys = {name: getattr(full.keys, name) for name in ("permit", "event", "checkpoint")}
    shown |= override_rows(full) | alarm_rows(full)
    shown["awake"] = [{"space": INNIE, "days": [[20_000, 5], [20_001, 86_400_000_000]]}]
    rules = [[rule.persona, rule.conditions] for rule in RULES]
    wakes = [{"place": "floor", "subject": "mark", "rules": rules}]
    made = [
        Rows().seal().vector("empty", "a new chip", **empty),
        full.seal().vector(
            "every type",
            "a row of each, one place where nobody wakes",
            personas=[innie, outie],
            wakes=wakes,
            keys=keys,
            **shown,
        ),
        *(
            # Where the root key comes from is asked by those alone who do not have it.
            small_chip().seal().vector(name, what, source=source, personas=[innie], wakes=[], **none)
            | {"without_key": {"refused": "meta", "error": "DamagedError"}}
            for name, what, source in (
                ("key source is no JSON", "in the clear", b"{"),
                ("key source is no object", "in the clear", b"[]"),
                ("key source is not UTF-8", "in the clear", b'{"a": "\xff"}'),
            )
        ),
        *bad_sets(),
        *bad_rows(),
        *bad_doors(),
        *bad_thresholds(),
        *bad_overrides(),
        *bad_alarms(),
        *bad_names(),
    ]
    return marked("chips", made)


def bad_sets() -> list[Vector]:
    chip = small_chip().seal()
    ids = {name: chip.keys.row_id(name, *parts) for name, *parts in (("subject", "mark"), ("anchor", INNIE))}

    def altered(change: Any) -> Rows:
        copy = small_chip().seal()
        change(copy.rows)
        return copy

    def replaced(rows: dict[bytes, Stored], row: bytes, **new: Any) -> None:
        old = rows.pop(row)
        changed = (new.get("id", old[0]), new.get("owner", old[1]), new.get("frame", old[2]))
        rows[changed[0]] = changed

    older = small_chip(anchor=False).put(AnchorRow(1, 4, fixed("older", 32)), INNIE).rows[ids["anchor"]]
    added = Rows().put(SubjectRow("helly")).rows
    replayed = small_chip()
    replayed.state = small_chip(anchor=False).seal().state
    flipped_state = small_chip().seal()
    flipped_state.state = (STATE_ID, None, flipped(flipped_state.state[2], 50))
    torn_state = small_chip().seal()
    torn_state.state = (STATE_ID, None, flipped(torn_state.state[2], 90))
    anchor, subject, somebody = ids["anchor"], ids["subject"], fixed("somebody", 16)
    return [
        chip.bad("another root key", "the chip's key is another", "wrong key", "WrongKeyError", root=fixed("no", 32)),
        small_chip().bad("no state", "the row is missing", "state"),
        flipped_state.bad("state commits to another key", "and the other rows do not", "commitment", "CommitmentError"),
        torn_state.bad("state altered", "one bit of its ciphertext", "tag"),
        replayed.bad("state replayed", "of an earlier set of rows", "count"),
        small_chip().seal(count=5).bad("count", "one too many", "count"),
        small_chip().seal(total=fixed("sum", 32)).bad("sum", "another", "sum"),
        altered(lambda rows: rows.pop(anchor)).bad("row removed", "the anchor", "count"),
        altered(lambda rows: rows.update(added)).bad("row added", "a subject", "count"),
        altered(lambda rows: rows.update({anchor: older})).bad("row replayed", "an earlier anchor", "sum"),
        altered(lambda rows: replaced(rows, subject, id=somebody)).bad("row under another id", "the subject", "sum"),
        altered(lambda rows: replaced(rows, subject, owner=somebody)).bad(
            "row under another owner", "the subject", "sum"
        ),
        altered(lambda rows: replaced(rows, anchor, owner=somebody)).bad("row given an owner", "the anchor", "sum"),
        altered(lambda rows: replaced(rows, subject, frame=rows[anchor][2])).bad("frame of another row", "", "sum"),
        altered(lambda rows: replaced(rows, anchor, frame=flipped(rows[anchor][2], 90))).bad(
            "row altered", "one bit", "sum"
        ),
        *bad_keys(),
    ]


def bad_keys() -> list[Vector]:
    """Frames altered so that `state` commits to another key, and more."""

    def altered(others: int) -> Rows:
        """One bit of the commitment of `state`, and one at `others` of every other frame."""
        chip = small_chip().seal()
        assert chip.state is not None
        chip.state = (STATE_ID, None, flipped(chip.state[2], 50))
        chip.rows = {row: (row, owner, flipped(frame, others)) for row, owner, frame in chip.rows.values()}
        return chip

    cut = altered(90)
    cut.rows = {row: (row, owner, frame[:84]) for row, owner, frame in cut.rows.values()}
    one = altered(50)
    one.rows |= dict([next(iter(small_chip().rows.items()))])
    error = "CommitmentError"
    return [
        altered(90).bad("ciphertexts altered too", "the other rows still commit to the key", "commitment", error),
        altered(2).bad("kinds altered too", "the other rows still commit to the key", "commitment", error),
        cut.bad("ciphertexts cut off too", "the other rows still commit to the key", "commitment", error),
        one.bad("one commitment left", "of all rows", "commitment", error),
        altered(50).bad("all commitments altered", "a wrong key, as far as can be told", "wrong key", "WrongKeyError"),
        altered(8).bad("all salts altered", "a wrong key, as far as can be told", "wrong key", "WrongKeyError"),
    ]


def bad_rows() -> list[Vector]:
    """Rows that whoever knows the root key could write, with a state that fits."""
    newer = "NewerVersionError"
    owner = Rows().keys.row_id("subjects")
    helly = Rows().keys.row_id("subject", "helly")

    def with_row(row: bytes, owner: bytes | None, *content: Any) -> Rows:
        return small_chip().put_raw(row, owner, pack(list(content))).seal()

    anchor = Rows().keys.row_id("anchor", INNIE)
    key = Rows().keys.row_id("key", INNIE)
    moved = small_chip().seal()
    moved.rows[helly] = (helly, owner, moved.rows[moved.keys.row_id("subject", "mark")][2])
    moved.seal()
    return [
        with_row(helly, owner, "subject", "irving").bad("sealed under another id", "a subject", "row id"),
        with_row(helly, None, "subject", "helly").bad("sealed without owner", "a subject", "owner"),
        with_row(helly, helly, "subject", "helly").bad("sealed under another owner", "a subject", "owner"),
        moved.bad("row moved, state fitted", "a subject", "tag"),
        with_row(helly, owner, "visitor", "helly").bad("unknown type", "a later one", "later version", newer),
        with_row(helly, owner, "subject", "helly", 1).bad("extra field", "of a subject", "later version", newer),
        with_row(helly, owner, "subject").bad("field missing", "of a subject", "later version", newer),
        with_row(helly, owner, "subject", 7).bad("name is a number", "of a subject", "row", "SeveranceError"),
        with_row(anchor, None, "key", INNIE_KEY).bad("key in the anchor's place", "another type", "row id"),
        with_row(key, None, "key", INNIE_KEY[:31]).bad("short key", "31 bytes", "row"),
        with_row(anchor, None, "anchor", 1, 5, DIGEST[:31]).bad("short digest", "31 bytes", "row"),
        with_row(anchor, None, "anchor", 1, -1, DIGEST).bad("negative number", "in the anchor", "row"),
    ]


def bad_doors() -> list[Vector]:
    """Permits, credentials and clocks that whoever knows the root key could write, with a state that fits."""
    keys, newer = Rows().keys, "NewerVersionError"
    permit = [PERMIT, "mark", "innie", "floor", ["recall"], MADE, UNTIL, None]
    credential = [CREDENTIAL, DIGEST, "mark", "floor", "editor", ["recall"], MADE, None]
    token = [CREDENTIAL, DIGEST, "the console", MADE, UNTIL, None]
    owners = {kind: keys.row_id(f"{kind}s") for kind in ("permit", "credential", "token")}

    def changed(kind: str, row: list[Any], at: int, value: Any) -> Rows:
        fields = [*row[:at], value, *row[at + 1 :]]
        wanted = keys.row_id(kind, row[0] if at else value)
        return small_chip().put_raw(wanted, owners[kind], pack([kind, *fields])).seal()

    def clock(*fields: Any, owner: bytes | None = None) -> Rows:
        return small_chip().put_raw(keys.row_id("clock"), owner, pack(["clock", *fields])).seal()

    def head(*fields: Any, owner: bytes | None = None) -> Rows:
        return small_chip().put_raw(keys.row_id("head"), owner, pack(["head", *fields])).seal()

    elsewhere = small_chip().put_raw(keys.row_id("permit", CREDENTIAL), owners["permit"], pack(["permit", *permit]))
    stray = small_chip().put_raw(keys.row_id("permit", PERMIT), owners["credential"], pack(["permit", *permit]))
    return [
        changed("permit", permit, 0, PERMIT[:15]).bad("short permit id", "15 bytes", "row"),
        changed("permit", permit, 4, ["everything"]).bad("unknown right", "a later one", "row", "SeveranceError"),
        changed("permit", permit, 4, "recall").bad("right not in an array", "a text", "row", "SeveranceError"),
        changed("permit", permit, 5, -1).bad("permit made before 1970", "a negative time", "row"),
        changed("permit", permit, 6, 2**63).bad("permit without an end", "beyond 64 bits", "row"),
        changed("permit", permit, 7, -1).bad("permit ended before 1970", "a negative time", "row"),
        changed("permit", permit, 7, False).bad("permit ended is a truth", "false", "row", "SeveranceError"),
        changed("credential", credential, 1, DIGEST[:31]).bad("short proof", "31 bytes", "row"),
        changed("credential", credential, 4, 5).bad("program is a number", "5", "row", "SeveranceError"),
        changed("credential", credential, 7, -1).bad("credential revoked before 1970", "a negative time", "row"),
        changed("token", token, 0, CREDENTIAL[:15]).bad("short token id", "15 bytes", "row"),
        changed("token", token, 1, DIGEST[:31]).bad("short proof of a token", "31 bytes", "row"),
        changed("token", token, 2, None).bad("token without a label", "nil", "row", "SeveranceError"),
        changed("token", token, 4, 2**63).bad("token without an end", "beyond 64 bits", "row"),
        changed("token", token, 5, -1).bad("token ended before 1970", "a negative time", "row"),
        elsewhere.seal().bad("permit under another id", "a credential's", "row id"),
        stray.seal().bad("permit under another owner", "that of credentials", "owner"),
        clock(-1).bad("clock before 1970", "a negative time", "row"),
        clock(2**63).bad("clock beyond 64 bits", "a time", "row"),
        clock(1, owner=owners["permit"]).bad("clock with an owner", "that of permits", "owner"),
        clock(1, 2).bad("clock with two times", "an extra field", "later version", newer),
        head(-1, DIGEST).bad("log of fewer entries than none", "a negative number", "row"),
        head(2**63, DIGEST).bad("log beyond 64 bits", "a number of entries", "row"),
        head(1, DIGEST[:31]).bad("short root", "31 bytes", "row"),
        head(1, DIGEST, owner=owners["permit"]).bad("head with an owner", "that of permits", "owner"),
    ]


def bad_alarms() -> list[Vector]:
    """Sinks, rules and canaries that whoever knows the root key could write, with a state that fits."""
    keys = Rows().keys
    sink, rule = ["hook", "webhook", ["https://a.example"], 10], [["damage"], ["hook"], False, 5, 600, 10_000, 60]

    def alarms(*fields: Any, owner: bytes | None = None) -> Rows:
        return small_chip().put_raw(keys.row_id("alarms"), owner, pack(["alarms", *fields])).seal()

    def canary(ids: Any) -> Rows:
        return small_chip().put_raw(keys.row_id("canary", INNIE), None, pack(["canary", ids])).seal()

    return [
        alarms([sink] * 21, [rule]).bad("too many sinks", "21", "row"),
        alarms([sink], [rule] * 101).bad("too many rules of alarms", "101", "row"),
        alarms([[*sink[:3], -1]], []).bad("fewer messages than none", "a negative number", "row"),
        alarms([], [[*rule[:3], 2**63, *rule[4:]]]).bad("times beyond 64 bits", "a number", "row"),
        alarms([], [[*rule[:2], 1, *rule[3:]]]).bad("names is a number", "1", "row", "SeveranceError"),
        alarms([sink], [rule], owner=keys.row_id("permits")).bad("alarms with an owner", "that of permits", "owner"),
        canary([CANARY[:14]]).bad("short id of a canary", "14 bytes", "row"),
        canary([CANARY] * 1_001).bad("too many canaries", "1,001", "row"),
    ]


def bad_thresholds() -> list[Vector]:
    """Rules, limits, turns and times awake that whoever knows the root key could write, with a state that fits."""
    keys, newer = Rows().keys, "NewerVersionError"
    floor = keys.row_id("place", "floor")

    def rules(rules: Any) -> Rows:
        chip = small_chip().put(PlaceRow("floor"))
        return chip.put_raw(keys.row_id("wake", "floor", "mark"), floor, pack(["wake", "floor", "mark", rules])).seal()

    def of_subject(kind: str, *fields: Any, owner: bytes | None = None) -> Rows:
        return small_chip().put_raw(keys.row_id(kind, "mark"), owner, pack([kind, "mark", *fields])).seal()

    def awake(days: Any) -> Rows:
        return small_chip().put_raw(keys.row_id("awake", INNIE), None, pack(["awake", days])).seal()

    any_error = "SeveranceError"
    return [
        rules([]).bad("no rule", "an empty array", "row"),
        rules([["innie", {}]] * 101).bad("too many rules", "101", "row"),
        rules("innie").bad("a name for rules", "the persona's", "row", any_error),
        rules([["innie", {"mood": ["dread"]}]]).bad("unknown condition", "a later one", "row", any_error),
        rules([["innie", {"host": []}]]).bad("condition without a value", "of a host", "row"),
        rules([["innie", {"host": "laptop"}]]).bad("value not in an array", "of a host", "row", any_error),
        rules([["innie", {}], ["outie", {}]]).bad("a rule wakes nobody", "the second", "persona"),
        of_subject("limits", True, "UTC", {"innie": 0}).bad("budget of nothing", "0 seconds", "row"),
        of_subject("limits", True, "UTC", {"innie": 86_401}).bad("budget beyond a day", "86,401 seconds", "row"),
        of_subject("limits", 1, "UTC", {}).bad("exclusive is a number", "1", "row", any_error),
        of_subject("limits", True, "UTC", {}, owner=floor).bad("limits with an owner", "a place", "owner"),
        of_subject("turn", -1).bad("negative turn", "-1", "row"),
        of_subject("turn", 1, 2).bad("turn with two numbers", "an extra field", "later version", newer),
        awake([[2, 5], [1, 5]]).bad("days descend", "the second is before the first", "row"),
        awake([[day, 5] for day in range(8)]).bad("too many days", "8", "row"),
        awake([[1, -5]]).bad("negative time awake", "on a day", "row"),
    ]


def bad_overrides() -> list[Vector]:
    """Rows about overrides that whoever knows the root key could write, with a state that fits."""
    keys = Rows().keys
    key, pair = ["irving", fixed("override key", 64), 5], [PERMIT, CREDENTIAL, bytes(48), bytes(80), bytes(80)]
    pair[:2] = sorted(pair[:2])
    override = [PERMIT, b"request", [], None, None, None, ""]
    notice = [PERMIT, "irving", "why", 5, 6, None, False, False]

    def one(kind: str, content: Any, *parts: bytes) -> Rows:
        return small_chip().put_raw(keys.row_id(kind, *parts), None, pack([kind, content])).seal()

    def changed(at: int, value: Any, *, owner: str = "overrides", of: bytes = PERMIT) -> Rows:
        fields = [*override[:at], value, *override[at + 1 :]]
        wanted = keys.row_id("override", fields[0] if at == 0 else of)
        return small_chip().put_raw(wanted, keys.row_id(owner), pack(["override", *fields])).seal()

    def with_(row: list[Any], at: int, value: Any) -> list[Any]:
        return [*row[:at], value, *row[at + 1 :]]

    many = [[f"{n}", fixed(f"override key {n}", 64), 5] for n in range(9)]
    return [
        one("approvers", many).bad("nine override keys", "one too many", "row"),
        one("approvers", [key, with_(key, 0, "burt")]).bad("override key registered twice", "under two names", "row"),
        one("approvers", [key, with_(key, 1, bytes(64))]).bad("name of two override keys", "irving", "row"),
        one("approvers", [with_(key, 1, bytes(63))]).bad("short override key", "63 bytes", "row"),
        one("escrow", [[pair[1], pair[0], *pair[2:]]], INNIE).bad("pair out of order", "the ids", "row"),
        one("escrow", [pair, pair], INNIE).bad("pair twice", "the same", "row"),
        one("escrow", [with_(pair, 3, bytes(79))], INNIE).bad("short box", "79 bytes", "row"),
        one("escrow", [with_(pair, 2, bytes(47))], INNIE).bad("short wrap", "47 bytes", "row"),
        changed(0, PERMIT[:15]).bad("short override id", "15 bytes", "row"),
        changed(2, [[PERMIT[:15], "burt", True, b""]]).bad("short id of an answer", "15 bytes", "row"),
        changed(3, -1).bad("override used before 1970", "a negative time", "row"),
        changed(1, b"", of=CREDENTIAL).bad("override under another id", "a credential's", "row id"),
        changed(1, b"", owner="permits").bad("override under another owner", "that of permits", "owner"),
        one("notices", [with_(notice, 0, b"")], INNIE).bad("short id of a notice", "empty", "row"),
        one("notices", [with_(notice, 4, -1)], INNIE).bad("notice before 1970", "a negative time", "row"),
    ]


def bad_names() -> list[Vector]:
    """Rows that do not belong together, with a state that fits."""
    shared = small_chip().put(PersonaRow("mark", "outie", INNIE, 1)).seal()
    orphan = small_chip().put(KeyRow(OUTIE_KEY), OUTIE).seal()
    keyless = small_chip(key=False).seal()
    stray = small_chip().put(PlaceRow("floor")).put(WakeRow("floor", "mark", (RuleForm("outie"),))).seal()
    nowhere = small_chip().put(WakeRow("floor", "mark", (RuleForm("innie"),))).seal()
    decomposed = small_chip().put(SubjectRow("he\u0301lly")).seal()
    epoch = small_chip(persona=False).put(PersonaRow("mark", "innie", INNIE, 2**32)).seal()
    stranger = small_chip().put(AnchorRow(1, 5, DIGEST), OUTIE).seal()
    another = small_chip(anchor=False).put(AnchorRow(2, 5, DIGEST), INNIE).seal()
    return [
        small_chip(subject=False).seal().bad("no subject", "of a persona", "subject"),
        keyless.bad("no key", "of a persona", "key", "SeveranceError"),
        shared.bad("shared space", "two personas with one space", "space"),
        small_chip(anchor=False).seal().bad("no anchor", "of a persona", "anchor"),
        another.bad("anchor of another epoch", "than its persona", "anchor"),
        orphan.bad("key of no persona", "an orphan", "row id"),
        stranger.bad("anchor of no persona", "an orphan", "row id"),
        stray.bad("wakes nobody", "the persona does not exist", "persona"),
        nowhere.bad("wakes nowhere", "the place does not exist", "place"),
        small_chip().put(SubjectRow("")).seal().bad("empty name", "of a subject", "row"),
        decomposed.bad("decomposed name", "of a subject: not in NFC", "row"),
        epoch.bad("epoch beyond 32 bits", "of a persona", "row"),
        small_chip(INNIE[:15]).seal().bad("short space id", "15 bytes", "row"),
    ]
