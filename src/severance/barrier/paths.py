"""Paths in what is told: a report may be shown to others, and a path names its user."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"""(?<=['"])(?:/|[A-Za-z]:[\\/]|\\\\)[^'"]*""")
_BARE = re.compile(r"(?:(?<![\w/\\.~])|(?<=://)|(?<=:///))(?:[A-Za-z]:)?[\\/](?:[^\s\\/'\"]+[\\/])+([^\s\\/'\"]*)")


def base_names(text: str) -> str:
    """`text` with every absolute path in it cut to its last part; one that was cut off in the middle, too."""
    text = _QUOTED.sub(lambda found: _last(found[0]), text)  # where a name may have spaces
    return _BARE.sub(lambda found: found[1], text)


def _last(path: str) -> str:
    """The last part of one that has several."""
    parts = [part for part in re.split(r"[\\/]", path) if part]
    return parts[-1] if len(parts) > 1 else path
