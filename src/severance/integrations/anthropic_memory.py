"""Anthropic's memory tool (`memory_20250818`): the files that Claude keeps in /memories, each a memory of one persona.

The answers to the model are those that Anthropic's documentation of the tool gives. Directories are there as long as a
file is below them; nothing is written to the disk but the sealed records of the persona.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any
from urllib.parse import unquote

from severance.drafts import is_blank
from severance.errors import InputError, NotFoundError, SeveranceError
from severance.integrations.frame import MENDABLE, framework
from severance.model import Memory
from severance.session import Session

with framework("anthropic", extra="anthropic"):
    from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError

ROOT = "/memories"
_FILE, _BLANK = "memory-tool", "blank"
_NOTHING = "(nothing that can be seen)"
_MOST_LINES = 999_999
_WIDTH = 6
_DEEP = 2
_AROUND = 2
_UNITS = "BKMG"


class Files:
    """The files below /memories, in one persona's space.

    What the model has asked wrongly is an `InputError` with the documented words, which repeat what it has asked; a
    text that cannot be kept, one with Severance's. A file has at most 65,536 bytes. Changes in this process take turns.
    Of two processes that edit one file at the same time, the later one's text stands, and the earlier one's is in the
    memory's history.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changing = RLock()

    def view(self, path: str, view_range: list[int] | None = None) -> str:
        """A directory's files, two levels deep, with sizes; or a file's lines with their numbers."""
        path = _checked(path)
        file = self._file(path)
        if file is None:
            return self._listing(path)
        lines = _content(file).split("\n")
        if len(lines) > _MOST_LINES:
            raise InputError(f"File {path} exceeds maximum line limit of 999,999 lines.")
        first, last = _range(view_range, len(lines))
        shown = _numbered(lines, first, last)
        return "\n".join([f"Here's the content of {path} with line numbers:", *shown])

    def create(self, path: str, file_text: str) -> str:
        """Write a new file."""
        path = _checked(path)
        with self._changing:
            self._check_free(path, f"Error: File {path} already exists")
            self._session.remember(**_kept(file_text), thread=path, source="agent", kind="file")
        return f"File created successfully at: {path}"

    def str_replace(self, path: str, old_str: str, new_str: str) -> str:
        """Put a text in the place of one that is in the file exactly once."""
        path = _checked(path)
        with self._changing:
            file, before = self._edited(path, f"Error: The path {path} does not exist. Please provide a valid path.")
            found = _lines_with(before, old_str)
            if not found:
                raise InputError(
                    f"No replacement was performed, old_str `{old_str}` did not appear verbatim in {path}."
                )
            if len(found) > 1:
                numbers = ", ".join(map(str, found))
                told = f"Multiple occurrences of old_str `{old_str}` in lines: {numbers}. Please ensure it is unique"
                raise InputError(f"No replacement was performed. {told}")
            after = before.replace(old_str, new_str, 1)
            self._write(file, after)
        last = found[0] + new_str.count("\n") + _AROUND
        snippet = _numbered(after.split("\n"), max(1, found[0] - _AROUND), last)
        return "\n".join(["The memory file has been edited.", *snippet])

    def insert(self, path: str, insert_line: int, insert_text: str) -> str:
        """Put lines behind the line of this number; 0 is the beginning."""
        path = _checked(path)
        with self._changing:
            file, before = self._edited(path, f"Error: The path {path} does not exist")
            lines = before.split("\n")
            count = len(lines) - (lines[-1] == "")
            if not 0 <= insert_line <= count:
                told = f"It should be within the range of lines of the file: [0, {count}]"
                raise InputError(f"Error: Invalid `insert_line` parameter: {insert_line}. {told}")
            lines.insert(insert_line, insert_text.removesuffix("\n"))
            self._write(file, "\n".join(lines))
        return f"The file {path} has been edited."

    def delete(self, path: str) -> str:
        """Forget a file, or all files of a directory, for good."""
        path = _checked(path)
        if path == ROOT:
            raise InputError(f"Error: The path {path} cannot be deleted")
        with self._changing:
            gone = self._at_or_below(path)
            if not gone:
                raise InputError(f"Error: The path {path} does not exist")
            self._forget(gone)
        return f"Successfully deleted {path}"

    def rename(self, old_path: str, new_path: str) -> str:
        """Give a file, or all files of a directory, another path."""
        old_path, new_path = _checked(old_path), _checked(new_path)
        if ROOT in (old_path, new_path) or new_path.startswith(f"{old_path}/"):
            raise InputError(f"Error: The path {old_path} cannot be renamed to {new_path}")
        with self._changing:
            moved = self._at_or_below(old_path)
            if not moved:
                raise InputError(f"Error: The path {old_path} does not exist")
            self._check_free(new_path, f"Error: The destination {new_path} already exists")
            for file in moved:
                self._session.amend(file.id, thread=new_path + str(file.thread).removeprefix(old_path))
        return f"Successfully renamed {old_path} to {new_path}"

    def clear(self) -> str:
        """Forget all files, for good."""
        with self._changing:
            self._forget(self._at_or_below(ROOT))
        return "All memory cleared"

    def _file(self, path: str) -> Memory | None:
        """The file at this path; of two that were created at the same time, the later one."""
        found = [memory for memory in self._session.memories(thread=path) if _FILE in memory.metadata]
        return max(found, key=lambda memory: memory.recorded, default=None)

    def _at_or_below(self, path: str) -> list[Memory]:
        """The file at this path, or the files below it, those first that were written first."""
        found = self._session.memories(where={_FILE: True})
        chosen = (file for file in found if file.thread == path or str(file.thread).startswith(f"{path}/"))
        return sorted(chosen, key=lambda file: file.recorded)

    def _forget(self, files: list[Memory]) -> None:
        for file in files:
            with suppress(NotFoundError):  # another was first
                self._session.forget(file.id)

    def _edited(self, path: str, absent: str) -> tuple[Memory, str]:
        file = self._file(path)
        if file is None:
            raise InputError(absent)
        return file, _content(file)

    def _check_free(self, path: str, taken: str) -> None:
        """Refuse a path at which something is, or of which a part is a file."""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(3, len(parts)))
        if path == ROOT or self._at_or_below(path) or any(self._file(each) for each in above):
            raise InputError(taken)

    def _write(self, file: Memory, content: str) -> None:
        self._session.amend(file.id, **_kept(content))

    def _listing(self, path: str) -> str:
        files = {str(file.thread): len(_content(file).encode()) for file in self._at_or_below(path)}
        if not files and path != ROOT:
            raise InputError(f"The path {path} does not exist. Please provide a valid path.")
        sizes: dict[str, int] = {path: 0}
        for name, size in files.items():
            below = name.removeprefix(f"{path}/").split("/")
            if any(_is_hidden(part) for part in below):
                continue
            shown = ["/".join([path, *below[:depth]]) for depth in range(1, min(len(below), _DEEP) + 1)]
            for each in (path, *shown):
                sizes[each] = sizes.get(each, 0) + size
        head = (
            f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden items and node_modules:"
        )
        return "\n".join([head, *(f"{_size(size)}\t{name}" for name, size in sorted(sizes.items()))])


