"""One vault, many hands: threads, handles and processes at once, some of them killed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from severance.errors import ConflictError
from severance.model import Head, Sealed
from severance.ports import Vault
from severance.vault.conformance.kit import EMPTY, SPACE, Kit, entries, expect, frame, frames, picture, same

Opener = Callable[[], Vault]
_PATIENCE = 60.0  # seconds; a child that says nothing for so long hangs


class SharingConformance(Kit):
    """Tests with several writers and readers of one vault."""

    kills = 5
    appends_by_each = 200

    def test_threads_append_without_losing_any(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as handles:
            written = [[frame(number) for number in range(who * 1000, who * 1000 + 25)] for who in range(6)]
            _in_threads([partial(_append_all, handles[who % 2], mine) for who, mine in enumerate(written)])
            log = handles[0].read(SPACE, 0, 1000)
            same([entry.seq for entry in log], list(range(1, 151)), "the numbers")
            same({entry.frame for entry in log}, {frame for mine in written for frame in mine}, "the frames")
            for mine in written:
                mine_only = set(mine)
                same([entry.frame for entry in log if entry.frame in mine_only], mine, "the order of one writer")

    def test_threads_read_while_one_writes(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 2) as (one, two):
            written = frames(1, 150)

            def follow(vault: Vault) -> None:
                seen = 0
                while seen < len(written):
                    for entry in vault.read(SPACE, seen, 40):
                        same(entry, entries(seen + 1, [written[seen]])[0], "the next record")
                        seen += 1
                    expect(vault.head(SPACE).seq >= seen, "the head should not lie before what was read")

            _in_threads([partial(_append_all, one, written), *(partial(follow, vault) for vault in (one, two, one))])

    def test_a_write_is_seen_by_every_handle_at_once(self, tmp_path: Path) -> None:
        with self.vaults(tmp_path, 3) as handles:
            head = EMPTY
            for number in range(1, 61):
                head = handles[number % 3].append(SPACE, head, [frame(number)])
                for vault in handles:
                    same(vault.head(SPACE), head, "the head")
                    same(vault.read(SPACE, number - 1, 9), entries(number, [frame(number)]), "the record")

    def test_two_processes_append_without_losing_any(self, tmp_path: Path) -> None:
        each = self.appends_by_each
        with self.vaults(tmp_path) as (vault,):
            opener = self.opener(vault)
            with ExitStack() as stack:
                children = [stack.enter_context(_child(_write, opener, n * 10_000, each)) for n in (1, 2)]
                for _, pipe in children:
                    while _heard(pipe) is not None:
                        pass
            log = vault.read(SPACE, 0, 10_000)
            same([entry.seq for entry in log], list(range(1, 2 * each + 1)), "the numbers")
            same({entry.frame for entry in log}, {*frames(10_000, each), *frames(20_000, each)}, "the frames")
            same(vault.verify(), [], "the list of complaints")

    def test_one_process_reads_while_another_writes(self, tmp_path: Path) -> None:
        with (
            self.vaults(tmp_path) as (vault,),
            _child(_write, self.opener(vault), 1, self.appends_by_each) as (_, pipe),
        ):
            seen, acknowledged = 0, 0
            while acknowledged < self.appends_by_each:
                said = _heard(pipe)
                acknowledged = said if said is not None else acknowledged
                log = vault.read(SPACE, seen, 1000)
                same(log, entries(seen + 1, frames(seen + 1, len(log))), "the tail")
                seen += len(log)
                expect(seen >= acknowledged, "what was acknowledged should have been read")

    def test_what_was_acknowledged_survives_a_kill(self, tmp_path: Path) -> None:
        """Append, erase and snapshot in a process that is killed at some instant; again and again."""
        with self.vaults(tmp_path) as (vault,):
            opener = self.opener(vault)
            for turn in range(self.kills):
                acknowledged = 0
                with _child(_write_everything, opener) as (process, pipe):
                    for _ in range(1 + turn):
                        acknowledged = _heard(pipe) or acknowledged
                    process.kill()
                    process.join()
                    while (said := _last_words(pipe)) is not None:
                        acknowledged = said
                head = vault.head(SPACE)
                expect(head.seq >= acknowledged, f"{acknowledged} records were acknowledged, {head.seq} are there")
                self._check_whole(vault, head)

    def _check_whole(self, vault: Vault, head: Head) -> None:
        log = vault.read(SPACE, 0, 100_000)
        same([entry.seq for entry in log], list(range(1, head.seq + 1)), "the numbers")
        for entry, wanted in zip(log, entries(1, frames(1, head.seq)), strict=True):
            same((entry.digest, entry.hash), (wanted.digest, wanted.hash), "the digest")
            # Each append of `_write_everything` has two frames and erases the first one of the append before.
            erased = entry.seq % 2 == 1 and entry.seq < head.seq - 1
            same(entry.frame, None if erased else frame(entry.seq), f"record {entry.seq}")
        for layer in vault.read_layers(SPACE):
            same(layer.chunks, tuple(frames(layer.end.seq, 20)), "the layer")
        same(vault.verify(), [], "the list of complaints")


def _append_all(vault: Vault, mine: list[Sealed]) -> None:
    for each in mine:
        while True:
            try:
                vault.append(SPACE, vault.head(SPACE), [each])
                break
            except ConflictError:
                continue


def _in_threads(calls: list[Callable[[], None]]) -> None:
    """Run them at the same time; raise what the first one raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


@contextmanager
def _child(target: Callable[..., None], *arguments: object) -> Iterator[tuple[BaseProcess, Connection]]:
    """A new process (spawned, not forked) that runs `target(pipe, *arguments)`, and the pipe it reports on."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=target, args=(there, *arguments), daemon=True)
    process.start()
    there.close()  # so that the pipe ends when the child does
    try:
        yield process, here
    finally:
        process.kill()
        process.join()
        process.close()
        here.close()


def _heard(pipe: Connection) -> int | None:
    """The next number that the child reports, or None when it has ended."""
    expect(pipe.poll(_PATIENCE), "the other process says nothing")
    return _last_words(pipe)


def _last_words(pipe: Connection) -> int | None:
    try:
        number: int = pipe.recv()
    except (EOFError, OSError):
        return None
    return number


def _write(pipe: Connection, opener: Opener, first: int, count: int) -> None:
    vault = opener()
    for each in frames(first, count):
        _append_all(vault, [each])
        pipe.send(vault.head(SPACE).seq)
    vault.close()


def _write_everything(pipe: Connection, opener: Opener) -> None:
    vault = opener()
    head = vault.head(SPACE)
    while True:
        erase = [head.seq - 1] if head.seq else []
        head = vault.append(SPACE, head, frames(head.seq + 1, 2), erase)
        pipe.send(head.seq)
        picture(vault, head, frames(head.seq, 20))
