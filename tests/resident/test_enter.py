"""`severance.enter`: the same call, whether a house is up or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import severance
from kit import KEY
from resident.conftest import Up
from severance.embed import Hashing
from severance.resident.client import ResidentSession

OPENED = {"key": KEY, "embedder": Hashing(16)}


def test_a_house_that_is_up_lets_in_who_has_no_root_key(
    store: Path, permit: Callable[..., str], up: Callable[..., Up]
) -> None:
    text, house = permit(), up()
    with severance.enter(store, text=text, key="env:NO_SUCH_VARIABLE") as session:
        assert isinstance(session, ResidentSession)
        session.remember("the file is at 96 percent")
        assert house.house.state().sessions == 1
    with pytest.raises(severance.AsleepError):
        session.stats()


def test_where_none_is_up_the_store_is_opened_here_and_closed_again(store: Path, permit: Callable[..., str]) -> None:
    text = permit()
    with severance.enter(store, text=text, place="floor", **OPENED) as session:
        assert session.confinement is not None
        session.remember("the file is at 96 percent")
    with severance.enter(store, text=text, **OPENED) as session:
        assert [each.text for each in session.memories()] == ["the file is at 96 percent"]
    with pytest.raises(severance.AsleepError):
        session.stats()


@pytest.mark.parametrize("is_up", [True, False])
def test_what_opens_nothing_opens_nothing_in_either(
    store: Path, permit: Callable[..., str], up: Callable[..., Up], is_up: bool
) -> None:
    text = permit()
    if is_up:
        up()
    for wrong in ({"text": "nonsense"}, {"text": text[:-1]}, {"text": text, "place": "home"}):
        with (
            pytest.raises(severance.NotFoundError, match=r"^this opens nothing|nobody"),
            severance.enter(store, **OPENED, **wrong),
        ):
            raise AssertionError("somebody was let in")


def test_a_locked_house_is_not_gone_round(store: Path, permit: Callable[..., str], up: Callable[..., Up]) -> None:
    text = permit()
    up(locked=True)
    with pytest.raises(severance.AsleepError, match="locked"), severance.enter(store, text=text, **OPENED):
        raise AssertionError("somebody was let in")


def test_what_is_raised_inside_comes_out_and_the_store_is_closed(store: Path, permit: Callable[..., str]) -> None:
    text = permit()
    inside: list[severance.Session] = []

    def failing() -> None:
        with severance.enter(store, text=text, **OPENED) as session:
            inside.append(session)
            raise severance.NotUpError("of my own")

    with pytest.raises(severance.NotUpError, match="of my own") as told:
        failing()
    assert told.value.__context__ is None
    with pytest.raises(severance.AsleepError):
        inside[0].stats()
    with pytest.raises(severance.StoreMissingError), severance.enter(store / "none", text=text, **OPENED):
        pass
