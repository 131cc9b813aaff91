"""P5: ciphertext that was altered, swapped, moved, cut off or put back is refused, or changes nothing.

The store has two personas (see `severance.barrier.endurance.damage`). `make flips` flips every one of its bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from severance import DamagedError, RolledBackError, SeveranceError
from severance.barrier.endurance.alterations import (
    SET_BOTH,
    SET_FRAME,
    SET_HEAD,
    Edit,
    Rows,
    answers_after,
    cut_back,
    rows,
)
from severance.barrier.endurance.damage import (
    FILES,
    NOTICED,
    SOUND,
    WAKES,
    Answers,
    Bench,
    Outcome,
    ask,
    cuts,
    open_store,
    restore,
)
from severance.barrier.traces.ports import MEMORY
from severance.chip import chip as chip_module
from severance.chip.register import STATE_ID, AnchorRow, KeyRow, PersonaRow, PlaceRow, SubjectRow, WakeRow
from severance.records import Remembered, Repeated
from severance.space import Space

PLACES = tuple(WAKES)
OTHER = dict(zip(PLACES, reversed(PLACES), strict=True))


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with tempfile.TemporaryDirectory(prefix="damage-", dir=MEMORY) as folder:
        yield Bench(Path(folder))


class Log(Rows):
    """One persona's log as it is in the sound store.

    Attributes:
        about: the id of each current memory to the numbers of all records that it is made of.
    """

    def __init__(self, bench: Bench, place: str) -> None:
        super().__init__(bench, place)
        with open_store(bench.store) as house, house.cross("mark", place) as session:
            space = session._space
            assert isinstance(space, Space)
            events = space.again().read_on()
            current = {memory.id for memory in session.memories()}
        seqs: dict[bytes, set[int]] = {}
        for seq, event in events:
            if isinstance(event, Remembered):
                seqs[event.id] = {seq} | seqs.get(event.supersedes or b"", set())
            elif isinstance(event, Repeated):
                seqs[event.id].add(seq)
        self.about = {raw.hex(): found for raw, found in seqs.items() if raw.hex() in current}

    def intact(self, lost: set[int]) -> set[str]:
        """The ids of the memories that need none of the lost records."""
        return {memory for memory, seqs in self.about.items() if not seqs & lost}


@pytest.fixture(scope="module")
def logs(bench: Bench) -> dict[str, Log]:
    found = {place: Log(bench, place) for place in PLACES}
    bench.reset()
    return found


def refusal(answers: Answers, question: str) -> DamagedError:
    """The error in an answer, which names what it must."""
    error = answers[question]
    assert isinstance(error, DamagedError), error
    return error


def assert_named(answers: Answers, place: str, log: Log, first: int, last: int) -> None:
    """Crossing names the space and a record in the range, unless a snapshot stood in for it; `check` always does."""
    named = range(first, last + 1)
    findings = answers["check"]
    assert any(found.space == log.space.hex() and found.record in named for found in findings), findings
    if first > log.pictured:
        error = refusal(answers, f"cross {place}")
        assert (error.space, error.record in named) == (log.space.hex(), True), error
        assert log.space.hex() in str(error)
        assert str(error.record) in str(error)


def assert_saved(answers: Answers, logs: dict[str, Log], place: str, lost: set[int]) -> None:
    """`salvage` returns everything that needs none of the lost records."""
    saved = {memory.id for memory in answers["salvage"]}
    assert saved >= logs[place].intact(lost) | logs[OTHER[place]].intact(set())


# Bits and lengths


def test_the_store_is_the_smallest_that_sqlite_can_hold_it_in(bench: Bench) -> None:
    assert {name: len(content) for name, content in bench.built.files.items()} == {
        "vault.db": 49_152,
        "chip.db": 24_576,
    }
    assert bench.bits == 589_824


def test_a_flipped_bit_is_noticed_or_harmless(bench: Bench) -> None:
    outcomes = {bit: bench.flip(bit, short=True) for bit in range(0, bench.bits, 311)}
    assert faults(outcomes) == {}
    assert {outcome.kind for outcome in outcomes.values()} == set(SOUND)


def test_where_sqlite_says_the_same_the_answers_are_the_same(bench: Bench) -> None:
    # The short cut that the trials above take, held against the long way.
    for bit in range(0, bench.bits, 4_001):
        long, short = bench.flip(bit), bench.flip(bit, short=True)
        assert short.kind == long.kind, bit
        assert short == long or short.detail == "the same rows"


def header(bench: Bench, name: str) -> range:
    start = 0 if name == FILES[0] else len(bench.built.files[FILES[0]])
    return range(start * 8, (start + 100) * 8)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_of_a_header_is_noticed_or_harmless(bench: Bench, name: str) -> None:
    assert faults({bit: bench.flip(bit, short=True) for bit in header(bench, name)}) == {}


def test_any_flipped_bit_of_what_the_chip_says_in_the_clear_is_noticed_or_harmless(bench: Bench) -> None:
    # The second page holds `meta`: its header with the places of its rows, and the rows at its end.
    chip = bench.built.files["chip.db"]
    first = bench.bits // 8 - len(chip)
    places = [*range(4096, 4112), *range(chip.index(b"key{") - 8, chip.index(b"key{") + 8)]
    outcomes = {
        bit: bench.flip(bit, short=True) for at in places for bit in range((first + at) * 8, (first + at + 1) * 8)
    }
    assert faults(outcomes) == {}


def test_any_flipped_bit_of_a_frame_is_refused(bench: Bench, logs: dict[str, Log]) -> None:
    frame = logs["home"].rows[8][0]
    start = bench.built.files["vault.db"].index(frame)
    outcomes = {bit: bench.flip(bit, short=True) for bit in range(start * 8, (start + 120) * 8)}
    assert {outcome.kind for outcome in outcomes.values()} == {"refused"}


def test_a_file_cut_off_is_refused(bench: Bench) -> None:
    every = cuts(bench.built.files)
    pages = [(name, length) for name, length in every if length % 4096 == 0]
    outcomes = {cut: bench.cut(*cut) for cut in pages + every[::61]}
    assert faults(outcomes) == {}
    assert outcomes["vault.db", 0].kind == outcomes["chip.db", 0].kind == "refused"


def faults(outcomes: dict[Any, Outcome]) -> dict[Any, Outcome]:
    return {what: outcome for what, outcome in outcomes.items() if outcome.kind not in SOUND}


# Records


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["frames", "rows"])
def test_two_records_swapped_are_noticed(bench: Bench, logs: dict[str, Log], place: str, how: str) -> None:
    log = logs[place]
    for one, other in combinations(sorted(log.rows), 2):
        if log.rows[one][0] is None and (log.rows[other][0] is None or how == "frames"):
            continue  # nothing put where nothing was, or a frame that was erased
        edits: list[Edit] = []
        for seq, taken in ((one, other), (other, one)):
            frame, digest = log.rows[taken]
            edits.append(
                (SET_FRAME, frame, log.space, seq) if how == "frames" else (SET_BOTH, frame, digest, log.space, seq)
            )
        outcome, answers = answers_after(bench, edits)
        assert outcome.kind in NOTICED, (one, other, outcome)
        assert_named(answers, place, log, one, other + 1)
        lost = {one, other} if how == "frames" else {one, one + 1, other, other + 1}
        assert_saved(answers, logs, place, lost)


@pytest.mark.parametrize("place", PLACES)
def test_a_record_moved_to_another_space_is_refused(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log, other = logs[place], logs[OTHER[place]]
    for seq, (frame, digest) in other.rows.items():
        if frame is None:
            continue
        last = max(log.rows)
        target = min(seq, last)
        moves: list[list[Edit]] = [
            [(SET_FRAME, frame, log.space, target)],
            [(SET_BOTH, frame, digest, log.space, target)],
            [
                ("INSERT INTO records VALUES (?, ?, ?, ?)", log.space, last + 1, frame, digest),
                (SET_HEAD, last + 1, digest, log.space),
            ],
        ]
        if target == last:
            moves[1].append((SET_HEAD, last, digest, log.space))
        for at, edits in zip((target, target, last + 1), moves, strict=True):
            outcome, answers = answers_after(bench, edits)
            # How many records there are, `status` takes from the vault's own head, as its docstring says.
            assert outcome.kind in NOTICED or (at > last and outcome == ("wrong answer", "status")), (seq, outcome)
            assert_named(answers, place, log, at, at + 1)
            assert_saved(answers, logs, place, {at, at + 1})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("closed", [False, True], ids=["a gap", "closed up"])
def test_a_record_removed_is_noticed(bench: Bench, logs: dict[str, Log], place: str, closed: bool) -> None:
    log = logs[place]
    last = max(log.rows)
    for seq in log.rows:
        edits: list[Edit] = [("DELETE FROM records WHERE space = ? AND seq = ?", log.space, seq)]
        if closed:
            move = "UPDATE records SET seq = ? WHERE space = ? AND seq = ?"
            edits += [(move, later - 1, log.space, later) for later in range(seq + 1, last + 1)]
            digest = log.digest(last) if seq < last else log.digest(last - 1)
            edits.append((SET_HEAD, last - 1, digest, log.space))
        outcome, answers = answers_after(bench, edits)
        assert outcome.kind in NOTICED, (seq, outcome)
        assert any(found.space == log.space.hex() for found in answers["check"])
        assert_saved(answers, logs, place, set(range(seq, last + 1)) if closed else {seq, seq + 1})
        if not closed and log.pictured < seq < last:
            assert refusal(answers, f"cross {place}").record == seq


@pytest.mark.parametrize("place", PLACES)
def test_a_living_record_marked_as_erased_is_damage(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log = logs[place]
    erased = {seq for seq, (frame, _) in log.rows.items() if frame is None}
    for seq, (frame, _) in log.rows.items():
        if frame is not None:
            outcome, answers = answers_after(bench, [(SET_FRAME, None, log.space, seq)])
            assert outcome.kind == ("refused" if seq > log.pictured else "found by check"), (seq, outcome)
            # Without the record that said so, the first that it named is the first that nobody forgot.
            assert_named(answers, place, log, min(seq, *erased), seq)
            assert_saved(answers, logs, place, {seq})


@pytest.mark.parametrize("place", PLACES)
def test_an_altered_digest_is_noticed_and_takes_no_memory_along(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log = logs[place]
    for seq, (frame, digest) in log.rows.items():
        edit = ("UPDATE records SET digest = ? WHERE space = ? AND seq = ?", sha256(digest).digest(), log.space, seq)
        outcome, answers = answers_after(bench, [edit])
        if frame is None and log.rows[seq + 1][0] is None:
            assert outcome.kind == "harmless", "nothing is left that was bound to it"
            continue
        assert outcome.kind in NOTICED, (seq, outcome)
        assert_saved(answers, logs, place, set() if frame is not None else {seq + 1})


# Ends of logs, and earlier states


@pytest.mark.parametrize("place", PLACES)
def test_a_log_cut_below_the_anchor_is_rolled_back(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log, last = logs[place], bench.built.last[place]
    heads = {seq: log.digest(seq) for seq in range(last + 1)}
    for to in range(last):
        outcome, answers = answers_after(bench, cut_back(log, heads, to))
        assert outcome.kind == "refused", (to, outcome)
        error = refusal(answers, f"cross {place}")
        named = f"space {log.space.hex()}" in str(error)
        assert (type(error), error.space, error.record, named) == (RolledBackError, log.space.hex(), to, True)
        assert any(found.space == log.space.hex() for found in answers["check"])
        assert f"cross {OTHER[place]}" not in raised(answers)


@pytest.mark.parametrize("place", PLACES)
def test_a_log_cut_where_the_head_was_not_rewritten_is_refused(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log = logs[place]
    restore(bench.store, bench.built.unanchored)
    last = bench.built.last[place]
    longer = sorted(
        row[1] for row in rows(bench.store / "vault.db", "SELECT space, seq FROM records") if row[0] == log.space
    )
    assert longer[-1] == last + 3
    for to in longer[:-1]:
        restore(bench.store, bench.built.unanchored)
        _, answers = answers_after(bench, [("DELETE FROM records WHERE space = ? AND seq > ?", log.space, to)])
        assert refusal(answers, f"cross {place}").space == log.space.hex()


@pytest.mark.parametrize("place", PLACES)
def test_what_no_anchor_has_seen_can_be_cut_off_and_nothing_else(
    bench: Bench, logs: dict[str, Log], place: str
) -> None:
    # The threat model says so. What is left is the log as it once was, and never something in between.
    log, last = logs[place], bench.built.last[place]
    restore(bench.store, bench.built.unanchored)
    found = rows(bench.store / "vault.db", "SELECT space, seq, digest FROM records")
    heads = {seq: digest for space, seq, digest in found if space == log.space}
    for to in range(last, last + 4):
        restore(bench.store, bench.built.unanchored)
        edits = cut_back(log, heads, to)
        _, answers = answers_after(bench, edits if to < last + 3 else edits[1:])
        assert not raised(answers)
        before = bench.truth[f"memories {place}"]
        ends = [f"unheard of {number}" for number in range(to - last)]
        memories = answers[f"memories {place}"]
        assert sorted(memory.text for memory in memories) == sorted([*(memory.text for memory in before), *ends])


def raised(answers: Answers) -> dict[str, SeveranceError]:
    return {question: answer for question, answer in answers.items() if isinstance(answer, SeveranceError)}


def test_an_earlier_vault_beside_a_newer_chip_is_rolled_back(bench: Bench, logs: dict[str, Log]) -> None:
    (bench.store / "vault.db").write_bytes(bench.built.earlier["vault.db"])
    answers = ask(bench.store)
    bench.reset()
    error = refusal(answers, "cross floor")
    assert (type(error), error.space) == (RolledBackError, logs["floor"].space.hex())
    assert [found.space for found in answers["check"]] == [error.space]
    assert answers["memories home"] == bench.truth["memories home"], "nobody wrote there since"


def test_an_earlier_chip_beside_a_newer_vault_changes_nothing(bench: Bench) -> None:
    # Its anchors are older. Nothing is lost by that but the sight of what they had seen.
    (bench.store / "chip.db").write_bytes(bench.built.earlier["chip.db"])
    answers = ask(bench.store)
    bench.reset()
    assert bench.judge(answers).kind == "harmless"


# Snapshots


def snapshot_of(file: Path, space: bytes) -> tuple[tuple[Any, ...], list[bytes]]:
    (head,) = [row[1:] for row in rows(file, "SELECT space, seq, digest FROM snapshots") if row[0] == space]
    return head, [row[2] for row in rows(file, "SELECT space, n, frame FROM chunks ORDER BY n") if row[0] == space]


def put_snapshot(space: bytes, head: Sequence[Any], chunks: Sequence[bytes], *, over: bool = True) -> list[Edit]:
    edits: list[Edit] = []
    if over:
        edits += [("DELETE FROM chunks WHERE space = ?", space), ("DELETE FROM snapshots WHERE space = ?", space)]
    edits.append(("INSERT INTO snapshots VALUES (?, ?, ?, ?)", space, *head, len(chunks)))
    return edits + [("INSERT INTO chunks VALUES (?, ?, ?)", space, n, chunk) for n, chunk in enumerate(chunks)]


def test_an_older_snapshot_brings_nothing_back(bench: Bench, logs: dict[str, Log]) -> None:
    space = logs["floor"].space
    newer, _ = snapshot_of(bench.store / "vault.db", space)
    restore(bench.store, bench.built.earlier)
    older = snapshot_of(bench.store / "vault.db", space)
    bench.reset()
    assert 0 < older[0][0] < newer[0]
    outcome, _ = answers_after(bench, put_snapshot(space, *older))
    assert outcome.kind == "harmless", "the log since then says what was forgotten"
    outcome, _ = answers_after(bench, put_snapshot(space, newer, older[1]))
    assert outcome.kind == "refused", "and under a newer head it does not open"


def test_a_snapshot_of_another_space_is_refused(bench: Bench, logs: dict[str, Log]) -> None:
    head, chunks = snapshot_of(bench.store / "vault.db", logs["floor"].space)
    home = logs["home"]
    for at in (head, (8, home.digest(8)), (7, home.digest(7))):
        outcome, answers = answers_after(bench, put_snapshot(home.space, at, chunks, over=False))
        assert outcome.kind == "refused"
        assert refusal(answers, "cross home").space == home.space.hex()
        assert {memory.id for memory in answers["salvage"]} >= home.intact(set()), "the log is whole"


def test_a_snapshot_is_whole_or_refused(bench: Bench, logs: dict[str, Log]) -> None:
    log = logs["floor"]
    head, chunks = snapshot_of(bench.store / "vault.db", log.space)
    assert len(chunks) >= 3
    swaps = []
    for one, other in combinations(range(len(chunks)), 2):
        swapped = list(chunks)
        swapped[one], swapped[other] = chunks[other], chunks[one]
        swaps.append(swapped)
    altered = [
        put_snapshot(log.space, head, found) for found in (*swaps, chunks[:-1], chunks[1:], [*chunks, chunks[-1]])
    ]
    altered += [
        put_snapshot(log.space, (head[0] - 1, log.digest(head[0] - 1)), chunks),
        put_snapshot(log.space, (head[0] + 1, log.digest(head[0] + 1)), chunks),
        put_snapshot(log.space, (head[0], log.digest(head[0] - 1)), chunks),
        put_snapshot(log.space, (head[0] - 1, head[1]), chunks),
        put_snapshot(log.space, (99, head[1]), chunks),
        [("DELETE FROM chunks WHERE n = 1",)],
        [("DELETE FROM chunks WHERE space = ?", log.space)],
        [("UPDATE snapshots SET chunks = 0",), ("DELETE FROM chunks WHERE space = ?", log.space)],
    ]
    for edits in altered:
        outcome, answers = answers_after(bench, edits)
        assert outcome.kind == "refused", edits
        assert refusal(answers, "cross floor").space == log.space.hex()
        assert any(found.space == log.space.hex() for found in answers["check"])
        assert_saved(answers, logs, "floor", set())
    gone: list[Edit] = [("DELETE FROM chunks WHERE space = ?", log.space), ("DELETE FROM snapshots",)]
    assert answers_after(bench, gone)[0].kind == "harmless", "it is a cache"
    assert answers_after(bench, put_snapshot(log.space, head, chunks))[0].kind == "harmless"


# The chip


@pytest.fixture(scope="module")
def chip_rows(bench: Bench) -> dict[str, tuple[bytes, bytes | None, bytes]]:
    """The chip's rows under names of their own."""
    with open_store(bench.store) as house:
        keys, persona = house._chip._keys, house._chip.personas("mark")
        assert [each.name for each in persona] == ["innie", "outie"]
        named: dict[str, tuple[bytes, bytes | None]] = {"state": (STATE_ID, None)}
        named["subject"] = keys.identify(SubjectRow("mark"))
        for place, name in WAKES.items():
            space = bench.built.spaces[place]
            named[f"place {place}"] = keys.identify(PlaceRow(place))
            named[f"wake {place}"] = keys.identify(WakeRow(place, "mark", ""))
            named[f"persona {place}"] = keys.identify(PersonaRow("mark", name, b"", 0))
            named[f"key {place}"] = keys.identify(KeyRow(b""), space)
            named[f"anchor {place}"] = keys.identify(AnchorRow(0, 0, b""), space)
    raw = {row[0]: row for row in rows(bench.store / "chip.db", "SELECT id, owner, frame FROM rows")}
    found = {name: raw.pop(row) for name, (row, _) in named.items()}
    assert not raw
    bench.reset()
    return found


