"""A house whose embedder is behind an endpoint: chosen by a spec, and nothing kept half when it fails."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import severance
from kit import KEY, events_of, make_house, open_house, recalled, texts
from kit.checks.encoders import Named
from kit.serving import DIMENSIONS, Serving, serving
from severance import AsleepError, EmbedderError, House, InputError
from severance.embed import endpoint as endpoints
from severance.session import _BATCH

FAILING = ["nan", "null", "short", "long", "strange", "zero", "ragged", "wider", "empty", "500", "404", "401", "html"]
FAILING += ["garbage", "deep", "dropped", "closed", "huge", "redirect:/v1/x", "403", "untyped"]
PASSING = ["500", "dropped", "closed"]


@pytest.fixture
def server() -> Iterator[Serving]:
    with serving() as made:
        yield made


@pytest.fixture
def spec(server: Serving) -> str:
    return f"openai:kit@{server.url}?tries=1&seconds=20"


@pytest.fixture
def house(folder: Path, spec: str) -> Iterator[House]:
    with make_house(folder, embedder=spec) as made:
        yield made


def test_a_house_is_opened_with_a_spec(house: House, server: Serving) -> None:
    with house.cross("mark", "floor") as innie:
        innie.remember_many(["waffles on friday", "a goat"])
        assert recalled(innie, "waffles")[0] == "waffles on friday"
    assert house.embedder.identity == "openai:kit"
    assert server.texts()[-2:] == [["waffles on friday", "a goat"], ["waffles"]]


def test_the_environment_says_which_where_no_argument_does(
    folder: Path, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVERANCE_EMBEDDER", spec)
    with severance.open(folder / "store", key=KEY) as house:
        assert house.embedder.identity == "openai:kit"
    with severance.open(folder / "store", key=KEY, embedder="bundled") as house:
        assert house.embedder.identity.startswith("wordllama")
    monkeypatch.setenv("SEVERANCE_EMBEDDER", "")
    with severance.open(folder / "store", key=KEY) as house:
        assert house.embedder.identity.startswith("wordllama")


def test_a_wrong_spec_makes_no_store(folder: Path) -> None:
    with pytest.raises(InputError, match="that is no embedder"):
        severance.open(folder / "store", key=KEY, embedder="minilm")
    with pytest.raises(InputError, match="that is no re-ranker"):
        severance.open(folder / "store", key=KEY, reranker="minilm")
    assert not (folder / "store").exists()


@pytest.mark.parametrize("mode", FAILING)
def test_an_endpoint_that_fails_leaves_nothing_half(
    house: House, server: Serving, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST_REPLY", 2**20)
    innie = house.cross("mark", "floor")
    kept = innie.remember("kept before")
    records = innie.stats()["records"]
    said = [f"said {number}" for number in range(100)]
    server.modes = ["ok", mode]
    with pytest.raises(EmbedderError) as caught:
        innie.remember_many(said)
    message = str(caught.value)
    then = ", try again" if mode in PASSING else ""
    assert message.startswith("embedding texts 65 to 100 of 100 failed: ")
    assert message.endswith(f"; none of these 100 texts was kept{then}")
    assert caught.value.again is bool(then)
    assert "\n" not in message
    assert "said" not in message
    refused = "; nothing was kept: bring" if mode in ("wider", "ragged") else f"; it was not kept{then}$"
    with pytest.raises(EmbedderError, match=refused):
        innie.remember("said alone")
    with pytest.raises(EmbedderError, match=refused):
        innie.amend(kept.id, "said otherwise")
    with pytest.raises(EmbedderError):
        innie.recall("said")
    assert texts(innie.memories()) == ["kept before"]
    assert innie.stats()["records"] == records == len(events_of(house))
    server.modes = ["ok"]
    assert len(innie.remember_many(said)) == 100
    assert house.check() == []


def test_what_was_kept_before_the_batch_that_failed_is_said(house: House, server: Serving) -> None:
    innie = house.cross("mark", "floor")
    requests = -(-_BATCH // 64)
    server.modes = ["ok"] * requests + ["500"]
    with pytest.raises(
        EmbedderError, match=rf"none of these 10 texts was kept, try again \(of all {_BATCH + 10:,}, the"
    ) as caught:
        innie.remember_many(f"said {number}" for number in range(_BATCH + 10))
    assert caught.value.again
    assert innie.stats()["memories"] == _BATCH


@pytest.mark.parametrize(("good", "kept"), [(2, 0), (-(-_BATCH // 64) + 2, _BATCH)])
def test_of_five_thousand_the_message_says_which_were_kept(house: House, server: Serving, good: int, kept: int) -> None:
    innie = house.cross("mark", "floor")
    said = [f"said {number}" for number in range(5_000)]
    server.modes = ["ok"] * good + ["500"]
    with pytest.raises(EmbedderError) as caught:
        innie.remember_many(said)
    which = f"the first {kept:,} were kept, and none after them" if kept else "none was kept"
    assert str(caught.value).startswith("embedding texts 129 to 192 of 2,048 failed: ")
    assert str(caught.value).endswith(f"none of these 2,048 texts was kept, try again (of all 5,000, {which})")
    assert texts(innie.memories()) == said[:kept]
    server.modes = ["ok"]
    innie.remember_many(said[kept:])
    assert texts(innie.memories()) == said


def test_another_model_under_the_same_name_is_refused_also_after_a_restart(
    folder: Path, server: Serving, spec: str
) -> None:
    with make_house(folder, embedder=spec) as house, house.cross("mark", "floor") as innie:
        kept = innie.remember("kept before")
        records = len(events_of(house))
    server.dimensions = DIMENSIONS * 2
    with open_house(folder / "store", embedder=spec) as house, house.cross("mark", "floor") as innie:
        said = f"vectors of {2 * DIMENSIONS} components, and the memories have {DIMENSIONS}; nothing was kept"
        with pytest.raises(EmbedderError, match=said):
            innie.remember("said later")
        with pytest.raises(EmbedderError, match=said):
            innie.remember_many(["said later", "and this"])
        with pytest.raises(EmbedderError, match=said):
            innie.amend(kept.id, "said otherwise")
        with pytest.raises(EmbedderError, match=f"{2 * DIMENSIONS} components instead of {DIMENSIONS}"):
            innie.recall("kept")
        assert texts(innie.memories()) == ["kept before"]
        assert len(events_of(house)) == records
        assert innie.forget(kept.id) == 1
        assert house.check() == []


def test_a_server_that_is_down_keeps_nobody_from_what_needs_no_vector(folder: Path, spec: str) -> None:
    with make_house(folder, embedder=spec) as house, house.cross("mark", "floor") as innie:
        kept = innie.remember("kept before")
    down = "openai:kit@http://127.0.0.1:9/v1?tries=1"
    with open_house(folder / "store", embedder=down) as house, house.cross("mark", "floor") as innie:
        assert texts(innie.memories()) == ["kept before"]
        assert innie.get(kept.id) == kept
        with pytest.raises(EmbedderError):
            innie.recall("kept")
        assert innie.forget(kept.id) == 1


def test_nothing_is_sent_for_a_session_that_has_ended(house: House, server: Serving) -> None:
    innie = house.cross("mark", "floor")
    innie.sleep()
    server.asked.clear()
    for call in (lambda: innie.remember("said too late"), lambda: innie.recall("said too late")):
        with pytest.raises(AsleepError):
            call()
    assert server.asked == []


def test_nothing_is_sent_for_a_draft_that_cannot_be_kept(house: House, server: Serving) -> None:
    innie = house.cross("mark", "floor")
    server.asked.clear()
    with pytest.raises(InputError):
        innie.remember_many(["fine", "   "])
    assert server.asked == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal to one thread")
def test_ctrl_c_while_it_hangs_keeps_nothing(house: House, server: Serving) -> None:
    innie = house.cross("mark", "floor")
    innie.remember("kept before")
    server.asked.clear()
    server.modes = ["hangs"]
    main = threading.get_ident()

    def interrupt() -> None:
        while not server.asked:
            time.sleep(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        innie.remember_many(["said now", "and this"])
    assert texts(innie.memories()) == ["kept before"]
    server.modes = ["ok"]
    innie.remember("said again")
    assert house.check() == []


def test_another_embedder_is_refused_with_the_spec_to_use(folder: Path, spec: str) -> None:
    with make_house(folder, embedder=f"{spec}&version=2"):
        pass
    with open_house(folder / "store", embedder=spec) as house, pytest.raises(EmbedderError) as caught:
        house.cross("mark", "floor")
    assert "open the house with --embedder 'openai:kit@URL?version=2'" in str(caught.value)
    with open_house(folder / "store", embedder=spec) as house:
        house.reembed()
    with severance.open(folder / "store", key=KEY, embedder="bundled") as house:
        house.reembed()
    with open_house(folder / "store", embedder=spec) as house, pytest.raises(EmbedderError) as caught:
        house.cross("mark", "floor")
    assert "open the house with --embedder 'bundled'" in str(caught.value)


@pytest.mark.parametrize(
    "identity",
    [
        "openai:kit@https://example.org/v1",
        "openai:kit@https://example.org/v1?key=KIT_KEY",
        "openai:kit?key=KIT_KEY",
        "openai:kit?version=1&key=KIT_KEY",
        "openai:https://example.org/v1",
        "openai:kit%40https://example.org/v1",
        "openai:kit'; echo '",
        "openai:kit%27%3B echo %27",
        "openai:kit?path=/",
        "openai:",
        "openai:kit?",
        "letter-pairs-256/1",
    ],
)
def test_what_a_store_says_of_its_embedder_is_no_spec_unless_an_encoder_would_say_so(
    folder: Path, identity: str
) -> None:
    with make_house(folder, embedder=Named(identity)):
        pass
    with open_house(folder / "store") as house, pytest.raises(EmbedderError) as caught:
        house.cross("mark", "floor")
    assert str(caught.value).endswith("open the house with the embedder they were made with")


def test_reembedding_goes_both_ways_and_on_after_a_failure(folder: Path, server: Serving, spec: str) -> None:
    said = [f"waffle number {number}" for number in range(70)]
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        innie.remember_many(said)
    server.modes = ["ok", "ok", "ok", "500"]
    with open_house(folder / "store", embedder=spec) as house:
        with pytest.raises(EmbedderError, match=r"texts 65 to 70 of 70 failed: .*none of these 70 texts was kept"):
            house.reembed()
        server.modes = ["ok"]
        assert house.reembed() == 70
        assert house.reembed() == 0
        with house.cross("mark", "floor") as innie:
            assert recalled(innie, "waffle number 7", limit=1) == ["waffle number 7"]
    with open_house(folder / "store") as house:
        assert house.reembed() == 70
        assert house.cross("mark", "floor").stats()["memories"] == 70


def test_queries_have_their_own_prefix(folder: Path, server: Serving, spec: str) -> None:
    with make_house(folder, embedder=f"{spec}&query=query:+&document=passage:+") as house:
        server.asked.clear()
        innie = house.cross("mark", "floor")
        kept = innie.remember("a goat")
        innie.recall("goats?")
        innie.amend(kept.id, "two goats")
        assert server.texts() == [["passage: a goat"], ["query: goats?"], ["passage: two goats"]]


def test_each_persona_is_asked_for_alone_and_again(house: House, server: Serving) -> None:
    innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
    server.asked.clear()
    for session in (innie, outie, innie):
        session.remember("the same words")
        session.recall("the same question")
    assert server.texts() == [["the same words"], ["the same question"]] * 3
    assert len({request.port for request in server.asked}) == len(server.asked)
    assert all(set(request.body) == {"model", "encoding_format", "input"} for request in server.asked)


def test_personas_that_ask_at_the_same_time_share_no_request(house: House, server: Serving) -> None:
    sessions = {place: house.cross("mark", place) for place in ("floor", "home")}
    start = threading.Barrier(2)
    server.asked.clear()

    def say(place: str) -> None:
        start.wait()
        for number in range(10):
            sessions[place].remember_many([f"{place} {number} {part}" for part in range(3)])

    threads = [threading.Thread(target=say, args=(place,)) for place in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 20
    assert all(len({text.split()[0] for text in request}) == 1 for request in server.texts())
    for place, session in sessions.items():
        assert all(text.startswith(place) for text in texts(session.memories()))


def test_neither_store_nor_log_says_where_the_endpoint_is(folder: Path, server: Serving, spec: str) -> None:
    with make_house(folder, embedder=spec) as house, house.cross("mark", "floor") as innie:
        innie.remember("a goat")
        assert server.url not in repr(events_of(house)) + repr(house.embedder) + repr(innie)
    for file in (folder / "store").iterdir():
        assert server.url.encode() not in file.read_bytes()
