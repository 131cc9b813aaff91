"""LangGraph's store, from its documented contract, with its real graphs and no model but a scripted one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypedDict

import pytest

import severance
from kit import make_house, recalled
from kit.frameworks import framework, in_workers
from severance import AsleepError, InputError, PermitError

with framework("langgraph"):
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, HumanMessage
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.graph import END, START, MessagesState, StateGraph
    from langgraph.prebuilt import create_react_agent
    from langgraph.runtime import Runtime
    from langgraph.store.base import (
        GetOp,
        InvalidNamespaceError,
        ListNamespacesOp,
        MatchCondition,
        PutOp,
        SearchOp,
    )
    from langgraph.store.memory import InMemoryStore

    from severance.integrations.langgraph import SeveranceStore, capturing

if TYPE_CHECKING:
    from pathlib import Path

    from severance import House, Session
    from severance.barrier.traces.ports import StillClock

USERS = ("users", "mark")


@pytest.fixture
def store(innie: Session) -> SeveranceStore:
    return SeveranceStore(innie)


def found(items: list[Any]) -> list[str]:
    return [item.key for item in items]


@in_workers
def test_an_item_comes_back_as_it_was_put(store: SeveranceStore) -> None:
    value = {"z": [1, 2.5, None, True], "a": {"é": "\0 \ud800", "": {}}, "text": "waffles"}
    store.put(USERS, "food", value)
    item = store.get(USERS, "food")
    assert item is not None
    assert (item.value, list(item.value), item.key, item.namespace) == (value, ["z", "a", "text"], "food", USERS)
    assert store.get(USERS, "other") is None
    assert store.get(("users",), "food") is None


@pytest.mark.parametrize("value", [{}, {"blank": " "}, {"n": 1}, {"text": "x" * 20_000}, {"deep": [[[["x"]]]]}])
@pytest.mark.parametrize("index", [None, False])
def test_every_shape_of_value_comes_back(store: SeveranceStore, value: dict[str, Any], index: Any) -> None:
    store.put(USERS, "k", value, index=index)
    assert store.get(USERS, "k").value == value
    assert store.search(USERS)[0].value == value


def test_putting_again_replaces_the_value_and_keeps_the_time_of_making(
    store: SeveranceStore, clock: StillClock, innie: Session
) -> None:
    store.put(USERS, "food", {"likes": "waffles"})
    first = store.get(USERS, "food")
    clock.tick(60)
    store.put(USERS, "food", {"likes": "pancakes"})
    second = store.get(USERS, "food")
    assert second.value == {"likes": "pancakes"}
    assert second.created_at == first.created_at == first.updated_at < second.updated_at
    assert len(innie.history(next(innie.memories()).id)) == 2
    assert len(list(innie.memories())) == 1


def test_deleting_forgets_the_item_with_all_its_versions(store: SeveranceStore, innie: Session) -> None:
    store.put(USERS, "food", {"likes": "waffles"})
    store.put(USERS, "food", {"likes": "pancakes"})
    store.delete(USERS, "food")
    store.delete(USERS, "food")
    assert store.get(USERS, "food") is None
    assert innie.stats()["versions"] == 0
    assert store.list_namespaces() == []


def test_namespaces_and_keys_that_look_alike_are_different_items(store: SeveranceStore) -> None:
    names = [(("a", "b"), "c"), (("a",), "b/c"), (("a", 'b","c'), "d"), (("a", "b", "c"), "d"), (("a",), 'b", "c')]
    names += [(("n" * 600,), "k"), (("n" * 600,), "l"), (("é",), "k")]
    for number, (namespace, key) in enumerate(names):
        store.put(namespace, key, {"number": number})
    assert [store.get(namespace, key).value["number"] for namespace, key in names] == list(range(len(names)))


@in_workers
def test_a_query_finds_by_what_the_value_says(store: SeveranceStore) -> None:
    store.put(USERS, "food", {"memory": "Mark likes waffles with syrup"})
    store.put(USERS, "work", {"memory": "Mark refines numbers on the severed floor"})
    store.put(("users", "helly"), "food", {"memory": "Helly likes waffles even more"})
    best, *rest = store.search(USERS, query="who likes waffles?")
    assert best.key == "food"
    assert best.score is not None
    assert found(rest) == ["work"]
    assert {item.namespace for item in store.search((), query="waffles")[:2]} == {USERS, ("users", "helly")}


def test_only_what_is_indexed_is_found_by_a_query(innie: Session) -> None:
    store = SeveranceStore(innie, fields=["title"])
    store.put(USERS, "title", {"title": "waffles", "body": "goats"})
    store.put(USERS, "body", {"title": "nothing", "parts": [{"body": "waffles"}]}, index=["parts[*].body"])
    store.put(USERS, "never", {"title": "waffles waffles"}, index=False)
    scored = [item.key for item in store.search(USERS, query="waffles") if item.score is not None]
    assert set(scored) == {"title", "body"}
    assert not [item.key for item in store.search(USERS, query="goats") if item.score is not None]
    assert set(found(store.search(USERS, query="waffles"))) == {"title", "body", "never"}
    assert store.get(USERS, "never").value == {"title": "waffles waffles"}


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ({"n": 1}, "a"),
        ({"n": {"$eq": 1}}, "a"),
        ({"n": {"$ne": 1}}, "bcd"),
        ({"n": {"$gt": 1}}, "bc"),
        ({"n": {"$gte": 2, "$lt": 3}}, "b"),
        ({"n": {"$lte": 2}}, "ab"),
        ({"n": 2, "tag": "x"}, "b"),
        ({"tag": {"$gt": "x"}}, "c"),
        ({"deep": {"in": {"$gt": 4}}}, "c"),
        ({"deep": {"in": 5}}, "c"),
        ({"list": [1, {"x": 2}]}, "d"),
        ({"n": None}, "d"),
        ({"absent": 1}, ""),
        ({}, "abcd"),
    ],
)
@pytest.mark.parametrize("query", [None, "thing"])
@in_workers
def test_a_filter_compares(store: SeveranceStore, wanted: dict[str, Any], keys: str, query: str | None) -> None:
    store.put(USERS, "a", {"n": 1, "is": "thing"})
    store.put(USERS, "b", {"n": 2, "tag": "x", "is": "thing"})
    store.put(USERS, "c", {"n": 3.5, "tag": "y", "deep": {"in": 5, "and": 6}}, index=False)
    store.put(USERS, "d", {"list": [1, {"x": 2}], "n": None})
    assert sorted(found(store.search(USERS, filter=wanted, query=query))) == sorted(keys)


def test_an_operator_that_is_none_is_refused(store: SeveranceStore) -> None:
    store.put(USERS, "a", {"n": 1})
    with pytest.raises(ValueError, match="no operator of that name"):
        store.search(USERS, filter={"n": {"$near": 1}})


@pytest.mark.parametrize("query", [None, "thing"])
def test_pages_of_a_search_are_the_whole_without_repeats(
    store: SeveranceStore, query: str | None, clock: StillClock
) -> None:
    for number in range(9):
        store.put(USERS, str(number), {"is": "thing" if number % 2 else "other", "number": number})
        clock.tick(1)
    pages = [store.search(USERS, query=query, limit=4, offset=offset) for offset in (0, 4, 8)]
    assert [len(page) for page in pages] == [4, 4, 1]
    assert sorted(key for page in pages for key in found(page)) == [str(number) for number in range(9)]
    assert store.search(USERS, limit=0) == []
    if query is None:
        assert found(pages[0]) == ["8", "7", "6", "5"]


def test_namespaces_are_listed_by_prefix_suffix_wildcard_and_depth(store: SeveranceStore) -> None:
    spaces = [("a", "b", "c"), ("a", "b", "d", "e"), ("a", "b", "d", "i"), ("a", "b", "f"), ("a", "c", "f")]
    for space in spaces:
        store.put(space, "k", {"v": 1})
    assert store.list_namespaces() == spaces
    assert store.list_namespaces(prefix=("a", "b"), max_depth=3) == [("a", "b", "c"), ("a", "b", "d"), ("a", "b", "f")]
    assert store.list_namespaces(suffix=("f",)) == [("a", "b", "f"), ("a", "c", "f")]
    assert store.list_namespaces(prefix=("a", "*", "f")) == [("a", "b", "f"), ("a", "c", "f")]
    assert store.list_namespaces(prefix=("*", "c"), suffix=("f",)) == [("a", "c", "f")]
    assert store.list_namespaces(limit=2, offset=1) == spaces[1:3]
    assert store.list_namespaces(prefix=("b",)) == []
    assert store.list_namespaces(prefix=("a", "b", "c", "d", "e")) == []


def test_a_batch_reads_first_and_of_its_puts_the_last_counts(store: SeveranceStore) -> None:
    store.put(USERS, "a", {"n": 1})
    every = MatchCondition("prefix", ("users",))
    ops = [PutOp(USERS, "a", {"n": 2}), GetOp(USERS, "a"), PutOp(USERS, "b", {"n": 1}), PutOp(USERS, "b", {"n": 3})]
    ops += [SearchOp(("users",)), ListNamespacesOp((every,)), PutOp(USERS, "c", None)]
    results = store.batch(ops)
    assert [results[index] for index in (0, 2, 3, 6)] == [None] * 4
    assert results[1].value == {"n": 1}
    assert (found(results[4]), results[5]) == (["a"], [USERS])
    assert [store.get(USERS, key).value["n"] for key in "ab"] == [2, 3]


def test_a_batch_with_a_value_that_cannot_be_kept_puts_nothing(store: SeveranceStore) -> None:
    store.put(USERS, "there", {"a": 1})
    for wrong in ({"a": object()}, {"a": float("nan")}, {"a": "x" * 70_000}):
        with pytest.raises(InputError):
            store.batch([PutOp(USERS, "there", {"a": 2}), PutOp(USERS, "good", {"a": 1}), PutOp(USERS, "wrong", wrong)])
    with pytest.raises(InputError, match="by some of its fields"):
        store.put(USERS, "wrong", {"a": "x" * 20_000, "b": "y"}, index=["b"])
    assert [(item.key, item.value) for item in store.search(())] == [("there", {"a": 1})]


@pytest.mark.parametrize("namespace", [(), ("a.b",), ("",), ("langgraph", "x"), ("a\0",)])
def test_namespaces_that_langgraph_refuses_are_refused(store: SeveranceStore, namespace: tuple[str, ...]) -> None:
    with pytest.raises(InvalidNamespaceError):
        store.put(namespace, "k", {"v": 1})
    if namespace and namespace[0] != "langgraph":
        with pytest.raises(InvalidNamespaceError):
            store.batch([GetOp(namespace, "k")])


def test_a_time_to_live_is_refused_as_the_base_class_does(store: SeveranceStore) -> None:
    with pytest.raises(NotImplementedError, match="TTL"):
        store.put(USERS, "k", {"v": 1}, ttl=5)
    store.put(USERS, "k", {"v": 1}, ttl=None)


@in_workers
def test_the_async_calls_answer_the_same(store: SeveranceStore) -> None:
    async def life() -> None:
        await asyncio.gather(*(store.aput(USERS, str(number), {"n": number}) for number in range(20)))
        assert (await store.aget(USERS, "7")).value == {"n": 7}
        assert len(await store.asearch(USERS, filter={"n": {"$lt": 5}})) == 5
        assert await store.alist_namespaces() == [USERS]
        await store.adelete(USERS, "7")
        assert await store.aget(USERS, "7") is None

    asyncio.run(life())


def test_it_answers_as_the_store_that_langgraph_ships(store: SeveranceStore) -> None:
    other = InMemoryStore()
    answers = []
    for each in (store, other):
        for number in range(30):
            each.put(("a", str(number % 3)), str(number % 7), {"n": number, "even": number % 2 == 0})
            if number % 5 == 0:
                each.delete(("a", str(number % 3)), str(number % 4))
        items = each.search(("a",), limit=100, filter={"n": {"$gte": 10}, "even": True})
        listed = [space for space in each.list_namespaces() if each.search(space)]
        answers.append((sorted((item.namespace, item.key, item.value["n"]) for item in items), listed))
    assert answers[0] == answers[1]


@in_workers
def test_threads_that_put_one_item_leave_one(store: SeveranceStore, innie: Session) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.put(USERS, "k", {"n": number}), range(24)))
    assert len(list(innie.memories())) == 1
    assert store.get(USERS, "k").value["n"] in range(24)


def test_two_stores_that_both_put_a_new_item_leave_the_later_one(
    house: House, innie: Session, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = SeveranceStore(innie), SeveranceStore(house.cross("mark", "floor"))
    find = second._find
    with monkeypatch.context() as patched:  # the second looks before the first has put
        patched.setattr(second, "_find", lambda *_: [])
        first.put(USERS, "k", {"n": 1})
        clock.tick(1)
        second.put(USERS, "k", {"n": 2})
    assert len(find(USERS, "k")) == 2  # as after a crash just then
    assert first.get(USERS, "k").value == second.get(USERS, "k").value == {"n": 2}
    for query in (None, "1", "2"):
        assert [item.value for item in first.search(USERS, query=query)] == [{"n": 2}]
    assert first.list_namespaces() == [USERS]
    first.put(USERS, "k", {"n": 3})
    assert [memory.text for memory in innie.memories()] == ["3"]


def test_of_two_that_put_a_new_item_at_once_one_takes_the_others_out(
    house: House, innie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = SeveranceStore(innie), SeveranceStore(house.cross("mark", "floor"))
    find, looked = second._find, []

    def while_the_first_puts(*item: Any) -> Any:
        found = find(*item)
        if not looked:
            looked.append(found)
            first.put(USERS, "k", {"n": 1})
        return found

    monkeypatch.setattr(second, "_find", while_the_first_puts)
    second.put(USERS, "k", {"n": 2})
    assert looked == [[]]
    assert [memory.text for memory in innie.memories()] == ["2"]


WRITER = """
import sys
import severance
from severance.barrier.traces.ports import FEW, KEY
from severance.embed import Hashing
from severance.integrations.langgraph import SeveranceStore

