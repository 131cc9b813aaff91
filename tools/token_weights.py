"""Make src/severance/embed/token_weights.npy: how much each of the tokenizer's 32,000 tokens counts in a text.

    python -m venv /tmp/weights && /tmp/weights/bin/pip install wordfreq tokenizers safetensors numpy
    /tmp/weights/bin/python tools/token_weights.py path/to/site-packages/wordllama

A developer's tool: nothing here runs at install or at run time, and wordfreq is not a dependency.

The weight of a token is smooth inverse frequency, a / (a + p) (Arora, Liang, Ma: "A Simple but Tough-to-Beat Baseline
for Sentence Embeddings", ICLR 2017), where p is the share of running text that the token makes up, over the square root
of the length of its vector, since training has already made rare tokens longer than common ones.

p comes from the public word frequencies of wordfreq 3 (Robyn Speer; data CC BY-SA 4.0, made from Wikipedia, subtitles,
news, books, web and Reddit): every word, in small letters, is cut into tokens, and its frequency credited to each.
English carries most of the mass; a few other languages keep their function words from counting as rare. No text of any
benchmark is looked at; a and the square root were chosen where LoCoMo and CLINC150 agree.

Compared by vectors alone, R@10 on five LoCoMo conversations / precision@10 by intent on CLINC150: these weights
0.599 / 0.737, even weights over the square root of length 0.58 / 0.75, Zipf's law over the token's rank 0.57 / 0.74,
inverse frequency without the lengths 0.58 / 0.71, inverse lengths alone 0.47 / 0.64. Taking out common components
(1 to 8, "all but the top") or whitening made both worse.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from pathlib import Path

import numpy as np
import wordfreq
from safetensors import safe_open
from tokenizers import Tokenizer

A = 3e-3
WORDS = 200_000
LANGUAGES = {"en": 1.0, "de": 0.05, "es": 0.05, "fr": 0.05, "it": 0.03, "nl": 0.03, "pt": 0.03, "ru": 0.05}
PUNCTUATION_SHARE = 0.02
FLOOR = 1e-7
TARGET = Path(__file__).parents[1] / "src" / "severance" / "embed" / "token_weights.npy"


def shares(tokenizer: Tokenizer) -> Counter[int]:
    """The share of running text that each token makes up."""
    found: Counter[int] = Counter()
    for language, part in LANGUAGES.items():
        for word in wordfreq.top_n_list(language, WORDS):
            frequency = wordfreq.word_frequency(word, language) * part
            for token in tokenizer.model.tokenize("▁" + word.lower()):
                found[token.id] += frequency
    # wordfreq writes every digit of a long number as 0; any digit is as likely.
    digits = [tokenizer.token_to_id(digit) for digit in "0123456789"]
    mean = sum(found[token] for token in digits) / len(digits)
    found.update({token: mean - found[token] for token in digits})
    return found


def is_mark(piece: str) -> bool:
    """Whether a token is nothing but punctuation, symbols, spaces or a lone byte."""
    bare = piece.replace("▁", "")
    if not bare or (piece.startswith("<") and piece.endswith(">")):
        return True
    return all(unicodedata.category(c)[0] in "PZC" for c in bare)


def weights(folder: Path) -> np.ndarray:
    """One float16 weight for each token."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    table = str(folder / "weights" / "l2_supercat_256.safetensors")
    found = shares(tokenizer)
    out = np.empty(tokenizer.get_vocab_size(), np.float32)
    for i in range(len(out)):
        share = PUNCTUATION_SHARE if is_mark(tokenizer.id_to_token(i)) else found.get(i, 0.0)
        out[i] = A / (A + max(share, FLOOR))
    return (out / np.sqrt(lengths(table))).astype(np.float16)


def lengths(path: str) -> np.ndarray:
    """The length of each token's vector."""
    with safe_open(path, "np") as file:
        vectors = file.get_tensor("embedding.weight").astype(np.float32)
    return np.linalg.norm(vectors, axis=1)


if __name__ == "__main__":
    np.save(TARGET, weights(Path(sys.argv[1])))
