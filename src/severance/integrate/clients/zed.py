"""Zed.

Servers: zed.dev/docs/ai/mcp: `context_servers` in the settings, which are in `~/.config/zed/settings.json` on Linux and
macOS (zed.dev/docs/configuring-zed) and in `%APPDATA%\\Zed` on Windows; and in `.zed/settings.json` of a project that
is trusted (zed.dev/docs/worktree-trust).
"""

from severance.integrate.client import Client, File
from severance.integrate.machine import Machine


def _folder(machine: Machine) -> str:
    return "Zed" if machine.platform == "win32" else "zed"


CLIENT = Client(
    name="zed",
    title="Zed",
    file=File(
        lambda machine: machine.settings(mac=False) / _folder(machine) / "settings.json", ".zed/settings.json", "jsonc"
    ),
    container=("context_servers",),
    check="Open the settings of the Agent Panel; the dot beside severance is green.",
    hooks="Zed runs no commands at the end of a turn; leave --hooks out",
)
