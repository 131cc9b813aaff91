"""Sinks and rules of alarms as people write them."""

from __future__ import annotations

from itertools import chain

import pytest

from severance.alarms.kinds import KINDS, matches
from severance.alarms.rules import DEFAULT, changes, read, shown_rule, shown_sink, write
from severance.chip.register import AlarmForm, AlarmsRow, SinkForm
from severance.errors import InputError

WHOLE = """
[[sink]]
name = "phone"
webhook = "https://alarms.example.org/severance?token=1"
most = 3

[[sink]]
name = "desk"
command = ["~/bin/tell-me", "--loud"]

[[sink]]
name = "mail"
apprise = "mailto://mark:secret@example.org"

[[rule]]
on = ["override.*", "damage"]
to = ["phone", "mail", "log"]
names = true

[[rule]]
on = "refused.repeated"
to = "desk"
times = 3
within = "2h"
group = "30s"

[[rule]]
on = "export.large"
to = "log"
above = 0
"""


def test_a_document_says_sinks_and_rules() -> None:
    found = read(WHOLE)
    assert found.sinks == (
        SinkForm("phone", "webhook", ("https://alarms.example.org/severance?token=1",), 3),
        SinkForm("desk", "command", ("~/bin/tell-me", "--loud"), 10),
        SinkForm("mail", "apprise", ("mailto://mark:secret@example.org",), 10),
    )
    assert found.rules == (
        AlarmForm(("override.*", "damage"), ("phone", "mail", "log"), True, 5, 600, 10_000, 60),
        AlarmForm(("refused.repeated",), ("desk",), False, 3, 7_200, 10_000, 30),
        AlarmForm(("export.large",), ("log",), False, 5, 600, 0, 60),
    )


