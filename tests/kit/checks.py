"""What must notice a seeded fault: parts of the barrier where there is one, and else the promise as a plain function.

Each takes an empty folder, is small and fast, and raises `AssertionError` if the promise is broken. `test_teeth.py`
runs them against the faults. The long versions are the tests beside it, and `severance barrier`.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import logging
import os
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import severance
from kit import (
    WORLD,
    change,
    dump,
    flipped,
    make_house,
    open_house,
    recalled,
    scenario,
    space_of,
    texts,
    vault_of,
)
from severance import AsleepError, DamagedError, EmbedderError, NotFoundError, RolledBackError, SeveranceError
from severance.barrier.findings import Tally
from severance.barrier.residue import Sweep
from severance.barrier.scene import Part, Scene
from severance.barrier.suites import parts as suites
from severance.barrier.traces.compare import Stage, Variant, pairs
from severance.barrier.traces.drawing import trace
from severance.barrier.traces.fuse import BEFORE, CANCELLED, Cut, Fuse, ending, wire
from severance.barrier.traces.ports import FEW, KEY, Ports, ScopedEntropy, StillClock, small_snapshots
from severance.chip import chip as chip_module
from severance.chip.register import STATE_ID, AnchorRow, SubjectRow, WakeRow
from severance.cli.surface import invoke
from severance.crypto import envelope
from severance.crypto.envelope import Kind, Opener, Sealer, SpaceKey, Where, chunk_place, genesis, record_place
from severance.crypto.primitives import hkdf_sha512, sha256
from severance.disk.connection import Connection
from severance.embed import Hashing
from severance.errors import InputError
from severance.model import Head, Plain, moment
from severance.space import CHUNK_BYTES

Check = Callable[[Path], None]
MARKED = "Petey's map of the severed floor"
TRACES = (2, 1)
RARE = (32,)
"""Traces with long texts, hundreds of memories at once, and wide questions."""

NAMES = ("mark", "innie", "outie", "helly", "floor", "home")


def refuses(kind: type[BaseException], call: Callable[[], object]) -> BaseException:
    """The call raises exactly this kind of error, or one of its kind."""
    try:
        found = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {type(found).__name__}")


def by_part(part: Part, most: int, *, seed: int = 1) -> Check:
    """A part of the barrier as a check: at most so many trials, ended by the first thing found."""

    def check(folder: Path) -> None:
        tally = Tally()
        part.run(Scene(folder, seed, lambda counted: counted.tried < most and not counted.found), tally)
        assert not tally.found, tally.evidence[0]
        assert not tally.failed, tally.failed
        assert tally.control is None or tally.control.works, "the control was missed"

    check.__name__ = part.name
    return check


DOORS = by_part(suites.DOORS, 1)
PLANTED = by_part(suites.PLANTED, 230)

# P1, P2


def separate(folder: Path) -> None:
    """What `noninterference.*` compares, for a few long traces: long enough that what seldom happens is in them."""
    _separate(folder, TRACES)


def separate_where_it_is_rare(folder: Path) -> None:
    """The same, for traces in which something is large."""
    _separate(folder, RARE)


def _separate(folder: Path, seeds: Sequence[int]) -> None:
    stage = Stage(folder, Ports(commands=invoke))
    for seed in seeds:
        for pair in pairs(stage, trace(seed, 90), tuple(Variant)):
            assert not (*pair.crossed, *pair.seen_on_disk), (*pair.crossed, *pair.seen_on_disk)[0]


def names_do_not_run_together(folder: Path) -> None:
    """A subject and a persona are two names: where one ends and the other begins makes a difference."""
    with make_house(folder) as house:
        for subject, persona in (("ann", "abel"), ("anna", "bel")):
            house.sever(subject, [persona])
            house.place(f"{subject}-{persona}", {subject: persona})
        with house.cross("ann", "ann-abel") as abel, house.cross("anna", "anna-bel") as bel:
            abel.remember("said by one of them")
            assert list(bel.memories()) == []


def commands_show_one_persona(folder: Path) -> None:
    """What commands print at one place is the same whether or not another persona remembers anything."""
    printed = []
    for busy in (False, True):
        with make_house(folder, entropy=ScopedEntropy()) as house:
            own = house.cross("mark", "home").remember("a goat at home").id
            if busy:
                house.cross("mark", "floor").remember_many(f"{MARKED} {n}" for n in range(5))
        commands = (["export"], ["recall", "goat"], ["context", "goat"], ["history", own], ["remember", "goats"])
        for words in commands:
            _typed(folder, [*words, "--at", "floor"])
        printed.append([_typed(folder, [*words, "--at", "home"]) for words in commands])
        shutil.rmtree(folder / "store")
    assert printed[0] == printed[1]
    assert all(code == 0 for code, _, _ in printed[0])


def _typed(folder: Path, words: list[str]) -> tuple[int, str, str]:
    def opened(path: Any, *, key: Any, create: bool = False) -> severance.House:
        ports = {"embedder": Hashing(FEW), "clock": StillClock(), "entropy": ScopedEntropy(words[-1].encode())}
        return severance.open(path, key=key, create=create, **ports)  # type: ignore[arg-type]

    store = ["--store", str(folder / "store"), "--subject", "mark"]
    return invoke([*words, *store], b"", key=KEY, open_house=opened, ticks=lambda: 0.0)


def threads_do_not_mix(folder: Path) -> None:
    """Two personas that ask at the same time, each in a thread, get their own."""
    with make_house(folder) as house, ThreadPoolExecutor(2) as pool:
        sessions = [house.cross("mark", place) for place in ("floor", "home")]
        own = [
            texts(session.remember_many(f"said at {place} {n}" for n in range(3)))
            for session, place in zip(sessions, ("floor", "home"), strict=True)
        ]
        start = Barrier(2)

        def asks(number: int) -> list[list[str]]:
            start.wait(10)
            return [recalled(sessions[number], "said") for _ in range(20)]

        for mine, found in zip(own, pool.map(asks, range(2)), strict=True):
            assert all(sorted(one) == sorted(mine) for one in found)


def a_call_cut_short_leaves_nothing(folder: Path) -> None:
    """Cancelled before any of its statements, a call is wholly done or not at all, and whoever comes next is served."""
    fuse = Fuse()
    with make_house(folder) as house:
        wire(house, fuse)
        innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
        assert innie._space is not None
        own = innie._space.key.space
        for number in range(10):
            fuse.arm(BEFORE, number, ending(CANCELLED))
            try:
                innie.remember(f"cut at {number}")
            except Cut:
                pass
            finally:
                fuse.disarm()
            outie.remember(f"after the cut at {number}")
            assert vault_of(house).head(own).seq == innie.stats()["records"] == len(vault_of(house).read(own, 0, 100))
        assert house.check() == []


def asleep_means_asleep(folder: Path) -> None:
    """After sleep no call is served, and the session holds neither key nor mind."""
    with make_house(folder) as house:
        session = house.cross("mark", "floor")
        session.remember(MARKED)
        session.sleep()
        refuses(AsleepError, lambda: session.recall("map"))
        refuses(AsleepError, lambda: session.remember("x"))
        refuses(AsleepError, session.stats)
        assert session._space is None
        assert len(session._mind) == 0


# P3


def nothing_in_the_clear(folder: Path) -> None:
    """Files, temporary files, logs and errors hold no content, and files no names."""
    logged, said, before = io.StringIO(), list[str](), dict(os.environ)
    handler = logging.StreamHandler(logged)
    (scratch := folder / "tmp").mkdir()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with small_snapshots(), mock.patch.object(tempfile, "tempdir", str(scratch)):
            _talk(folder, said)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    sweep = Sweep([MARKED], Hashing(FEW))
    for hit in sweep.paths([folder]).hits:
        raise AssertionError(f"content in {Path(hit.path).name}, as {hit.encoding}")
    for file in (path for path in folder.rglob("*") if path.is_file()):
        raw = file.read_bytes()
        assert not [name for name in NAMES if name.encode() in raw], f"a name in {file.name}"
    shown = [f"{name}={value}" for name, value in os.environ.items() if before.get(name) != value]
    for text in (logged.getvalue(), *said, *shown):
        assert not [word for word in ("petey", "severed", "map of") if word in text.lower()], "content in what is shown"
        assert sweep.content("shown", text.encode()).clean, "content in what is shown"


def _talk(folder: Path, said: list[str]) -> None:
    with make_house(folder) as house:
        innie = house.cross("mark", "floor")
        for number in range(5):
            innie.remember(f"{MARKED} {number}", thread=MARKED, metadata={MARKED: MARKED})
        innie.recall(MARKED)
        said.append(repr(innie) + repr(house))
        for wrong in (
            lambda: innie.remember(MARKED * 5000),
            lambda: innie.remember(MARKED, thread=MARKED * 100),
            lambda: innie.remember(MARKED + "\0"),
            lambda: innie.recall(MARKED, since=MARKED),
            lambda: innie.remember(MARKED, metadata={MARKED: [MARKED]}),
            lambda: innie.get(MARKED),
            lambda: innie.remember_many([{"text": MARKED, MARKED: MARKED}]),
        ):
            error = refuses(SeveranceError, wrong)
            said.append(f"{error!r} {vars(error)}")
        for file in ("vault.db", "vault.db-wal"):
            shutil.copy(folder / "store" / file, folder / f"copy-{file}")
        innie.sleep()
        house.backup(folder / "all.tar")


def forgotten_is_erased(folder: Path) -> None:
    """Nothing of a forgotten memory can be had: not by the session, not from the vault with the key."""
    with small_snapshots(), make_house(folder) as house:
        with house.cross("mark", "floor") as innie:
            kept = [innie.remember(f"kept {n}").id for n in range(5)]
            gone = innie.remember("the map of Petey").id
            amended = innie.amend(gone, "the map that Petey drew").id
            innie.remember("the map that Petey drew")
        raw = open_raw(folder)
        assert raw.execute("SELECT COUNT(*) FROM snapshots").fetchone() == (1,)
        innie = house.cross("mark", "floor")
        assert innie.forget(amended) == 2
        assert not any("Petey" in text for text in recalled(innie, "map Petey"))
        assert [memory.id for memory in innie.memories()] == kept
        refuses(NotFoundError, lambda: innie.get(gone))
        assert raw.execute("SELECT COUNT(*) FROM records WHERE frame IS NULL").fetchone() == (3,)
        assert raw.execute("SELECT COUNT(*) FROM snapshots").fetchone() == (0,)
        raw.close()
        assert sorted(recalled(house.cross("mark", "floor"), "kept map Petey")) == [f"kept {n}" for n in range(5)]
        with house.cross("mark", "floor") as innie:
            for memory in list(innie.memories()):
                innie.forget(memory.id)
        with house.cross("mark", "floor") as innie:
            assert innie._mind.embedder is not None, "waking from the snapshot gave another mind"
            innie.remember("the first of a new life")
        assert recalled(house.cross("mark", "floor"), "new life") == ["the first of a new life"]


def forgetting_does_not_read_what_others_hold(folder: Path) -> None:
    """The search for stale copies, which takes as long as the vault is large, is made when the house closes."""
    images, true = list[int](), Connection.image

    def image(self: Connection, limit: int) -> bytes | None:
        images.append(limit)
        return true(self, limit)

    with mock.patch.object(Connection, "image", image):
        with make_house(folder) as house:
            innie, outie = house.cross("mark", "floor"), house.cross("mark", "home")
            ids = [innie.remember(f"memory {n}").id for n in range(3)]
            outie.remember("of another")
            for gone in ids[:2]:
                innie.forget(gone)
            innie.sleep()
            assert images == [], "forgetting read the whole vault"
        assert images, "nobody looked for what was left over"
        images.clear()
        with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
            innie.remember("nothing was forgotten here")
        assert images == []


def only_the_current_version(folder: Path) -> None:
    """Recall and the list show what holds now; what held is in the history, and was found as of then."""
    clock = StillClock()
    with make_house(folder, clock=clock) as house, house.cross("mark", "floor") as innie:
        first = innie.remember("the file is at 96 percent")
        then = clock.at
        clock.tick()
        innie.amend(first.id, "the file is at 97 percent")
        assert recalled(innie, "file percent") == texts(innie.memories()) == ["the file is at 97 percent"]
        assert texts(innie.history(first.id)) == ["the file is at 96 percent", "the file is at 97 percent"]
        as_of = moment(then)
        assert recalled(innie, "file percent", as_of=as_of) == ["the file is at 96 percent"]


# P4, and several writers


def acknowledged_is_on_disk(folder: Path) -> None:
    """When `remember` has returned, a copy of the files has the record; commits are synced."""
    with make_house(folder) as house:
        innie = house.cross("mark", "floor")
        for number in range(3):
            innie.remember(f"memory {number}")
            copy = folder / f"copy-{number}"
            shutil.copytree(folder / "store", copy)
            with open_house(copy) as other, other.cross("mark", "floor") as there:
                assert texts(there.memories()) == texts(innie.memories())
        vault: Any = house._vault
        for connection, least, what in ((vault._writer, 2, "vault"), (house._chip._rows._connection, 3, "chip")):
            assert connection.query("PRAGMA synchronous")[0][0] >= least, f"the {what} does not sync what it commits"


def writers_take_turns(folder: Path) -> None:
    """Two handles that both believe to be at the head lose nothing and break nothing."""
    with make_house(folder) as house, open_house(folder / "store") as elsewhere:
        here, there = house.cross("mark", "floor"), elsewhere.cross("mark", "floor")
        said = []
        for number in range(4):
            with mock.patch.object(type(here), "_catch_up", _first_time_blind()):
                here.remember(f"here {number}")
                there.remember(f"there {number}")
            said += [f"here {number}", f"there {number}"]
        assert sorted(texts(here.memories())) == sorted(texts(there.memories())) == sorted(said)
        assert house.check() == []


def _first_time_blind() -> Callable[[Any, Any], None]:
    """A session that does not look before it writes, and only reads on after a conflict."""
    true, calls = severance.Session._catch_up, list[int]()

    def catch_up(self: Any, space: Any) -> None:
        calls.append(1)
        if len(calls) > 2:
            true(self, space)

    return catch_up


# P5


def filled(folder: Path, count: int = 6) -> None:
    """A closed store in which the innie has some memories, and its chip an anchor."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        for number in range(count):
            innie.remember(f"memory {number}")


