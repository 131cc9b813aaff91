"""Claude Code.

Servers: code.claude.com/docs/en/mcp ("MCP installation scopes"): `~/.claude.json` for the user, `.mcp.json` in a
project. Hooks: code.claude.com/docs/en/hooks: `settings.json`, events Stop and SessionStart, seconds for a timeout.
What is the user's moves with CLAUDE_CONFIG_DIR (code.claude.com/docs/en/settings).
"""

from severance.integrate.client import Client, File, Hooks

CLIENT = Client(
    name="claude-code",
    title="Claude Code",
    file=File(
        lambda machine: machine.named("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json",
        ".mcp.json",
        "json",
    ),
    container=("mcpServers",),
    more={"type": "stdio"},
    check="`claude mcp list` shows severance as connected; in a session, so does /mcp.",
    hooks=Hooks(
        file=File(
            lambda machine: machine.named("CLAUDE_CONFIG_DIR", machine.home / ".claude") / "settings.json",
            ".claude/settings.local.json",
            "json",
        ),
        end="Stop",
        start="SessionStart",
        message=("last_assistant_message",),
        transcript=True,
        more={"timeout": 10},
    ),
)
