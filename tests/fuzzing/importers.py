"""Importers: whatever a file holds, it is refused in a sentence, or its entries are drafts that can be remembered."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from functools import cache

from fuzzing import documents
from fuzzing.target import Choices, Target, scratch, text_of
from fuzzing.texts import check_draft
from severance.errors import InputError
from severance.transfer import FORMATS, Item, Skipped, detect, fit, frontmatter, jsonl, mbox, read
from severance.transfer.ingest import _marked
from severance.transfer.items import Found
from transfer.samples import LINES, MAIL, NOTES, VALID, chat, claude_chat

_MAX_WHY = 120
_MAX_ORIGIN_BYTES = 200


def check_found(entries: Iterable[Found]) -> list[Item]:
    """Items can be remembered as they are; what was skipped is told without its content."""
    items = []
    for entry in entries:
        if isinstance(entry, Skipped):
            assert entry.why.isprintable()
            assert len(entry.why) < _MAX_WHY
            entry.where.encode()
            continue
        check_draft(_marked(entry))
        assert entry.origin.isprintable()
        assert 0 < len(entry.origin.encode()) <= _MAX_ORIGIN_BYTES
        assert entry.repeats >= 1
        items.append(entry)
    return items


def whole(data: bytes, name: str | None, suffix: str = ".txt", options: Mapping[str, str] | None = None) -> list[Item]:
    """Write a file, read it as this format (None: as what it seems to be), and check all that is found."""
    path = scratch() / f"import{suffix}"
    path.write_bytes(data)
    try:
        with read(path, name, options) as reading:
            found = list(reading)
            assert reading.done >= 0
    except InputError:
        return []
    return check_found(found)


def run_line(data: bytes) -> None:
    """One line of JSON Lines is a memory or is skipped, and the same line is the same memory again."""
    found = jsonl._line("line 1", data)
    check_found([found])
    assert jsonl._line("line 1", data) == found


def run_entry(data: bytes) -> None:
    """One value of JSON Lines, made of odd parts."""
    choices = Choices(data)
    run_line(documents.document(choices, choices.pick(_LINES)).replace(b"\n", b" "))


_LINES = tuple(line for line in LINES.split(b"\n") if line)


def run_jsonl(data: bytes) -> None:
    """A file of lines, or an array."""
    whole(data, "jsonl")


def run_markdown(data: bytes) -> None:
    """A Markdown file."""
    whole(data, "markdown", ".md")


def run_front_matter(data: bytes) -> None:
    """The head of a Markdown file: plain values, and a date that is read or refused."""
    found = frontmatter.parse(text_of(data).split("\n"))
    assert all(name == name.strip().lower() for name in (*found.values, *found.lists))
    with suppress(fit.Unfit):
        fit.when(found.date)
    with suppress(fit.Unfit):
        fit.metadata({"title": found.title, "tags": found.tags})


def run_mbox(data: bytes) -> None:
    """A mailbox."""
    whole(data, "mbox")


def run_mail(data: bytes) -> None:
    """Mails with odd parts, as one mailbox."""
    raw = documents.mail(Choices(data))
    whole(raw, "mbox")


def run_one_mail(data: bytes) -> None:
    """One mail, without a file."""
    check_found(mbox._mail("mail 1", data))


def _documents(name: str) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        choices = Choices(data)
        options = {"speaker": "Ines"} if name == "locomo" and choices.byte() % 4 == 3 else {}
        whole(documents.document(choices, VALID[name]), name, options=options)

    run.__doc__ = f"An export of {name} with odd things in it."
    return run


def _lines_of(name: str) -> Callable[[bytes], None]:
    lines = [line for line in VALID[name].split(b"\n") if line]

    def run(data: bytes) -> None:
        choices = Choices(data)
        odd = [documents.document(choices, choices.pick(lines)).replace(b"\n", b" ") for _ in range(2)]
        whole(b"\n".join([*odd, *lines]), name, ".jsonl")

    run.__doc__ = f"Lines of {name} with odd things in them."
    return run


_DOCUMENTS = ("chatgpt", "claude", "mem0", "langgraph", "letta", "locomo")
_LINES_OF = ("mcp", "compartment")
_JSON_FORMATS = (*_DOCUMENTS, *_LINES_OF, "jsonl")


def run_json(data: bytes) -> None:
    """Any bytes as any of the formats in JSON."""
    whole(data[1:], _JSON_FORMATS[data[0] % len(_JSON_FORMATS)] if data else "mem0")


_SUFFIXES = (".json", ".jsonl", ".md", ".txt", ".mbox", ".eml", ".zip", "")


def run_sniff(data: bytes) -> None:
    """What a file seems to be is one of the formats, or it is refused; and it is then read as that."""
    suffix = _SUFFIXES[data[0] % len(_SUFFIXES)] if data else ""
    path = scratch() / f"import{suffix}"
    path.write_bytes(data[1:])
    try:
        assert detect(path) in FORMATS
    except InputError:
        return
    whole(data[1:], None, suffix)


def run_archive(data: bytes) -> None:
    """A .zip of chats: altered, of odd members, or too good at compressing."""
    choices = Choices(data)
    name = choices.pick(("chatgpt", "claude"))
    raw = documents.archive(
        choices, lambda drawn: documents.document(Choices(drawn.take(drawn.below(12))), VALID[name])
    )
    path = scratch() / "import.zip"
    path.write_bytes(raw)
    with suppress(InputError):
        detect(path)
    whole(raw, name, ".zip")


@cache
def _databases() -> tuple[tuple[str, bytes], ...]:
    """A LangGraph store and a history of mem0, as the bytes of their files."""
    columns = {
        "langgraph": ("store", "prefix, key, value, created_at, updated_at", ("a.b", "k", '{"text": "x"}', "2024", "")),
        "mem0": ("history", "memory_id, new_memory, event, created_at, updated_at", ("a", "x", "ADD", "2024", "")),
    }
    made = []
    for name, (table, names, row) in columns.items():
        path = scratch() / f"{name}.db"
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as db:
            db.execute(f"CREATE TABLE {table} ({names})")
            db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?)", [row] * 3)
            db.commit()
        made.append((name, path.read_bytes()))
    return tuple(made)


def run_database(data: bytes) -> None:
    """A database of others, with some of its bytes altered."""
    choices = Choices(data)
    name, content = choices.pick(_databases())
    raw = bytearray(content)
    for _ in range(choices.below(12)):
        raw[choices.below(len(raw))] = choices.byte()
    path = scratch() / "import.db"
    path.write_bytes(raw)
    with suppress(InputError):
        detect(path)
    whole(bytes(raw), name, ".db")


def run_folder(data: bytes) -> None:
    """A folder of chats or of notes, whose files have odd names."""
    choices = Choices(data)
    folder = scratch() / "folder"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for _ in range(choices.below(4)):
        name = choices.pick(
            (
                "a.md",
                "2024-05-31.md",
                "9999-99-99 2024_02_30.md",
                "conversations.json",
                "\udcff.md",
                "é.MD",
                "2024.13.01.mkd",
            )
        )
        (folder / name).write_bytes(choices.take(choices.below(60)))
    with suppress(InputError):
        detect(folder)
    for format_ in ("markdown", "chatgpt"):
        found = list[Found]()
        with suppress(InputError), read(folder, format_) as reading:
            found += reading
        check_found(found)


def _edits() -> list[bytes]:
    return [b""] + [bytes([1, 3, a, b, 2, c, c]) for a, b, c in ((0, 1, 4), (1, 2, 20), (2, 0, 40), (3, 5, 33))]


_CHATS = (json.dumps([chat()]).encode(), json.dumps([claude_chat()]).encode())
_JSON_TOKENS = (
    b'"',
    b"\\ud800",
    b"[[[[",
    b'{"text":',
    b"null",
    b"1e999",
    b'"mapping":{',
    b'"chat_messages":[',
    b'"memory":"',
    b'"dia_id"',
)
_MAIL_TOKENS = (
    b"\n\n",
    b"\nFrom ",
    b"=?utf-8?q?",
    b"Content-Type: ",
    b"multipart/mixed; boundary=",
    b"charset=",
    b"\n--",
    b"base64",
    b"Date: ",
)

TARGETS = (
    Target(
        name="jsonl-line",
        decoder="jsonl",
        run=run_line,
        seeds=lambda: [*_LINES, b'{"text":"x","at":1.5e9,"metadata":{"origin":"mbox:a"}}'],
        longest=400,
        tokens=(*_JSON_TOKENS, *(f'"{name}":'.encode() for name in sorted(jsonl._FIELDS))),
        weight=7,
        short=800,
    ),
    Target(
        name="jsonl-entry",
        decoder="jsonl",
        run=run_entry,
        seeds=lambda: [bytes([line, *edit]) for line in range(3) for edit in _edits()],
        longest=60,
        weight=2,
        short=300,
    ),
    Target(
        name="jsonl",
        decoder="jsonl",
        run=run_jsonl,
        seeds=lambda: [LINES, b'["a", {"text": "b"}]', b"\xef\xbb\xbf" + LINES],
        longest=1_000,
        tokens=(b"\n", b"\r\n", *_JSON_TOKENS),
        weight=2,
        short=200,
    ),
    Target(
        name="markdown",
        decoder="markdown",
        run=run_markdown,
        seeds=lambda: [NOTES, b"Title\n=====\n\ntext\n", b"x" * 3_000],
        longest=4_000,
        tokens=(b"---\n", b"\n# ", b"```\n", b"\n\n", b"date: 2024-05-31\n", b"=====\n", b"tags: ["),
        weight=2,
        short=200,
    ),
    Target(
        name="front-matter",
        decoder="markdown",
        run=run_front_matter,
        seeds=lambda: [NOTES.split(b"---\n")[1], b"date: 9999-12-31 23:59 -2359", b"tags:\n- a\n- 'b'"],
        longest=300,
        tokens=(b"date: ", b"tags: [", b"- ", b" #", b"created: "),
        weight=12,
        short=1_500,
    ),
    Target(
        name="mbox",
        decoder="mbox",
        run=run_mbox,
        seeds=lambda: [MAIL, MAIL.split(b"\n", 1)[1]],
        longest=2_000,
        tokens=_MAIL_TOKENS,
        weight=0.8,
        short=100,
    ),
    Target(
        name="mail",
        decoder="mbox",
        run=run_mail,
        seeds=lambda: [bytes(range(start, start + 60)) for start in (0, 40, 100, 190)],
        longest=160,
        weight=0.8,
        short=150,
    ),
    Target(
        name="one-mail",
        decoder="mbox",
        run=run_one_mail,
        seeds=lambda: [MAIL.split(b"\n", 1)[1][:330], b"Date: 1\n\nx"],
        longest=600,
        tokens=_MAIL_TOKENS,
        weight=1.5,
        short=200,
    ),
    *(
        Target(name=name, decoder=name, run=_documents(name), seeds=_edits, longest=80, weight=2, short=200)
        for name in _DOCUMENTS
    ),
    *(
        Target(name=name, decoder=name, run=_lines_of(name), seeds=_edits, longest=80, weight=2, short=200)
        for name in _LINES_OF
    ),
    Target(
        name="database",
        decoder="SQLite",
        run=run_database,
        seeds=lambda: [b"", bytes([0, 40, 1, 7]), bytes(range(3, 60))],
        longest=60,
        weight=0.8,
        short=80,
    ),
    Target(
        name="json",
        decoder="all in JSON",
        run=run_json,
        seeds=lambda: [bytes([number]) + VALID[name] for number, name in enumerate(_JSON_FORMATS)],
        longest=2_000,
        tokens=_JSON_TOKENS,
        weight=3,
        short=200,
    ),
    Target(
        name="sniff",
        decoder="sniff",
        run=run_sniff,
        seeds=lambda: [bytes([number]) + content for content in VALID.values() for number in (0, 1, 2, 4)],
        longest=1_500,
        tokens=(*_JSON_TOKENS, *_MAIL_TOKENS, b"PK\3\4", b"\xff\xfe"),
        weight=2,
        short=200,
    ),
    Target(
        name="archive",
        decoder="zip",
        run=run_archive,
        seeds=lambda: [
            bytes([0, 2, 0, 1, 1, 0, 0, 0, 1, 1, 0, 4]),
            bytes([1, 3, *range(40)]),
            bytes([1, 1, 0, 1, 0, 2]),
        ],
        longest=60,
        weight=0.6,
        short=60,
    ),
    Target(
        name="folder",
        decoder="folders",
        run=run_folder,
        seeds=lambda: [bytes([3, 0, 5, *b"hello", 3, 2, *b"[]", 4, 9, *b"---\ndate:"])],
        longest=200,
        weight=1,
        short=60,
    ),
)
