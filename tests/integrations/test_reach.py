"""What a model or a request may write into the fields of a framework reaches no other persona, and no other thread than
those that a weakened permit leaves.

Each adapter whose framework is here is given hostile words in every field that it has, and all that it returns, or says
in an error, is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import severance
from integrations.planted import PLANTED, Plant
from kit import UNKNOWN_ID
from kit.frameworks import ADAPTERS, installed, missing

if TYPE_CHECKING:
    from severance import House, Memory, Session

SECRET = "Devon cooks a dinner of goat, seven to three one nine"
ASKED = "what does Devon cook for dinner?"
RIGHTS = ["recall", "remember", "amend", "forget"]
Attack = Callable[["Session", str], Iterator[Callable[[], Any]]]
"""Calls with this word in every field of an adapter; each returns what is seen."""


def _google_adk(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.google_adk")
    entry: Any = import_module("google.adk.memory.memory_entry")
    events: Any = import_module("google.adk.events.event")
    types: Any = import_module("google.genai").types
    said = types.Content(parts=[types.Part(text=word or "-")])
    for service in (adapter.SeveranceMemoryService(session), adapter.SeveranceMemoryService(session, whole=True)):
        for who in ({"app_name": word, "user_id": word}, {"app_name": "app", "user_id": "user"}):
            event = events.Event(author="user", content=said)
            memory = entry.MemoryEntry(content=said, author=word, id=word)
            for work in (
                lambda who=who, service=service: service.search_memory(query=ASKED, **who),
                lambda who=who, service=service: service.search_memory(query=word, **who),
                lambda who=who, service=service, event=event: service.add_events_to_memory(
                    events=[event], session_id=word, custom_metadata={word: word}, **who
                ),
                lambda who=who, service=service, memory=memory: service.add_memory(memories=[memory], **who),
                lambda who=who, service=service: service.delete_memory(memory_id=word, **who),
            ):
                yield lambda work=work: asyncio.run(work())


def _llama_index(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.llama_index")
    message: Any = import_module("llama_index.core.llms").ChatMessage
    block = adapter.SeveranceMemoryBlock(session=session)
    for text in (ASKED, word):
        said = message(role="user", content=text, additional_kwargs={"session_id": word, "thread": word})
        yield lambda said=said: asyncio.run(block.aget([said], session_id=word, thread=word, persona=word, where=word))
        yield lambda said=said: asyncio.run(block.aput([said], session_id=word))


def _crewai(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.crewai")
    record: Any = import_module("crewai.memory.types").MemoryRecord
    storage = adapter.SeveranceStorage(session)
    asked = storage.embed([ASKED])[0]
    mine = record(id=word, content=word or "-", scope=word, categories=[word], source=word, metadata={word: word})
    yield lambda: storage.search(asked)
    yield lambda: storage.search(storage.embed([word])[0])
    yield lambda: storage.search(asked, scope_prefix=word)
    yield lambda: storage.search(asked, categories=[word])
    yield lambda: storage.search(asked, metadata_filter={word: word})
    yield lambda: storage.get_record(word)
    yield lambda: storage.update(mine)
    yield lambda: storage.save([mine])
    yield lambda: storage.list_records(word)
    yield lambda: (storage.list_scopes(word), storage.list_categories(word), storage.get_scope_info(word))
    yield lambda: storage.delete(record_ids=[word])
    yield lambda: storage.delete(scope_prefix=word)
    yield storage.reset


def _langgraph(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.langgraph")
    store = adapter.SeveranceStore(session)
    for namespace in ((word,), ("a", word)):
        yield lambda namespace=namespace: store.put(namespace, word, {word: word, "text": word})
        yield lambda namespace=namespace: store.get(namespace, word)
        yield lambda namespace=namespace: store.search(namespace, query=ASKED)
        yield lambda namespace=namespace: store.search(namespace, filter={word: word})
        yield lambda namespace=namespace: store.delete(namespace, word)
    yield lambda: store.search((), query=ASKED)
    yield lambda: store.search(())
    yield lambda: store.list_namespaces(prefix=(word,), suffix=(word,))
    message = SimpleNamespace(id=word, type="human", text=word)
    yield lambda: adapter.capturing(session, thread=word or "-")({"messages": [message]})


def _openai_agents(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.openai_agents")

    def conversation() -> Any:
        return adapter.SeveranceSession(word, session)

    item = {"role": word, "content": word, "id": word, "turn": word, "value": word}
    yield lambda: asyncio.run(conversation().get_items())
    yield lambda: asyncio.run(conversation().add_items([item]))
    yield lambda: asyncio.run(conversation().pop_item())
    yield lambda: asyncio.run(conversation().clear_session())
    yield from _tools(session, word)


def _anthropic_memory(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.anthropic_memory")
    tool = adapter.SeveranceMemoryTool(session)
    for path in (word, f"/memories/{word}", f"/memories/../{word}", "/memories"):
        for command in (
            {"command": "view", "path": path},
            {"command": "create", "path": path, "file_text": word},
            {"command": "str_replace", "path": path, "old_str": word, "new_str": "-"},
            {"command": "insert", "path": path, "insert_line": 0, "insert_text": word},
            {"command": "rename", "old_path": path, "new_path": "/memories/mine"},
            {"command": "rename", "old_path": "/memories/mine", "new_path": path},
            {"command": "delete", "path": path},
        ):
            yield lambda command=command: tool.call(command)
    yield tool.clear_all_memory


def _pydantic_ai(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    adapter: Any = import_module("severance.integrations.pydantic_ai")
    messages: Any = import_module("pydantic_ai.messages")
    agent = adapter.Remembering(session)
    for text in (ASKED, word):
        request = SimpleNamespace(messages=[messages.ModelRequest([messages.UserPromptPart(text)])])
        run = SimpleNamespace(prompt=text)
        yield lambda run=run, request=request: asyncio.run(agent.before_model_request(run, request)).messages
    yield lambda: asyncio.run(agent.after_run(SimpleNamespace(prompt="-"), result=SimpleNamespace(output=word)))
    yield from _tools(session, word)


def _tools(session: Session, word: str) -> Iterator[Callable[[], Any]]:
    made = import_module("severance.integrations.tools").Tools(session)
    yield lambda: made.recall(ASKED)
    yield lambda: made.recall(word)
    yield lambda: made.remember(word)
    yield lambda: made.amend(word, "mine now")


ATTACKS: dict[str, Attack] = {
    "anthropic_memory": _anthropic_memory,
    "crewai": _crewai,
    "google_adk": _google_adk,
    "langgraph": _langgraph,
    "llama_index": _llama_index,
    "openai_agents": _openai_agents,
    "pydantic_ai": _pydantic_ai,
}
adapters = pytest.mark.parametrize("adapter", ATTACKS)


@pytest.fixture(autouse=True)
def _with_its_framework(request: pytest.FixtureRequest) -> None:
    adapter = request.node.callspec.params["adapter"] if hasattr(request.node, "callspec") else None
    if adapter is not None and not installed(adapter):
        pytest.skip(missing(adapter))


def words(secret: Memory) -> list[str]:
    """What somebody would write who knows of the secret all but its text."""
    names = ["outie", "mark", "mark/outie", "mark=outie", "home", "helly", "tuesday", "llama-index/tuesday", secret.id]
    tricks = [
        "",
        "*",
        "%",
        "%%",
        "..",
        "../tuesday",
        "%2e%2e/tuesday",
        "/",
        "//",
        "'; --",
        '"] "',
        "\0",
        "\ud800",
        "{}",
    ]
    return [*names, *tricks, UNKNOWN_ID, secret.id.upper(), f" {secret.id}", "tuesday\n", "x" * 70_000]


def seen(attack: Attack, session: Session, word: str) -> str:
    """Everything that came back, errors with what they are from, and warnings of frameworks apart."""
    return "\n".join(map(_told, attack(session, word)))


def _told(call: Callable[[], Any]) -> str:
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 - an attacker reads any
        return f"{error!r} {error.__cause__!r}"


def whole(session: Session) -> list[tuple[Any, ...]]:
    return [(memory, tuple(session.history(memory.id))) for memory in session.memories()]


def test_every_adapter_is_attacked_and_has_faults_planted() -> None:
    assert ATTACKS.keys() == ADAPTERS.keys() == PLANTED.keys()
    assert all(PLANTED.values())


@adapters
def test_no_word_reaches_another_persona(adapter: str, innie: Session, outie: Session) -> None:
    secret = outie.remember(SECRET, thread="tuesday", source="helly")
    before = whole(outie)
    for word in words(secret):
        assert "goat" not in seen(ATTACKS[adapter], innie, word), word
    assert whole(outie) == before


@adapters
def test_no_word_reaches_a_thread_that_a_permit_does_not_leave(adapter: str, house: House, innie: Session) -> None:
    secret = innie.remember(SECRET, thread="tuesday", source="helly")
    permit = house.permit("mark", "floor", rights=RIGHTS, until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=["monday"])) as less:
        for word in words(secret):
            assert "goat" not in seen(ATTACKS[adapter], less, word), word
    assert [each for each in whole(innie) if each[0].id == secret.id] == [(secret, (secret,))]


@adapters
def test_what_two_sessions_do_side_by_side_stays_apart(adapter: str, innie: Session, outie: Session) -> None:
    """Adapters of both are made in turns, with the same names, and only one's are used."""
    for word in ("tuesday", "outie"):
        _plant(adapter, outie, word)
        before, attack = whole(outie), ATTACKS[adapter]
        told = [_told(call) for call, _ in zip(attack(innie, word), attack(outie, word), strict=True)]
        assert "goat" not in "\n".join(told)
        assert whole(outie) == before
    assert told


