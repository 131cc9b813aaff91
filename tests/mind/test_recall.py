"""What comes to mind: words, meaning, speakers, dates, neighbours, echoes; the order and the reasons."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mind.events import DAY, EMBEDDER, histories, mind_of, name, numbers, pictured, raw, recall, remembered, woken
from severance.mind import Heard, Mind, analysis, dates
from severance.model import Filter
from severance.records import Forgotten, Repeated


def found(mind: Mind, text: str, **wanted: object) -> list[int]:
    return numbers(recall(mind, text, words_only=True, **wanted))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("We were running late", "who runs?"),
        ("Zürich is where the café was", "cafe in ZURICH"),
        ("It cost 1,250.75 in total", "1250.75"),
        ("version 3.11 was out", "3.11"),
        ("Anna's bicycle", "anna"),
        ("Anna\u2019s bicycle", "bicycles of annas"),
        ("明日は東京へ行きます", "東京"),
        ("明日は東京へ行きます", "京"),
        ("ฉันรักภาษาไทย", "ภาษา"),
        ("मैं हिन्दी बोलता हूँ", "हिन्दी"),
        ("ﬁle under ＦＵＬＬ", "file full"),
        ("straße", "STRASSE"),
        ("ticket ABC-123 closed", "abc 123"),
        ("write to mark@lumon.example", "lumon"),
        ("the 2nd of the month", "day 2"),
        ("a deposit of $20", "20"),
        ("bought an iPhone15", "iphone 15"),
        ("bought an iPhone 15", "iPhone15"),
        ("\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f", "\u0645\u062d\u0645\u062f"),
        ("\u0643\u062a\u0640\u0640\u0627\u0628", "\u0643\u062a\u0627\u0628"),
        ("\u0623\u062d\u0645\u062f", "\u0627\u062d\u0645\u062f"),
        ("Die M\u00fcllers in der Stra\u00dfe", "mullers strasse"),
        ("pizza tonight \U0001f355\U0001f389", "\U0001f355"),
        ("good \U0001f44d\U0001f3fd", "\U0001f44d\U0001f3ff"),
        ("from \U0001f1e9\U0001f1ea", "\U0001f1e9\U0001f1ea"),
    ],
)
def test_words_are_found_however_they_are_written(text: str, query: str) -> None:
    mind = mind_of(remembered(1, text), remembered(2, "nothing of the kind"))
    assert found(mind, query) == [1]


def test_a_query_of_function_words_still_works() -> None:
    mind = mind_of(remembered(1, "to be or not to be"), remembered(2, "coffee"))
    assert found(mind, "to be or not to be") == [1]


def test_function_words_do_not_count_beside_others() -> None:
    mind = mind_of(remembered(1, "what is it that you did"), remembered(2, "coffee"))
    assert found(mind, "what is it that you did with the coffee") == [2]


@pytest.mark.parametrize(
    "query",
    [
        '"',
        "NEAR(coffee",
        "coffee AND OR NOT",
        "col:coffee*",
        "-coffee",
        "'; DROP TABLE x; --",
        "\x00",
        "\ud800",
        "(",
        "%_",
    ],
)
def test_no_query_has_syntax(query: str) -> None:
    mind = mind_of(remembered(1, "coffee"), remembered(2, "tea"))
    assert found(mind, query) == ([1] if "coffee" in query else [])
    recall(mind, query)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_can_be_remembered_and_asked(text: str) -> None:
    safe = text.encode("utf-8", "replace").decode()
    mind = mind_of(remembered(1, safe or "x"), remembered(2, "coffee"))
    recall(mind, text)
    recall(mind, "coffee")
    heard = Heard(2)
    heard.add([name(1)])
    mind.echo_of(text, heard)
    assert mind.get(name(1)) is not None


def test_meaning_finds_what_words_do_not() -> None:
    mind = mind_of(remembered(1, "kaffeemaschine"), remembered(2, "zzz"))
    hit = recall(mind, "kaffeemaschinen")[0]
    assert hit.memory.id == name(1)
    assert any(reason.startswith("meaning: ") for reason in hit.reasons)


def test_a_vector_of_another_size_is_refused_and_an_empty_one_is_not() -> None:
    mind = mind_of(remembered(1, "coffee"))
    with pytest.raises(ValueError):
        mind.recall("coffee", EMBEDDER.embed(["coffee"])[0][:5], limit=5, filter=Filter(), now=0)
    nothing = EMBEDDER.embed([""])[0]
    assert len(mind.recall("coffee", nothing, limit=5, filter=Filter(), now=0)) == 1


def test_the_one_who_said_it_comes_first() -> None:
    mind = mind_of(
        remembered(1, "Anna, do you like the bridge?", source="Bob"),
        remembered(2, "I like the bridge a lot", source="Anna"),
        remembered(3, "coffee", source="Cecil"),
    )
    hits = recall(mind, "What does Anna say about the bridge?")
    assert numbers(hits)[0] == 2
    assert "source: Anna" in hits[0].reasons
    assert mind.to_embed("What does Anna's friend say?") == "What does friend say?"
    assert mind.to_embed("Anna?") == "Anna?"


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("What happened on 8 May 2023?", "8 may 2023"),
        ("What happened on May 8th, 2023?", "8 may 2023"),
        ("What happened on 2023-05-08?", "8 may 2023"),
        ("What happened in May 2023?", "may 2023"),
        ("What happened in May?", "may 2023"),
        ("What happened in 2023?", "2023"),
        ("What happened last month?", "may 2023 (last month)"),
    ],
)
def test_dates_are_part_of_what_is_searched(query: str, label: str) -> None:
    may_8, june_9 = 1_683_504_000_000_000, 1_686_268_800_000_000
    mind = mind_of(
        remembered(1, "coffee", at=may_8 - 300 * DAY),
        remembered(2, "tea", at=may_8),
        remembered(3, "no", at=may_8 - 500 * DAY),
    )
    hits = mind.recall(query, None, limit=1, filter=Filter(), now=june_9)
    assert numbers(hits) == [2]
    assert f"date: {label}" in hits[0].reasons


@pytest.mark.parametrize("query", ["31 February 2023", "2023-13-45", "99 May 2023", "may I?", "1999-00-00", "in 0000"])
def test_dates_that_are_none_do_no_harm(query: str) -> None:
    recall(mind_of(remembered(1, "coffee")), query)


def test_neighbours_in_a_thread_get_credit_and_say_so() -> None:
    mind = mind_of(
        remembered(1, "what did you find about the bridge?", thread="monday", at=1),
        remembered(2, "adoption agencies", thread="monday", at=1),
        remembered(3, "adoption agencies", thread="tuesday", at=1),
        remembered(4, "coffee", thread="tuesday", at=1),
    )
    hits = recall(mind, "bridge", words_only=True)
    assert numbers(hits) == [1, 2]
    assert hits[1].reasons == ('next to a match in "monday"',)


def test_a_new_version_stands_where_the_old_one_stood() -> None:
    said = [remembered(i, text, thread="t", at=1) for i, text in enumerate(["bridge", "aa", "bb", "cc", "dd"], 1)]
    mind = mind_of(*said, remembered(9, "changed", thread="t", at=1, supersedes=raw(2)))
    assert found(mind, "bridge")[:2] == [1, 9]
    again = woken(mind)
    assert found(again, "bridge") == found(mind, "bridge")


def test_pinned_comes_before_equals_and_not_before_better() -> None:
    mind = mind_of(
        remembered(1, "coffee friday", at=1),
        remembered(2, "coffee friday", at=1, kind="fact", pinned=True),
        remembered(3, "coffee friday percent", at=1),
    )
    assert [number for number in found(mind, "coffee friday") if number != 3] == [2, 1]
    assert found(mind, "coffee friday percent")[0] == 3
    assert "pinned" in recall(mind, "coffee friday")[0].reasons


def test_equals_are_in_order_of_time_then_of_the_log() -> None:
    mind = mind_of(*(remembered(i, "coffee", at=at, kind=str(i)) for i, at in ((1, 5), (2, 3), (3, 3), (4, 5))))
    assert found(mind, "coffee") == [2, 3, 1, 4]


def test_the_words_that_tell_most_come_first_in_the_reasons() -> None:
    mind = mind_of(remembered(1, "file percent"), remembered(2, "file"), remembered(3, "file"))
    assert recall(mind, "file percent", words_only=True)[0].reasons == ("words: percent, file",)


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("the bridges of london", "Which BRIDGE?", "BRIDGE"),
        ("der Fußgänger", "Wer ist FUSSGÄNGER?", "FUSSGÄNGER"),
        ("der fussganger", "Wo ist Fußgänger?", "Fußgänger"),
        ("ein Cafe", "cafe\u0301s?", "cafés"),
        ("Anna", "is this Anna’s?", "Anna’s"),
        ("an iPhone 15", "my iPhone15", "15, iPhone"),
        ("1000 steps", "1,000?", "1,000"),
        ("天気がいい", "今日の天気", "天気"),
        ("ガラス", "ｶﾞﾗｽ?", "ｶﾞﾗ, ﾗｽ"),
        ("full width", "ＦＵＬＬ ﬁle", "ＦＵＬＬ"),
        ("محمد هنا", "أين مُحَمَّد؟", "مُحَمَّد"),
        ("हिन्दी", "क्या हिन्दी?", "हिन्दी"),
        ("한국어", unicodedata.normalize("NFD", "한국어?"), "한국어"),
        ("ο οδοσ", "ΟΔΟΣ", "ΟΔΟΣ"),
        ("👍", "👍🏽", "👍"),
        ("bridge", "Bridge bridges BRIDGE", "Bridge"),
    ],
)
def test_reasons_show_words_as_the_query_spells_them(text: str, query: str, shown: str) -> None:
    mind = mind_of(remembered(1, text), remembered(2, "coffee"))
    assert recall(mind, query, words_only=True)[0].reasons[0] == f"words: {shown}"


@pytest.mark.parametrize("query", ["straße " * 40_000 + "brücke", "橋" * 100_000, "a\u0301\u0323" * 50_000 + " brücke"])
def test_no_spelling_is_looked_for_without_end(query: str) -> None:
    mind = mind_of(remembered(1, "brucke 橋橋"), remembered(2, "coffee"))
    assert recall(mind, query, words_only=True)[0].reasons[0] in ("words: brucke", "words: 橋橋")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_spelling_is_part_of_the_text_and_folds_to_its_word(text: str) -> None:
    found = analysis.words(text)
    for word, spelled in analysis.spellings(text, found).items():
        assert spelled in unicodedata.normalize("NFC", text)
        assert word in analysis.words(spelled) or any(word in part for part in analysis.words(spelled))


def test_an_echo_does_not_take_a_place() -> None:
    mind = mind_of(
        remembered(1, "the deploy is on friday"),
        remembered(2, "as you said the deploy is on friday", echo_of=raw(1), thread="t"),
        remembered(3, "friday deploy deploy", echo_of=raw(2)),
    )
    assert found(mind, "deploy friday") == [1]
    assert found(mind, "deploy friday", thread="t") == [2]
    echo = mind.get(name(2))
    assert echo is not None
    assert echo.echo_of == name(1)
    assert mind.stats()["echoes"] == 2
    mind.apply(5, remembered(4, "the deploy is on monday", supersedes=raw(1)))
    assert found(mind, "deploy friday") == [4]
    mind.apply(6, Forgotten([raw(1), raw(4)], [], 0))
    assert found(mind, "deploy friday") == [2]


@pytest.mark.parametrize(
    ("text", "is_echo"),
    [
        ("The deploy happens on Friday at 5 pm", True),
        ("As you said earlier, the deploy happens on Friday at 5 pm.", True),
        ("deploys happening on Friday 5 pm!", True),
        ("The deploy happens on Monday at 5 pm", False),
        ("The deploy does not happen on Friday at 5 pm", False),
        ("The deploy doesn't happen on Friday at 5 pm", False),
        ("The deploy happens on Friday at 6 pm", False),
        ("on Friday 5 pm happens deploy the", False),
        ("Friday deploy", False),
        ("", False),
    ],
)
def test_saying_again_what_was_just_recalled_is_an_echo(text: str, is_echo: bool) -> None:
    mind = mind_of(remembered(1, "The deploy happens on Friday at 5 pm, Anna told the team"), remembered(2, "coffee"))
    heard = Heard(10)
    assert mind.echo_of(text, heard) is None
    heard.add([name(2), "nonsense", name(1)])
    assert mind.echo_of(text, heard) == (name(1) if is_echo else None)


def test_an_echo_is_heard_of_the_last_few_and_of_nothing_forgotten() -> None:
    said = "The deploy happens on Friday at 5 pm"
    mind = mind_of(remembered(1, said), remembered(2, "coffee and cake"), remembered(3, "tea and cake"))
    heard = Heard(2)
    heard.add([name(1)])
    heard.add([name(2), name(3)])
    assert mind.echo_of(said, heard) is None
    heard.add([name(1)])
    assert mind.echo_of(said, heard) == name(1)
    heard.drop([name(1)])
    assert mind.echo_of(said, heard) is None


def test_bm25_is_what_the_book_says() -> None:
    """Against a naive implementation, on a corpus without threads, speakers, vectors or dates."""
    corpus = [
        "file percent file",
        "file bridge",
        "coffee",
        "percent percent percent percent",
        "bridge coffee file anna",
    ]
    mind = mind_of(*(remembered(i + 1, text) for i, text in enumerate(corpus)))
    query = ["file", "percent"]
    index = mind._lexical
    seen = index.query_terms(query, desperate=True)
    split = [text.split() for text in corpus]
    mean = sum(map(len, split)) / len(split)
    from_index = search_scores(mind, seen, mean)
    for row, words in enumerate(split):
        expected = 0.0
        for term in query:
            df = sum(term in other for other in split)
            tf = words.count(term)
            idf = math.log(1 + (len(split) - df + 0.5) / (df + 0.5))
            expected += idf * tf / (tf + 1.2 * (1 - 0.6 + 0.6 * len(words) / mean))
        assert from_index[row] == pytest.approx(expected, rel=1e-5)


some_words = st.lists(st.sampled_from(["file", "percent", "bridge", "coffee", "anna"]), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.lists(some_words, max_size=30))
def test_bm25_is_what_the_book_says_for_any_corpus(split: list[list[str]]) -> None:
    mind = mind_of(*(remembered(i + 1, " ".join(words)) for i, words in enumerate(split)))
    if not split:
        return
    mean = sum(map(len, split)) / len(split)
    scores = search_scores(mind, mind._lexical.query_terms(["file", "bridge"], desperate=True), mean)
    for row, words in enumerate(split):
        expected = 0.0
        for term in ("file", "bridge"):
            df, tf = sum(term in other for other in split), words.count(term)
            idf = math.log(1 + (len(split) - df + 0.5) / (df + 0.5))
            expected += idf * tf / (tf + 1.2 * (1 - 0.6 + 0.6 * len(words) / mean))
        assert scores[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def search_scores(mind: Mind, terms: list[tuple[str, int]], mean: float) -> list[float]:
    from severance.mind.matching import search  # noqa: PLC0415 - beside what it measures

    place = np.empty(len(mind._memories), np.float32)
    found = search(mind._lexical, [(word, number, 1.0) for word, number in terms], None, len(mind), mean, place)
    return [float(score) for score in found.scores]


@settings(deadline=None)
@given(histories(), st.integers(0, 5))
def test_a_shorter_answer_is_the_beginning_of_a_longer_one(events: list[object], limit: int) -> None:
    mind = Mind()
    mind.apply_all(1, events)
    everything = mind.recall("deploy friday anna", None, limit=100, filter=Filter(), now=0)
    assert mind.recall("deploy friday anna", None, limit=limit, filter=Filter(), now=0) == everything[:limit]
    scores = [hit.score for hit in everything]
    assert scores == sorted(scores, reverse=True)
    assert all(hit.reasons for hit in everything)


@settings(deadline=None)
@given(histories())
def test_asking_changes_nothing(events: list[object]) -> None:
    asked, silent = Mind(), Mind()
    for seq, event in enumerate(events, 1):
        asked.apply(seq, event)
        silent.apply(seq, event)
        recall_any(asked, "unheard of words deploy")
        asked.find_repeat(remembered(99, "coffee"))
        asked.stats()
    assert pictured(asked) == pictured(silent)


def recall_any(mind: Mind, text: str) -> None:
    mind.recall(text, None, limit=3, filter=Filter(), now=0)
    mind.to_embed(text)


def test_repeating_does_not_change_the_order() -> None:
    mind = mind_of(remembered(1, "coffee", at=1), remembered(2, "coffee", at=2, kind="b"), Repeated(raw(2), 0, 0))
    assert found(mind, "coffee") == [1, 2]


@pytest.mark.parametrize("changes", [{"thread": None}, {"thread": "u"}, {"at": 5}, {}])
def test_neighbours_are_the_same_after_waking_whatever_a_new_version_changed(changes: dict[str, object]) -> None:
    said = [remembered(i, text, thread="t", at=i) for i, text in enumerate(["bridge", "aa", "bb"], 1)]
    mind = mind_of(*said)
    recall(mind, "bridge")
    mind.apply(5, remembered(4, "cc", **{"thread": "t", "at": 2, "supersedes": raw(2), **changes}))
    mind.apply(6, remembered(5, "dd", thread="t", at=9))
    again = woken(mind)
    assert recall(again, "bridge", words_only=True) == recall(mind, "bridge", words_only=True)


def test_where_a_query_names_a_time_function_words_do_not_speak_for_others() -> None:
    may, january = 1_717_113_600_000_000, 1_672_531_200_000_000
    mind = mind_of(
        remembered(1, "The lift is out of order.", at=may),
        remembered(2, "I had pancakes in the morning in the canteen.", at=january),
    )
    assert recall(mind, "what happened in May 2024?")[0].memory.id == name(1)


# Questions that would take long


def test_a_question_of_nothing_but_marks_is_answered() -> None:
    """No bound in seconds: if marks were brought into order by exchanging neighbours, this test would not end."""
    marks = "\u05b0\u0316\u0315" * 300_000
    assert analysis.words(f"cafe{marks}") == ["cafe" + "\u05b0" * 300_000]


@given(st.text(st.sampled_from("a\u0315\u0316\u05b0\u0591\u064b\u3099\u0344-\u0e01 \u00e9"), min_size=20, max_size=120))
def test_marks_in_any_order_make_the_words_that_they_always_made(text: str) -> None:
    in_order = unicodedata.normalize("NFC", text)
    assert analysis.words(text) == analysis.words(in_order)


def test_a_time_that_is_named_a_hundred_thousand_times_is_looked_at_once() -> None:
    """No bound in seconds: if each were held against every memory, this test would not end."""
    mind = mind_of(*(remembered(number, "melon", at=number * 300 * DAY) for number in range(60)))
    assert recall(mind, "melon 1 may " * 80_000, words_only=True) == recall(mind, "melon 1 may", words_only=True)


def test_each_stretch_of_time_is_told_once() -> None:
    found = dates.spans(
        "8 may 2023, May 8th 2023, 2023-05-08, last week and last week", now=400 * DAY, first=0, last=DAY
    )
    assert [span.label for span in found] == ["8 may 2023", "1 may 2023 to 7 may 2023 (last week)"]
