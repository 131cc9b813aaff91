"""The chip: keys and thresholds, guarded as a set; it opens with its own root key only."""

from __future__ import annotations

from pathlib import Path

import pytest

from chip.conftest import ROOT, fresh
from kit import change, checks, dump, flipped
from severance.barrier.traces.ports import ScopedEntropy
from severance.chip.chip import Chip
from severance.chip.register import STATE_ID, WakeRow
from severance.chip.rows import RowFile
from severance.crypto.envelope import SpaceKey
from severance.errors import DamagedError, NotFoundError, StoreError, WrongKeyError
from severance.model import Head, Persona, Place, Subject


def test_a_new_chip_has_nobody(chip: Chip) -> None:
    assert (chip.subjects(), chip.places()) == ([], [])
    chip.verify()


def test_who_there_is_and_who_wakes_where_is_sorted_by_name(full: Chip) -> None:
    assert full.subjects() == [Subject("helly"), Subject("mark")]
    assert full.personas("mark") == [Persona("mark", "innie"), Persona("mark", "outie")]
    assert full.places() == [
        Place("floor", {"helly": "innie", "mark": "innie"}),
        Place("home", {"mark": "outie"}),
    ]
    assert full.waking("mark", "home") == Persona("mark", "outie")


def test_the_roll_says_what_is_looked_up_one_by_one(full: Chip) -> None:
    roll = full.roll()
    everyone = [persona for subject in full.subjects() for persona in full.personas(subject.name)]
    keys = [full.key(persona) for persona in everyone]
    assert roll.personas == [
        (persona, key.space, full.anchor(key)) for persona, key in zip(everyone, keys, strict=True)
    ]
    assert roll.places == full.places()


def test_a_chip_that_lacks_a_row_has_no_roll(full: Chip, path: Path) -> None:
    for row in dump(path)["rows"]:
        assert change(path, "DELETE FROM rows WHERE id = ?", row[0]) == 1
        with pytest.raises(DamagedError):
            full.roll()
        change(path, "INSERT INTO rows VALUES (?, ?, ?)", *row)
    full.roll()


def test_verified_rows_answer_as_of_when_they_were_read(full: Chip, entropy: ScopedEntropy) -> None:
    persona = Persona("mark", "innie")
    key = full.key(persona)
    rows, before = full.verify(), full.anchor(key)
    full.set_anchor(key, Head(before.seq + 1, bytes(32)))
    full.add_personas("mark", {"late": fresh(entropy, "late")})
    assert full.key(persona, rows) == key
    assert full.anchor(key, rows) == before != full.anchor(key)
    with pytest.raises(NotFoundError):
        full.key(Persona("mark", "late"), rows)


def test_everything_is_there_after_opening_again(full: Chip, path: Path) -> None:
    again = Chip(RowFile.open(path), ROOT, ScopedEntropy(b"again"))
    assert again.places() == full.places()
    assert [again.key(p).secret for p in again.personas("mark")] == [full.key(p).secret for p in full.personas("mark")]
    again.verify()
    again.close()


def test_a_persona_that_exists_keeps_its_key(full: Chip, entropy: ScopedEntropy) -> None:
    before = full.key(Persona("mark", "innie"))
    full.add_personas("mark", {"innie": fresh(entropy, "new"), "third": fresh(entropy, "third")})
    assert full.key(Persona("mark", "innie")) == before
    assert len(full.personas("mark")) == 3


@pytest.mark.parametrize(("subject", "place"), [("mark", "nowhere"), ("nobody", "floor"), ("helly", "home"), ("", "")])
def test_where_nobody_wakes_is_one_error(full: Chip, subject: str, place: str) -> None:
    with pytest.raises(NotFoundError, match="nobody of that name wakes at a place of that name here"):
        full.waking(subject, place)