def open_raw(folder: Path) -> sqlite3.Connection:
    """The vault's file, as someone who reads the disk opens it."""
    return sqlite3.connect(folder / "store" / "vault.db")


def wakes(folder: Path) -> list[str]:
    """What the innie remembers in the store as it is now."""
    with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
        return texts(innie.memories())


def damage_is_noticed(folder: Path) -> None:
    """Altered, swapped, missing and emptied records are refused, and `check` names them."""
    filled(folder)
    (before := folder / "before").mkdir()
    shutil.copytree(folder / "store", before / "store")
    vault = folder / "store" / "vault.db"
    largest = "space = (SELECT id FROM spaces ORDER BY seq DESC LIMIT 1)"
    frame = next(row[2] for row in dump(vault)["records"] if row[1] == 4)
    for what, statement, arguments in (
        ("a bit", f"UPDATE records SET frame = ? WHERE seq = 4 AND {largest}", (flipped(frame, 100),)),
        (
            "a record with a fitting digest",
            f"UPDATE records SET frame = ?, digest = ? WHERE seq = 5 AND {largest}",
            (frame, sha256(frame)),
        ),
        ("one gone", f"DELETE FROM records WHERE seq = 3 AND {largest}", ()),
        ("the last gone", f"DELETE FROM records WHERE seq = 7 AND {largest}", ()),
        ("one emptied", f"UPDATE records SET frame = NULL WHERE seq = 4 AND {largest}", ()),
        ("a digest", f"UPDATE records SET digest = zeroblob(32) WHERE seq = 6 AND {largest}", ()),
        ("all emptied", f"UPDATE records SET frame = NULL WHERE seq > 1 AND {largest}", ()),
    ):
        assert change(vault, statement, *arguments) > 0, what
        error = refuses(DamagedError, lambda: wakes(folder))
        assert isinstance(error, DamagedError)
        assert error.space, what
        with open_house(folder / "store") as house:
            assert house.check(), what
        shutil.rmtree(folder / "store")
        shutil.copytree(before / "store", folder / "store")
    assert len(wakes(folder)) == 6


