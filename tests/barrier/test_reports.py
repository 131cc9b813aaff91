"""One report in four forms: the same content, whatever is in it, and no word more than was found."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from severance.barrier import own, parts, reports
from severance.barrier.findings import Control, Outcome, Report, Verdict
from severance.barrier.reports.words import PROMISES, closing, counted, lasted, per_power_of_ten, summary, visible
from severance.barrier.run import NEVER_COVERED

HOSTILE = "\x00\x1b[2J\x07 <script>alert('x')</script> ]]> & \" ' \u202eevil \ud800 \ufffe \x85 \u2028 \U0001f986"
TOO_MUCH = r"\b(prove[ns]?|proof|secure|secured|securely|unsafe|safe\w*|guarant\w+|impossible)\b"
PROMISES_TOO_MUCH = re.compile(TOO_MUCH, re.IGNORECASE)

HELD = Outcome(
    "noninterference.purge",
    "Deleting what one persona did",
    "P1",
    "trace pairs",
    Verdict.HELD,
    tried=10_000,
    control=Control("faults", 12, 12),
    seconds=1.25,
)
BROKEN = Outcome(
    "residue.files",
    "Sentences on disk",
    "P3",
    "sentences",
    Verdict.BROKEN,
    tried=800,
    found=31,
    evidence=tuple(f"vault.db at byte {at}" for at in range(20)),
    control=Control("the same, unsealed", 800, 800),
    advice="Report it.",
)
UNCLEAR = Outcome(
    "endurance.kill",
    "What was acknowledged",
    "P4",
    "kills",
    Verdict.INCONCLUSIVE,
    tried=40,
    control=Control("losses", 3, 2),
    note="The control was missed.",
)
UNTRIED = Outcome("store.own", "Your own store", "P3", "looks", Verdict.NOT_TRIED, note="There is no store.")
NOTED = Outcome("timing", "How long it takes", "P1", "pairs of calls", Verdict.NOTED, tried=4_000, note="|t| is 1.3.")
EVERY = (HELD, BROKEN, UNCLEAR, UNTRIED, NOTED)


def _report(*outcomes: Outcome, stopped: bool = False, target: str = "severance", more: str = "") -> Report:
    return Report(
        target=target,
        mode="quick",
        seed=7,
        began=1_763_683_200_000_000,
        seconds=48.25,
        stopped=stopped,
        outcomes=outcomes,
        not_covered=("What the moon does.", *([more] if more else [])),
        versions={"severance": "0.1.0"},
        command="severance barrier --quick --seed 7",
    )


def _hostile() -> Report:
    bad = Outcome(
        "a.b",
        HOSTILE,
        "P1",
        HOSTILE,
        Verdict.BROKEN,
        tried=2,
        found=1,
        evidence=(HOSTILE,),
        control=Control(HOSTILE, 1, 1),
        note=HOSTILE,
        advice=HOSTILE,
    )
    skipped = Outcome("c", HOSTILE, "P1", HOSTILE, Verdict.NOT_TRIED, note=HOSTILE)
    return _report(bad, skipped, target=HOSTILE, more=HOSTILE)


def _text(report: Report, *, width: int | None = None) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=width is not None, width=width or 100_000, markup=False, emoji=False)
    reports.show(report, console)
    return out.getvalue()


def _as_json(report: Report) -> str:
    return json.dumps(reports.document(report))


class _Page(HTMLParser):
    """What is on a page: its texts, its tags, and whatever refers to something outside."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.open: list[str] = []
        self.refers: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "a tag is closed that was not the last to be opened"

    def handle_data(self, data: str) -> None:
        self.text += data


