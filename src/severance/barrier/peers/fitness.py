"""Whether a class can be an adapter at all, as far as it can be told before one is made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from severance.barrier.peers.port import Peer, PeerWithMetadata

PAGE = "docs/how-to/try-another-memory.md"
_ARGUMENTS = {
    "add": ("tenant", "text"),
    "add_with": ("tenant", "text", "metadata"),
    "search": ("tenant", "query", "limit"),
    "get": ("tenant", "id"),
    "update": ("tenant", "id", "text"),
    "delete": ("tenant", "id"),
    "list": ("tenant",),
    "close": (),
}
_READING = ("search", "list", "get")


class UnusableError(Exception):
    """It cannot be an adapter; the message is one sentence for whoever wrote it."""


def check(kind: Any) -> None:
    """See that adapters can be made of this, and have the methods without which nothing can be tried.

    A class that may get its methods while one is made, or finds them by name when they are asked for, is not judged.

    Raises:
        UnusableError: they cannot, or have not.
    """
    if not callable(kind):
        raise UnusableError("it is not a class")
    if not _takes(kind, 1):
        raise UnusableError("its class is not made with one argument, the folder: write __init__(self, folder)")
    if not inspect.isclass(kind):
        return
    there = {name: method for name in _ARGUMENTS if (method := _own(kind, name)) is not None}
    if not _lazy(kind, "add") and "add" not in there:
        raise UnusableError("its class has no method add(self, tenant, text)")
    if not any(name in there or _lazy(kind, name) for name in _READING):
        raise UnusableError(
            "its class has none of the methods search(self, tenant, query, limit), list(self, tenant) and "
            "get(self, tenant, id)"
        )
    for name, method in there.items():
        _check_method(kind, name, method)
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        raise UnusableError(f"its class leaves the method {missing[0]} abstract")


def _check_method(kind: type, name: str, method: Any) -> None:
    wanted = _ARGUMENTS[name]
    said = f"{name}({', '.join(('self', *wanted))})"
    if not callable(method):
        raise UnusableError(f"{name} of its class is no method; write {said}")
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise UnusableError(f"its method {name} is asynchronous; write {said} without async, and wait in it")
    bound = isinstance(inspect.getattr_static(kind, name), staticmethod | classmethod)
    if not _takes(method, len(wanted) + (not bound)):
        raise UnusableError(f"its method {name} does not take these arguments: {said}")


def _own(kind: type, name: str) -> Any:
    """A method; None for what is only said in the protocol."""
    method = getattr(kind, name, None)
    return None if method in (getattr(Peer, name, None), getattr(PeerWithMetadata, name, None)) else method


def _lazy(kind: type, name: str) -> bool:
    """Whether an object of this class may have a method that the class has not."""
    if hasattr(kind, "__getattr__") or "__getattribute__" in {own for each in kind.__mro__[:-1] for own in vars(each)}:
        return True
    made = getattr(inspect.getattr_static(kind, "__init__"), "__code__", None)
    return made is not None and bool({name, "setattr", "__dict__"} & set(made.co_names))


def _takes(what: Callable[..., Any], count: int) -> bool:
    """Whether it can be called with so many arguments; also where nobody can tell."""
    try:
        inspect.signature(what).bind(*[None] * count)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
