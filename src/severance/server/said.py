"""What routes take and give: models of requests, and for the description; answers written straight from the nouns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, ValidatorFunctionWrapHandler, WrapValidator, model_validator
from pydantic_core import PydanticCustomError
from starlette.responses import Response

from severance.model import MAX_METADATA_BYTES
from severance.server.keys import checked_key
from severance.server.problems import MOST_TOLD, NO_BEARER, Problem

Scalar = str | int | float | bool | None
_PLAIN = frozenset({str, int, float, bool, type(None)})
MOST_NAMES = MAX_METADATA_BYTES // 5
"""Names in metadata, at most: with the shortest of names and values there is no room for more."""


def _plain_values(given: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Find one thing wrong, and that at once, however many names there are: a caller chooses them."""
    if not isinstance(given, dict):
        return validate(given)
    if len(given) > MOST_NAMES:
        raise PydanticCustomError("too_many_names", "there are too many names", {"max_properties": MOST_NAMES})
    if not all(type(value) in _PLAIN for value in given.values()):
        raise PydanticCustomError("not_plain", "each value is a text, a number, true, false or null")
    return given


Plain = Annotated[dict[str, Scalar], WrapValidator(_plain_values)]
"""Metadata, and what they are looked for by: names, which are JSON's and so texts, to plain values."""


class Said(BaseModel):
    """What a caller may write: nothing that is not named here, and nothing turned into another type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def few_fields(cls, said: Any) -> Any:
        """Find one thing wrong, and not one for each field, where there are far more fields than there can be."""
        if isinstance(said, dict) and len(said) > len(cls.model_fields) + MOST_TOLD:
            raise PydanticCustomError("too_many_fields", "there are more fields than that has")
        return said


class Given(BaseModel):
    """What is answered."""


_SCHEME = HTTPBearer(  # for the description of the interface; what is shown is read by the gate
    description="A permit or a place credential; for /v1/owner an owner token.", auto_error=False
)


async def _bearer(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)]) -> str:
    shown: str | None = request.scope["state"].get("bearer")
    if shown is None:
        raise Problem(NO_BEARER)
    return shown


Bearer = Annotated[str, Depends(_bearer)]
"""What is shown, as a route's argument. Raises NO_BEARER."""


async def _key(
    idempotency_key: Annotated[
        str | None, Header(description="The same for each time that the same request is sent: it is done once.")
    ] = None,
) -> str | None:
    return checked_key(idempotency_key)


Key = Annotated[str | None, Depends(_key)]


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of plain data, of nouns, or of lists of them."""
    body = msgspec.json.encode(content, enc_hook=_plain)
    return Response(body, status, headers, "application/json")


def _plain(value: object) -> object:
    if isinstance(value, MappingProxyType):
        return dict(value)
    raise NotImplementedError