FORMS: dict[str, Callable[[Report], str]] = {
    "text": _text,
    "terminal": lambda report: _text(report, width=80),
    "json": _as_json,
    "junit": reports.suite,
    "html": reports.page,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_has_the_same_content(form: Callable[[Report], str]) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", form(_report(*EVERY)))
    said = " ".join(re.sub(r"[\n ]+", " ", said).split())
    for outcome in EVERY:
        for part in (outcome.name, outcome.title, outcome.note, *outcome.evidence, outcome.advice):
            assert part.replace("|t|", "") in said.replace("|t|", ""), (outcome.name, part)
        if outcome.control is not None:
            assert outcome.control.what in said
    assert "What the moon does." in said


@pytest.mark.parametrize("form", [name for name in FORMS if name != "json"])
def test_a_count_is_told_with_its_bound(form: str) -> None:
    said = FORMS[form](_report(HELD))
    assert "10,000" in said
    assert "below 3.0 in 10,000" in said
    assert "for this" in said  # a terminal may break the line there


def test_the_phrase_for_a_count() -> None:
    assert counted(HELD) == "0 of 10,000 trace pairs: below 3.0 in 10,000 (95 %), for this generator"
    assert counted(BROKEN) == "31 of 800 sentences"
    assert counted(UNCLEAR) == "0 of 40 kills"
    assert counted(replace(HELD, bounded=False)) == "0 of 10,000 trace pairs"
    assert counted(UNTRIED) == ""
    assert counted(NOTED) == "4,000 pairs of calls measured"


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "outcome", [replace(HELD, bounded=False), BROKEN, UNCLEAR, NOTED], ids=lambda each: each.verdict
)
def test_no_form_has_a_bound_where_none_can_be_said(form: Callable[[Report], str], outcome: Outcome) -> None:
    said = re.sub(r"<h2>How to read.*", "", form(_report(outcome)), flags=re.DOTALL)
    for word in ("below", "in 100", "(95 %)", "generator", "the bounds", 'at_most": 0'):
        assert word not in said
    assert "below" in form(_report(HELD)) or '"at_most": 0.0002' in form(_report(HELD))


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.00029953, "3.0 in 10,000"),
        (0.0003, "3.0 in 10,000"),
        (0.000301, "3.1 in 10,000"),
        (0.95, "9.5 in 10"),
        (0.999, "1.0 in 1"),
        (0.0999, "1.0 in 10"),
        (0.1, "1.0 in 10"),
        (0.000002, "2.0 in 1,000,000"),
    ],
)
def test_a_share_has_two_digits_rounded_up(share: float, said: str) -> None:
    assert per_power_of_ten(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.04, "0.0 s"), (48.25, "48.2 s"), (77, "1 min 17 s"), (7_320, "2 h 2 min")]
)
def test_a_duration(seconds: float, said: str) -> None:
    assert lasted(seconds) == said


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_form_says_more_than_was_found(form: Callable[[Report], str]) -> None:
    for report in (_report(*EVERY), _report(HELD), _report(UNTRIED), _report(HELD, stopped=True), _report()):
        assert not PROMISES_TOO_MUCH.search(form(report))


@pytest.mark.parametrize("verdict", Verdict)
def test_no_part_says_more_than_it_finds(verdict: Verdict) -> None:
    every = [own.part(Path("store"), None), *parts.of_severance(), *parts.against("severance")[0]]
    outcomes = [
        Outcome(each.name, each.title, each.promise, each.unit, verdict, 3, advice=each.advice) for each in every
    ]
    said = [sentence for each in every for sentence in each.not_covered]
    for sentence in (*said, *NEVER_COVERED, _text(_report(*outcomes))):
        assert not PROMISES_TOO_MUCH.search(sentence)


@pytest.mark.parametrize(
    ("outcomes", "stopped", "begins"),
    [
        ((HELD, UNTRIED), False, "Nothing crossed in what was tried"),
        ((HELD,), False, "Nothing crossed in what was tried; the bounds say how much that is worth."),
        ((HELD, BROKEN, UNCLEAR), False, "Something crossed in 1 of 3 parts"),
        ((HELD, UNCLEAR), False, "No conclusion: 1 of 2 parts"),
        ((UNTRIED,), False, "No conclusion: nothing was tried"),
        ((), False, "No conclusion: nothing was tried"),
        ((HELD,), True, "No conclusion. It was stopped before its end."),
    ],
)
def test_the_closing_sentence(outcomes: tuple[Outcome, ...], stopped: bool, begins: str) -> None:
    report = _report(*outcomes, stopped=stopped)
    assert closing(report).startswith(begins)
    assert closing(report) in _text(report)
    assert closing(report) == "".join(summary(report))
    assert closing(report) in reports.suite(report)


