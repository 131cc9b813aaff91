# ruff: noqa: A002
"""Adapters that misbehave, each in one way. They run in a process of their own, for real."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import signal
import sys
import threading
import time
import zlib
from pathlib import Path

from severance.barrier.peers.leaky import Strict
from severance.barrier.peers.port import Found

PIDS = "pids"
"""The file in the home of an adapter for the ids of processes that were started here."""


def _note(pid: int) -> None:
    with (Path.home() / PIDS).open("a", encoding="utf-8") as file:
        file.write(f"{pid}\n")


class Hangs(Strict):
    def search(self, tenant, query, limit):
        time.sleep(10_000)


class HangsAtTheStart(Strict):
    def __init__(self, folder):
        time.sleep(10_000)


class HangsAtTheEnd(Strict):
    def close(self):
        time.sleep(10_000)


class IgnoresBeingAsked(Strict):
    def __init__(self, folder):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        super().__init__(folder)

    def search(self, tenant, query, limit):
        while True:
            time.sleep(1)


class Exits(Strict):
    def search(self, tenant, query, limit):
        os._exit(3)


class ExitsWithChildren(Strict):
    """A child holds every open end while its parent is gone."""

    def search(self, tenant, query, limit):
        child = os.fork()
        if child:
            _note(child)
            os._exit(3)
        time.sleep(10_000)


class Segfaults(Strict):
    def get(self, tenant, id):
        ctypes.string_at(0)


class LeavesPolitely(Strict):
    def search(self, tenant, query, limit):
        sys.exit("goodbye")


class RaisesAlways(Strict):
    def add(self, tenant, text):
        raise RuntimeError("no\nnever")


class RaisesWhatCannotBeSaid(Strict):
    def add(self, tenant, text):
        class Mute(BaseException):
            def __str__(self):
                raise ValueError("mute")

        raise Mute


class CannotBeMade(Strict):
    def __init__(self, folder):
        raise PermissionError("the server wants a password")


class CannotBeMadeTwice(Strict):
    def __init__(self, folder):
        if any(folder.iterdir()):
            raise BlockingIOError("the folder is taken")
        super().__init__(folder)


class HangsOnce(Strict):
    """Its home is kept from process to process."""

    def search(self, tenant, query, limit):
        mark = Path("~/has-hung").expanduser()
        if not mark.exists():
            mark.touch()
            time.sleep(10_000)
        return super().search(tenant, query, limit)


class Forgets(Strict):
    def search(self, tenant, query, limit):
        return []


class Lies(Strict):
    """Says that it has what it was asked about, always."""

    def search(self, tenant, query, limit):
        return [Found("1", query)]

    def list(self, tenant):
        return [Found("1", "all is well")]


class ReturnsNone(Strict):
    def add(self, tenant, text):
        super().add(tenant, text)


class ReturnsNumbers(Strict):
    def add(self, tenant, text):
        return 7


class ReturnsText(Strict):
    def search(self, tenant, query, limit):
        return "found: nothing"


class ReturnsDictionaries(Strict):
    def search(self, tenant, query, limit):
        return [{"id": "1", "text": query}]


class ReturnsObjects(Strict):
    def get(self, tenant, id):
        return object()


class ReturnsMillions(Strict):
    def list(self, tenant):
        return [Found(str(number), "the same") for number in range(10**6)]


class NeverEnds(Strict):
    def list(self, tenant):
        return (Found(str(number), "the same") for number in itertools.count())


class ReturnsTenMegabytes(Strict):
    def get(self, tenant, id):
        return "x" * 10_000_000


class ReturnsHalfCharacters(Strict):
    def get(self, tenant, id):
        return "\ud800"


class ScoresInWords(Strict):
    def search(self, tenant, query, limit):
        return [Found("1", query, "high")]


class Yields(Strict):
    """Not wrong: any iterable of `Found` will do."""

    def list(self, tenant):
        yield from super().list(tenant)


class Talks(Strict):
    """Prints, and reads what nobody says."""

    def search(self, tenant, query, limit):
        print('[{"kind":"ok"}]', flush=True)
        os.write(1, b"[]\n" * 1_000)
        os.write(2, b"warning\n")
        sys.stdin.read()
        return super().search(tenant, query, limit)


class ForksAndComesBack(Strict):
    """Both the parent and the child return."""

    def search(self, tenant, query, limit):
        os.fork()
        return super().search(tenant, query, limit)


class StartsThreads(Strict):
    def __init__(self, folder):
        super().__init__(folder)
        threading.Thread(target=time.sleep, args=(10_000,)).start()


class StartsProcesses(Strict):
    """One child stays in the group, the other leaves it."""

    def __init__(self, folder):
        super().__init__(folder)
        for leaves in (False, True):
            child = os.fork()
            if child:
                _note(child)
                continue
            if leaves:
                os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(10_000)


class Few:
    """Has three methods only."""

    def __init__(self, folder):
        self.texts = {}

    def add(self, tenant, text):
        self.texts.setdefault(tenant, []).append(text)
        return str(len(self.texts[tenant]))

    def list(self, tenant):
        return [Found(str(number), text) for number, text in enumerate(self.texts.get(tenant, ()), 1)]

    def get(self, tenant, id):
        raise NotImplementedError


class ByCrc(Strict):
    """Knows a tenant by a checksum of its name; so do the three that follow."""

    def _own(self, tenant):
        return super()._own(str(zlib.crc32(tenant.encode())))


class ByAdler(Strict):
    def _own(self, tenant):
        return super()._own(str(zlib.adler32(tenant.encode())))


class ByFnv(Strict):
    def _own(self, tenant):
        return super()._own(
            str(functools.reduce(lambda h, byte: (h ^ byte) * 16777619 % 2**32, tenant.encode(), 2166136261))
        )


class ByJava(Strict):
    def _own(self, tenant):
        return super()._own(str(functools.reduce(lambda h, char: (31 * h + ord(char)) % 2**32, tenant, 0)))


class Full(Strict):
    """Leaks in its index, as soon as there are more than 400 memories."""

    def search(self, tenant, query, limit):
        found = super().search(tenant, query, limit)
        more = [Found(key, text) for key, text in self._everything().items() if query in text]
        return [*found, *more] if len(self._everything()) > 400 else found
