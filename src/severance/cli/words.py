"""Arguments of the form NAME=VALUE, read."""

from __future__ import annotations

import json
from collections.abc import Sequence

from severance.errors import InputError
from severance.model import Scalar


def pairs(given: Sequence[str] | None, form: str) -> dict[str, str]:
    """Each NAME with its VALUE, in order; the first `=` divides them.

    Args:
        given: the arguments, or None for none.
        form: how one is written, for the message, such as `NAME=VALUE`.

    Raises:
        InputError: one has no `=` or no name, or a name is there twice. The message repeats no value.
    """
    found: dict[str, str] = {}
    for item in given or ():
        name, equals, value = item.partition("=")
        if not equals or not name:
            raise InputError(f"an argument is not of the form {form}")
        if name in found:
            raise InputError(f"in {form}, one name was given twice")
        found[name] = value
    return found


def metadata(given: Sequence[str] | None) -> dict[str, Scalar] | None:
    """Metadata from NAME=VALUE arguments, or None where there are none; values that are JSON scalars are read so.

    Raises:
        InputError: as `pairs`.
    """
    return {name: _scalar(value) for name, value in pairs(given, "NAME=VALUE").items()} or None


def _scalar(text: str) -> Scalar:
    try:
        # NaN and Infinity are no JSON, whatever Python's reader says.
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, str | int | float) else text