@pytest.mark.parametrize("alarms", [read(WHOLE), DEFAULT, AlarmsRow((), ()), read("")])
def test_what_is_written_is_read_as_the_same(alarms: AlarmsRow) -> None:
    assert read(write(alarms)) == alarms


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("[[sink]]\n", "line 1, column 1:", "a sink has a name"),
        ('[[sink]]\nname = "log"\nwebhook = "https://a.example"', "line 2, column 8:", "of this name already"),
        ('[[sink]]\nname = "two words"\nlog = true', "line 3, column 1:", "no such key"),
        ('[[sink]]\nname = "a/b"\nwebhook = "https://a.example"', "line 2, column 8:", "a sink has a name"),
        ('[[sink]]\nname = "a"', "line 1, column 1:", "a sink has one of"),
        ('[[sink]]\nname = "a"\nwebhook = "https://a"\ncommand = ["/a"]', "line 1, column 1:", "a sink has one of"),
        ('[[sink]]\nname = "a"\nwebhook = "http://a.example/x"', "line 3, column 11:", "a webhook is https"),
        ('[[sink]]\nname = "a"\nwebhook = "ftp://a.example/x"', "line 3, column 11:", "a webhook is a URL"),
        ('[[sink]]\nname = "a"\nwebhook = "https://u:p@a.example"', "line 3, column 11:", "no name, password"),
        ('[[sink]]\nname = "a"\nwebhook = ["https://a.example", 1]', "line 3, column 11:", "webhook is a text"),
        ('[[sink]]\nname = "a"\ncommand = "/bin/true"', "line 3, column 11:", "command is a list of texts"),
        ('[[sink]]\nname = "a"\ncommand = []', "line 3, column 11:", "command is a list of texts"),
        ('[[sink]]\nname = "a"\ncommand = ["true"]', "line 3, column 11:", "absolute path"),
        ('[[sink]]\nname = "a"\napprise = "somebody"', "line 3, column 11:", "begins with its service"),
        ('[[sink]]\nname = "a"\napprise = "a://b"\nmost = 0', "line 4, column 8:", "most is a whole number"),
        ('[[rule]]\non = "damage"', "line 1, column 1:", "to is a text"),
        ('[[rule]]\nto = "log"', "line 1, column 1:", "on is a text"),
        ('[[rule]]\non = []\nto = "log"', "line 2, column 6:", "on is a text"),
        ('[[rule]]\non = "fire"\nto = "log"', "line 2, column 6:", "no such alarm"),
        ('[[rule]]\non = "override."\nto = "log"', "line 2, column 6:", "no such alarm"),
        ('[[rule]]\non = "damage"\nto = "phone"', "line 3, column 6:", "no such sink"),
        ('[[rule]]\non = "damage"\nto = "log"\nnames = 1', "line 4, column 9:", "names is true or false"),
        ('[[rule]]\non = "damage"\nto = "log"\ntimes = true', "line 4, column 9:", "times is a whole number"),
        ('[[rule]]\non = "damage"\nto = "log"\nwithin = "8 days"', "line 4, column 10:", "within is a time"),
        ('[[rule]]\non = "damage"\nto = "log"\ngroup = "8d"', "line 4, column 9:", "group is a time"),
        ('[[rule]]\non = "damage"\nto = "log"\nloud = true', "line 4, column 1:", "no such key"),
        ("rule = 1", "line 1, column 8:", "list of tables"),
        ("[[rule]\n", "line 1, column 7:", "this is no TOML"),
        ('\n\nnames = "x"', "line 3, column 1:", "no such key"),
        ("[[sink]]\n" * 400_000, "line 1, column 1:", "longer than rules of alarms"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_column(text: str, where: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read(text)
    assert str(caught.value).startswith(where)


@pytest.mark.parametrize("kind", ["webhook", "apprise"])
def test_a_sink_has_one_address(kind: str) -> None:
    with pytest.raises(InputError, match=f"{kind} is a text"):
        read(f'[[sink]]\nname = "a"\n{kind} = ["https://a.example", "https://b.example"]')


def test_a_wrong_kind_in_a_list_is_pointed_at() -> None:
    with pytest.raises(InputError, match="line 2, column 17: there is no such alarm"):
        read('[[rule]]\non = ["damage", "fire"]\nto = "log"')


def test_there_are_at_most_twenty_sinks() -> None:
    sinks = "".join(f'[[sink]]\nname = "s{n}"\nwebhook = "https://a.example"\n' for n in range(21))
    with pytest.raises(InputError, match="at most 20"):
        read(sinks)


def test_plain_http_goes_to_this_machine_only() -> None:
    for address in ("http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x"):
        assert read(f'[[sink]]\nname = "a"\nwebhook = "{address}"').sinks


def test_a_rule_is_about_kinds_all_overrides_or_everything() -> None:
    assert matches(["damage"], "damage")
    assert not matches(["damage"], "damage.other")
    assert matches(["override.*"], "override.used")
    assert not matches(["override.*"], "override")
    assert not matches(["override.used"], "override.denied")
    assert all(matches(["*"], kind) for kind in KINDS)


def test_what_is_shown_of_a_sink_has_no_password() -> None:
    shown = [shown_sink(sink) for sink in read(WHOLE).sinks]
    assert shown == ["webhook https://...", "command ~/bin/tell-me --loud", "apprise mailto://..."]
    said = [*changes(DEFAULT, read(WHOLE)), *changes(read(WHOLE), DEFAULT)]
    assert not [each for each in said if "secret" in each or "token" in each]


def test_changes_are_told_and_nothing_else() -> None:
    assert changes(DEFAULT, DEFAULT) == []
    assert changes(AlarmsRow((), ()), read('rule = [{on = "damage", to = "log"}]')) == [
        "a rule comes: damage to log, without names"
    ]
    found = changes(read(WHOLE), read(WHOLE.replace("most = 3", "most = 4")))
    assert found == ["the sink phone goes: webhook https://...", "the sink phone comes: webhook https://..."]


def test_a_rule_in_words_has_what_it_counts() -> None:
    rules = [shown_rule(rule) for rule in chain(read(WHOLE).rules, DEFAULT.rules)]
    assert rules == [
        "override.*, damage to phone, mail, log, with names",
        "refused.repeated (3 within 2h) to desk, without names",
        "export.large (more than 0 memories) to log, without names",
        "* (5 within 10m, more than 10,000 memories) to log, without names",
    ]
