"""P5: records that were swapped, moved, removed, emptied or given another digest are noticed."""

from __future__ import annotations

from hashlib import sha256
from itertools import combinations

import pytest

from promises.damage.logs import OTHER, PLACES, Log, assert_named, assert_saved, refusal
from severance.barrier.endurance.alterations import SET_FRAME, SET_HEAD, SET_ROW, Edit, answers_after
from severance.barrier.endurance.damage import NOTICED, Bench


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", ["frames", "rows"])
def test_two_records_swapped_are_noticed(bench: Bench, logs: dict[str, Log], place: str, how: str) -> None:
    log = logs[place]
    for one, other in combinations(sorted(log.rows), 2):
        if log.rows[one][0] is None and (log.rows[other][0] is None or how == "frames"):
            continue  # nothing put where nothing was, or a frame that was erased
        edits: list[Edit] = []
        for seq, taken in ((one, other), (other, one)):
            row = log.rows[taken]
            edits.append((SET_FRAME, row[0], log.space, seq) if how == "frames" else (SET_ROW, *row, log.space, seq))
        outcome, answers = answers_after(bench, edits)
        assert outcome.kind in NOTICED, (one, other, outcome)
        assert_named(answers, place, log, one, other + 1)
        lost = {one, other} if how == "frames" else {one, one + 1, other, other + 1}
        assert_saved(answers, logs, place, lost)


@pytest.mark.parametrize("place", PLACES)
def test_a_record_moved_to_another_space_is_refused(bench: Bench, logs: dict[str, Log], place: str) -> None:
    log, other = logs[place], logs[OTHER[place]]
    for seq, (frame, digest, hashed) in other.rows.items():
        if frame is None:
            continue
        last = max(log.rows)
        target = min(seq, last)
        moves: list[list[Edit]] = [
            [(SET_FRAME, frame, log.space, target)],
            [(SET_ROW, frame, digest, hashed, log.space, target)],
            [
                ("INSERT INTO records VALUES (?, ?, ?, ?, ?)", log.space, last + 1, frame, digest, hashed),
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
    erased = {seq for seq, (frame, *_) in log.rows.items() if frame is None}
    for seq, (frame, *_) in log.rows.items():
        if frame is not None:
            outcome, answers = answers_after(bench, [(SET_FRAME, None, log.space, seq)])
            assert outcome.kind == ("refused" if seq > log.pictured else "found by check"), (seq, outcome)
            # Without the record that said so, the first that it named is the first that nobody forgot.
            assert_named(answers, place, log, min(seq, *erased), seq)
            assert_saved(answers, logs, place, {seq})


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("column", ["digest", "hash"])
def test_an_altered_digest_or_hash_is_noticed_and_takes_no_memory_along(
    bench: Bench, logs: dict[str, Log], place: str, column: str
) -> None:
    log = logs[place]
    for seq, (frame, digest, _) in log.rows.items():
        edit = (f"UPDATE records SET {column} = ? WHERE space = ? AND seq = ?", sha256(digest).digest(), log.space, seq)
        outcome, answers = answers_after(bench, [edit])
        assert outcome.kind in NOTICED, (seq, outcome)
        assert_saved(answers, logs, place, set() if frame is not None or column == "hash" else {seq + 1})
