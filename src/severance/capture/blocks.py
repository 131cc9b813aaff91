"""Where private keys stand in a text: found by their first and last lines, in one walk over the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MARK = re.compile(
    r"-{4,5} ?(?:(?P<begin>BEGIN)|END) (?:(?P<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?) ?-{4,5})?"
    r"|(?P<putty>PuTTY-User-Key-File-\d:)|Private-MAC: {0,8}[0-9a-f]{1,128}"
)
"""RFC 7468, RFC 9580, and the key files of PuTTY. `what` is missing where it is no private key that begins or ends."""
_BODY_LINE = re.compile(r"[>|\s]*(?:[\w-]+: .*|[A-Za-z0-9+/=\\]{16,76}(?:\\n)?)\s*")
_BLANK_LINE = re.compile(r"[>|\s]*")
_REST_OF_LINE = re.compile(r"(?:(?:\\[nr])+[A-Za-z0-9+/=]{1,76})*[ \t\r]*")
_PUTTY = "PuTTY"
_ON_A_LINE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\"
_MAX_CHARS = 65_536
"""From the first line of a key to its last; what is longer is no key."""


@dataclass(frozen=True, slots=True)
class _Mark:
    start: int
    end: int
    begins: bool
    what: str | None


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each private key: a whole one; without its end, or its beginning, as far as lines look like one.

    Each line is looked at once from above and once from below, so the time grows with the length of the text.
    """
    if "PRIVATE KEY" not in text and "PuTTY-User-Key-File" not in text and "Private-MAC" not in text:
        return
    opened: _Mark | None = None
    before = 0
    for mark in _marks(text):
        whole = opened is not None and not mark.begins and mark.what == opened.what
        if opened is not None and (mark.begins or mark.start - opened.end > _MAX_CHARS):
            yield opened.start, _below(text, opened, mark.start)
            opened, whole = None, False
        if opened is not None and whole:
            yield opened.start, mark.end
            opened = None
        elif mark.begins:
            opened = mark if mark.what else None
        elif mark.what:
            yield _above(text, before, mark.start), mark.end
        before = mark.end
    if opened is not None:
        yield opened.start, _below(text, opened, len(text))


def _marks(text: str) -> Iterator[_Mark]:
    for match in _MARK.finditer(text):
        dashes = match[0].startswith("-")
        begins = match["begin"] is not None or match["putty"] is not None
        yield _Mark(match.start(), match.end(), begins, match["what"] if dashes else _PUTTY)


def _below(text: str, mark: _Mark, stop: int) -> int:
    """Where the last line ends that looks like one of a key, of those from the mark to `stop`."""
    if mark.what == _PUTTY:
        end = at = _line_end(text, mark.end, stop)
    else:
        rest = _REST_OF_LINE.match(text, mark.end, stop)
        end = at = rest.end() if rest else mark.end
        if text[at : at + 1] != "\n":
            return end
        at += 1
    while at < stop:
        next_line = _line_end(text, at, stop)
        line = text[at:next_line]
        if _BODY_LINE.fullmatch(line):
            end = next_line
        elif not _BLANK_LINE.fullmatch(line):
            break
        at = next_line
    return end


def _line_end(text: str, start: int, stop: int) -> int:
    found = text.find("\n", start, stop)
    return stop if found < 0 else found + 1


def _above(text: str, floor: int, stop: int) -> int:
    """Where the first line begins that looks like one of a key, of those that end at `stop` and not before `floor`."""
    at = text.rfind("\n", floor, stop) + 1 or floor
    same = text[at:stop]
    written = same.rstrip(_ON_A_LINE)
    if len(same) - len(written) >= 16:
        return at + len(written)
    if not _BLANK_LINE.fullmatch(same):
        return stop
    first = stop
    while at > floor:
        above = text.rfind("\n", floor, at - 1) + 1 or floor
        line = text[above:at]
        if _BODY_LINE.fullmatch(line):
            first = above
        elif not _BLANK_LINE.fullmatch(line):
            break
        at = above
    return first
