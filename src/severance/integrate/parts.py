"""What Severance has in the text of a configuration: a server, or a command at an event. Read, put in, taken out."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

from severance.integrate import jsonc, lines, tomls
from severance.integrate.client import ENTRY, Client, Form, Hooks
from severance.integrate.edits import BrokenError, broken
from severance.integrate.jsonc import Node

_NOT_OURS = f"a server called {ENTRY} is there that `severance integrate` did not write; rename it or remove it first"
_CANNOT = "this is written in a way into which nothing can be written safely; add it by hand"


class Part(Protocol):
    """Something of Severance's in a text. Every method raises `BrokenError` for a text that is not in its form."""

    def read(self, text: str) -> dict[str, Any] | None:
        """What is there of it; None where nothing is."""
        ...

    def put(self, text: str, wanted: dict[str, Any]) -> str:
        """The text with this of it. What its user has put beside it stays."""
        ...

    def take(self, text: str, before: str | None) -> str:
        """The text without it, and without what held nothing else and was not in the text of before."""
        ...


@dataclass(frozen=True, slots=True)
class Server:
    """The server of a client, in the file that has its servers."""

    client: Client

    def read(self, text: str) -> dict[str, Any] | None:
        """Its entry. Raises BrokenError where another one has its name."""
        entry = self._entry(text)
        if entry is None:
            return None
        if isinstance(entry, dict) and _is_written(entry, self.client.name):
            return dict(entry)
        raise self._not_ours(text)

    def command(self, text: str) -> list[str] | None:
        """Command and arguments of the server of this name, whoever wrote it: to be told, never to be run."""
        entry = self._entry(text)
        if entry is None:
            return None
        found = entry if isinstance(entry, dict) else {}
        words = found.get("args")
        return [str(found.get("command", "")), *map(str, words if isinstance(words, list) else [])]

    def put(self, text: str, wanted: dict[str, Any]) -> str:
        """With this command and these arguments."""
        there = self.read(text)
        if there is None:
            return self._checked(text, self._added(text, wanted), wanted)
        new = {name: value for name, value in wanted.items() if name in ("command", "args")}
        if all(there.get(name) == value for name, value in new.items()):
            return text
        if self._form == "toml":
            found = tomls.changed(text, self._path, new)
        else:
            found = text
            for name, value in new.items():
                node = _at(jsonc.parse(found, lenient=self._lenient), self._path)
                member = None if node is None else node.get(name)
                if member is None:
                    found = jsonc.added(found, self._path, name, value, lenient=self._lenient)
                elif member.data() != value:
                    found = jsonc.replaced(found, member, value)
        return self._checked(text, found, {**there, **new})

    def take(self, text: str, before: str | None) -> str:
        """Without its entry."""
        if self.read(text) is None:
            return text
        if self._form == "toml":
            return self._checked(text, tomls.without(text, self._path), None)
        found = _without(text, self.client.container, ENTRY, lenient=self._lenient)
        return self._checked(text, _pruned(found, self.client.container, before, lenient=self._lenient), None)

    @property
    def _form(self) -> Form:
        return self.client.file.form

    @property
    def _lenient(self) -> bool:
        return self._form == "jsonc"

    @property
    def _path(self) -> tuple[str, ...]:
        return (*self.client.container, ENTRY)

    def _added(self, text: str, wanted: dict[str, Any]) -> str:
        if self._form == "toml":
            return tomls.added(text, self._path, wanted)
        return jsonc.added(text, self.client.container, ENTRY, wanted, lenient=self._lenient)

    def _entry(self, text: str) -> Any:
        found = data(text, self._form)
        for name in self._path:
            if not isinstance(found, dict) or name not in found:
                return None
            found = found[name]
        return found

    def _not_ours(self, text: str) -> BrokenError:
        if self._form == "toml":
            return BrokenError(_NOT_OURS, tomls.line_of(text, self._path), 1)
        node = _at(jsonc.parse(text, lenient=self._lenient), self._path)
        return broken(text, 0 if node is None else node.start, _NOT_OURS)

    def _checked(self, before: str, after: str, entry: dict[str, Any] | None) -> str:
        """The text after an edit, if it means what was meant: this entry, and all else as before."""
        wanted = data(before, self._form)
        try:
            meant, found = data(after, self._form), self._entry(after)
        except BrokenError:
            raise BrokenError(_CANNOT, 1, 1) from None
        for each in (wanted, meant):
            _set(each, self._path, entry)
        if meant == wanted and found == entry:
            return after
        raise BrokenError(_CANNOT, 1, 1)


