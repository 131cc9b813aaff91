"""Witnesses: who remembers the last checkpoint of a log where the log's own writer cannot reach it quietly.

A witness never takes a checkpoint that its last one does not lead to: an older log that was put back would otherwise
make it forget what it knows. Whether one leads to the other is for the caller to say, who has the log.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult

from severance.audit.notes import MOST_NOTE
from severance.disk.faults import from_system
from severance.errors import DamagedError, InputError, StoreError
from severance.net import Asked, Unanswered, checked_url, exchange, is_private, target_of, whole

_GIT_SECONDS = 60.0
_HTTP_SECONDS = 15.0
_MOST_REPLY = MOST_NOTE + 2**16
_NO_CONTENT, _NOT_FOUND = 204, 404

Leads = Callable[[str], object]
"""Raises when the log does not go on from this note."""


class Witness(Protocol):
    """Keeps the last checkpoint of one log."""

    def last(self) -> str | None:
        """The last note it was given; None when it has none yet.

        Raises:
            StoreError: it cannot be reached, or what it has is no note.
        """
        ...

    def keep(self, note: str) -> None:
        """Keep this note in place of the last one.

        Raises:
            StoreError: it cannot be reached; it still has the last one.
        """
        ...


def witness_of(spec: str, name: str) -> Witness:
    """The witness that a spec names.

    Args:
        spec: `file:PATH`, `git:PATH` for a repository, or `https://...` (http to this machine only).
        name: the log's own, for witnesses that keep several: its store id in hex.

    Raises:
        InputError: the spec cannot be meant.
    """
    kind, _, rest = spec.partition(":")
    if rest and "\0" not in rest:
        path = Path(rest).expanduser().absolute()
        if kind == "file":
            return FileWitness(path)
        if kind == "git":
            return GitWitness(path, f"severance-{name}.checkpoint")
        if kind in ("http", "https"):
            return HttpWitness(checked_url(spec, "a witness", "https://witness.example.org/log", query=True))
    raise InputError("a witness is file:PATH, git:PATH or https://...; give one of these")


def show(witness: Witness, note: str, leads: Leads, *, known: bool = False) -> bool:
    """Give a witness the newest note, when the log goes on from what it has. Returns whether it had any.

    Args:
        witness, note: whom, and what.
        leads: see there.
        known: whether it must have one already.

    Raises:
        DamagedError: the log does not go on from it: it was cut or rewritten. The witness keeps what it has. Or it has
            nothing, and was to have.
        StoreError: it cannot be reached.
    """
    last = witness.last()
    if last is not None:
        leads(last)
    elif known:
        raise DamagedError(
            "a witness has no checkpoint of this log: what it had was removed, or it is a new one; look which, and "
            "give a new one its first checkpoint without --known"
        )
    if last != note:
        witness.keep(note)
    return last is not None


class FileWitness:
    """A file, best on another disk or another machine."""

    def __init__(self, path: Path) -> None:
        """The file need not be there yet; its folder must."""
        self._path = path

    def last(self) -> str | None:
        """The note in the file."""
        try:
            with self._path.open("rb") as file:
                return _text(file.read(MOST_NOTE + 1), self._path.name)
        except FileNotFoundError:
            if not self._path.parent.is_dir():
                raise StoreError(f"the folder of the witness {self._path.name} is not there; mount it") from None
            return None
        except OSError as error:
            raise from_system(error, self._path) from error

    def keep(self, note: str) -> None:
        """Write the file anew, whole or not at all."""
        part = None
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", suffix=".part", dir=self._path.parent)
            part = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(note.encode())
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise from_system(error, self._path) from error
        finally:
            if part is not None:
                with suppress(OSError):
                    part.unlink()


class GitWitness:
    """A git repository, to which every checkpoint is committed; its history can be pushed elsewhere."""

    def __init__(self, folder: Path, name: str) -> None:
        """The repository's work tree, and the name of the file in it."""
        self._folder = folder
        self._file = FileWitness(folder / name)
        self._name = name

    def last(self) -> str | None:
        """The note in the last commit, whatever became of the work tree."""
        if not self._git("ls-tree", "HEAD", "--", self._name, unborn=True):
            return None
        return _text(self._git("show", f"HEAD:{self._name}"), self._name)

    def keep(self, note: str) -> None:
        """Write the file, and commit it and nothing else."""
        self._file.keep(note)
        self._git("add", "--", self._name)
        words = note.split("\n")
        self._git("commit", "--quiet", "--no-verify", "-m", f"{words[0]} at {words[1]}", "--", self._name)

    def _git(self, *arguments: str, unborn: bool = False) -> bytes:
        """What git says. With `unborn`, a repository without any commit says nothing."""
        command = ["git", "-C", str(self._folder), "-c", "commit.gpgSign=false", *arguments]
        try:
            done = subprocess.run(
                command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GIT_SECONDS, check=False
            )
        except FileNotFoundError:
            raise StoreError("git is not installed here; install it, or choose another witness") from None
        except (OSError, subprocess.TimeoutExpired):
            raise StoreError("git did not answer; look at the repository of the witness") from None
        if done.returncode == 0:
            return done.stdout
        if unborn and self._is_repository():
            return b""
        raise StoreError(
            f"git refused in {self._folder.name}; it has to be a repository that you may commit to, with a name and "
            "an address set for commits"
        )

    def _is_repository(self) -> bool:
        command = ["git", "-C", str(self._folder), "rev-parse", "--git-dir"]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GIT_SECONDS, check=False)
        return done.returncode == 0


