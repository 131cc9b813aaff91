"""The description of the interface, as OpenAPI 3.1."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from severance.server.problems import KINDS, MEDIA_TYPE, PREFIX

_PROBLEM = {
    "title": "Problem",
    "description": "An error (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "enum": [PREFIX + kind.name for kind in KINDS], "description": "What it is; stays."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "errors": {
            "type": "array",
            "description": "For `invalid`: where, and what.",
            "items": {
                "type": "object",
                "properties": {
                    **{name: {"type": "string"} for name in ("in", "pointer", "code")},
                    "bounds": {"type": "object", "description": "What is allowed there, in words of JSON Schema."},
                },
                "required": ["in", "pointer", "code"],
            },
        },
    },
}
PATH = "/openapi.json"
_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OF_THE_FRAMEWORK = ("HTTPValidationError", "ValidationError")


def route(app: FastAPI) -> Route:
    """The route of the description, which is written once, when it is first asked for."""

    @cache
    def written() -> bytes:
        return msgspec.json.encode(description_of(app))

    async def described(_: Request) -> Response:
        return Response(written(), media_type="application/json")

    return Route(PATH, described, include_in_schema=False)


def description_of(app: FastAPI) -> dict[str, Any]:
    """What `/openapi.json` answers: what the framework knows, with problems for errors."""
    if app.openapi_schema is None:
        whole = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = whole["components"]["schemas"]
        for name in _OF_THE_FRAMEWORK:
            schemas.pop(name, None)
        schemas["Problem"] = _PROBLEM
        for path, methods in whole["paths"].items():
            for operation in methods.values():
                _describe(path, operation)
        app.openapi_schema = whole
    return app.openapi_schema


def _describe(path: str, operation: dict[str, Any]) -> None:
    """Say which problems an operation answers with. Any may come, so that there is a default, too."""
    responses = operation["responses"]
    responses.pop("422", None)
    may = set[int]()
    if "security" in operation:
        may |= {401, 404, 429, 503, 504} if path.startswith("/v1/") else {401, 404, 429}
    if "{id}" in path:
        may |= {403, 410}
    if "requestBody" in operation or operation.get("parameters"):
        may |= {422}
    if "requestBody" in operation:
        may |= {400, 413, 415}
    for status in sorted(may):
        names = ", ".join(f"`{kind.name}`" for kind in KINDS if kind.status == status)
        responses.setdefault(str(status), {"description": names, "content": _CONTENT})
    responses["default"] = {"description": "Any other problem.", "content": _CONTENT}