class _Ending:
    """What both tools do when an error is not the model's.

    The SDK hands every error of a tool to the model and goes on. So this one is raised again where the SDK asks for the
    tool's definition, before the next request: that ends the run.
    """

    _ended: SeveranceError | None = None

    def to_dict(self) -> Any:
        """The tool's definition, as the SDK sends it."""
        if self._ended is not None:
            raise self._ended
        return super().to_dict()  # type: ignore[misc]

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except MENDABLE as told:
            raise ToolError(str(told)) from told
        except SeveranceError as ended:
            self._ended = ended
            raise


class SeveranceMemoryTool(_Ending, BetaAbstractMemoryTool):
    """The memory tool for the SDK's tool runner, with the files of one persona.

    What the model can mend, it is told by the SDK's `ToolError`. Any other error of Severance ends the run.
    """

    def __init__(self, session: Session, **options: Any) -> None:
        """`options` are those of the SDK's class, such as `cache_control`."""
        super().__init__(**options)
        self._files = Files(session)

    def execute(self, command: Any) -> str:
        """Do what one call of the tool asks for."""
        with self._told():
            return _done(self._files, command)

    def clear_all_memory(self) -> str:
        """Forget all files, for good. Not a command of the model's."""
        return self._files.clear()

    view = create = str_replace = insert = delete = rename = execute


