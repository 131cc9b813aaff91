"""Check finds what is not as it was written, wherever it is; salvage saves the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit import change, dump, flipped, make_house, open_house, texts
from severance import House, Persona
from severance.barrier.traces.ports import small_snapshots


@pytest.fixture
def store(folder: Path) -> Path:
    """The innie has six memories, one version of one of them amended, one forgotten, a snapshot and an anchor."""
    with small_snapshots(), make_house(folder) as house, house.cross("mark", "floor") as innie:
        kept = innie.remember_many(f"memory {n}" for n in range(6))
        innie.amend(kept[1].id, "memory one")
        innie.forget(kept[5].id)
    return folder / "store"


def findings(store: Path) -> list[Any]:
    with open_house(store) as house:
        return house.check()


def saved(store: Path) -> dict[Persona, list[str]]:
    with open_house(store) as house:
        return {persona: texts(memories) for persona, memories in house.salvage()}


def test_nothing_is_found_where_all_is_as_it_was_written(store: Path) -> None:
    assert findings(store) == []


def test_somebody_severed_while_everything_is_read_is_no_finding(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_house(store) as house, open_house(store) as other:
        true = house._chip.verify

        def verified() -> Any:
            found = true()
            other.sever("mark", ["late"])
            return found

        monkeypatch.setattr(house._chip, "verify", verified)
        assert house.check() == []
        assert Persona("mark", "late") in house._chip.personas("mark")


def test_findings_come_in_the_order_of_the_personas(store: Path) -> None:
    with open_house(store) as house:
        spaces = {persona: house._chip.key(persona).space.hex() for persona in house._chip.everyone()}
    change(store / "vault.db", "UPDATE records SET frame = zeroblob(400) WHERE seq = 1")
    named = [found.space for found in findings(store) if found.space is not None]
    assert list(dict.fromkeys(named)) == list(spaces.values())


def test_a_finding_says_whose_memories_it_concerns(store: Path) -> None:
    with open_house(store) as house:
        spaces = {house._chip.key(persona).space.hex(): persona for persona in house._chip.everyone()}
    change(store / "vault.db", "UPDATE records SET frame = zeroblob(400) WHERE seq = 1")
    whose = {found.space: found.persona for found in findings(store) if found.space is not None}
    assert whose == spaces


def test_everything_is_saved_where_nothing_is_lost(store: Path) -> None:
    assert saved(store) == {
        Persona("helly", "innie"): [],
        Persona("mark", "innie"): ["memory 0", "memory 2", "memory 3", "memory 4", "memory one"],
        Persona("mark", "outie"): [],
    }


INNIE = "space = (SELECT id FROM spaces ORDER BY seq DESC LIMIT 1)"


@pytest.mark.parametrize(
    ("file", "statement", "record"),
    [
        ("vault.db", f"DELETE FROM records WHERE seq = 4 AND {INNIE}", 4),
        ("vault.db", f"DELETE FROM records WHERE seq = 9 AND {INNIE}", 7),  # 9 says that 7 was forgotten
        ("vault.db", f"UPDATE records SET frame = NULL WHERE seq = 4 AND {INNIE}", 4),
        ("vault.db", f"UPDATE records SET frame = zeroblob(400) WHERE seq = 4 AND {INNIE}", 4),
        ("vault.db", f"UPDATE records SET digest = zeroblob(32) WHERE seq = 4 AND {INNIE}", 4),
        ("vault.db", "UPDATE spaces SET seq = seq + 1", None),
        ("vault.db", "UPDATE spaces SET digest = zeroblob(32)", None),
        ("vault.db", "UPDATE chunks SET frame = zeroblob(400)", None),
        ("vault.db", "DELETE FROM chunks", None),
        ("vault.db", "DELETE FROM spaces WHERE seq > 1", None),
        ("chip.db", "DELETE FROM rows WHERE owner IS NULL AND id != zeroblob(16)", None),
        ("chip.db", "DELETE FROM rows WHERE owner IS NOT NULL", None),
        ("chip.db", "UPDATE rows SET frame = zeroblob(400) WHERE owner IS NOT NULL", None),
    ],
)
def test_damage_is_found_wherever_it_is(store: Path, file: str, statement: str, record: int | None) -> None:
    assert change(store / file, statement) > 0
    found = findings(store)
    assert found
    if record is not None:
        assert record in {finding.record for finding in found}
    assert all("memory" not in finding.what for finding in found)


@pytest.mark.parametrize("seq", [2, 4, 6])
def test_one_altered_record_loses_one_memory_and_no_more(store: Path, seq: int) -> None:
    row = next(row for row in dump(store / "vault.db")["records"] if row[1] == seq)
    change(store / "vault.db", f"UPDATE records SET frame = ? WHERE seq = ? AND {INNIE}", flipped(row[2], 99), seq)
    left = ["memory 0", "memory 2", "memory 3", "memory 4", "memory one"]
    left.remove(f"memory {seq - 2}")
    assert saved(store)[Persona("mark", "innie")] == left


def test_a_version_whose_earlier_one_is_lost_is_saved(store: Path) -> None:
    change(store / "vault.db", f"UPDATE records SET frame = zeroblob(400) WHERE seq = 3 AND {INNIE}")
    assert "memory one" in saved(store)[Persona("mark", "innie")]


def test_what_was_forgotten_is_not_saved(store: Path) -> None:
    assert "memory 5" not in saved(store)[Persona("mark", "innie")]


def test_saving_writes_nothing(store: Path) -> None:
    before = dump(store / "vault.db"), dump(store / "chip.db")
    saved(store)
    findings(store)
    assert (dump(store / "vault.db"), dump(store / "chip.db")) == before


def test_progress_is_told_for_each_persona(store: Path) -> None:
    told: list[tuple[int, int]] = []
    with open_house(store) as house:
        house.check(lambda done, total: told.append((done, total)))
    assert told == [(0, 3), (1, 3), (2, 3)]


def test_a_chip_that_is_older_than_a_persona_is_noticed(folder: Path) -> None:
    with make_house(folder) as house:
        house._chip.copy_to(folder / "old.db")
        house.sever("mark", ["scout"])
        house.place("roof", {"mark": "scout"})
        with house.cross("mark", "roof") as scout:
            scout.remember("high up")
    (folder / "old.db").replace(folder / "store" / "chip.db")
    assert "no key for" in findings(folder / "store")[0].what


def test_somebody_who_is_severed_meanwhile_is_no_damage(house: House) -> None:
    def severed_meanwhile(done: int, total: int) -> None:
        if done == 0:
            house.sever("mark", ["scout"])
            house.place("roof", {"mark": "scout"})
            with house.cross("mark", "roof") as scout:
                scout.remember("high up")

    assert house.check(severed_meanwhile) == []


def test_a_severing_that_was_cut_off_is_no_damage_and_can_be_said_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("severance.chip.chip.Chip.add_personas", killed)
        with pytest.raises(KeyboardInterrupt):
            house.sever("gemma", ["casey"])
    assert house.check() == []
    assert house.sever("gemma", ["casey"]) == [Persona("gemma", "casey")]
    assert house.check() == []


@pytest.mark.parametrize(
    "alteration",
    ["UPDATE entries SET frame = zeroblob(400) WHERE n = 2", "UPDATE tails SET frame = zeroblob(400)"],
)
def test_the_audit_log_is_read_too(store: Path, alteration: str) -> None:
    assert change(store / "audit.db", alteration) > 0
    (found,) = findings(store)
    assert "audit log" in found.what
    assert (found.space, found.record) == (None, None)