def assert_check_finds(bench: Bench, edits: Sequence[Edit]) -> bool:
    """It is noticed by `check` or before it, and nothing is wrong. Returns whether crossing alone notices."""
    outcome, answers = answers_after(bench, edits, "chip.db")
    assert outcome.kind == "refused", (edits, outcome)
    assert isinstance(answers["open"], SeveranceError) or answers["check"], edits
    assert isinstance(answers["open"], SeveranceError) or isinstance(answers["status"], DamagedError)
    return any(question.startswith(("open", "cross")) for question in raised(answers))


PUT = "UPDATE rows SET frame = ? WHERE id = ?"
PUT_BOTH = "UPDATE rows SET owner = ?, frame = ? WHERE id = ?"


@pytest.fixture(params=[True, False], ids=["small", "large"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the chip is taken for a small one, of which every crossing verifies the whole set of rows."""
    if not request.param:
        monkeypatch.setattr(chip_module, "_VERIFIED_AT_CROSSING", -1)
    return bool(request.param)


USED = {"state", *(f"{kind} {place}" for kind in ("wake", "persona", "key", "anchor") for place in PLACES)}
"""Rows without which nobody wakes. A crossing does not look at the others in a large chip."""


@pytest.mark.parametrize("how", ["frames", "frames and owners", "ids"])
def test_two_rows_of_the_chip_swapped_are_noticed(bench: Bench, chip_rows: Any, small: bool, how: str) -> None:
    for one, other in combinations(chip_rows, 2):
        (id1, owner1, frame1), (id2, owner2, frame2) = chip_rows[one], chip_rows[other]
        edits: list[Edit]
        if how == "frames":
            edits = [(PUT, frame2, id1), (PUT, frame1, id2)]
        elif how == "frames and owners":
            edits = [(PUT_BOTH, owner2, frame2, id1), (PUT_BOTH, owner1, frame1, id2)]
        else:
            renamed = "UPDATE rows SET id = ? WHERE id = ?"
            edits = [(renamed, b"for a while", id1), (renamed, id1, id2), (renamed, id2, b"for a while")]
        crossing = assert_check_finds(bench, edits)
        assert crossing or not (small or {one, other} & USED), (one, other)


def test_a_row_of_the_chip_removed_is_noticed(bench: Bench, chip_rows: Any, small: bool) -> None:
    for name, (row, _, _) in chip_rows.items():
        crossing = assert_check_finds(bench, [("DELETE FROM rows WHERE id = ?", row)])
        assert crossing == (small or name in USED), name


def test_a_row_of_the_chip_put_back_is_noticed(bench: Bench, chip_rows: Any, small: bool) -> None:
    earlier = bench.store / "earlier.db"
    earlier.write_bytes(bench.built.earlier["chip.db"])
    old = {row[0]: row[2] for row in rows(earlier, "SELECT id, owner, frame FROM rows")}
    earlier.unlink()
    changed = {name for name, (row, _, frame) in chip_rows.items() if old[row] != frame}
    assert changed == {"anchor floor", "state"}
    for name in changed:
        row = chip_rows[name][0]
        assert assert_check_finds(bench, [(PUT, old[row], row)]) == small, "each is a row that was once right"


def test_one_damaged_row_of_the_chip_hides_nobody_else(bench: Bench, chip_rows: Any, logs: dict[str, Log]) -> None:
    for name in ("subject", "persona floor", "key floor", "wake floor", "place home"):
        row, _, frame = chip_rows[name]
        altered = frame[:90] + bytes([frame[90] ^ 1]) + frame[91:]
        for edit in ((PUT, altered, row), (PUT_BOTH, b"not an id", frame, row)):
            outcome, answers = answers_after(bench, [edit], "chip.db")
            assert outcome.kind == "refused"
            saved = {memory.id for memory in answers["salvage"]}
            readable = ["home"] if name in ("persona floor", "key floor") else PLACES
            assert saved == set().union(*(logs[place].intact(set()) for place in readable)), name
