"""From nothing to a memory in a client: three commands, counted, with the client of the official SDK."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from .conftest import KEY

COMMANDS = (
    "pip install 'severance[mcp]'",
    "severance init",
    "severance integrate claude-code --place laptop --wakes me=work --yes",
)
"""What a person types. The first is what made this environment; the others are run here."""


def test_three_commands_are_enough(home: Path, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert len(COMMANDS) <= 3
    assert list(home.iterdir()) == []
    begun = time.monotonic()
    for command in COMMANDS[1:]:
        argv = [sys.executable, "-m", "severance.cli.main", *command.split()[1:]]
        subprocess.run(argv, env=environ, cwd=home, check=True, capture_output=True, timeout=600)
    entry = json.loads((home / ".claude.json").read_text())["mcpServers"]["severance"]
    # A client starts servers with little of its environment. A person's root key is in the keychain, and here in that.
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env={**environ, "SEVERANCE_KEY": KEY})
    anyio.run(_remembers, server)
    anyio.run(_recalls, server)
    with capsys.disabled():
        print(f"\nfrom nothing to a memory in a client: 3 commands, {time.monotonic() - begun:.1f} s after the first")


async def _remembers(server: StdioServerParameters) -> None:
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = {tool.name for tool in (await session.list_tools()).tools}
        assert {"remember", "recall"} <= tools
        assert len(tools) <= 6
        result = await session.call_tool("remember", {"text": "Helly keeps the list in the blue folder."})
        assert not result.is_error


async def _recalls(server: StdioServerParameters) -> None:
    """In another process, which is another model context."""
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        result = await session.call_tool("recall", {"query": "Where is the list?"})
        assert "blue folder" in str(result.structured_content)
