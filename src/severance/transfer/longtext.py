"""Texts inside of exports that are longer than one memory should be: cut as notes are."""

from __future__ import annotations

from collections.abc import Iterator

from severance.transfer.sections import Line, sections


def parts(text: str) -> Iterator[str]:
    """`text` at its headings and between its paragraphs, each part as long as a section of a note at most."""
    lines = (Line(number, line) for number, line in enumerate(text.splitlines(), 1))
    yield from (section.text for section in sections(lines) if section.text)
