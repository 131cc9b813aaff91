"""`letta`: an agent file of Letta (.af, JSON), in both layouts.

Now: `{agents: [{id, name, messages, block_ids}], blocks: [{id, label, value}], files: [{file_name, content}], sources,
tools, ...}`. Until 2025: one agent, with `core_memory: [{label, value}]` and `messages`. Read are the blocks, the files
of attached folders, and what the user and the agent said to each other; not instructions, tools and a model's
reasoning. An agent file holds no archival passages. A memory folder of Letta (MemFS) is Markdown, and read as that.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from severance.errors import InputError
from severance.model import Draft
from severance.transfer import files, fit
from severance.transfer.items import Format, Found, Item, Options, Progress, Skipped
from severance.transfer.longtext import parts

_REASONING = "it is a model's reasoning"
_SYSTEM = "it is by neither the user nor the assistant"
_SEND = "send_message"


def read(path: Path, options: Options, progress: Progress) -> Iterator[Found]:
    """One memory for each block or part of one, part of a file, and message; see `Reader`."""
    document = files.read_document(path)
    if not isinstance(document, dict):
        raise InputError(f"{path} holds no agent; name the .af file that Letta exported")
    whole = document.get("agents")
    agents = whole if isinstance(whole, list) else [document]
    owners = _owners(agents)
    for index, block in enumerate(_listed(document, "blocks")):
        yield from _block(f"blocks[{index}]", block, owners)
    for index, file in enumerate(_listed(document, "files")):
        yield from _file(f"files[{index}]", file)
    for index, agent in enumerate(agents):
        where = f"agents[{index}]" if isinstance(whole, list) else "agent"
        if not isinstance(agent, dict):
            yield Skipped(where, "it is not an agent")
            continue
        yield from _agent(where, agent)
        progress.share(index + 1, len(agents))


def _agent(where: str, agent: dict[str, Any]) -> Iterator[Found]:
    name = agent.get("name") if isinstance(agent.get("name"), str) else None
    for list_name in ("core_memory", "memory_blocks"):
        for index, block in enumerate(_listed(agent, list_name)):
            yield from _block(f"{where}.{list_name}[{index}]", block, {}, name)
    for index, message in enumerate(_listed(agent, "messages")):
        place = f"{where} message {index + 1}"
        if isinstance(message, dict):
            yield from _message(place, message, name)
        else:
            yield Skipped(place, "it is not a message")


def _owners(agents: list[Any]) -> dict[str, str]:
    """The first agent that each block is attached to, by the block's id."""
    owners: dict[str, str] = {}
    for agent in agents:
        if isinstance(agent, dict) and isinstance(agent.get("name"), str):
            for block in _listed(agent, "block_ids"):
                if isinstance(block, str):
                    owners.setdefault(block, agent["name"])
    return owners


def _block(where: str, block: object, owners: dict[str, str], agent: str | None = None) -> Iterator[Found]:
    if not isinstance(block, dict) or not isinstance(block.get("value"), str):
        yield Skipped(where, "it has no text")
        return
    if not block["value"].strip():
        return  # an agent begins with empty blocks
    name = agent or owners.get(str(block.get("id")))
    known = {"agent": name, "block": block.get("label"), "description": block.get("description")}
    yield from _parts(where, block["value"], "block", known, block.get("updated_at") or block.get("created_at"))


def _file(where: str, file: object) -> Iterator[Found]:
    content = file.get("content") if isinstance(file, dict) else None
    if not isinstance(file, dict) or not isinstance(content, str) or not content.strip():
        yield Skipped(where, "its content is not in the agent file")
        return
    name = file.get("original_file_name") or file.get("file_name")
    yield from _parts(where, content, "file", {"file": name}, file.get("file_creation_date"))


def _parts(where: str, text: str, kind: str, known: dict[str, Any], time: object) -> Iterator[Found]:
    known = {name: value for name, value in known.items() if value not in (None, "")}
    thread = known.get("block") or known.get("file")

    def make(part: str) -> Item:
        draft = Draft(
            text=fit.text(part),
            at=fit.when(time),
            thread=fit.label(thread),
            source=fit.label(known.get("agent") or known.get("file")),
            kind=kind,
            metadata=fit.metadata(known),
        )
        return fit.item(draft, fit.origin("letta", kind, fit.digest(f"{thread}\n{part}")))

    for number, part in enumerate(parts(text), 1):
        yield fit.attempt(f"{where} part {number}", lambda part=part: make(part))  # type: ignore[misc]


def _message(where: str, message: dict[str, Any], agent: str | None) -> Iterator[Found]:
    role = message.get("role")
    if role not in ("user", "assistant"):
        yield Skipped(where, _SYSTEM)
        return
    words, others = _said(message) if role == "assistant" else _asked(message)
    yield from (Skipped(where, why) for why in others)

    def make() -> Item:
        text, at = fit.text("\n\n".join(words)), fit.when(message.get("created_at"))
        known = {"agent": agent, "model": message.get("model"), "name": message.get("name")}
        draft = Draft(
            text=text,
            at=at,
            thread=fit.label(agent),
            source=role,
            kind="message",
            metadata=fit.metadata({name: value for name, value in known.items() if value}),
        )
        # The ids of an agent file are made anew with each export.
        return fit.item(draft, fit.origin("letta", "message", fit.digest(f"{agent}/{role}/{at}/{text}")))

    if words or not others:
        yield fit.attempt(where, make)


def _asked(message: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What a user wrote; older agents got it wrapped in JSON, as they got what the system told them."""
    words = _texts(message)
    try:
        wrapped = files.parse(words[0]) if len(words) == 1 and words[0].lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        wrapped = None
    if not isinstance(wrapped, dict) or not isinstance(wrapped.get("type"), str):
        return words, []
    inner = wrapped.get("message")
    return ([inner], []) if wrapped["type"] == "user_message" and isinstance(inner, str) else ([], [_SYSTEM])


def _said(message: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What an agent said. An older one says it by calling a tool, and its text beside that is what it thought."""
    said, others = [], []
    for call in _listed(message, "tool_calls"):
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict) and function.get("name") == _SEND:
            said += _sent(function.get("arguments"))
        else:
            others.append("it is a call to a tool, not a message")
    thought = _texts(message)
    if said:
        return said, others + [_REASONING] * bool(thought)
    return thought, others


def _sent(arguments: object) -> list[str]:
    try:
        given = files.parse(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return []
    said = given.get("message") if isinstance(given, dict) else None
    return [said] if isinstance(said, str) and said.strip() else []


def _texts(message: dict[str, Any]) -> list[str]:
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    blocks = [block for block in _listed(message, "content") if isinstance(block, dict)]
    texts = [block["text"] for block in blocks if block.get("type") == "text" and isinstance(block.get("text"), str)]
    return [text for text in texts if text.strip()]


def _listed(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []


FORMAT = Format("letta", "an agent file of Letta (.af): its blocks, files and messages", read)
