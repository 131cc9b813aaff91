"""Encoders and re-rankers that other packages run, with tiny models made here; each test needs its package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import make_house, open_house, recalled
from severance import EmbedderError, RerankerError
from severance.embed import local
from severance.embed.made import embedder_of, reranker_of
from severance.embed.specs import spec_of
from severance.errors import SeveranceError

WORDS = ["[UNK]", "waffles", "on", "friday", "a", "goat", "in", "the", "corridor", "query:"]
TEXTS = ["waffles on friday", "a goat in the corridor", "waffles", "waffles waffles on the goat"]
DIMENSIONS = 256
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # what these packages warn of is their own affair
]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(name, "1")


@pytest.fixture(params=["model2vec", "fastembed", "sentence-transformers"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The spec of a tiny model of each kind, where its package is there."""
    made: str = MAKERS[request.param](tmp_path / "tiny", seed=1)
    return made


def tokenizer() -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    model = tokenizers.models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    return made


def vectors(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(WORDS), DIMENSIONS)).astype(np.float32)


def static(folder: Path, seed: int) -> str:
    model2vec = pytest.importorskip("model2vec", reason="model2vec is not installed")
    model2vec.StaticModel(vectors(seed), tokenizer(), {"normalize": True}).save_pretrained(folder)
    return f"model2vec:{folder}"


def fast(folder: Path, seed: int) -> str:
    pytest.importorskip("fastembed", reason="fastembed is not installed")
    static(folder, seed)
    return f"fastembed:minishlab/potion-base-8M?path={folder}"


def sentence(folder: Path, seed: int) -> str:
    package = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    module = modules.StaticEmbedding(tokenizer(), embedding_weights=vectors(seed))
    package.SentenceTransformer(modules=[module]).save(str(folder))
    return f"sentence-transformers:{folder}"


MAKERS = {"model2vec": static, "fastembed": fast, "sentence-transformers": sentence}


def test_vectors_are_of_unit_length_and_those_of_the_model(spec: str) -> None:
    embedder = embedder_of(spec)()
    found = embedder.embed(TEXTS)
    assert (found.shape, found.dtype) == ((4, DIMENSIONS), np.float32)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert embedder.dimensions == DIMENSIONS
    own = vectors(1)[WORDS.index("waffles")]
    np.testing.assert_allclose(found[2], own / np.linalg.norm(own), atol=1e-4)


def test_a_texts_vector_is_the_same_whatever_it_is_embedded_with(spec: str) -> None:
    embedder = embedder_of(spec)()
    np.testing.assert_allclose(embedder.embed(TEXTS)[1], embedder.embed([TEXTS[1]])[0], atol=1e-6)


def test_the_identity_is_that_of_the_weights_and_not_of_the_place(spec: str, tmp_path: Path) -> None:
    kind = spec.partition(":")[0]
    identity = embedder_of(spec)().identity
    name, _, digest = identity.partition("#")
    assert len(digest) == 16
    assert str(tmp_path) not in identity
    moved = MAKERS[kind](tmp_path / "elsewhere" / "tiny", seed=1)
    assert embedder_of(moved)().identity == identity
    other = embedder_of(MAKERS[kind](tmp_path / "other" / "tiny", seed=2))().identity
    assert other.partition("#")[0] == name
    assert other != identity
    assert (spec_of(identity) or "").startswith(f"{kind}:")


def test_a_prefix_is_part_of_what_is_embedded_and_of_the_identity(spec: str) -> None:
    plain = embedder_of(spec)()
    asking = embedder_of(f"{spec}{'&' if '?' in spec else '?'}query=query:+")()
    assert asking.identity.partition("#")[0].endswith("?query=query:+")
    made: Any = asking
    assert np.array_equal(made.embed(["goat"]), plain.embed(["goat"]))
    np.testing.assert_allclose(made.embed_queries(["goat"]), plain.embed(["query: goat"]), atol=1e-6)


