"""An export of the log: verified by anybody, without a key, and nothing in it can be otherwise than in the log."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from severance.audit.auditlog import AuditKeys, AuditLog, Signature
from severance.audit.events import What
from severance.audit.export import MOST_LINE, verified
from severance.audit.log import LogFile
from severance.barrier.traces.ports import ScopedEntropy, StillClock
from severance.errors import DamagedError, InputError, NewerVersionError

STORE = bytes(range(16))
KEYS = AuditKeys(b"s" * 32, b"c" * 32)


def made(path: Path, *, store: bytes = STORE, keys: AuditKeys = KEYS, seed: bytes = b"book") -> AuditLog:
    clock = StillClock()
    signature = Signature(store, keys.sign, clock.now)
    return AuditLog(LogFile.create(path, store, signature), keys, clock, ScopedEntropy(seed))


def fill(log: AuditLog, count: int) -> None:
    for number in range(count):
        log.tell(What.CROSSED, subject="mark", persona="innie", place=f"floor {number}", detail={"number": number})


@pytest.fixture
def log(folder: Path) -> Iterator[AuditLog]:
    with closing(made(folder / "audit.db")) as book:
        fill(book, 11)
        yield book


def lines_of(log: AuditLog, *numbers: int) -> list[bytes]:
    """An export of these entries, or of all."""
    return list(log.exported(lambda event: not numbers or event.detail["number"] in numbers))


def altered(lines: list[bytes], which: int, **changes: Any) -> list[bytes]:
    found = json.loads(lines[which])
    found.update(changes)
    return [
        *lines[:which],
        json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode() + b"\n",
        *lines[which + 1 :],
    ]


def test_a_whole_log_is_verified(log: AuditLog) -> None:
    found = verified(lines_of(log), log.verifier)
    assert (found.entries, found.checkpoint) == (11, log.checkpoint()[0])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 16, 31])
def test_logs_of_every_shape_are_verified(folder: Path, count: int) -> None:
    with closing(made(folder / "audit.db")) as log:
        fill(log, count)
        assert verified(lines_of(log)).entries == count


def test_a_log_without_entries_is_verified(folder: Path) -> None:
    with closing(made(folder / "audit.db")) as log:
        assert verified(lines_of(log)).entries == 0


@pytest.mark.parametrize("numbers", [(0,), (10,), (3, 4), (0, 5, 10)])
def test_a_part_of_a_log_is_verified(log: AuditLog, numbers: tuple[int, ...]) -> None:
    found = verified(lines_of(log, *numbers), log.verifier)
    assert (found.entries, found.checkpoint.size) == (len(numbers), 11)


def test_what_is_told_later_is_not_in_it_and_takes_nothing_from_it(log: AuditLog) -> None:
    lines = lines_of(log)
    fill(log, 5)
    assert verified(lines, log.verifier).entries == 11


def test_it_says_what_the_entries_say(log: AuditLog) -> None:
    third = json.loads(lines_of(log)[3])
    assert {name: third[name] for name in ("number", "what", "subject", "persona", "place", "id", "detail")} == {
        "number": 2,
        "what": "crossed",
        "subject": "mark",
        "persona": "innie",
        "place": "floor 2",
        "id": None,
        "detail": {"number": 2},
    }


def test_a_line_has_the_bytes_that_the_page_says(folder: Path) -> None:
    with closing(made(folder / "audit.db")) as log:
        log.tell(What.CROSSED, subject='m\u00e4rk "o"', persona="\u8bb0\u5fc6", place="a\\b", detail={"number": 1})
        lines = lines_of(log)
    assert [altered(lines, which) for which in (0, 1)] == [lines, lines], "compact JSON in UTF-8"
    first, second = (list(json.loads(line)) for line in lines)
    assert first == ["kind", "format", "verifier", "checkpoint"]
    assert second[:5] == ["number", "at", "what", "subject", "persona"]
    assert second[5:] == ["place", "id", "detail", "frame", "opens", "proof"]


def test_what_opens_one_entry_opens_no_other(log: AuditLog) -> None:
    lines = lines_of(log)
    other = json.loads(lines[4])["opens"]
    with pytest.raises(DamagedError, match="entry 2 "):
        verified(altered(lines, 3, opens=other), log.verifier)
    opens = [base64.b64decode(json.loads(line)["opens"]) for line in lines[1:]]
    assert len({*opens}) == len(opens)
    assert not [raw for raw in opens if KEYS.seal in raw]


SAID: list[dict[str, Any]] = [
    {"at": 1},
    {"what": "slept"},
    {"subject": None},
    {"persona": "outie"},
    {"place": "home"},
    {"id": "00"},
    {"detail": {}},
    {"detail": {"number": 3}},
]


@pytest.mark.parametrize("change", SAID, ids=lambda change: str(*change))
def test_an_entry_that_says_something_else_is_noticed(log: AuditLog, change: dict[str, Any]) -> None:
    with pytest.raises(DamagedError, match="entry 2 of the export does not say what is in the log"):
        verified(altered(lines_of(log), 3, **change), log.verifier)


def in_place(lines: list[bytes], which: int, old: bytes, new: bytes) -> list[bytes]:
    """The same with some bytes of a line replaced by others."""
    assert lines[which].count(old) == 1
    return [*lines[:which], lines[which].replace(old, new), *lines[which + 1 :]]


SAME_VALUES = [
    (b'"number":1}', b'"number":true}'),
    (b'{"number":', b'{"subject":"somebody","number":'),
    (b'"detail":{"number":1}', b'"detail":{"number":7,"number":1}'),
    (b'"mark"', b'"\\u006dark"'),
    (b'"id":null', b'"id": null'),
    (b"]}\n", b"]}\r\n"),
    (b'"number":1,"at"', b'"number":1.0,"at"'),
]


@pytest.mark.parametrize(("old", "new"), SAME_VALUES, ids=lambda part: str(part))
def test_an_entry_that_only_reads_as_the_same_is_noticed(log: AuditLog, old: bytes, new: bytes) -> None:
    if old == b'{"number":':
        lines = lines_of(log)
        lines[2] = lines[2].replace(old, new, 1)
    else:
        lines = in_place(lines_of(log), 2, old, new)
    with pytest.raises(DamagedError):
        verified(lines, log.verifier)


def test_a_header_is_what_the_log_wrote(log: AuditLog, folder: Path) -> None:
    with closing(made(folder / "other.db", keys=AuditKeys(b"f" * 32, b"g" * 32))) as other:
        another = other.verifier.encode()
    lines, verifier = lines_of(log), log.verifier.encode()
    for old, new in (
        (verifier, another),
        (b'{"kind"', b'{"verifier":"%s","kind"' % another),
        (b'"format":1', b'"format": 1'),
        (b"}\n", b"}\r\n"),
        (b"}\n", b"}"),
    ):
        with pytest.raises(DamagedError, match="the first line of the export was altered"):
            verified(in_place(lines, 0, old, new), log.verifier)


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def twice(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[-1]]


def renumbered(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, number=5)


def past_the_end(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 11, number=11)


def with_the_proof_of_another(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, proof=json.loads(lines[4])["proof"])


def without_a_proof(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, proof=[])


def with_another_frame(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, frame=json.loads(lines[4])["frame"])


def with_a_bit_turned(lines: list[bytes]) -> list[bytes]:
    frame = bytearray(base64.b64decode(json.loads(lines[3])["frame"]))
    frame[200] ^= 1
    return altered(lines, 3, frame=base64.b64encode(frame).decode())


def with_a_short_frame(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, frame="AQEE")


def with_more_in_a_line(lines: list[bytes]) -> list[bytes]:
    return altered(lines, 3, more="of something")


def cut_in_a_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1][:-40]]


def with_a_long_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1].rstrip(b"\n") + b" " * MOST_LINE + b"\n"]


def with_another_checkpoint(lines: list[bytes]) -> list[bytes]:
    note = json.loads(lines[0])["checkpoint"]
    return altered(lines, 0, checkpoint=note.replace("\n11\n", "\n12\n"))


ALTERED = [
    *(swapped, twice, renumbered, past_the_end, with_the_proof_of_another, without_a_proof, with_another_frame),
    *(with_a_bit_turned, with_a_short_frame, with_more_in_a_line, cut_in_a_line, with_a_long_line),
    with_another_checkpoint,
]


@pytest.mark.parametrize("alter", ALTERED)
def test_an_altered_export_is_noticed(log: AuditLog, alter: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = lines_of(log)
    verified(lines, log.verifier)  # the control
    with pytest.raises(DamagedError):
        verified(alter(lines), log.verifier)


def test_an_export_that_somebody_made_is_noticed_by_whoever_knows_the_key(log: AuditLog, folder: Path) -> None:
    forger = AuditKeys(b"f" * 32, b"g" * 32)
    with closing(made(folder / "forged.db", keys=forger)) as forged:
        fill(forged, 3)
        lines = lines_of(forged)
    assert verified(lines).verifier != log.verifier, "by itself it is whole, and says whose it is"
    with pytest.raises(DamagedError, match="not signed"):
        verified(lines, log.verifier)


def test_an_export_of_another_log_is_noticed(log: AuditLog, folder: Path) -> None:
    with closing(made(folder / "other.db", store=b"o" * 16)) as other:
        fill(other, 3)
        lines = lines_of(other)
    with pytest.raises(DamagedError, match="another log"):
        verified(lines, log.verifier)
    with pytest.raises(DamagedError, match="entry 0"):
        verified([lines_of(log)[0], *lines[1:]], log.verifier)


@pytest.mark.parametrize(
    "first", [b"", b"{}\n", b"[1]\n", b"\xff\n", b"{" * 100_000, b'{"kind": "severance audit", "format": 1}\n']
)
def test_what_is_no_export_is_refused(log: AuditLog, first: bytes) -> None:
    with pytest.raises(InputError, match="no export"):
        verified([first, *lines_of(log)[1:]])


def test_a_later_format_and_a_key_that_is_none_are_refused(log: AuditLog) -> None:
    with pytest.raises(NewerVersionError):
        verified(altered(lines_of(log), 0, format=2))
    with pytest.raises(InputError, match="verifier key"):
        verified(lines_of(log), "nothing")
