"""`claude`: the data export of Claude.ai (conversations.json, the .zip or the unpacked folder).

There is no official description. A conversation is `{uuid, name, created_at, chat_messages}`, a message is
`{uuid, sender, created_at, text, content}`; `content` lists blocks, of which those of type "text" are what was said.
`attachments` of a message have the text of what was pasted or uploaded as `extracted_content`; `files` have names only.

Beside the conversations there are memories, `{conversations_memory, project_memories: {project: text}}`, and projects,
`{uuid, name, description, prompt_template, docs: [{uuid, filename, content, created_at}]}`: in one file each, or in a
folder with a file for each. Both are long texts, which are cut as notes are.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from severance.model import Draft
from severance.transfer import bundle, claudebeside, fit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped

_SENDERS = {"human": "user", "user": "user", "assistant": "assistant"}
_OTHER_BLOCKS = {
    "thinking": "it is a model's reasoning",
    "tool_use": "it is a call to a tool, not a message",
    "tool_result": "it is the answer of a tool, not a message",
}
# Bookkeeping that nobody wrote and nobody read.
_SILENT_BLOCKS = frozenset({"token_budget", "flag"})


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each message of the user and of the assistant, and for each part of what is kept beside them; see
    `Reader`.
    """
    for where, entry in bundle.entries(path, progress):
        if isinstance(entry, dict) and isinstance(entry.get("chat_messages"), list):
            yield from _conversation(where, entry)
        elif isinstance(entry, dict) and claudebeside.is_one(entry):
            yield from claudebeside.entry(where, entry)
        else:
            yield Skipped(where, "it is not a conversation")


def _conversation(where: str, conversation: dict[str, Any]) -> Iterator[Found]:
    before = conversation.get("created_at")
    for number, message in _branch(conversation):
        place = f"{where} message {number}"
        if not isinstance(message, dict):
            yield Skipped(place, "it is not a message")
            continue
        sender = message.get("sender")
        role = _SENDERS.get(sender) if isinstance(sender, str) else None
        if role is None:
            yield Skipped(place, "it is by neither the user nor the assistant")
            continue
        before = before if message.get("created_at") is None else message["created_at"]
        yield from _message(place, conversation, message, role, before)


def _branch(conversation: dict[str, Any]) -> list[tuple[int, object]]:
    """The messages, numbered; only those of the current branch where the export says which that is."""
    messages = list(enumerate(conversation["chat_messages"], 1))
    tip = conversation.get("current_leaf_message_uuid")
    known = {m["uuid"]: m for _, m in messages if isinstance(m, dict) and isinstance(m.get("uuid"), str)}
    if not isinstance(tip, str) or tip not in known:
        return messages
    branch: set[str] = set()
    while isinstance(tip, str) and tip in known and tip not in branch:
        branch.add(tip)
        tip = known[tip].get("parent_message_uuid")
    return [(n, m) for n, m in messages if not isinstance(m, dict) or _uuid(m) in branch]


def _uuid(message: dict[str, Any]) -> str | None:
    uuid = message.get("uuid")
    return uuid if isinstance(uuid, str) else None


def _message(
    where: str, conversation: dict[str, Any], message: dict[str, Any], role: str, time: object
) -> Iterator[Found]:
    words, others = _content(message)
    pasted = claudebeside.attachments(message)
    for name in ("attachments", "files", "files_v2"):
        if isinstance(message.get(name), list):
            others += ["it is an attached file"] * len(message[name])
    for why in others[: len(others) - len(pasted)]:
        yield Skipped(where, why)
    if words or not others:
        yield fit.attempt(where, lambda: _item(conversation, message, role, "\n\n".join(words), time))
    for name, text in pasted:
        known = {"conversation": _name(conversation), "file": name}
        yield from claudebeside.parts(where, text, "attachment", known, time, source=role)


def _content(message: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The texts of a message, and a reason for each block that is none."""
    content, whole = message.get("content"), message.get("text")
    if isinstance(content, str):
        return [content], []
    words: list[str] = []
    others: list[str] = []
    for block in content if isinstance(content, list) else []:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            words.append(block["text"])
        elif not isinstance(kind, str) or kind not in _SILENT_BLOCKS:
            others.append(_OTHER_BLOCKS.get(kind, "it is not text") if isinstance(kind, str) else "it is not text")
    words = [word for word in words if word.strip()]
    # Older exports have only `text`. Beside blocks that are no text it holds only stand-ins for them.
    if not words and not others and isinstance(whole, str) and whole.strip():
        words = [whole]
    return words, others


def _item(conversation: dict[str, Any], message: dict[str, Any], role: str, words: str, time: object) -> Item:
    text, at, name = fit.text(words), fit.when(time), _name(conversation)
    known = {"conversation": name, "project": conversation.get("project_uuid")}
    draft = Draft(
        text=text,
        at=at,
        thread=fit.label(conversation.get("name")) or fit.label(name),
        source=role,
        kind="message",
        metadata=fit.metadata({each: value for each, value in known.items() if value is not None}),
    )
    return fit.item(draft, fit.origin("claude", name, _uuid(message) or fit.digest(f"{role}/{at}/{text}")))


def _name(conversation: dict[str, Any]) -> str:
    name = conversation.get("uuid")
    return name if isinstance(name, str) else fit.digest(f"{conversation.get('name')}/{conversation.get('created_at')}")


FORMAT = Format(
    "claude", "the data export of Claude.ai: its .zip, its folder, or conversations.json", read, folder=True
)
