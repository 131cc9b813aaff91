"""LlamaIndex's real memory and agents with its own scripted model, over a real persona."""

from __future__ import annotations

import asyncio
import copy
import pickle
import re
from typing import TYPE_CHECKING, Any

import pytest

import severance
from kit.elsewhere import in_another_process
from kit.frameworks import framework, in_workers

with framework("llama_index"):
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.base.llms.types import ImageBlock, MessageRole
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.core.llms import ChatMessage
    from llama_index.core.llms.mock import MockFunctionCallingLLM, MockLLMWithChatMemoryOfLastCall
    from llama_index.core.memory import BaseMemoryBlock, Memory, StaticMemoryBlock
    from llama_index.core.storage.chat_store.sql import MessageStatus
    from pydantic import ValidationError

    from severance.integrations.llama_index import SeveranceMemoryBlock

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from severance import House, Session


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def user(text: str, **more: Any) -> ChatMessage:
    return ChatMessage(role="user", content=text, additional_kwargs=more)


def answer(text: str) -> ChatMessage:
    return ChatMessage(role="assistant", content=text)


def small(*blocks: BaseMemoryBlock[Any], session_id: str = "c1", limit: int = 60) -> Memory:
    """A memory that has room for some two messages, and hands on the rest."""
    return Memory.from_defaults(
        session_id=session_id,
        token_limit=limit,
        token_flush_size=10,
        chat_history_token_ratio=0.5,
        memory_blocks=list(blocks),
    )


def told(memory: Memory, question: str) -> str:
    """What a model would be told, beside the question."""
    return "\n".join(str(message.content) for message in memory.get(input=question))


def kept(session: Session) -> list[str]:
    return [memory.text for memory in session.memories()]


@pytest.fixture
def block(innie: Session) -> SeveranceMemoryBlock:
    return SeveranceMemoryBlock(session=innie)


def fill(memory: Memory, turns: int = 6) -> None:
    for number in range(turns):
        memory.put(user(f"list {number} is in the blue folder, drawer {number}"))
        memory.put(answer(f"Noted as {number}."))


# The base class's contract


def test_what_has_no_room_any_more_is_kept_in_its_order_and_nothing_else_is(
    block: SeveranceMemoryBlock, innie: Session
) -> None:
    memory = small(block)
    fill(memory)
    gone = [str(message.content) for message in memory.get_all(status=MessageStatus.ARCHIVED)]
    assert kept(innie) == gone
    assert len(gone) >= 8
    assert {(m.thread, m.source, m.kind) for m in innie.memories()} == {
        ("llama-index/c1", "user", "message"),
        ("llama-index/c1", "assistant", "message"),
    }


@in_workers
def test_what_answers_comes_back_as_a_block_of_the_prompt(block: SeveranceMemoryBlock) -> None:
    fill(small(block))
    another = small(block, session_id="c2", limit=2_000)
    prompt = told(another, "Where is list 0?")
    assert "<remembered>\nWhat is remembered, oldest first:" in prompt
    assert "list 0 is in the blue folder, drawer 0" in prompt


def test_where_nothing_is_asked_or_remembered_there_is_no_block(block: SeveranceMemoryBlock) -> None:
    assert run(block.aget()) == ""
    assert run(block.aget([])) == ""
    assert run(block.aget([user(" ")])) == ""
    assert run(block.aget([user("Where is the list?")])) == ""
    assert small(block).get(input="Where is the list?") == []


def test_it_looks_for_the_last_messages_and_not_for_what_systems_and_tools_say(innie: Session) -> None:
    innie.remember("the goat is in the corridor")
    innie.remember("the list is in the folder")
    block = SeveranceMemoryBlock(session=innie, window=1, tokens=45)
    tool = ChatMessage(role="tool", content="goat goat goat")
    for asked, found, other in (("list", "folder", "corridor"), ("goat", "corridor", "folder")):
        before = user(f"the {other}?")
        told = run(block.aget([before, user(f"the {asked}?"), tool, ChatMessage(role="system", content=other)]))
        assert found in told
        assert other not in told


