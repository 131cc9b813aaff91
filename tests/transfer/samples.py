"""Invented sources for the tests: small valid documents of every format, and how to read them."""

from __future__ import annotations

import json
from pathlib import Path

from severance.transfer import Item, Skipped, read


def chat(**changes: object) -> dict[str, object]:
    """A ChatGPT conversation: a question, an abandoned answer, and the answer that was kept."""

    def node(name: str, parent: str | None, role: str, text: str, time: float | None) -> dict[str, object]:
        content = {"content_type": "text", "parts": [text]}
        message = {"id": name, "author": {"role": role}, "content": content, "create_time": time, "recipient": "all"}
        return {"id": name, "parent": parent, "children": [], "message": message}

    mapping = {
        "root": {"id": "root", "parent": None, "children": ["sys"], "message": None},
        "sys": node("sys", "root", "system", "", None),
        "q": node("q", "sys", "user", "When do the melons ripen?", 1700000000.25),
        "old": node("old", "q", "assistant", "In winter.", 1700000001.0),
        "new": node("new", "q", "assistant", "In late summer.", 1700000002.0),
    }
    base = {
        "title": "Melons",
        "create_time": 1699999999.0,
        "mapping": mapping,
        "current_node": "new",
        "conversation_id": "conv-a",
    }
    return base | changes


def claude_chat(**changes: object) -> dict[str, object]:
    """A conversation of Claude.ai's export: one question, one answer with a tool call."""
    question = {
        "uuid": "m1",
        "sender": "human",
        "text": "Is the elevator working?",
        "created_at": "2024-03-01T10:00:00.500000Z",
        "content": [{"type": "text", "text": "Is the elevator working?"}],
    }
    answer = {
        "uuid": "m2",
        "sender": "assistant",
        "text": "stand-in",
        "created_at": "2024-03-01T10:00:05Z",
        "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "text", "text": "Yes."},
            {"type": "tool_use", "name": "look", "input": {}},
            {"type": "text", "text": "Since Monday."},
            {"type": "token_budget"},
        ],
    }
    base: dict[str, object] = {
        "uuid": "c1",
        "name": "Elevator",
        "created_at": "2024-03-01T09:59:00Z",
        "chat_messages": [question, answer],
    }
    return base | changes


def mem0_list() -> list[object]:
    return [
        {
            "id": "a1",
            "memory": "Likes waffles",
            "user_id": "mark",
            "created_at": "2024-01-02T03:04:05.678-07:00",
            "updated_at": None,
            "metadata": {"place": "kitchen", "nested": {"a": [1, 2]}, "origin": "theirs"},
            "categories": ["food"],
        },
        {"id": "a2", "memory": "Counts sheep", "agent_id": "bot", "run_id": "run 9", "created_at": "2024-01-03"},
    ]


def locomo_doc() -> list[object]:
    conversation = {
        "speaker_a": "Ines",
        "speaker_b": "Olaf",
        "session_2_date_time": "12:05 am on 1 December, 2023",
        "session_2": [{"speaker": "Olaf", "dia_id": "D2:1", "text": "Back again."}],
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ines", "dia_id": "D1:1", "text": "Hello there!"},
            {"speaker": "Olaf", "dia_id": "D1:2", "text": "Look.", "blip_caption": "a photo of a goat"},
        ],
    }
    return [{"qa": [{"question": "?", "evidence": []}], "conversation": conversation, "sample_id": "conv-1"}]


MAIL = b"""From ada@example.org Mon Jun  3 10:00:00 2024
From: =?utf-8?q?Ad=C3=A9le?= <ada@example.org>
Message-ID: <one@example.org>
Subject: Picnic
Date: Mon, 03 Jun 2024 10:00:00 +0200
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Shall we meet at the lake?

>From here it is a short walk.

--
Ad\xc3\xa9le

From bob@example.org Mon Jun  3 12:00:00 2024
From: bob@example.org
Message-ID: <two@example.org>
In-Reply-To: <one@example.org>
References: <one@example.org>
Subject: Re: Picnic
Date: Mon, 03 Jun 2024 12:00:00 -0000
Content-Type: text/html; charset=iso-8859-1

<html><head><style>p {}</style></head><body><p>Gladly!</p><p>Bring&nbsp;plums &amp; bread.</p>
<blockquote>Shall we meet?</blockquote></body></html>

From x Mon Jun  3 13:00:00 2024
From: carol@example.org
Date: Mon, 03 Jun 2024 13:00:00 +0000

I come too.

On Mon, 3 Jun 2024 at 12:00, Bob <bob@example.org>
wrote:

> Gladly!
> Bring plums
"""

