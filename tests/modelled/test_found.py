"""What the model has found, each as it was found."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kit import open_house
from modelled.actual import Template, acted
from modelled.interpose import Interposer, Where
from modelled.nouns import Op
from severance.barrier.traces.ports import SECOND

DAY = 24 * 3_600
FOR_AN_HOUR = (("mark", "outie"), "irving", frozenset({"recall"}), None, 3_600, 3_600, 3_600)


def test_a_session_of_an_override_ends_where_its_subject_becomes_exclusive_and_crosses(folder: Path) -> None:
    template = Template(folder)
    with acted(template, folder / "store-of-a-story") as actual:
        actual.do(Op("limit", value=frozenset()))
        actual.do(Op("ask", fresh="o", value=FOR_AN_HOUR))
        for by in ("burt", "dylan"):
            actual.do(Op("answer", "o", value=(by, True)))
        assert actual.do(Op("use", "o", "first", value="irving")) == "outie"
        assert actual.do(Op("call", "first", value=("recall", None))) == "done"
        actual.do(Op("limit", value=frozenset({"mark"})))
        assert actual.do(Op("cross", fresh="second")) == "innie"
        assert actual.do(Op("call", "second", value=("recall", None))) == "done"
        assert actual.do(Op("call", "first", value=("recall", None))) == "asleep"
    template.close()


def test_that_the_owner_accepts_the_clock_is_not_undone_by_who_is_at_the_door_meanwhile(folder: Path) -> None:
    template, between = Template(folder), Interposer()
    with between.installed(), acted(template, folder / "store-of-a-story", 2, between) as actual:
        actual.do(Op("register", fresh="c", value=frozenset({"recall"})))
        actual.do(Op("ask", fresh="o", value=FOR_AN_HOUR))
        for shown in (Op("admit", "c", "s"), Op("forge", "c", value=7), Op("stop", "o")):
            actual.do(Op("tick", value=DAY))
            actual.do(Op("list"))
            actual.do(Op("forge", "c", value=7))  # the door sees the next day
            actual.do(Op("tick", value=-DAY))
            accepted = list[str]()
            between.at(Where.CHANGE, 0, lambda: accepted.append(actual.do(Op("accept", house=1))))  # noqa: B023
            actual.do(shown)
            assert accepted == ["done"], "the control"
            with open_house(folder / "store-of-a-story", clock=actual.clock, create=False) as house:
                assert house._gate.now() == actual.clock.now(), f"{shown.what} undid it"
            assert actual.clock.now() % SECOND == 0
    template.close()


def test_a_threshold_that_comes_and_goes_while_somebody_crosses_ends_the_session(folder: Path) -> None:
    """One absence of a row was as good as the other: what was there in between was not seen to be gone."""
    template, woken = Template(folder), 0
    comes, goes = Op("place", seat=2, value="innie", house=1), Op("place", seat=2, house=1)
    for number in range(20):
        between = Interposer()
        with between.installed(), acted(template, folder / f"store-of-story-{number}", 2, between) as actual:
            actual.do(goes)
            between.at(Where.ACCESS, number, partial(actual.do, comes))
            woke = actual.do(Op("cross", fresh="s", seat=2))
            between.rest()
            actual.do(goes)
            if woke == "innie":
                woken += 1
                assert actual.do(Op("call", "s", value=("recall", None))) == "asleep", f"let in after {number} looks"
    template.close()
    assert woken, "the control"


def test_who_asks_of_an_override_that_is_struck_from_the_list_has_seen_the_time(folder: Path) -> None:
    template = Template(folder)
    with acted(template, folder / "store-of-a-story") as actual:
        actual.do(Op("ask", fresh="o", value=FOR_AN_HOUR))
        actual.do(Op("tick", value=40 * DAY))
        actual.do(Op("ask", fresh="another", value=FOR_AN_HOUR))  # strikes what was over long ago
        for what in (Op("use", "o", "s", value="irving"), Op("stop", "o")):
            actual.do(Op("accept"))
            actual.do(Op("tick", value=60))
            assert actual.do(what) == "refused"
            latest = actual.clock.now()
            actual.do(Op("tick", value=-30))
            with open_house(folder / "store-of-a-story", clock=actual.clock, create=False) as house:
                assert house._gate.now() == latest, what.what
    template.close()
