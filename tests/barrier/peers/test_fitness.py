# ruff: noqa: A002
"""What cannot be an adapter is told by the method that it lacks; what may be one is let through."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any

import pytest

from severance.barrier.peers import leaky
from severance.barrier.peers.fitness import PAGE, UnusableError, check
from severance.barrier.peers.leaky import Strict
from severance.barrier.peers.port import Peer
from severance.barrier.peers.targets import KNOWN, target_of
from severance.errors import InputError

ROOT = Path(__file__).parents[3]


class Alone:
    pass


class WithoutAdd:
    def __init__(self, folder):
        pass

    def list(self, tenant):
        return []


class WithoutReading:
    def __init__(self, folder):
        pass

    def add(self, tenant, text):
        return "1"


class OnlySaysSo(Peer):
    """The protocol's own methods return nothing."""

    def __init__(self, folder):
        pass


class SearchesWithoutLimit(Strict):
    def search(self, tenant, query):
        return []


class IsAsynchronous(Strict):
    async def add(self, tenant, text):
        return "1"


class HasAText(Strict):
    get = "a text"


class LeavesOneAbstract(Strict, abc.ABC):
    @abc.abstractmethod
    def helper(self): ...


class MakesItsMethods:
    def __init__(self, folder: Path) -> None:
        self.strict = Strict(folder)
        self.add = self.strict.add
        self.list = self.strict.list


class PassesOn:
    def __init__(self, folder: Path) -> None:
        self.strict = Strict(folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.strict, name)


class WithDefaults(Strict):
    def __init__(self, folder, size=3, **more):
        super().__init__(folder)

    def search(self, tenant, query, limit=10, *, deep=False):
        return super().search(tenant, query, limit)

    @staticmethod
    def get(tenant, id):
        return None


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (7, "it is not a class"),
        (Alone, "its class is not made with one argument, the folder: write __init__(self, folder)"),
        (lambda: None, "its class is not made with one argument, the folder: write __init__(self, folder)"),
        (WithoutAdd, "its class has no method add(self, tenant, text)"),
        (WithoutReading, "its class has none of the methods search(self, tenant, query, limit), list("),
        (OnlySaysSo, "its class has no method add(self, tenant, text)"),
        (SearchesWithoutLimit, "its method search does not take these arguments: search(self, tenant, query, limit)"),
        (IsAsynchronous, "its method add is asynchronous; write add(self, tenant, text) without async, and wait in it"),
        (HasAText, "get of its class is no method; write get(self, tenant, id)"),
        (LeavesOneAbstract, "its class leaves the method helper abstract"),
    ],
)
def test_what_it_lacks_is_told(kind: Any, said: str) -> None:
    with pytest.raises(UnusableError) as caught:
        check(kind)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("kind", [Strict, MakesItsMethods, PassesOn, WithDefaults, lambda folder: Strict(folder)])
def test_what_may_be_one_is_let_through(kind: Any) -> None:
    check(kind)


def test_every_toy_is_fit() -> None:
    for kind in [kind for kind in vars(leaky).values() if isinstance(kind, type) and issubclass(kind, Strict)]:
        check(kind)


@pytest.mark.parametrize("kind", ["WithoutAdd", "SearchesWithoutLimit", "Alone", "Nobody"])
def test_bad_input_names_the_page_and_no_python_error(kind: str) -> None:
    with pytest.raises(InputError) as caught:
        target_of(f"{__file__}:{kind}")
    said = str(caught.value)
    assert PAGE in said
    assert "Error" not in said
    assert (ROOT / PAGE).is_file()


def test_our_own_can_be_used() -> None:
    assert target_of("severance") is KNOWN["severance"]
