"""Thresholds as TOML: read, written, and refused with line and column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chip.thresholds.test_hours import some_hours
from chip.thresholds.worlds import LAPTOP, parsed
from severance.chip.thresholds.document import write
from severance.chip.thresholds.positions import Spot, spots
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
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\n  hours = 'Mon 9-5 UTC'", 5, 3, "Mon-Fri 09:00-18:00"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nhours = 9", 5, 1, "a text, or a list of texts"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nhours = []", 5, 1, "1 to 50"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nnetwork = '10.0.0.5/8'", 5, 1, 'write "10.0.0.0/8"'),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\nnetwork = 'home'", 5, 1, "10.20.0.0/16"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ndirectory = 'code'", 5, 1, "~/code/client-a"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ncommand = '/bin/true'", 5, 1, "a list of texts"),
        ("[[rule]]\nsubject='a'\nplace='b'\npersona='c'\ncommand = ['true']", 5, 1, "an absolute path"),
        ("[[rule]]\nsubject='a/b'\nplace='b'\npersona='c'", 2, 1, "names can't have"),
        ("[[rule]]\nsubject=7\nplace='b'\npersona='c'", 2, 1, "needs a name"),
        ("# one\n[[subject]]\nname='a'\nexclusive='yes'", 4, 1, "true or false"),
        ("[[subject]]\nname='a'\nzone='Berlin'", 3, 1, "Europe/Berlin"),
        ("[[subject]]\nname='a'\n[subject.budget]\nwork='2d'", 4, 1, '"1h30m"'),
        ("[[subject]]\nname='a'\nbudget={work='25h'}", 3, 1, "24h"),
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


def test_where_a_key_stands_is_found_past_strings_that_look_like_keys() -> None:
    text = 'a = """\nb = 1\n[[rule]]\n"""\n[[rule]]\n"c d".e = [ # [[rule]]\n  "]",\n]\n[[rule]]\nf = \'#\'\ng = 1\n'
    assert spots(text) == {
        ("a",): Spot(1, 1),
        ("rule", 0): Spot(5, 1),
        ("rule", 0, "c d", "e"): Spot(6, 1),
        ("rule", 1): Spot(9, 1),
        ("rule", 1, "f"): Spot(10, 1),
        ("rule", 1, "g"): Spot(11, 1),
    }
