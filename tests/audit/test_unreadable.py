"""What could not be read again is not sealed; and a log that has such an entry even so stays readable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from kit import change, make_house, open_house
from severance.audit import events
from severance.audit.auditlog import AuditKeys, AuditLog, Signature
from severance.audit.events import UNREADABLE, Happened, Source, Unreadable, What, source_of
from severance.audit.export import verified
from severance.audit.log import LogFile
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.errors import DamagedError, InputError
from severance.model import MAX_NAME_CHARS, Plain
from severance.transfer import FORMATS

STORE = bytes(range(16))
KEYS = AuditKeys(b"s" * 32, b"c" * 32)
MARK = {"subject": "mark", "persona": "innie", "place": "floor"}
TOO_LARGE = {"n": 2**64 - 1}


@pytest.fixture
def book(folder: Path, clock: StillClock) -> Iterator[AuditLog]:
    signature = Signature(STORE, KEYS.sign, clock.now)
    log = LogFile.create(folder / "audit.db", STORE, signature)
    with closing(AuditLog(log, KEYS, clock, ScopedEntropy(b"book"))) as made:
        yield made


BAD: dict[str, list[Any]] = {
    "at": [2**62, -(2**62), 2**64, 1.5, None],
    "what": ["x" * 1_001, None, 7, "\ud800"],
    "subject": ["", "x" * (MAX_NAME_CHARS + 1), 7, "\udfff"],
    "persona": ["", "x" * (MAX_NAME_CHARS + 1), True],
    "place": ["", "x" * (MAX_NAME_CHARS + 1), b"floor"],
    "id": ["x" * 1_001, 3],
    "detail": [
        TOO_LARGE,
        {"n": 2**63},
        {"n": -(2**63) - 1},
        {"n": 2**64},
        {"n": 1.5},
        {"n": None},
        {"n": [1]},
        {"n": "x" * 1_001},
        {"n": "\ud800"},
        {"x" * 1_001: 1},
        {7: 1},
        {f"n{n}": "x" * 900 for n in range(200)},
        {str(n): "\1" * 900 for n in range(4)},
        None,
        "text",
    ],
    "before": [-1, 2**64, "x"],
}


def test_every_field_is_tried() -> None:
    assert BAD.keys() == set(Happened.__struct_fields__)


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_what_could_not_be_read_again_is_not_sealed(book: AuditLog, field: str, value: Any) -> None:
    book.tell(What.CROSSED, **MARK)
    event = Happened(**{"at": 1, "what": "exported", **MARK, field: value})
    with pytest.raises(InputError, match="the audit log does not take this entry"):
        events.sealed(event, book._key, 1, ScopedEntropy(b"x"))
    if field not in ("at", "what", "before"):
        with pytest.raises(InputError, match="does not take"):
            book.tell(What.EXPORTED, **{**MARK, field: value})
    book.tell(What.SLEPT, **MARK)
    assert [event.what for _, event in book.events()] == ["crossed", "slept"], "nothing was added, and it goes on"
    book.verify()


def test_the_largest_of_everything_is_sealed_and_fits_into_an_export(book: AuditLog) -> None:
    names = dict.fromkeys(MARK, "🐐" * MAX_NAME_CHARS)
    told = {**names, "id": "x" * 1_000, "detail": {"n": 2**63 - 1, "m": -(2**63), "w": "\U0001f410" * 1_000, "b": True}}
    book.tell(What.OVERRIDE_USED, **told)
    ((_, event),) = book.events()
    assert {name: getattr(event, name) for name in told} == told
    assert verified(book.exported(lambda _: True), book.verifier).entries == 1


def test_the_log_knows_the_formats_that_there_are() -> None:
    assert set(get_args(Source)) == FORMATS.keys()
    assert [source_of(name) for name in FORMATS] == list(FORMATS)
    with pytest.raises(InputError):
        source_of("whatever I like")


@pytest.fixture
def poisoned(book: AuditLog, monkeypatch: pytest.MonkeyPatch) -> AuditLog:
    """A log with an entry that an older version let through, between two of the same persona."""
    book.tell(What.CROSSED, **MARK)
    with monkeypatch.context() as patch:
        patch.setattr(events, "_encoded", lambda event: Plain(msgspec.msgpack.encode(event)))
        book.tell(What.EXPORTED, **MARK, detail=TOO_LARGE)
    book.tell(What.SLEPT, **MARK)
    return book


def test_an_entry_that_cannot_be_read_is_shown_as_that(poisoned: AuditLog, clock: StillClock) -> None:
    found = [event for _, event in poisoned.events()]
    assert [event.what for event in found] == ["crossed", UNREADABLE, "slept"]
    assert found[1] == Unreadable(at=clock.now(), what=UNREADABLE, was="exported", **MARK, before=0)
    assert [event.what for event in poisoned.own("mark", "innie", 10)] == ["crossed", UNREADABLE, "slept"]
    assert poisoned.verify().size == 3
    assert verified(poisoned.exported(lambda _: True), poisoned.verifier).entries == 3


LATER = [
    ["happened", 5, "crossed", "mark", "innie", "floor", None, {}, 0, "one field more"],
    ["happened", 5, "crossed", "mark", "innie", "floor", None, {"a": 1.5}, 0],
    ["happened", "soon", 7, "mark", "innie", "floor", None, {}, 0],
    ["happened"],
    ["happened2", 5],
    {"happened": 5},
    [],
    7,
]


@pytest.mark.parametrize("said", [*LATER, b""])
def test_whatever_is_sealed_stops_nothing(book: AuditLog, monkeypatch: pytest.MonkeyPatch, said: Any) -> None:
    book.tell(What.CROSSED, **MARK)
    with monkeypatch.context() as patch:
        raw = said if isinstance(said, bytes) else msgspec.msgpack.encode(said)
        patch.setattr(events, "_encoded", lambda event: Plain(raw))
        book.tell(What.CROSSED, **MARK)
    book.tell(What.SLEPT, **MARK)
    assert [event.what for _, event in book.events()] == ["crossed", UNREADABLE, "slept"]
    assert [event.what for event in book.own("mark", "innie", 10)][-2:] == [UNREADABLE, "slept"]
    assert book.verify().size == 3
    assert verified(book.exported(lambda _: True), book.verifier).entries == 3


def test_an_entry_that_does_not_authenticate_is_damage_even_so(poisoned: AuditLog, folder: Path) -> None:
    poisoned.close()
    change(folder / "audit.db", "UPDATE entries SET frame = (SELECT frame FROM entries WHERE n = 0) WHERE n = 1")
    with closing(LogFile.open(folder / "audit.db")) as log, pytest.raises(DamagedError):
        list(AuditLog(log, KEYS, StillClock(), ScopedEntropy(b"x")).events())


def test_a_chain_is_still_held_after_an_entry_that_says_nothing(
    poisoned: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(events, "_encoded", lambda event: Plain(b"\x07"))
        poisoned.tell(What.DAMAGE)
    tail = next(iter(poisoned._log.instant().tails))
    frame = events.sealed_tail(0, poisoned._key, tail, ScopedEntropy(b"x"))
    poisoned._log._connection.change(lambda raw: raw.execute("UPDATE tails SET frame = ?", (frame,)))
    with pytest.raises(DamagedError, match="all of its own entries"):
        poisoned.verify()


def test_a_store_whose_log_has_one_opens_and_revokes_again(
    folder: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_house(folder, clock=clock) as house:
        house.permit("mark", "floor", rights=["recall"], until="2025-01-01")
        chip = {file: file.read_bytes() for file in (folder / "store").glob("chip.db*")}
        with monkeypatch.context() as patch:
            patch.setattr(events, "_encoded", lambda event: Plain(msgspec.msgpack.encode(event)))
            audit: Any = house._audit
            audit.tell(What.IMPORTED, **MARK, detail=TOO_LARGE)
            known = house.permits()[0].id
            audit.tell(What.PERMIT_REVOKED, **MARK, id=known, detail=TOO_LARGE)
    for file, raw in chip.items():
        file.write_bytes(raw)
    with open_house(folder / "store", clock=clock) as house:
        assert house.permits()[0].ended is not None
        assert [event.what for event in house.events()].count(UNREADABLE) == 2
        assert [event.what for event in house.events(what=UNREADABLE)] == [UNREADABLE] * 2
        house.verify_audit()
        with house.cross("mark", "floor") as innie:
            assert UNREADABLE in [event.what for event in innie.events()]
