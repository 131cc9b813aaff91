"""Gemini CLI.

Servers and hooks are in one file: geminicli.com/docs/tools/mcp-server and geminicli.com/docs/hooks/reference:
`~/.gemini/settings.json`, and `.gemini/settings.json` in a project; events AfterAgent and SessionStart, milliseconds
for a timeout, and nothing but JSON on standard output.
"""

from severance.integrate.client import Client, File, Hooks

_SETTINGS = File(lambda machine: machine.home / ".gemini" / "settings.json", ".gemini/settings.json", "jsonc")

CLIENT = Client(
    name="gemini",
    title="Gemini CLI",
    file=_SETTINGS,
    container=("mcpServers",),
    check="`gemini mcp list` shows severance as connected; in a session, so does /mcp.",
    hooks=Hooks(
        file=_SETTINGS,
        end="AfterAgent",
        start="SessionStart",
        message=("prompt_response",),
        more={"name": "severance", "timeout": 10_000},
        silent="{}",
    ),
)
