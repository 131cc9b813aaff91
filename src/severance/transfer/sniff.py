"""Telling which format a source is in, by what is in it; the name decides only between text and text."""

from __future__ import annotations

import re
from pathlib import Path

from severance.errors import InputError
from severance.transfer import bundle, compartment, database, files, langgraph, markdown, mem0store

# LoCoMo puts its questions before its conversations, so that the names that give it away come late.
_HEAD_BYTES = 1 << 20
_LINES_SUFFIXES = (".jsonl", ".ndjson")
# Inside a JSON string a quote is escaped, so that nothing somebody wrote can look like a field.
_FIELD = re.compile(r'(?<!\\)"([a-z_0-9]{1,40})"\s{0,40}:')
_JSON_SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("chatgpt", frozenset({"mapping"})),
    ("claude", frozenset({"chat_messages"})),
    ("claude", frozenset({"conversations_memory"})),
    ("claude", frozenset({"prompt_template", "docs"})),
    ("letta", frozenset({"agents", "agent_type"})),
    ("letta", frozenset({"core_memory", "agent_type"})),
    ("langgraph", frozenset({"namespace", "key", "value"})),
    ("mcp", frozenset({"entities", "relations"})),
    ("mcp", frozenset({"entities", "observations"})),
    ("locomo", frozenset({"dia_id"})),
    ("locomo", frozenset({"session_1"})),
    ("locomo", frozenset({"evidence", "qa"})),
    ("mem0", frozenset({"memory"})),
    ("mem0", frozenset({"memories"})),
    ("mem0", frozenset({"results"})),
    ("jsonl", frozenset({"text"})),
)
_MAIL = re.compile(rb"From [^\n]*\n[!-9;-~]+[ \t]*:|(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){3}")
_MAIL_SIGNS = re.compile(rb"^(?:from|received|message-id|date):", re.IGNORECASE | re.MULTILINE)


def sniff(path: Path, listing: str) -> str:
    """The name of the format of what is at `path`, which exists; `listing` is what an error offers instead.

    Raises:
        InputError: it cannot be read, or is in none of them.
    """
    name = _folder(path) if path.is_dir() else _file(path)
    if name is None and path.is_dir():
        raise InputError(
            f"{path} holds no Markdown, no text and no export that is known; name a file in it, or a format: {listing}"
        )
    if name is None:
        raise InputError(f"{path} is in no format that is known; name one with --format: {listing}")
    return name


def _folder(path: Path) -> str | None:
    first = bundle.head(path, _HEAD_BYTES)
    chats = None if first is None else _chats(first)
    if chats is not None:
        return chats
    if mem0store.is_home(path) or mem0store.is_vectors(path):
        return "mem0"
    return "markdown" if first is None and markdown.has_notes(path) else None


def _file(path: Path) -> str | None:
    first = files.head(path, _HEAD_BYTES)
    if bundle.is_zip(first):
        inside = bundle.head(path, _HEAD_BYTES)
        return None if inside is None else _chats(inside)
    if first.startswith(database.MAGIC):
        return _database(path)
    files.refuse_utf16(first[:4], str(path))
    return _text(path.suffix.lower(), first.removeprefix(b"\xef\xbb\xbf"))


def _chats(first: bytes) -> str | None:
    name = _json(first)
    return name if name in ("chatgpt", "claude") else None


def _database(path: Path) -> str | None:
    with database.opened(path) as db:
        tables = db.tables()
    if langgraph.is_store(tables):
        return "langgraph"
    if mem0store.is_pickled(tables):
        raise mem0store.pickled(path)
    return "mem0" if mem0store.is_history(tables) else None


def _text(suffix: str, first: bytes) -> str | None:
    if suffix in _LINES_SUFFIXES:
        return _by_first_line(first.lstrip().split(b"\n", 1)[0]) or "jsonl"
    if first.lstrip().startswith((b"{", b"[", b'"')) and suffix not in markdown.SUFFIXES:
        return _json(first.lstrip())
    if b"\0" in first:
        return None
    if _MAIL.match(first) and _MAIL_SIGNS.search(first[:8192]):
        return "mbox"
    return "markdown" if suffix in markdown.SUFFIXES else None


def _json(first: bytes) -> str | None:
    name = _by_first_line(first.split(b"\n", 1)[0])
    if name is not None:
        return name
    fields = set(_FIELD.findall(first.decode("utf-8", "ignore")))
    name = next((name for name, signs in _JSON_SIGNS if signs <= fields), None)
    if name is None and re.match(rb'\[\s*"', first):
        return "jsonl"
    return name


def _by_first_line(line: bytes) -> str | None:
    """Which format of lines the first one alone is a whole entry of, if of any."""
    try:
        value = files.parse(line.decode())
    except (ValueError, RecursionError):
        return None
    if isinstance(value, str):
        return "jsonl"
    if not isinstance(value, dict):
        return None
    if value.get("type") in ("entity", "relation") and ("observations" in value or "relationType" in value):
        return "mcp"
    if value.keys() >= compartment.SIGNS:
        return "compartment"
    return "jsonl" if isinstance(value.get("text"), str) else None