def an_older_vault_is_noticed(folder: Path) -> None:
    """A vault put back to before the last sleep, whole or cut to fit, is refused."""
    filled(folder)
    shutil.copy(folder / "store" / "vault.db", folder / "old.db")
    with open_house(folder / "store") as house, house.cross("mark", "floor") as innie:
        innie.remember("and one more")
    shutil.copy(folder / "store" / "vault.db", folder / "new.db")
    shutil.copy(folder / "old.db", folder / "store" / "vault.db")
    refuses(RolledBackError, lambda: wakes(folder))
    with open_house(folder / "store") as house:
        assert house.check()
    shutil.copy(folder / "new.db", folder / "store" / "vault.db")
    assert len(wakes(folder)) == 7


def a_backup_may_not_be_older(folder: Path) -> None:
    """A backup of the vault that the chip has seen more than is put in place only when that was said."""
    filled(folder)
    with open_house(folder / "store") as house:
        house.backup(folder / "old.tar", chip=False)
        with house.cross("mark", "floor") as innie:
            innie.remember("and one more")
    restoring = {"key": KEY, "replace": True}
    refuses(RolledBackError, lambda: severance.restore(folder / "old.tar", folder / "store", **restoring))
    assert len(wakes(folder)) == 7


def a_fork_does_not_join(folder: Path) -> None:
    """A record of another history of the same space, under the right number, is refused."""
    filled(folder, 2)
    shutil.copytree(folder / "store", folder / "fork" / "store")
    for side, count in ((folder, 3), (folder / "fork", 3)):
        with (
            open_house(side / "store", entropy=ScopedEntropy(side.name.encode())) as house,
            house.cross("mark", "floor") as innie,
        ):
            for number in range(count):
                innie.remember(f"{side.name} {number}")
    stolen = next(row for row in dump(folder / "fork" / "store" / "vault.db")["records"] if row[1] == 6)
    target = folder / "store" / "vault.db"
    change(
        target, "UPDATE records SET frame = ?, digest = ? WHERE space = ? AND seq = 6", stolen[2], stolen[3], stolen[0]
    )
    change(target, "UPDATE spaces SET digest = ? WHERE id = ?", stolen[3], stolen[0])
    shutil.copy(folder / "fork" / "store" / "chip.db", folder / "store" / "chip.db")
    refuses(DamagedError, lambda: wakes(folder))


