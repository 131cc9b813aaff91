"""What was said, made fit to be kept: capture is not to fail for a long answer, or for a byte that no memory has."""

from __future__ import annotations

from severance.drafts import is_blank
from severance.model import MAX_TEXT_BYTES

_ENDS = ("\n", " ")


def pieces(text: str) -> list[str]:
    """A text in pieces that can each be kept, in order; none where nothing of it can be seen.

    It is cut at the last end of a line that fits, else at the last blank, else wherever it has to be, and never within
    a character. NUL is left out, and half of a surrogate pair becomes a question mark.
    """
    rest = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    found = []
    while rest:
        piece = _fitting(rest)
        rest = rest[len(piece) :]
        if not is_blank(piece):
            found.append(piece)
    return found


def _fitting(text: str) -> str:
    """As much of the beginning as one memory may have."""
    most = text[:MAX_TEXT_BYTES].encode("utf-8")[:MAX_TEXT_BYTES].decode("utf-8", "ignore")
    if most == text:
        return text
    ends = (most.rfind(end) + 1 for end in _ENDS)
    return most[: next((end for end in ends if end), len(most))]
