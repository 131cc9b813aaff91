"""What a client finds, as a page: `python -m severance.mcp.reference > docs/reference/mcp.md`. A test compares."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from textwrap import fill
from typing import Any

from mcp_types import Tool
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from severance.mcp.reading import RESOURCES, START, TEMPLATES
from severance.mcp.tools import TOOLS
from severance.mcp.words import BUSY, ENDED, INSTRUCTIONS, UNFORESEEN

_OLD = ", ".join(HANDSHAKE_PROTOCOL_VERSIONS)
_HEAD = f"""\
# MCP: tools, resources, prompts

Made by `python -m severance.mcp.reference` from the server itself. [The how-to](../how-to/mcp.md) says how a client
gets it.

- Over standard input and output (`severance mcp`): {_OLD}, {", ".join(MODERN_PROTOCOL_VERSIONS)}.
- Over streamable HTTP: {_OLD}, which begin a session. Later
  versions have none, and a client is told which ones there are.

Every answer of a tool is the same twice: as structured content, and as JSON in a text. An error of a tool is one
sentence that a model can mend, and holds nothing of a memory, a query or an argument.

## Instructions

What a client is told when it begins:

"""
_TAIL = f"""\
## Sentences with a meaning of their own

| sentence | when |
| --- | --- |
| {ENDED} | the session is over: revoked, expired, locked, put to sleep. Every later call gets it, too |
| {BUSY} | more than 32 calls of one session wait |
| {UNFORESEEN} | a bug in Severance |
"""


def page() -> str:
    """The page, as Markdown."""
    quoted = "\n>\n".join(
        fill(line, 118, initial_indent="> ", subsequent_indent="> ") for line in INSTRUCTIONS.split("\n")
    )
    parts = [_HEAD + quoted, "## Tools", *map(_tool, (does.tool for does in TOOLS.values()))]
    parts += ["## Resources", _resources(), "## Prompts", _prompts(), _TAIL]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _tool(tool: Tool) -> str:
    hints = tool.annotations
    assert hints is not None  # noqa: S101 - each has them
    said = {
        "reads only": hints.read_only_hint,
        "destroys": hints.destructive_hint,
        "may be repeated": hints.idempotent_hint,
    }
    facts = ", ".join(words for words, holds in said.items() if holds) or "adds"
    parts = [
        f"### {tool.name}",
        tool.description or "",
        f"Annotations: {facts}; it reaches nothing beyond this memory.",
    ]
    rows = [*_rows(tool.input_schema)]
    if rows:
        parts.append("\n".join(["| argument | what | |", "| --- | --- | --- |", *rows]))
    parts.append(f"```json\n{json.dumps(_sample(tool.output_schema or {}), indent=2)}\n```")
    return "\n\n".join(parts)


def _rows(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, part in schema["properties"].items():
        needed = "needed; " if name in schema["required"] else ""
        yield f"| `{name}` | {part['description']} | {needed}{_limits(part)} |"


def _limits(part: Mapping[str, Any]) -> str:
    match part["type"]:
        case "string":
            return f"string, at most {part['maxLength']:,} characters"
        case "integer":
            return f"whole number, {part['minimum']} to {part['maximum']}"
        case "array":
            return f"list of {part['minItems']} to {part['maxItems']} strings"
        case _:
            return "true or false"


def _sample(schema: Mapping[str, Any]) -> Any:
    """What an answer looks like: in the place of each value, of what kind it is."""
    kind = schema["type"]
    if kind == "object":
        return {name: _sample(part) for name, part in schema["properties"].items()}
    if kind == "array":
        return [_sample(schema["items"])]
    return " or ".join(kind) if isinstance(kind, list) else kind


def _resources() -> str:
    addresses = [(each.uri, each.description) for each in RESOURCES]
    addresses += [(each.uri_template, each.description) for each in TEMPLATES]
    return "\n".join(["| address | what |", "| --- | --- |", *(f"| `{uri}` | {what} |" for uri, what in addresses)])


def _prompts() -> str:
    arguments = ", ".join(f"`{each.name}` ({each.description})" for each in START.arguments or ())
    return f"`{START.name}`: {START.description} Takes, if you like, {arguments}"


if __name__ == "__main__":
    sys.stdout.write(page())
