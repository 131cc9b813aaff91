from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from barrier.suites.small import tried
from severance import House, InputError, NotFoundError, Session
from severance.barrier.suites import doors
from severance.chip.chip import Chip

Patch = pytest.MonkeyPatch


def test_every_refusal_is_the_same_and_the_control_is_seen(folder: Path) -> None:
    tally = tried(doors.run, folder, deep=False, trials=1)
    assert (tally.found, tally.failed) == (0, "")
    assert tally.tried > 100
    assert tally.control is not None
    assert tally.control.works


def test_rounds_are_made_again_while_there_is_time(folder: Path) -> None:
    once = tried(doors.run, folder / "once", trials=1).tried
    assert tried(doors.run, folder / "more", trials=once + 1).tried == 2 * once


def _get_that(tells: Any) -> Any:
    true = Session.get

    def get(self: Session, id: str) -> Any:  # noqa: A002
        try:
            return true(self, id)
        except NotFoundError as error:
            return tells(id, error)

    return get


def _raise(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize(
    "tells",
    [
        lambda given, error: _raise(InputError("no id")) if given == "" else _raise(error),
        lambda given, error: _raise(NotFoundError(f"none is {given!r:.20}")),
        lambda given, error: None if given == "*" else _raise(error),
        lambda given, error: _raise(NotFoundError(*error.args, given)),
        lambda given, error: _raise(error.with_traceback(None)) if given else _raise(LookupError(*error.args)),
    ],
    ids=["malformed is another error", "the id is repeated", "a wildcard answers", "more arguments", "another class"],
)
def test_a_refusal_that_tells_ids_apart_is_seen(folder: Path, monkeypatch: Patch, tells: Any) -> None:
    monkeypatch.setattr(Session, "get", _get_that(tells))
    tally = tried(doors.run, folder, trials=1)
    assert tally.found
    assert "get answers to" in tally.evidence[0]


def test_a_place_that_wakes_by_how_it_begins_is_seen(folder: Path, monkeypatch: Patch) -> None:
    true = Chip.waking

    def waking(self: Chip, subject: str, place: str, at: Any = None) -> Any:
        found = [each.name for each in self.places() if each.name.startswith(place)]
        return true(self, subject, found[0] if found else place, at)

    monkeypatch.setattr(Chip, "waking", waking)
    tally = tried(doors.run, folder, trials=1)
    assert any("'flo'" in line for line in tally.evidence)


def test_a_memory_that_refuses_everything_is_a_failure(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(Session, "get", lambda self, given: _raise(NotFoundError("nothing")))
    assert "own id was refused" in tried(doors.run, folder, trials=1).failed


def test_a_new_method_that_takes_an_id_is_missed_by_nobody(folder: Path, monkeypatch: Patch) -> None:
    def pin(self: Session, id: str) -> None:  # noqa: A002
        pass

    monkeypatch.setattr(Session, "pin", pin, raising=False)
    monkeypatch.setattr(Session, "peek", lambda self, persona: None, raising=False)
    assert doors.doors_left_out() == ["Session.peek(persona)", "Session.pin"]
    assert any("Session.pin" in line for line in tried(doors.run, folder, trials=1).evidence)


def test_a_control_that_sees_no_difference_fails(folder: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(doors, "refusal", lambda call: (NotFoundError,))
    tally = tried(doors.run, folder, trials=1)
    assert tally.control is not None
    assert tally.control.found == 0


def test_what_is_tried_of_places_wakes_nobody_and_the_right_ones_do(folder: Path) -> None:
    with doors._house(folder / "store") as house:
        assert isinstance(house, House)
        assert house.cross("mark", "floor").persona == "innie"
        assert house.cross("helly", "floor-7").persona == "innie"
        for subject, place in doors._WRONG_PLACES:
            with pytest.raises(NotFoundError):
                house.cross(subject, place)