class SeveranceAsyncMemoryTool(_Ending, BetaAsyncAbstractMemoryTool):
    """As `SeveranceMemoryTool`, for the SDK's asynchronous client."""

    def __init__(self, session: Session, **options: Any) -> None:
        """`options` are those of the SDK's class, such as `cache_control`."""
        super().__init__(**options)
        self._files = Files(session)

    async def execute(self, command: Any) -> str:
        """Do what one call of the tool asks for."""
        with self._told():
            return await asyncio.to_thread(_done, self._files, command)

    async def clear_all_memory(self) -> str:
        """Forget all files, for good. Not a command of the model's."""
        return await asyncio.to_thread(self._files.clear)

    view = create = str_replace = insert = delete = rename = execute


def _done(files: Files, command: Any) -> str:
    """Do a command, whose arguments a model has written: they may be missing, or of any type."""
    asked = _COMMANDS.get(_given(command, "command", str))
    if asked is None:
        raise InputError(f"Error: there is no such command; there are {', '.join(_COMMANDS)}")
    do, arguments = asked
    return do(files, *(_given(command, name, kind) for name, kind in arguments.items()))


_COMMANDS: dict[str, tuple[Callable[..., str], dict[str, type]]] = {
    "view": (Files.view, {"path": str, "view_range": list}),
    "create": (Files.create, {"path": str, "file_text": str}),
    "str_replace": (Files.str_replace, {"path": str, "old_str": str, "new_str": str}),
    "insert": (Files.insert, {"path": str, "insert_line": int, "insert_text": str}),
    "delete": (Files.delete, {"path": str}),
    "rename": (Files.rename, {"old_path": str, "new_path": str}),
}


def _given(command: Any, name: str, kind: type) -> Any:
    value = getattr(command, name, None)
    if type(value) is kind or (value is None and name == "view_range"):
        return value
    raise InputError(f"Error: the command needs {name}, which is {_KINDS[kind]}")


_KINDS: dict[type, str] = {str: "a text", int: "a whole number", list: "a list of two line numbers"}


def _checked(path: str) -> str:
    """The path without a slash at its end, if it is one that can be in /memories and nowhere else."""
    parts = path.removesuffix("/").split("/")
    plain = [unquote(part) for part in parts[2:]]
    odd = any(part in ("", ".", "..") or "/" in part or "\\" in part or not part.isprintable() for part in plain)
    if parts[:2] != ROOT.split("/") or odd:
        raise InputError(f"Error: The path {path} is not one in {ROOT}")
    return "/".join(parts)


def _kept(content: str) -> dict[str, Any]:
    """How a file's text is kept: a memory's text has to have something that can be seen."""
    if is_blank(content):
        return {"text": _NOTHING, "metadata": {_FILE: True, _BLANK: content}}
    return {"text": content, "metadata": {_FILE: True}}


def _content(file: Memory) -> str:
    blank = file.metadata.get(_BLANK)
    return str(blank) if blank is not None and file.text == _NOTHING else file.text  # it may have been amended


def _range(asked: list[int] | None, count: int) -> tuple[int, int]:
    """The first and the last line to show."""
    if asked is None:
        return 1, count
    if len(asked) != 2 or any(type(number) is not int for number in asked):
        raise InputError("Error: `view_range` is a list of two line numbers, of which the second may be -1")
    first, last = max(1, asked[0]), count if asked[1] == -1 else asked[1]
    if not first <= last or first > count:
        told = f"It should be within the lines of the file: [1, {count}]"
        raise InputError(f"Error: Invalid `view_range` parameter: {asked}. {told}")
    return first, last


def _numbered(lines: list[str], first: int, last: int) -> list[str]:
    return [f"{number:{_WIDTH}}\t{line}" for number, line in enumerate(lines[first - 1 : last], first)]


def _lines_with(content: str, wanted: str) -> list[int]:
    """The number of the line of each occurrence; those of an empty text are none."""
    found: list[int] = []
    place = content.find(wanted) if wanted else -1
    while place >= 0:
        found.append(1 + content.count("\n", 0, place))
        place = content.find(wanted, place + 1)
    return found


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "node_modules"


def _size(count: int) -> str:
    """A number of bytes as `du -h` would write it."""
    power = 0
    size = float(count)
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.1f}{_UNITS[power]}" if power and size != int(size) else f"{int(size)}{_UNITS[power]}"
