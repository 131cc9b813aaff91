"""Another value for an attribute of a module or class, for a while: how trials make rare things frequent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: object, **values: Any) -> Iterator[None]:
    """While this is open, the owner has these values, for everybody in this process."""
    before = {name: vars(owner)[name] for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)
