"""The log of a house: what is told is read back, sealed on disk, and cut or rewritten logs are noticed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from kit import change
from severance.audit.auditlog import HEAD_EVERY, AuditKeys, AuditLog, Signature
from severance.audit.events import Happened, What, tail_of
from severance.audit.log import LogFile
from severance.audit.proofs import EMPTY_ROOT, includes, leaf_hash
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.errors import DamagedError

STORE = bytes(range(16))
KEYS = AuditKeys(b"s" * 32, b"c" * 32)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "audit.db"


def made(path: Path, clock: StillClock) -> AuditLog:
    signature = Signature(STORE, KEYS.sign, clock.now)
    return AuditLog(LogFile.create(path, STORE, signature), KEYS, clock, ScopedEntropy(b"book"))


def reopened(path: Path, keys: AuditKeys = KEYS) -> AuditLog:
    return AuditLog(LogFile.open(path), keys, StillClock(), ScopedEntropy(b"again"))


@pytest.fixture
def book(path: Path, clock: StillClock) -> Iterator[AuditLog]:
    with closing(made(path, clock)) as log:
        yield log


def fill(book: AuditLog, count: int) -> None:
    for number in range(count):
        book.tell(What.CROSSED, subject="mark", persona="innie", place="floor", detail={"number": number})


def test_what_is_told_is_read(book: AuditLog, clock: StillClock) -> None:
    book.tell(What.SEVERED, subject="mark", persona="innie")
    book.tell(What.REFUSED, detail={"why": "ended", "times": 3, "open": False})
    assert list(book.events()) == [
        (0, Happened(at=clock.now(), what="severed", subject="mark", persona="innie")),
        (1, Happened(at=clock.now(), what="refused", detail={"why": "ended", "times": 3, "open": False})),
    ]
    assert [number for number, _ in book.events(1)] == [1]
    assert book.verify().size == 2


def test_an_empty_log_verifies(book: AuditLog) -> None:
    assert (book.verify().size, book.verify().root) == (0, EMPTY_ROOT)


def test_no_name_is_in_the_file_and_entries_look_alike(book: AuditLog, path: Path) -> None:
    book.tell(What.SEVERED, subject="mark scout", persona="innie", place="the severed floor")
    book.tell(What.REFUSED)
    raw = path.read_bytes() + Path(f"{path}-wal").read_bytes()
    assert not any(word in raw for word in (b"mark", b"innie", b"severed floor", b"refused"))
    assert len({len(frame) for frame in book._log.entries(0, 2)}) == 1


def test_an_entry_is_shown_to_be_in_the_log(book: AuditLog) -> None:
    fill(book, 9)
    checkpoint, _ = book.checkpoint()
    frame = list(book._log.entries(0, 9))[4]
    assert includes(checkpoint.root, 9, 4, leaf_hash(frame), book.inclusion(4, 9))


def test_a_log_goes_on_from_every_checkpoint_it_had(book: AuditLog) -> None:
    kept = []
    for _ in range(12):
        kept.append(book.checkpoint()[1])
        fill(book, 1)
    assert [book.goes_on_from(note).size for note in kept] == list(range(12))


def test_a_log_that_was_cut_is_noticed_by_a_witness(
    book: AuditLog, path: Path, folder: Path, clock: StillClock
) -> None:
    fill(book, 5)
    book.close()
    shutil.copy(path, folder / "old.db")
    with closing(reopened(path)) as later:
        fill(later, 3)
        note = later.checkpoint()[1]
    with closing(reopened(folder / "old.db")) as old:
        assert old.verify().size == 5, "by itself it is whole"
        with pytest.raises(DamagedError, match="was cut: a witness has seen 8 entries, and 5 are there"):
            old.goes_on_from(note)


def test_a_log_that_was_written_anew_is_noticed_by_a_witness(book: AuditLog, folder: Path, clock: StillClock) -> None:
    fill(book, 5)
    note = book.checkpoint()[1]
    with closing(made(folder / "anew.db", clock)) as anew:
        for _ in range(9):
            anew.tell(What.SLEPT)
        assert anew.verify().size == 9
        with pytest.raises(DamagedError, match="rewritten: its first 5 entries"):
            anew.goes_on_from(note)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entries WHERE n = 4",
        "DELETE FROM entries WHERE n = 2",
        "UPDATE entries SET frame = (SELECT frame FROM entries WHERE n = 0) WHERE n = 1",
        "INSERT INTO entries SELECT 5, frame FROM entries WHERE n = 1",
        "UPDATE meta SET value = zeroblob(300) WHERE name = 'checkpoint'",
        "UPDATE tails SET frame = (SELECT frame FROM entries WHERE n = 0)",
        "DELETE FROM tails",
        "INSERT INTO tails SELECT zeroblob(16), frame FROM tails",
    ],
)
def test_an_altered_log_is_noticed_by_itself(book: AuditLog, path: Path, statement: str) -> None:
    fill(book, 5)
    book.close()
    change(path, statement)
    with closing(reopened(path)) as altered:
        with pytest.raises(DamagedError):
            altered.verify()
        with suppress(DamagedError):
            altered.tell(What.SLEPT)
        with pytest.raises(DamagedError):
            altered.verify()


def test_another_key_reads_nothing(book: AuditLog, path: Path) -> None:
    fill(book, 1)
    book.close()
    with closing(reopened(path, AuditKeys(b"x" * 32, KEYS.sign))) as other, pytest.raises(DamagedError):
        list(other.events())
    with closing(reopened(path, AuditKeys(KEYS.seal, b"x" * 32))) as other, pytest.raises(DamagedError, match="signed"):
        other.verify()


def test_keys_do_not_show() -> None:
    assert repr(KEYS) == "AuditKeys()"


# --- What a persona is shown ------------------------------------------------------------------------------------------

MARK = ("mark", "innie")


def places(book: AuditLog, subject: str, persona: str, limit: int = 100) -> list[str | None]:
    return [event.place for event in book.own(subject, persona, limit)]


def wander(book: AuditLog) -> None:
    """Three personas, of which two have one name, and what concerns nobody, one after the other."""
    for number in range(4):
        book.tell(What.CROSSED, subject="mark", persona="innie", place=f"m{number}")
        book.tell_all(
            What.CROSSED,
            [
                {"subject": "helly", "persona": "innie", "place": f"h{number}"},
                {"subject": "mark", "persona": "outie", "place": f"o{number}"},
            ],
        )
        book.tell(What.REFUSED, subject="mark", place="nowhere")
        book.tell(What.BACKED_UP)


def test_a_persona_is_shown_its_own_entries_in_their_order(book: AuditLog) -> None:
    wander(book)
    assert places(book, *MARK) == ["m0", "m1", "m2", "m3"]
    assert places(book, "helly", "innie") == ["h0", "h1", "h2", "h3"]
    assert places(book, *MARK, 2) == ["m2", "m3"], "the last ones"
    assert places(book, "nobody", "innie") == []
    assert places(book, "markinnie", "") == places(book, "", "markinnie") == [], "names do not run together"
    book.verify()


def test_what_the_owner_looks_for_is_not_shown(book: AuditLog) -> None:
    own = ["severed", "placed", "crossed", "slept", "permit.made", "permit.revoked", "exported", "imported"]
    for what in (*own, "override.used", "canary", "damage", "refused", "restored", "something later"):
        book.tell(what, subject="mark", persona="innie")  # type: ignore[arg-type] - a later version's words too
    assert [event.what for event in book.own(*MARK, 100)] == [*own, "override.used"]
    book.verify()


def test_what_it_takes_to_read_them_does_not_depend_on_others(book: AuditLog) -> None:
    wander(book)
    asked = list[str]()
    raw = book._log._connection.live()
    raw.set_trace_callback(asked.append)
    few = places(book, *MARK)
    before, asked[:] = len(asked), []
    raw.set_trace_callback(None)
    for number in range(200):
        book.tell(What.CROSSED, subject="helly", persona="innie", place=f"{number}")
    raw.set_trace_callback(asked.append)
    assert places(book, *MARK) == few
    assert len(asked) == before > len(few), "and the control"


def test_a_part_of_the_log_that_is_put_back_is_noticed(book: AuditLog, path: Path) -> None:
    wander(book)
    (tail,) = [each for each, frame in book._log.instant().tails.items() if each == _tail(book)]
    frame = book._log.instant().tails[tail]
    book.tell(What.SLEPT, subject="mark", persona="innie")
    book.close()
    change(path, f"UPDATE tails SET frame = x'{frame.hex()}' WHERE id = x'{tail.hex()}'")
    with closing(reopened(path)) as altered:
        with pytest.raises(DamagedError, match="all of its own entries"):
            altered.verify()
        altered.tell(What.CROSSED, subject="mark", persona="innie")
        with pytest.raises(DamagedError, match="all of its own entries"):
            altered.verify()


def test_the_end_of_one_chain_is_not_that_of_another(book: AuditLog, path: Path) -> None:
    wander(book)
    tails = book._log.instant().tails
    mine, other = _tail(book), next(each for each in tails if each != _tail(book))
    book.close()
    change(path, f"UPDATE tails SET frame = x'{tails[other].hex()}' WHERE id = x'{mine.hex()}'")
    with closing(reopened(path)) as altered, pytest.raises(DamagedError, match="where the entries of a persona end"):
        altered.own(*MARK, 100)


def test_ids_of_chains_tell_nothing_without_the_key(book: AuditLog, folder: Path, clock: StillClock) -> None:
    wander(book)
    other = AuditLog(book._log, AuditKeys(b"o" * 32, KEYS.sign), clock, ScopedEntropy(b"x"))
    assert _tail(other) != _tail(book)


def _tail(book: AuditLog) -> bytes:
    return tail_of(book._key, *MARK)


# --- The head ---------------------------------------------------------------------------------------------------------


def test_a_log_holds_what_was_remembered_of_it_and_nothing_else(book: AuditLog) -> None:
    heads = [(0, EMPTY_ROOT)]
    for _ in range(9):
        fill(book, 1)
        checkpoint, _ = book.checkpoint()
        heads.append((checkpoint.size, checkpoint.root))
    for head in heads:
        book.holds(*head)
    with pytest.raises(DamagedError, match="was cut: the chip remembers 10 entries, and 9 are there"):
        book.holds(10, bytes(32))
    with pytest.raises(DamagedError, match="was rewritten: its first 5 entries"):
        book.holds(5, heads[6][1])


def test_the_head_is_told_after_so_many_entries_and_at_the_end(path: Path, clock: StillClock) -> None:
    made(path, clock).close()
    heads = list[int]()
    log = AuditLog(LogFile.open(path), KEYS, clock, ScopedEntropy(b"k"), lambda size, root: heads.append(size))
    fill(log, HEAD_EVERY - 1)
    assert heads == []
    fill(log, 2)
    assert heads == [HEAD_EVERY]
    log.close()
    assert heads == [HEAD_EVERY, HEAD_EVERY + 1]
    log.close()
    assert len(heads) == 2


def test_what_is_added_meanwhile_is_no_tampering(book: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        book.tell(What.CROSSED, subject="mark", persona="innie", place="floor")
    true = book._log.entries

    def entries(first: int, after: int) -> Any:
        book.tell(What.CROSSED, subject="mark", persona="innie", place="floor")
        return true(first, after)

    monkeypatch.setattr(book._log, "entries", entries)
    checkpoint, note = book.verified()
    assert (checkpoint.size, book.size()) == (3, 4)
    assert book.goes_on_from(note) == checkpoint


@pytest.mark.parametrize(
    "statement",
    ["UPDATE nodes SET hash = zeroblob(32) WHERE level = 1 AND n = 0", "INSERT INTO entries VALUES (-5, x'00')"],
)
def test_what_stands_over_the_entries_is_computed_anew(book: AuditLog, statement: str) -> None:
    for _ in range(5):
        book.tell(What.CROSSED, subject="mark", persona="innie", place="floor")
    book.verify()
    book._log._connection.change(lambda raw: raw.execute(statement))
    with pytest.raises(DamagedError):
        book.verify()
