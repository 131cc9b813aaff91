"""P3: nothing in the clear, and what was forgotten or amended is not found again."""

from __future__ import annotations

import io
import logging
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest import mock

from kit import dump, make_house, open_house, recalled, space_of, texts
from kit.checks.base import MARKED, open_raw, refuses
from severance import NotFoundError, SeveranceError
from severance.barrier.residue import Sweep
from severance.barrier.traces.ports import FEW, StillClock, small_snapshots
from severance.disk.connection import Connection
from severance.embed import Hashing
from severance.mind.layer import decode
from severance.mind.lexical import Lexical, key_of
from severance.model import Memory, moment
from severance.space import Space

NAMES = ("mark", "innie", "outie", "helly", "floor", "home")


def nothing_in_the_clear(folder: Path) -> None:
    """Files, temporary files, logs and errors hold no content, and files no names."""
    logged, said, before = io.StringIO(), list[str](), dict(os.environ)
    secrets: list[str] = []
    handler = logging.StreamHandler(logged)
    (scratch := folder / "tmp").mkdir()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with small_snapshots(), mock.patch.object(tempfile, "tempdir", str(scratch)):
            _talk(folder, said, secrets)
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
    files = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in secrets:
        assert secret.encode() not in files, "a permit or a credential in a file"
        assert secret not in logged.getvalue(), "a permit or a credential in the log"
    for text in (logged.getvalue(), *said, *shown):
        assert not [word for word in ("petey", "severed", "map of") if word in text.lower()], "content in what is shown"
        assert sweep.content("shown", text.encode()).clean, "content in what is shown"


def _talk(folder: Path, said: list[str], secrets: list[str]) -> None:
    with make_house(folder) as house:
        permit = house.permit("mark", "floor", rights=["recall"], until=timedelta(hours=1))
        credential = house.register("mark", "floor", MARKED)
        for text in (permit, credential):
            house.admit(text).sleep()
            refuses(NotFoundError, lambda text=text: house.admit(text[:-3]))
        secrets += [permit, credential, credential.rpartition(".")[2]]
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
            kept = [innie.remember(f"kept {n}").id for n in range(3)]
            gone = innie.remember("the map of Petey").id
            kept += [innie.remember(f"kept {n}").id for n in range(3, 8)]
            amended = innie.amend(gone, "the map that Petey drew").id
            innie.remember("the map that Petey drew")
        raw = open_raw(folder)
        before = dump(folder / "store" / "vault.db")["layers"]
        assert len(before) >= 2
        innie = house.cross("mark", "floor")
        assert innie.forget(amended) == 2
        assert not any("Petey" in text for text in recalled(innie, "map Petey"))
        assert [memory.id for memory in innie.memories()] == kept
        refuses(NotFoundError, lambda: innie.get(gone))
        assert raw.execute("SELECT COUNT(*) FROM records WHERE frame IS NULL").fetchone() == (3,)
        after = dump(folder / "store" / "vault.db")["layers"]
        assert after == [row for row in before if not any(row[2] <= seq <= row[1] for seq in (5, 11, 12))] != before
        assert {(last, space) for space, last, *_ in dump(folder / "store" / "vault.db")["chunks"]} == {
            (last, space) for space, last, *_ in after
        }
        raw.close()
        assert sorted(recalled(house.cross("mark", "floor"), "kept map Petey")) == [f"kept {n}" for n in range(8)]
        with house.cross("mark", "floor") as innie:
            for memory in list(innie.memories()):
                innie.forget(memory.id)
        with house.cross("mark", "floor") as innie:
            assert innie._mind.embedder is not None, "waking from the snapshot gave another mind"
            innie.remember("the first of a new life")
        assert recalled(house.cross("mark", "floor"), "new life") == ["the first of a new life"]


def layers_do_not_outlive_a_forgetting(folder: Path) -> None:
    """Who falls asleep with a mind of before it brings back no layer that was dropped, and those made afterwards, by it
    or by another, hold nothing of what was forgotten.
    """
    for catches_up in (False, True):
        with small_snapshots(), make_house(folder / str(catches_up)) as house:
            with house.cross("mark", "floor") as innie:
                innie.remember_many(f"kept {n}" for n in range(7))
            space = space_of(house)
            late, other = house.cross("mark", "floor"), house.cross("mark", "floor")
            gone = late.remember("the map of Petey", source="Petey", thread="Petey", metadata={"Petey": "Petey"})
            late.remember_many(f"later {n}" for n in range(9))
            house.cross("mark", "floor").sleep()
            assert _holding(space, gone) == {"a word", "the id", "a term", "a row"}, "what is looked for"
            other.forget(gone.id)
            assert not _holding(space, gone), "a layer outlived what was forgotten"
            if catches_up:
                late.recall("kept")
            late.sleep()
            assert not _holding(space, gone), "a layer of before was brought back"
            other.remember_many(f"since {n}" for n in range(9))
            other.sleep()
            assert space.layers()[0][0] == 1
            assert not _holding(space, gone), "a layer of since holds what was forgotten"
            assert len(texts(house.cross("mark", "floor").memories())) == 25


def _holding(space: Space, gone: Memory) -> set[str]:
    """What of a forgotten memory, which was record 9, the layers of its space hold."""
    found, terms = set[str](), {key_of(Lexical().term(word)) for word in ("map", "petey")}
    for _, _, layered in space.again().read_layers():
        layer, content = decode(layered), bytes(layered)
        found |= {"a word"} if b"petey" in bytes(content).lower() else set()
        found |= {"the id"} if bytes.fromhex(gone.id) in content else set()
        found |= {"a term"} if terms & set(layer.words.keys.tolist()) else set()
        found |= {"a row"} if 9 in layer.first + layer.seqs else set()
    return found


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
