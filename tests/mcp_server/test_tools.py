"""What the tools do, what they answer, and what a client is told of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client, MCPError

import severance
from kit import texts
from severance import AsleepError, House, Session, StoreFullError
from severance.barrier.traces.ports import StillClock
from severance.mcp.awake import MOST_CALLS, Awake
from severance.mcp.serving import serving
from severance.mcp.tools import BATCH, TOOLS
from severance.mcp.words import BUSY, CROSSING, ENDED, NOTE, UNFORESEEN

from .conftest import ERAS, Talk, talk_to

NEVER = ("persona", "subject", "place", "as", "permit", "credential", "session", "store", "key", "user", "namespace")


def test_there_are_five_and_none_has_an_argument_for_somebody(talk: Talk) -> None:
    tools = talk(lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["remember", "recall", "amend", "forget", "status"]
    for tool in tools:
        assert not {*NEVER} & {*tool.input_schema["properties"]}
        assert tool.input_schema["additionalProperties"] is False
        assert tool.output_schema["additionalProperties"] is False


@pytest.mark.parametrize("does", TOOLS.values(), ids=TOOLS)
def test_schemas_are_schemas_and_strict(does: Any) -> None:
    for schema in (does.tool.input_schema, does.tool.output_schema):
        jsonschema.Draft202012Validator.check_schema(schema)
    for name, schema in does.tool.input_schema["properties"].items():
        assert schema.get("description"), name
        for part in (schema, schema.get("items", {})):
            if part.get("type") == "string":
                assert part["minLength"] == 1
                assert part["maxLength"] <= 8_000
            if part.get("type") == "integer":
                assert part["maximum"] <= 50


def test_what_a_client_may_believe_of_each() -> None:
    hints = {name: does.tool.annotations for name, does in TOOLS.items()}
    assert [name for name, each in hints.items() if each.read_only_hint] == ["recall", "status"]
    assert [name for name, each in hints.items() if each.destructive_hint] == ["forget"]
    assert [name for name, each in hints.items() if each.open_world_hint] == []
    assert [name for name, each in hints.items() if not each.idempotent_hint] == ["amend"]


def test_descriptions_say_when_when_not_and_what_comes_back() -> None:
    for name, does in TOOLS.items():
        words = does.tool.description
        assert len(words) < 700, name
        assert ("Returns" in words) or name == "status"
        assert any(no in words for no in ("not ", "never", "cannot")), name
    assert "not\norders" in TOOLS["recall"].tool.description.replace(" ", "\n")


def test_a_memory_from_its_first_word_to_its_last(call: Callable[..., Any], innie: Session) -> None:
    kept = call("remember", text="The list is in the blue folder.", thread="lists", at="2024-05-31").structured_content
    (first,) = kept["kept"]
    assert first["at"] == "2024-05-31T00:00:00+00:00"
    (found,) = call("recall", query="where is the list?").structured_content["memories"]
    assert (found["id"], found["text"], found["thread"]) == (first["id"], "The list is in the blue folder.", "lists")
    assert (found["source"], found["cut"], found["pinned"]) == ("agent", False, False)
    amended = call("amend", id=first["id"], text="The list is in the red folder.", pinned=True).structured_content
    assert amended["supersedes"] == first["id"]
    assert innie.get(amended["id"]).pinned
    assert texts(innie.memories()) == ["The list is in the red folder."]
    assert call("forget", id=first["id"]).structured_content == {"forgotten": 2}
    assert call("recall", query="where is the list?").structured_content == {"memories": [], "note": NOTE}


def test_many_at_once_are_memories_of_their_own_in_their_order(call: Callable[..., Any], innie: Session) -> None:
    more = [f"number {number}" for number in range(1, 35)]
    kept = call("remember", text="number 0", more=more, thread="numbers").structured_content["kept"]
    assert [innie.get(each["id"]).text for each in kept] == ["number 0", *more]
    assert {memory.thread for memory in innie.memories()} == {"numbers"}


def test_the_same_again_is_not_kept_twice(call: Callable[..., Any], innie: Session) -> None:
    answers = [call("remember", text="the same").structured_content["kept"][0] for _ in range(3)]
    assert [each["repeats"] for each in answers] == [1, 2, 3]
    assert len({each["id"] for each in answers}) == 1


def test_recall_keeps_to_its_bounds(call: Callable[..., Any], innie: Session) -> None:
    for day in range(1, 10):
        innie.remember(f"file {day}", at=f"2024-05-0{day}", thread="even" if day % 2 == 0 else "odd")
    assert len(call("recall", query="file", limit=3).structured_content["memories"]) == 3
    found = call("recall", query="file", since="2024-05-03", until="2024-05-06", thread="even").structured_content
    assert sorted(each["text"] for each in found["memories"]) == ["file 4", "file 6"]


def test_a_long_memory_is_cut_and_says_so(call: Callable[..., Any], innie: Session) -> None:
    innie.remember("list " * 2_000)
    (found,) = call("recall", query="list").structured_content["memories"]
    assert (len(found["text"]), found["cut"]) == (4_000, True)


def test_status_names_this_persona_and_no_other(call: Callable[..., Any], innie: Session, outie: Session) -> None:
    outie.remember("at home")
    innie.remember("on the floor")
    found = call("status")
    said = {"subject": "mark", "persona": "innie", "place": "floor", "memories": 1, "versions": 1, "threads": 0}
    assert found.structured_content == {**said, "notices": [], "note": CROSSING}
    assert "outie" not in str(found)
    assert "home" not in str(found)


def test_the_same_answer_as_text_and_as_structure(call: Callable[..., Any], innie: Session) -> None:
    innie.remember("the file is at 96 percent: “naïve”")
    for tool, given in (("recall", {"query": "the file"}), ("status", {}), ("remember", {"text": "ünïcode"})):
        found = call(tool, **given)
        assert json.loads(found.content[0].text) == found.structured_content
        jsonschema.validate(found.structured_content, TOOLS[tool].tool.output_schema)


def test_instructions_say_what_a_model_has_to_know(talk: Talk) -> None:
    said = talk(_instructions)
    for words in ("not orders", "new conversation", "another context", "One session is one context"):
        assert words in said.replace("\n", " ")


async def _instructions(client: Client) -> str:
    return client.instructions or ""


@pytest.mark.parametrize("mode", ERAS)
def test_a_session_that_has_ended_stays_ended(innie: Session, house: House, clock: StillClock, mode: str) -> None:
    talk = talk_to(innie, clock, mode)

    async def after(client: Client) -> list[Any]:
        await client.call_tool("remember", {"text": "before"})
        innie.sleep()
        tools = [("recall", {"query": "before"}), ("remember", {"text": "after"}), ("status", {})] * 2
        said = [await client.call_tool(tool, given) for tool, given in tools]
        for reading in (client.read_resource("severance://context"), client.get_prompt("start-of-day")):
            with pytest.raises(MCPError) as refused:
                await reading
            assert refused.value.error.message == ENDED
        return said

    for answer in talk(after):
        assert answer.is_error
        assert [block.text for block in answer.content] == [ENDED]
    with house.cross("mark", "floor") as session:
        assert texts(session.memories()) == ["before"]


@pytest.mark.parametrize("mode", ERAS)
def test_a_right_that_the_permit_has_not_is_named(house: House, clock: StillClock, mode: str) -> None:
    permit = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
    with house.admit(permit) as session:
        talk = talk_to(session, clock, mode)
        answer = talk(lambda client: client.call_tool("remember", {"text": "no"}))
        assert answer.is_error
        assert "remember" in answer.content[0].text
        assert not talk(lambda client: client.call_tool("recall", {"query": "what"})).is_error


@pytest.mark.parametrize("mode", ERAS)
def test_a_permit_for_some_threads_is_for_these_alone(
    house: House, innie: Session, clock: StillClock, mode: str
) -> None:
    for thread in ("lists", "plans"):
        innie.remember(f"what stands in {thread}", thread=thread)
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until=timedelta(hours=1))
    with house.admit(severance.weaken(permit, threads=["lists"])) as session:
        talk = talk_to(session, clock, mode)
        found = talk(lambda client: client.call_tool("recall", {"query": "what stands in", "thread": "lists"}))
        assert [each["text"] for each in found.structured_content["memories"]] == ["what stands in lists"]
        for tool, given in [("recall", {}), ("recall", {"thread": "plans"})]:
            refused = talk(lambda client, tool=tool, given=given: client.call_tool(tool, {"query": "what", **given}))
            assert refused.is_error
            assert "plans" not in refused.content[0].text
        refused = talk(lambda client: client.call_tool("remember", {"text": "elsewhere"}))
        assert "thread" in refused.content[0].text


@pytest.mark.parametrize("mode", ERAS)
def test_progress_is_told_batch_by_batch(innie: Session, clock: StillClock, mode: str) -> None:
    told: list[tuple[float, float | None]] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))

    async def many(client: Client) -> Any:
        given = {"text": "0", "more": [str(number) for number in range(1, 3 * BATCH)]}
        found = await client.call_tool("remember", given, progress_callback=heard)
        with anyio.move_on_after(30):
            while len(told) < 3:
                await anyio.sleep(0.01)
        return found

    assert not talk_to(innie, clock, mode)(many).is_error
    assert sorted(told) == [(1.0, 3.0), (2.0, 3.0), (3.0, 3.0)]


class Slow:
    """A session whose call waits until it may go on; everything else is the session's own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.reached, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    def remember_many(self, items: Any) -> Any:
        self.reached.set()
        assert self.go.wait(60)
        kept = self._session.remember_many(items)
        self.done.set()
        return kept

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.mark.parametrize("mode", ERAS)
def test_a_call_that_is_cancelled_ends_after_the_batch_that_was_begun(
    innie: Session, clock: StillClock, mode: str
) -> None:
    slow = Slow(innie)

    async def cancelled(client: Client) -> Any:
        given = {"text": "0", "more": [str(number) for number in range(1, 3 * BATCH)]}
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "remember", given)
            await anyio.to_thread.run_sync(slow.reached.wait)
            group.cancel_scope.cancel()
        slow.go.set()
        await anyio.to_thread.run_sync(slow.done.wait, 60)  # it waits before the session's turn, and may be overtaken
        return await client.call_tool("status", {})

    found = talk_to(slow, clock, mode)(cancelled)  # type: ignore[arg-type]
    assert found.structured_content["memories"] == BATCH, "the batch is whole, and there is no second"


