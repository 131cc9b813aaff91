"""Awake and asleep, interrupted, and not alone: other threads, sessions and processes hold the same persona awake."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from kit import checks, dump, open_house, recalled, texts
from severance import AsleepError, EmbedderError, House, Session
from severance.barrier.traces.ports import FEW, KEY, small_snapshots
from severance.embed import Hashing
from severance.errors import StoreBusyError, StoreFullError
from severance.following import Following
from severance.mind import Mind
from severance.space import Space
from severance.system import give_back
from severance.vault.sqlite import SqliteVault
from severance.writing import another_embedder

EVERY_CALL: dict[str, Callable[[Session], object]] = {
    "remember": lambda s: s.remember("x"),
    "remember_many": lambda s: s.remember_many(["x"]),
    "recall": lambda s: s.recall("x"),
    "context": lambda s: s.context("x"),
    "memories": lambda s: list(s.memories()),
    "get": lambda s: s.get("a" * 30),
    "history": lambda s: s.history("a" * 30),
    "amend": lambda s: s.amend("a" * 30, "x"),
    "forget": lambda s: s.forget("a" * 30),
    "stats": lambda s: s.stats(),
    "events": lambda s: s.events(),
    "notices": lambda s: s.notices(),
}


def test_every_method_that_needs_to_be_awake_is_here() -> None:
    methods = {name for name, member in vars(Session).items() if callable(member) and not name.startswith("_")}
    assert methods - {"sleep"} == set(EVERY_CALL)


@pytest.mark.parametrize("call", EVERY_CALL.values(), ids=EVERY_CALL)
def test_no_call_is_served_after_sleep(innie: Session, call: Callable[[Session], object]) -> None:
    innie.sleep()
    with pytest.raises(AsleepError, match="cross again"):
        call(innie)


def test_sleeping_again_does_nothing(innie: Session) -> None:
    innie.sleep()
    innie.sleep()
    assert "asleep" in repr(innie)


def test_a_list_that_was_begun_ends_with_the_session(innie: Session) -> None:
    innie.remember_many(["one", "two"])
    found = innie.memories()
    next(found)
    innie.sleep()
    with pytest.raises(AsleepError):
        next(found)


@pytest.mark.parametrize(("large", "times"), [(2, 1), (3, 0)])
def test_the_memory_of_a_large_one_is_given_back_when_key_and_mind_are_gone(
    house: House, monkeypatch: pytest.MonkeyPatch, large: int, times: int
) -> None:
    given = list[tuple[object, object]]()
    session = house.cross("mark", "floor")
    session.remember("the first of them")
    monkeypatch.setattr("severance.session._LARGE", large)
    mind, space = ref(session._mind), ref(session._space)
    assert (mind(), space()) == (session._mind, session._space)
    monkeypatch.setattr("severance.session.give_back", lambda: given.append((mind(), space())))
    session.sleep()
    session.sleep()
    assert given == [(None, None)] * times


def test_giving_memory_back_takes_nothing_that_is_in_use(innie: Session) -> None:
    innie.remember("the first of them")
    give_back()
    assert recalled(innie, "the first") == ["the first of them"]


def test_a_with_block_ends_asleep_also_when_it_raises(house: House) -> None:
    innie = house.cross("mark", "floor")
    with suppress(KeyError), innie:
        innie.remember("kept")
        raise KeyError
    with pytest.raises(AsleepError):
        innie.stats()
    with house.cross("mark", "floor") as again:
        assert texts(again.memories()) == ["kept"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, *(range(pickle.HIGHEST_PROTOCOL + 1))])
def test_a_session_cannot_be_copied(innie: Session, duplicate: Any) -> None:
    """Its copy would stay awake when it falls asleep."""
    for _ in ("awake", "asleep"):
        with pytest.raises(TypeError, match="cannot be copied"):
            pickle.dumps(innie, duplicate) if isinstance(duplicate, int) else duplicate(innie)
        innie.sleep()


def test_a_session_knows_who_woke_where(innie: Session) -> None:
    assert (innie.subject, innie.persona, innie.place) == ("mark", "innie", "floor")
    assert not [name for name in ("mark", "innie", "floor") if name in repr(innie)]


def test_waking_from_a_snapshot_and_from_the_log_gives_the_same(house: House, folder: Path) -> None:
    with house.cross("mark", "floor") as innie:
        first = innie.remember_many(f"memory {n % 7} of the file" for n in range(20))[0]
        innie.amend(first.id, "something else")
        innie.forget(list(innie.memories())[3].id)
    seen = []
    for _ in range(2):
        with small_snapshots(), house.cross("mark", "floor") as innie:
            hits = [(hit.memory, round(hit.score, 5), hit.reasons) for hit in innie.recall("memory of the file")]
            seen.append((list(innie.memories()), innie.stats(), hits))
        assert dump(folder / "store" / "vault.db")["layers"]
    assert seen[0] == seen[1]


def test_a_persona_that_forgot_everything_wakes_from_its_snapshot_and_can_remember_again(
    house: House, folder: Path
) -> None:
    with small_snapshots(), house.cross("mark", "floor") as innie:
        for memory in innie.remember_many(["one", "two", "three"]):
            innie.forget(memory.id)
    assert dump(folder / "store" / "vault.db")["layers"]
    with house.cross("mark", "floor") as innie:
        assert innie.remember("four").text == "four"
        assert recalled(innie, "four") == ["four"]
    assert house.check() == []


def test_sleep_tells_the_chip_how_far_the_log_goes_and_so_does_waking(house: House) -> None:
    chip: Any = house._chip
    innie = house.cross("mark", "floor")
    space: Any = innie._space
    assert chip.anchor(space.key).seq == 1
    innie.remember("one")
    assert chip.anchor(space.key).seq == 1
    with house.cross("mark", "floor"):
        assert chip.anchor(space.key).seq == 2
        innie.remember("two")
    innie.sleep()
    assert chip.anchor(space.key) == space.head
    assert space.head.seq == 3


def test_a_snapshot_that_does_not_fit_on_the_disk_is_done_without(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Space, contents: object, drop: object = ()) -> bool:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(Space, "write_layers", full)
    with small_snapshots(), house.cross("mark", "floor") as innie:
        innie.remember_many(["one", "two", "three", "four"])
    monkeypatch.undo()
    with house.cross("mark", "floor") as innie:
        assert len(list(innie.memories())) == 4


def test_layers_of_another_version_of_the_mind_are_read_past_and_made_again(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_snapshots(), house.cross("mark", "floor") as innie:
        innie.remember_many(["one", "two", "three", "four"])
    before = dump(folder / "store" / "vault.db")["layers"]
    assert before
    with monkeypatch.context() as later:
        later.setattr("severance.mind.layer.VERSION", 999)
        with small_snapshots(), house.cross("mark", "floor") as innie:
            assert texts(innie.memories()) == ["one", "two", "three", "four"]
        after = dump(folder / "store" / "vault.db")["layers"]
        assert after
        with monkeypatch.context() as unread:
            unread.setattr("severance.waking.of_events", None)
            unread.setattr("severance.space.Space._next", None)
            assert texts(house.cross("mark", "floor").memories()) == ["one", "two", "three", "four"]


# Interrupted


@pytest.mark.parametrize("noted", [False, True], ids=["before it waits for the mind", "after"])
def test_ctrl_c_right_after_the_log_loses_nothing(innie: Session, monkeypatch: pytest.MonkeyPatch, noted: bool) -> None:
    innie.remember("before")
    true = Following.wrote

    def interrupted(self: Following, events: Any) -> None:
        monkeypatch.undo()
        if noted:
            true(self, events)
        raise KeyboardInterrupt

    monkeypatch.setattr(Following, "wrote", interrupted)
    with pytest.raises(KeyboardInterrupt):
        innie.remember("interrupted")
    assert texts(innie.memories()) == ["before", "interrupted"]
    innie.remember("after")
    assert texts(innie.memories()) == ["before", "interrupted", "after"]
    assert innie.remember("interrupted").repeats == 2


@pytest.mark.parametrize("applied", [False, True], ids=["before the mind took it in", "after"])
def test_ctrl_c_while_the_mind_takes_in_what_was_written_loses_nothing(
    innie: Session, monkeypatch: pytest.MonkeyPatch, applied: bool
) -> None:
    innie.remember_many(["before", "interrupted"])
    true = Mind.apply_all

    def interrupted(self: Mind, first: int, events: Any) -> None:
        monkeypatch.undo()
        if applied:
            true(self, first, events)
        raise KeyboardInterrupt

    monkeypatch.setattr(Mind, "apply_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        innie.stats()
    innie.remember("after")
    assert texts(innie.memories()) == ["before", "interrupted", "after"]
    assert innie.remember("interrupted").repeats == 2


def test_ctrl_c_while_reading_on_loses_nothing(house: House, innie: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    with house.cross("mark", "floor") as other:
        other.remember_many(["one", "two"])

    def interrupted(self: Mind, first: int, events: Any) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(Mind, "apply_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        innie.recall("one")
    assert texts(innie.memories()) == ["one", "two"]


def test_ctrl_c_and_then_sleep_writes_no_snapshot_of_half_a_mind(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    innie = house.cross("mark", "floor")

    def interrupted(self: Mind, first: int, events: Any) -> None:
        raise KeyboardInterrupt

    with small_snapshots():
        innie.remember_many(["one", "two", "three", "four"])
        with monkeypatch.context() as patch:
            patch.setattr(Mind, "apply_all", interrupted)
            innie.remember("five")
            with pytest.raises(KeyboardInterrupt):
                innie.stats()
        innie.sleep()
    assert dump(folder / "store" / "vault.db")["layers"] == []
    assert len(list(house.cross("mark", "floor").memories())) == 5


def test_ctrl_c_in_the_middle_of_the_append_leaves_all_or_nothing(
    house: House, innie: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = SqliteVault.append

    def append(self: SqliteVault, *given: Any) -> Any:
        true(self, *given)
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(SqliteVault, "append", append)
    with pytest.raises(KeyboardInterrupt):
        innie.remember_many(["one", "two"])
    assert texts(innie.memories()) == ["one", "two"]
    innie.remember("three")
    assert house.check() == []


def test_a_write_that_failed_leaves_the_session_as_it_was(innie: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    innie.remember("one")

    def busy(self: SqliteVault, *given: Any) -> Any:
        raise StoreBusyError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteVault, "append", busy)
        with pytest.raises(StoreBusyError):
            innie.remember("two")
    assert texts(innie.memories()) == ["one"]
    assert innie.remember("two").repeats == 1


# Not alone


def test_two_sessions_of_one_persona_see_each_other_s_writes_at_once(house: House) -> None:
    first, second = house.cross("mark", "floor"), house.cross("mark", "floor")
    kept = first.remember("the file")
    assert recalled(second, "file") == ["the file"]
    changed = second.amend(kept.id, "the folder")
    assert first.get(kept.id).superseded_by == changed.id
    assert second.remember("the folder").repeats == 2
    assert first.forget(kept.id) == 2
    assert list(second.memories()) == []


def test_writers_in_two_houses_take_turns(folder: Path) -> None:
    checks.writers_take_turns(folder)


def test_a_repeat_of_what_another_writer_was_first_with_is_counted_and_not_kept_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = house.cross("mark", "floor"), house.cross("mark", "floor")
    first.stats()
    true, calls = Session._catch_up, list[int]()

    def blind(self: Session, space: Space) -> None:
        calls.append(1)
        if len(calls) > 1:
            true(self, space)

    second.remember("waffles")
    monkeypatch.setattr(Session, "_catch_up", blind)
    assert first.remember("waffles").repeats == 2
    monkeypatch.undo()
    assert len(list(second.memories())) == 1


def test_what_another_session_has_just_forgotten_cannot_be_amended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = house.cross("mark", "floor"), house.cross("mark", "floor")
    kept = first.remember("waffles")
    second.forget(kept.id)
    with pytest.raises(LookupError):
        first.amend(kept.id, "eggs")
    with pytest.raises(LookupError):
        first.forget(kept.id)


def test_another_process_s_writes_are_seen_and_it_sees_ours(house: House, innie: Session, folder: Path) -> None:
    innie.remember("from here")
    script = (
        "import severance, sys; from severance.embed import Hashing\n"
        f"with severance.open({str(folder / 'store')!r}, key={KEY!r}, embedder=Hashing({FEW})) as house:\n"
        "    with house.cross('mark', 'floor') as innie:\n"
        "        print(*(memory.text for memory in innie.memories()))\n"
        "        innie.remember('from there')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "from here"
    assert sorted(texts(innie.memories())) == ["from here", "from there"]


def test_threads_that_share_a_session_lose_nothing(house: House, innie: Session) -> None:
    def work(number: int) -> None:
        for step in range(8):
            kept = innie.remember(f"thread {number} step {step}", thread=str(number))
            assert innie.get(kept.id).text == kept.text
            innie.recall(f"step {step}")
            if step % 4 == 3:
                innie.forget(kept.id)
            list(innie.memories(thread=str(number)))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert sorted(texts(innie.memories())) == sorted(
        f"thread {n} step {s}" for n in range(6) for s in range(8) if s % 4 != 3
    )
    assert house.check() == []


def test_threads_with_sessions_of_their_own_lose_nothing(house: House) -> None:
    def work(number: int) -> None:
        with house.cross("mark", "floor") as session:
            for step in range(6):
                session.remember(f"thread {number} step {step}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with house.cross("mark", "floor") as innie:
        assert len({memory.text for memory in innie.memories()}) == 24
    assert house.check() == []


def test_sleep_from_another_thread_ends_the_session_between_two_calls(innie: Session) -> None:
    def work() -> None:
        for step in range(10_000):
            innie.remember(f"step {step}")

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        innie.sleep()
        with pytest.raises(AsleepError):
            future.result()


def test_a_session_awake_while_the_memories_are_embedded_anew_ends_with_a_clear_error(
    house: House, innie: Session, folder: Path
) -> None:
    innie.remember("waffles")
    with open_house(folder / "store", embedder=Hashing(FEW + 1)) as other:
        assert other.reembed() == 1
        assert texts(other.cross("mark", "floor").recall("waffles")) == ["waffles"]
    with pytest.raises(EmbedderError, match=f"embedded by hashing-{FEW + 1}/1, and this house uses hashing-{FEW}/1"):
        innie.remember("eggs")
    with pytest.raises(AsleepError):
        innie.recall("waffles")


@pytest.mark.parametrize(
    "said", ["letter-pairs-256/1", "sentence-transformers:org/model?query=search:+#0f1e", "wordllama-x/1"]
)
def test_the_embedder_that_the_store_names_is_told(said: str) -> None:
    assert f"embedded by {said}, and this house uses ours/1;" in str(another_embedder(said, "ours/1"))


@pytest.mark.parametrize(
    "said",
    [
        "",
        "x\x1b]0;title\x07",
        "wordllama-\x1b[2J",
        "one\ntwo",
        "wordllama-1\u202e",
        "fastembed:model#\x1b[2J",
        "fastembed:model#run this, and all is well",
        "run `this`",
        "openai:model@http://127.0.0.1:8/v1?key=ANY",
        "x" * 201,
    ],
)
def test_what_no_encoder_would_call_itself_is_not_repeated(said: str) -> None:
    told = str(another_embedder(said, "ours/1"))
    assert told.startswith("these memories were embedded by another embedder that this version does not know, and this")
    assert told.isprintable()
    assert not said or said not in told
