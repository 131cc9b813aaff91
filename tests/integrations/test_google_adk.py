"""ADK's real runner, sessions, tools and plugins with a scripted model, over a real persona."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import severance
from kit import UNKNOWN_ID
from kit.elsewhere import in_another_process
from kit.frameworks import framework, in_workers

with framework("google_adk"):
    from google.adk.agents import LlmAgent
    from google.adk.apps import App
    from google.adk.events.event import Event
    from google.adk.memory import BaseMemoryService, InMemoryMemoryService
    from google.adk.memory.memory_entry import MemoryEntry
    from google.adk.models.base_llm import BaseLlm
    from google.adk.models.llm_response import LlmResponse
    from google.adk.runners import Runner
    from google.adk.sessions import InMemorySessionService
    from google.adk.sessions.session import Session as Conversation
    from google.adk.tools import load_memory, preload_memory
    from google.adk.tools.agent_tool import AgentTool
    from google.genai import types
    from pydantic import Field

    from severance.integrations.google_adk import SeveranceMemoryService, SeverancePlugin, thread_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine
    from pathlib import Path

    from severance import House, Session

ME = {"app_name": "floor", "user_id": "mark"}
ANOTHER = {"app_name": "floor", "user_id": "helly"}


class Scripted(BaseLlm):
    """A model that says what it was given to say, and keeps what it was asked."""

    model: str = "scripted"
    answers: list[Any] = Field(default_factory=list)
    asked: list[str] = Field(default_factory=list)

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> AsyncIterator[LlmResponse]:
        self.asked.append(llm_request.model_dump_json(exclude={"tools_dict"}))
        answer = self.answers.pop(0)
        part = types.Part(text=answer) if isinstance(answer, str) else answer
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


def calls(name: str, **arguments: Any) -> Any:
    return types.Part(function_call=types.FunctionCall(name=name, args=arguments))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def said(text: str, author: str = "user", **fields: Any) -> Event:
    role = "user" if author == "user" else "model"
    return Event(author=author, content=types.Content(role=role, parts=[types.Part(text=text)]), **fields)


def conversation(*events: Event, number: str = "1") -> Conversation:
    return Conversation(id=number, events=list(events), **ME)


def texts(found: Any) -> list[str]:
    return [entry.content.parts[0].text for entry in found.memories]


def search(service: BaseMemoryService, query: str, **who: str) -> list[str]:
    return texts(run(service.search_memory(query=query, **(who or ME))))


def kept(session: Session) -> list[str]:
    return [memory.text for memory in session.memories()]


@pytest.fixture
def service(innie: Session) -> SeveranceMemoryService:
    return SeveranceMemoryService(innie)


async def talk(service: BaseMemoryService, agent: LlmAgent, *messages: str, plugin: bool = True) -> list[str]:
    """One conversation with an agent of the real runner; returns what it answered."""
    plugins = [SeverancePlugin(service)] if plugin else []
    app = App(name="floor", root_agent=agent, plugins=plugins)
    sessions = InMemorySessionService()
    runner = Runner(app=app, session_service=sessions, memory_service=service)
    begun = await sessions.create_session(**ME)
    heard = []
    for message in messages:
        content = types.Content(role="user", parts=[types.Part(text=message)])
        async for event in runner.run_async(user_id="mark", session_id=begun.id, new_message=content):
            heard += [part.text for part in event.content.parts if part.text] if event.content else []
    await runner.close()
    return heard


# The base class's contract


def test_it_has_every_method_of_the_base_class_with_its_signature() -> None:
    public = {name for name, _ in inspect.getmembers(BaseMemoryService, inspect.isfunction) if name[0] != "_"}
    assert len(public) >= 5
    for name in public:
        ours, theirs = (getattr(each, name) for each in (SeveranceMemoryService, BaseMemoryService))
        assert ours is not theirs, f"{name} is the one that only raises"
        assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


@pytest.fixture(params=["theirs", "ours"])
def either(request: pytest.FixtureRequest, service: SeveranceMemoryService) -> BaseMemoryService:
    """What ADK's own service does, ours does."""
    return service if request.param == "ours" else InMemoryMemoryService()


def test_a_conversation_is_found_by_who_had_it_and_by_nobody_else(either: BaseMemoryService) -> None:
    run(either.add_session_to_memory(conversation(said("the file is at 96 percent"))))
    assert search(either, "file") == ["the file is at 96 percent"]
    assert search(either, "file", **ANOTHER) == []
    assert search(either, "file", app_name="home", user_id="mark") == []


@in_workers
def test_a_conversation_may_be_added_again_and_what_is_new_comes_in(either: BaseMemoryService) -> None:
    first, second = said("the file is at 96 percent"), said("the file is done", author="helper")
    run(either.add_session_to_memory(conversation(first)))
    run(either.add_session_to_memory(conversation(first, second)))
    assert sorted(search(either, "file")) == ["the file is at 96 percent", "the file is done"]