def test_of_the_roles_only_those_who_talk_are_kept(block: SeveranceMemoryBlock, innie: Session) -> None:
    picture = ChatMessage(role="user", blocks=[ImageBlock(image=b"x")])
    messages = [ChatMessage(role=role, content=f"said by {role.value}") for role in MessageRole]
    run(block.aput([*messages, picture, user(""), answer(" \n")]))
    assert kept(innie) == ["said by user", "said by assistant"]


def test_what_is_too_long_for_one_memory_is_kept_in_several(block: SeveranceMemoryBlock, innie: Session) -> None:
    long = " ".join(map(str, range(30_000)))
    run(block.aput([user(long)]))
    assert "".join(kept(innie)) == long


@in_workers
def test_at_the_end_of_a_conversation_the_rest_is_handed_over_once(block: SeveranceMemoryBlock, innie: Session) -> None:
    memory = Memory.from_defaults(session_id="c1", memory_blocks=[block])
    memory.put_messages([user("The list is blue."), answer("Noted.")])
    assert kept(innie) == []
    for _ in range(2):
        run(block.aput(memory.get_all(status=MessageStatus.ACTIVE), session_id=memory.session_id))
    assert kept(innie) == ["The list is blue.", "Noted."]


def test_a_block_that_does_not_accept_the_short_term_memory_is_only_read(innie: Session) -> None:
    innie.remember("list 0 is in the blue folder")
    memory = small(SeveranceMemoryBlock(session=innie, accept_short_term_memory=False), limit=200)
    fill(memory, 12)
    assert kept(innie) == ["list 0 is in the blue folder"]
    assert "blue folder" in told(memory, "Where is list 0?")


def test_a_block_of_less_priority_is_left_out_where_there_is_no_room(innie: Session) -> None:
    innie.remember("list 0 is in the blue folder " * 20)
    for priority, there in ((0, True), (1, False)):
        memory = small(SeveranceMemoryBlock(session=innie, priority=priority))
        assert ("remembered" in told(memory, "Where is list 0?")) is there


def test_it_stands_beside_other_blocks(block: SeveranceMemoryBlock, innie: Session) -> None:
    innie.remember("list 0 is in the blue folder")
    memory = small(StaticMemoryBlock(name="facts", static_content="The floor is severed."), block, limit=2_000)
    assert all(part in told(memory, "list 0?") for part in ("The floor is severed.", "blue folder"))


