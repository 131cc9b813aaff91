"""What a model gives to a tool, checked against the tool's own schema: in sentences that it can mend.

Only the words of JSON Schema that the tools use are known here. Nothing that was given stands in a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from severance.errors import InputError

Schema = Mapping[str, Any]


def closed(properties: Mapping[str, Schema], *, required: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    return {"type": "object", "properties": dict(properties), "required": [*required], "additionalProperties": False}


def string(description: str, *, most: int, pattern: str | None = None) -> dict[str, Any]:
    """The schema of a string of 1 to `most` characters."""
    found: dict[str, Any] = {"type": "string", "description": description, "minLength": 1, "maxLength": most}
    return found if pattern is None else {**found, "pattern": pattern}


def check(tool: str, schema: Schema, given: Mapping[str, Any], hints: Mapping[str, str]) -> None:
    """Refuse arguments that are not those of the tool.

    Args:
        tool: its name.
        schema: of its arguments, as `closed` makes it.
        given: what the model sent.
        hints: for some arguments, what to do instead, said after what is wrong.

    Raises:
        InputError: in one sentence, the first thing that is wrong.
    """
    known = schema["properties"]
    if set(given) - set(known):
        takes = f"takes {_listed(list(known))}, and nothing else" if known else "takes no arguments"
        raise InputError(f"{tool} {takes}; leave the rest out")
    for name in schema["required"]:
        if name not in given:
            raise InputError(f"{tool} needs `{name}`{_hint(hints, name)}")
    for name, value in given.items():
        _KINDS[known[name]["type"]](f"`{name}`", known[name], value, _hint(hints, name))


def _hint(hints: Mapping[str, str], name: str) -> str:
    return f"; {hints[name]}" if name in hints else ""


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _check_string(what: str, schema: Schema, value: object, hint: str) -> None:
    if not isinstance(value, str):
        raise InputError(f"{what} must be a string{hint}")
    if len(value) < schema["minLength"]:
        raise InputError(f"{what} is empty{hint}")
    if len(value) > schema["maxLength"]:
        raise InputError(f"{what} has {len(value):,} characters; at most {schema['maxLength']:,} are taken{hint}")
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        raise InputError(f"{what} does not have the form that it needs{hint}")


def _check_integer(what: str, schema: Schema, value: object, hint: str) -> None:
    if type(value) is not int or not schema["minimum"] <= value <= schema["maximum"]:
        limits = f"{schema['minimum']:,} to {schema['maximum']:,}"
        raise InputError(f"{what} must be a whole number from {limits}, without quotes{hint}")


def _check_boolean(what: str, schema: Schema, value: object, hint: str) -> None:
    if not isinstance(value, bool):
        raise InputError(f"{what} must be true or false, without quotes{hint}")


def _check_array(what: str, schema: Schema, value: object, hint: str) -> None:
    if not isinstance(value, list) or not schema["minItems"] <= len(value) <= schema["maxItems"]:
        raise InputError(f"{what} must be a list of {schema['minItems']} to {schema['maxItems']} strings{hint}")
    for number, item in enumerate(value, 1):
        _check_string(f"entry {number} of {what}", schema["items"], item, hint)


_KINDS: dict[str, Callable[[str, Schema, object, str], None]] = {
    "string": _check_string,
    "integer": _check_integer,
    "boolean": _check_boolean,
    "array": _check_array,
}