def test_the_closing_sentence_counts_what_was_not_tried() -> None:
    assert closing(_report(HELD, UNTRIED)).endswith("1 of 2 parts was not tried.")
    assert closing(_report(HELD, UNTRIED, UNTRIED)).endswith("2 of 3 parts were not tried.")


def test_evidence_is_shown_only_for_what_is_broken_and_told_where_it_was_cut() -> None:
    said = _text(_report(*EVERY))
    assert said.count("vault.db at byte") == 20
    assert "and 11 more" in said
    assert "And 11 more" in reports.page(_report(*EVERY))


def test_plain_text_has_one_line_for_each_outcome() -> None:
    lines = _text(_report(HELD, UNTRIED, NOTED)).splitlines()
    assert [line.split("  ")[0] for line in lines[1:4]] == ["held", "not tried", "noted"]
    assert not any(line.endswith(" ") for line in lines)
    assert all("\x1b" not in line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_at_a_terminal_no_line_is_wider_than_it_is(width: int) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", _text(_report(*EVERY), width=width))
    assert max(map(len, said.splitlines())) <= width


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_hostile_evidence_commands_nothing(form: Callable[[Report], str]) -> None:
    said = re.sub(r"\x1b\[[0-9;]*m", "", form(_hostile()))  # our own colours
    said.encode()  # no half of a pair is left
    for bad in ("\x00", "\x1b", "\x07", "\u202e", "\x85", "\u2028", "\ufffe"):
        assert bad not in said
    assert "evil" in said


def test_hostile_evidence_is_text_on_the_page_and_in_the_xml() -> None:
    page = _Page(reports.page(_hostile()))
    assert "script" not in page.tags
    assert "<script>alert('x')</script> ]]> & \" '" in page.text
    [failure] = ET.fromstring(reports.suite(_hostile())).iter("failure")
    assert "<script>alert('x')</script> ]]> & \" '" in (failure.text or "")


def test_what_can_be_read_stays_as_it_is() -> None:
    assert visible("Grüße, Привет, 記憶, 50 %") == "Grüße, Привет, 記憶, 50 %"
    assert visible("a\nb\tc") == "a\\nb\\tc"


def test_json_can_be_read_back_and_has_a_version() -> None:
    document: dict[str, Any] = json.loads(_as_json(_report(*EVERY)))
    assert document["severance_barrier"] == 1
    assert (document["verdict"], document["seed"], document["stopped"]) == ("broken", 7, False)
    assert document["began"] == "2025-11-21T00:00:00+00:00"
    held = document["outcomes"][0]
    assert (held["tried"], held["found"], held["control"]) == (10_000, 0, {"what": "faults", "tried": 12, "found": 12})
    assert held["at_most"] == pytest.approx(0.00029953, rel=1e-4)
    assert document["outcomes"][3]["at_most"] is None
    assert document["outcomes"][3]["control"] is None


def test_junit_is_what_ci_reads() -> None:
    root = ET.fromstring(reports.suite(_report(*EVERY)))
    assert root.tag == "testsuites"
    [suite] = root
    for element in (root, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "1"}
    cases = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert cases == {
        "noninterference.purge": ["system-out"],
        "residue.files": ["failure"],
        "endurance.kill": ["error"],
        "store.own": ["skipped"],
        "timing": ["system-out"],
    }
    assert suite.get("timestamp") == "2025-11-21T00:00:00"
    assert {case.get("classname") for case in suite.iter("testcase")} >= {"severance.barrier.severance.P1"}


def test_a_stopped_run_is_an_error_to_ci() -> None:
    root = ET.fromstring(reports.suite(_report(HELD, stopped=True)))
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    assert [case.get("name") for case in root.iter("testcase")] == [HELD.name, "the-whole-run"]


@pytest.mark.parametrize("report", [_report(*EVERY), _hostile(), _report(stopped=True)])
def test_the_page_stands_alone_and_is_whole(report: Report) -> None:
    source = reports.page(report)
    page = _Page(source)
    assert page.open == []
    assert page.refers == ["data:,"], "nothing is fetched from anywhere"
    assert not {"script", "img", "iframe", "object", "base", "form"} & set(page.tags)
    assert "@import" not in source
    assert "url(" not in source
    assert source.startswith('<!doctype html>\n<html lang="en">')
    for tag in ("title", "h1", "h2", "main", "th"):
        assert tag in page.tags
    assert page.tags.count("h1") == 1
    assert 'scope="col"' in source


def test_the_page_says_its_conclusion_once() -> None:
    for report in (_report(*EVERY), _report(HELD), _report(HELD, UNCLEAR), _report(HELD, stopped=True), _report()):
        text = _Page(reports.page(report)).text
        head, _, rest = summary(report)
        assert text.count(head) == 1
        assert f"{rest[:1].upper()}{rest[1:]}" in text


def test_the_page_explains_every_promise_that_it_names() -> None:
    text = _Page(reports.page(_report(*EVERY))).text
    for outcome in EVERY:
        assert f"{outcome.promise}: {PROMISES[outcome.promise]}" in text
    assert "P5: " not in text, "one that was not tried is not explained"
    assert "The promises" not in _Page(reports.page(_report(replace(HELD, promise="same-id")))).text


def test_every_promise_of_a_part_has_an_explanation() -> None:
    every = [own.part(Path("store"), None), *parts.of_severance()]
    assert {each.promise for each in every} == PROMISES.keys()
    threats = (Path(__file__).parents[2] / "docs" / "design" / "threat-model.md").read_text(encoding="utf-8")
    for name, said in PROMISES.items():
        title = re.search(rf"\| {name} \| \*(.+?)\.?\*", threats)
        assert title is not None
        assert said.startswith(title[1])


def test_the_page_says_how_to_repeat_the_run_and_with_what_it_was_made() -> None:
    text = _Page(reports.page(_report(*EVERY))).text
    for part in ("severance barrier --quick --seed 7", "2025-11-21 00:00:00 UTC", "0.1.0", "48.2 s"):
        assert part in text


def _shades(source: str, scheme: str) -> dict[str, str]:
    block = source.split(scheme)[1].split("}")[0]
    return dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))


