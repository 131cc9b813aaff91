"""Which memory to try: one of those that have an adapter here, or an adapter of the user's own."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from severance.barrier.peers.remote import Limits, NoAnswerError, Remote
from severance.barrier.scratch import scratch
from severance.errors import InputError

_ADAPTERS = "severance.barrier.peers.adapters"
_NAME = re.compile(r"[A-Za-z_]\w*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True, slots=True)
class Target:
    """An adapter.

    Attributes:
        title: what the report calls it.
        where, name: its module or file, and its class.
        needs: the modules that have to be installed for it.
        packages: how these are called where they are installed from.
    """

    title: str
    where: str
    name: str
    needs: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def versions(self) -> dict[str, str]:
        """The versions of its packages, as far as they are installed."""
        found = {}
        for package in self.packages:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                continue
        return found


KNOWN = {
    target.title: target
    for target in (
        Target("severance", f"{_ADAPTERS}.severance", "Severance", packages=("severance",)),
        Target("mem0", f"{_ADAPTERS}.mem0", "Mem0", ("mem0", "langchain"), ("mem0ai", "langchain")),
        Target("langgraph", f"{_ADAPTERS}.langgraph", "InMemory", ("langgraph",), ("langgraph",)),
        Target(
            "langgraph-sqlite",
            f"{_ADAPTERS}.langgraph",
            "Sqlite",
            ("langgraph", "langgraph.store.sqlite"),
            ("langgraph", "langgraph-checkpoint-sqlite"),
        ),
        Target("chroma", f"{_ADAPTERS}.chroma", "Chroma", ("chromadb",), ("chromadb",)),
    )
}


def target_of(text: str, limits: Limits | None = None) -> Target:
    """The adapter that is meant: a name in `KNOWN`, `FILE.py:CLASS`, or `package.module:Class`. It is imported once, in
    a process of its own.

    Raises:
        InputError: there is no such adapter, or it cannot be imported.
        StoreError: there is nowhere to write.
    """
    target = KNOWN.get(text) or _own(text)
    missing = [module for module in target.needs if not _installed(module)]
    if missing:
        raise InputError(f"{target.title} is not installed here; run `pip install {' '.join(target.packages)}`")
    with scratch() as folder:
        try:
            with Remote(target.where, target.name, folder, limits or Limits()) as remote:
                problem = remote.load()
        except NoAnswerError as silent:
            problem = str(silent)
    if problem:
        raise InputError(f"the adapter {text} cannot be used: {problem}")
    return target


def _own(text: str) -> Target:
    where, _, name = text.rpartition(":")
    if text.endswith(".py"):
        raise InputError(f"the adapter's class is missing; name it as {text}:CLASS")
    if not where or not _NAME.fullmatch(name):
        raise InputError(
            f"there is no adapter called {text or 'nothing'}; name one of {', '.join(KNOWN)}, or your own as "
            "FILE.py:CLASS or package.module:CLASS"
        )
    if where.endswith(".py"):
        path = Path(where).expanduser()
        if not path.is_file():
            raise InputError(f"there is no file {where} with an adapter in it")
        return Target(text, str(path.resolve()), name)
    if not _DOTTED.fullmatch(where):
        raise InputError(f"{where} is neither a Python file nor a module; name the adapter as FILE.py:CLASS")
    return Target(text, where, name)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
