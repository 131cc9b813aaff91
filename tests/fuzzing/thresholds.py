"""Thresholds: the TOML that a user writes, and hours."""

from __future__ import annotations

import re

from fuzzing.target import Target, text_of
from severance.chip.thresholds.document import read, write
from severance.chip.thresholds.hours import Hours
from severance.drafts import name_of
from severance.errors import InputError

_POSITION = re.compile(r"line [1-9]\d*, column [1-9]\d*: [^\n]+")
_DOCUMENT = b"""[[subject]]
name = "mark"
exclusive = true
zone = "Europe/Berlin"
budget = { work = "8h" } # a day
[[rule]]
subject = "mark"
place = 'desk'
persona = "work"
hours = ["Mon-Fri 09:00-18:00 UTC", "Sat UTC"]
network = "10.0.0.0/8"
command = ["/x", \"\"\"y\"\"\"]
"""


def run_thresholds(data: bytes) -> None:
    """A text is refused in a sentence with line and column, or written again and read as the same."""
    text = text_of(data)
    refused, found = "", None
    try:
        found = read(text, name_of)
    except InputError as problem:
        refused = str(problem)
    if found is None:
        assert _POSITION.fullmatch(refused), refused
        return
    assert read(write(found), name_of) == found


def run_hours(data: bytes) -> None:
    """A text is refused, or hours that are written as the same, and that change, if ever, to something else."""
    when, text = int.from_bytes(data[:6], "big") % 7_000_000_000_000_000, text_of(data[6:])
    try:
        hours = Hours.parse(text)
    except InputError:
        return
    assert Hours.parse(str(hours)) == hours
    change = hours.next_change(when)
    if change is not None:
        assert change > when
        assert hours.hold(when) == hours.hold(change - 1) != hours.hold(change)


TARGETS = (
    Target(
        name="thresholds",
        decoder="thresholds",
        run=run_thresholds,
        seeds=lambda: [
            _DOCUMENT,
            b"",
            b"rule = [{}]",
            b"[subject]",
            b'[[subject]]\nname="a"\n[subject.budget]\nx="1m"',
        ],
        longest=600,
        tokens=(b"[[rule]]\n", b'"""', b"'''", b"hours = ", b" = [", b"}", b"#", b"\n", b"budget.", b'"\\u0000"'),
        weight=2,
        short=500,
    ),
    Target(
        name="hours",
        decoder="thresholds",
        run=run_hours,
        seeds=lambda: [
            b"\x05\xd0\x00\x00\x00\x00" + text for text in (b"Mon-Fri 09:00-18:00 UTC", b"Sat Europe/Berlin")
        ],
        longest=60,
        tokens=(b"Fri-Mon ", b"22:00-06:00", b"02:00-03:00 ", b"24:00", b"America/New_York", b"Pacific/Apia", b"Sun,"),
        weight=2,
        short=500,
    ),
)