class HttpWitness:
    """A service: `GET` of its address gives the last note, with 404 or 204 where there is none; `POST` brings one."""

    def __init__(self, parts: SplitResult, *, ticks: Callable[[], float] = time.monotonic) -> None:
        """Nothing is sent yet.

        Args:
            parts: its address.
            ticks: seconds that pass, from any beginning.

        Raises:
            InputError: it is plain http to another machine.
        """
        if not is_private(parts):
            raise InputError("checkpoints go over a network encrypted only; give the witness as https")
        self._parts = parts
        self._target = target_of(parts)
        self._ticks = ticks

    def last(self) -> str | None:
        """What it answers to GET."""
        status, raw = self._ask("GET", None)
        return None if status in (_NO_CONTENT, _NOT_FOUND) else _text(raw, f"the witness at {self._parts.netloc}")

    def keep(self, note: str) -> None:
        """POST the note; every answer from 200 to 299 says that it is kept."""
        if self._ask("POST", note.encode())[0] == _NOT_FOUND:
            raise StoreError(
                f"the witness at {self._parts.netloc} does not take checkpoints there; look at its address"
            )

    def _ask(self, method: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Accept": "text/plain", "Accept-Encoding": "identity", "User-Agent": "severance"}
        if body is not None:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        asked = Asked(method, self._target, body, headers)
        until = self._ticks() + _HTTP_SECONDS
        try:
            return exchange(self._parts, asked, _answer, deadline=until, ticks=self._ticks, most=_MOST_REPLY)
        except TimeoutError:
            problem = f"did not answer within {_HTTP_SECONDS:g} seconds"
        except Unanswered as unanswered:
            problem = str(unanswered)
        raise StoreError(f"the witness at {self._parts.netloc} {problem}; the log was not held against it") from None


def _answer(response: http.client.HTTPResponse) -> tuple[int, bytes]:
    """The status, and the body of a good answer."""
    if response.status == _NOT_FOUND:
        return response.status, b""
    if not 200 <= response.status < 300:
        raise Unanswered(f"answered with status {response.status}")
    return response.status, whole(response)


def _text(raw: bytes, where: str) -> str:
    try:
        if 0 < len(raw) <= MOST_NOTE:
            return raw.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise StoreError(f"{where} holds no checkpoint; a witness must have no other use")
