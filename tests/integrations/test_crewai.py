"""CrewAI's real memory and crews with a scripted model, over a real persona."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import severance
from kit import UNKNOWN_ID
from kit.elsewhere import in_another_process
from kit.frameworks import framework, in_workers
from severance.drafts import metadata_of

os.environ |= {  # as CrewAI documents; tests/integrations/conftest.py sees that they are enough
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "OTEL_SDK_DISABLED": "true",
}

with framework("crewai"):
    from crewai import Agent, BaseLLM, Crew, Task
    from crewai.memory.storage.backend import StorageBackend
    from crewai.memory.types import MemoryRecord
    from crewai.memory.unified_memory import Memory

    from severance.integrations.crewai import SeveranceStorage, memory_of

if TYPE_CHECKING:
    from pathlib import Path

    from severance import House, Session

RIGHTS = ["recall", "remember", "amend"]


class Scripted(BaseLLM):
    """A model that answers by the first rule whose word is in what it is asked, and keeps what it was asked."""

    def __init__(self, *rules: tuple[str, str]) -> None:
        super().__init__(model="scripted", provider="scripted")
        self._rules = rules
        self._asked: list[str] = []

    @property
    def asked(self) -> list[str]:
        return self._asked

    def call(self, messages: Any, *_: Any, **__: Any) -> str:
        said = messages if isinstance(messages, str) else "\n".join(str(one["content"]) for one in messages)
        self._asked.append(said)
        return next((answer for word, answer in self._rules if word in said), "Thought: I know.\nFinal Answer: done")

    def supports_function_calling(self) -> bool:
        return False


ANALYSIS = ("scope", json.dumps({"suggested_scope": "/files", "categories": ["files"], "importance": 0.7}))


def record(content: str, **fields: Any) -> MemoryRecord:
    return MemoryRecord(content=content, **fields)


def kept(session: Session) -> list[str]:
    return [memory.text for memory in session.memories()]


@pytest.fixture
def storage(innie: Session) -> SeveranceStorage:
    return SeveranceStorage(innie)


@pytest.fixture
def memory(innie: Session) -> Memory:
    made = memory_of(innie, Scripted(ANALYSIS))
    yield made
    made.close()


def search(storage: SeveranceStorage, query: str, **asked: Any) -> list[str]:
    return [found.content for found, _ in storage.search(storage.embed([query])[0], **asked)]


def remember(memory: Memory, text: str, **fields: Any) -> MemoryRecord:
    return memory.remember(text, **({"scope": "/", "categories": [], "importance": 0.5} | fields))


# The protocol's contract


def test_it_is_a_storage_backend_with_the_signatures_of_the_protocol(storage: SeveranceStorage) -> None:
    assert isinstance(storage, StorageBackend)
    public = {name for name, _ in inspect.getmembers(StorageBackend, inspect.isfunction) if name[0] != "_"}
    assert len(public) >= 14
    for name in public:
        ours, theirs = (inspect.signature(getattr(each, name)) for each in (SeveranceStorage, StorageBackend))
        assert [(p.name, p.default) for p in ours.parameters.values()] == [
            (p.name, p.default) for p in theirs.parameters.values()
        ]


@in_workers
def test_a_record_comes_back_as_it_was(storage: SeveranceStorage) -> None:
    given = record(
        "the file is at 96 percent",
        scope="/crew/floor",
        categories=["files", "progress"],
        metadata={"n": 1, "people": ["Helly", {"role": "refiner"}]},
        importance=0.9,
        created_at=datetime(2024, 5, 31, 18),
        source="helly",
        private=True,
    )
    storage.save([given])
    found = storage.get_record(given.id)
    assert found is not None
    assert found.model_dump(exclude={"last_accessed"}) == given.model_dump(exclude={"last_accessed"})
    ((same, score),) = storage.search(storage.embed(["the file is at 96 percent"])[0])
    assert same == found
    assert score == pytest.approx(1, abs=1e-3)


@in_workers
def test_a_scope_holds_what_is_in_it_and_below_and_not_what_only_begins_alike(storage: SeveranceStorage) -> None:
    storage.save(
        [record(f"file of {scope}", scope=scope) for scope in ("/", "/crew", "/crew/a", "/crew/a/b", "/crew2")]
    )
    for scope, expected in {
        None: 5,
        "/": 5,
        "/crew": 3,
        "crew//a/": 2,
        "/crew/a/b": 1,
        "/crew/%": 0,
        "/cre": 0,
        "/crew' OR '1'='1": 0,
        "/crew/../crew2": 0,
    }.items():
        assert len(search(storage, "file", scope_prefix=scope)) == expected, scope
        assert storage.count(scope) == expected
        assert len(storage.list_records(scope)) == expected
        assert storage.get_scope_info(scope or "/").record_count == expected
    assert storage.list_scopes() == ["/", "/crew", "/crew2"]
    assert storage.list_scopes("/crew/") == ["/crew", "/crew/a"]
    assert storage.list_scopes("/crew/a/b") == ["/crew/a/b"]
    assert storage.list_scopes("/cre") == []
    assert storage.get_scope_info("/crew").child_scopes == ["/crew/a"]


def test_searches_are_narrowed_by_category_metadata_score_and_limit(storage: SeveranceStorage) -> None:
    storage.save([record(f"file {n}", categories=[f"c{n % 2}"], metadata={"n": n}) for n in range(6)])
    assert sorted(search(storage, "file", categories=["c1", "c9"])) == ["file 1", "file 3", "file 5"]
    for n in range(6):
        assert search(storage, "file", metadata_filter={"n": n}, limit=1) == [f"file {n}"]
    assert len(search(storage, "file", limit=2)) == 2
    assert search(storage, "file", limit=0) == []
    assert search(storage, "file", min_score=1.01) == []
    assert storage.list_categories() == {"c0": 3, "c1": 3}


def test_scores_are_cosines_and_never_rise(storage: SeveranceStorage) -> None:
    storage.save(
        [record(text) for text in ("the goat is in the corridor", "a list of files", "the files are listed", "x")]
    )
    found = storage.search(storage.embed(["where is the list of the files?"])[0])
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert scores[0] > 0.4
    storage.reset()
    storage.save([record("the goat is in the corridor")])
    ((_, least),) = storage.search(storage.embed(["where is the list of the files?"])[0])
    assert least == 0, "it is less than nothing"


def test_the_newest_records_are_listed_first_and_by_pages(storage: SeveranceStorage) -> None:
    day = datetime(2024, 5, 1)
    storage.save([record(f"file {n}", created_at=day + timedelta(days=n)) for n in (2, 0, 3, 1)])
    assert [one.content for one in storage.list_records()] == [f"file {n}" for n in (3, 2, 1, 0)]
    assert [one.content for one in storage.list_records(limit=2, offset=1)] == ["file 2", "file 1"]
    info = storage.get_scope_info("/")
    assert (info.oldest_record, info.newest_record) == (day, day + timedelta(days=3))


def test_scopes_and_categories_follow_what_others_write(storage: SeveranceStorage, house: House) -> None:
    def told() -> tuple[Any, ...]:
        return (
            storage.list_scopes(),
            storage.list_categories(),
            storage.count(),
            storage.get_scope_info("/a").record_count,
        )

    assert told() == ([], {}, 0, 0)
    with house.cross("mark", "floor") as another:
        given = record("the file", scope="/a", categories=["x"])
        SeveranceStorage(another).save([given])
        assert told() == (["/a"], {"x": 1}, 1, 1)
        SeveranceStorage(another).update(given.model_copy(update={"scope": "/b", "categories": ["y"]}))
        assert told() == (["/b"], {"y": 1}, 1, 0)
        SeveranceStorage(another).reset()
        assert told() == ([], {}, 0, 0)


@in_workers
def test_an_update_replaces_a_record_and_its_history_stays(storage: SeveranceStorage, innie: Session) -> None:
    old = record("the file is open", scope="/a", source="helly")
    storage.save([old])
    storage.update(old.model_copy(update={"content": "the file is shut", "scope": "/b", "source": None}))
    new = storage.get_record(old.id)
    assert new is not None
    assert (new.content, new.scope, new.source) == ("the file is shut", "/b", "helly")
    assert (storage.count("/a"), storage.count("/b")) == (0, 1)
    (memory,) = innie.memories()
    assert [version.text for version in innie.history(memory.id)] == ["the file is open", "the file is shut"]


def test_an_update_of_what_is_not_there_is_refused(storage: SeveranceStorage) -> None:
    with pytest.raises(severance.NotFoundError):
        storage.update(record("the file"))


@in_workers
@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({"scope_prefix": "/a"}, "cd"),
        ({"categories": ["x"]}, "bd"),
        ({"scope_prefix": "/a", "categories": ["x"]}, "bcd"),
        ({"metadata_filter": {"n": 3}}, "abc"),
        ({"older_than": datetime(2024, 5, 2)}, "bcd"),
        ({"older_than": datetime(2024, 5, 2, tzinfo=UTC)}, "bcd"),
        ({"record_ids": ["id-a", "id-d", "id-x", UNKNOWN_ID, "", "\0", "x" * 20_000]}, "bc"),
        ({"record_ids": ["id-a", "id-d"], "scope_prefix": "/a"}, "bcd"),
        ({}, ""),
    ],
)
def test_what_meets_all_criteria_is_forgotten(storage: SeveranceStorage, criteria: dict[str, Any], left: str) -> None:
    for n, name in enumerate("abcd"):
        storage.save(
            [
                record(
                    f"file {name}",
                    id=f"id-{name}",
                    scope="/a" if n < 2 else "/b",
                    categories=["xy"[n % 2]],
                    metadata={"n": n},
                    created_at=datetime(2024, 5, 1 + n),
                )
            ]
        )
    assert storage.delete(**criteria) == 4 - len(left)
    assert [one.content[-1] for one in storage.list_records()][::-1] == list(left)


def test_reset_forgets_a_scope_or_all(storage: SeveranceStorage, innie: Session) -> None:
    storage.save([record("file a", scope="/a"), record("file b", scope="/b")])
    storage.reset("/a")
    assert kept(innie) == ["file b"]
    storage.reset()
    assert kept(innie) == []


@in_workers
def test_what_other_programs_remember_is_found_and_not_reset(storage: SeveranceStorage, innie: Session) -> None:
    elsewhere = innie.remember("Helly keeps the list.", source="Irving", metadata={"floor": 1})
    storage.save([record("the file")])
    assert "Helly keeps the list." in search(storage, "who keeps the list?")
    found = storage.get_record(elsewhere.id)
    assert found is not None
    assert (found.scope, found.source, found.created_at.tzinfo) == ("/", "Irving", None)
    storage.update(found.model_copy(update={"content": "Mark keeps the list.", "categories": ["lists"]}))
    changed = storage.get_record(elsewhere.id)
    assert changed is not None
    assert (changed.content, changed.categories) == ("Mark keeps the list.", ["lists"])
    assert [memory.metadata["floor"] for memory in innie.memories(where={"floor": 1})] == [1]
    other = innie.remember("The goats are fed.")
    storage.reset()
    storage.delete()
    assert kept(innie) == [other.text]
    assert storage.delete(record_ids=[other.id]) == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"crewai.id": "x"},
        {"crewai.id": 7, "crewai.scope": "/", "crewai.rest": "{}"},
        {"crewai.id": "x", "crewai.scope": 5, "crewai.rest": "[1]"},
        {"crewai.id": "x", "crewai.scope": "/", "crewai.rest": '{"content": "other"}'},
        {
            "crewai.id": "x",
            "crewai.scope": "/",
            "crewai.rest": '{"categories": [], "metadata": {}, "importance": 9, "private": false}',
        },
    ],
)
def test_metadata_that_another_program_made_up_does_no_harm(
    storage: SeveranceStorage, innie: Session, strange: dict[str, Any]
) -> None:
    innie.remember("the file is open", metadata=strange)
    assert search(storage, "file") == ["the file is open"]
    assert [one.content for one in storage.list_records()] == ["the file is open"]


def test_many_texts_are_embedded_and_each_is_known_again(storage: SeveranceStorage, innie: Session) -> None:
    innie.remember("Helly likes Mark.")
    texts = ["likes Helly Mark", "Helly Mark likes", "qwxz", "zxwq", "", *(f"text {n}" for n in range(11_000))]
    vectors = storage.embed(texts)
    assert len({tuple(vector) for vector in vectors}) == len(texts)
    assert all(sum(part * part for part in vector) == pytest.approx(1, abs=1e-3) for vector in vectors[:2])
    assert storage.search(vectors[4]) == []
    assert len(storage.search(vectors[0])) == len(storage.search(vectors[-1])) == 1


def test_the_same_words_in_another_order_are_not_dropped_from_a_batch(memory: Memory, innie: Session) -> None:
    said = ["Helly follows Mark.", "Mark follows Helly.", "Helly follows Mark."]
    memory.remember_many(said, scope="/", categories=[], importance=0.5)
    memory.drain_writes()
    assert sorted(kept(innie)) == sorted(set(said))


def test_a_vector_of_another_embedder_is_refused(storage: SeveranceStorage) -> None:
    for vector in ([0.1] * 1536, [0.0] * 320, []):
        with pytest.raises(severance.InputError, match="embedder"):
            storage.search(vector)
    with pytest.raises(severance.InputError, match="embedder"):
        storage.save([record("the file", embedding=[0.1] * 1536)])


@pytest.mark.parametrize(
    "wrong", [{"content": ""}, {"content": "x" * 70_000}, {"metadata": {"a": object()}}, {"scope": "/" + "x" * 600}]
)
def test_a_record_that_cannot_be_kept_is_refused_with_all_the_others(
    storage: SeveranceStorage, innie: Session, wrong: dict[str, Any]
) -> None:
    with pytest.raises(severance.InputError):
        storage.save([record("the file"), record(**({"content": "the list"} | wrong))])
    assert kept(innie) == []


def test_the_asynchronous_calls_do_the_same(storage: SeveranceStorage) -> None:
    async def all_of_them() -> tuple[Any, Any, int]:
        given = record("the file")
        await storage.asave([given])
        found = await storage.asearch(storage.embed(["file"])[0], limit=1)
        return given.id, found[0][0].id, await storage.adelete(record_ids=[given.id])

    given, found, gone = asyncio.run(all_of_them())
    assert (given, gone) == (found, 1)


# With Memory and crews


def test_the_memory_of_crewai_remembers_recalls_updates_and_forgets(memory: Memory, innie: Session) -> None:
    one = memory.remember("The list is in the blue folder.")
    assert (one.scope, one.categories, one.importance) == ("/files", ["files"], 0.7)
    assert [match.record.content for match in memory.recall("Where is the list?")] == [one.content]
    assert [match.record.id for match in memory.recall("Where is the list?", depth="shallow")] == [one.id]
    memory.update(one.id, content="The list is in the red folder.")
    assert [match.record.content for match in memory.recall("list")] == ["The list is in the red folder."]
    assert memory.tree() == "/ (1 records)\n  /files (1 records)"
    assert memory.forget(record_ids=[one.id]) == 1
    assert kept(innie) == []


def test_views_of_a_memory_are_narrower(memory: Memory, innie: Session) -> None:
    view = memory.scope("/a")
    view.remember("file a", categories=[], importance=0.5)
    other = remember(memory, "file b", scope="/b")
    assert [match.record.content for match in view.recall("file")] == ["file a"]
    assert view.forget(record_ids=[other.id]) == 0
    assert [m.record.content for m in memory.slice(["/b"]).recall("file")] == ["file b"]
    view.reset()
    assert kept(innie) == ["file b"]


def test_what_a_source_keeps_private_is_shown_to_it_alone(memory: Memory) -> None:
    remember(memory, "the file of Helly", source="helly", private=True)
    for source, found in (("helly", 1), ("mark", 0), (None, 0)):
        assert len(memory.recall("file", source=source, depth="shallow")) == found


def test_a_plan_of_a_model_amends_what_is_there_and_passes_over_ids_that_it_made_up(innie: Session) -> None:
    first = remember(memory_of(innie, Scripted()), "The list is in the blue folder.")
    plan = {
        "actions": [
            {"action": "update", "record_id": first.id, "new_content": "The list was in the blue folder."},
            {"action": "delete", "record_id": "made-up"},
        ],
        "insert_new": True,
    }
    model = Scripted(("The list is in the blue folder.", json.dumps(plan)))
    remember(memory_of(innie, model, consolidation_threshold=0.1), "The list is in the red folder.")
    assert sorted(kept(innie)) == ["The list is in the red folder.", "The list was in the blue folder."]


def crew(memory: Memory, model: BaseLLM, text: str = "See to the list.") -> Crew:
    agent = Agent(role="clerk", goal="Keep lists", backstory="On the floor.", llm=model)
    task = Task(description=text, expected_output="a word", agent=agent)
    return Crew(agents=[agent], tasks=[task], memory=memory, verbose=False)


@pytest.fixture(autouse=True)
def _store_of_crewai(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """What CrewAI itself keeps on disk, outputs of tasks for one, is of no interest."""
    monkeypatch.setenv("CREWAI_STORAGE_DIR", str(folder / "crewai"))
    for name in ("XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(folder))


EXTRACTED = ("Expected result", json.dumps({"memories": ["The list is in the blue folder."]}))


@in_workers
def test_a_crew_keeps_what_came_of_its_work_and_the_next_one_is_told(innie: Session) -> None:
    model = Scripted(EXTRACTED, ANALYSIS)
    crew(memory_of(innie, model), model).kickoff()
    (memory,) = innie.memories()
    assert (memory.text, memory.kind) == ("The list is in the blue folder.", "fact")
    asked = Scripted()
    crew(memory_of(innie, asked), asked, "Where is the list?").kickoff()
    assert "The list is in the blue folder." in asked.asked[0]


@in_workers
def test_a_copy_of_a_crew_remembers_in_the_same_persona(innie: Session) -> None:
    model = Scripted(EXTRACTED, ANALYSIS)
    made = crew(memory_of(innie, model), model)
    made.copy().kickoff()
    assert kept(innie) == ["The list is in the blue folder."]
    storage = SeveranceStorage(innie)
    assert copy.deepcopy(storage) is storage


@in_workers
def test_another_persona_finds_nothing(memory: Memory, outie: Session) -> None:
    one = remember(memory, "The list is in the blue folder.")
    theirs = memory_of(outie, Scripted())
    assert theirs.recall("Where is the list?", include_private=True) == []
    assert SeveranceStorage(outie).get_record(one.id) is None
    assert theirs.forget(record_ids=[one.id]) == 0
    assert memory.info().record_count == 1


def test_what_another_process_keeps_is_found_here(memory: Memory, folder: Path) -> None:
    remember(memory, "the file is open")
    printed = in_another_process(
        folder / "store",
        """
        from crewai.memory.types import MemoryRecord
        from severance.integrations.crewai import SeveranceStorage
        storage = SeveranceStorage(session)
        storage.save([MemoryRecord(content="the file is shut", scope="/there")])
        print(storage.count())
        """,
    )
    assert printed.split() == ["2"]
    assert sorted(m.record.content for m in memory.recall("file")) == ["the file is open", "the file is shut"]


# What does not go


@in_workers
def test_a_session_that_fell_asleep_says_so_and_a_crew_goes_on_without_memory(innie: Session) -> None:
    model = Scripted(EXTRACTED, ANALYSIS)
    memory = memory_of(innie, model)
    innie.sleep()
    with pytest.raises(severance.AsleepError):
        remember(memory, "the file")
    with pytest.raises(severance.AsleepError):
        memory.recall("file", depth="shallow")
    assert "done" in str(crew(memory, model).kickoff())


def test_with_one_thread_nothing_else_is_read_or_written(innie: Session) -> None:
    hidden = innie.remember("list 9 is in the red folder", thread="tuesday", metadata={"crewai.id": "known"})
    limited = SeveranceStorage(innie, thread="monday")
    limited.save([record("list 8 is in the blue folder", scope="/tuesday")])
    assert [memory.text for memory in innie.memories(thread="monday")] == ["list 8 is in the blue folder"]
    assert search(limited, "Where is the list?") == ["list 8 is in the blue folder"]
    for id_ in (hidden.id, "known"):
        assert limited.get_record(id_) is None
        assert limited.delete(record_ids=[id_]) == 0
    assert limited.count() == 1
    limited.reset()
    assert kept(innie) == ["list 9 is in the red folder"]


def test_a_permit_without_forget_lets_no_plan_of_a_model_forget(house: House, innie: Session) -> None:
    first = remember(memory_of(innie, Scripted()), "The list is in the blue folder.")
    plan = json.dumps({"actions": [{"action": "delete", "record_id": first.id}], "insert_new": False})
    with house.admit(house.permit("mark", "floor", rights=RIGHTS, until="2100-01-01")) as less:
        memory = memory_of(less, Scripted(("The list is in the blue folder.", plan)), consolidation_threshold=0.1)
        with pytest.raises(severance.PermitError):
            remember(memory, "The list is in the red folder.")
        with pytest.raises(severance.PermitError):
            memory.reset_all()
    assert kept(innie) == ["The list is in the blue folder."]


def test_a_permit_for_one_thread_reaches_no_other(house: House, innie: Session) -> None:
    hidden = innie.remember(
        "list 9 is in the red folder", thread="tuesday", metadata=metadata_of({"crewai.id": "known"})
    )
    permit = house.permit("mark", "floor", rights=[*RIGHTS, "forget"], until="2100-01-01")
    with house.admit(severance.weaken(permit, threads=["monday"])) as less:
        limited = SeveranceStorage(less, thread="monday")
        limited.save([record("list 8 is in the blue folder", scope="/tuesday")])
        assert search(limited, "Where is the list?") == ["list 8 is in the blue folder"]
        assert limited.list_scopes() == ["/tuesday"]
        for id_ in (hidden.id, "known"):
            assert limited.get_record(id_) is None
            assert limited.delete(record_ids=[id_]) == 0
            with pytest.raises(severance.NotFoundError):
                limited.update(record("mine now", id=id_))
        limited.reset()
        wider = SeveranceStorage(less)
        for reach in (wider.count, wider.reset, lambda: search(wider, "list"), lambda: wider.save([record("a list")])):
            with pytest.raises(severance.PermitError):
                reach()
    assert kept(innie) == ["list 9 is in the red folder"]


@pytest.mark.parametrize("name", ["outie", "/mark/outie", "../home", "mark=outie"])
def test_no_scope_source_or_category_reaches_another_persona(
    storage: SeveranceStorage, outie: Session, name: str
) -> None:
    SeveranceStorage(outie).save([record("dinner with Devon", scope=name, source=name, categories=[name])])
    assert search(storage, "dinner", scope_prefix=name) == []
    assert search(storage, "dinner", categories=[name]) == []
    assert storage.list_scopes() == []
    assert storage.list_categories() == {}
