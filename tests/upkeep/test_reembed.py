"""Embedding anew: all or nothing comes into force, an interruption costs nothing, and forgetting still erases all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kit import dump, events_of, make_house, open_house, recalled, texts
from severance import EmbedderError, House, Session
from severance.barrier.traces.ports import FEW
from severance.embed import Hashing
from severance.records import EmbedderChosen, Forgotten, Remembered, Revectored
from severance.upkeep import reembed as reembed_module

OTHER = Hashing(FEW + 24)


class Counted(Hashing):
    """Counts what it embeds, and fails after so many calls."""

    def __init__(self, calls: int = 1_000) -> None:
        super().__init__(OTHER.dimensions)
        self.left = calls
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> Any:
        """As `Hashing.embed`, until it fails."""
        self.left -= 1
        if self.left < 0:
            raise EmbedderError("out of order")
        self.embedded += texts
        return super().embed(texts)


@pytest.fixture
def store(folder: Path) -> Path:
    """The innie has seven memories, one of them in two versions; the outie has one."""
    with make_house(folder) as house:
        with house.cross("mark", "floor") as innie:
            kept = innie.remember_many(f"memory {n} of the file" for n in range(7))
            innie.amend(kept[0].id, "memory zero")
        with house.cross("mark", "home") as outie:
            outie.remember("dinner")
    return folder / "store"


def other(store: Path, embedder: Hashing = OTHER) -> House:
    return open_house(store, embedder=embedder)


def test_everything_is_embedded_once_in_all_spaces_and_all_versions(store: Path) -> None:
    embedder = Counted()
    with other(store, embedder) as house:
        assert house.reembed() == 9
        assert sorted(embedder.embedded)[:2] == ["dinner", "memory 0 of the file"]
        assert len(embedder.embedded) == 9
        assert house.check() == []
        with house.cross("mark", "floor") as innie:
            assert recalled(innie, "memory zero")[0] == "memory zero"
            assert any("meaning" in reason for hit in innie.recall("memory zero") for reason in hit.reasons)
            assert len(list(innie.memories())) == 7


def test_doing_it_again_does_nothing(store: Path) -> None:
    with other(store) as house:
        house.reembed()
        before = dump(store / "vault.db")
        assert house.reembed() == 0
        assert dump(store / "vault.db") == before


def test_a_new_waking_gives_the_same_recollections_as_memories_embedded_so_from_the_start(
    store: Path, folder: Path
) -> None:
    with other(store) as house, _reembedded(house) as innie:
        found = [(hit.memory.text, round(hit.score, 5)) for hit in innie.recall("memory of the file", limit=20)]
    (fresh := folder / "fresh").mkdir()
    with make_house(fresh, embedder=OTHER) as house, house.cross("mark", "floor") as innie:
        kept = innie.remember_many(f"memory {n} of the file" for n in range(7))
        innie.amend(kept[0].id, "memory zero")
        assert found == [(h.memory.text, round(h.score, 5)) for h in innie.recall("memory of the file", limit=20)]


def _reembedded(house: House) -> Session:
    house.reembed()
    return house.cross("mark", "floor")


@pytest.mark.parametrize("calls", [0, 1, 2, 3])
def test_an_interruption_leaves_the_old_vectors_in_force_and_what_was_done_is_not_done_again(
    store: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    monkeypatch.setattr(reembed_module, "_BATCH", 2)
    first, second = Counted(calls), Counted()
    with other(store, first) as house, pytest.raises(EmbedderError, match="out of order"):
        house.reembed()
    with open_house(store) as house, house.cross("mark", "floor") as innie:
        assert len(innie.recall("memory of the file", limit=20)) == 7
        innie.remember("said in between")
        assert house.check() == []
    with other(store, second) as house:
        assert house.reembed() == 10 - len(first.embedded)
        assert not set(first.embedded) & set(second.embedded)
        assert house.check() == []
        with house.cross("mark", "floor") as innie:
            assert recalled(innie, "said in between")[0] == "said in between"


def test_ctrl_c_between_two_appends_is_an_interruption_like_any_other(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed_module, "_BATCH", 3)
    told: list[tuple[int, int]] = []

    def interrupt(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 2:
            raise KeyboardInterrupt

    with other(store) as house:
        with pytest.raises(KeyboardInterrupt):
            house.reembed(interrupt)
        house.reembed()
        assert house.check() == []
        assert len(recalled(house.cross("mark", "floor"), "memory of the file", limit=20)) == 7


def test_progress_tells_how_much_is_done_of_each_space(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reembed_module, "_BATCH", 3)
    told: list[tuple[int, int]] = []
    with other(store) as house:
        house.reembed(lambda done, total: told.append((done, total)))
    assert {(3, 8), (6, 8), (8, 8), (1, 1)} <= set(told)


def test_a_session_that_is_awake_meanwhile_writes_on_until_the_new_vectors_are_in_force(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed_module, "_BATCH", 3)
    with open_house(store) as here, other(store) as there:
        innie = here.cross("mark", "floor")
        said: list[str] = []

        def meanwhile(done: int, total: int) -> None:
            if len(said) < 2 and total >= 8:
                said.append(innie.remember(f"meanwhile {done}").text)

        there.reembed(meanwhile)
        with pytest.raises(EmbedderError):
            innie.remember("too late")
        with there.cross("mark", "floor") as awake:
            assert set(said) <= set(texts(awake.memories()))
            for text in said:
                assert recalled(awake, text)[0] == text
                assert awake.recall(text)[0].reasons[1].startswith("meaning")
        assert there.check() == []


def test_forgetting_afterwards_erases_every_record_of_the_memory(store: Path) -> None:
    with other(store) as house:
        house.reembed()
        with house.cross("mark", "floor") as innie:
            zero = next(memory for memory in innie.memories() if memory.text == "memory zero")
            assert innie.forget(zero.id) == 2
        (said,) = (event for event in events_of(house) if isinstance(event, Forgotten))
        assert len(said.seqs) == 4, "two versions, and two vectors of the new embedder"
        assert not [e for e in events_of(house) if isinstance(e, (Remembered, Revectored)) and e.id in said.ids]
        assert house.check() == []
        assert "memory zero" not in texts(house.cross("mark", "floor").memories())
    with open_house(store) as house:
        house.reembed()
        assert "memory zero" not in texts(house.cross("mark", "floor").memories())


def test_forgetting_in_the_middle_of_it_erases_the_waiting_vector_too(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reembed_module, "_BATCH", 3)
    with other(store, Counted(1)) as house, pytest.raises(EmbedderError):
        house.reembed()
    with open_house(store) as house:
        with house.cross("mark", "floor") as innie:
            first = next(memory for memory in innie.memories() if memory.text == "memory 1 of the file")
            innie.forget(first.id)
        (said,) = (event for event in events_of(house) if isinstance(event, Forgotten))
        assert len(said.seqs) == (2 if any(isinstance(e, Revectored) for e in events_of(house)) else 1)
    with other(store) as house:
        house.reembed()
        assert len(recalled(house.cross("mark", "floor"), "memory of the file", limit=20)) == 6
        assert house.check() == []


def test_there_and_back_again_gives_the_first_vectors(store: Path) -> None:
    def asked() -> list[tuple[str, float]]:
        with open_house(store) as house, house.cross("mark", "floor") as innie:
            return [(hit.memory.text, round(hit.score, 5)) for hit in innie.recall("memory of the file", limit=20)]

    before = asked()
    with other(store) as house:
        house.reembed()
    with open_house(store) as house:
        assert house.reembed() == 9
        chosen = [event.identity for event in events_of(house) if isinstance(event, EmbedderChosen)]
        assert chosen == [f"hashing-{FEW}/1", OTHER.identity, f"hashing-{FEW}/1"]
    assert asked() == before


def test_an_empty_space_only_changes_its_embedder(folder: Path) -> None:
    make_house(folder).close()
    with other(folder / "store") as house:
        assert house.reembed() == 0
        assert [type(event) for event in events_of(house, "helly", "floor")] == [EmbedderChosen, EmbedderChosen]


@pytest.mark.parametrize(("name", "value"), [("dimensions", 65_537), ("dimensions", 0), ("identity", b"bytes")])
def test_an_embedder_that_a_log_cannot_name_is_refused_before_anything_is_written(
    store: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    other = Hashing(FEW)
    monkeypatch.setattr(Hashing, "identity", "another")
    monkeypatch.setattr(Hashing, name, value)
    with open_house(store, embedder=other) as house:
        records = [persona.records for persona in house.status().personas]
        with pytest.raises(EmbedderError, match="dimensions"):
            house.sever("mark", ["third"])
        monkeypatch.setattr(other, "embed", lambda texts: [[1.0] * other.dimensions for _ in texts], raising=False)
        with pytest.raises(EmbedderError):
            house.reembed()
        assert [persona.records for persona in house.status().personas] == records
