"""A block of text for a prompt, made of recollections, within a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

from severance.model import Memory, Recollection

HEADING = "What is remembered, oldest first:"

_PIECE = re.compile(r"[^\W\d_]+|\d|[^\s\w]|_", re.UNICODE)
_LETTERS_PER_TOKEN = 4
_FIRST_WIDE = "\u2e80"


def estimate_tokens(text: str) -> int:
    """About how many tokens a model's tokenizer makes of a text, rather too many than too few.

    Words count one for each four letters begun; digits, signs and characters of scripts without spaces one each.
    """
    total = 0
    for piece in _PIECE.findall(text):
        wide = sum(char >= _FIRST_WIDE for char in piece)
        total += wide + -(-(len(piece) - wide) // _LETTERS_PER_TOKEN)
    return total + text.count("\n")


def context_block(hits: Sequence[Recollection], tokens: int) -> str:
    """The best recollections that fit, printed in the order in which they happened; empty when there are none.

    A memory that does not fit is left out and smaller ones after it may still come in; if even the best does not fit
    alone, it is cut at a word and ends in an ellipsis.
    """
    if not hits:
        return ""
    left = tokens - estimate_tokens(HEADING)
    chosen: list[tuple[Memory, str]] = []
    for hit in hits:
        line = _line(hit.memory)
        cost = estimate_tokens(line) + 1
        if cost <= left:
            chosen.append((hit.memory, line))
            left -= cost
    if not chosen:
        chosen = [(hits[0].memory, _cut(_line(hits[0].memory), left - 1))]
    chosen.sort(key=lambda pair: (pair[0].at, pair[0].recorded, pair[0].id))
    return "\n".join([HEADING, *(line for _, line in chosen)])


def _line(memory: Memory) -> str:
    labels = [memory.at.date().isoformat(), *(label for label in (memory.thread, memory.source) if label)]
    # Later lines are indented, so that no text and no label can pass for the next memory or for the end of the block.
    return "\n  ".join(f"- [{' · '.join(labels)}] {memory.text}".splitlines())


def _cut(line: str, tokens: int) -> str:
    low, high = 0, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if estimate_tokens(line[:middle]) < tokens else (low, middle - 1)
    return line[:low].rsplit(" ", 1)[0] + "…"
