"""What is captured from notes is without secrets, without what was left out, and one persona's alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from kit import make_house, texts
from severance import AsleepError, House, Session
from severance.capture import watching
from severance.capture.exclusion import Exclusion
from severance.capture.keeping import Folder

TOKEN = "ghp_" + "a1B2" * 9
KEY = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", *("MIIEvQIBADANBgkqhkiG9w0BAQEF" * 2,) * 30, "-----END PRIVATE KEY-----"]
)


def secrets_in_notes_are_not_remembered(folder: Path) -> None:
    """A token, a password and a key that is longer than a section, in the text, in a heading and in a file's name."""
    notes = _notes(folder)
    (notes / f"{TOKEN}.md").write_text(f"# {TOKEN}\n\nthe password: hunter2hunter2\n\n{KEY}\n\n{TOKEN}\n")
    with make_house(folder) as house, house.cross("mark", "floor") as session:
        watching.once([Folder(notes, Exclusion())], session)
        kept = repr([*session.memories()])
    assert "the plan" in kept, "nothing was remembered, so nothing was tried"
    for secret in (TOKEN, "hunter2", "MIIEvQ"):
        assert secret not in kept, "a secret is remembered"


def what_is_left_out_is_not_remembered(folder: Path) -> None:
    """Patterns, hidden files, and links that lead out of the folder."""
    notes, outside = _notes(folder), folder / "outside"
    outside.mkdir()
    for path in (notes / "drafts", notes / ".git"):
        path.mkdir()
    for path in (notes / "drafts" / "a.md", notes / ".git" / "b.md", notes / "c.txt", outside / "d.md"):
        path.write_text("not for memory")
    if sys.platform != "win32":
        (notes / "e.md").symlink_to(outside / "d.md")
        (notes / "f").symlink_to(outside)
    with make_house(folder) as house, house.cross("mark", "floor") as session:
        watching.once([Folder(notes, Exclusion(["drafts/", "*.txt"]))], session)
        assert set(texts(session.memories())) == {"the plan"}, "what was left out is remembered"


def notes_go_to_the_persona_they_were_meant_for(folder: Path) -> None:
    """The session ends, and at its place another persona wakes: it is given none of the notes."""
    notes = _notes(folder)
    places = ["floor", "home"]
    with make_house(folder) as house:
        stop = Event()
        rounds = watching.watch([Folder(notes, Exclusion())], lambda: _entered(house, places), stop)
        with suppress(AsleepError):
            next(rounds)
            (notes / "later.md").write_text("of the persona that was awake")
            next(rounds)
        stop.set()
        rounds.close()
        assert not places, "the session was not entered again, so nothing was tried"
        with house.cross("mark", "floor") as innie:
            assert texts(innie.memories()) == ["the plan"]
        with house.cross("mark", "home") as outie:
            assert texts(outie.memories()) == [], "notes of one persona are remembered by another"


@contextmanager
def _entered(house: House, places: list[str]) -> Iterator[Session]:
    """A session at the next place, which ends as soon as it has remembered something."""
    with house.cross("mark", places.pop(0)) as session:
        remember = session.remember_many

        def once(items: list[object]) -> object:
            try:
                return remember(items)  # type: ignore[arg-type]
            finally:
                session.sleep()

        session.remember_many = once  # type: ignore[assignment,method-assign]
        yield session


def _notes(folder: Path) -> Path:
    notes = folder / "notes"
    notes.mkdir()
    (notes / "plan.md").write_text("the plan")
    return notes
