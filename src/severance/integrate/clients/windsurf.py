"""Windsurf.

Servers: docs.windsurf.com/windsurf/cascade/mcp: `~/.codeium/windsurf/mcp_config.json`; there is none in a project.
Hooks: docs.windsurf.com/windsurf/cascade/hooks: `hooks.json` beside it, and `.windsurf/hooks.json` in a project; event
post_cascade_response. What a hook prints does not reach the model.
"""

from pathlib import Path

from severance.integrate.client import Client, File, Hooks
from severance.integrate.machine import Machine


def _folder(machine: Machine) -> Path:
    return machine.home / ".codeium" / "windsurf"


CLIENT = Client(
    name="windsurf",
    title="Windsurf",
    file=File(lambda machine: _folder(machine) / "mcp_config.json", None, "json"),
    container=("mcpServers",),
    check="Press refresh in the list of MCP servers of Cascade; severance is there with its tools.",
    hooks=Hooks(
        file=File(lambda machine: _folder(machine) / "hooks.json", ".windsurf/hooks.json", "json"),
        end="post_cascade_response",
        start=None,
        message=("tool_info", "response"),
        grouped=False,
        more={"show_output": False},
        session=("trajectory_id",),
    ),
)
