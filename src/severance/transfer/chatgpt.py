"""`chatgpt`: the data export of ChatGPT (conversations.json, its numbered parts, the .zip or the unpacked folder).

There is no official description; the layout read here is the one of exports from 2023 to 2026. A conversation is a tree
of nodes, since every edit and every new answer makes a branch: `current_node` is the tip of the branch that the person
last saw, and only that branch is read.

There is no file of the memories that ChatGPT has saved. They are in the conversations: a call to the tool `bio` has
what was to be saved, and some conversations begin with all that was saved then, numbered and dated. Each is remembered
once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from severance.model import Draft
from severance.transfer import bundle, chatgptsaved, fit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped

_ROLES = ("user", "assistant")
# Private-use characters around references to search results: markers for the app's screen, not words.
_MARKERS = re.compile("\ue200[^\ue201]*\ue201")
_NOT_TEXT = "it is a picture, a sound or a file"
_KINDS_WITHOUT_WORDS = {
    "thoughts": "it is a model's reasoning",
    "reasoning_recap": "it is a model's reasoning",
    "user_editable_context": "it is settings, not a message",
    "model_editable_context": "it is settings, not a message",
}


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each message of the user and of the assistant; see `Reader`."""
    for where, conversation in bundle.entries(path, progress):
        if isinstance(conversation, dict) and isinstance(conversation.get("mapping"), dict):
            yield from _conversation(where, conversation)
        else:
            yield Skipped(where, "it is not a conversation")


def _conversation(where: str, conversation: dict[str, Any]) -> Iterator[Found]:
    before = conversation.get("create_time")
    for number, (node, message) in enumerate(_branch(conversation), 1):
        role = _role(message)
        saved = chatgptsaved.saved(message)
        if saved is not None:
            yield from chatgptsaved.entries(f"{where} message {number}", saved, message.get("create_time") or before)
            continue
        if role not in _ROLES:
            continue
        # Some messages carry no time of their own; the one before them is nearer the truth than the day of the import.
        before = before if message.get("create_time") is None else message["create_time"]
        yield from _message(f"{where} message {number}", conversation, node, message, role, before)


def _branch(conversation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The messages from the root to the current node, with the ids of their nodes."""
    mapping = conversation["mapping"]
    node = conversation.get("current_node")
    if not isinstance(node, str) or node not in mapping:
        node = _newest_tip(mapping)
    branch, seen = [], set()
    while isinstance(node, str) and node not in seen and isinstance(mapping.get(node), dict):
        seen.add(node)
        message = mapping[node].get("message")
        if isinstance(message, dict):
            branch.append((node, message))
        node = mapping[node].get("parent")
    return branch[::-1]


def _newest_tip(mapping: dict[str, Any]) -> str | None:
    """The last node that is nobody's parent: exports write nodes in the order in which they were made."""
    parents = {node.get("parent") for node in mapping.values() if isinstance(node, dict) and _is_name(node)}
    tips = [name for name, node in mapping.items() if isinstance(node, dict) and name not in parents]
    return tips[-1] if tips else None


def _is_name(node: dict[str, Any]) -> bool:
    return isinstance(node.get("parent"), str)


def _role(message: dict[str, Any]) -> object:
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else None


def _message(
    where: str, conversation: dict[str, Any], node: str, message: dict[str, Any], role: object, time: object
) -> Iterator[Found]:
    notes = message.get("metadata")
    notes = notes if isinstance(notes, dict) else {}
    if notes.get("is_visually_hidden_from_conversation") is True:
        yield Skipped(where, "it is hidden in the conversation")
        return
    if role == "assistant" and message.get("recipient") not in (None, "all"):
        yield Skipped(where, "it is a call to a tool, not a message")
        return
    words, others = _content(message.get("content"))
    for why in others:
        yield Skipped(where, why)
    if words or not others:
        yield fit.attempt(where, lambda: _item(conversation, node, role, "\n".join(words), time, notes))


def _content(content: object) -> tuple[list[str], list[str]]:
    """The texts in a message's content, and a reason for each part of it that is none."""
    if isinstance(content, str):
        return [content], []
    if not isinstance(content, dict):
        return [], []
    kind = content.get("content_type")
    if isinstance(kind, str) and kind in _KINDS_WITHOUT_WORDS:
        return [], [_KINDS_WITHOUT_WORDS[kind]]
    parts = content.get("parts")
    if not isinstance(parts, list):
        parts = [content["text"]] if isinstance(content.get("text"), str) else []
    words, others = [], []
    for part in parts:
        # A transcript of what was said aloud is a part with a text.
        said = part.get("text") if isinstance(part, dict) else part
        if isinstance(said, str):
            words.append(_MARKERS.sub("", said))
        else:
            others.append(_NOT_TEXT)
    return [word for word in words if word.strip()], others


def _item(
    conversation: dict[str, Any], node: str, role: object, words: str, time: object, notes: dict[str, Any]
) -> Item:
    name = conversation.get("conversation_id") or conversation.get("id")
    if not isinstance(name, str):
        name = fit.digest(f"{conversation.get('title')}/{conversation.get('create_time')}")
    draft = Draft(
        text=fit.text(words),
        at=fit.when(time),
        thread=fit.label(conversation.get("title")) or fit.label(name),
        source=str(role),
        kind="message",
        metadata=fit.metadata({"conversation": name, "model": notes.get("model_slug")} | _project(conversation)),
    )
    return fit.item(draft, fit.origin("chatgpt", name, node))


def _project(conversation: dict[str, Any]) -> dict[str, str]:
    """The project that the conversation is in; other numbers of that field are those of assistants."""
    name = conversation.get("gizmo_id")
    return {"project": name} if isinstance(name, str) and name.startswith("g-p-") else {}


FORMAT = Format("chatgpt", "the data export of ChatGPT: its .zip, its folder, or conversations.json", read, folder=True)