def test_a_house_remembers_and_recalls_with_it(spec: str, folder: Path) -> None:
    with make_house(folder, embedder=spec) as house, house.cross("mark", "floor") as innie:
        innie.remember_many(TEXTS)
        assert recalled(innie, "goat in the corridor", limit=1) == [TEXTS[1]]
    with open_house(folder / "store") as house:
        assert house.reembed() == len(TEXTS)


def test_a_model_that_is_not_there_is_one_sentence(spec: str, tmp_path: Path) -> None:
    kind = spec.partition(":")[0]
    with pytest.raises(EmbedderError, match=r"the model \S+ cannot be loaded \(\w+\); name a model that is there"):
        embedder_of(f"{kind}:{tmp_path / 'nothing'}")()


def test_what_a_model_says_when_it_fails_is_not_repeated(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder: Any = embedder_of(spec)()

    def fails(*given: Any, **how: Any) -> Any:
        raise RuntimeError("a goat in the corridor")

    for name in ("encode", "passage_embed", "encode_document"):
        monkeypatch.setattr(type(embedder._model), name, fails, raising=False)
    with pytest.raises(EmbedderError) as caught:
        embedder.embed(["a goat in the corridor"])
    assert str(caught.value) == "embedding failed: the model failed (RuntimeError)"


def test_a_cross_encoder_of_sentence_transformers_scores(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        num_labels=1,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    signs = dict.fromkeys(("unk_token", "pad_token", "sep_token", "cls_token"), "[UNK]")
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer(), **signs).save_pretrained(tmp_path)
    reranker = reranker_of(f"sentence-transformers:{tmp_path}")().reranker
    scores = reranker.score("a goat", TEXTS)
    assert (scores.shape, scores.dtype) == ((4,), np.float32)
    np.testing.assert_allclose(reranker.score("a goat", TEXTS[::-1]), scores[::-1], atol=1e-5)
    assert reranker.score("a goat", []).shape == (0,)


def test_a_cross_encoder_of_fastembed_scores(tmp_path: Path) -> None:
    pytest.importorskip("fastembed", reason="fastembed is not installed")
    counting(tmp_path)
    reranker = reranker_of(f"fastembed:Xenova/ms-marco-MiniLM-L-6-v2?path={tmp_path}")().reranker
    scores = reranker.score("a goat", TEXTS)
    assert scores.dtype == np.float32
    assert list(np.argsort(-scores, kind="stable")) == [1, 3, 0, 2]  # by the number of words, as the model counts them


def counting(folder: Path) -> None:
    """An ONNX model that scores a pair by how many tokens it has, with what `fastembed` wants beside it."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    make, kind = onnx.helper, onnx.TensorProto
    shape = ["batch", "length"]
    given = [make.make_tensor_value_info(name, kind.INT64, shape) for name in ("input_ids", "attention_mask")]
    nodes = [
        make.make_node("Cast", ["attention_mask"], ["mask"], to=kind.FLOAT),
        make.make_node("Constant", [], ["axis"], value=make.make_tensor("one", kind.INT64, [1], [1])),
        make.make_node("ReduceSum", ["mask", "axis"], ["logits"], keepdims=1),
    ]
    out = make.make_tensor_value_info("logits", kind.FLOAT, ["batch", 1])
    graph = make.make_graph(nodes, "counting", given, [out])
    (folder / "onnx").mkdir()
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "onnx" / "model.onnx")
    tokenizer().save(str(folder / "tokenizer.json"))
    told = {"model_max_length": 128, "pad_token": "[UNK]"}
    for name, content in {
        "config.json": {"pad_token_id": 0},
        "tokenizer_config.json": told,
        "special_tokens_map.json": {"pad_token": "[UNK]"},
    }.items():
        (folder / name).write_text(json.dumps(content))


def test_errors_of_a_re_ranker_that_is_not_there_are_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    with pytest.raises(RerankerError, match="cannot be loaded"):
        reranker_of(f"sentence-transformers:{tmp_path / 'nothing'}")()


def test_a_package_that_breaks_while_it_is_imported_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise ImportError("a library that it needs is of another version")

    monkeypatch.setattr(local, "import_module", broken)
    with pytest.raises(SeveranceError, match=r"model2vec is not installed; install it with"):
        embedder_of("model2vec:m")()
