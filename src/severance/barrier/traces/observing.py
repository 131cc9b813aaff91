"""What came back from a call, in a form that compares by every field."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from severance.barrier.traces.fuse import Cut
from severance.errors import SeveranceError

Observation = tuple[int, str, Any]
"""When, what, and what came back."""

_PLAIN = (str, int, bytes)  # most of what comes back; seen first, since asking for abstract classes takes its time


def observed(call: Callable[[], Any]) -> Any:
    """What comes back, errors with everything that is on them."""
    try:
        return plain(call())
    except Cut:
        return ("Cut",)
    except (SeveranceError, ValueError, TypeError, LookupError) as error:
        return type(error).__name__, str(error), error.args, tuple(sorted(vars(error).items()))


def plain(value: Any) -> Any:
    """Results as nested tuples that compare by every field, dicts kept."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, Iterator)):
        return tuple(plain(item) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, tuple(plain(getattr(value, f.name)) for f in dataclasses.fields(value))
    return value.hex() if isinstance(value, float) else repr(value) if isinstance(value, bool) else value


def placeless(view: Any, folder: str) -> Any:
    """The same without the name of the folder, which is another one in each process."""
    if isinstance(view, str):
        return view.replace(folder, "FOLDER")
    if isinstance(view, tuple):
        return tuple(placeless(item, folder) for item in view)
    if isinstance(view, dict):
        return {name: placeless(item, folder) for name, item in view.items()}
    return view
