"""Cursor.

Servers: cursor.com/docs/mcp: `~/.cursor/mcp.json`, and `.cursor/mcp.json` in a project. Hooks: cursor.com/docs/hooks:
`hooks.json` beside it, events afterAgentResponse and sessionStart, seconds for a timeout.
"""

import json

from severance.integrate.client import Client, File, Hooks

CLIENT = Client(
    name="cursor",
    title="Cursor",
    file=File(lambda machine: machine.home / ".cursor" / "mcp.json", ".cursor/mcp.json", "jsonc"),
    container=("mcpServers",),
    more={"type": "stdio"},
    check="Restart Cursor, and look for severance among its MCP servers; `cursor-agent mcp list` shows it, too.",
    hooks=Hooks(
        file=File(lambda machine: machine.home / ".cursor" / "hooks.json", ".cursor/hooks.json", "jsonc"),
        end="afterAgentResponse",
        start="sessionStart",
        message=("text",),
        grouped=False,
        more={"timeout": 10},
        whole={"version": 1},
        session=("conversation_id", "session_id"),
        answer=lambda text: json.dumps({"additional_context": text}),
        silent="{}",
    ),
)
