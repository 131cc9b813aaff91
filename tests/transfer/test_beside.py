"""What the exports of chat services hold beside the messages: saved memories, projects, texts of attachments."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from severance.transfer import detect
from transfer.samples import both, chat, claude_chat, put

MEMORIES = [{"conversations_memory": "Mark works at Lumon.", "project_memories": {"p1": "The numbers are scary."}}]
PROJECT = {
    "uuid": "p1",
    "name": "Numbers",
    "description": "",
    "prompt_template": "Be brief.",
    "created_at": "2024-02-01T00:00:00Z",
    "docs": [{"uuid": "d1", "filename": "bins.md", "content": "# Bins\n\nFour of them.", "created_at": None}, 7],
}


def bundle(path: Path, **members: object) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name.replace('__', '/')}.json", json.dumps(content))
    return path


def test_a_claude_export_with_memories_and_projects(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", users=[], memories=MEMORIES, projects=[PROJECT], conversations=[claude_chat()])
    assert detect(path) == "claude"
    found, skipped = both(path)
    told = [(item.draft.kind, item.draft.text) for item in found]
    assert told[2:] == [
        ("memory", "Mark works at Lumon."),
        ("memory", "The numbers are scary."),
        ("prompt", "Be brief."),
        ("file", "# Bins\n\nFour of them."),
    ]
    assert found[3].draft.metadata == {"project": "p1"}
    assert found[5].draft.metadata == {"project": "Numbers", "file": "bins.md"}
    assert found[5].draft.at == datetime(2024, 2, 1, tzinfo=UTC)
    assert skipped[-1].where == "projects[0] file 2"


def test_a_file_for_each_project_and_memory_is_the_same(tmp_path: Path) -> None:
    one, _ = both(bundle(tmp_path / "a.zip", memories=MEMORIES, projects=[PROJECT], conversations=[]), "claude")
    split = bundle(tmp_path / "b.zip", memories__acct=MEMORIES[0], projects__p1=PROJECT, conversations=[])
    assert [item.origin for item in both(split, "claude")[0]] == [item.origin for item in one]
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(split) as archive:
        archive.extractall(folder)
    assert [item.origin for item in both(folder, "claude")[0]] == [item.origin for item in one]


def test_memories_alone_are_told_and_read(tmp_path: Path) -> None:
    for path in (put(tmp_path / "memories.json", MEMORIES), bundle(tmp_path / "m.zip", memories=MEMORIES)):
        assert detect(path) == "claude"
        assert len(both(path)[0]) == 2


def test_a_link_among_projects_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    (folder / "projects").mkdir(parents=True)
    put(folder / "conversations.json", [claude_chat()])
    put(tmp_path / "secret.json", PROJECT)
    (folder / "projects" / "p1.json").symlink_to(tmp_path / "secret.json")
    assert all(item.draft.kind == "message" for item in both(folder)[0])


def test_the_text_of_an_attachment_is_kept_with_its_name(tmp_path: Path) -> None:
    talk: Any = claude_chat()
    talk["chat_messages"][0]["attachments"] = [
        {"file_name": "pasted.txt", "extracted_content": "The lift was built in 1965."},
        {"file_name": "photo.jpg"},
    ]
    found, skipped = both(put(tmp_path / "c.json", [talk]))
    kept = [item for item in found if item.draft.kind == "attachment"]
    assert [item.draft.text for item in kept] == ["The lift was built in 1965."]
    assert kept[0].draft.metadata == {"conversation": "c1", "file": "pasted.txt"}
    assert [each.why for each in skipped].count("it is an attached file") == 1


def saved(text: str, **more: object) -> dict[str, object]:
    message = {"author": {"role": "assistant"}, "recipient": "bio", "create_time": 1700000003.0}
    return {"parent": "new", "message": {**message, "content": {"content_type": "text", "parts": [text]}, **more}}


def test_what_chatgpt_saved_is_a_memory_once(tmp_path: Path) -> None:
    listed = {
        "content_type": "model_editable_context",
        "model_set_context": "1. [2024-05-31]. Likes waffles.\n\n2. [2024-06-01]. Has a brother,\nwho is ill.",
    }
    one: Any = chat(current_node="save")
    one["mapping"]["save"] = saved("Likes waffles.")
    two: Any = chat(conversation_id="conv-b", current_node="list", gizmo_id="g-p-77")
    hidden = {"is_visually_hidden_from_conversation": True}
    two["mapping"]["list"] = {
        "parent": "new",
        "message": {"author": {"role": "system"}, "content": listed, "metadata": hidden},
    }
    found, _ = both(put(tmp_path / "c.json", [one, two]), "chatgpt")
    facts = [item for item in found if item.draft.kind == "fact"]
    assert [item.draft.text for item in facts] == ["Likes waffles.", "Likes waffles.", "Has a brother,\nwho is ill."]
    assert facts[0].origin == facts[1].origin
    assert facts[2].draft.at == datetime(2024, 6, 1, tzinfo=UTC)
    assert {item.draft.metadata.get("project") for item in found if item.draft.kind == "message"} == {None, "g-p-77"}


def test_a_saved_memory_that_is_odd_costs_nothing(tmp_path: Path) -> None:
    for content in (None, {"content_type": "model_editable_context", "model_set_context": 5}, {"parts": [None, 5]}):
        one: Any = chat(current_node="save")
        one["mapping"]["save"] = saved("x", content=content)
        found, _ = both(put(tmp_path / "c.json", [one]), "chatgpt")
        assert [item.draft.kind for item in found] == ["message", "message"]
