"""JSON, and JSON with comments and commas before closing brackets: read with where everything stands.

So one member can be added or taken out, and nothing else changes. RFC 8259; the comments and commas are those that VS
Code takes in its settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from severance.integrate.edits import Edit, broken, edited, newline_of

MOST_DEPTH = 200

_BLANK = re.compile(r"[ \t\r\n]+")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null", re.ASCII)
_UNIT = re.compile(r"^[ \t]+(?=[\"\[{])", re.MULTILINE)

Path = Sequence[str]


@dataclass(slots=True)
class Item:
    """A member of an object, or an element of an array.

    Attributes:
        key: its name; "" in an array.
        start, end: from the first sign of the key (or value) to behind the value.
        value: the value.
        comma: the index of the comma behind it, or -1.
    """

    key: str
    start: int
    end: int
    value: Node
    comma: int = -1


@dataclass(slots=True)
class Node:
    """A value: where it stands, what it is, and what is in it.

    Attributes:
        start, end: from its first sign to behind its last.
        plain: what it is, where it is neither object nor array.
        items: what is in it, in order; None where it is neither.
        is_object: whether it is an object.
    """

    start: int
    end: int = -1
    plain: Any = None
    items: list[Item] | None = None
    is_object: bool = False

    def get(self, key: str) -> Node | None:
        """The value of the last member of this name, as every reader takes it; None where there is none."""
        named = [item.value for item in self.items or () if self.is_object and item.key == key]
        return named[-1] if named else None

    def data(self) -> Any:
        """What it means, as `json.loads` would say."""
        if self.items is None:
            return self.plain
        if self.is_object:
            return {item.key: item.value.data() for item in self.items}
        return [item.value.data() for item in self.items]


@dataclass(slots=True)
class _Scan:
    """One pass over a text."""

    text: str
    lenient: bool
    at: int = field(default=0)

    def document(self) -> Node:
        """The one value of the text."""
        self.skip()
        found = self.value(0)
        self.skip()
        if self.at < len(self.text):
            raise broken(self.text, self.at, "there is more behind the end")
        return found

    def value(self, depth: int) -> Node:
        if depth > MOST_DEPTH:
            raise broken(self.text, self.at, "it is nested too deeply")
        sign = self.text[self.at : self.at + 1]
        if sign in ("{", "["):
            return self.many(sign, depth)
        node = Node(self.at)
        match = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
        if match is None:
            raise broken(self.text, self.at, "a value is expected here" if sign else "it ends too early")
        try:
            node.plain = json.loads(match[0])
        except ValueError:  # a number with more digits than Python reads
            raise broken(self.text, self.at, "this number is too long") from None
        self.at = node.end = match.end()
        return node

    def many(self, opening: str, depth: int) -> Node:
        node = Node(self.at, items=[], is_object=opening == "{")
        items: list[Item] = []
        closing = "}" if node.is_object else "]"
        self.at += 1
        self.skip()
        while self.text[self.at : self.at + 1] != closing:
            if items and items[-1].comma < 0:
                raise broken(self.text, self.at, f"a comma or {closing} is expected here")
            items.append(self.item(node.is_object, depth))
            self.skip()
            if self.text[self.at : self.at + 1] == ",":
                items[-1].comma = self.at
                self.at += 1
                self.skip()
        if items and items[-1].comma >= 0 and not self.lenient:
            raise broken(self.text, items[-1].comma, "there is a comma too many")
        self.at += 1
        node.items, node.end = items, self.at
        return node

    def item(self, named: bool, depth: int) -> Item:
        start, key = self.at, ""
        if named:
            match = _STRING.match(self.text, self.at)
            if match is None:
                raise broken(self.text, self.at, "a name in quotes or } is expected here")
            key, self.at = json.loads(match[0]), match.end()
            self.skip()
            if self.text[self.at : self.at + 1] != ":":
                raise broken(self.text, self.at, "a colon is expected here")
            self.at += 1
            self.skip()
        value = self.value(depth + 1)
        return Item(key, start, value.end, value)

    def skip(self) -> None:
        """Pass over blanks, and comments where there may be any."""
        while True:
            before = self.at
            if blank := _BLANK.match(self.text, self.at):
                self.at = blank.end()
            if self.lenient and self.text.startswith("//", self.at):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.lenient and self.text.startswith("/*", self.at):
                end = self.text.find("*/", self.at + 2)
                if end < 0:
                    raise broken(self.text, self.at, "a comment does not end")
                self.at = end + 2
            if self.at == before:
                return


def parse(text: str, *, lenient: bool) -> Node:
    """Read a text.

    Args:
        text: without a byte order mark.
        lenient: whether comments, and commas before closing brackets, may be in it.

    Raises:
        BrokenError: it is no such text.
    """
    return _Scan(text, lenient).document()


def added(text: str, path: Path, key: str, value: object, *, lenient: bool) -> str:
    """The text with one more member, or (with an empty key) element, behind those that are there.

    Args:
        text: a configuration; one without a value in it counts as `{}`.
        path: the names from the root to what it comes into, made where they are not there.
        key: its name; "" adds an element to an array.
        value: what JSON can hold.
        lenient: as in `parse`.

    Raises:
        BrokenError: the text is broken, or something on the way is of another kind.
    """
    newline, unit = newline_of(text), _unit_of(text)
    if not says_anything(text, lenient=lenient):
        whole = _written(_nested(path, key, value), unit, newline, "")
        return f"{text}{newline if text.strip() and not text.endswith(newline) else ''}{whole}{newline}"
    node = parse(text, lenient=lenient)
    left = list(path)
    _must_be(text, node, is_object=bool(left or key))
    while left and (inner := node.get(left[0])) is not None:
        left.pop(0)
        _must_be(text, inner, is_object=bool(left or key))
        node = inner
    if left:
        key, value = left[0], _nested(left[1:], key, value)
    return edited(text, _insertion(text, node, key, value, newline, unit))


def replaced(text: str, node: Node, value: object) -> str:
    """The text with another value in the place of this one."""
    newline, unit = newline_of(text), _unit_of(text)
    written = _written(value, unit if "\n" in text[node.start : node.end] else None, newline, _indent(text, node.start))
    return edited(text, [Edit(node.start, node.end, written)])


def without(text: str, node: Node, index: int) -> str:
    """The text without this item of an object or array. Comments around it stay."""
    items = node.items or []
    item = items[index]
    edits, end, kept = [], item.end, ""
    if item.comma >= 0:
        end, kept = item.comma + 1, text[item.end : item.comma]  # a comment before the comma
    elif index > 0:
        edits.append(Edit(items[index - 1].comma, items[index - 1].comma + 1, ""))
    line = text.rfind("\n", 0, item.start) + 1
    alone = not text[line : item.start].strip(" \t") and not f"{kept}{text[end:]}".partition("\n")[0].strip()
    start = line - 1 if alone and line else item.start
    start -= alone and text[start - 1 : start] == "\r"
    if not alone:
        start = len(text[:start].rstrip(" \t"))
    edits.append(Edit(start, end, kept))
    found = edited(text, edits)
    return _closed(found, node) if len(items) == 1 else found


def _closed(text: str, node: Node) -> str:
    """The text in which nothing but blanks is between the brackets that held one item, with the brackets together."""
    closing = "}" if node.is_object else "]"
    end = text.find(closing, node.start + 1)
    inner = text[node.start + 1 : end]
    return text if inner.strip() else text[: node.start + 1] + text[end:]


def says_anything(text: str, *, lenient: bool) -> bool:
    """Whether there is more in a text than blanks, and comments where there may be any."""
    scan = _Scan(text, lenient)
    scan.skip()
    return scan.at < len(text)


def _must_be(text: str, node: Node, *, is_object: bool) -> None:
    if node.items is None or node.is_object is not is_object:
        raise broken(text, node.start, f"this should be {'an object' if is_object else 'an array'}")


def _nested(path: Path, key: str, value: object) -> object:
    found: object = {key: value} if key else [value]
    for name in reversed(path):
        found = {name: found}
    return found


def _insertion(text: str, node: Node, key: str, value: object, newline: str, unit: str) -> list[Edit]:
    items = node.items or []
    name = f"{json.dumps(key, ensure_ascii=False)}: " if key else ""
    outer = _indent(text, node.start)
    spread = not items or "\n" in text[node.start : node.end]
    if not spread:
        last = items[-1]
        written = f" {name}{_written(value, None, newline, '')}"
        if last.comma >= 0:
            return [Edit(last.comma + 1, last.comma + 1, f"{written},")]
        return [Edit(last.end, last.end, f",{written}")]
    indent = outer + unit
    if items and text[text.rfind("\n", 0, items[0].start) + 1 : items[0].start].strip(" \t") == "":
        indent = _indent(text, items[0].start)
    written = f"{newline}{indent}{name}{_written(value, unit, newline, indent)}"
    begun = node.start + 1
    edits = []
    if items:
        last = items[-1]
        begun = max(last.end, last.comma + 1)
        edits = [Edit(last.end, last.end, ",")] if last.comma < 0 else []
        written += "," * (last.comma >= 0)  # as it was: with a comma behind the last
    rest = text[begun : node.end - 1]
    at = begun + len(rest.rstrip())
    if "\n" not in text[at : node.end - 1]:
        written += newline + outer
        edits.append(Edit(at, node.end - 1, written))
    else:
        edits.append(Edit(at, at, written))
    return edits


def _written(value: object, unit: str | None, newline: str, indent: str) -> str:
    return json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", newline + indent)


def _indent(text: str, at: int) -> str:
    """The blanks at the beginning of the line that this index is in."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit_of(text: str) -> str:
    """What a level is indented by: as the first line that is, two blanks where none is."""
    match = _UNIT.search(text)
    return match[0] if match else "  "