@pytest.mark.parametrize("wrong", [{"tokens": 15}, {"tokens": 1_000_001}, {"window": 0}, {"session": "mark"}, {}])
def test_a_block_that_cannot_be_is_refused(innie: Session, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SeveranceMemoryBlock(**({"session": innie} | wrong if wrong else {}))


@in_workers
def test_neither_session_nor_memories_are_in_what_is_shown_dumped_or_copied(
    block: SeveranceMemoryBlock, innie: Session
) -> None:
    fill(small(block))
    for shown in (repr(block), str(block.model_dump()), block.model_dump_json(), str(small(block).model_dump())):
        assert not re.search("innie|mark|blue folder|session=", shown)
    for copied in (pickle.dumps, copy.deepcopy, lambda one: one.model_copy(deep=True)):
        with pytest.raises(TypeError, match="cannot be copied"):
            copied(block)


# With agents


@in_workers
def test_an_agent_finds_in_a_new_conversation_what_was_said_in_another(block: SeveranceMemoryBlock) -> None:
    asked: list[str] = []

    def says(messages: Any, **_: Any) -> ChatMessage:
        asked.append("\n".join(str(message.content) for message in messages))
        return answer("In the blue folder.")

    async def talk(session_id: str, *messages: str) -> None:
        memory = small(block, session_id=session_id)
        for message in messages:
            agent = FunctionAgent(llm=MockFunctionCallingLLM(response_generator=says), tools=[], system_prompt="Help.")
            assert str(await agent.run(message, memory=memory)) == "In the blue folder."

    run(talk("c1", *(f"List {n} is in the blue folder, drawer {n}; see to it." for n in range(5))))
    asked.clear()
    run(talk("c2", "In which drawer is list 1?"))
    assert "List 1 is in the blue folder, drawer 1" in asked[0]


def test_so_does_a_chat_engine(block: SeveranceMemoryBlock) -> None:
    fill(small(block))
    model = MockLLMWithChatMemoryOfLastCall(is_chat_model=True)
    engine = SimpleChatEngine.from_defaults(llm=model, memory=small(block, session_id="c2", limit=2_000))
    engine.chat("Where is list 0?")
    assert "drawer 0" in "\n".join(str(message.content) for message in model.last_chat_messages or ())


def test_another_persona_finds_nothing(block: SeveranceMemoryBlock, outie: Session) -> None:
    fill(small(block))
    assert run(SeveranceMemoryBlock(session=outie).aget([user("Where is list 0?")], session_id="c1")) == ""
    assert kept(outie) == []


@in_workers
def test_conversations_at_once_keep_all(block: SeveranceMemoryBlock, innie: Session) -> None:
    async def all_at_once() -> None:
        await asyncio.gather(*(block.aput([user(f"list {n}")], session_id=f"c{n}") for n in range(16)))

    run(all_at_once())
    assert sorted((m.thread, m.text) for m in innie.memories()) == sorted(
        (f"llama-index/c{n}", f"list {n}") for n in range(16)
    )


@in_workers
def test_what_another_process_keeps_is_found_here(block: SeveranceMemoryBlock, folder: Path) -> None:
    run(block.aput([user("the file is open")], session_id="here"))
    printed = in_another_process(
        folder / "store",
        """
        import asyncio
        from llama_index.core.llms import ChatMessage
        from severance.integrations.llama_index import SeveranceMemoryBlock
        block = SeveranceMemoryBlock(session=session)
        asyncio.run(block.aput([ChatMessage(role="user", content="the file is shut")], session_id="there"))
        print(asyncio.run(block.aget([ChatMessage(role="user", content="the file?")])))
        """,
    )
    assert "the file is open" in printed
    assert "the file is shut" in run(block.aget([user("the file?")]))


# What does not go


@in_workers
def test_a_session_that_fell_asleep_says_so(block: SeveranceMemoryBlock, innie: Session) -> None:
    memory = small(block)
    innie.sleep()
    with pytest.raises(severance.AsleepError):
        fill(memory)
    with pytest.raises(severance.AsleepError):
        memory.get(input="Where is the list?")


# A thread is all that a field can choose, and a permit limits it


def test_with_one_thread_nothing_else_is_read_or_written(innie: Session) -> None:
    innie.remember("list 9 is in the red folder", thread="tuesday")
    block = SeveranceMemoryBlock(session=innie, thread="monday")
    run(block.aput([user("list 8 is in the blue folder")], session_id="tuesday"))
    assert [m.thread for m in innie.memories() if "list 8" in m.text] == ["monday"]
    found = run(block.aget([user("Where is the list?")], session_id="tuesday"))
    assert "list 8" in found
    assert "list 9" not in found


@pytest.mark.parametrize("name", ["outie", "mark/outie", "../home", "mark=outie", "*", "%"])
def test_no_session_id_reaches_another_persona_or_another_thread(
    block: SeveranceMemoryBlock, innie: Session, outie: Session, name: str
) -> None:
    outie.remember("dinner with Devon", thread=name)
    run(block.aput([user("the list")], session_id=name))
    assert [memory.thread for memory in innie.memories()] == [f"llama-index/{name}"]
    assert "Devon" not in run(block.aget([user("dinner with whom?")], session_id=name))
    assert kept(outie) == ["dinner with Devon"]


def test_a_permit_for_one_thread_reaches_no_other(house: House, innie: Session) -> None:
    innie.remember("list 9 is in the red folder", thread="tuesday")
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=["monday"])) as less:
        limited = SeveranceMemoryBlock(session=less, thread="monday")
        run(limited.aput([user("list 8 is in the blue folder")], session_id="tuesday"))
        assert "list 9" not in run(limited.aget([user("Where is the list?")]))
        for thread in (None, "tuesday"):
            wider = SeveranceMemoryBlock(session=less, thread=thread)
            with pytest.raises(severance.PermitError):
                run(wider.aget([user("Where is the list?")]))
            with pytest.raises(severance.PermitError):
                run(wider.aput([user("list 7")], session_id="tuesday"))
    assert len(kept(innie)) == 2
