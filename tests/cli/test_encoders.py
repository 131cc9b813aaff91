"""Encoders and re-rankers, chosen on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.serving import Serving, serving

from .conftest import Run

SUCH = {
    "--embedder": ("openai", "fastembed", "model2vec", "sentence-transformers"),
    "--reranker": ("endpoint", "sentence-transformers", "fastembed"),
}


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as made:
        yield made


@pytest.fixture
def spec(server: Serving) -> str:
    return f"openai:kit@{server.url}?tries=1"


def test_a_store_changes_over_to_another_embedder_and_back(run: Run, store: Path, spec: str, server: Serving) -> None:
    changed = run("reembed", "--embedder", spec)
    assert changed.out.startswith("Embedded ")
    refused = run("recall", "printer", "--at", "office")
    assert refused.code == 1
    assert "open the house with --embedder 'openai:kit@URL'" in refused.err
    assert run("--embedder", spec, "recall", "printer", "--at", "office").code == 0
    back = run("--embedder", spec, "reembed", "--embedder", "bundled")
    assert back.out == changed.out
    assert run("recall", "printer", "--at", "office").code == 0


def test_an_option_wins_over_the_environment(
    run: Run, store: Path, spec: str, server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVERANCE_EMBEDDER", "openai:nobody@http://127.0.0.1:9/v1?tries=1")
    assert run("recall", "printer", "--at", "office").code == 1
    assert run("--embedder", "bundled", "recall", "printer", "--at", "office").code == 0
    monkeypatch.setenv("SEVERANCE_EMBEDDER", "bundled")
    assert run("recall", "printer", "--at", "office").code == 0
    assert server.asked == []


@pytest.mark.parametrize("option", ["--embedder", "--reranker"])
def test_a_wrong_spec_is_one_sentence(run: Run, store: Path, option: str) -> None:
    ran = run(option, "minilm", "status")
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    for kind in SUCH[option]:
        assert f"{kind}:MODEL" in ran.err


@pytest.mark.parametrize("option", ["--embedder", "--reranker"])
def test_a_wrong_spec_in_the_environment_is_told_with_its_variable(
    run: Run, store: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"SEVERANCE_{option[2:].upper()}"
    monkeypatch.setenv(variable, "minilm")
    ran = run("status")
    assert ran.code == 2
    assert ran.err.startswith(f"severance: {variable}: that is no ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("command", ["recall", "context"])
def test_a_query_that_is_too_long_is_told_as_one(run: Run, store: Path, command: str) -> None:
    ran = run(command, "-", "--at", "office", input="a " * 2**19 + "b")
    assert (ran.code, ran.err) == (
        2,
        "severance: the query on standard input has more than 1,048,576 bytes; ask in fewer words\n",
    )


def test_recollections_are_re_ranked(run: Run, store: Path, server: Serving) -> None:
    reranker = f"endpoint:kit@{server.url}?tries=1"
    for text in ("the printer hums", "the printer hums at noon"):
        assert run("remember", text, "--at", "office").code == 0
    shown = run("--reranker", reranker, "recall", "printer", "--at", "office")
    assert "re-ranked: 1.00, number 1 before" in shown.out
    server.modes = ["500"]
    failed = run("--reranker", reranker, "recall", "printer", "--at", "office")
    assert failed.code == 1
    assert failed.err.startswith("severance: re-ranking failed: the endpoint at 127.0.0.1:")
    assert failed.err.count("\n") == 1
    plain = run("--reranker", f"{reranker}&on-failure=plain", "recall", "printer", "--at", "office")
    assert (plain.code, "not re-ranked: the re-ranker failed" in plain.out) == (0, True)


def test_a_failure_is_an_error_of_its_kind_in_json(run: Run, store: Path, spec: str, server: Serving) -> None:
    run("reembed", "--embedder", spec)
    server.modes = ["404"]
    ran = run("--json", "--embedder", spec, "remember", "the lamp is broken", "--at", "office")
    assert ran.error["kind"] == "EmbedderError"
    assert "lamp" not in ran.err
    assert ran.error["message"].endswith("answered with status 404; it was not kept")
