"""The official MCP Inspector's command line drives the server. It needs Node and the package; see the reason."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import Place

VARIABLE = "MCP_INSPECTOR"
"""Names its command line, where it isn't on the path: node_modules/.bin/mcp-inspector."""

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def _inspector() -> str:
    found = os.environ.get(VARIABLE) or shutil.which("mcp-inspector")
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if found is None or not Path(found).exists():
        pytest.skip(f"the inspector is not installed: npm install @modelcontextprotocol/inspector, and set {VARIABLE}")
    return found


def _inspect(place: Place, *words: str) -> Any:
    variables = ("SEVERANCE_CREDENTIAL", "SEVERANCE_CONFIG")
    given = [part for name in variables for part in ("-e", f"{name}={place.environ[name]}")]
    command = [_inspector(), "--cli", *given, *place.words, *words]
    done = subprocess.run(command, capture_output=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_it_finds_everything_and_calls_it(place: Place) -> None:
    tools = _inspect(place, "--method", "tools/list")["tools"]
    assert [tool["name"] for tool in tools] == ["remember", "recall", "amend", "forget", "status"]
    said = _inspect(place, "--method", "tools/call", "--tool-name", "remember", "--tool-arg", "text=The blue folder.")
    number = said["structuredContent"]["kept"][0]["id"]
    words = ("--tool-name", "recall", "--tool-arg", "query=which folder?", "--tool-arg", "limit=3")
    found = _inspect(place, "--method", "tools/call", *words)["structuredContent"]["memories"]
    assert [each["id"] for each in found] == [number]
    refused = _inspect(place, "--method", "tools/call", *words, "--tool-arg", "persona=outie")
    assert refused["isError"]
    addresses = [each["uri"] for each in _inspect(place, "--method", "resources/list")["resources"]]
    assert addresses == ["severance://context", "severance://recent"]
    read = _inspect(place, "--method", "resources/read", "--uri", "severance://context")
    assert "blue folder" in read["contents"][0]["text"]
    templates = _inspect(place, "--method", "resources/templates/list")["resourceTemplates"]
    assert len(templates) == 2
    assert _inspect(place, "--method", "prompts/list")["prompts"][0]["name"] == "start-of-day"
    day = _inspect(place, "--method", "prompts/get", "--prompt-name", "start-of-day")
    assert "blue folder" in day["messages"][0]["content"]["text"]
