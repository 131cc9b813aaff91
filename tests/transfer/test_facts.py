"""mem0's memories and LoCoMo's turns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from severance.errors import InputError
from severance.transfer import detect, read
from transfer.samples import both, locomo_doc, mem0_list, put


@pytest.mark.parametrize(
    "wrap", [lambda m: m, lambda m: {"results": m}, lambda m: {"memories": m}, lambda m: [{"results": m}]]
)
def test_mem0_layouts(tmp_path: Path, wrap: Any) -> None:
    path = put(tmp_path / "m.json", wrap(mem0_list()))
    assert detect(path) == "mem0"
    items, skipped = both(path)
    assert not skipped
    first, second = (item.draft for item in items)
    assert (first.text, first.source, first.kind) == ("Likes waffles", "mark", "fact")
    assert first.at == datetime(2024, 1, 2, 10, 4, 5, 678000, tzinfo=UTC)
    assert first.metadata == {
        "user_id": "mark",
        "categories": '["food"]',
        "place": "kitchen",
        "nested": '{"a":[1,2]}',
        "their_origin": "theirs",
    }
    assert (second.source, second.thread) == ("bot", "run 9")
    assert items[0].origin.startswith("mem0:a1:")


def test_mem0_a_rewritten_memory_is_another(tmp_path: Path) -> None:
    one, two = ([{"id": "a", "memory": text}] for text in ("Old", "New"))
    path = tmp_path / "m.json"
    assert both(put(path, one))[0][0].origin != both(put(path, two))[0][0].origin


def test_mem0_bad_entries(tmp_path: Path) -> None:
    entries = [
        {"id": "a", "memory": None},
        5,
        {"memory": "x", "created_at": "?"},
        "bare",
        {"memory": "ok", "metadata": 3},
    ]
    items, skipped = both(put(tmp_path / "m.json", entries), "mem0")
    assert [item.draft.text for item in items] == ["bare"]
    assert [s.where for s in skipped] == ["memories[0]", "memories[1]", "memories[2]", "memories[4]"]
    for nothing in ([], {"results": []}, {"x": 1}):
        with pytest.raises(InputError):
            list(read(put(tmp_path / "m.json", nothing), "mem0"))


def test_locomo(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "l.json", locomo_doc()))
    assert not skipped
    assert [item.draft.text for item in items] == [
        "Hello there!",
        "Look. [shares a picture: a photo of a goat]",
        "Back again.",
    ]
    assert [item.draft.at for item in items] == [
        datetime(2023, 5, 8, 13, 56, 0, tzinfo=UTC),
        datetime(2023, 5, 8, 13, 56, 1, tzinfo=UTC),
        datetime(2023, 12, 1, 0, 5, 0, tzinfo=UTC),
    ]
    draft = items[1].draft
    assert (draft.source, draft.thread, draft.kind) == ("Olaf", "conv-1 session 1", "turn")
    assert draft.metadata == {"dia_id": "D1:2", "sample_id": "conv-1"}
    assert items[1].origin == "locomo:conv-1:D1:2"


def test_locomo_options(tmp_path: Path) -> None:
    path = put(tmp_path / "l.json", locomo_doc())
    assert len(both(path, speaker="Olaf")[0]) == 2
    assert len(both(path, sample="conv-1", speaker="Ines")[0]) == 1
    for options in ({"speaker": "Nobody"}, {"sample": "conv-9"}):
        with pytest.raises(InputError, match="leave the option out"):
            list(read(path, options=options))
    with pytest.raises(InputError, match="speaker and sample"):
        read(path, options={"colour": "red"})


@pytest.mark.parametrize(
    "time", ["1:56 pm on 31 February, 2023", "13:00 pm on 1 May, 2023", "soon", "0:10 am on 1 May, 2023"]
)
def test_locomo_bad_times(tmp_path: Path, time: str) -> None:
    document: Any = locomo_doc()
    document[0]["conversation"]["session_1_date_time"] = time
    document[0]["conversation"]["session_1"].append({"speaker": "Ines"})
    document[0]["conversation"]["session_1"].append(7)
    items, skipped = both(put(tmp_path / "l.json", document))
    assert len(items) == 1
    assert [s.where for s in skipped] == [f"samples[0].session_1[{n}]" for n in range(4)]


def test_locomo_missing_fields(tmp_path: Path) -> None:
    sample = {"conversation": {"session_1": [{"speaker": "I", "blip_caption": "a boat"}]}}
    items, skipped = both(put(tmp_path / "l.json", [sample, 5]), "locomo")
    assert items[0].draft.text == "[shares a picture: a boat]"
    assert items[0].draft.at is None
    assert items[0].origin == "locomo:sample-0:D1:1"
    assert len(skipped) == 1