def _reaches_nobody(adapter: str, innie: Session, outie: Session) -> None:
    test_what_two_sessions_do_side_by_side_stays_apart(adapter, innie, outie)
    test_no_word_reaches_another_persona(adapter, innie, outie)


@pytest.mark.parametrize(("adapter", "plant"), [(name, plant) for name, all_ in PLANTED.items() for plant in all_])
def test_a_planted_fault_is_found(
    adapter: str, plant: Plant, innie: Session, outie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        plant(patch, outie)
        with pytest.raises(AssertionError):
            _reaches_nobody(adapter, innie, outie)


@adapters
def test_an_attack_sees_what_it_may(adapter: str, innie: Session) -> None:
    """The control: with all of a persona's rights and in the right place, the secret is there to be seen."""
    word = {"anthropic_memory": "tuesday", "langgraph": "tuesday", "openai_agents": "tuesday"}.get(adapter, "-")
    _plant(adapter, innie, word)
    assert "goat" in seen(ATTACKS[adapter], innie, word)


def _plant(adapter: str, session: Session, word: str) -> None:
    """The secret, as the adapter itself would have kept it where only it finds its own."""
    made: Any = import_module(f"severance.integrations.{adapter}")
    if adapter == "anthropic_memory":
        made.Files(session).create(f"/memories/{word}", SECRET)
    elif adapter == "langgraph":
        made.SeveranceStore(session).put(("a", word), "list", {"text": SECRET})
    elif adapter == "openai_agents":
        asyncio.run(made.SeveranceSession(word, session).add_items([{"role": "user", "content": SECRET}]))
    else:
        session.remember(SECRET, thread=word)
