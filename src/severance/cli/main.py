"""The entry point."""

from __future__ import annotations

from typer.main import get_command

from severance.cli.app import app


def main() -> None:
    """Run `severance` with the arguments of this process, and exit."""
    get_command(app).main(prog_name="severance")


if __name__ == "__main__":
    main()
