"""Thresholds as TOML: read, written, and refused with line and column."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip.thresholds.test_hours import some_hours
from chip.thresholds.worlds import LAPTOP, parsed
from severance.chip.thresholds.document import write
from severance.chip.thresholds.positions import Spot, marks, spot
from severance.chip.thresholds.rules import (
    APPLICATION,
    COMMAND,
    DIRECTORY,
    HOST,
    HOURS,
    NETWORK,
    NO_LIMITS,
    REPOSITORY,
    Condition,
    Limits,
    Rule,
    Thresholds,
    read_budget,
    write_budget,
)
from severance.errors import InputError

names = st.sampled_from(["mark", "helly", "innie", 'say "hi"', "caf\u00e9", "a\\b", "#1", "[x]"])
paths = st.sampled_from(["~", "~/code", "/srv/a b", "/x/'y'", '/x/"""', "~/\u00fc"])
VALUES = {
    HOURS: some_hours.map(str),
    HOST: st.sampled_from(["laptop", "*.example.org", "a?"]),
    DIRECTORY: paths,
    REPOSITORY: paths,
    APPLICATION: st.sampled_from(["mail reader", "editor"]),
    NETWORK: st.sampled_from(["10.0.0.0/8", "192.168.1.7/32", "fd00::/16"]),
}
conditions = st.one_of(
    *(
        st.builds(Condition.of, st.just(kind), st.lists(value, min_size=1, max_size=3))
        for kind, value in VALUES.items()
    ),
    st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=4), max_size=2).map(
        lambda more: Condition.of(COMMAND, ["/x", *more])
    ),
)


def ordered(found: list[Condition]) -> tuple[Condition, ...]:
    kinds = [*VALUES, COMMAND]
    return tuple(sorted({each.kind: each for each in found}.values(), key=lambda each: kinds.index(each.kind)))


conditional = st.builds(Rule, names, st.lists(conditions, min_size=1, max_size=4).map(ordered))
rules = st.builds(
    lambda some, last: (*some, *last),
    st.lists(conditional, min_size=1, max_size=3),
    st.lists(names.map(Rule), max_size=1),
)
limits = st.builds(
    Limits,
    st.booleans(),
    st.sampled_from(["UTC", "Europe/Berlin"]),
    st.dictionaries(names, st.integers(1, 1440).map(lambda minutes: minutes * 60), max_size=2),
).filter(lambda found: found != NO_LIMITS)
thresholds = st.builds(
    Thresholds,
    st.dictionaries(st.tuples(names, names), rules, max_size=3),
    st.dictionaries(names, limits, max_size=2),
)


@given(thresholds)
def test_what_is_written_is_read_again(made: Thresholds) -> None:
    text = write(made)
    assert parsed(text) == made
    assert write(parsed(text)) == text


def test_a_document_says_who_wakes_under_which_conditions_in_order() -> None:
    found = parsed(LAPTOP)
    work, home = found.rules["mark", "laptop"]
    assert (work.persona, home.persona) == ("work", "home")
    assert work.conditions == (Condition(HOURS, ("Mon-Fri 09:00-18:00 Europe/Berlin",)),)
    assert len(home.conditions[0].values) == 2
    assert found.limits == {"mark": Limits(True, "Europe/Berlin", {"work": 8 * 3600, "home": 5400})}