def a_snapshot_is_whole_or_refused(folder: Path) -> None:
    """Chunks swapped, cut off, or of another snapshot are damage, and are not skipped for the log."""
    with small_snapshots(), mock.patch("severance.space.CHUNK_BYTES", 500):
        filled(folder)
        vault = folder / "store" / "vault.db"
        chunks = dump(vault)["chunks"]
        assert len(chunks) > 3
        space, last = chunks[-1][0], len(chunks) - 1
        shutil.copy(vault, folder / "kept.db")
        for what, statements in (
            (
                "swapped",
                [
                    ("UPDATE chunks SET frame = ? WHERE n = 0", chunks[1][2]),
                    ("UPDATE chunks SET frame = ? WHERE n = 1", chunks[0][2]),
                ],
            ),
            ("cut off", [("DELETE FROM chunks WHERE n = ?", last), ("UPDATE snapshots SET chunks = ?", last)]),
            (
                "the last twice",
                [
                    ("INSERT INTO chunks VALUES (?, ?, ?)", space, last + 1, chunks[last][2]),
                    ("UPDATE snapshots SET chunks = ?", last + 2),
                ],
            ),
            ("of an earlier head", [("UPDATE snapshots SET seq = seq - 1",)]),
        ):
            for statement, *arguments in statements:
                assert change(vault, statement, *arguments) == 1, what
            refuses(DamagedError, lambda: wakes(folder))
            shutil.copy(folder / "kept.db", vault)
        assert len(wakes(folder)) == 6