def test_what_is_unknown_is_not_found(full: Chip) -> None:
    for call in (
        lambda: full.personas("nobody"),
        lambda: full.place("nowhere"),
        lambda: full.key(Persona("mark", "nobody")),
        lambda: full.key(Persona("nobody", "innie")),
        lambda: full.set_place("home", {"mark": "nobody"}),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_a_place_is_set_whole_or_not_at_all(full: Chip) -> None:
    with pytest.raises(NotFoundError):
        full.set_place("home", {"mark": "innie", "helly": "nobody"})
    assert full.place("home") == Place("home", {"mark": "outie"})


def test_none_takes_a_subject_out_of_a_place_and_leaves_the_others(full: Chip) -> None:
    full.set_place("floor", {"mark": None, "nobody": None})
    assert full.place("floor") == Place("floor", {"helly": "innie"})
    full.verify()


def test_an_anchor_goes_forward_only_unless_the_owner_accepts_it(full: Chip) -> None:
    key = full.key(Persona("mark", "innie"))
    assert full.anchor(key) == Head(1, b"innie".ljust(32))
    for head, kept in ((Head(5, b"5" * 32), 5), (Head(3, b"3" * 32), 5), (Head(9, b"9" * 32), 9)):
        full.set_anchor(key, head)
        assert full.anchor(key).seq == kept
    full.set_anchor(key, Head(2, b"2" * 32), back=True)
    assert full.anchor(key) == Head(2, b"2" * 32)
    assert full.anchor(full.key(Persona("mark", "outie"))).seq == 1
    full.verify()


def test_an_anchor_that_is_gone_or_of_another_epoch_is_damage(full: Chip, path: Path) -> None:
    key = full.key(Persona("mark", "innie"))
    with pytest.raises(DamagedError):
        full.anchor(SpaceKey(key.space, 2, key.secret))
    with pytest.raises(DamagedError):
        full.anchor(SpaceKey(bytes(16), 1, key.secret))


@pytest.mark.parametrize("filled", [False, True])
def test_another_root_key_is_the_wrong_key(chip: Chip, path: Path, filled: bool) -> None:
    if filled:
        chip.set_place("floor", {})
    rows = RowFile.open(path)
    with pytest.raises(WrongKeyError):
        Chip(rows, bytes(32), ScopedEntropy())
    rows.close()


def test_an_altered_state_is_damage_and_not_the_wrong_key(full: Chip, path: Path) -> None:
    state = next(row for row in dump(path)["rows"] if row[0] == bytes(16))
    for at in (8, 40, 72, 90):
        change(path, "UPDATE rows SET frame = ? WHERE id = zeroblob(16)", flipped(state[2], at))
        rows = RowFile.open(path)
        with pytest.raises(DamagedError):
            Chip(rows, ROOT, ScopedEntropy())
        rows.close()
    change(path, "DELETE FROM rows WHERE id = zeroblob(16)")
    rows = RowFile.open(path)
    with pytest.raises(DamagedError):
        Chip(rows, ROOT, ScopedEntropy())
    rows.close()


def test_rows_removed_swapped_or_put_back_are_refused(folder: Path) -> None:
    checks.the_chip_is_whole_or_refused(folder)


def test_every_row_that_is_altered_or_removed_fails_the_whole_set(full: Chip, path: Path) -> None:
    rows = [row for row in dump(path)["rows"] if row[0] != bytes(16)]
    assert len(rows) == 2 + 3 + 3 + 3 + 2 + 3  # subjects, personas, keys, anchors, places, wakes
    for identity, owner, frame in rows:
        for statement, arguments in (
            ("DELETE FROM rows WHERE id = ?", (identity,)),
            ("UPDATE rows SET frame = ? WHERE id = ?", (flipped(frame, 100), identity)),
            ("UPDATE rows SET owner = ? WHERE id = ?", (b"x" * 16, identity)),
        ):
            change(path, statement, *arguments)
            with pytest.raises(DamagedError):
                full.verify()
            change(path, "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", identity, owner, frame)
        full.verify()


@pytest.mark.parametrize("small", [True, False])
def test_a_row_added_from_an_older_file_fails_the_whole_set(
    full: Chip, path: Path, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    old = {row[0]: row for row in dump(path)["rows"]}
    full.set_place("floor", {"helly": None})
    gone = set(old) - {row[0] for row in dump(path)["rows"]}
    change(path, "INSERT INTO rows VALUES (?, ?, ?)", *old[gone.pop()])
    for subject, place in (("helly", "floor"), ("mark", "floor"), ("mark", "home"), ("nobody", "nowhere")):
        with pytest.raises(DamagedError):
            full.waking(subject, place)
    if not small:
        monkeypatch.setattr("severance.chip.chip._VERIFIED_AT_CROSSING", -1)
        assert full.waking("helly", "floor").name == "innie", "nothing else is wrong with it"
    with pytest.raises(DamagedError):
        full.verify()


def test_only_a_chip_of_more_rows_than_that_is_not_verified_at_a_crossing(
    full: Chip, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = len(dump(path)["rows"]) - 1
    verified = list[int]()
    monkeypatch.setattr(full, "_verify_set", lambda: verified.append(1))
    for most, times in ((count - 1, 0), (count, 1), (count + 1, 2)):
        monkeypatch.setattr("severance.chip.chip._VERIFIED_AT_CROSSING", most)
        assert full.waking("mark", "floor").name == "innie"
        assert len(verified) == times


def test_an_old_guard_of_a_larger_chip_does_not_hide_an_old_answer_in_a_small_one(
    full: Chip, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.set_place("floor", {"mark": "outie"})
    for number in range(30):
        full.set_place(f"place {number}", {"mark": "innie"})
    old = {row[0]: row for row in dump(path)["rows"]}
    for number in range(30):
        full.set_place(f"place {number}", {"mark": None})
    full.set_place("floor", {"mark": "innie"})
    small = len(dump(path)["rows"]) - 1
    monkeypatch.setattr("severance.chip.chip._VERIFIED_AT_CROSSING", small)
    assert full.waking("mark", "floor").name == "innie"
    floor, _ = full._keys.identify(WakeRow("floor", "mark", ()))
    for row in (STATE_ID, floor):
        change(path, "UPDATE rows SET frame = ? WHERE id = ?", old[row][2], row)
    monkeypatch.setattr("severance.chip.chip._VERIFIED_AT_CROSSING", small + 1)
    with pytest.raises(DamagedError):
        full.waking("mark", "floor")


def test_every_row_has_a_salt_of_its_own(full: Chip, path: Path) -> None:
    full.set_place("roof", {"mark": "innie"})
    full.set_place("roof", {"mark": "outie"})
    salts = [row[2][8:40] for row in dump(path)["rows"]]
    assert len(set(salts)) == len(salts)


def test_neither_names_nor_keys_are_in_the_file(full: Chip, path: Path) -> None:
    raw = path.read_bytes()
    for name in (b"mark", b"innie", b"outie", b"helly", b"floor", b"home", full.key(Persona("mark", "innie")).secret):
        assert name not in raw
    assert len({len(row[2]) for row in dump(path)["rows"]}) == 1


def test_a_change_that_fails_changes_nothing(full: Chip, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dump(path)
    monkeypatch.setattr("severance.chip.changes.Change.finish", lambda self: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        full.set_place("home", {"mark": "innie"})
    assert dump(path) == before


def test_two_handles_see_each_other_s_changes_and_keep_the_guard(full: Chip, path: Path) -> None:
    other = Chip(RowFile.open(path), ROOT, ScopedEntropy(b"other"))
    other.set_place("stairwell", {"mark": "outie"})
    full.set_place("lobby", {"mark": "innie"})
    assert [place.name for place in full.places()] == [place.name for place in other.places()]
    full.verify()
    other.verify()
    other.close()


def test_a_copy_is_a_chip_of_its_own(full: Chip, folder: Path) -> None:
    full.copy_to(folder / "copy.db")
    copy = Chip(RowFile.open(folder / "copy.db"), ROOT, ScopedEntropy(b"copy"))
    copy.set_place("home", {"mark": "innie"})
    assert copy.waking("mark", "home").name == "innie"
    assert full.waking("mark", "home").name == "outie"
    copy.close()
    with pytest.raises(StoreError):
        full.copy_to(folder / "copy.db")


def test_names_that_are_known_are_told_and_adding_them_again_says_so(full: Chip, entropy: ScopedEntropy) -> None:
    assert full.known("mark", ["innie", "nobody", "outie"]) == {"innie", "outie"}
    assert full.known("nobody", ["innie"]) == set()
    assert full.add_personas("mark", {"innie": fresh(entropy, "new"), "third": fresh(entropy, "third")}) == ["innie"]
    assert full.known("mark", ["third"]) == {"third"}
