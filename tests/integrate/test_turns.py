"""What clients tell their hooks, as each of them writes it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from severance.errors import InputError
from severance.integrate.client import Hooks
from severance.integrate.clients import CLIENTS
from severance.integrate.turns import MOST_SAID, MOST_TOLD, Turn, last_message, turn_of

TOLD = {
    "claude-code": (
        {"hook_event_name": "Stop", "session_id": "s", "cwd": "/x/vault", "last_assistant_message": "said"},
        Turn("end", "s", "said", "vault"),
    ),
    "codex": (
        {"hook_event_name": "Stop", "session_id": "s", "turn_id": "t", "last_assistant_message": "said"},
        Turn("end", "s", "said", ""),
    ),
    "gemini": (
        {"hook_event_name": "AfterAgent", "session_id": "s", "prompt": "p", "prompt_response": "said", "cwd": "/x"},
        Turn("end", "s", "said", "x"),
    ),
    "cursor": (
        {"hook_event_name": "afterAgentResponse", "conversation_id": "s", "generation_id": "g", "text": "said"},
        Turn("end", "s", "said", ""),
    ),
    "windsurf": (
        {"agent_action_name": "post_cascade_response", "trajectory_id": "s", "tool_info": {"response": "said"}},
        Turn("end", "s", "said", ""),
    ),
}


def hooks_of(name: str) -> Hooks:
    found = CLIENTS[name].hooks
    assert isinstance(found, Hooks)
    return found


@pytest.mark.parametrize("name", TOLD)
def test_the_end_of_a_turn(name: str) -> None:
    told, turn = TOLD[name]
    assert turn_of(json.dumps(told).encode(), hooks_of(name)) == turn


@pytest.mark.parametrize("name", ["claude-code", "codex", "gemini"])
def test_the_start_of_a_session(name: str) -> None:
    told = {"hook_event_name": "SessionStart", "session_id": "s", "cwd": "/x/vault", "source": "startup"}
    assert turn_of(json.dumps(told).encode(), hooks_of(name)) == Turn("start", "s", "", "vault")
    answer = json.loads(hooks_of(name).answer("words"))
    assert answer == {"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": "words"}}


def test_the_start_of_a_session_of_cursor() -> None:
    told = {"hook_event_name": "sessionStart", "session_id": "s"}
    assert turn_of(json.dumps(told).encode(), hooks_of("cursor")) == Turn("start", "s", "", "")
    assert json.loads(hooks_of("cursor").answer("words")) == {"additional_context": "words"}


@pytest.mark.parametrize("told", [{"hook_event_name": "PreToolUse"}, {}, {"hook_event_name": None}])
def test_another_moment_is_none_of_its_business(told: object) -> None:
    assert turn_of(json.dumps(told).encode(), hooks_of("claude-code")) is None
    assert turn_of(json.dumps(told).encode(), hooks_of("windsurf")) is None


@pytest.mark.parametrize(
    "told", [b"", b"no", b"[]", b"\xff", b"[" * 100_000, b'"' + b"a" * MOST_TOLD + b'"'], ids=lambda told: told[:4]
)
def test_what_is_no_object_is_refused(told: bytes) -> None:
    with pytest.raises(InputError, match="nothing was remembered"):
        turn_of(told, hooks_of("codex"))


@pytest.mark.parametrize("message", [None, 7, ["said"], {"a": "b"}])
def test_what_is_no_text_is_nothing_said(message: object) -> None:
    told = {"hook_event_name": "Stop", "session_id": 7, "last_assistant_message": message, "cwd": 7}
    assert turn_of(json.dumps(told).encode(), hooks_of("codex")) == Turn("end", "", "", "")


def test_a_long_message_is_read_from_its_end() -> None:
    told = {"hook_event_name": "Stop", "last_assistant_message": "a" * MOST_SAID + "end"}
    turn = turn_of(json.dumps(told).encode(), hooks_of("codex"))
    assert turn is not None
    assert len(turn.message) == MOST_SAID
    assert turn.message.endswith("end")


def line(kind: str, text: str, number: str = "m", **more: object) -> str:
    """A line of a transcript of Claude Code's."""
    content = [{"type": "text", "text": text}] if text else [{"type": "tool_use", "name": "Bash", "input": {}}]
    message = {"id": number, "role": kind, "content": content}
    return json.dumps({"type": kind, "sessionId": "s", "uuid": "u", "message": message, **more}) + "\n"


def test_a_transcript_has_the_last_message_in_several_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        json.dumps({"type": "summary", "summary": "x"})
        + "\n"
        + line("assistant", "before", "m1")
        + line("user", "go on")
        + line("assistant", "earlier in the turn", "m2")
        + line("assistant", "", "m2")
        + line("user", "a result of a tool")
        + line("assistant", "first", "m3")
        + line("assistant", "second", "m3")
        + line("assistant", "of a sub-agent", "m4", isSidechain=True)
        + line("system", "x")
        + '{"type": "assist'
    )
    assert last_message(path) == "first\nsecond"
    told = {"hook_event_name": "Stop", "session_id": "s", "transcript_path": str(path)}
    assert turn_of(json.dumps(told).encode(), hooks_of("claude-code")) == Turn("end", "s", "first\nsecond", "")


def test_a_long_transcript_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with path.open("w") as file:
        for _ in range(300):
            file.write(line("user", "x" * 50_000))
        file.write(line("assistant", "said", "m"))
    assert last_message(path) == "said"


@pytest.mark.parametrize(
    "content", ["", "\n\n", "[]\n7\n", '{"type": "assistant"}\n', '{"type": "assistant", "message": 7}\n']
)
def test_a_transcript_without_a_message_has_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(content)
    assert last_message(path) == ""


def test_a_transcript_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, why in (
        ("none", "No such file"),
        ("fifo", "not a file"),
        ("", "Is a directory|not a file"),
        ("\0", "no path"),
    ):
        with pytest.raises(InputError, match=why):
            last_message(tmp_path / path)