with severance.open(sys.argv[1], key=KEY, embedder=Hashing(FEW)) as house, house.cross("mark", "floor") as session:
    store = SeveranceStore(session)
    for number in range(20):
        store.put(("from", sys.argv[2]), str(number), {"n": number})
        store.put(("both",), str(number), {"by": sys.argv[2]})
"""


def test_two_processes_share_one_store(folder: Path) -> None:
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        command = [sys.executable, "-W", "ignore", "-c", WRITER, str(folder / "store")]
        writers = [subprocess.Popen([*command, name]) for name in ("x", "y")]
        assert [writer.wait(60) for writer in writers] == [0, 0]
        store = SeveranceStore(innie)
        assert store.list_namespaces() == [("both",), ("from", "x"), ("from", "y")]
        for name in ("x", "y"):
            assert sorted(item.value["n"] for item in store.search(("from", name), limit=99)) == list(range(20))
        assert len(store.search(("both",), limit=99)) == 20


@in_workers
def test_a_store_holds_nothing_of_another_persona(innie: Session, outie: Session) -> None:
    SeveranceStore(innie).put(USERS, "secret", {"memory": "the goats are in the corridor"})
    other = SeveranceStore(outie)
    assert other.get(USERS, "secret") is None
    assert other.search((), query="goats") == other.list_namespaces() == []


def test_other_memories_of_the_persona_are_no_items_and_items_are_recalled(
    store: SeveranceStore, innie: Session
) -> None:
    innie.remember("a plain note about waffles", thread='langgraph["users", "mark", "food"]')
    assert store.get(USERS, "food") is None
    assert store.search(()) == []
    store.put(USERS, "food", {"memory": "Mark likes syrup"})
    assert "Mark likes syrup" in recalled(innie, "syrup")


@in_workers
def test_a_store_whose_session_sleeps_says_so(store: SeveranceStore, innie: Session) -> None:
    innie.sleep()
    with pytest.raises(AsleepError, match="cross again"):
        store.get(USERS, "k")


def test_a_permit_for_one_thread_has_a_store_in_that_thread(house: House, innie: Session) -> None:
    SeveranceStore(innie).put(USERS, "food", {"likes": "syrup"})
    SeveranceStore(innie, thread="tuesday").put(USERS, "food", {"likes": "goats"})
    rights = ["recall", "remember", "amend", "forget"]
    permit = severance.weaken(house.permit("mark", "floor", rights=rights, until="2100-01-01"), threads=["monday"])
    with house.admit(permit) as less:
        with pytest.raises(PermitError):
            SeveranceStore(less).put(USERS, "food", {"likes": "waffles"})
        with pytest.raises(PermitError):
            SeveranceStore(less, thread="tuesday").get(USERS, "food")
        store = SeveranceStore(less, thread="monday")
        store.put(USERS, "food", {"likes": "waffles"})
        store.put(USERS, "drink", {"likes": "waffles and syrup"})
        store.put(USERS, "food", {"likes": "pancakes"})
        store.put((*USERS, "food"), "food", {"likes": "nothing"})
        assert store.get(USERS, "food").value == {"likes": "pancakes"}
        assert set(found(store.search(USERS, query="who likes syrup or goats?"))) == {"food", "drink"}
        assert len(store.search(())) == 3
        assert store.list_namespaces() == [USERS, (*USERS, "food")]
        store.delete(USERS, "food")
        assert store.get(USERS, "food") is None
    assert {memory.thread for memory in innie.memories() if "langgraph" not in str(memory.thread)} == {
        "monday",
        "tuesday",
    }
    assert SeveranceStore(innie).get(USERS, "food").value == {"likes": "syrup"}
    assert [item.value for item in SeveranceStore(innie).search(())] == [{"likes": "syrup"}]
    assert SeveranceStore(innie, thread="tuesday").get(USERS, "food").value == {"likes": "goats"}


def test_a_store_of_one_thread_answers_as_the_store_that_langgraph_ships(innie: Session) -> None:
    ours, theirs = SeveranceStore(innie, thread="monday"), InMemoryStore()
    names = [(("a", "b"), "c"), (("a",), "b"), (("a",), "c"), (("b",), "c"), (("a", "b"), "c")]
    for store in (ours, theirs):
        for number, (namespace, key) in enumerate(names):
            store.put(namespace, key, {"number": number})
    for namespace, key in [*names, (("a", "b"), "b")]:
        mine, other = ours.get(namespace, key), theirs.get(namespace, key)
        assert (mine and mine.value) == (other and other.value)
    assert ours.list_namespaces() == sorted(theirs.list_namespaces())
    seen = [{(item.namespace, item.key) for item in store.search(("a",))} for store in (ours, theirs)]
    assert seen[0] == seen[1]


class State(TypedDict):
    asked: str
    answer: str


@in_workers
def test_the_nodes_of_a_graph_use_it(store: SeveranceStore) -> None:
    def note(state: State, runtime: Runtime[None]) -> dict[str, Any]:
        runtime.store.put(USERS, "last", {"asked": state["asked"]})
        return {}

    async def answer(state: State, runtime: Runtime[None]) -> dict[str, Any]:
        return {"answer": (await runtime.store.asearch(USERS, query="door"))[0].value["asked"]}

    graph = StateGraph(State).add_node("note", note).add_node("answer", answer)
    graph.add_edge(START, "note").add_edge("note", "answer").add_edge("answer", END)
    compiled = graph.compile(store=store)
    assert asyncio.run(compiled.ainvoke({"asked": "where is the door?"}))["answer"] == "where is the door?"


def conversing(session: Session, *answers: str) -> Any:
    def chat(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    model = GenericFakeChatModel(messages=iter(AIMessage(text) for text in answers))
    graph = StateGraph(MessagesState).add_node("chat", chat).add_node("capture", capturing(session))
    graph.add_edge(START, "chat").add_edge("chat", "capture").add_edge("capture", END)
    return graph.compile(checkpointer=InMemorySaver())


@in_workers
def test_a_node_remembers_what_was_said_once(innie: Session) -> None:
    graph = conversing(innie, "hello", "hello")
    there = {"configurable": {"thread_id": "day-1"}}
    for text in ("hi", "hi"):
        graph.invoke({"messages": [HumanMessage(text)]}, there)
    said = list(innie.memories(thread="day-1"))
    assert [(memory.source, memory.text) for memory in said] == [("human", "hi"), ("ai", "hello")] * 2
    assert innie.stats()["repeats"] == 0


def test_a_node_remembers_in_an_async_graph_too(innie: Session) -> None:
    there = {"configurable": {"thread_id": "day-2"}}
    asyncio.run(conversing(innie, "hello").ainvoke({"messages": [HumanMessage("x" * 70_000)]}, there))
    assert [len(memory.text) for memory in innie.memories(thread="day-2")] == [65_536, 4_464, 5]


def test_an_agent_remembers_after_each_answer(innie: Session) -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("Waffles, as always.")]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        agent = create_react_agent(model, [], post_model_hook=capturing(innie, thread="lunch"))
    agent.invoke({"messages": [HumanMessage("What is for lunch?")]})
    assert json.dumps([memory.text for memory in innie.memories(thread="lunch")]) == (
        '["What is for lunch?", "Waffles, as always."]'
    )


def test_what_was_amended_into_no_item_is_passed_over_and_can_be_put_again(
    store: SeveranceStore, innie: Session
) -> None:
    store.put(USERS, "long", {"text": "goat " * 4_000})
    store.put(USERS, "short", {"text": "the list is blue"})
    (long,) = (memory for memory in innie.memories() if "goat" in memory.text)
    innie.amend(long.id, "The goat is fed.")
    assert store.get(USERS, "long") is None
    assert [item.key for item in store.search(USERS, query="goat list")] == ["short"]
    assert [item.key for item in store.search(USERS)] == ["short"]
    store.put(USERS, "long", {"text": "goat"})
    assert store.get(USERS, "long").value == {"text": "goat"}


@pytest.mark.parametrize(
    "metadata",
    [
        {"langgraph": True},
        {"langgraph": True, "depth": 2, "0": "users"},
        {"langgraph": True, "depth": "x", "key": "k", "value": "{}"},
        {"langgraph": True, "depth": 1, "0": "users", "key": 5, "value": "{}"},
        {"langgraph": True, "depth": 1, "0": "users", "key": "k", "value": "[1]"},
        {"langgraph": True, "depth": 1, "0": "users", "key": "k", "value": "[" * 16_000},
    ],
)
def test_what_another_program_made_look_like_an_item_is_passed_over(
    store: SeveranceStore, innie: Session, metadata: dict[str, Any]
) -> None:
    innie.remember("a note about waffles", thread='langgraph["users", "k"]', metadata=metadata)
    assert store.get(("users",), "k") is None
    assert store.search((), query="waffles") == store.search(("users",)) == []
    assert set(store.list_namespaces()) <= {("users",)}
