"""Writes docs/reference/http.md: `python -m severance.server.reference > docs/reference/http.md`.

What a route takes and answers comes from its description (OpenAPI); only what that has no room for is written here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from severance.resident.client import ResidentHouse
from severance.server.app import application
from severance.server.parts import Outside
from severance.server.problems import KINDS

_HEAD = """\
# The HTTP interface

<!-- Written by `python -m severance.server.reference`; a test fails when it is out of date. -->

How it is used is in [Over HTTP](../how-to/http.md). The same, for programs, is at `/openapi.json` (OpenAPI 3.1).

Every route under `/v1` wants `Authorization: Bearer TEXT`: a permit or a place credential, or for `/v1/owner` an owner
token. A session, and everything under it, is there for the bearer that began it. Bodies and answers are JSON; times are
ISO 8601, and in answers UTC. Fields of a body that are not listed are refused, and filters as well.

`/mcp` is MCP over streamable HTTP, with the same bearer.
"""
_ERRORS = """
## Problems

Every error is `application/problem+json` with `type`, `title`, `status` and `detail`; `invalid` may have `errors`, each
with `in` (body, query, path or header), `pointer` (a JSON pointer), `code` and, where a bound was missed, `bounds`,
such as `{"maximum": 1000}`. A name that only the caller can have written is not repeated: `*` stands for a field that
is not known. The `type` is `urn:severance:problem:` and one of these names, which stay. Under *again after* are the
seconds of the header `Retry-After`.

| name | status | again after | what it says |
| --- | --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    described = application(Outside(ResidentHouse(Path()))).openapi()
    parts, group = [_HEAD], ""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != group:
                group = operation["tags"][0]
                parts.append(f"\n## {group.capitalize()}\n")
            parts.append(_operation(f"{method.upper()} {path}", operation, described["components"]["schemas"]))
    rows = [
        f"| `{kind.name}` | {kind.status} | {kind.retry_after or ''} | {kind.detail} |\n"
        for kind in sorted(KINDS, key=lambda kind: (kind.status, kind.name))
    ]
    return "".join([*parts, _ERRORS, *rows])


def _operation(name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    told = [f"\n### {name}\n\n{operation['description']}\n"]
    asked = [each for each in operation.get("parameters", ()) if each["in"] in ("query", "header")]
    rows = [_row(_cased(each), each["schema"], each.get("description"), schemas) for each in asked]
    told += _table("parameter", rows)
    body = operation.get("requestBody")
    if body is not None:
        (content,) = body["content"].values()
        for schema in content["schema"].get("oneOf", [content["schema"]]):
            told += _table("field of the body", _fields(_found(schema, schemas), schemas))
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            told.append(_answer(status, answer, schemas))
    problems = [answer["description"] for status, answer in operation["responses"].items() if status[0] in "45"]
    if problems:
        told.append(f"\nProblems: {', '.join(filter(None, problems))}.\n")
    return "".join(told)


def _cased(parameter: dict[str, Any]) -> str:
    name: str = parameter["name"]
    return name.title() if parameter["in"] == "header" else name


def _answer(status: str, answer: dict[str, Any], schemas: dict[str, Any]) -> str:
    contents = list(answer.get("content", {}).items())
    if not contents:
        return f"\nAnswers {status}, with nothing.\n"
    media_type, content = contents[-1]
    schema = content.get("schema") or {}
    names = [_found(each, schemas).get("title", "").removesuffix("Given") for each in schema.get("anyOf", [schema])]
    rows = "".join(
        "".join(_table("field of the answer", _fields(_found(each, schemas), schemas)))
        for each in schema.get("anyOf", [schema])
    )
    said = f", as `{media_type}`" if media_type != "application/json" else ""
    return f"\nAnswers {status}{said}{': ' + ' or '.join(names) if any(names) else ''}.\n{rows}"


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    needed = schema.get("required", ())
    return [
        _row(f"{name}{'' if name in needed else ' (optional)'}", each, each.get("description"), schemas)
        for name, each in schema.get("properties", {}).items()
    ]


def _table(title: str, rows: list[str]) -> list[str]:
    return [f"\n| {title} | type | what |\n| --- | --- | --- |\n", *rows] if rows else []


def _row(name: str, schema: dict[str, Any], description: str | None, schemas: dict[str, Any]) -> str:
    first, _, rest = name.partition(" ")
    what = [
        description or "",
        f"By default {json.dumps(schema['default'])}." if schema.get("default") is not None else "",
    ]
    told = " ".join(filter(None, what)).replace("|", "\\|")
    return f"| `{first}`{' ' + rest if rest else ''} | {_kind(schema, schemas)} | {told} |\n"


def _kind(schema: dict[str, Any], schemas: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(_found(schema, schemas)["title"]).removesuffix("Given").removesuffix("Said")
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each, schemas) for each in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{each}`" for each in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'], schemas)}"
    kind = str(schema.get("format") or schema.get("type", "any"))
    least, most = schema.get("minimum"), schema.get("maximum")
    return kind if most is None else f"{kind}, {least:,} to {most:,}"


def _found(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


if __name__ == "__main__":
    sys.stdout.write(page())
