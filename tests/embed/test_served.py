"""An embedder behind an endpoint, asked over HTTP on this machine."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit import make_house, open_house
from kit.serving import DIMENSIONS, Serving, serving
from severance import EmbedderError
from severance.embed import Hashing
from severance.embed.encoder import BATCH_BYTES, batches
from severance.embed.endpoint import Endpoint, Patience
from severance.embed.served import Served

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
NO_NUMBER = "NaN, with null or with an infinite number where a finite number belongs"
TEXTS = ["waffles on friday", "a goat in the corridor", "the break room", "a finger trap"]


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as made:
        yield made


def served(server: Serving, **how: Any) -> Served:
    return Served("kit", Endpoint(server.url, patience=Patience(tries=2, wait=lambda seconds: None)), **how)


def test_vectors_come_in_order_at_unit_length(server: Serving) -> None:
    embedder = served(server)
    found = embedder.embed(TEXTS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, Hashing(DIMENSIONS).embed(TEXTS), atol=1e-6)
    assert server.asked[0].body == {"model": "kit", "encoding_format": "float", "input": TEXTS}


def test_vectors_are_placed_by_their_index(server: Serving) -> None:
    whole = served(server).embed(TEXTS)
    server.modes = ["shuffled"]
    assert np.array_equal(served(server).embed(TEXTS), whole)


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("short", "3 vectors for 4 texts"),
        ("long", "5 vectors for 4 texts"),
        ("twice", "3 vectors for 4 texts"),
        ("nan", f"answered with {NO_NUMBER}"),
        ("null", f"answered with {NO_NUMBER}"),
        ("immense", f"answered with {NO_NUMBER}"),
        ("garbage", "cannot be read as such an answer"),
        ("zero", "a vector has nothing but zeros"),
        ("ragged", "vectors of different lengths"),
        ("empty", "the vectors have no components"),
        ("500", "status 500 (asked 2 times)"),
    ],
)
def test_an_answer_that_is_none_is_an_error_that_says_which_texts(server: Serving, mode: str, said: str) -> None:
    server.modes = ["ok", mode]
    embedder = served(server, batch=4)
    with pytest.raises(EmbedderError) as caught:
        embedder.embed(TEXTS * 3)
    assert str(caught.value).startswith("embedding texts 5 to 8 of 12 failed: ")
    assert said in str(caught.value)
    assert not any(text in str(caught.value) for text in TEXTS)


def test_a_component_beyond_what_squares_to_a_float_is_still_one_vector(server: Serving) -> None:
    server.modes = ["big"]
    [vector] = served(server).embed(TEXTS[:1])
    assert np.linalg.norm(vector) == pytest.approx(1)


@pytest.mark.parametrize("component", ["1e300", "-1e300", "1.7e308", "1e-300", "5e-324"])
def test_a_vector_of_any_length_counts_by_its_direction(server: Serving, component: str) -> None:
    server.modes, server.raw = ["raw"], [HEAD, b'{"data":[{"index":0,"embedding":[', f"{component},0,".encode() * 8]
    server.raw.append(f"{component}]}}]}}".encode())
    [vector] = served(server).embed(TEXTS[:1])
    sign = -1 if component.startswith("-") else 1
    np.testing.assert_allclose(vector, [sign / 3, 0] * 8 + [sign / 3], rtol=1e-6)


@pytest.mark.parametrize("row", ["null", "[1, null]", "[1, NaN]", "[NaN]", "[-Infinity, 1]", "[1,\n nan]", "[1e999]"])
def test_a_number_that_is_none_is_told_as_that_however_it_is_written(server: Serving, row: str) -> None:
    server.modes, server.raw = ["raw"], [HEAD, b'{"data":[{"index":0,"embedding":%s}]}' % row.encode()]
    with pytest.raises(EmbedderError, match=NO_NUMBER):
        served(server).embed(TEXTS[:1])


@pytest.mark.parametrize(
    "body", ['{"data": null}', '{"data": [{"index": 0, "embedding": "NaN"}]}', '{"usage": null}', "{"]
)
def test_and_nothing_else_is(server: Serving, body: str) -> None:
    server.modes, server.raw = ["raw"], [HEAD, body.encode()]
    with pytest.raises(EmbedderError, match="cannot be read as such an answer"):
        served(server).embed(TEXTS[:1])


def test_dimensions_that_change_are_refused(server: Serving) -> None:
    server.modes = ["ok", "wider"]
    with pytest.raises(EmbedderError, match="have 17 components instead of 16"):
        served(server, batch=2).embed(TEXTS)


def test_what_a_call_is_told_depends_on_no_call_before(server: Serving) -> None:
    alone, after = served(server), served(server)
    after.embed(TEXTS)
    assert after.dimensions == DIMENSIONS
    server.dimensions = DIMENSIONS * 2
    assert after.embed(TEXTS).shape == alone.embed(TEXTS).shape == (4, DIMENSIONS * 2)
    assert after.dimensions == alone.dimensions == DIMENSIONS * 2
    assert vars(after).keys() == vars(alone).keys()


@pytest.mark.parametrize("before", ["remember", "recall"])
def test_an_error_does_not_tell_whether_another_persona_asked_before(
    folder: Path, server: Serving, before: str
) -> None:
    spec, told = f"openai:kit@{server.url}?tries=1", []
    with make_house(folder, embedder=spec) as house, house.cross("mark", "floor") as innie:
        innie.remember("a goat")
    for others in (0, 1):
        server.dimensions = DIMENSIONS
        with open_house(folder / "store", embedder=spec) as house:
            innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
            for _ in range(others):
                getattr(outie, before)("a boat")
            server.dimensions = DIMENSIONS * 2
            for call in (innie.recall, innie.remember):
                with pytest.raises(EmbedderError) as caught:
                    call("goats")
                told.append(str(caught.value))
    assert told[:2] == told[2:]


def test_dimensions_are_found_out_with_a_text_that_nobody_remembered(server: Serving) -> None:
    embedder = served(server, document="passage: ")
    assert embedder.dimensions == DIMENSIONS
    assert server.texts() == [["passage: How many components does a vector have?"]]


@pytest.mark.parametrize(("how", "most"), [({}, "590,848"), ({"dimensions": 8}, "67,072")])
def test_an_answer_is_bounded_by_the_texts_and_their_components(
    server: Serving, how: dict[str, int], most: str
) -> None:
    server.modes, server.raw = ["raw"], [HEAD, b'{"data":[{"index":0,"embedding":[', b"1," * 2**24, b"1]}]}"]
    tracemalloc.start()
    try:
        with pytest.raises(EmbedderError, match=f"answered with more than {most} bytes"):
            served(server, **how).embed(TEXTS[:1])
        assert tracemalloc.get_traced_memory()[1] < 48 * 2**20, "more than the server itself holds"
    finally:
        tracemalloc.stop()


def test_a_vector_of_more_components_than_any_has_is_not_read(server: Serving) -> None:
    server.modes, server.raw = ["raw"], [HEAD, b'{"data":[{"index":0,"embedding":[', b"1," * 2**17, b"1]}]}"]
    with pytest.raises(EmbedderError, match="a vector of more than 65,536 components"):
        served(server).embed(TEXTS[:1])


def test_as_many_components_as_a_log_can_say_are_read_at_full_length(server: Serving) -> None:
    vector = b"[" + b",\n            ".join([b"-0.12345678901234567"] * 65_536) + b"]"
    server.modes, server.raw = ["raw"], [HEAD, b'{"data":[{"index":0,"embedding":', vector, b"}]}"]
    assert served(server, dimensions=65_536).embed(TEXTS[:1]).shape == (1, 65_536)
    vector = b"[" + b",".join([b"-0.12345678901234567"] * 16_384) + b"]"
    server.raw = [HEAD, b'{"data":[{"index":0,"embedding":', vector, b"}]}"]
    assert served(server).embed(TEXTS[:1]).shape == (1, 16_384)


def test_dimensions_are_asked_for_where_they_are_given(server: Serving) -> None:
    embedder = served(server, dimensions=8)
    assert embedder.dimensions == 8
    assert server.asked == []
    assert embedder.embed(TEXTS).shape == (4, 8)
    assert server.asked[0].body["dimensions"] == 8


def test_an_endpoint_that_gives_other_dimensions_than_asked_for_is_refused(server: Serving) -> None:
    server.modes = ["wider"]
    with pytest.raises(EmbedderError, match="have 9 components instead of 8"):
        served(server, dimensions=8).embed(TEXTS)


def test_queries_and_texts_have_prefixes_of_their_own(server: Serving) -> None:
    embedder = served(server, query="query: ", document="passage: ")
    embedder.embed(["a"])
    embedder.embed_queries(["a"])
    assert server.texts() == [["passage: a"], ["query: a"]]


def test_many_texts_go_in_batches(server: Serving) -> None:
    texts = [f"text {number}" for number in range(150)]
    found = served(server).embed(texts)
    assert [len(batch) for batch in server.texts()] == [64, 64, 22]
    np.testing.assert_allclose(found, Hashing(DIMENSIONS).embed(texts), atol=1e-6)


def test_no_texts_are_no_request_for_them(server: Serving) -> None:
    assert served(server, dimensions=8).embed([]).shape == (0, 8)
    assert server.asked == []


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ([], 2, []),
        ([1], 2, [(0, 1)]),
        ([1, 1, 1], 2, [(0, 2), (2, 3)]),
        ([BATCH_BYTES, 1], 9, [(0, 1), (1, 2)]),
        ([1, 2 * BATCH_BYTES, 1], 9, [(0, 1), (1, 2), (2, 3)]),
        ([BATCH_BYTES - 1, 1, 1], 9, [(0, 2), (2, 3)]),
    ],
)
def test_batches_are_bounded_by_count_and_bytes(sizes: list[int], most: int, expected: list[tuple[int, int]]) -> None:
    assert list(batches(["x" * size for size in sizes], most)) == expected


def test_the_identity_says_what_makes_the_vector_and_not_where_it_is(server: Serving) -> None:
    with serving() as other:
        assert served(server).identity == served(other).identity == "openai:kit"
    told = served(server, dimensions=8, version="2026-01", query="query: ", document="a&b").identity
    assert told == "openai:kit?dimensions=8&document=a%26b&query=query:+&version=2026-01"
    assert served(server, batch=7).identity == "openai:kit"


def test_what_is_asked_at_the_same_time_is_asked_apart(server: Serving) -> None:
    embedder = served(server)
    embedder.embed(["first"])
    start = threading.Barrier(8)
    found: dict[int, Any] = {}

    def ask(number: int) -> None:
        start.wait()
        found[number] = embedder.embed([f"said by {number}", f"and {number}"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.texts()[1:]) == [[f"said by {n}", f"and {n}"] for n in range(8)]
    for number, vectors in found.items():
        expected = Hashing(DIMENSIONS).embed([f"said by {number}", f"and {number}"])
        np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_the_same_text_is_asked_for_each_time(server: Serving) -> None:
    embedder = served(server)
    for _ in range(3):
        embedder.embed(["the same"])
    assert server.texts() == [["the same"]] * 3
