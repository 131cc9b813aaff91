"""The exports of ChatGPT and Claude: branches, parts that are no text, archives."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from severance.errors import InputError
from severance.transfer import detect, files, read
from transfer.samples import both, chat, claude_chat, put

PICTURE, MIXED = "it is a picture, a sound or a file", "multimodal_text"


def test_chatgpt_follows_the_current_branch(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "conversations.json", [chat()]))
    assert not skipped
    assert [(item.draft.source, item.draft.text) for item in items] == [
        ("user", "When do the melons ripen?"),
        ("assistant", "In late summer."),
    ]
    assert [item.origin for item in items] == ["chatgpt:conv-a:q", "chatgpt:conv-a:new"]
    assert items[0].draft.at == datetime(2023, 11, 14, 22, 13, 20, 250000, tzinfo=UTC)
    assert (items[0].draft.thread, items[0].draft.kind) == ("Melons", "message")


def test_chatgpt_without_current_node_title_or_times(tmp_path: Path) -> None:
    conversation: dict[str, Any] = chat(title=None, current_node=None)
    for node in conversation["mapping"].values():
        if node["message"]:
            node["message"]["create_time"] = None
    items, _ = both(put(tmp_path / "c.json", [conversation]))
    assert [item.draft.text for item in items][-1] == "In late summer."
    assert {item.draft.thread for item in items} == {"conv-a"}
    assert {item.draft.at for item in items} == {datetime(2023, 11, 14, 22, 13, 19, tzinfo=UTC)}


def test_chatgpt_loops_and_missing_parents_end(tmp_path: Path) -> None:
    conversation: dict[str, Any] = chat()
    conversation["mapping"]["q"]["parent"] = "new"
    items, _ = both(put(tmp_path / "c.json", [conversation]))
    assert len(items) == 2
    conversation["mapping"]["q"]["parent"] = "gone"
    assert len(both(put(tmp_path / "c.json", [conversation]))[0]) == 2


@pytest.mark.parametrize(
    ("content", "texts", "whys"),
    [
        ({"content_type": MIXED, "parts": [{"asset_pointer": "x"}, "Look"]}, ["Look"], [PICTURE]),
        ({"content_type": MIXED, "parts": [{"content_type": "audio_transcription", "text": "Said"}]}, ["Said"], []),
        ({"content_type": MIXED, "parts": [{"asset_pointer": "x"}]}, [], [PICTURE]),
        ({"content_type": "text", "parts": ["a", "", "b"]}, ["a\nb"], []),
        ({"content_type": "code", "text": "x = 1"}, ["x = 1"], []),
        ({"content_type": "text", "parts": ["yes\ue200cite\ue202turn0\ue201."]}, ["yes."], []),
        ({"content_type": "thoughts", "thoughts": []}, [], ["it is a model's reasoning"]),
        ({"content_type": "text", "parts": [""]}, [], ["its text is empty"]),
        ("plain", ["plain"], []),
        (None, [], ["its text is empty"]),
    ],
)  # fmt: skip
def test_chatgpt_content(tmp_path: Path, content: object, texts: list[str], whys: list[str]) -> None:
    conversation: dict[str, Any] = chat()
    conversation["mapping"]["new"]["message"]["content"] = content
    items, skipped = both(put(tmp_path / "c.json", [conversation]), "chatgpt")
    assert [item.draft.text for item in items][1:] == texts
    assert [s.why for s in skipped] == whys
    assert all(s.where == "conversations[0] message 3" for s in skipped)


def test_chatgpt_tool_calls_and_hidden_messages(tmp_path: Path) -> None:
    one: dict[str, Any] = chat()
    one["mapping"]["new"]["message"]["recipient"] = "browser"
    two: dict[str, Any] = chat()
    two["mapping"]["q"]["message"]["metadata"] = {"is_visually_hidden_from_conversation": True}
    items, skipped = both(put(tmp_path / "c.json", [one, two, "x", {"title": "no tree"}]))
    assert len(items) == 2
    assert [s.where for s in skipped] == [
        "conversations[0] message 3",
        "conversations[1] message 2",
        "conversations[2]",
        "conversations[3]",
    ]


def test_a_bad_time_skips_the_message(tmp_path: Path) -> None:
    conversation: dict[str, Any] = chat()
    conversation["mapping"]["new"]["message"]["create_time"] = "soon"
    items, skipped = both(put(tmp_path / "c.json", [conversation]))
    assert len(items) == 1
    assert skipped[0].why == "its date cannot be read"


def test_claude(tmp_path: Path) -> None:
    items, skipped = both(put(tmp_path / "conversations.json", [claude_chat()]))
    assert [(item.draft.source, item.draft.text) for item in items] == [
        ("user", "Is the elevator working?"),
        ("assistant", "Yes.\n\nSince Monday."),
    ]
    assert [item.origin for item in items] == ["claude:c1:m1", "claude:c1:m2"]
    assert items[0].draft.at == datetime(2024, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)
    assert items[0].draft.thread == "Elevator"
    assert [s.why for s in skipped] == ["it is a model's reasoning", "it is a call to a tool, not a message"]


def test_claude_variations(tmp_path: Path) -> None:
    old = {"uuid": "m3", "sender": "human", "text": "Only text", "attachments": [{"file_name": "a"}]}
    nobody = {"uuid": "m4", "sender": "system", "text": "x"}
    nameless = {"sender": "human", "text": "No uuid", "created_at": "2024-03-02T00:00:00Z"}
    conversation = claude_chat(name="", chat_messages=[old, nobody, nameless, 5])
    items, skipped = both(put(tmp_path / "c.json", [conversation]))
    assert [item.draft.text for item in items] == ["Only text", "No uuid"]
    assert items[0].draft.thread == "c1"
    assert items[0].draft.at == datetime(2024, 3, 1, 9, 59, tzinfo=UTC)
    assert [s.why for s in skipped] == [
        "it is an attached file",
        "it is by neither the user nor the assistant",
        "it is not a message",
    ]


def test_claude_branch(tmp_path: Path) -> None:
    messages = [
        {"uuid": "a", "sender": "human", "text": "A", "parent_message_uuid": "0"},
        {"uuid": "b", "sender": "assistant", "text": "B", "parent_message_uuid": "a"},
        {"uuid": "c", "sender": "assistant", "text": "C", "parent_message_uuid": "a"},
    ]
    conversation = claude_chat(chat_messages=messages, current_leaf_message_uuid="c")
    items, _ = both(put(tmp_path / "c.json", [conversation]))
    assert [item.draft.text for item in items] == ["A", "C"]


@pytest.mark.parametrize(("make", "name"), [(chat, "chatgpt"), (claude_chat, "claude")])
def test_archives_and_folders(tmp_path: Path, make: Callable[[], dict[str, object]], name: str) -> None:
    archive = tmp_path / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("user.json", "{}")
        out.writestr("data/conversations.json", json.dumps([make()]))
        out.writestr("../conversations.json", json.dumps([make(), make()]))
    assert detect(archive) == name
    inside = both(archive)[0]
    assert len(inside) == 2
    folder = tmp_path / "unpacked"
    folder.mkdir()
    put(folder / "conversations-000.json", [make()])
    put(folder / "conversations-001.json", {"conversations": [make()]})
    assert detect(folder) == name
    items, _ = both(folder)
    assert [item.origin for item in items] == [item.origin for item in inside] * 2


def test_zip_bombs_and_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("conversations.json", b"[" + b" " * 5_000_000 + b"]")
    with pytest.raises(InputError, match="200 times"):
        list(read(bomb, "chatgpt"))
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("conversations.json", json.dumps([chat()]))
    raw = good.read_bytes()
    for broken in (raw[: len(raw) // 2], raw[:60] + b"\xff" * 40 + raw[100:], b"PK\x03\x04"):
        with pytest.raises(InputError):
            list(read(put(tmp_path / "broken.zip", broken), "chatgpt"))
    monkeypatch.setattr(files, "MAX_DOCUMENT_BYTES", 100)
    with pytest.raises(InputError, match="2 GiB"):
        list(read(good, "chatgpt"))
    with pytest.raises(InputError, match="2 GiB"):
        list(read(put(tmp_path / "c.json", [chat()]), "chatgpt"))


def test_archives_of_something_else(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as out:
        out.writestr("readme.txt", "x")
    with pytest.raises(InputError, match="no format that is known"):
        detect(other)
    with pytest.raises(InputError, match=r"conversations\.json"):
        list(read(other, "claude"))
    with pytest.raises(InputError, match=r"conversations\.json"):
        list(read(tmp_path, "claude"))


@pytest.mark.parametrize(
    "raw",
    [b"[{]", b'[{"a": "\xff"}]', b"5", b"[" * 300_000, "[]".encode("utf-16"), b'{"conversations": 5'],
    ids=range(6),
)
def test_documents_that_cannot_be_read(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(InputError) as caught:
        list(read(put(tmp_path / "c.json", raw), "chatgpt"))
    assert str(tmp_path) in str(caught.value)


def test_a_zip_whose_members_begin_before_it_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("conversations.json", json.dumps([chat()]))
    raw = bytearray(buffer.getvalue())
    raw[-6:-2] = (int.from_bytes(raw[-6:-2], "little") + 1_000).to_bytes(4, "little")
    path = put(tmp_path / "export.zip", bytes(raw))
    for look in (lambda: detect(path), lambda: both(path, "chatgpt")):
        with pytest.raises(InputError):
            look()
