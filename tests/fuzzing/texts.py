"""Times, queries and words: what people and models write where something is looked for or remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from fuzzing.logs import NOW, STORY, recalled
from fuzzing.target import Choices, Target, text_of
from severance.asking import check_query, filter_of
from severance.cli import words as arguments
from severance.drafts import checked, draft_of, is_blank, name_of
from severance.errors import InputError
from severance.mind import Mind, analysis, dates
from severance.model import (
    MAX_METADATA_BYTES,
    MAX_NAME_CHARS,
    MAX_TEXT_BYTES,
    Draft,
    id_bytes,
    id_text,
    micros,
    moment,
    parse_time,
)
from severance.transfer import fit, frontmatter, mailtext, mbox
from severance.transfer.sections import Line, sections
from severance.transfer.sniff import _text as kind_of
from severance.transfer.split import pieces

_TIMES = (
    b"2024-05-31",
    b"2024-05-31T18:00+02:00",
    b"20240531T180000Z",
    b"2024-W22-5",
    b"0001-01-01T00:00+23:59",
    b"9999-12-31",
)
_ASKED = (
    b"what did Anna say on 8 May 2023",
    b"in June",
    b"last week, 2023-05-08 or 31 february",
    b"yesterday in 2022",
    b"may 1st",
)


def run_time(data: bytes) -> None:
    """A text is refused, or is a time that is written and read again as the same."""
    text = text_of(data)
    try:
        when = parse_time(text)
    except InputError:
        when = None
    if when is not None:
        assert moment(micros(when)) == when
        assert when.utcoffset() == datetime.now(UTC).utcoffset()
        assert parse_time(when.isoformat()) == when
    try:
        assert fit.when(text) == when
    except fit.Unfit:
        assert when is None
    try:
        filter_of(text, None, text, text, {text: text})
    except InputError:
        return
    assert when is not None, "a filter takes a time that cannot be read"


def run_dates(data: bytes) -> None:
    """The stretches of time in a query have a beginning, an end, and stay few."""
    choices = Choices(data)
    first, last = sorted(
        (micros(datetime(1 + choices.below(9999), 1, 1)), micros(datetime(1 + choices.below(9999), 12, 31)))
    )
    text = text_of(choices.rest())
    found = dates.spans(text, now=NOW, first=first, last=last)
    assert all(span.since <= span.until and span.label for span in found)
    assert len(set(found)) == len(found) <= 200 * (1 + len(text)), "one stretch of time was found twice"
    assert not found or dates.may_name_a_time(text), "a time is named that nobody would have looked for"


def run_words(data: bytes) -> None:
    """Words are never empty, what is asked is found among what is indexed, and folding twice is folding once."""
    text = text_of(data)
    asked, indexed = analysis.words(text), analysis.indexed(text)
    assert all(asked)
    assert set(asked) <= set(indexed), "a text is not found by its own words"
    assert all(_STEMS.term(word) for word in asked)
    assert all(len(_STEMS.term(word)) <= 64 for word in indexed)


_STEMS = analysis.Stems()


def run_query(data: bytes) -> None:
    """Any question that may be asked is answered, with scores that are numbers."""
    text = text_of(data)
    try:
        check_query(text)
    except InputError:
        return
    recalled(_MIND, text)


def _mind() -> Mind:
    mind = Mind()
    mind.apply_all(1, STORY)
    return mind


_MIND = _mind()
_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, -(2**63), 1e308, float("nan"), float("inf"), "", " ", "\0", "\ud800", "x" * 513),
    *(
        "2024-05-31",
        "x" * 70_000,
        "é" * 8_192,
        b"bytes",
        [1],
        {"a": 1},
        {1: 2},
        {"a": float("inf")},
        {"": "y" * 16_384},
    ),
    *(datetime(1, 1, 1, tzinfo=UTC), date(9999, 12, 31), Draft(text="inside"), 1.5, object),
)
_FIELDS = ("text", "at", "thread", "source", "kind", "metadata", "pinned", "extra")


def run_draft(data: bytes) -> None:
    """What may be remembered is within every limit, and checked a second time stays as it is."""
    choices = Choices(data)
    given: dict[Any, Any] = {"text": text_of(choices.take(choices.below(40)))}
    while choices:
        field = choices.pick(_FIELDS)
        given[field] = choices.pick(_ODD) if choices.byte() % 4 else text_of(choices.take(choices.below(30)))
    for item in (given, given["text"]):
        try:
            draft = draft_of(item)
        except InputError:
            continue
        check_draft(draft)
    try:
        name = name_of(given["text"], "a persona")
    except InputError:
        return
    assert 1 <= len(name) <= MAX_NAME_CHARS
    assert name_of(name, "a persona") == name
    name.encode()


def check_draft(draft: Draft) -> None:
    """A draft that was let through is one that can be stored."""
    assert checked(draft) == draft
    assert 0 < len(draft.text.encode()) <= MAX_TEXT_BYTES
    assert not is_blank(draft.text)
    assert not any(label and is_blank(label) for label in (draft.thread, draft.source, draft.kind))
    assert all(len((label or "").encode()) <= 512 for label in (draft.thread, draft.source, draft.kind))
    assert (
        len(json.dumps(dict(draft.metadata), ensure_ascii=False, separators=(",", ":")).encode())
        <= 2 * MAX_METADATA_BYTES
    )
    assert draft.at is None or moment(micros(draft.at)) == draft.at
    assert fit.attempt("", lambda: fit.item(draft, "x")) is not None


def run_argument(data: bytes) -> None:
    """NAME=VALUE is refused, or gives the name to the letter and a scalar; an id is one or none."""
    items = [text_of(part) for part in data.split(b"\xff")]
    try:
        found = arguments.metadata(items) or {}
    except InputError:
        found = None
    if found is not None:
        assert list(found) == [item.partition("=")[0] for item in items]
        assert all(value is None or isinstance(value, str | int | float) for value in found.values())
    for item in items:
        raw = id_bytes(item)
        assert raw is None or id_text(raw) == item


def _unit(text: str) -> list[Line]:
    return [Line(number, line) for number, line in enumerate(text.split("\n"), 1)]


LINEAR: dict[str, Callable[[str], Any]] = {
    "words": analysis.words,
    "indexed": analysis.indexed,
    "dates": lambda text: dates.spans(text, now=NOW, first=NOW - 10**14, last=NOW),
    "query": lambda text: recalled(_MIND, text),
    "html": mailtext.text_of_html,
    "unquoted": mailtext.unquoted,
    "sections": lambda text: list(sections(iter(_unit(text)))),
    "frontmatter": lambda text: frontmatter.parse(text.split("\n")).date,
    "pieces": lambda text: list(pieces(text, 1_500)),
    "sniff": lambda text: kind_of(".x", text.encode("utf-8", "replace")),
    "markdown sniff": lambda text: kind_of(".md", text.encode("utf-8", "replace")),
    "mail": lambda text: list(mbox._mail("", text.encode("utf-8", "replace"))),
    "mail head": lambda text: list(mbox._mail("", b"Subject: " + text.encode("utf-8", "replace"))),
    "mail part": lambda text: list(mbox._mail("", b"Content-Type: " + text.encode("utf-8", "replace"))),
    "mail sender": lambda text: list(mbox._mail("", b"From: " + text.encode("utf-8", "replace") + b"\n\nx")),
    "label": lambda text: fit.label(text),
    "name": lambda text: _name(text),
}
"""What takes a text of up to 64 KiB; none of it may take much longer for one text than for another."""

_LENGTH = 65_536
_UNITS = (
    b"1 may ",
    "\u0315\u0316".encode(),
    b"<a ",
    b"<!--",
    b"a: [",
    b"\n>",
    b" \n",
    b"9.",
    b"'a",
    b"((",
    b'"\\',
    b"=?utf-8?q?",
    b"On a\n",
)


def _name(text: str) -> None:
    try:
        name_of(text, "a persona")
    except InputError:
        return


def run_linear(data: bytes) -> None:
    """Every reader of texts is through with 64 KiB of anything repeated before the engine's limit."""
    choices = Choices(data)
    read = LINEAR[choices.pick(tuple(LINEAR))]
    before = text_of(choices.take(choices.below(16)))
    unit = text_of(choices.rest()) or "x"
    text = (before + unit * (_LENGTH // len(unit)))[:_LENGTH]
    while len(text.encode("utf-8", "replace")) > _LENGTH:
        text = text[: len(text) // 2]
    read(re.sub("[\ud800-\udfff]", "\ufffd", text))


TARGETS = (
    Target(
        name="time",
        decoder="times",
        run=run_time,
        seeds=lambda: _TIMES,
        longest=64,
        tokens=(b"T", b"Z", b"-W", b"+23:59"),
        weight=16,
        short=3_000,
    ),
    Target(
        name="dates",
        decoder="queries",
        run=run_dates,
        seeds=lambda: [b"\x07\xd0\x07\xe8" + text for text in _ASKED],
        longest=200,
        tokens=(b" may ", b" june", b"2023", b"31", b"last week", b" of "),
        weight=5,
        short=800,
    ),
    Target(
        name="words",
        decoder="queries",
        run=run_words,
        seeds=lambda: [*_ASKED, "日本語 ไทย café’s 1,000.5".encode()],
        longest=300,
        tokens=("ﷺ".encode(), "\u0301".encode(), "ß".encode(), b"'s", "ก".encode()),
        weight=6,
        short=800,
    ),
    Target(
        name="query",
        decoder="queries",
        run=run_query,
        seeds=lambda: _ASKED,
        longest=200,
        tokens=(b"anna", b"goats", b" may ", b"2023"),
        weight=1,
        short=150,
    ),
    Target(
        name="draft",
        decoder="drafts",
        run=run_draft,
        seeds=lambda: [b"\x05hello\5\1\3", b"\x02ab\1\1\7\2\1\7\3\1\x10", bytes([3, 97, 98, 99, *range(60)])],
        longest=200,
        weight=6,
        short=800,
    ),
    Target(
        name="argument",
        decoder="arguments",
        run=run_argument,
        seeds=lambda: [b'a=1\xffb=true\xffc="x"', b"n=NaN", b"a" * 30, b"=", b"x=1e999"],
        longest=200,
        tokens=(b"=", b"null", b"[", b"\\ud800"),
        weight=12,
        short=1_500,
    ),
    Target(
        name="linear",
        decoder="hangs",
        run=run_linear,
        seeds=lambda: [bytes([which, 0]) + unit for which in range(len(LINEAR)) for unit in _UNITS],
        longest=80,
        tokens=_UNITS,
        weight=0.05,
        short=60,
    ),
)
