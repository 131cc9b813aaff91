"""Bringing a persona's memory in step with a folder of notes.

What was taken before is known from the memories themselves: each has in its metadata the mark of its folder and a hash
of the text that was taken, and its thread is the file's name. So nothing is kept beside the store, and a second look,
also by another process or on another day, adds nothing.

A section of a file is a memory. One whose text changed is amended, and one whose heading or file was renamed as well;
one that is gone is forgotten only where that was asked for. What was amended by hand stays until the section changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event

from severance.capture import notes
from severance.capture.exclusion import Exclusion
from severance.capture.notes import Listing, Note, Stamp
from severance.capture.secrets import clean
from severance.errors import NotFoundError
from severance.model import Draft, Memory, Metadata, Scalar
from severance.session import Session
from severance.transfer import fit
from severance.transfer.items import Item, Skipped

FOLDER, CONTENT = "folder", "content"
MOST_SKIPPED_KEPT = 20
_BATCH = 512
_OURS = frozenset((FOLDER, CONTENT, fit.ORIGIN, "title", "heading", "tags"))


@dataclass(slots=True)
class Round:
    """What one look at a folder came to, or with a dry run would have.

    Attributes:
        files: how many notes there are.
        remembered, amended, forgotten: how many memories.
        gone: how many memories are of what was found gone now, and were not forgotten.
        secrets: how many secrets of each kind were taken out of what was read.
        skipped: how much could not be taken and was not told before; of that the first twenty are in `first_skipped`.
        missing: whether the folder is not there, is empty, or has lost every note at once; nothing is done then.
    """

    files: int = 0
    remembered: int = 0
    amended: int = 0
    forgotten: int = 0
    gone: int = 0
    secrets: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    first_skipped: list[Skipped] = field(default_factory=list)
    missing: bool = False

    @property
    def is_news(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.remembered or self.amended or self.forgotten or self.gone or self.skipped or self.secrets)

    def add(self, other: Round) -> None:
        """Count another folder's round with this one."""
        for name in ("files", "remembered", "amended", "forgotten", "gone", "skipped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.secrets.update(other.secrets)
        self.first_skipped = [*self.first_skipped, *other.first_skipped][:MOST_SKIPPED_KEPT]
        self.missing = self.missing or other.missing


@dataclass(slots=True)
class _Held:
    """A memory of a section: its id, its thread, its metadata, and the hash of what is below its heading."""

    id: str
    thread: str
    metadata: dict[str, Scalar]
    body: str


_Key = Callable[[Metadata, str], object]
_SAME: tuple[_Key, ...] = (
    lambda metadata, body: (metadata.get("heading"), metadata.get(CONTENT)),
    lambda metadata, body: metadata.get("heading"),
    lambda metadata, body: body,
)
"""What makes a section and a memory the same, the surest first: unchanged, changed below its heading, renamed."""


class Folder:
    """A folder of notes, and what is remembered of it.

    Attributes:
        root: where it is.
    """

    def __init__(self, root: Path, exclusion: Exclusion, *, forget: bool = False, dry_run: bool = False) -> None:
        """Nothing is looked at yet; with `dry_run` nothing will be remembered, amended or forgotten."""
        self.root = root
        self._exclusion = exclusion
        self._forget = forget
        self._dry_run = dry_run
        self._mark = fit.digest(str(root), 16)
        self._source = fit.label(clean(root.name).text)
        self._stamps: dict[str, Stamp] = {}
        self._held: dict[str, list[_Held]] = {}
        self._imported: set[Scalar] = set()
        self._told: set[Skipped] = set()

    def begin(self, session: Session) -> None:
        """Learn from the memories what was taken before.

        Raises:
            PermitError, AsleepError: the session may not read, or has ended.
        """
        self._stamps, self._held, self._imported = {}, {}, set()
        for memory in session.memories():
            if memory.metadata.get(FOLDER) == self._mark and CONTENT in memory.metadata:
                self._hold(memory)
            elif FOLDER not in memory.metadata and fit.ORIGIN in memory.metadata:
                self._imported.add(memory.metadata[fit.ORIGIN])

    def concerns(self, path: str) -> bool:
        """Whether something that happened at this path could make a difference here."""
        below = Path(path)
        if not below.is_relative_to(self.root):
            return False
        names = below.relative_to(self.root).parts
        return not any(
            self._exclusion.leaves_out("/".join(names[:depth]), is_folder=depth < len(names))
            for depth in range(1, len(names) + 1)
        )

    def has_lost(self) -> bool:
        """Whether a note that was there is not any more. It may be back in a moment: some editors save that way."""
        listing = notes.listing(self.root, self._exclusion)
        return listing.is_there and not self._stamps.keys() <= listing.stamps.keys()

    def look(self, session: Session, stop: Event | None = None) -> Round:
        """Look at what changed since the last time, and have the session remember it.

        Args:
            session: the one with which it began, or another of the same persona.
            stop: when set, no further note is read, and nothing is taken for gone.

        Raises:
            PermitError, AsleepError: the session may not do what is to be done, or has ended. What was not done is
                done at the next look.
            InputError: there are too many notes, or secrets cannot be looked for.
        """
        listing = notes.listing(self.root, self._exclusion)
        is_bare = not listing.stamps and bool(self._held)  # as where a disk is away, or a checkout is under way
        done = Round(files=len(listing.stamps), missing=is_bare or not listing.is_there)
        self._skip(listing.skipped, done)
        if done.missing:
            return done
        stamps, fresh, orphans = {}, list[Item](), self._of_gone_files(listing)
        is_new = not self._held  # then nothing can have moved, and nothing has to be kept in mind until the end
        for name, stamp in listing.stamps.items():
            if stop is not None and stop.is_set():
                break
            if is_new and len(fresh) >= _BATCH:
                self._remember(session, fresh, done)
                fresh = []
            if self._stamps.get(name) != stamp:
                note = notes.read(self.root, name)
                if note is None or not self._may_settle(note, done):
                    continue  # without its stamp it is looked at again
                new, old = self._settle(session, name, note, done)
                fresh += new
                orphans += old
            stamps[name] = stamp
        self._remember(session, self._moved(session, fresh, orphans, done), done)
        if stop is None or not stop.is_set():
            self._drop(session, orphans, done)
        if not self._dry_run:
            self._stamps = stamps
        return done

    def _may_settle(self, note: Note, done: Round) -> bool:
        self._skip(note.skipped, done)
        done.secrets.update(note.secrets)
        return bool(note.items) or not note.skipped

    def _skip(self, found: Iterable[Skipped], done: Round) -> None:
        for each in found:
            if each not in self._told:
                self._told.add(each)
                done.skipped += 1
                done.first_skipped = [*done.first_skipped, each][:MOST_SKIPPED_KEPT]

    def _of_gone_files(self, listing: Listing) -> list[_Held]:
        """The memories of files that are not in the folder any more, which are held no longer under their names."""
        there = {notes.thread_of(name) for name in (*listing.stamps, *(each.where for each in listing.skipped))}
        away = [name for name in self._held if name not in there and not name.startswith(tuple(_below(listing)))]
        return [held for name in away for held in self._held[name]]

    def _settle(self, session: Session, name: str, note: Note, done: Round) -> tuple[list[Item], list[_Held]]:
        """Amend what changed in a file. Returns its new sections, and the memories of those that it has no more."""
        items = [made for each in note.items if isinstance(made := self._marked(name, each), Item)]
        self._skip((made for each in note.items if isinstance(made := self._marked(name, each), Skipped)), done)
        left = list(self._held.get(notes.thread_of(name) or "", ()))
        for same in _SAME:
            for item, held in _paired(items, left, same):
                left.remove(held)
                if _ours(item.draft.metadata) == _ours(held.metadata) or self._amend(session, held, item, done):
                    items.remove(item)
        return [item for item in items if item.origin not in self._imported], left

    def _marked(self, name: str, item: Item) -> Item | Skipped:
        marks = {fit.ORIGIN: item.origin, FOLDER: self._mark, CONTENT: fit.digest(item.draft.text, 16)}
        draft = replace(item.draft, source=self._source, metadata={**item.draft.metadata, **marks})
        return fit.attempt(name, lambda: fit.item(draft, item.origin))

    def _moved(self, session: Session, fresh: list[Item], orphans: list[_Held], done: Round) -> list[Item]:
        """Take for moved what is new in one file and gone from another. Returns what is new indeed."""
        for item, held in _paired(fresh, orphans, lambda metadata, body: (metadata.get(CONTENT), body)):
            orphans.remove(held)
            if self._amend(session, held, item, done):
                fresh.remove(item)
        return fresh

    def _amend(self, session: Session, held: _Held, item: Item, done: Round) -> bool:
        """Put the section as it is now in the place of a memory; False where somebody has forgotten that."""
        draft = item.draft
        metadata = {**{name: held.metadata[name] for name in held.metadata.keys() - _OURS}, **draft.metadata}
        if not self._dry_run:
            try:
                memory = session.amend(
                    held.id, draft.text, at=draft.at, thread=draft.thread, source=draft.source, metadata=metadata
                )
            except NotFoundError:
                self._let_go(held)
                return False
            self._let_go(held)
            self._hold(memory)
        done.amended += 1
        return True

    def _remember(self, session: Session, items: list[Item], done: Round) -> None:
        for start in range(0, len(items), _BATCH):
            batch: list[Draft] = [item.draft for item in items[start : start + _BATCH]]
            if not self._dry_run:
                for memory in session.remember_many(batch):
                    self._hold(memory)
            done.remembered += len(batch)

    def _drop(self, session: Session, gone: list[_Held], done: Round) -> None:
        """Forget what is gone, where that was asked for; else keep it, and say so once."""
        for held in gone:
            if not self._forget:
                known = Skipped(held.id, "gone")
                done.gone += known not in self._told
                self._told.add(known)
                continue
            if not self._dry_run:
                with suppress(NotFoundError):  # somebody was first
                    session.forget(held.id)
                self._let_go(held)
            done.forgotten += 1

    def _hold(self, memory: Memory) -> None:
        held = _Held(memory.id, memory.thread or "", dict(memory.metadata), _body(memory.text))
        self._held.setdefault(held.thread, []).append(held)

    def _let_go(self, gone: _Held) -> None:
        left = [each for each in self._held.pop(gone.thread, ()) if each is not gone]
        if left:
            self._held[gone.thread] = left


def _paired(items: list[Item], held: list[_Held], same: _Key) -> list[tuple[Item, _Held]]:
    """Sections and memories that are the same by this key, each at most once, in their order."""
    waiting: dict[object, list[_Held]] = {}
    for each in held:
        waiting.setdefault(same(each.metadata, each.body), []).append(each)
    found = []
    for item in items:
        match = waiting.get(same(item.draft.metadata, _body(item.draft.text)))
        if match:
            found.append((item, match.pop(0)))
    return found


def _ours(metadata: Metadata) -> dict[str, Scalar]:
    return {name: value for name, value in metadata.items() if name in _OURS}


def _body(text: str) -> str:
    """The hash of what is below the heading of a section."""
    first, _, rest = text.partition("\n")
    return fit.digest(rest.strip() if first.startswith("#") and rest.strip() else text, 16)


def _below(listing: Listing) -> Iterator[str]:
    for folder in listing.unknown:
        yield f"{notes.thread_of(folder)}/"
