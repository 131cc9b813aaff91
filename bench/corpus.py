"""Texts to measure with: English words drawn by Zipf's law, so that common words are as common as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice

import numpy as np

_WORDS_IN_A_TEXT = 25
_COMMON = tuple(
    "the of and to a in that is was it for on with he she they you at be this have from or had by not but what all"  # noqa: SIM905
    " were when we there can an your which their said if do will each about how up out them then many some so".split()
)


def words() -> list[str]:
    """The bundled vocabulary's whole words, the common ones first."""
    path = files("wordllama") / "tokenizers" / "l2_supercat_tokenizer_config.json"
    vocabulary = sorted(json.loads(path.read_text("utf-8"))["model"]["vocab"].items(), key=lambda pair: pair[1])
    whole = [token[1:].lower() for token, _ in vocabulary if token.startswith("▁") and token[1:].isalpha()]
    rare = [word for word in dict.fromkeys(whole) if len(word) > 2 and word not in _COMMON]
    return [*_COMMON, *rare]


def texts(count: int, seed: int = 1) -> Iterator[str]:
    """`count` texts of about 25 words and 150 characters, the same for the same seed."""
    vocabulary = words()
    weights = 1.0 / np.arange(2.7, len(vocabulary) + 2.7)
    drawn = np.random.default_rng(seed)
    for chosen in drawn.choice(len(vocabulary), size=(count, _WORDS_IN_A_TEXT), p=weights / weights.sum()):
        yield " ".join(vocabulary[index] for index in chosen).capitalize() + "."


def questions(count: int, seed: int = 2) -> list[str]:
    """Questions of about eight words, common ones among them."""
    return [f"what did {' '.join(text.split()[:6])}?" for text in islice(texts(count, seed), count)]
