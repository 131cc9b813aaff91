"""A block of text for a prompt, made of recollections, within a budget of tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

from severance.mind.reasons import answers
from severance.model import Memory, Recollection

HEADING = "What is remembered, oldest first:"

LEAST_COSINE = 0.12
"""A memory without a word, source or time of the query, and less near to its meaning than this, answers nothing. Low,
since right answers are often no nearer than unrelated texts are: docs/design/ranking.md has the figures."""

_FEW_WORDS = 3
_FEW_LETTERS = 24  # for scripts without spaces
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
    """The best recollections that fit, printed in the order in which they happened; empty when none answers.

    A memory that does not fit is left out and smaller ones after it may still come in. The best is never left out for a
    worse one: where it does not fit, it is cut at a word, ends in an ellipsis and stands alone. Where not even a few
    words of it would be left, there is nothing.
    """
    chosen = _chosen(hits, tokens)
    return "\n".join([HEADING, *(line for _, line in chosen)]) if chosen else ""


def in_block(hits: Sequence[Recollection], tokens: int) -> list[Memory]:
    """The memories that `context_block` prints."""
    return [memory for memory, _ in _chosen(hits, tokens)]


def _chosen(hits: Sequence[Recollection], tokens: int) -> list[tuple[Memory, str]]:
    """The memories of a block in its order, each with what is printed of it."""
    answering = _answering(hits)
    if not answering:
        return []
    left = tokens - estimate_tokens(HEADING)
    best = answering[0].memory
    if estimate_tokens(_line(best)) + 1 > left:
        line = _cut(_line(best), left - 1)
        return [(best, line)] if _says_something(line, best) else []
    chosen: list[tuple[Memory, str]] = []
    for hit in answering:
        line = _line(hit.memory)
        cost = estimate_tokens(line) + 1
        if cost <= left:
            chosen.append((hit.memory, line))
            left -= cost
    return sorted(chosen, key=lambda pair: (pair[0].at, pair[0].recorded, pair[0].id))


def _answering(hits: Sequence[Recollection]) -> list[Recollection]:
    """Those that answer, and those of their threads."""
    found = [answers(hit.reasons, LEAST_COSINE) for hit in hits]
    threads = {hit.memory.thread for hit, answering in zip(hits, found, strict=True) if answering} - {None}
    return [hit for hit, answering in zip(hits, found, strict=True) if answering or hit.memory.thread in threads]


def _says_something(line: str, memory: Memory) -> bool:
    """Whether enough of the text is left to be worth a place."""
    labels = len(_line(memory)) - len("\n  ".join(memory.text.splitlines()))
    return len(line[labels:].removesuffix("…").split()) >= _FEW_WORDS or len(line) - labels > _FEW_LETTERS


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
