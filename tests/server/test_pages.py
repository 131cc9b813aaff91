"""Lists in pages: what is in them whatever happens in between, and what one costs wherever it begins."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import make_house
from kit.sameness import mark_of
from severance import Memory, Session
from severance.barrier.traces.ports import StillClock
from severance.mind import Mind
from severance.model import ID_BYTES, id_bytes
from severance.server.cursors import Cursor, cursor_in, page_of
from severance.server.problems import Problem

ASKED = b"12345678"
DAYS = ("2020-01-01", "2020-01-02")
CHANGE = st.tuples(st.sampled_from(("remember", "amend", "move", "forget")), st.integers(0, 30), st.integers(-1, 2))


@pytest.fixture(scope="module")
def folders() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(1, 5),
    many=st.integers(0, 12),
    between=st.lists(st.lists(CHANGE, max_size=4), max_size=8),
    filters=st.sampled_from(({}, {"thread": "t"}, {"since": DAYS[0], "until": DAYS[0]})),
)
def test_whatever_changes_between_two_pages_they_are_what_going_through_everything_gives(
    folders: Path, limit: int, many: int, between: list[list[tuple[str, int, int]]], filters: dict[str, Any]
) -> None:
    clock = StillClock()
    with (
        tempfile.TemporaryDirectory(dir=folders) as folder,
        make_house(Path(folder), clock=clock) as house,
        house.cross("mark", "floor") as session,
    ):
        order = [_kept(session, f"first {n}", n) for n in range(many)]  # of all versions, as the log has them
        stayed = set(_ids(session.memories(**filters)))
        given_out, began_anew = list[str](), False
        page, text = page_of(session.memories(**filters), limit, ASKED)
        while True:
            given_out += _ids(page)
            if text is None:
                break
            for change in between.pop() if between else ():
                order += _changed(session, clock, change)
            whole = list(session.memories(**filters))
            stayed &= set(_ids(whole))
            expected, is_there = _rest(whole, page[-1], order, session)
            began_anew |= not is_there
            mark = cursor_in(text, ASKED).mark
            page, text = page_of(session._behind(mark, **filters), limit, ASKED)
            assert _ids(page) == expected[:limit]
            assert (text is None) == (len(expected) <= limit)
            again = page_of(session._behind(mark, **filters), limit, ASKED)
            assert again == (page, text), "a page may be asked for twice"
        assert stayed <= set(given_out)
        assert began_anew or len(given_out) == len(set(given_out))


def _rest(whole: list[Memory], last: Memory, order: list[str], session: Session) -> tuple[list[str], bool]:
    """What comes after the last of a page, by going through everything, and whether that is known still."""
    is_there = last.id in {version.id for memory in session.memories() for version in session.history(memory.id)}
    place = order.index(last.id) if is_there else -1
    return [
        each.id for each in whole if each.at > last.at or (each.at == last.at and order.index(each.id) > place)
    ], is_there


def _kept(session: Session, text: str, number: int) -> str:
    return session.remember(text, at=DAYS[number % 5 // 4], thread="t" if number % 3 else None).id


def _changed(session: Session, clock: StillClock, change: tuple[str, int, int]) -> list[str]:
    """The ids of the new versions that come of it."""
    what, which, seconds = change
    clock.at += seconds * 1_000_000  # clocks go backwards, too
    here = list(session.memories())
    if what == "remember" or not here:
        return [_kept(session, f"new at {clock.at} as {which}", which)]
    chosen = here[which % len(here)].id
    if what == "forget":
        session.forget(chosen)
        return []
    at = DAYS[which % 2] if what == "move" else None
    return [session.amend(chosen, f"changed at {clock.at} as {which} from {chosen}", at=at).id]


def _ids(memories: Iterable[Memory]) -> list[str]:
    return [memory.id for memory in memories]


def test_a_page_reads_no_more_than_is_in_it_wherever_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, true = list[str](), Mind.get

    def get(self: Mind, id: str) -> Memory | None:  # noqa: A002
        read.append(id)
        return true(self, id)

    with make_house(tmp_path) as house, house.cross("mark", "floor") as session:
        kept = session.remember_many({"text": f"n {number}", "at": DAYS[0]} for number in range(500))
        monkeypatch.setattr(Mind, "get", get)
        page, text = page_of(session._behind(mark_of(kept[-12])), 10, ASKED)
    assert _ids(page) == _ids(kept[-11:-1])
    assert text is not None
    assert len(read) == 11, "and one more, to know whether there is another page"


def test_a_mark_that_nothing_had_is_a_time(tmp_path: Path) -> None:
    with make_house(tmp_path) as house, house.cross("mark", "floor") as session:
        kept = session.remember_many({"text": f"n {number}", "at": DAYS[number % 2]} for number in range(4))
        for at, text in ((kept[0].at, "all"), (kept[1].at, "the later ones")):
            cursor = Cursor(mark_of(kept[at == kept[1].at]).at, bytes(ID_BYTES), ASKED)
            found = page_of(session._behind(cursor.mark), 10, ASKED)[0]
            assert _ids(found) == [each.id for each in sorted(kept, key=lambda each: each.at) if each.at >= at], text
        elsewhere = Cursor(mark_of(kept[1]).at, id_bytes(kept[2].id) or b"", ASKED)
        assert len(page_of(session._behind(elsewhere.mark), 10, ASKED)[0]) == 2, "an id of another time"


def test_a_page_ends_also_with_its_size(tmp_path: Path) -> None:
    with make_house(tmp_path) as house, house.cross("mark", "floor") as session:
        session.remember_many(f"{number} {'x' * 65_000}" for number in range(20))
        page, text = page_of(session.memories(), 1_000, ASKED)
    assert len(page) == 17
    assert text is not None


def test_a_cursor_that_somebody_made_is_refused() -> None:
    short = Cursor(0, b"x" * (ID_BYTES - 1), ASKED).text()
    beyond = Cursor(2**62, bytes(ID_BYTES), ASKED).text()
    assert cursor_in(Cursor(0, bytes(ID_BYTES), ASKED).text(), ASKED).mark.at == 0, "the control"
    for text in ("", "AAAA", "\u00e9", "k" * 500, "lM8", short, beyond):
        with pytest.raises(Problem):
            cursor_in(text, ASKED)
