"""The few lines of settings that may head a Markdown file, between two lines of `---`. Not YAML: names and values.

Understood are `name: value`, `name: [a, b]` and a name followed by lines of `- a`. Anything else is passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

OPEN = "---"
CLOSE = ("---", "...")
MAX_LINES = 200

# Python reads "18:00+02:00"; front matter often has a space before the zone, and the zone without a colon.
_MAX_DATE_CHARS = 64
_ZONE = re.compile(r"\s+([+-]\d{2}):?(\d{2})\Z")


@dataclass(slots=True)
class FrontMatter:
    """What the head of a file says: plain values, and lists, by lower-case name."""

    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    @property
    def title(self) -> str | None:
        return self.values.get("title")

    @property
    def tags(self) -> str | None:
        """The tags, joined with commas."""
        listed = self.lists.get("tags") or [tag.strip() for tag in self.values.get("tags", "").split(",")]
        return ", ".join(tag for tag in listed if tag) or None

    @property
    def date(self) -> str | None:
        """The date as written, with its zone as Python reads it."""
        written = next((self.values[name] for name in ("date", "created") if self.values.get(name)), None)
        return None if written is None else _ZONE.sub(r"\1:\2", written[:_MAX_DATE_CHARS])


def parse(lines: list[str]) -> FrontMatter:
    """Read the lines between the two marks."""
    found = FrontMatter()
    name = ""
    for line in lines:
        bare = line.strip()
        if bare.startswith("- ") and name:
            found.lists.setdefault(name, []).append(_plain(bare[2:]))
        elif ":" in bare and not line[:1].isspace() and not bare.startswith("#"):
            name, _, value = bare.partition(":")
            name = name.strip().lower()
            _put(found, name, value.strip())
    return found


def _put(found: FrontMatter, name: str, value: str) -> None:
    if value.startswith("[") and value.endswith("]"):
        found.lists[name] = [_plain(entry) for entry in value[1:-1].split(",")]
    elif value:
        found.values[name] = _plain(value)


def _plain(value: str) -> str:
    value = value.strip()
    for quote in "\"'":
        if len(value) > 1 and value.startswith(quote) and value.endswith(quote):
            return value[1:-1]
    return value.split(" #", 1)[0].rstrip()