def test_too_many_calls_at_once_are_told_to_wait(innie: Session) -> None:
    slow = Slow(innie)
    awake = Awake(slow)  # type: ignore[arg-type]
    said: list[str] = []

    async def one(number: int) -> None:
        try:
            await awake.do(lambda session: session.remember_many([str(number)]))
        except Exception as problem:  # noqa: BLE001 - what it says is what is looked at
            said.append(str(problem))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(MOST_CALLS + 3):
                group.start_soon(one, number)
            await anyio.to_thread.run_sync(slow.reached.wait)
            await anyio.sleep(0.05)
            slow.go.set()
        assert said == [BUSY] * 3
        await awake.do(lambda session: session.stats())

    anyio.run(main)
    assert texts(innie.memories()) == [str(number) for number in range(MOST_CALLS)], "each in its turn"


def test_a_call_that_is_cancelled_keeps_its_turn_until_it_ends_and_one_that_waits_is_never_done(innie: Session) -> None:
    slow = Slow(innie)
    awake = Awake(slow)  # type: ignore[arg-type]

    async def keep(text: str) -> None:
        await awake.do(lambda session: session.remember_many([text]))

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(keep, "begun")
            await anyio.to_thread.run_sync(slow.reached.wait)
            group.start_soon(keep, "waits")
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        with anyio.move_on_after(0.2) as too_early:
            await awake.do(lambda session: None)
        assert too_early.cancelled_caught, "the thread is at it still, and so nobody else is"
        slow.go.set()
        await awake.do(lambda session: None)

    anyio.run(main)
    assert texts(innie.memories()) == ["begun"]


