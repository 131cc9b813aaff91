"""Arguments of the form NAME=VALUE, lists and lengths of time, read; and counts, written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from severance.errors import InputError
from severance.model import Scalar, parse_length

_LONGEST = timedelta(days=36_500)


def listed(given: Sequence[str]) -> list[str]:
    """The words between commas, of an option that may be repeated."""
    return [word.strip() for some in given for word in some.split(",") if word.strip()]


def length(given: str, option: str, most: timedelta = _LONGEST) -> timedelta:
    """A length of time such as `8h` or `1h30m`, at most `most`, which are whole days.

    Raises:
        InputError: it is none. The message names the option.
    """
    found = None
    with suppress(OverflowError):
        found = parse_length(given)
    if not found or found > most:
        raise InputError(f"{option} is a length of time from 1s to {most.days}d; write it as 30s, 5m, 1h30m or 7d")
    return found


def written(seconds: float) -> str:
    """A length of time in whole minutes, for people."""
    hours, minutes = divmod(int(seconds) // 60, 60)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{minutes} min" if minutes or not hours else "")))


def kinds(counts: Mapping[str, int]) -> str:
    """How many of each kind, by the kinds' names: `1 npm-token, 2 password`."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))


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