def test_events_are_added_beside_those_that_are_there(either: BaseMemoryService) -> None:
    first, second = said("the file is open"), said("the file is shut")
    run(either.add_events_to_memory(events=[first], session_id="1", **ME))
    run(either.add_events_to_memory(events=[first, second], session_id="1", **ME))
    run(either.add_events_to_memory(events=[said("the file is gone")], **ME))
    assert sorted(search(either, "file")) == ["the file is gone", "the file is open", "the file is shut"]


def test_an_entry_says_who_said_it_and_when(either: BaseMemoryService) -> None:
    run(either.add_session_to_memory(conversation(said("the file is done", author="helper", timestamp=86_400.0))))
    (entry,) = run(either.search_memory(query="file", **ME)).memories
    assert (entry.author, entry.content.role, entry.timestamp[:10]) == ("helper", "model", "1970-01-02")


@in_workers
def test_what_is_deleted_is_gone_and_does_not_come_back_with_its_conversation(either: BaseMemoryService) -> None:
    talked = conversation(said("the file is open"), said("the file is shut"))
    run(either.add_session_to_memory(talked))
    (entry,) = (e for e in run(either.search_memory(query="file", **ME)).memories if "open" in e.content.parts[0].text)
    run(either.delete_memory(memory_id=entry.id, **ME))
    run(either.add_session_to_memory(talked))
    assert search(either, "file") == ["the file is shut"]


def test_without_an_id_nothing_is_deleted(either: BaseMemoryService) -> None:
    run(either.add_session_to_memory(conversation(said("the file is open"))))
    run(either.delete_memory(**ME))
    assert search(either, "file") == ["the file is open"]


@pytest.mark.parametrize("query", ["", "  ", "\u200b"])
def test_an_empty_query_finds_nothing(either: BaseMemoryService, query: str) -> None:
    run(either.add_session_to_memory(conversation(said("the file is open"))))
    assert search(either, query) == []


def test_events_without_text_are_left_out(service: SeveranceMemoryService, innie: Session) -> None:
    thought = types.Part(text="they suspect nothing", thought=True)
    silent = [calls("load_memory", query="x"), types.Part(inline_data=types.Blob(data=b"x", mime_type="image/png"))]
    events = [Event(author="helper", content=types.Content(parts=[part])) for part in (thought, *silent)]
    stream = said("half a sen", author="helper", partial=True)
    run(service.add_session_to_memory(conversation(*events, stream, Event(author="helper"), said(" "))))
    assert kept(innie) == []


def test_an_answer_that_is_too_long_for_one_memory_is_kept_in_several(
    service: SeveranceMemoryService, innie: Session
) -> None:
    long = " ".join(map(str, range(30_000)))
    talked = conversation(said(long))
    run(service.add_session_to_memory(talked))
    run(service.add_session_to_memory(talked))
    assert "".join(kept(innie)) == long
    assert all(memory.repeats == 1 for memory in innie.memories())


def test_memories_can_be_added_as_they_are(service: SeveranceMemoryService, innie: Session) -> None:
    content = types.Content(parts=[types.Part(text="Helly keeps the list.")])
    entry = MemoryEntry(content=content, author="Irving", timestamp="2024-05-31T18:00:00", custom_metadata={"n": 1})
    run(service.add_memory(memories=[entry], custom_metadata={"n": 0, "floor": "severed"}, **ME))
    (memory,) = innie.memories()
    assert (memory.source, f"{memory.at:%Y-%m-%d}", dict(memory.metadata)) == (
        "Irving",
        "2024-05-31",
        {"n": 1, "floor": "severed"},
    )
    (found,) = run(service.search_memory(query="list", **ME)).memories
    assert (found.id, found.custom_metadata) == (memory.id, {"n": 1, "floor": "severed"})


def test_ids_of_adk_are_not_shown_as_metadata(service: SeveranceMemoryService) -> None:
    run(service.add_events_to_memory(events=[said("the file")], session_id="1", custom_metadata={"a": 1}, **ME))
    (found,) = run(service.search_memory(query="file", **ME)).memories
    assert found.custom_metadata == {"a": 1}


def test_a_search_keeps_to_its_tokens_and_tells_the_best_first(innie: Session) -> None:
    service = SeveranceMemoryService(innie, tokens=100)
    run(service.add_session_to_memory(conversation(*(said(f"file {n} " + "of the floor " * 9) for n in range(40)))))
    assert 1 <= len(search(service, "file 7")) <= 4
    assert search(service, "file 7")[0].startswith("file 7 ")