@dataclass(frozen=True, slots=True)
class Command:
    """A command of a client's hooks at one event, in the file that has its hooks."""

    client: Client
    hooks: Hooks
    event: str

    def read(self, text: str) -> dict[str, Any] | None:
        """The element of the list that it is in."""
        root = self._root(text)
        for element, _ in self._ours(root):
            found = element.data()
            return dict(found) if isinstance(found, dict) else None
        return None

    def put(self, text: str, wanted: dict[str, Any]) -> str:
        """With this command."""
        root = self._root(text)
        command = _commands(wanted)[0]
        for _, handler in self._ours(root):
            node = handler.get("command")
            line = command if node is None else lines.renewed(str(node.plain), command, self.client.name)
            return text if node is None or node.plain == line else jsonc.replaced(text, node, line)
        if root is None:
            for name, value in self.hooks.whole.items():
                text = jsonc.added(text, (), name, value, lenient=self._lenient)
        return jsonc.added(text, self._path, "", wanted, lenient=self._lenient)

    def take(self, text: str, before: str | None) -> str:
        """Without it, however often it is there."""
        while (found := next(self._ours(root := self._root(text)), None)) is not None:
            element, handler = found
            several = self.hooks.grouped and len((element.get("hooks") or element).items or ()) > 1
            holder = element.get("hooks") if several else _at(root, self._path)
            wanted = handler if several else element
            items = [] if holder is None else holder.items or []
            index = next(index for index, item in enumerate(items) if item.value is wanted)
            text = jsonc.without(text, holder or wanted, index)
        return _pruned(text, self._path, before, lenient=self._lenient)

    @property
    def _lenient(self) -> bool:
        return self.hooks.file.form == "jsonc"

    @property
    def _path(self) -> tuple[str, ...]:
        return ("hooks", self.event)

    def _root(self, text: str) -> Node | None:
        return jsonc.parse(text, lenient=self._lenient) if jsonc.says_anything(text, lenient=self._lenient) else None

    def _ours(self, root: Node | None) -> Iterator[tuple[Node, Node]]:
        """Elements of the list, each with the command in it that is Severance's."""
        listed = _at(root, self._path)
        for element in [] if listed is None else listed.items or []:
            inner = element.value.get("hooks") if self.hooks.grouped else None
            handlers = [item.value for item in inner.items or ()] if inner is not None else [element.value]
            for handler in handlers:
                node = handler.get("command")
                if node is not None and lines.hook_of(node.plain, self.client.name) is not None:
                    yield element.value, handler


def data(text: str, form: Form) -> Any:
    """What a text means; an empty object where it says nothing.

    Raises:
        BrokenError: it is not in this form.
    """
    if form == "toml":
        return tomls.data(text)
    lenient = form == "jsonc"
    return jsonc.parse(text, lenient=lenient).data() if jsonc.says_anything(text, lenient=lenient) else {}


def option(words: Sequence[object], name: str) -> str | None:
    """What follows an option among arguments."""
    for word, value in pairwise(words):
        if word == name and isinstance(value, str):
            return value
    return None


def _is_written(entry: dict[str, Any], program: str) -> bool:
    """Whether a server is in the form that is written here: this program, its options, and then what it is for."""
    command, words = entry.get("command"), entry.get("args")
    if not isinstance(command, str) or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return False
    before, last = words[:-5], words[-5:]
    is_for = [*last[:2], *last[3:]] == ["mcp", "--place", "--program", program]
    return is_for and lines.is_program(command, before)


def _commands(element: dict[str, Any]) -> list[str]:
    inner = element.get("hooks")
    handlers = inner if isinstance(inner, list) else [element]
    found = [handler.get("command") for handler in handlers if isinstance(handler, dict)]
    return [command for command in found if isinstance(command, str)]


def _at(node: Node | None, path: Sequence[str]) -> Node | None:
    for name in path:
        node = None if node is None else node.get(name)
    return node


def _without(text: str, path: Sequence[str], key: str, *, lenient: bool) -> str:
    """The text without the member of this name, however often it is there."""
    while True:
        holder = _at(jsonc.parse(text, lenient=lenient), path)
        items = [] if holder is None else holder.items or []
        found = [index for index, item in enumerate(items) if item.key == key]
        if holder is None or not found:
            return text
        text = jsonc.without(text, holder, found[-1])


def _pruned(text: str, path: Sequence[str], before: str | None, *, lenient: bool) -> str:
    """The text without what is empty now on the way of this path, unless it was there before."""
    try:
        old = None if before is None else jsonc.parse(before, lenient=lenient)
    except BrokenError:
        old = None
    for length in range(len(path), 0, -1):
        node = _at(jsonc.parse(text, lenient=lenient), path[:length])
        empty = node is not None and node.items == [] and node.end - node.start == 2
        if not empty or _at(old, path[:length]) is not None:
            return text
        text = _without(text, path[: length - 1], path[length - 1], lenient=lenient)
    return text


def _set(found: Any, path: Sequence[str], value: dict[str, Any] | None) -> None:
    """Put a value at a path, or take away what is there with all that is then empty on the way."""
    inner = found
    for name in path[:-1]:
        inner = inner.setdefault(name, {})
    inner.pop(path[-1], None)
    if value is not None:
        inner[path[-1]] = copy.deepcopy(value)
        return
    for length in range(len(path) - 1, 0, -1):
        holder = found
        for name in path[: length - 1]:
            holder = holder[name]
        if not holder[path[length - 1]]:
            del holder[path[length - 1]]
