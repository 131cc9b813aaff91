"""A persona's memory follows a folder: once, again, after changes, and after another process has looked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest

from capture.drawn import TOKENS
from capture.test_notes import POSIX, write
from severance import House, Session
from severance.capture import keeping, notes, secrets
from severance.capture.exclusion import Exclusion
from severance.capture.keeping import Folder, Round
from severance.transfer import read
from severance.transfer.ingest import Report, ingest

Look = Callable[..., Round]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    write(made, {"plan.md": "# Plan\n\nWe ship on Friday.\n\n## Who\n\nDylan and Irving.\n", "sub/b.txt": "Buy beans."})
    return made


@pytest.fixture
def look(root: Path, innie: Session) -> Look:
    """Look at the folder as a process does that has just been started."""

    def looking(*patterns: str, session: Session = innie, at: Path = root, **options: bool) -> Round:
        folder = Folder(at, Exclusion(patterns), **options)
        folder.begin(session)
        return folder.look(session)

    return looking


def texts(session: Session) -> set[str]:
    return {memory.text for memory in session.memories()}


def counts(done: Round) -> tuple[int, int, int, int]:
    return done.remembered, done.amended, done.forgotten, done.gone


def test_every_section_is_remembered_with_where_it_stands(root: Path, innie: Session, look: Look) -> None:
    assert counts(look()) == (3, 0, 0, 0)
    memories = {memory.text: memory for memory in innie.memories()}
    plan = memories["# Plan\n\nWe ship on Friday."]
    assert (plan.thread, plan.source, plan.metadata["heading"]) == ("plan.md", "notes", "Plan")
    assert memories["Buy beans."].thread == "sub/b.txt"
    assert str(root) not in repr(memories), "where a folder is on a machine is nothing to remember"


def test_a_second_look_adds_nothing_whoever_looks(root: Path, innie: Session, look: Look) -> None:
    look()
    seen = innie.stats()
    for _ in range(3):
        assert not look().is_news
    assert innie.stats() == seen


def test_what_changed_is_amended_and_what_did_not_is_not_touched(root: Path, innie: Session, look: Look) -> None:
    look()
    before = {memory.text: memory.id for memory in innie.memories()}
    write(root, {"plan.md": "# Plan\n\nWe ship on Monday.\n\n## Who\n\nDylan and Irving.\n\n## Where\n\nHere.\n"})
    assert counts(look()) == (1, 1, 0, 0)
    after = {memory.text: memory for memory in innie.memories()}
    assert after["## Who\n\nDylan and Irving."].id == before["## Who\n\nDylan and Irving."]
    assert after["# Plan\n\nWe ship on Monday."].supersedes == before["# Plan\n\nWe ship on Friday."]
    assert len(after) == 4


def test_a_renamed_heading_is_an_amended_memory(root: Path, innie: Session, look: Look) -> None:
    look()
    write(root, {"plan.md": "# Plan\n\nWe ship on Friday.\n\n## Team\n\nDylan and Irving.\n"})
    assert counts(look()) == (0, 1, 0, 0)
    assert "## Team\n\nDylan and Irving." in texts(innie)
    assert not look().is_news


def test_a_renamed_file_and_a_moved_section_are_amended_memories(root: Path, innie: Session, look: Look) -> None:
    look()
    (root / "sub/b.txt").rename(root / "shopping.txt")
    write(root, {"plan.md": "# Plan\n\nWe ship on Friday.\n", "who.md": "## Who\n\nDylan and Irving.\n"})
    assert counts(look(forget=True)) == (0, 2, 0, 0)
    assert {memory.thread for memory in innie.memories()} == {"plan.md", "who.md", "shopping.txt"}
    assert not look(forget=True).is_news


def test_what_is_gone_is_kept_and_forgotten_only_on_demand(root: Path, innie: Session, look: Look) -> None:
    look()
    (root / "sub/b.txt").unlink()
    write(root, {"plan.md": "# Plan\n\nWe ship on Friday.\n"})
    assert counts(look()) == (0, 0, 0, 2)
    assert len(texts(innie)) == 3
    assert counts(look(forget=True)) == (0, 0, 2, 0)
    assert texts(innie) == {"# Plan\n\nWe ship on Friday."}
    assert not look(forget=True).is_news


def test_what_is_gone_is_told_once_and_may_come_back(root: Path, innie: Session) -> None:
    folder = Folder(root, Exclusion())
    folder.begin(innie)
    folder.look(innie)
    (root / "sub/b.txt").unlink()
    assert folder.has_lost()
    assert counts(folder.look(innie)) == (0, 0, 0, 1)
    assert not folder.has_lost()
    assert not folder.look(innie).is_news
    write(root, {"sub/b.txt": "Buy beans."})
    assert not folder.look(innie).is_news
    assert len(texts(innie)) == 3


def test_a_dry_run_says_the_same_and_does_nothing(root: Path, innie: Session, look: Look) -> None:
    assert counts(look(dry_run=True)) == (3, 0, 0, 0)
    assert texts(innie) == set()
    look()
    seen = innie.stats()
    write(root, {"plan.md": "# Plan\n\nWe ship on Monday.\n", "new.md": "new"})
    told = look(dry_run=True, forget=True)
    assert counts(told) == (1, 1, 1, 0)
    assert innie.stats() == seen
    assert counts(look(forget=True)) == counts(told)


def test_secrets_are_taken_out_and_counted(root: Path, innie: Session, look: Look) -> None:
    token = TOKENS["stripe-key"][0]
    write(root, {"keys.md": f"# The key {token}\n\nIt is {token}, and the password: hunter2hunter2\n"})
    assert look().secrets == {"stripe-key": 2, "password": 1}
    exported = repr(list(innie.memories()))
    assert token not in exported
    assert "hunter2" not in exported
    assert look().remembered == 0


def test_what_is_left_out_is_not_remembered_and_what_was_is_gone(root: Path, innie: Session, look: Look) -> None:
    assert counts(look("sub/")) == (2, 0, 0, 0)
    assert "Buy beans." not in texts(innie)
    look()
    assert counts(look("*.txt", forget=True)) == (0, 0, 1, 0)
    assert "Buy beans." not in texts(innie)


def test_a_folder_that_is_away_costs_nothing(root: Path, innie: Session, look: Look) -> None:
    look()
    root.rename(root.parent / "away")
    assert look(forget=True).missing
    root.mkdir()
    assert look(forget=True).missing
    write(root, {"readme.rst": "no note is left, and another file is there"})
    assert look(forget=True).missing
    assert len(texts(innie)) == 3
    (root / "readme.rst").unlink()
    root.rmdir()
    (root.parent / "away").rename(root)
    assert not look(forget=True).is_news


def test_what_was_added_to_the_metadata_by_hand_stays(root: Path, innie: Session, look: Look) -> None:
    look()
    beans = next(memory for memory in innie.memories() if memory.text == "Buy beans.")
    innie.amend(beans.id, metadata={**beans.metadata, "shop": "corner"})
    write(root, {"sub/b.txt": "Buy rice."})
    assert counts(look()) == (0, 1, 0, 0)
    (rice,) = [memory for memory in innie.memories() if memory.text == "Buy rice."]
    assert rice.metadata["shop"] == "corner"
    assert rice.metadata["content"] != beans.metadata["content"]


@POSIX
def test_what_is_a_link_now_is_there_still(root: Path, innie: Session, look: Look) -> None:
    look()
    outside = root.parent / "outside.txt"
    (root / "sub/b.txt").rename(outside)
    (root / "sub/b.txt").symlink_to(outside)
    assert counts(look(forget=True)) == (0, 0, 0, 0)
    assert "Buy beans." in texts(innie)


def test_what_is_in_a_folder_that_cannot_be_listed_is_not_gone(
    root: Path, innie: Session, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    look()
    true = notes._scanned

    def scanned(root: Path, folder: str) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        if folder == "sub":
            raise PermissionError
        return true(root, folder)

    monkeypatch.setattr(notes, "_scanned", scanned)
    done = look(forget=True)
    assert counts(done) == (0, 0, 0, 0)
    assert [(each.where, each.why) for each in done.first_skipped] == [("sub", "it cannot be listed")]
    assert "Buy beans." in texts(innie)


@POSIX
def test_what_cannot_be_read_keeps_its_memories(root: Path, innie: Session, look: Look) -> None:
    look()
    write(root, {"sub/b.txt": b"\xff\xfe\0broken"})
    done = look(forget=True)
    assert counts(done) == (0, 0, 0, 0)
    assert [each.where for each in done.first_skipped] == ["sub/b.txt"]
    assert len(texts(innie)) == 3


def test_what_cannot_be_read_is_told_once_and_looked_at_again(root: Path, innie: Session) -> None:
    write(root, {"odd.md": b"\0"})
    folder = Folder(root, Exclusion())
    folder.begin(innie)
    assert folder.look(innie).skipped == 1
    assert folder.look(innie).skipped == 0
    write(root, {"odd.md": "not odd any more"})
    assert folder.look(innie).remembered == 1


def test_a_look_that_is_stopped_takes_nothing_for_gone_and_goes_on_later(root: Path, innie: Session) -> None:
    folder, stop = Folder(root, Exclusion(), forget=True), Event()
    folder.begin(innie)
    folder.look(innie)
    write(root, {"plan.md": "# Plan\n\nWe ship on Friday.\n", "new.md": "new"})
    (root / "sub/b.txt").unlink()
    stop.set()
    assert counts(folder.look(innie, stop)) == (0, 0, 0, 0)
    assert counts(folder.look(innie)) == (1, 0, 2, 0)


def test_many_notes_are_remembered_in_batches(
    tmp_path: Path, innie: Session, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_BATCH", 3)
    many = tmp_path / "many"
    write(many, {f"{number}.md": f"note {number}" for number in range(10)})
    sizes: list[int] = []
    remember = innie.remember_many
    monkeypatch.setattr(innie, "remember_many", lambda items: sizes.append(len(items)) or remember(items))
    assert look(at=many).remembered == 10
    assert sizes == [3, 3, 3, 1]
    assert not look(at=many).is_news


def test_what_was_amended_by_hand_stays_until_its_section_changes(root: Path, innie: Session, look: Look) -> None:
    look()
    beans = next(memory.id for memory in innie.memories() if memory.text == "Buy beans.")
    innie.amend(beans, "Buy beans, the red ones.")
    assert not look().is_news
    assert "Buy beans, the red ones." in texts(innie)
    write(root, {"sub/b.txt": "Buy rice."})
    assert counts(look()) == (0, 1, 0, 0)
    assert "Buy beans, the red ones." not in texts(innie)


def test_what_somebody_forgot_meanwhile_is_remembered_when_it_changes(root: Path, innie: Session) -> None:
    folder = Folder(root, Exclusion(), forget=True)
    folder.begin(innie)
    folder.look(innie)
    for memory in list(innie.memories()):
        innie.forget(memory.id)
    write(root, {"sub/b.txt": "Buy rice."})
    assert counts(folder.look(innie)) == (1, 0, 0, 0)
    (root / "sub/b.txt").unlink()
    (root / "plan.md").write_text("# Plan\n\nNew.\n")
    assert folder.look(innie).forgotten == 2
    assert texts(innie) == {"# Plan\n\nNew."}


def test_what_was_imported_before_is_not_remembered_twice(root: Path, innie: Session, look: Look) -> None:
    write(root, {"keys.md": "# Keys\n\nThe staging password: correct-horse-7\n"})
    with read(root, clean=secrets.clean) as reading:
        list(ingest(innie, reading, Report("markdown")))
    assert look().remembered == 0
    assert len(texts(innie)) == 4
    assert not any("horse" in text for text in texts(innie))


def test_two_folders_of_one_name_have_nothing_to_do_with_one_another(
    root: Path, tmp_path: Path, innie: Session, look: Look
) -> None:
    look()
    other = tmp_path / "elsewhere" / "notes"
    write(other, {"plan.md": "# Plan\n\nAnother plan.\n"})
    assert counts(look(at=other, forget=True)) == (1, 0, 0, 0)
    (root / "sub/b.txt").unlink()
    assert counts(look(forget=True)) == (0, 0, 1, 0)
    assert "# Plan\n\nAnother plan." in texts(innie)


def test_another_persona_hears_nothing_of_it(root: Path, house: House, innie: Session, look: Look) -> None:
    look()
    with house.cross("mark", "home") as outie:
        assert texts(outie) == set()
        assert counts(look(session=outie, dry_run=True)) == (3, 0, 0, 0)


def test_other_memories_are_left_alone(root: Path, innie: Session, look: Look) -> None:
    innie.remember("by hand", thread="plan.md", metadata={"folder": "mine"})
    look()
    (root / "plan.md").unlink()
    look(forget=True)
    assert "by hand" in texts(innie)


def test_front_matter_is_kept_and_a_change_of_it_is_a_change(root: Path, innie: Session, look: Look) -> None:
    write(root, {"sub/b.txt": "---\ntitle: List\ndate: 2024-05-31\n---\nBuy beans.\n"})
    look()
    (memory,) = [each for each in innie.memories() if each.text == "Buy beans."]
    assert (memory.metadata["title"], str(memory.at)[:10]) == ("List", "2024-05-31")
    write(root, {"sub/b.txt": "---\ntitle: Shopping\ndate: 2024-05-31\n---\nBuy beans.\n"})
    assert counts(look()) == (0, 1, 0, 0)
    assert not look().is_news
