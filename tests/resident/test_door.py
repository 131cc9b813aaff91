"""Who is let into a house that is up, and what a session in it is: the same as any other."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

import severance
from kit import KEY, recalled, texts
from kit.sameness import CALLS, plain, story
from severance import AsleepError, InputError, NotFoundError, NotUpError, PermitError, SeveranceError
from severance.embed import Hashing
from severance.resident.client import ResidentHouse, ResidentSession
from severance.session import Session

from .conftest import Up

Start = Callable[..., Up]
Make = Callable[..., str]


def test_nobody_needs_a_root_key_to_be_let_in(up: Start, permit: Make) -> None:
    shown = permit()
    house = up().house
    with house.admit(shown) as session:
        assert (session.subject, session.persona, session.place) == ("mark", "innie", "floor")
        kept = session.remember("the elevator goes down at nine", thread="work")
        assert recalled(session, "elevator") == ["the elevator goes down at nine"]
        assert session.get(kept.id) == kept
    with house.admit(shown, place="floor") as session:
        assert texts(session.memories()) == ["the elevator goes down at nine"]


def test_a_session_is_used_as_any_other(up: Start, permit: Make) -> None:
    with up().house.admit(permit()) as session:
        many = session.remember_many(f"fact number {n} " + "x" * 5_000 for n in range(600))
        first = session.amend(many[0].id, "fact number none", thread="changed")
        assert [memory.text for memory in session.history(first.id)] == [many[0].text, "fact number none"]
        assert len(list(session.memories())) == 600, "in pages"
        assert len(session.recall("fact", limit=500)) == 500
        assert "fact number" in session.context("fact number", tokens=100)
        assert session.forget(many[1].id) == 1
        with pytest.raises(NotFoundError):
            session.get(many[1].id)
        assert session.stats()["memories"] == 599
        with pytest.raises(InputError):
            session.recall("")
        assert "innie" not in repr(session)


def test_it_answers_as_a_session_of_the_owner_does(up: Start, permit: Make, store: Path) -> None:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        here = [plain(one) for one in story(own.cross("mark", "home"))]
    with up().house.admit(permit()) as session:
        there = [plain(one) for one in story(session)]
    assert (here[0], there[0]) == (("mark", "outie", "home"), ("mark", "innie", "floor"))
    assert there[1:] == here[1:]


def test_it_refuses_as_a_session_that_was_let_in_does(up: Start, permit: Make, store: Path) -> None:
    text = permit()
    with (
        up(isolation=None).house.admit(text) as session,
        severance.open(store, key=KEY, embedder=Hashing(16)) as own,
        own.admit(text) as here,
    ):
        for what, call in CALLS.items():
            told = []
            for each in (here, session):
                with pytest.raises(SeveranceError) as problem:
                    call(each)
                told.append((type(problem.value), str(problem.value)))
            assert told[0] == told[1], what


def test_no_method_of_a_session_works_in_the_program() -> None:
    public = {name for name in dir(Session) if not name.startswith("_")}
    assert public == {name for name in dir(ResidentSession) if not name.startswith("_")}


@pytest.mark.parametrize("isolation", ["process", None])
def test_a_session_may_do_no_more_than_was_signed(up: Start, permit: Make, isolation: str | None) -> None:
    house = up(isolation=isolation).house
    with house.admit(permit("remember")) as session:
        session.remember("kept")
        for call in (lambda: session.recall("kept"), lambda: list(session.memories()), session.stats):
            with pytest.raises(PermitError, match="does not allow it to recall"):
                call()


def test_whatever_opens_nothing_is_one_error(up: Start, permit: Make, store: Path, folder: Path) -> None:
    with severance.open(folder / "another", key=KEY, embedder=Hashing(16)) as other:
        other.sever("mark", ["innie"])
        other.place("floor", {"mark": "innie"})
        foreign = other.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    good = permit()
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        revoked = own.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
        own.revoke(own.permits()[-1].id)
    ended = permit(until=timedelta(microseconds=1))
    house = up().house
    said = set()
    for text, place in [
        ("nothing", None),
        ("", None),
        ("sevc.00", None),
        (foreign, None),
        (revoked, None),
        (ended, None),
        (good[:-2], None),
        (good, "home"),
        (good, "nowhere"),
    ]:
        with pytest.raises(NotFoundError) as refused:
            house.admit(text, place=place)
        said.add(str(refused.value))
    assert len(said) == 1
    assert house.state().sessions == 0


def test_a_credential_wakes_whoever_wakes_there_then(up: Start, store: Path) -> None:
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        text = own.register("mark", "home", "editor")
    house = up().house
    with house.admit(text, tool="editor") as session:
        assert session.persona == "outie"
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        own.place("home", {"mark": "innie"})
    with house.admit(text) as session:
        assert session.persona == "innie"


def test_a_revoked_permit_ends_an_open_session(up: Start, permit: Make, store: Path) -> None:
    session = up().house.admit(permit())
    session.remember("before")
    with severance.open(store, key=KEY, embedder=Hashing(16)) as own:
        own.revoke(own.permits()[0].id)
    for _ in range(2):
        with pytest.raises(AsleepError):
            session.recall("before")


def test_two_personas_in_one_house_see_their_own(up: Start, permit: Make) -> None:
    inside, outside = permit(), permit(place="home")
    house = up().house
    with house.admit(inside) as innie, house.admit(outside) as outie:
        innie.remember("the goats are fed at noon")
        outie.remember("the harbour is far away")
        assert (recalled(innie, "harbour goats"), recalled(outie, "harbour goats")) == (
            ["the goats are fed at noon"],
            ["the harbour is far away"],
        )
        assert house.state().sessions == 2
    assert house.state().sessions == 0


def test_without_a_house_there_is_nothing_to_connect_to(store: Path) -> None:
    with pytest.raises(NotUpError, match="no house is up"):
        severance.connect(store)
    with pytest.raises(NotUpError):
        ResidentHouse(store).admit("anything")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a path is refused")
def test_a_store_at_a_long_path_is_reached_as_well(folder: Path, up: Start) -> None:
    deep = folder / ("n" * 60) / ("m" * 60)
    with severance.open(deep, key=KEY, embedder=Hashing(16)) as own:
        own.sever("mark", ["innie"])
        own.place("floor", {"mark": "innie"})
        text = own.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    started = Up(deep)
    try:
        with started.house.admit(text) as session:
            assert session.recall("anything") == []
    finally:
        assert started.end() == ""


def test_the_files_beside_the_store_are_its_users_alone_and_empty(up: Start, store: Path) -> None:
    up()
    beside = store / "resident"
    assert {entry.name: entry.stat().st_mode & 0o777 for entry in beside.iterdir()} == {"lock": 0o600, "socket": 0o600}
    assert beside.stat().st_mode & 0o777 == 0o700
    assert (beside / "lock").read_bytes() == b""
