"""Wakes personas in processes of their own. Where one crosses again and again, the next process is ready before."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from weakref import WeakSet

from severance.crypto.envelope import SpaceKey
from severance.embed.bundled import WordVectors
from severance.errors import AsleepError, SeveranceError
from severance.model import Head, Persona
from severance.ports import Embedder, Reranking
from severance.telling import Own
from severance.worker.aide import Aide
from severance.worker.away import WorkerSession
from severance.worker.child import Child, wait_for
from severance.worker.confine import Confinement
from severance.worker.messages import Begin, Prepare, Ready, Wake, expected


class Workers:
    """The workers of one house. Safe for any number of threads."""

    def __init__(self, vault: Path) -> None:
        """`vault` is the path of the vault's file; this process has it open as long as a worker lives."""
        self._vault = vault.absolute()  # a worker has another current directory
        self._living: WeakSet[Child] = WeakSet()  # the thread of each keeps it as long as its process is there
        self._lock = Lock()
        self._spare: Child | None = None
        self._woken = 0
        self._closed = False

    def wake(
        self,
        persona: Persona,
        place: str,
        key: SpaceKey,
        *,
        embedder: Embedder,
        reranking: Callable[[], Reranking | None],
        anchor: Head | None,
        keep_anchor: Callable[[Head], None],
        still_awake: Callable[[], None] = lambda: None,
        slept: Callable[[], None] = lambda: None,
        own: Own | None = None,
    ) -> WorkerSession:
        """Wake a persona. Its key is sent when the process has shut itself off, and not before.

        Args:
            persona, place, key, anchor, keep_anchor, still_awake, slept, own: as for `Session`.
            embedder: the bundled one is loaded by the worker; any other embeds in this process, for the worker.
            reranking: as for `Session`; re-ranks in this process.

        Raises:
            SeveranceError: as crossing raises; or there cannot be a process.
        """
        told, bundled = reranking(), isinstance(embedder, WordVectors)
        child, confinement = self._ready()
        child.reply = Aide(embedder, reranking, keep_anchor)
        wake = Wake(
            space=key.space,
            epoch=key.epoch,
            secret=key.secret,
            subject=persona.subject,
            persona=persona.name,
            place=place,
            anchor=None if anchor is None else (anchor.seq, anchor.digest),
            embedder=embedder.identity,
            bundled=bundled,
            reranking=None if told is None else (told.candidates, told.plain_on_failure),
        )
        try:
            child.call(wake)
        except BaseException:
            _stop(child)
            raise
        self._prepare(own=bundled)
        return WorkerSession(persona, place, child, confinement, still_awake=still_awake, slept=slept, own=own)

    def close(self) -> None:
        """Wait until the processes of all sessions that have ended are gone. Nobody is woken here any more.

        Any that is not in time is killed.
        """
        with self._lock:
            self._closed = True
            spare, self._spare = self._spare, None
        if spare is not None:
            _stop(spare)
        living = list(self._living)
        for child in living:
            child.end()
        wait_for(living, Child.patience)

    def _ready(self) -> tuple[Child, Confinement]:
        """A worker that has shut itself off and waits for a key."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            with suppress(AsleepError):  # somebody has ended it; it was nobody yet
                return spare, self._shut_off(spare)
        child = self._new()
        try:
            return child, self._shut_off(child)
        except AsleepError:
            raise SeveranceError(
                "the process for the persona ended before it was ready; see that Severance is installed for "
                "the Python that runs this program, or cross without a process of its own"
            ) from None

    def _shut_off(self, child: Child) -> Confinement:
        try:
            ready = child.call(Begin(os.fspath(self._vault), os.fspath(child.scratch)))
            return expected(Ready, ready).confinement
        except BaseException:
            _stop(child)
            raise

    def _new(self) -> Child:
        child = Child()
        self._living.add(child)
        return child

    def _prepare(self, *, own: bool) -> None:
        """Whoever crosses a second time will cross a third."""
        with self._lock:
            self._woken += 1
            if self._woken < 2 or self._spare is not None or self._closed:
                return
            with suppress(SeveranceError):
                self._spare = self._new()
                if own:
                    self._spare.begin(Prepare())


def _stop(child: Child) -> None:
    child.kill()
    child.end()