def test_names_are_the_same_in_either_form_of_unicode() -> None:
    assert parsed('rule = [{subject="cafe\u0301", place="p", persona="x"}]').rules.keys() == {("caf\u00e9", "p")}


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("[[rule]]\nsubject = \n", 2, 11, "no TOML"),
        ("[[rule]\n", 1, 7, "no TOML"),
        ('[[rule]]\nsubject = "', 2, 12, "no TOML"),
        ("[rule]\nsubject = 'a'\n", 1, 1, "[[rule]]"),
        ("rules = []", 1, 1, "no such key"),
        ("[[rule]]\nsubject='a'\nplace='b'\n", 1, 1, 'persona = "NAME"'),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nhour = 'x'", 5, 1, "no such key"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\n  hours = 'Mon 9-5 UTC'", 5, 11, "Mon-Fri 09:00-18:00"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nhours = 9", 5, 9, "a text, or a list of texts"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nhours = []", 5, 9, "1 to 50"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nnetwork = '10.0.0.5/8'", 5, 11, 'write "10.0.0.0/8"'),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nnetwork = 'home'", 5, 11, "10.20.0.0/16"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ndirectory = 'code'", 5, 13, "~/code/client-a"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ncommand = '/bin/true'", 5, 11, "a list of texts"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ncommand = ['true']", 5, 11, "an absolute path"),
        ("[[rule]]\nsubject='a/b'\nplace='b'\npersona='c'", 2, 9, "names can't have"),
        ("[[rule]]\nsubject=7\nplace='b'\npersona='c'", 2, 9, "needs a name"),
        ("# one\n[[subject]]\nname='a'\nexclusive='yes'", 4, 11, "true or false"),
        ("[[subject]]\nname='a'\nzone='Berlin'", 3, 6, "Europe/Berlin"),
        ("[[subject]]\nname='a'\n[subject.budget]\nwork='2d'", 4, 6, '"1h30m"'),
        ("[[subject]]\nname='a'\nbudget={work='25h'}", 3, 14, "24h"),
        ("[[subject]]\nname='a'\n[[subject]]\nname='a'\n", 3, 1, "put both into one"),
        ("[[subject]]\nexclusive=true", 1, 1, 'name = "NAME"'),
        (
            "[[rule]]\nsubject='a'\nplace='b'\npersona='c'\n\n[[rule]]\nsubject='a'\nplace='b'\npersona='d'\n",
            6,
            1,
            "never be reached",
        ),
        ("[" * 5000, 1, None, "no TOML"),
    ],
)
def test_an_error_has_line_column_and_what_to_write(text: str, line: int, column: int | None, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parsed(text)
    told = str(refused.value)
    assert told.startswith(f"line {line}, column {'' if column is None else f'{column}: '}"), told
    assert says in told
    assert "\n" not in told


def test_where_a_key_and_its_value_stand_is_found_past_strings_that_look_like_keys() -> None:
    text = (
        'a = """\nb = 1\n[[rule]]\n"""\n[[rule]]\n'
        '"c d".e = [ # [[rule]]\n  "]",\n {x.y= [1,2]}]\n[[rule]]\nf = \'#\'\ng = 1'
    )
    found = {path: (spot(text, mark.key), spot(text, mark.value)) for path, mark in marks(text).items()}
    listed = ("rule", 0, "c d", "e")
    assert found == {
        ("a",): (Spot(1, 1), Spot(1, 5)),
        ("rule", 0): (Spot(5, 1), Spot(5, 1)),
        listed: (Spot(6, 1), Spot(6, 11)),
        (*listed, 0): (Spot(7, 3), Spot(7, 3)),
        (*listed, 1): (Spot(8, 2), Spot(8, 2)),
        (*listed, 1, "x", "y"): (Spot(8, 3), Spot(8, 8)),
        (*listed, 1, "x", "y", 0): (Spot(8, 9), Spot(8, 9)),
        (*listed, 1, "x", "y", 1): (Spot(8, 11), Spot(8, 11)),
        ("rule", 1): (Spot(9, 1), Spot(9, 1)),
        ("rule", 1, "f"): (Spot(10, 1), Spot(10, 5)),
        ("rule", 1, "g"): (Spot(11, 1), Spot(11, 5)),
    }


RULE = "[[rule]]\nsubject='a'\nplace='b'\npersona='c'\n"


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (RULE + "hours = [\n  'Mon UTC',\n  'Tue Nowhere/At_All',\n]", "line 7, column 3", "time zone"),
        (RULE + "hours = 'Mon-Fri 09:00-18:00'", "line 5, column 9", "have no time zone"),
        (RULE + "hours = 'Mon-Fri'", "line 5, column 9", "have no time zone"),
        (RULE + "hours = 'Mon-Fri 9:00-18:00 UTC'", "line 5, column 9", "two digits"),
        (RULE + "hours = 'Mon-Fri 9-17'", "line 5, column 9", "two digits"),
        (RULE + "hours = 'Europe/Berlin'", "line 5, column 9", "neither days nor times"),
        *(
            (RULE + f"hours = 'Mon {zone}'", "line 5, column 9", "no zone of a place")
            for zone in ("localtime", "right/UTC")
        ),
        ("[[subject]]\nname='a'\nzone='posix/Europe/Berlin'", "line 3, column 6", "no zone of a place"),
        (RULE + "repository = 'rel'", "line 5, column 14", "a repository is an absolute path"),
        (RULE + "host = '['", "line 5, column 8", "a host is a name or a pattern"),
        (RULE + "application = ['editor', 'a/b']", "line 5, column 26", "names can't have"),
        (RULE + "application = ' editor'", "line 5, column 15", "names can't have"),
        (RULE + "host = ['x', 5]", "line 5, column 14", "a text, or a list of texts"),
        ("[[subject]]\nname='a'\nbudget={work='1h', 'w/k'='1h'}", "line 3, column 20", "names can't have"),
        ("[[subject]]\nname='a'\nexclusive = " + "9" * 5_000, "line 3, column 13", "this number is too long"),
        ("[[subject]]\nname = " + "[" * 5_000 + "]" * 5_000, "line 2, column 8", "nested too deeply"),
        ("x = 1\n" + "a." * 5_000 + "a = 1", "line 2, column 1", "at most 50 parts"),
        ("#" * (1 << 20) + "\n", "line 1, column 1", "longer than thresholds can be"),
        ("name = '\ud800'", "line 1, column 9", "half of a character"),
    ],
)
def test_an_error_is_where_the_value_is(text: str, where: str, says: str) -> None:
    with pytest.raises(InputError) as refused:
        parsed(text)
    assert str(refused.value).startswith(f"{where}: "), refused.value
    assert says in str(refused.value)


@pytest.mark.parametrize("given", [None, 5, b"[[rule]]"])
def test_what_is_no_text_is_an_input_error(given: Any) -> None:
    with pytest.raises(InputError, match="are a text"):
        parsed(given)


def test_a_byte_order_mark_is_left_out() -> None:
    assert parsed("\ufeff" + LAPTOP) == parsed(LAPTOP)


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7_200), ("1h30m", 5_400), ("90s", 90), ("30m1h", 5_400), ("1d", 86_400), ("1m", 60)]
)
def test_a_budget_is_a_length_of_time_as_others_are(text: str, seconds: int) -> None:
    assert read_budget(text) == seconds
    assert read_budget(write_budget(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "h", "2", "2 h", "1.5h", "59s", "25h", "2H", "\u0662h", "-2h"])
def test_what_is_no_length_is_no_budget(text: str) -> None:
    with pytest.raises(InputError):
        read_budget(text)
