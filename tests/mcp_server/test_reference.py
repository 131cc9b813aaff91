"""The reference is what the server says of itself."""

from __future__ import annotations

from pathlib import Path

from severance.mcp.reference import page
from severance.mcp.tools import TOOLS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mcp.md"


def test_the_reference_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m severance.mcp.reference > docs/reference/mcp.md`"


def test_every_argument_and_every_field_is_in_it() -> None:
    said = page()
    for does in TOOLS.values():
        for name in does.tool.input_schema["properties"]:
            assert f"| `{name}` |" in said
        for name in does.tool.output_schema["properties"]:
            assert f'"{name}"' in said
