"""What a reader of a source finds, and what a reader is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from severance.errors import InputError
from severance.transfer.leftout import LeftOut

if TYPE_CHECKING:
    from datetime import datetime

    from severance.model import Draft
    from severance.transfer.cleaning import Cleaning

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing found in a source, ready to be remembered.

    The fields after `as_is` are set by the `jsonl` reader only. The ids among them are those of the store that wrote
    the file: they tell which lines belong together, and are no ids here.

    Attributes:
        draft: within every limit that `Draft` names, with room left in its metadata for the origin.
        origin: what this item is called within its kind of source, at most 200 bytes. The same source read again gives
            the same origins, so a second import can add nothing.
        as_is: whether no secrets are to be looked for in it: they have been, or it is of Severance's own export.
        repeats: how often exactly this had been remembered.
        id: the id it had.
        recorded: when it had been remembered.
        echo_of, supersedes, superseded_by: as in `Memory`.
    """

    draft: Draft
    origin: str
    as_is: bool = False
    repeats: int = 1
    id: str | None = None
    recorded: datetime | None = None
    echo_of: str | None = None
    supersedes: str | None = None
    superseded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """One thing that was not taken: where it is (`line 12`, `conversations[3] message 4`), and why. Never content."""

    where: str
    why: str


Found = Item | Skipped


@dataclass(slots=True)
class Progress:
    """How far a reader has come, in bytes, and what it left out; `total` is None where nobody counted.

    With `cleaning`, secrets are taken out of what is read.
    """

    total: int | None = None
    done: int = 0
    left_out: LeftOut = field(default_factory=LeftOut)
    cleaning: Cleaning | None = None

    def share(self, part: int, whole: int) -> None:
        """`part` of `whole` equal steps are done."""
        if self.total is not None and whole:
            self.done = self.total * part // whole


class Reader(Protocol):
    """Reads one format.

    It yields what it can use as `Item` and what it cannot as `Skipped`, in the order of the source, each as soon as it
    is read; one bad entry never costs its neighbours. It may raise `InputError` (the source as a whole cannot be read)
    and `OSError` (which `Reading` turns into `InputError`), and nothing else. It closes what it opens.
    """

    def __call__(self, path: Path, options: Options, progress: Progress) -> Iterator[Found]:
        """What is at `path`, which exists. `options` holds only names that the format declares."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name, one line about it, its reader, the options that it takes, whether it may be a folder."""

    name: str
    summary: str
    read: Reader
    options: tuple[str, ...] = ()
    folder: bool = False


class Reading(Iterator[Found]):
    """A source that is being read: iterate to get `Item`s and `Skipped`s. Can be iterated once.

    Attributes:
        format: the name of the format.
    """

    def __init__(self, name: str, path: Path, progress: Progress, start: Callable[[], Iterator[Found]]) -> None:
        self.format = name
        self._path = path
        self._progress = progress
        self._found = start()

    @property
    def size(self) -> int | None:
        """How many bytes there are to read, or None when counting them would cost too much."""
        return self._progress.total

    @property
    def done(self) -> int:
        """About how many bytes have been read."""
        return self._progress.done

    @property
    def left_out(self) -> LeftOut:
        """What of a folder was not read, and is not among what was skipped: files of other kinds, and hidden ones."""
        return self._progress.left_out

    @property
    def secrets(self) -> Mapping[str, int] | None:
        """How many secrets of each kind were taken out until now; None where they are not looked for."""
        cleaning = self._progress.cleaning
        return None if cleaning is None else cleaning.found

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Found:
        """The next thing found.

        Raises:
            InputError: the source cannot be read, or not any further.
        """
        cleaning = self._progress.cleaning
        try:
            found = next(self._found)
            return found if cleaning is None else cleaning.item(found)
        except OSError as error:
            raise InputError(f"{self._path} could not be read to its end ({error.strerror or 'I/O error'})") from None

    def close(self) -> None:
        """Stop reading and close the files. Calling it again does nothing."""
        close = getattr(self._found, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