def test_with_whole_it_searches_what_came_from_elsewhere_too(innie: Session) -> None:
    elsewhere = innie.remember("Helly keeps the list in the blue folder.")
    service = SeveranceMemoryService(innie, whole=True)
    assert search(service, "list") == [elsewhere.text]
    assert search(SeveranceMemoryService(innie), "list") == []
    run(service.delete_memory(memory_id=elsewhere.id, **ME))
    assert kept(innie) == []


# With the runner


@in_workers
def test_a_run_is_kept_at_its_end_and_found_in_the_next_conversation(
    service: SeveranceMemoryService, innie: Session
) -> None:
    first = LlmAgent(name="helper", model=Scripted(answers=["Noted.", "It is."]))
    assert run(talk(service, first, "The list is in the blue folder.", "Is that so?")) == ["Noted.", "It is."]
    assert [(memory.source, memory.text) for memory in innie.memories()] == [
        ("user", "The list is in the blue folder."),
        ("helper", "Noted."),
        ("user", "Is that so?"),
        ("helper", "It is."),
    ]
    assert {memory.thread for memory in innie.memories()} == {thread_of(**ME)}
    assert all(memory.repeats == 1 for memory in innie.memories()), "a run adds what is new in it"
    model = Scripted(answers=["In the blue folder."])
    run(talk(service, LlmAgent(name="helper", model=model, tools=[preload_memory]), "Where is the list?"))
    assert "The list is in the blue folder." in model.asked[0]


def test_the_model_finds_by_the_tool_of_adk(service: SeveranceMemoryService, innie: Session) -> None:
    run(service.add_session_to_memory(conversation(said("The list is in the blue folder."))))
    model = Scripted(answers=[calls("load_memory", query="list"), "In the blue folder."])
    run(talk(service, LlmAgent(name="helper", model=model, tools=[load_memory]), "Where?"))
    assert "blue folder" not in model.asked[0]
    assert "The list is in the blue folder." in model.asked[1]
    assert len(kept(innie)) == 3, "the call of a tool and its answer are not what was said"


def test_an_agent_that_is_a_tool_is_kept_in_the_same_thread(service: SeveranceMemoryService, innie: Session) -> None:
    inner = LlmAgent(name="clerk", model=Scripted(answers=["Blue."]))
    outer = Scripted(answers=[calls("clerk", request="Which folder?"), "The blue one."])
    run(talk(service, LlmAgent(name="helper", model=outer, tools=[AgentTool(inner)]), "Where?"))
    assert {"Blue.", "The blue one."} <= set(kept(innie))
    assert {memory.thread for memory in innie.memories()} == {thread_of(**ME)}


def test_another_persona_finds_nothing(service: SeveranceMemoryService, outie: Session) -> None:
    run(talk(service, LlmAgent(name="helper", model=Scripted(answers=["Noted."])), "The list is blue."))
    assert search(SeveranceMemoryService(outie, whole=True), "list") == []
    assert kept(outie) == []


@in_workers
def test_two_conversations_at_once_keep_all(service: SeveranceMemoryService, innie: Session) -> None:
    async def both() -> None:
        agents = [LlmAgent(name=f"a{n}", model=Scripted(answers=[f"A {n}."])) for n in range(8)]
        await asyncio.gather(*(talk(service, agent, f"Q {n}?") for n, agent in enumerate(agents)))

    run(both())
    assert sorted(kept(innie)) == sorted(f"{said[0]} {n}{said[1]}" for n in range(8) for said in ("A.", "Q?"))


@in_workers
def test_what_another_process_keeps_is_found_here(service: SeveranceMemoryService, folder: Path) -> None:
    run(service.add_session_to_memory(conversation(said("the file is open"), number="here")))
    printed = in_another_process(
        folder / "store",
        """
        import asyncio
        from google.adk.events.event import Event
        from google.genai import types
        from severance.integrations.google_adk import SeveranceMemoryService
        service = SeveranceMemoryService(session)
        event = Event(author="user", content=types.Content(parts=[types.Part(text="the file is shut")]))
        who = dict(app_name="floor", user_id="mark")
        asyncio.run(service.add_events_to_memory(events=[event], session_id="there", **who))
        print(len(asyncio.run(service.search_memory(query="file", **who)).memories))
        """,
    )
    assert printed.split() == ["2"]
    assert sorted(search(service, "file")) == ["the file is open", "the file is shut"]


# What does not go


@in_workers
def test_a_session_that_fell_asleep_ends_the_run_and_says_so(service: SeveranceMemoryService, innie: Session) -> None:
    innie.sleep()
    with pytest.raises(severance.AsleepError):
        search(service, "file")
    with pytest.raises(severance.AsleepError):
        run(service.add_session_to_memory(conversation(said("the file"))))
    agent = LlmAgent(name="helper", model=Scripted(answers=["Noted."]))
    with pytest.raises(RuntimeError, match="session has ended") as problem:
        run(talk(service, agent, "The list is blue."))
    assert isinstance(problem.value.__cause__, severance.AsleepError)


