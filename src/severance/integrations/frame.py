"""What all adapters share: how a missing framework is told, and which errors go to the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from severance.errors import InputError, NotFoundError, PermitError

MENDABLE = (InputError, NotFoundError, PermitError)
"""Errors that are an answer to the model: it asked for what cannot be, and may ask for something else. Any other ends
the run, `AsleepError` with the sentence that says so."""


class FrameworkMissingError(InputError, ImportError):
    """The framework that an adapter is for is not installed."""


@contextmanager
def framework(module: str, extra: str) -> Iterator[None]:
    """Around an adapter's imports of its framework.

    Args:
        module: the framework's package, as it is imported.
        extra: what brings it: `pip install severance[extra]`.

    Raises:
        FrameworkMissingError: it is not installed, or is one that lacks what the adapter needs.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{module}.".startswith(f"{missing.name}."):
            raise _unfit(module, extra) from missing
        raise FrameworkMissingError(
            f"{module} is not installed; install it with `pip install severance[{extra}]`"
        ) from None
    except ImportError as lacking:
        raise _unfit(module, extra) from lacking


def _unfit(module: str, extra: str) -> FrameworkMissingError:
    told = "is installed and is not the version that this adapter is for"
    return FrameworkMissingError(f"{module} {told}; install one that is with `pip install severance[{extra}]`")
