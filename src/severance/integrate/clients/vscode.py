"""Visual Studio Code.

Servers: code.visualstudio.com/docs/agents/reference/mcp-configuration: `mcp.json` of the user's profile, which is in
the folder `User` of its settings (code.visualstudio.com/docs/configure/settings), and `.vscode/mcp.json` in a project.
"""

from severance.integrate.client import Client, File

CLIENT = Client(
    name="vscode",
    title="VS Code",
    file=File(lambda machine: machine.settings() / "Code" / "User" / "mcp.json", ".vscode/mcp.json", "jsonc"),
    container=("servers",),
    more={"type": "stdio"},
    check="Run `MCP: List Servers` from the command palette, start severance, and look at its output.",
    hooks="the hooks of VS Code are a preview, and tell nothing of what was said; leave --hooks out",
)