def snapshots_do_not_mix(folder: Path) -> None:
    """Chunks of two snapshots of one head, which two minds wrote differently, open together in no other way."""
    with make_house(folder) as house:
        house.cross("mark", "floor").remember("the head they stand for")
        space, vault = space_of(house), folder / "store" / "vault.db"
        space.read_on()
        pictures, written = [bytes([n]) * (2 * CHUNK_BYTES + 9) for n in (1, 2)], []
        for picture in pictures:
            assert space.write_snapshot(picture)
            written.append([row[2] for row in dump(vault)["chunks"]])
            assert space.again().read_snapshot() == picture
        assert all(len(chunks) == 3 for chunks in written)
        for choice in itertools.product((0, 1), repeat=3):
            for n, which in enumerate(choice):
                assert change(vault, "UPDATE chunks SET frame = ? WHERE n = ?", written[which][n], n) == 1
            if len(set(choice)) == 1:
                assert space.again().read_snapshot() == pictures[choice[0]]
            else:
                refuses(DamagedError, space.again().read_snapshot)


def the_chip_is_whole_or_refused(folder: Path) -> None:
    """Rows removed, swapped, put back or altered are damage, not an unknown place; in chips of any size."""
    with make_house(folder) as house:
        keys = house._chip._keys
        innie, _ = keys.identify(WakeRow("floor", "mark", "innie"))
        outie, _ = keys.identify(WakeRow("home", "mark", "outie"))
    chip = folder / "store" / "chip.db"
    shutil.copy(chip, folder / "kept.db")
    rows = {row[0]: row[2] for row in dump(chip)["rows"]}
    for what, statement, arguments in (
        ("removed", "DELETE FROM rows WHERE id = ?", (innie,)),
        ("swapped", "UPDATE rows SET frame = ? WHERE id = ?", (rows[outie], innie)),
        ("altered", "UPDATE rows SET frame = ? WHERE id = ?", (flipped(rows[innie], 90), innie)),
        ("of another owner", "UPDATE rows SET owner = zeroblob(16) WHERE id = ?", (innie,)),
    ):
        assert change(chip, statement, *arguments) == 1, what
        for most in (chip_module._VERIFIED_AT_CROSSING, -1):  # as if it were a small one, and a large one
            with mock.patch.object(chip_module, "_VERIFIED_AT_CROSSING", most):
                refuses(DamagedError, lambda: wakes(folder))
        shutil.copy(folder / "kept.db", chip)
    change(chip, "CREATE TRIGGER quiet BEFORE INSERT ON rows BEGIN SELECT RAISE(IGNORE); END")
    refuses(DamagedError, lambda: wakes(folder))
    shutil.copy(folder / "kept.db", chip)
    with open_house(folder / "store") as house:
        house.place("home", {"mark": "innie"})
    change(chip, "UPDATE rows SET frame = ? WHERE id = ?", rows[outie], outie)
    with open_house(folder / "store") as house:
        assert house.check(), "a row put back"


