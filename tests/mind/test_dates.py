"""The times that a query speaks of, against its own now; and events in memory that it counts time by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mind.events import DAY, EMBEDDER, mind_of, numbers, remembered
from severance.asking import check_query
from severance.errors import InputError
from severance.mind import almanac, dates
from severance.model import Filter, micros, moment

WEDNESDAY = micros(datetime(2023, 8, 16, 15, tzinfo=UTC))
FIRST = micros(datetime(2021, 5, 1, tzinfo=UTC))
CALENDAR = (micros(datetime(1, 1, 1, tzinfo=UTC)), micros(datetime.max.replace(tzinfo=UTC)))

_WORDS = """
last this next past two 3 999 a the early end of before after since between and to from until ago
day days week weekend month quarter year decade weeks tuesday may may 31 february spring winter
easter thanksgiving christmas new year's 2022 1999-12-31 9999 today tonight yesterday morning night
. , 90s wedding
"""


def spans(text: str, now: int = WEDNESDAY) -> list[tuple[str, str, str]]:
    found = dates.spans(text, now=now, first=FIRST, last=WEDNESDAY)
    return [(span.label, f"{moment(span.since):%Y-%m-%d}", f"{moment(span.until):%Y-%m-%d}") for span in found]


@pytest.mark.parametrize(
    ("text", "label", "since", "until"),
    [
        ("last spring", "spring 2023 (last spring)", "2023-03-01", "2023-05-31"),
        ("last summer", "summer 2022 (last summer)", "2022-06-01", "2022-08-31"),
        ("this summer", "summer 2023 (this summer)", "2023-06-01", "2023-08-31"),
        ("next winter", "winter 2023 (next winter)", "2023-12-01", "2024-02-29"),
        ("last May", "may 2023 (last may)", "2023-05-01", "2023-05-31"),
        ("last September", "september 2022 (last september)", "2022-09-01", "2022-09-30"),
        ("three days ago", "13 august 2023 (three days ago)", "2023-08-13", "2023-08-13"),
        ("in the past two months", "17 june 2023 to 16 august 2023 (past two months)", "2023-06-17", "2023-08-16"),
        ("last weekend", "12 august 2023 to 13 august 2023 (last weekend)", "2023-08-12", "2023-08-13"),
        ("last Tuesday", "15 august 2023 (last tuesday)", "2023-08-15", "2023-08-15"),
        ("last Wednesday", "9 august 2023 (last wednesday)", "2023-08-09", "2023-08-09"),
        ("on Wednesday", "16 august 2023 (on wednesday)", "2023-08-16", "2023-08-16"),
        ("this Wednesday", "16 august 2023 (this wednesday)", "2023-08-16", "2023-08-16"),
        ("next Wednesday", "23 august 2023 (next wednesday)", "2023-08-23", "2023-08-23"),
        ("this morning", "16 august 2023 (this morning)", "2023-08-16", "2023-08-16"),
        ("last night", "15 august 2023 (last night)", "2023-08-15", "2023-08-16"),
        ("the summer of 2022", "summer 2022", "2022-06-01", "2022-08-31"),
        ("the summer of last year", "summer 2022", "2022-06-01", "2022-08-31"),
        ("early May 2022", "early may 2022", "2022-05-01", "2022-05-10"),
        ("the end of 2021", "late 2021", "2021-09-01", "2021-12-31"),
        ("from June to August 2022", "june 2022 to august 2022", "2022-06-01", "2022-08-31"),
        ("between 3 May 2022 and 2022-05-09", "3 may 2022 to 9 may 2022", "2022-05-03", "2022-05-09"),
        ("since Christmas", "since christmas 2022", "2022-12-24", "2023-08-16"),
        ("the 90s", "the 1990s", "1990-01-01", "1999-12-31"),
        ("the early 2010s", "early the 2010s", "2010-01-01", "2013-05-01"),
        ("at Easter 2023", "easter 2023", "2023-04-07", "2023-04-10"),
        ("Thanksgiving 2022", "thanksgiving 2022", "2022-11-24", "2022-11-25"),
        ("last decade", "the 2010s (last decade)", "2010-01-01", "2019-12-31"),
        ("last quarter", "1 april 2023 to 30 june 2023 (last quarter)", "2023-04-01", "2023-06-30"),
        ("the day before yesterday", "14 august 2023 (day before yesterday)", "2023-08-14", "2023-08-14"),
        ("last Friday, as told on 23 January 2022", "21 january 2022 (last friday)", "2022-01-21", "2022-01-21"),
    ],
)
def test_a_time_in_words_is_a_stretch_of_the_calendar(text: str, label: str, since: str, until: str) -> None:
    assert (label, since, until) in spans(f"What did I do {text}?")


def test_a_time_before_another_leaves_that_other_in_place() -> None:
    labels = [label for label, _, _ in spans("what happened two weeks before August 11, 2023")]
    assert labels == ["25 july 2023 to 31 july 2023", "11 august 2023"]
    assert spans("the week before 3 August 2023")[0][1:] == ("2023-07-27", "2023-08-02")


def test_a_month_without_a_year_is_that_of_every_year_and_a_range_pairs_them() -> None:
    assert [label for label, _, _ in spans("between June and August")] == [
        f"june {year} to august {year}" for year in (2021, 2022, 2023)
    ]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "may I march on?",
            "do not fall",
            "cold spring water",
            "what is it",
            "plans for the summer",
            "31 february 2023",
        ),
        *("2023-13-45", "she is in her 20s"),
    ],
)
def test_words_that_only_look_like_times_name_none(text: str) -> None:
    assert spans(text) == []


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(_WORDS.split()),
        max_size=12,
    ).map(" ".join)
    | st.text(max_size=60),
    st.integers(*CALENDAR),
    st.integers(*CALENDAR),
    st.integers(*CALENDAR),
)
def test_any_text_at_any_time_makes_stretches_that_begin_before_they_end(text: str, now: int, a: int, b: int) -> None:
    found, events, _ = dates.read(text, now=now, first=min(a, b), last=max(a, b))
    assert all(span.label and span.since <= span.until for span in found)
    assert len(set(found)) == len(found)
    assert all(event.phrase for event in events)
    assert not found or dates.may_name_a_time(text)


def test_the_ends_of_the_calendar_are_not_left() -> None:
    for now in CALENDAR:
        for text in (
            "last winter",
            "999 years ago",
            "next decade",
            "tomorrow night",
            "last weekend",
            "past 9 quarters",
        ):
            dates.read(text, now=now, first=now, last=now)
    assert almanac.yearly("winter", 10_000) is None
    assert almanac.yearly("winter", 9999) is not None


@pytest.mark.parametrize(
    ("year", "month", "day"), [(1961, 4, 2), (2000, 4, 23), (2023, 4, 9), (2024, 3, 31), (2025, 4, 20)]
)
def test_easter_is_when_it_was(year: int, month: int, day: int) -> None:
    easter = almanac.yearly("easter", year)
    assert easter is not None
    assert f"{moment(easter.until - DAY):%Y-%m-%d}" == f"{year}-{month:02}-{day:02}"


def test_an_event_in_memory_says_when_the_time_before_it_was() -> None:
    day = WEDNESDAY - WEDNESDAY % DAY
    mind = mind_of(
        remembered(1, "The wedding is on 14 June 2023", at=day - 200 * DAY),
        remembered(2, "Bought shoes in town", at=micros(datetime(2023, 5, 31, 9, tzinfo=UTC))),
        remembered(3, "Bought shoes in town again", at=micros(datetime(2023, 2, 1, 9, tzinfo=UTC))),
    )
    hits = mind.recall("what was bought two weeks before the wedding?", None, limit=3, filter=Filter(), now=WEDNESDAY)
    assert [number for number in numbers(hits) if number != 1] == [2, 3]
    told = [reason for hit in hits for reason in hit.reasons if reason.startswith("date: ")]
    assert told == ["date: 28 may 2023 to 3 june 2023 (two weeks before the wedding)"]


def test_an_event_that_nobody_remembers_names_no_time() -> None:
    mind = mind_of(remembered(1, "Bought shoes in town"), remembered(2, "coffee"))
    hits = mind.recall("what was bought two weeks before the wedding?", None, limit=3, filter=Filter(), now=WEDNESDAY)
    assert all(not reason.startswith("date") for hit in hits for reason in hit.reasons)


def test_a_time_lifts_and_never_hides() -> None:
    mind = mind_of(remembered(1, "melon", at=FIRST), remembered(2, "melon cake", at=WEDNESDAY - DAY))
    hits = mind.recall("melon yesterday", None, limit=5, filter=Filter(), now=WEDNESDAY)
    assert numbers(hits) == [2, 1]


def test_a_page_of_times_is_read_only_at_its_beginning() -> None:
    """No bound in seconds: if every time of it were held against every memory, this test would not end."""
    page = " ".join(f"{i % 28 + 1} may {1900 + i % 200} and last week" for i in range(100_000))
    assert len(dates.spans(page, now=WEDNESDAY, first=FIRST, last=WEDNESDAY)) <= 128


def test_what_was_on_a_day_comes_before_what_shares_its_numbers() -> None:
    mind = mind_of(
        remembered(1, "room 12 is booked for 2023", at=FIRST),
        remembered(2, "picked up parcels", at=micros(datetime(2023, 4, 12, 9, tzinfo=UTC))),
    )
    for query in ("what happened on 12 April 2023", "in April 2023?"):
        hits = mind.recall(query, None, limit=2, filter=Filter(), now=WEDNESDAY)
        assert numbers(hits) == [2, 1]


def test_about_a_year_ago_is_within_two_months_and_about_a_month_within_a_week() -> None:
    assert spans("a year ago")[0][1:] == ("2022-06-16", "2022-10-16")
    assert spans("a month ago")[0][1:] == ("2023-07-10", "2023-07-24")


def test_symbols_mean_nothing_to_vectors() -> None:
    mind = mind_of(remembered(1, "coffee"))
    vector = EMBEDDER.embed(["coffee"])[0]
    assert mind.recall("\U0001f355", vector, limit=5, filter=Filter(), now=WEDNESDAY) == []


@pytest.mark.parametrize("query", ["\u200b", "\u200e\u2060", " \ufeff\n"])
def test_a_query_of_nothing_visible_is_empty(query: str) -> None:
    with pytest.raises(InputError, match="empty"):
        check_query(query)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("on 31.10.2022", ["2022-10-31"]),
        ("on 10/31/2022", ["2022-10-31"]),
        ("on 31/10/2022", ["2022-10-31"]),
        ("on 3/4/2022", ["2022-03-04", "2022-04-03"]),
        ("on 4.3.2022", ["2022-03-04"]),
        ("Thursday", ["2023-08-10"]),
        ("on the weekend", ["2023-08-12", "2023-08-19"]),
        ("new year's eve 2022", ["2022-12-31"]),
        ("around Christmas 2022", ["2022-12-19"]),
        ("near Christmas", ["2021-12-19", "2022-12-19", "2023-12-19"]),
    ],
)
def test_days_in_numbers_bare_days_and_about_feasts(text: str, days: list[str]) -> None:
    assert sorted(since for _, since, _ in spans(text)) == days


def test_a_query_of_nothing_but_a_time_goes_by_the_time() -> None:
    mind = mind_of(
        remembered(1, "bought 3 apples, 3 weeks of fruit", at=FIRST),
        remembered(2, "tennis", at=WEDNESDAY - 21 * DAY),
    )
    for query in ("3 weeks ago", "what happened 3 weeks ago"):
        hits = mind.recall(query, EMBEDDER.embed([query])[0], limit=2, filter=Filter(), now=WEDNESDAY)
        assert numbers(hits)[0] == 2


def test_the_memory_that_states_the_day_of_an_event_tells_it_and_only_once() -> None:
    at = [
        micros(datetime(2023, month, day, 9, tzinfo=UTC)) for month, day in [(3, 1), (5, 10), (6, 15), (5, 30), (7, 20)]
    ]
    texts = [
        "Wedding invitations are sent",
        "The wedding dress fits",
        "The wedding is on 14 June 2023",
        "Rex had to go to the vet",
        "Our wedding photographer is late",
    ]
    mind = mind_of(*(remembered(i, text, at=when) for i, (text, when) in enumerate(zip(texts, at, strict=True), 1)))
    hits = mind.recall("What happened two weeks before the wedding?", None, limit=9, filter=Filter(), now=WEDNESDAY)
    assert numbers(hits)[0] == 4
    told = [reason for hit in hits for reason in hit.reasons if reason.startswith("date: ")]
    assert told == ["date: 28 may 2023 to 3 june 2023 (two weeks before the wedding)"]
    assert all(len(set(hit.reasons)) == len(hit.reasons) for hit in hits)


def test_what_is_asked_after_an_event_is_no_part_of_it() -> None:
    _, events, _ = dates.read("two weeks before the wedding what did Ines buy", now=WEDNESDAY, first=FIRST, last=FIRST)
    assert [event.phrase for event in events] == ["the wedding"]
