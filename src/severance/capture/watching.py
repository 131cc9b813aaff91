"""Keeping a persona's memory in step with folders of notes, for as long as it is asked to.

That something changed is told by the system (through the library watchfiles); what changed is found by looking at the
folder again, so that an event that was lost, doubled or of an editor's temporary file makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from severance.admitted import check_inside
from severance.capture import secrets
from severance.capture.keeping import Folder, Round
from severance.errors import AsleepError, InputError
from severance.session import Session

T = TypeVar("T")

_SETTLED_MS = 300
_GROUPED_MS = 3_000
_AWHILE_MS = 1_000
BACK = 2.0
"""Seconds in which a note that is gone may be back: many editors save by putting another file in its place."""


def checked(paths: Sequence[Path]) -> list[Path]:
    """The folders that these paths name, absolute.

    Raises:
        InputError: one is no folder, or lies in another.
    """
    roots: list[Path] = []
    for path in paths:
        try:
            root = path.expanduser().resolve()
        except (OSError, RuntimeError, ValueError):
            raise InputError(f"{path} cannot be looked at; check the path") from None
        if not root.is_dir():
            raise InputError(f"{path} is no folder; name a folder of notes")
        if any(root.is_relative_to(other) or other.is_relative_to(root) for other in roots):
            raise InputError(f"{path} is named twice, or lies in another of the folders; name the outer one alone")
        roots.append(root)
    return roots


def once(folders: Sequence[Folder], session: Session, stop: Event | None = None) -> Round:
    """Look at every folder one time, as far as `stop` lets it.

    Raises:
        PermitError, AsleepError: the session may not do what is to be done, or has ended.
        InputError: a folder has too many notes, or secrets cannot be looked for.
    """
    secrets.ready()
    whole = Round()
    for folder in folders:
        folder.begin(session)
        whole.add(folder.look(session, stop))
    return whole


def watch(
    folders: Sequence[Folder],
    enter: Callable[[], AbstractContextManager[Session]],
    stop: Event,
    *,
    back: float = BACK,
) -> Generator[Round]:
    """Look at every folder, and again whenever something in one changes; yields what came of each look.

    A session that was put to sleep because nothing was called on it for long is entered again, if the same persona
    wakes; another one is not given notes that were not meant for it.

    Args:
        folders: those to watch. One that goes away is waited for.
        enter: crosses, and stays as long as the `with` lasts.
        stop: ends it when set.
        back: seconds to wait for a note that is gone.

    Raises:
        AsleepError, NotFoundError: the session has ended, and nobody or another persona wakes there now.
        PermitError: the session may not do what is to be done.
        InputError: a folder has too many notes, or what is needed for watching is not installed.
    """
    secrets.ready()
    with ExitStack() as stack:
        held = _Held(stack, enter)
        yield held.calling(lambda session: once(folders, session, stop))
        for may_have_changed in _changes(folders, stop):
            held.calling(check_inside)
            if not may_have_changed:
                continue
            if any(folder.has_lost() for folder in folders) and stop.wait(back):
                return
            yield held.calling(lambda session: _again(folders, session, stop))


def _again(folders: Sequence[Folder], session: Session, stop: Event) -> Round:
    whole = Round()
    for folder in folders:
        whole.add(folder.look(session, stop))
    return whole


class _Held:
    """The session, entered again where it was only put to sleep."""

    def __init__(self, stack: ExitStack, enter: Callable[[], AbstractContextManager[Session]]) -> None:
        self._stack = stack
        self._enter = enter
        self._session = stack.enter_context(enter())
        self._who = (self._session.subject, self._session.persona)

    def calling(self, look: Callable[[Session], T]) -> T:
        """What this returns of the session, which is entered again where it had ended."""
        try:
            return look(self._session)
        except AsleepError as ended:
            self._stack.close()
            self._session = self._stack.enter_context(self._enter())
            if (self._session.subject, self._session.persona) != self._who:
                self._stack.close()
                raise AsleepError(f"{ended}; whoever wakes there now is given nothing") from None
            return look(self._session)


def _changes(folders: Sequence[Folder], stop: Event) -> Iterator[bool]:
    """Yields about each second until it is asked to stop: whether something may have changed."""
    library = _library()
    were_away = False
    while not stop.is_set():
        there = _there(folders)
        if not there:
            yield not were_away
            were_away = True
            stop.wait(_AWHILE_MS / 1_000)
            continue
        were_away = False
        try:
            is_first = True  # nobody tells what happened before the system was listening
            for told in _told(library, folders, there, stop):
                yield is_first or told
                is_first = False
                if _there(folders) != there:
                    break  # nothing more is heard of a folder that was put in the place of another
        except FileNotFoundError:
            continue  # gone again since
        except OSError as error:
            raise InputError(
                f"the system does not watch these folders ({error.strerror or 'I/O error'}); name smaller ones, or "
                "look now and then with --once"
            ) from None


def _told(library: Any, folders: Sequence[Folder], there: Iterable[Path], stop: Event) -> Iterator[bool]:
    for events in library.watch(
        *there,
        watch_filter=lambda change, path: any(folder.concerns(path) for folder in folders),
        debounce=_GROUPED_MS,
        step=_SETTLED_MS,
        stop_event=stop,
        rust_timeout=_AWHILE_MS,
        yield_on_timeout=True,
        debug=False,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        yield bool(events)


def _there(folders: Sequence[Folder]) -> dict[Path, tuple[int, int]]:
    """The folders that are there, each with what tells it from another of its name."""
    found = {}
    for folder in folders:
        with suppress(OSError):
            status = folder.root.stat()
            found[folder.root] = (status.st_dev, status.st_ino)
    return found


def _library() -> Any:
    try:
        return import_module("watchfiles")
    except ImportError:
        raise InputError("folders cannot be watched; `pip install 'severance[watch]'` mends that") from None