def an_older_row_wakes_nobody(folder: Path) -> None:
    """Any row of the chip that is put back or gone, also one that a crossing does not use: nobody crosses."""
    chip = folder / "store" / "chip.db"
    with make_house(folder) as house:
        keys, space = house._chip._keys, house._chip.key(severance.Persona("mark", "innie")).space
        wake, anchor = WakeRow("home", "mark", ""), AnchorRow(0, 0, b"")
        ids = {"wake": keys.identify(wake)[0], "anchor": keys.identify(anchor, space)[0]}
        unused = keys.identify(SubjectRow("helly"))[0]
    old = {row[0]: row[2] for row in dump(chip)["rows"]}
    with open_house(folder / "store") as house:
        house.place("home", {"mark": "innie"})
        with house.cross("mark", "floor") as innie:
            innie.remember("the anchor moves on")
    kept = chip.read_bytes()
    put = "UPDATE rows SET frame = ? WHERE id = ?"
    for what, statement, arguments in (
        ("wake", put, (old[ids["wake"]], ids["wake"])),
        ("anchor", put, (old[ids["anchor"]], ids["anchor"])),
        ("state", put, (old[STATE_ID], STATE_ID)),
        ("subject gone", "DELETE FROM rows WHERE id = ?", (unused,)),
    ):
        assert change(chip, statement, *arguments) == 1, what
        with open_house(folder / "store") as house:
            for place in ("home", "floor"):
                refuses(DamagedError, lambda h=house, p=place: h.cross("mark", p))
        chip.write_bytes(kept)
    with open_house(folder / "store") as house:
        assert house.cross("mark", "home").persona == "innie"


def a_trigger_in_an_open_chip_is_noticed(folder: Path) -> None:
    """One that was put there after the file was opened: the next change is refused, and nothing is swallowed."""
    chip = folder / "store" / "chip.db"
    with make_house(folder) as house:
        before = dump(chip)
        change(chip, "CREATE TRIGGER quiet BEFORE INSERT ON rows BEGIN SELECT RAISE(IGNORE); END")
        for _ in range(2):
            refuses(DamagedError, lambda: house.place("roof", {"mark": "innie"}))
        change(chip, "DROP TRIGGER quiet")
        assert dump(chip) == before
        house.place("roof", {"mark": "innie"})
        assert house.cross("mark", "roof").persona == "innie"


def a_trigger_in_an_open_vault_is_noticed(folder: Path) -> None:
    """One that was put there after the file was opened: the next change is refused, and nothing is swallowed."""
    vault = folder / "store" / "vault.db"
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        first = innie.remember("before").id
        for event, table in (("INSERT", "records"), ("UPDATE", "records"), ("DELETE", "snapshots")):
            change(vault, f"CREATE TRIGGER quiet BEFORE {event} ON {table} BEGIN SELECT RAISE(IGNORE); END")
            for _ in range(2):
                refuses(DamagedError, lambda: innie.remember("swallowed"))
            refuses(DamagedError, lambda: innie.forget(first))
            change(vault, "DROP TRIGGER quiet")
            innie.remember(f"after {event} on {table}")
        after = ["after INSERT on records", "after UPDATE on records", "after DELETE on snapshots"]
        assert texts(innie.memories()) == ["before", *after]
        assert innie.stats()["records"] == 5