NOTES = b"""---
title: "Garden"
date: 2024-05-31 18:00:00 +0200
tags: [green, wet]
---
Before any heading.

# Beds

Beans in the first.

## Paths

```
# not a heading

still code
```

# Later
"""

LINES = b"""{"text": "Water the beans", "at": "2024-05-31", "thread": "garden", "metadata": {"bed": 3}}
"A bare string"
{"text": "Pinned", "pinned": true, "kind": "rule", "mood": "calm"}
"""

GRAPH = b"""{"type":"entity","name":"Mark","entityType":"person","observations":["Likes waffles","Files numbers"]}
{"type":"relation","from":"Mark","to":"Lumon","relationType":"works_at"}
"""

COMPARTMENT = b"""{"affirmed": null, "created": 1704164645.5, "created_local": "x", "discovered": "2024-01-01", \
"expires": null, "id": "m1", "importance": 3, "kind": "fact", "namespace": "home", "pack": null, \
"provenance": {"caller": "user"}, "quarantined": false, \
"source": "Mark", "superseded_by": null, "tags": ["food"], "text": "Likes waffles."}
{"id": "m2", "namespace": "packs/ports", "pack": "ports", "provenance": {}, "text": "HTTP is port 80.", "created": 1.0}
{"id": "m3", "namespace": "home", "provenance": {}, "text": "Old.", "created": 1.0, "superseded_by": "m1"}
"""


def items() -> list[object]:
    """Items of a LangGraph store, as `Item.dict()` gives them."""
    times = {"created_at": "2024-01-02T03:04:05+00:00", "updated_at": "2024-01-03T03:04:05+00:00"}
    return [
        {"namespace": ["users", "mark"], "key": "k1", "value": {"text": "Likes waffles.", "weight": 2}, **times},
        {"namespace": ["users", "mark"], "key": "k2", "value": {"kind": "M", "content": {"content": "Deep."}}, **times},
        {"namespace": ["rules"], "key": "k3", "value": {"limit": 5}, **times},
    ]


def agent_file() -> dict[str, object]:
    """An agent file of Letta: an agent with two messages, a block, an empty block and a file."""
    sent = {"function": {"name": "send_message", "arguments": '{"message": "It is in the tower."}'}}
    wrapped = '{"type": "user_message", "message": "Where is the lake?", "time": "now"}'
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}], "created_at": "2024-01-01T00:00:00Z"},
        {"role": "user", "content": [{"type": "text", "text": wrapped}], "created_at": "2024-01-01T00:00:01Z"},
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "I think it is in the tower."}],
            "tool_calls": [sent],
            "created_at": "2024-01-01T00:00:02Z",
        },
        {"role": "tool", "content": [{"type": "text", "text": "ok"}]},
    ]
    return {
        "agents": [{"id": "agent-0", "name": "guide", "agent_type": "a", "block_ids": ["b0"], "messages": messages}],
        "blocks": [
            {"id": "b0", "label": "human", "value": "Mark files numbers.", "description": "who"},
            {"id": "b1", "label": "persona", "value": ""},
        ],
        "files": [{"file_name": "walk.md", "content": "# Walk\n\nTo the lake.\n", "file_creation_date": None}],
        "sources": [],
        "tools": [],
    }


VALID: dict[str, bytes] = {
    "jsonl": LINES,
    "markdown": NOTES,
    "chatgpt": json.dumps([chat()]).encode(),
    "claude": json.dumps([claude_chat()]).encode(),
    "mem0": json.dumps({"results": mem0_list()}).encode(),
    "mcp": GRAPH,
    "langgraph": json.dumps(items()).encode(),
    "letta": json.dumps(agent_file()).encode(),
    "compartment": COMPARTMENT,
    "locomo": json.dumps(locomo_doc()).encode(),
    "mbox": MAIL,
}


def put(path: Path, content: object) -> Path:
    """Write bytes as they are and anything else as JSON."""
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def both(path: Path, name: str | None = None, **options: str) -> tuple[list[Item], list[Skipped]]:
    """Everything in a source, good and skipped apart."""
    with read(path, name, options) as reading:
        found = list(reading)
    return [f for f in found if isinstance(f, Item)], [f for f in found if isinstance(f, Skipped)]
