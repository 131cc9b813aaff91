"""What a sentence looks like when somebody wrote it down who did not seal it: eight encodings, and digests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from severance.embed.bundled import WordVectors, bundled
from severance.embed.quantize import quantize
from severance.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from severance.ports import Embedder

GRAM = 8
"""Bytes that are looked up at every offset. What is shorter cannot be told from chance."""

ENCODINGS = ("utf-8", "utf-16", "hex", "base64", "zlib", "json", "vector", "tokens", "digest")
"""Eight encodings, and digests: whoever guesses a sentence can tell from its digest that the guess is right."""

DIGESTS = ("md5", "sha1", "sha256", "blake2b")
"""What is looked for, as bytes and in hexadecimal, cut short or not."""

DIGITS = 16
"""Hexadecimal digits of a digest that count in any bytes. Eight, as logs have them, could be anybody's in many."""

CHARS = 24
"""How many characters of a sentence in a row count as a leftover of it; fewer could be anybody's."""

_COMPONENTS = 16
_BYTE_COMPONENTS = 32
_NUMBERS = 8
_FEWEST_NUMBERS = 3
_TOKENS = 8
_FEWEST_TOKENS = 4


@dataclass(frozen=True, slots=True)
class Needle:
    """One encoded form of one sentence.

    Attributes:
        sentence: which, counted from 0.
        encoding: one of `ENCODINGS`.
        data: the bytes, at least `GRAM`.
        run: how many of them in a row count as found.
    """

    sentence: int
    encoding: str
    data: bytes
    run: int


def encodings(sentence: str, embedder: Embedder) -> dict[str, tuple[bytes, ...]]:
    """The bytes to look for, by encoding; several where there is more than one way of writing it.

    Under `zlib` stand the UTF-8 bytes: compressed text has no form of its own, so streams are inflated and searched.
    """
    forms = _forms(sentence, embedder.embed([sentence])[0], DIGITS)
    return {name: tuple(dict.fromkeys(form for form, _ in forms[name])) for name in ENCODINGS}


def needles(sentences: Sequence[str], embedder: Embedder, digits: int = DIGITS) -> list[Needle]:
    """Every form of every sentence that is long enough to be told from chance.

    Args:
        sentences: what to look for.
        embedder: whose vectors of them to look for.
        digits: how many hexadecimal digits of a digest are looked for, at least 8.

    Raises:
        InputError: a sentence has fewer than 8 bytes.
    """
    found = []
    for number, (sentence, vector) in enumerate(zip(sentences, embedder.embed(sentences), strict=True)):
        if len(sentence.encode()) < GRAM:
            raise InputError(f"sentence {number} is too short to be told from chance; give one of 8 bytes or more")
        for encoding, forms in _forms(sentence, vector, digits).items():
            if encoding != "zlib":
                usable = {form: run for form, run in forms if len(form) >= GRAM}
                found += [Needle(number, encoding, form, min(run, len(form))) for form, run in usable.items()]
    return found


def token_ids(sentence: str) -> list[int]:
    """The sentence as the bundled tokenizer cuts it, word by word, as the bundled embedder does."""
    model = bundled()
    assert isinstance(model, WordVectors)  # noqa: S101 - for the type checker
    return [token for word in sentence.split() for token in model._tokens(word)]


_Form = tuple[bytes, int]
"""The bytes, and how many of them in a row count."""