# Keys and frames


def every_persona_has_its_own_key(folder: Path) -> None:
    """Space ids and keys are all different, and one key does not open what another sealed."""
    with make_house(folder) as house:
        chip: Any = house._chip
        keys = [
            chip.key(severance.Persona(*who)) for who in [(s, name) for s, names in WORLD.items() for name in names]
        ]
        assert len({key.space for key in keys}) == len({key.secret for key in keys}) == len(keys)
        for one in keys:
            for other in keys:
                if one is not other:
                    entry = house._vault.read(one.space, 0, 1)[0]
                    stolen = dataclasses.replace(other, space=one.space)
                    place = record_place(genesis(one.space, 1))
                    refuses(DamagedError, lambda s=stolen, p=place, e=entry: Opener(s).open(p, e.frame))


def no_nonce_twice(folder: Path) -> None:
    """No two frames of a store share a segment and a nonce, and no two sessions a segment."""
    with small_snapshots():
        filled(folder)
        with (
            open_house(folder / "store", entropy=ScopedEntropy(b"later")) as house,
            house.cross("mark", "floor") as innie,
        ):
            innie.remember("later")
    tables = dump(folder / "store" / "vault.db")
    frames = [row[2] for row in tables["records"] + tables["chunks"]]
    frames += [row[2] for row in dump(folder / "store" / "chip.db")["rows"]]
    assert len({(frame[8:40], frame[72:84]) for frame in frames}) == len(frames)
    assert len({frame[8:40] for frame in frames}) > 4


def every_row_has_its_own_salt(folder: Path) -> None:
    """Equal salts would tell which rows of the chip were written together."""
    filled(folder)
    salts = [row[2][8:40] for row in dump(folder / "store" / "chip.db")["rows"]]
    assert len(set(salts)) == len(salts) > 10


class Counting:
    """Entropy that counts."""

    def __init__(self) -> None:
        self.drawn = 0

    def draw(self, size: int, scope: bytes) -> bytes:
        """Different bytes each time."""
        self.drawn += 1
        return self.drawn.to_bytes(size, "big")


SECRET = SpaceKey(bytes(range(16)), 1, bytes(range(32)))
HERE = Where(Kind.RECORD, 5, bytes(range(100, 132)))


def a_frame_opens_in_its_place_only(folder: Path) -> None:
    """Another number, history, kind, space, epoch or key, and a flip of any byte of the header, are refused."""
    frame = Sealer(SECRET, Counting()).seal(HERE, Plain(b"the file"))
    assert Opener(SECRET).open(HERE, frame) == b"the file"
    for where in (
        dataclasses.replace(HERE, seq=6),
        dataclasses.replace(HERE, bind=bytes(32)),
        dataclasses.replace(HERE, kind=Kind.CHUNK),
    ):
        refuses(DamagedError, lambda w=where: Opener(SECRET).open(w, frame))
    as_chunk = frame[:2] + bytes([Kind.CHUNK]) + frame[3:]
    refuses(DamagedError, lambda: Opener(SECRET).open(dataclasses.replace(HERE, kind=Kind.CHUNK), as_chunk))
    as_later = frame[:4] + struct.pack(">I", 2) + frame[8:]
    for key, raw in (
        (dataclasses.replace(SECRET, space=bytes(16)), frame),
        (dataclasses.replace(SECRET, secret=bytes(32)), frame),
        (dataclasses.replace(SECRET, epoch=2), frame),
        (dataclasses.replace(SECRET, epoch=2), as_later),
    ):
        refuses(DamagedError, lambda k=key, r=raw: Opener(k).open(HERE, r))
    for at in (2, 3, 7, 8, 39, 40, 71, 72, 83, 84, len(frame) - 1):
        refuses(DamagedError, lambda a=at: Opener(SECRET).open(HERE, flipped(frame, a)))
    refuses(DamagedError, lambda: Opener(SECRET).open(HERE, frame[:-256]))


