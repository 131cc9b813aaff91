"""Cutting the lines of a Markdown file into sections of a sensible size, in one pass and constant memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from severance.transfer.split import pieces

# About what one thought takes; recall works best on texts that say one thing.
TARGET_CHARS = 1_500
_MAX_PARAGRAPH_CHARS = 12_000
_MAX_HEADING_CHARS = 300
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+|\Z)")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)\s*\Z")


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its number from 1; `text` is None when it could not be decoded."""

    number: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a file: the number of its first line, the headings it stands under (`A > B`), and its text, which is
    None where a line could not be decoded.
    """

    line: int
    heading: str
    text: str | None


def sections(lines: Iterator[Line]) -> Iterator[Section]:
    """The sections of a file, and every line that could not be decoded, in order."""
    state = _State()
    for line in lines:
        if line.text is None:
            yield Section(line.number, "", None)
        elif state.fence or not (level := _level(line.text)):
            yield from _body(state, line.number, line.text)
        else:
            yield from state.flush(before=level)
            state.open(line.number, level, line.text)
    yield from state.flush()


def _body(state: _State, number: int, text: str) -> Iterator[Section]:
    underline = _UNDERLINE.match(text)
    if underline and not state.fence and len(state.paragraph) == 1:
        # The one line above was a heading, underlined: "Title" over "=====".
        title = state.paragraph.pop().strip()
        state.length = 0
        level = 1 if underline[1][0] == "=" else 2
        yield from state.flush(before=level)
        state.open(number - 1, level, f"{'#' * level} {title}")
        return
    state.toggle(text)
    if text.strip() or state.fence:
        if not state.paragraph and not state.body:
            state.line = number
        state.add(text)
        if state.length > _MAX_PARAGRAPH_CHARS:
            yield from state.close()
    else:
        yield from state.close()


def _level(text: str) -> int:
    """The level of a heading (1 to 6), or 0 for any other line."""
    match = _HEADING.match(text)
    return len(match[1]) if match else 0


@dataclass(slots=True)
class _State:
    """What has been read of the section at hand: closed paragraphs (`body`) and the open one (`paragraph`)."""

    line: int = 1
    heading_line: str = ""
    heading_at: int = 1
    path: list[tuple[int, str]] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    size: int = 0
    paragraph: list[str] = field(default_factory=list)
    length: int = 0
    fence: str = ""
    is_fresh: bool = False

    def open(self, number: int, level: int, text: str) -> None:
        """Begin a section under a new heading."""
        self.heading_line = text.strip()[:_MAX_HEADING_CHARS]
        self.heading_at = self.line = number
        title = self.heading_line.strip("#").strip()
        self.path = [(at, name) for at, name in self.path if at < level] + [(level, title)]
        self.is_fresh = True

    def toggle(self, text: str) -> None:
        """Note where fenced code begins and ends: nothing in it is a heading or the end of a paragraph."""
        match = _FENCE.match(text)
        if match and not self.fence:
            self.fence = match[1]
        elif match and match[1].startswith(self.fence) and not text.strip().strip(match[1][0]):
            self.fence = ""

    def add(self, text: str) -> None:
        self.paragraph.append(text)
        self.length += len(text) + 1

    def close(self) -> Iterator[Section]:
        """End the open paragraph; yields what is complete by that."""
        if not self.paragraph:
            return
        text, length, line = "\n".join(self.paragraph), self.length, self.line
        self.paragraph, self.length = [], 0
        if self.body and self.size + length > TARGET_CHARS:
            yield from self._emit()
            self.line = line
        self.body.append(text)
        self.size += length
        if self.size > TARGET_CHARS:
            yield from self._emit()

    def flush(self, before: int | None = None) -> Iterator[Section]:
        """End the section. A heading with nothing under it is a section too, unless a deeper one (`before`) follows."""
        yield from self.close()
        if self.body:
            yield from self._emit()
        elif self.is_fresh and self.path and self.path[-1][1] and (before is None or before <= self.path[-1][0]):
            yield Section(self.heading_at, self._heading(), self.heading_line)
        self.is_fresh = False

    def _emit(self) -> Iterator[Section]:
        text = "\n\n".join(self.body)
        self.body, self.size, self.is_fresh = [], 0, False
        # Up to twice the target stays whole: better one long memory than a tail of one line.
        parts = [text.strip("\n")] if len(text) <= 2 * TARGET_CHARS else pieces(text, TARGET_CHARS)
        for part in parts:
            if part.strip():
                whole = f"{self.heading_line}\n\n{part}" if self.heading_line else part
                yield Section(self.line, self._heading(), whole)

    def _heading(self) -> str:
        return " > ".join(name for _, name in self.path if name)
