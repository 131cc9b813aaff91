"""An encoder or a re-ranker chosen by a text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import severance
from kit import KEY
from kit.serving import serving
from severance import EmbedderError, InputError, RerankerError
from severance.crypto.rootkey import Environment
from severance.embed import Hashing, bundled
from severance.embed.made import embedder_of, reranker_of
from severance.embed.rerank import ServedReranker
from severance.embed.served import Served
from severance.embed.specs import spec_of
from severance.errors import SeveranceError

URL = "http://127.0.0.1:11434/v1"


def test_the_bundled_one_is_bundled() -> None:
    assert embedder_of("bundled")() is bundled()


@pytest.mark.parametrize(
    ("spec", "identity"),
    [
        (f"openai:nomic-embed-text@{URL}", "openai:nomic-embed-text"),
        (f"openai:nomic-embed-text:latest@{URL}/", "openai:nomic-embed-text:latest"),
        (f"openai:org/model@sha@{URL}", "openai:org/model@sha"),
        ("openai:text-embedding-3-small", "openai:text-embedding-3-small"),
        ("openai:m@https://example.org/v1?key=KIT_KEY&seconds=5&tries=2&batch=9", "openai:m"),
        ("openai:m@http://10.0.0.1/v1?plain-http=allowed", "openai:m"),
        (f"openai:m@{URL}?dimensions=256&version=2", "openai:m?dimensions=256&version=2"),
        (f"openai:m@{URL}?query=query:%20&document=a+b", "openai:m?document=a+b&query=query:+"),
        (f"openai:a b%c@{URL}", "openai:a b%25c"),
    ],
)
def test_a_spec_says_which_embedder_at_an_endpoint(spec: str, identity: str) -> None:
    made = embedder_of(spec)()
    assert isinstance(made, Served)
    assert made.identity == identity


@pytest.mark.parametrize(
    "spec",
    [
        "",
        " ",
        "openai",
        "openai:",
        "openai: ",
        "minilm",
        "Bundled",
        "other:model",
        "bundled?query=a",
        f"openai:@{URL}",
        "openai:m@http://10.0.0.1/v1",
        "openai:m@http://user:secret@127.0.0.1/v1",
        f"openai:m@{URL}?dimensions=0",
        f"openai:m@{URL}?dimensions=many",
        f"openai:m@{URL}?dimensions=99999",
        f"openai:m@{URL}?seconds=-1",
        f"openai:m@{URL}?plain-http=yes",
        f"openai:m@{URL}?key=sk-secret",
        f"openai:m@{URL}?key=sk_secret",
        "openai:m@127.0.0.1:11434/v1",
        "openai:m@example.org",
        "openai:m@ftp://user:secret@example.org/v1",
        "openai:m@HTTPS://user:secret@example.org/v1",
        "openai:https://user:secret@example.org/v1",
        f"openai:m@ftp://user:secret@example.org@{URL}",
        "model2vec:https://user:secret@example.org/m",
        f"openai:m\udcff@{URL}",
        f"openai:m@{URL}?query=\udcff",
        "sentence-transformers:m\x1b[31m",
        f"openai:m\n@{URL}",
        f"openai:m@{URL}?colour=red",
        f"openai:m@{URL}?query=a&query=b",
        f"openai:m@{URL}?query",
        f"fastembed:m@{URL}",
        "model2vec:m?dimensions=8",
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_with_one_sentence(spec: str) -> None:
    with pytest.raises(InputError) as caught:
        embedder_of(spec)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["env:MY_ROOT", Environment("MY_ROOT"), KEY])
def test_no_endpoint_gets_the_root_key(folder: Path, key: str | Environment | bytes) -> None:
    names = ["SEVERANCE_KEY"] if key == KEY else ["SEVERANCE_KEY", "MY_ROOT"]
    for name in names:
        for how in ({"embedder": f"openai:m@{URL}?key={name}"}, {"reranker": f"endpoint:m@{URL}?key={name}"}):
            with pytest.raises(InputError, match=f"^{name} is for the root key, which no endpoint gets; put the API"):
                severance.open(folder / "store", key=key, **how)
    assert not (folder / "store").exists()
    with severance.open(folder / "store", key=KEY, embedder=f"openai:m@{URL}?key=KIT_KEY"):
        pass


def test_the_sentence_says_how_to_write_one() -> None:
    with pytest.raises(InputError) as caught:
        embedder_of("minilm")
    assert str(caught.value) == (
        "that is no embedder; write it as bundled, openai:MODEL@URL, openai:MODEL, fastembed:MODEL, model2vec:MODEL or "
        "sentence-transformers:MODEL"
    )
    with pytest.raises(InputError, match="the options of a model2vec embedder, each once, are document, query"):
        embedder_of("model2vec:m?dimensions=8")
    with pytest.raises(InputError, match="that is no re-ranker; write it as endpoint:MODEL@URL, "):
        reranker_of("minilm")


@pytest.mark.parametrize("spec", ["fastembed:m", "model2vec:m", "sentence-transformers:m"])
def test_an_extra_that_is_missing_is_named_when_it_is_needed(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = spec.partition(":")[0]
    monkeypatch.setitem(sys.modules, extra.replace("-", "_"), None)
    made = embedder_of(spec)
    with pytest.raises(EmbedderError) as caught:
        made()
    assert str(caught.value) == f"{extra} is not installed; install it with `pip install severance[{extra}]`"


def test_an_extra_that_is_broken_is_not_called_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fastembed.py").write_text("raise OSError('/where/it/is')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fastembed", raising=False)
    with pytest.raises(
        EmbedderError, match=r"fastembed is installed and cannot be imported \(OSError\); install it anew"
    ):
        embedder_of("fastembed:m")()


@pytest.mark.parametrize("spec", ["fastembed:m", "sentence-transformers:m"])
def test_so_is_a_re_rankers(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = spec.partition(":")[0]
    monkeypatch.setitem(sys.modules, extra.replace("-", "_"), None)
    with pytest.raises(RerankerError, match=rf"install it with `pip install severance\[{extra}\]`"):
        reranker_of(spec)()


@pytest.mark.parametrize(
    ("options", "candidates", "plain"),
    [("", 50, False), ("?candidates=7&on-failure=plain", 7, True), ("?on-failure=error", 50, False)],
)
def test_a_spec_says_which_re_ranker_and_how_it_is_used(options: str, candidates: int, plain: bool) -> None:
    made = reranker_of(f"endpoint:bge@{URL}{options}")()
    assert isinstance(made.reranker, ServedReranker)
    assert (made.candidates, made.plain_on_failure) == (candidates, plain)


@pytest.mark.parametrize(
    "spec",
    [
        "endpoint:m",
        "endpoint:m@127.0.0.1:8080/v1",
        f"endpoint:m@{URL}?candidates=1",
        f"endpoint:m@{URL}?on-failure=ignore",
        f"openai:m@{URL}",
        f"fastembed:m@{URL}",
        "bundled",
    ],
)
def test_a_re_rankers_spec_that_cannot_be_meant_is_refused(spec: str) -> None:
    with pytest.raises(InputError):
        reranker_of(spec)


@pytest.mark.parametrize(
    "spec",
    [
        f"openai:nomic-embed-text:latest@{URL}",
        f"openai:m@{URL}?dimensions=8&document=a+b%26c&query=query:+&version=2",
        f"openai:a+b@{URL}",
        f"openai:@cf/m@{URL}",
    ],
)
def test_an_identity_leads_back_to_a_spec(spec: str) -> None:
    identity = embedder_of(spec)().identity
    told = spec_of(identity)
    assert told is not None
    assert embedder_of(told.replace("@URL", f"@{URL}"))().identity == identity


@pytest.mark.parametrize(
    ("identity", "spec"),
    [
        ("model2vec:potion-base-8M#3f9c", "model2vec:potion-base-8M"),
        ("fastembed:BAAI/bge-small-en-v1.5?query=q#3f", "fastembed:BAAI/bge-small-en-v1.5?query=q"),
        ("hashing-64/1", None),
        ("letter-pairs:256/1", None),
    ],
)
def test_so_does_that_of_a_local_model_and_none_of_an_unknown_one(identity: str, spec: str | None) -> None:
    assert spec_of(identity) == spec
    assert spec_of(bundled().identity) == "bundled"


def test_nothing_is_sent_and_nothing_imported_for_a_spec_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("fastembed", "model2vec", "sentence_transformers"):
        monkeypatch.setitem(sys.modules, package, None)
    with serving() as server:
        embedder_of(f"openai:m@{server.url}")()
        reranker_of(f"endpoint:m@{server.url}")()
        for kind in ("fastembed", "model2vec", "sentence-transformers"):
            embedder_of(f"{kind}:m")
        assert server.asked == []


def test_every_error_of_these_is_one_of_ours() -> None:
    assert issubclass(RerankerError, SeveranceError)
    unlike: Any = Hashing(8)
    assert spec_of(unlike.identity) is None


def test_every_spec_in_the_how_to_can_be_meant() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "encoders.md").read_text(encoding="utf-8")
    first, second = re.findall(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert len([embedder_of(spec) for spec in first.split()]) == 8
    assert len([reranker_of(spec) for spec in second.split()]) == 3