def _luminance(shade: str) -> float:
    """Relative luminance after WCAG 2.2."""
    parts = [int(shade[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [":root {", "prefers-color-scheme: dark) {\n  :root {"])
def test_every_text_on_the_page_has_contrast(scheme: str) -> None:
    """At least 4.5 to 1, as WCAG asks of text of this size."""
    shades = _shades(reports.page(_report(HELD)), scheme)
    pairs = [(name, "paper") for name in ("ink", "soft", "held", "broken", "inconclusive", "noted", "untried")]
    pairs += [("band", name) for name in ("held", "broken", "inconclusive", "untried")]
    pairs += [("ink", "panel")]
    for one, other in pairs:
        light, dark = sorted((_luminance(shades[one]), _luminance(shades[other])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (one, other)


@pytest.mark.parametrize("form", [_as_json, reports.suite, reports.page], ids=["json", "junit", "html"])
def test_a_file_that_was_written_is_known_again(form: Callable[[Report], str]) -> None:
    assert reports.is_report(form(_report(*EVERY)).encode()[:1024])
    assert not reports.is_report(b"my thesis")


def test_the_indented_json_is_known_again() -> None:
    assert reports.is_report(json.dumps(reports.document(_report(HELD)), indent=2).encode()[:1024])


def test_what_has_no_width_and_heaps_of_accents_are_written_out() -> None:
    for char in "\u200b\u200d\u00ad\u2060\ufeff\u202e\u180e\U000e0041":
        assert visible(f"a{char}b") == f"a{char.encode('unicode_escape').decode()}b"
    accent = "\u0301"
    assert visible("e" + accent * 4 + "f" + accent) == "e" + accent * 4 + "f" + accent
    assert visible("e" + accent * 6) == "e" + accent * 4 + "\\u0301" * 2
    assert visible("e" + "\u20dd" * 5).endswith("\\u20dd"), "rings around a letter are accents, too"
