"""What agents and memory servers have written: Letta's agent files, the MCP server's graph, compartment's export."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from severance.errors import InputError
from severance.transfer import detect
from transfer.samples import COMPARTMENT, GRAPH, agent_file, both, put


def test_an_agent_file_gives_blocks_files_and_messages(tmp_path: Path) -> None:
    path = put(tmp_path / "guide.af", agent_file())
    assert detect(path) == "letta"
    found, skipped = both(path)
    assert [(item.draft.kind, item.draft.text) for item in found] == [
        ("block", "Mark files numbers."),
        ("file", "# Walk\n\nTo the lake."),
        ("message", "Where is the lake?"),
        ("message", "It is in the tower."),
    ]
    assert found[0].draft.metadata == {"agent": "guide", "block": "human", "description": "who"}
    assert (found[2].draft.source, found[2].draft.thread) == ("user", "guide")
    assert found[3].draft.at == datetime(2024, 1, 1, 0, 0, 2, tzinfo=UTC)
    assert [each.why for each in skipped] == [
        "it is by neither the user nor the assistant",
        "it is a model's reasoning",
        "it is by neither the user nor the assistant",
    ]


def test_an_agent_file_of_before_2025(tmp_path: Path) -> None:
    old = {
        "agent_type": "memgpt_agent",
        "name": "sam",
        "core_memory": [{"label": "human", "value": "Chad sails.", "created_at": "2024-01-01T00:00:00Z"}],
        "messages": [{"role": "user", "content": "Hello.", "created_at": "2024-01-02T00:00:00Z"}],
    }
    path = put(tmp_path / "sam.af", old)
    assert detect(path) == "letta"
    found, _ = both(path)
    assert [item.draft.text for item in found] == ["Chad sails.", "Hello."]
    assert found[0].draft.at == datetime(2024, 1, 1, tzinfo=UTC)


def test_an_export_with_new_ids_gives_the_same_origins(tmp_path: Path) -> None:
    again: Any = agent_file()
    again["agents"][0]["id"], again["blocks"][0]["id"] = "agent-7", "b9"
    one, _ = both(put(tmp_path / "one.af", agent_file()))
    two, _ = both(put(tmp_path / "two.af", again), "letta")
    assert [item.origin for item in one] == [item.origin for item in two]


def test_what_the_system_told_an_agent_is_no_message(tmp_path: Path) -> None:
    wrapped = json.dumps({"type": "heartbeat", "reason": "x"})
    agent = {
        "agent_type": "a",
        "core_memory": [],
        "messages": [{"role": "user", "content": wrapped}, 5, {"role": None}],
    }
    found, skipped = both(put(tmp_path / "a.af", agent), "letta")
    assert found == []
    assert len(skipped) == 3


def test_a_file_that_is_no_agent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no agent"):
        both(put(tmp_path / "a.af", [1]), "letta")


def test_a_long_block_is_cut(tmp_path: Path) -> None:
    whole: Any = agent_file()
    whole["blocks"][0]["value"] = "\n\n".join(f"Paragraph {n}. " + "word " * 150 for n in range(12))
    found, _ = both(put(tmp_path / "a.af", whole))
    blocks = [item for item in found if item.draft.kind == "block"]
    assert len(blocks) > 2
    assert len({item.origin for item in blocks}) == len(blocks)


def test_observations_and_relations_of_a_graph(tmp_path: Path) -> None:
    path = put(tmp_path / "memory.jsonl", GRAPH)
    assert detect(path) == "mcp"
    found, skipped = both(path)
    assert [item.draft.text for item in found] == [
        "Mark: Likes waffles",
        "Mark: Files numbers",
        "Mark works at Lumon",
    ]
    assert found[0].draft.metadata == {"entity": "Mark", "entity_type": "person"}
    assert found[2].draft.kind == "relation"
    assert skipped == []


def test_a_graph_as_one_document_is_the_same(tmp_path: Path) -> None:
    entries = [json.loads(line) for line in GRAPH.splitlines()]
    graph = {"entities": entries[:1], "relations": entries[1:]}
    one, _ = both(put(tmp_path / "graph.json", json.dumps(graph, indent=1).encode()))
    assert one == both(put(tmp_path / "memory.jsonl", GRAPH))[0]


def test_a_bad_line_of_a_graph_costs_no_other(tmp_path: Path) -> None:
    bad = b'{"type":"entity","name":5,"observations":[]}\nnonsense\n{"type":"?"}\n[]\n\xff\n'
    odd = b'{"type":"entity","name":"A","entityType":"t","observations":["ok",5,""]}\n'
    lone = b'{"type":"entity","name":"B","entityType":"city","observations":[]}\n'
    found, skipped = both(put(tmp_path / "memory.jsonl", GRAPH + bad + odd + lone))
    assert [item.draft.text for item in found][3:] == ["A: ok", "B: city"]
    assert [each.where for each in skipped] == [
        *(f"line {number}" for number in range(3, 8)),
        "line 8 observation 2",
        "line 8 observation 3",
    ]


def test_an_entity_of_many_observations_may_be_a_long_line(tmp_path: Path) -> None:
    line = json.dumps({"type": "entity", "name": "A", "entityType": "t", "observations": ["x" * 50_000] * 50})
    found, skipped = both(put(tmp_path / "memory.jsonl", line.encode()), "mcp")
    assert (len(found), skipped) == (50, [])


def test_an_export_of_compartment(tmp_path: Path) -> None:
    path = put(tmp_path / "out.jsonl", COMPARTMENT)
    assert detect(path) == "compartment"
    found, skipped = both(path)
    assert [(item.draft.text, item.draft.source, item.draft.thread) for item in found] == [
        ("Likes waffles.", "Mark", "home")
    ]
    assert found[0].draft.at == datetime(2024, 1, 1, tzinfo=UTC)
    assert found[0].draft.metadata["tags"] == '["food"]'
    assert [each.why for each in skipped] == [
        "it belongs to a pack that was installed",
        "it is an earlier version of another memory",
    ]
