"""The bundled word vectors: what they are near to, that they are always the same, and what is refused."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from severance.embed import WordVectors, bundled
from severance.embed import bundled as function
from severance.embed.bundled import TOKENS
from severance.errors import EmbedderError

EMBEDDER = bundled()
assert isinstance(EMBEDDER, WordVectors)
texts = st.text(max_size=60) | st.lists(
    st.sampled_from(["a", "coffee", "Zürich", "日本", "🎉", "x\x00y", "don't"]), max_size=9
).map(" ".join)


def test_it_is_loaded_once() -> None:
    assert bundled() is EMBEDDER
    assert function is bundled


def test_its_identity_names_model_recipe_and_weights() -> None:
    model, recipe, digest = EMBEDDER.identity.split("/")
    assert (model, recipe) == ("wordllama-l2-supercat-256", "rank-1")
    assert len(digest) == 16
    assert EMBEDDER.dimensions == 256


def test_what_means_alike_is_near() -> None:
    query, near, far = EMBEDDER.embed(
        ["Where did they adopt a puppy?", "We got a small dog from the shelter", "The invoice is due at the bank"]
    )
    assert query @ near > query @ far + 0.1


def test_rare_words_weigh_more_than_common_ones() -> None:
    both, rare, common = EMBEDDER.embed(["the xylophone", "xylophone", "the"])
    assert both @ rare > both @ common


def test_shapes_and_lengths() -> None:
    assert EMBEDDER.embed([]).shape == (0, 256)
    vectors = EMBEDDER.embed(["coffee", "", "   ", "\n\t", "tea"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 0, 0, 1], abs=1e-5)


@pytest.mark.parametrize(
    "text", ["🎉", "\x00", "\ud800", "日本語だけ", "x" * 65_536, "word " * 13_000, "é" * 30_000, "!?"]
)
def test_odd_texts_are_embedded(text: str) -> None:
    vector = EMBEDDER.embed([text])[0]
    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, min_size=1, max_size=12))
def test_alone_or_in_a_batch_it_is_the_same_bytes(batch: list[str]) -> None:
    together = EMBEDDER.embed(batch)
    for text, row in zip(batch, together, strict=True):
        assert EMBEDDER.embed([text])[0].tobytes() == row.tobytes()
    assert EMBEDDER.embed(batch[::-1])[::-1].tobytes() == together.tobytes()


def test_large_batches_are_the_same_bytes() -> None:
    batch = [f"number {i} of {i % 7} coffees, said Anna" for i in range(5000)]
    together = EMBEDDER.embed(batch)
    for i in (0, 1, 2047, 2048, 4999):
        assert EMBEDDER.embed([batch[i]])[0].tobytes() == together[i].tobytes()


def _plainly(text: str) -> NDArray[np.float32]:
    """The recipe of the module, word by word, cut by merging alone."""
    words = list(dict.fromkeys(re.findall(r"\w+(?:['’]\w+)*", text.lower()) or text.lower().split()))
    total = np.zeros(256, np.float32)
    for word in words:
        tokens = [token.id for token in EMBEDDER._model.tokenize("▁" + word)]
        vectors = EMBEDDER._vectors[tokens].astype(np.float32)
        lengths = np.sqrt(np.add.reduce(vectors * vectors, axis=1))
        rarity = np.log(np.maximum(np.array(tokens) - 259 + 1, 1) + 1.0)
        vectors *= np.sqrt(rarity / lengths).astype(np.float32)[:, None]
        total += np.add.reduceat(vectors, [0], axis=0)[0]
    length = np.sqrt(np.add.reduce(total[None] * total[None], axis=1))
    return (total / length).astype(np.float32) if length > 0 else total


@pytest.mark.parametrize(
    "text",
    [
        "tea",
        "The harbour's lights were off, and nobody had told Ann.",
        "Zürich 日本 naïve café",
        "antidisestablishmentarianism and supercalifragilistic words",
        "🎉 !?",
        "",
        "a a a b",
    ],
)
def test_the_bytes_are_those_of_the_recipe_worked_out_plainly(text: str) -> None:
    assert EMBEDDER.embed([text])[0].tobytes() == _plainly(text).tobytes()


def test_a_word_that_is_a_token_is_what_merging_would_lead_to() -> None:
    model = EMBEDDER._model
    begin = {model.id_to_token(number): number for number in range(TOKENS) if model.id_to_token(number)[0] == "▁"}
    assert len(begin) > 10_000
    cut = {word: [token.id for token in model.tokenize(word)] for word in begin}
    assert [word for word, tokens in cut.items() if tokens != [begin[word]]] == []


def test_threads_get_the_same_bytes() -> None:
    found: list[bytes] = []
    runs = [threading.Thread(target=lambda: found.append(EMBEDDER.embed(["a b", "c d"]).tobytes())) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert set(found) == {EMBEDDER.embed(["a b", "c d"]).tobytes()}


def test_neither_the_package_nor_the_network_is_touched() -> None:
    """Its own code would look for another tokenizer, online; and a fork after embedding must not warn."""
    code = """
import socket, sys, os
def refuse(*_): raise AssertionError("network")
socket.socket.connect = refuse
from severance.embed import bundled
bundled().embed(["coffee"] * 3000)
assert not any(m == "wordllama" or m.startswith("wordllama.") for m in sys.modules)
if os.fork() == 0:
    bundled().embed(["tea"])
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def package(folder: Path, *, entry: dict[str, object] | None = None, header: bytes | None = None) -> Path:
    (folder / "weights").mkdir()
    (folder / "tokenizers").mkdir()
    whole = {"embedding.weight": entry or {}}
    text = header if header is not None else json.dumps(whole).encode()
    file = folder / "weights" / "l2_supercat_256.safetensors"
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    (folder / "tokenizers" / "l2_supercat_tokenizer_config.json").write_text("{}")
    return folder


@pytest.mark.parametrize(
    "parts",
    [
        {"entry": {"dtype": "F32", "shape": [32000, 256], "data_offsets": [0, 32_768_000]}},
        {"entry": {"dtype": "F16", "shape": [10, 256], "data_offsets": [0, 5120]}},
        {"entry": {"dtype": "F16", "shape": [32000, 256], "data_offsets": [0, 16_384_000]}},
        {"entry": {}},
        {"header": b"not json"},
        {"header": b"[]"},
        {"header": b"x" * (2 << 20)},
    ],
)
def test_other_files_are_refused(tmp_path: Path, parts: dict[str, object]) -> None:
    with pytest.raises(EmbedderError, match="pip install wordllama"):
        WordVectors(package(tmp_path, **parts))  # type: ignore[arg-type]


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="pip install wordllama"):
        WordVectors(tmp_path)
