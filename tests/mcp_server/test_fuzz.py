"""Whatever a client writes, the server goes on, every line that it writes is a message, and none shows its inside."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from severance import Session
from severance.barrier.traces.ports import StillClock
from severance.mcp.stdio import serve

from .plain import ENVELOPE, HELLO

pytestmark = pytest.mark.timeout(300)

METHODS = (
    *("initialize", "ping", "server/discover", "tools/list", "tools/call", "resources/list", "resources/read"),
    *("resources/templates/list", "resources/subscribe", "prompts/list", "prompts/get", "completion/complete"),
    *("logging/setLevel", "subscriptions/listen", "tasks/get", "sampling/createMessage", "rpc.discover", ""),
    *("notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/nothing"),
)
NAMES = ("name", "arguments", "uri", "cursor", "_meta", "requestId", "progressToken", "protocolVersion", "capabilities")
TOOLS = ("remember", "recall", "amend", "forget", "status", "start-of-day", "severance://context", "severance://recent")

_leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from((*TOOLS, *METHODS, "text", "query", "id", "a" * 30))
)
_keys = st.sampled_from((*NAMES, "text", "query", "limit", "id", "persona")) | st.text(max_size=5)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)
_calls = st.fixed_dictionaries(
    {"name": st.sampled_from(TOOLS) | _leaves, "arguments": st.dictionaries(_keys, _values, max_size=4) | _values},
    optional={"_meta": _values | st.just(ENVELOPE), "uri": _leaves, "task": _values},
)
_messages = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS) | st.text(max_size=10)},
    optional={
        "jsonrpc": st.sampled_from(("2.0", "2.0", "2.0", "1.0")) | _leaves,
        "id": st.integers(0, 5) | _leaves,
        "params": _calls | _values,
        "result": _values,
        "error": _values,
    },
).map(lambda message: {"jsonrpc": "2.0", **message})
_raw = st.binary(max_size=60) | (_messages | _values).map(lambda value: json.dumps(value).encode())


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    raw = bytearray(draw(_raw))
    for _ in range(draw(st.integers(0, 3))):
        if raw:
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw).replace(b"\n", b" ")


class Talking:
    """A server in a thread, and the other ends of its line."""

    def __init__(self, session: Session, opening: list[dict[str, Any]], meta: dict[str, Any]) -> None:
        hears, self.says = os.pipe()
        reads, tells = os.pipe()
        self.lines = os.fdopen(reads, "rb")
        self.meta = meta
        self.numbers = count()
        self.thread = threading.Thread(target=serve, args=(session, hears, tells), kwargs={"clock": StillClock()})
        self.ends = (hears, tells)
        self.thread.start()
        for message in opening:
            self.write(json.dumps(message).encode())

    def write(self, line: bytes) -> None:
        os.write(self.says, line + b"\n")

    def settled(self) -> list[dict[str, Any]]:
        """Everything that it says until it has answered what is asked now."""
        mark = f"mark {next(self.numbers)}"
        asked = {"jsonrpc": "2.0", "id": mark, "method": "tools/list", "params": {"_meta": self.meta}}
        self.write(json.dumps(asked).encode())
        found: list[dict[str, Any]] = []
        while not found or found[-1].get("id") != mark:
            line = self.lines.readline()
            assert line, "the server has ended"
            for inside in (b"Traceback", b"site-packages", b'File \\"', b"pydantic"):
                assert inside not in line
            found.append(json.loads(line))
            assert found[-1]["jsonrpc"] == "2.0"
        assert found[-1]["result"]["tools"]
        return found

    def end(self) -> None:
        os.close(self.says)
        self.thread.join(60)
        assert not self.thread.is_alive()
        self.lines.close()
        for number in self.ends:
            os.close(number)


BEGUN = [
    {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": HELLO},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
]
NEWER = [{"jsonrpc": "2.0", "id": "hello", "method": "tools/list", "params": {"_meta": ENVELOPE}}]


@pytest.fixture(params=["with a handshake", "without"])
def talking(request: pytest.FixtureRequest, innie: Session) -> Iterator[Talking]:
    old = request.param == "with a handshake"
    talking = Talking(innie, BEGUN if old else NEWER, {} if old else ENVELOPE)
    yield talking
    talking.end()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(_damaged(), max_size=8))
def test_nothing_that_is_written_ends_it_or_shows_its_inside(talking: Talking, lines: list[bytes]) -> None:
    for line in lines:
        talking.write(line)
    for message in talking.settled():
        if "error" in message:
            assert isinstance(message["error"]["code"], int)
            assert len(message["error"]["message"]) < 300


def test_a_handler_that_shows_its_inside_would_be_noticed(talking: Talking) -> None:
    params = {"name": "start-of-day", "arguments": {"about": "Traceback"}, "_meta": talking.meta}
    talking.write(json.dumps({"jsonrpc": "2.0", "id": "x", "method": "prompts/get", "params": params}).encode())
    assert any(map(_notices, [talking] * 1_000))
    talking.settled()


def _notices(talking: Talking) -> bool:
    try:
        talking.settled()
    except AssertionError:
        return True
    return False
