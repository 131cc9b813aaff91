"""Claude Desktop.

Servers: modelcontextprotocol.io/docs/develop/connect-local-servers, for macOS and Windows; on Linux it is in the same
file below the user's settings. It has no hooks, and nothing in a project.
"""

from severance.integrate.client import Client, File

CLIENT = Client(
    name="claude-desktop",
    title="Claude Desktop",
    file=File(lambda machine: machine.settings() / "Claude" / "claude_desktop_config.json", None, "json"),
    container=("mcpServers",),
    check="Quit Claude Desktop, start it again, and look for severance in Settings > Developer.",
    hooks="Claude Desktop runs no commands at the end of a turn; leave --hooks out",
)