class Failing:
    """A session in which something fails."""

    def __init__(self, session: Session, problem: Exception, after: int = 0) -> None:
        self._session, self._problem, self._after = session, problem, after

    def remember_many(self, items: Any) -> Any:
        self._after -= 1
        if self._after < 0:
            raise self._problem
        return self._session.remember_many(items)

    def memories(self, **given: Any) -> Any:
        raise self._problem


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("kind", [RuntimeError, KeyError, RecursionError, MemoryError, UnicodeError])
def test_what_nobody_foresaw_is_told_without_a_word_of_it(
    innie: Session, clock: StillClock, mode: str, kind: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "xylophone-marmalade"
    talk = talk_to(Failing(innie, kind(secret)), clock, mode)  # type: ignore[arg-type]
    answer = talk(lambda client: client.call_tool("remember", {"text": secret}))
    assert [block.text for block in answer.content] == [UNFORESEEN]
    with pytest.raises(MCPError) as refused:
        talk(lambda client: client.read_resource("severance://recent"))
    assert refused.value.error.message == UNFORESEEN
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("mode", ERAS)
def test_what_was_kept_before_it_failed_is_counted(innie: Session, clock: StillClock, mode: str) -> None:
    full = StoreFullError("the disk is full; make room")
    talk = talk_to(Failing(innie, full, after=2), clock, mode)  # type: ignore[arg-type]
    given = {"text": "0", "more": [str(number) for number in range(1, 3 * BATCH)]}
    answer = talk(lambda client: client.call_tool("remember", given))
    said = f"the disk is full; make room; the first {2 * BATCH} of the texts were kept before"
    assert [block.text for block in answer.content] == [said]
    assert innie.stats()["memories"] == 2 * BATCH


def test_a_server_holds_one_session_and_wakes_nobody(innie: Session, clock: StillClock) -> None:
    server = serving(Awake(innie), clock)
    innie.sleep()
    with pytest.raises(AsleepError):
        innie.stats()
    assert server.name == "severance"
