"""Decisions in what a model said at the end of a turn: lines that say that they are one, and nothing else.

No model reads the text, and nothing is concluded. A line counts where it begins with a marker and a colon (`Decision:
we keep SQLite.`), or where a phrase is in it with which people say that something is settled. Blocks of code and
quotations are left out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

MARKERS = ("Decision", "Decided", "Agreed", "Convention", "Remember")
PHRASES = ("we decided", "I decided", "it was decided", "we agreed", "we settled on", "I settled on", "from now on")
MOST = 10
"""Of one turn."""
LONGEST, SHORTEST = 600, 12
"""Characters of a line that counts. What is longer is an essay, what is shorter says nothing."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_BEGIN = re.compile(r"\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+|#{1,6}\s+)*")
_EMPHASIS = re.compile(r"\*\*|__|`")


def decisions(text: str, markers: Sequence[str] = MARKERS, phrases: Sequence[str] = PHRASES) -> list[str]:
    """The lines of a text that tell of a decision: each once, in order, without the signs of lists and emphasis.

    Args:
        text: Markdown, as models write it.
        markers: words before a colon at the beginning of a line.
        phrases: words in a line. Both in any case, and as whole words.

    Returns:
        At most `MOST` lines.
    """
    marked = _pattern(markers, r"\s*:\s*\S") if markers else None
    said = _pattern(phrases, "") if phrases else None
    found: dict[str, None] = {}
    for line in _prose(text):
        plain = " ".join(_EMPHASIS.sub("", line[_begun(line) :]).split())
        if not SHORTEST <= len(plain) <= LONGEST or plain.endswith("?"):
            continue
        if (marked is not None and marked.match(plain)) or (said is not None and said.search(plain)):
            found[plain] = None
        if len(found) == MOST:
            break
    return list(found)


def _begun(line: str) -> int:
    match = _BEGIN.match(line)
    return match.end() if match else 0


def _prose(text: str) -> Iterator[str]:
    """Lines that are neither in a block of code nor quoted."""
    fence = ""
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        elif not fence and not line.lstrip().startswith(">") and not line.startswith(("    ", "\t")):
            yield line


def _pattern(words: Sequence[str], behind: str) -> re.Pattern[str]:
    any_of = "|".join(re.escape(unicodedata.normalize("NFC", word)) for word in words)
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w){behind}", re.IGNORECASE)
