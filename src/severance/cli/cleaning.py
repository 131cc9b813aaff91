"""Whether keys and passwords are taken out of what is imported."""

from __future__ import annotations

from typing import Annotated

import typer

from severance.capture import secrets
from severance.cli import exits
from severance.cli.edge import Edge
from severance.errors import InputError
from severance.transfer.cleaning import Clean

Keep = Annotated[
    bool, typer.Option("--keep-secrets", help="Remember keys and passwords as they are, and do not look for them.")
]


def chosen(edge: Edge, *, keep: bool) -> Clean | None:
    """What takes secrets out; None where they are to be kept, and, with a word of it, where that is not installed."""
    if keep:
        return None
    try:
        secrets.ready()
    except InputError:
        if not edge.as_json:  # which says it with a null
            exits.note(
                "Keys and passwords are not looked for; `pip install 'severance[watch]'` brings what finds them."
            )
        return None
    return secrets.clean
