"""The clients that can be integrated, one file each."""

from severance.integrate.client import Client
from severance.integrate.clients import claude_code, claude_desktop, codex, cursor, gemini, vscode, windsurf, zed

CLIENTS: dict[str, Client] = {
    module.CLIENT.name: module.CLIENT
    for module in (claude_code, claude_desktop, cursor, vscode, codex, gemini, zed, windsurf)
}
"""By name."""
