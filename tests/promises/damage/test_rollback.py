"""P5: logs that were cut, and earlier states put back, are refused where an anchor has seen more."""

from __future__ import annotations

import pytest

from promises.damage.logs import OTHER, PLACES, Log, raised, refusal
from severance import RolledBackError
from severance.barrier.endurance.alterations import answers_after, cut_back, rows
from severance.barrier.endurance.damage import Bench, ask, restore


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


def test_an_earlier_vault_beside_a_newer_chip_is_rolled_back(bench: Bench, logs: dict[str, Log]) -> None:
    (bench.store / "vault.db").write_bytes(bench.built.earlier["vault.db"])
    answers = ask(bench.store)
    bench.reset()
    error = refusal(answers, "cross floor")
    assert (type(error), error.space) == (RolledBackError, logs["floor"].space.hex())
    assert [found.space for found in answers["check"]] == [error.space]
    assert answers["memories home"] == bench.truth["memories home"], "nobody wrote there since"


def test_an_earlier_chip_beside_a_newer_vault_changes_nothing(bench: Bench) -> None:
    # Its anchors are older, and what it knows of awake time. Nothing is lost by that but the sight of what they saw.
    (bench.store / "chip.db").write_bytes(bench.built.earlier["chip.db"])
    answers = ask(bench.store)
    del answers["status"]
    bench.reset()
    assert bench.judge(answers).kind == "harmless"
