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

VALID: dict[str, bytes] = {
    "jsonl": LINES,
    "markdown": NOTES,
    "chatgpt": json.dumps([chat()]).encode(),
    "claude": json.dumps([claude_chat()]).encode(),
    "mem0": json.dumps({"results": mem0_list()}).encode(),
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