def _forms(sentence: str, vector: NDArray[np.float32], short: int) -> dict[str, list[_Form]]:
    raw = sentence.encode()
    digits = raw.hex().encode()
    # 24 bytes are 32 letters of base64, of which the outer two may hold bits of the neighbours.
    letters = [(form, CHARS * 4 // 3 - 2) for shift in range(3) for form in _base64(raw, shift)]
    return {
        "utf-8": [(raw, CHARS)],
        "utf-16": [(sentence.encode(name), 2 * CHARS) for name in ("utf-16-le", "utf-16-be")],
        "hex": [(digits, 2 * CHARS), (digits.upper(), 2 * CHARS)],
        "base64": letters,
        "zlib": [(raw, CHARS)],
        # What is escaped is longer, and four letters of it would make 24 bytes that others have as well: as many bytes
        # as the characters take where most of them are escaped.
        "json": [("".join(parts).encode(), _widest(parts)) for parts in _json(sentence)],
        "vector": _vector(vector),
        "tokens": _tokens(sentence),
        "digest": _digests(raw, short),
    }


def _base64(raw: bytes, shift: int) -> tuple[bytes, bytes]:
    """The letters that depend on `raw` alone when it begins `shift` bytes after a multiple of three, both alphabets."""
    padded = bytes(shift) + raw
    first, last = -(-shift * 8 // 6), len(padded) * 8 // 6
    return base64.b64encode(padded)[first:last], base64.urlsafe_b64encode(padded)[first:last]


def _json(sentence: str) -> tuple[list[str], ...]:
    """What JSON makes of each character."""
    escaped = [json.dumps(char)[1:-1] for char in sentence]
    # Some writers escape with capital digits (\u00E9), and some escape quotes and nothing else.
    capital = [part if char.isascii() else _capital(char) for char, part in zip(sentence, escaped, strict=True)]
    plain = [json.dumps(char, ensure_ascii=False)[1:-1] for char in sentence]
    return escaped, capital, plain


def _widest(parts: Sequence[str]) -> int:
    """The most bytes that `CHARS` characters in a row take."""
    sizes = [len(part.encode()) for part in parts]
    return max(sum(sizes[start : start + CHARS]) for start in range(max(1, len(sizes) - CHARS + 1)))


def _capital(char: str) -> str:
    units = char.encode("utf-16-be").hex().upper()
    return "".join("\\u" + units[start : start + 4] for start in range(0, len(units), 4))


def _vector(vector: NDArray[np.float32]) -> list[_Form]:
    if not vector.any():
        return []  # nothing in the sentence could be read; a row of zeros is nobody's
    rows, _ = quantize(vector[None, :])
    floats = [(vector.astype(f"<f{size}").tobytes(), size * _COMPONENTS) for size in (2, 4, 8)]
    return [*floats, (rows.tobytes(), _BYTE_COMPONENTS), *((form, len(form)) for form in _numbers(vector))]


def _numbers(vector: NDArray[np.float32]) -> list[bytes]:
    """The first components as JSON has them: as a double or a float is written, or rounded to six digits."""
    first = vector[int(np.flatnonzero(vector)[0]) :][:_NUMBERS]
    if len(np.unique(first)) < _FEWEST_NUMBERS:
        return []
    written = (
        [repr(float(one)) for one in first],
        [np.format_float_positional(one, trim="0") for one in first],
        [repr(round(float(one), 6)) for one in first],
        [f"{one:.6f}" for one in first],
    )
    return [comma.join(numbers).encode() for numbers in written for comma in (",", ", ")]


def digests(raw: bytes) -> list[bytes]:
    """One of each kind of `DIGESTS`, whole."""
    return [hashlib.new(name, raw, usedforsecurity=False).digest() for name in DIGESTS]


def _digests(raw: bytes, digits: int) -> list[_Form]:
    """Their beginnings, which whole digests and short ones have in common."""
    found = digests(raw)
    written = [one.hex()[:digits] for one in found]
    forms = (
        [one[:GRAM] for one in found] + [one.encode() for one in written] + [one.upper().encode() for one in written]
    )
    return [(form, len(form)) for form in forms]


def _tokens(sentence: str) -> list[_Form]:
    ids = np.array(token_ids(sentence))
    if len(ids) < _FEWEST_TOKENS:
        return []
    return [(ids.astype(f"<u{size}").tobytes(), size * _TOKENS) for size in (2, 4)]
