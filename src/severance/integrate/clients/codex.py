"""Codex.

Servers: developers.openai.com/codex/mcp: tables `mcp_servers.NAME` in `~/.codex/config.toml`, and in a project that is
trusted in `.codex/config.toml`; CODEX_HOME moves the first. Hooks: developers.openai.com/codex/hooks: `hooks.json`
beside it, events Stop and SessionStart, seconds for a timeout.
"""

from severance.integrate.client import Client, File, Hooks

CLIENT = Client(
    name="codex",
    title="Codex",
    file=File(
        lambda machine: machine.named("CODEX_HOME", machine.home / ".codex") / "config.toml",
        ".codex/config.toml",
        "toml",
    ),
    container=("mcp_servers",),
    check="`codex mcp list` shows severance; in a session, /mcp shows its tools.",
    hooks=Hooks(
        file=File(
            lambda machine: machine.named("CODEX_HOME", machine.home / ".codex") / "hooks.json",
            ".codex/hooks.json",
            "json",
        ),
        end="Stop",
        start="SessionStart",
        message=("last_assistant_message",),
        more={"timeout": 10},
        next="Codex runs a hook when you have looked at it and trust it: open /hooks in a session.",
    ),
)