def a_frame_is_as_the_format_says(folder: Path) -> None:
    """Opened by hand, as docs/design/format.md section 2 describes it; sealed by hand with faults, it is refused."""
    frame = Sealer(SECRET, Counting()).seal(HERE, Plain(b"the file"))
    salt, commitment, nonce = frame[8:40], frame[40:72], frame[72:84]
    info = b"severance/segment/v1\x01" + SECRET.space + struct.pack(">I", 1)
    okm = hkdf_sha512(SECRET.secret, salt=salt, info=info, length=64)
    aad = b"SVRN\x01\x01\x01\x00" + SECRET.space + struct.pack(">I", 1) + salt + struct.pack(">Q", 5) + HERE.bind
    assert commitment == okm[32:]
    try:
        plain = AESGCM(okm[:32]).decrypt(nonce, frame[84:], aad)
    except Exception as error:
        raise AssertionError("the associated data is not what the format says") from error
    assert plain == (struct.pack(">I", 8) + b"the file").ljust(256, b"\0")
    for what, wrong in (
        ("padding", plain[:-1] + b"\1"),
        ("a length", struct.pack(">I", 253) + plain[4:]),
        ("a larger bucket", plain.ljust(384, b"\0")),
    ):
        forged = frame[:84] + AESGCM(okm[:32]).encrypt(nonce, wrong, aad)
        assert refuses(DamagedError, lambda f=forged: Opener(SECRET).open(HERE, f)), what


def a_chunk_opens_at_its_index_only(folder: Path) -> None:
    """Chunks bind their index, whether they are the last, the chunk before, and the head they stand for."""
    at = Head(9, bytes(range(32)))
    frame = Sealer(SECRET, Counting()).seal(chunk_place(at, 1, b"frame", last=False), Plain(b"part"))
    for where in (
        chunk_place(at, 0, b"frame", last=False),
        chunk_place(at, 1, b"frame", last=True),
        chunk_place(at, 1, b"another", last=False),
        chunk_place(at, 1, b"", last=False),
        chunk_place(Head(9, bytes(32)), 1, b"frame", last=False),
        chunk_place(Head(8, at.digest), 1, b"frame", last=False),
    ):
        refuses(DamagedError, lambda w=where: Opener(SECRET).open(w, frame))


def a_segment_ends(folder: Path) -> None:
    """After so many frames another salt is drawn."""
    with mock.patch.object(envelope, "FRAMES_PER_SEGMENT", 3):
        sealer = Sealer(SECRET, Counting())
        salts = [sealer.seal(HERE, Plain(b""))[8:40] for _ in range(7)]
    assert [salts.index(salt) for salt in salts] == [0, 0, 0, 3, 3, 3, 6]


def another_embedder_is_refused(folder: Path) -> None:
    """A space is not searched with vectors of another embedder than it was written with."""
    filled(folder)
    with open_house(folder / "store", embedder=Hashing(FEW + 8)) as house:
        refuses(EmbedderError, lambda: house.cross("mark", "floor"))


# P8


def the_same_bytes(folder: Path) -> None:
    """Two runs leave the same results and the same rows."""
    runs = []
    for name in ("first", "second"):
        (folder / name).mkdir()
        found = scenario.play(folder / name)
        runs.append({what: value for what, value in found.items() if not what.startswith("file store")})
    assert runs[0] == runs[1]


def limits_hold(folder: Path) -> None:
    """What is too large, empty or no text is refused before anything is written."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        for wrong in ("", " ", "a" * 65_537, "a\0b", "\ud800"):
            refuses(InputError, lambda w=wrong: innie.remember(w))
        refuses(InputError, lambda: innie.remember_many(["one", ""]))
        assert innie.stats()["records"] == 1


CHECKS: tuple[Check, ...] = (
    separate,
    separate_where_it_is_rare,
    DOORS,
    PLANTED,
    names_do_not_run_together,
    commands_show_one_persona,
    threads_do_not_mix,
    a_call_cut_short_leaves_nothing,
    asleep_means_asleep,
    nothing_in_the_clear,
    forgotten_is_erased,
    forgetting_does_not_read_what_others_hold,
    only_the_current_version,
    acknowledged_is_on_disk,
    writers_take_turns,
    damage_is_noticed,
    an_older_vault_is_noticed,
    a_backup_may_not_be_older,
    a_fork_does_not_join,
    a_snapshot_is_whole_or_refused,
    snapshots_do_not_mix,
    the_chip_is_whole_or_refused,
    an_older_row_wakes_nobody,
    a_trigger_in_an_open_chip_is_noticed,
    a_trigger_in_an_open_vault_is_noticed,
    every_persona_has_its_own_key,
    no_nonce_twice,
    every_row_has_its_own_salt,
    a_frame_opens_in_its_place_only,
    a_frame_is_as_the_format_says,
    a_chunk_opens_at_its_index_only,
    a_segment_ends,
    another_embedder_is_refused,
    the_same_bytes,
    limits_hold,
)