def test_metadata_that_is_none_is_refused_and_nothing_is_kept(service: SeveranceMemoryService, innie: Session) -> None:
    with pytest.raises(severance.InputError, match="metadata"):
        run(service.add_events_to_memory(events=[said("a"), said("b")], custom_metadata={"a": []}, **ME))
    assert kept(innie) == []


@pytest.mark.parametrize("tokens", [0, 15, 1_000_001, "many"])
def test_a_number_of_tokens_that_is_none_is_refused(innie: Session, tokens: Any) -> None:
    with pytest.raises(severance.InputError, match="tokens"):
        SeveranceMemoryService(innie, tokens=tokens)


# Names of apps and users reach nothing but their thread


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a/b", "c"), ("a", "b/c")),
        (("a", "%2F"), ("a", "/")),
        (("", "a"), ("a", "")),
        (("a", "b"), ("a", "B")),
        (("a", "b"), ("a", "b ")),
        (("a", "*"), ("a", "b")),
    ],
)
def test_no_two_pairs_of_names_have_a_thread_in_common(
    service: SeveranceMemoryService, one: tuple[str, str], other: tuple[str, str]
) -> None:
    first, second = ({"app_name": app, "user_id": user} for app, user in (one, other))
    run(service.add_events_to_memory(events=[said("the file of one")], **first))
    assert search(service, "file", **first) == ["the file of one"]
    assert search(service, "file", **second) == []


@pytest.mark.parametrize("name", ["outie", "mark/outie", "../home", "home", "mark=outie"])
def test_no_name_reaches_another_persona(service: SeveranceMemoryService, outie: Session, name: str) -> None:
    outie.remember("dinner with Devon", thread=thread_of(name, name))
    assert search(service, "dinner", app_name=name, user_id=name) == []


@in_workers
def test_a_memory_of_another_user_or_persona_is_as_unknown_as_none(
    service: SeveranceMemoryService, innie: Session, outie: Session
) -> None:
    run(service.add_events_to_memory(events=[said("hers")], **ANOTHER))
    (hers,) = innie.memories()
    asked = [hers.id, outie.remember("dinner").id, innie.remember("elsewhere").id, UNKNOWN_ID, "x", "*"]
    told = set()
    for unknown in asked:
        with pytest.raises(severance.NotFoundError) as problem:
            run(service.delete_memory(memory_id=unknown, **ME))
        told.add(str(problem.value))
    assert len(told) == 1
    assert len(kept(innie)) == 2
    assert kept(outie) == ["dinner"]


def test_a_permit_for_one_user_reaches_no_other(house: House, service: SeveranceMemoryService) -> None:
    run(service.add_events_to_memory(events=[said("the file of mine")], **ME))
    run(service.add_events_to_memory(events=[said("the file of hers")], **ANOTHER))
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=[thread_of(**ME)])) as less:
        limited = SeveranceMemoryService(less)
        assert search(limited, "file") == ["the file of mine"]
        run(limited.add_events_to_memory(events=[said("the file of mine is shut")], **ME))
        for reach in (
            lambda: search(limited, "file", **ANOTHER),
            lambda: search(SeveranceMemoryService(less, whole=True), "file"),
        ):
            with pytest.raises(severance.PermitError):
                reach()
        with pytest.raises(severance.PermitError):
            run(limited.add_events_to_memory(events=[said("theirs")], **ANOTHER))
    assert len(search(service, "file")) == 2


def test_for_whoever_may_only_write_a_run_adds_what_is_new_in_it(house: House, innie: Session) -> None:
    with house.admit(house.permit("mark", "floor", rights=["remember"], until="2100-01-01")) as writer:
        agent = LlmAgent(name="helper", model=Scripted(answers=["Noted.", "It is."]))
        run(talk(SeveranceMemoryService(writer), agent, "The list is blue.", "Is that so?"))
    assert [memory.repeats for memory in innie.memories()] == [1, 1, 1, 1]


def test_whoever_may_only_write_adds_a_conversation_again_without_keeping_it_twice(
    house: House, innie: Session
) -> None:
    permit = house.permit("mark", "floor", rights=["remember"], until="2100-01-01")
    with house.admit(permit) as writer:
        service = SeveranceMemoryService(writer)
        talked = conversation(said("the file"), said("the list"))
        run(service.add_session_to_memory(talked))
        run(service.add_session_to_memory(talked))
        with pytest.raises(severance.PermitError):
            search(service, "file")
    assert kept(innie) == ["the file", "the list"]
