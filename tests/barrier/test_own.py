"""The user's own store is read and never changed, and what is wrong with it is found."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import severance
from kit.serving import serving
from severance.barrier import own, steady
from severance.barrier.findings import Control, Outcome, Tally, Verdict
from severance.barrier.run import Plan, perform
from severance.barrier.scene import Scene
from severance.barrier.sealed import Names, in_the_clear, known_bytes, masked
from severance.crypto.rootkey import Passphrase
from severance.crypto.rootkey.passphrase import Cost
from severance.embed import Hashing, bundled
from severance.errors import InputError, StoreBusyError, StoreError
from severance.house import House
from severance.session import Session

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
KEY = bytes(range(32))
SAID = {
    ("irving", "work"): ("The printer stands on the second floor of the office.", "Dylan wants waffles on Friday."),
    ("irving", "home"): ("The dog is called Radar and sleeps in the hall.", "A corridor, painted over and over again."),
    ("petronella", "outie"): ("The basement flooded, and the books are in boxes now.",),
}


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("SEVERANCE_"):
            monkeypatch.delenv(name)


@pytest.fixture
def store(folder: Path) -> Path:
    """A store with three personas, closed."""
    directory = folder / "xylophone" / "store"
    with severance.open(directory, key=KEY) as house:
        _fill(house)
    return directory


def _fill(house: House) -> None:
    for subject, persona in SAID:
        house.sever(subject, [persona])
        house.place(f"marmalade {persona}", {subject: persona})
    for (subject, persona), said in SAID.items():
        with house.cross(subject, f"marmalade {persona}") as session:
            session.remember_many([*said, "short"])


@pytest.fixture
def look(folder: Path) -> Callable[..., Outcome]:
    """Runs the part on a store, as `severance barrier` does."""

    def looking(
        store: Path,
        key: bytes | str | None = KEY,
        *,
        embedder: str | None = None,
        deep: bool = False,
        named: bool = False,
    ) -> Outcome:
        work = folder / "work"
        work.mkdir()
        plan = Plan([own.part(store, key, embedder=embedder, named=named)], 60, "severance", "quick", 7, deep=deep)
        try:
            [outcome] = perform(plan, work).outcomes
        finally:
            assert list(work.iterdir()) == []
            work.rmdir()
        said = repr(outcome)
        for secret in ("xylophone", "marmalade", "irving", "petronella", "printer", "Radar", str(folder)):
            assert secret not in said
        return outcome

    return looking


def _state(store: Path) -> dict[str, object]:
    """Every file with its content, times and mode; and the folder's own times."""
    found: dict[str, object] = {".": store.stat().st_mtime_ns}
    for path in sorted(store.rglob("*")):
        status = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[path.name] = (digest, status.st_mtime_ns, status.st_mode, status.st_ino, status.st_size)
    return found


@pytest.fixture
def beside(store: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the store open, with a persona awake, and writes whenever it is told to."""
    code = (
        "import sys, severance\n"
        f"house = severance.open({str(store)!r}, key=bytes(range(32)))\n"
        "session = house.cross('irving', 'marmalade work')\n"
        "session.remember('Something new that was said while others look on.')\n"
        "print('ready', flush=True)\n"
        "for line in sys.stdin:\n"
        "    session.remember('One more thing, number ' + line)\n"
        "    print('done', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert it.stdout.readline() == "ready\n"
        try:
            yield it
        finally:
            it.kill()


def test_a_store_as_it_should_be_holds_and_is_not_changed(store: Path, look: Callable[..., Outcome]) -> None:
    before = _state(store)
    outcome = look(store)
    assert _state(store) == before
    assert (outcome.verdict, outcome.found, outcome.note) == (Verdict.HELD, 0, outcome.note)
    # The check, five sentences, names, and each persona asked for what the others have.
    assert outcome.tried >= 1 + 5 + (3 + 3 + 4)
    assert outcome.control is not None
    assert outcome.control.works
    assert outcome.control.tried > 5 * 6


def test_a_store_that_another_process_uses_is_not_changed(
    store: Path, look: Callable[..., Outcome], beside: subprocess.Popen[str]
) -> None:
    assert (store / "vault.db-wal").stat().st_size
    before = _state(store)
    outcome = look(store)
    assert _state(store) == before
    assert (outcome.verdict, outcome.evidence) == (Verdict.HELD, ())
    assert beside.stdin is not None
    assert beside.stdout is not None
    beside.stdin.write("2\n")
    beside.stdin.flush()
    assert beside.stdout.readline() == "done\n", "whoever uses the store goes on as before"


def test_a_store_whose_process_was_killed_is_not_changed(
    store: Path, look: Callable[..., Outcome], beside: subprocess.Popen[str]
) -> None:
    beside.kill()
    beside.wait()
    assert (store / "vault.db-wal").stat().st_size, "what was written last is in the log only"
    before = _state(store)
    assert look(store).verdict is Verdict.HELD
    assert _state(store) == before


@posix
def test_a_read_only_store_is_looked_at(store: Path, look: Callable[..., Outcome]) -> None:
    for path in (*store.iterdir(), store):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert look(store).verdict is Verdict.HELD
    finally:
        store.chmod(0o700)


@pytest.mark.parametrize("name", ["vault.db", "chip.db", "vault.db-wal"])
def test_a_file_that_cannot_be_read_is_inconclusive_in_one_sentence(
    store: Path, look: Callable[..., Outcome], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For root, too, who may read everything."""
    (store / name).touch()
    opened = os.open

    def refused(path: Path | str, *given: Any, **named: Any) -> int:
        if path == store / name:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", refused)
    outcome = look(store)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.note == "The system could not read or write something (Permission denied)."


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"of somebody else")
    path.symlink_to(path.parent / "elsewhere")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # the name of a socket may not be long


@posix
@pytest.mark.parametrize("make", [_pipe, _device, _link, _socket, Path.mkdir])
@pytest.mark.parametrize("name", ["vault.db", "chip.db", "vault.db-wal", "chip.db-journal", "vault.db-x", ".chip.db.x"])
def test_what_is_no_regular_file_is_never_opened(
    store: Path, look: Callable[..., Outcome], name: str, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / name).unlink(missing_ok=True)
    make(store / name)
    opened = os.open

    def watched(path: Any, *given: Any, **named: Any) -> int:
        assert path != store / name, "it was opened"
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", watched)
    outcome = look(store)
    assert (outcome.verdict, "a link, a pipe, a device or a folder" in outcome.note) == (Verdict.INCONCLUSIVE, True)


@posix
@pytest.mark.parametrize("make", [_pipe, _link])
def test_what_takes_the_place_of_a_file_after_it_was_looked_at_is_not_read(
    store: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady, "size_of", lambda file: 0)
    file = store / "vault.db-x"
    make(file)
    with pytest.raises(StoreError, match="a link, a pipe"):
        list(steady.pieces(file))


def test_a_file_that_grows_while_it_is_read_is_read_to_where_it_ended(store: Path) -> None:
    file = store / "vault.db-x"
    file.write_bytes(bytes(3 * 2**20))
    read = 0
    for piece in steady.pieces(file):
        read += len(piece)
        with file.open("ab") as more:
            more.write(bytes(2**20))
    assert read == 3 * 2**20


def test_a_folder_that_may_not_be_looked_into_is_inconclusive(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Path.lstat

    def refused(self: Path) -> os.stat_result:
        if self.parent == store:
            raise PermissionError(13, "Permission denied", str(self))
        return looked(self)

    monkeypatch.setattr(Path, "lstat", refused)
    for named in (False, True):
        outcome = look(store, named=named)
        assert (outcome.verdict, outcome.note) == (
            Verdict.INCONCLUSIVE,
            "Your store may not be read (Permission denied); ask for access to it.",
        )


@pytest.mark.parametrize("deep", [False, True])
def test_a_giant_file_with_nothing_in_it_is_not_copied(store: Path, look: Callable[..., Outcome], deep: bool) -> None:
    with (store / "vault.db-x").open("wb") as giant:
        giant.truncate(2**40)
    outcome = look(store, deep=deep)
    assert (outcome.verdict, outcome.tried, "MiB" in outcome.note) == (Verdict.NOT_TRIED, 0, True)


@pytest.mark.parametrize("content", [b"", b"nothing of the kind" * 1_000])
def test_a_file_that_is_something_else_is_inconclusive(
    store: Path, look: Callable[..., Outcome], content: bytes
) -> None:
    (store / "vault.db").write_bytes(content)
    outcome = look(store)
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.note


@pytest.mark.parametrize("name", ["vault.db", "chip.db"])
def test_half_a_store_is_inconclusive(store: Path, look: Callable[..., Outcome], name: str) -> None:
    (store / name).unlink()
    outcome = look(store)
    assert (outcome.verdict, outcome.note) == (
        Verdict.INCONCLUSIVE,
        f"{name} is not in the store.",
    )


def test_no_store_is_not_tried(folder: Path, look: Callable[..., Outcome]) -> None:
    (folder / "empty").mkdir()
    for place in ("nowhere", "empty"):
        outcome = look(folder / place)
        assert (outcome.verdict, outcome.tried) == (Verdict.NOT_TRIED, 0)
        assert "no store" in outcome.note
        outcome = look(folder / place, named=True)
        assert (outcome.verdict, outcome.tried) == (Verdict.INCONCLUSIVE, 0)
        assert outcome.note == "There is no store of your own to look at; name one with --store."


def test_a_store_with_nothing_to_look_for_is_not_tried(folder: Path, look: Callable[..., Outcome]) -> None:
    with severance.open(folder / "new", key=KEY) as house:
        house.sever("irving", ["work"])
    outcome = look(folder / "new")
    assert (outcome.verdict, "24 characters" in outcome.note) == (Verdict.NOT_TRIED, True)
    assert look(folder / "new", named=True).verdict is Verdict.NOT_TRIED, "it could be had"


def test_a_store_that_is_too_large_for_a_quick_run_is_not_tried(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "MOST_QUICK", 1_000)
    outcome = look(store)
    assert (outcome.verdict, "--full" in outcome.note) == (Verdict.NOT_TRIED, True)
    assert look(store, named=True).verdict is Verdict.INCONCLUSIVE
    assert look(store, deep=True).verdict is Verdict.HELD


def test_without_a_key_it_is_not_tried_and_with_a_wrong_one_inconclusive(
    store: Path, look: Callable[..., Outcome]
) -> None:
    assert look(store, "env:NOT_SET").verdict is Verdict.NOT_TRIED
    assert look(store, None).verdict is Verdict.NOT_TRIED, "nothing was recorded but that the key was given"
    for key in ("env:NOT_SET", None):
        outcome = look(store, key, named=True)
        assert (outcome.verdict, outcome.tried, "--key" in outcome.note) == (Verdict.INCONCLUSIVE, 0, True)
    outcome = look(store, bytes(32))
    assert (outcome.verdict, "--key" in outcome.note) == (Verdict.INCONCLUSIVE, True)


def test_nobody_is_asked_for_a_passphrase(
    folder: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = Cost(memory_kib=8, iterations=1, lanes=1)
    with severance.open(folder / "locked", key=Passphrase("open sesame", cost=cheap)) as house:
        _fill(house)

    def asked(prompt: str) -> str:
        raise AssertionError("it asked")

    monkeypatch.setattr("getpass.getpass", asked)
    for key in (None, "passphrase"):
        outcome = look(folder / "locked", key)
        assert (outcome.verdict, "passphrase" in outcome.note) == (Verdict.NOT_TRIED, True)
        outcome = look(folder / "locked", key, named=True)
        assert (outcome.verdict, "passphrase" in outcome.note) == (Verdict.INCONCLUSIVE, True)


def test_a_key_file_beside_the_store_is_found_from_the_copy(folder: Path, look: Callable[..., Outcome]) -> None:
    with severance.open(folder / "filed", key=f"file:{folder / 'key'}") as house:
        _fill(house)
    assert look(folder / "filed", None).verdict is Verdict.HELD


def test_a_key_that_is_none_is_refused_before_anything_else(store: Path) -> None:
    with pytest.raises(InputError):
        own.part(store, "nonsense")


def test_a_store_of_another_embedder_is_not_tried(folder: Path, look: Callable[..., Outcome]) -> None:
    with severance.open(folder / "other", key=KEY, embedder=Hashing()) as house:
        _fill(house)
    outcome = look(folder / "other")
    assert (outcome.verdict, "embedder" in outcome.note) == (Verdict.NOT_TRIED, True)
    assert look(folder / "other", named=True).verdict is Verdict.INCONCLUSIVE


def test_a_store_is_looked_at_with_the_embedder_that_was_chosen(
    folder: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        spec = f"openai:kit@{server.url}?tries=1"
        with severance.open(folder / "served", key=KEY, embedder=spec) as house:
            _fill(house)
        server.asked.clear()
        assert look(folder / "served", embedder=spec).verdict is Verdict.HELD
        owners = {text: who for who, said in SAID.items() for text in said}
        _, *asked = server.texts()  # the first asks for the number of components
        assert all(len({owners[text] for text in texts}) == 1 for texts in asked)
        assert {text for texts in asked for text in texts} == set(owners)
        monkeypatch.setenv("SEVERANCE_EMBEDDER", spec)
        assert look(folder / "served").verdict is Verdict.HELD
        assert look(folder / "served", embedder="bundled").verdict is Verdict.NOT_TRIED
        server.modes = ["500"]
        outcome = look(folder / "served")
    assert outcome.verdict is Verdict.INCONCLUSIVE
    assert outcome.note.startswith("The embedder that applies here failed, and your store was not looked at")
    assert "127.0.0.1" not in outcome.note


@pytest.mark.parametrize(
    "encode", [str.encode, lambda text: text.encode("utf-16-le"), lambda text: text.encode().hex().encode()]
)
def test_a_sentence_in_the_clear_is_found(
    store: Path, look: Callable[..., Outcome], encode: Callable[[str], bytes]
) -> None:
    """In a journal that something left, in whatever encoding."""
    (store / "vault.db-journal").write_bytes(bytes(500) + encode(SAID["irving", "home"][0]))
    outcome = look(store)
    assert (outcome.verdict, outcome.found) == (Verdict.BROKEN, 1)
    assert outcome.evidence[0].startswith("vault.db-journal at byte ")


def test_what_a_cut_off_backup_left_is_looked_at(store: Path, look: Callable[..., Outcome]) -> None:
    left = store.parent / ".severance-ab12_x9q" / "store"
    left.mkdir(parents=True)
    (left / "chip.db").write_bytes(SAID["irving", "work"][0].encode())
    assert look(store).evidence[0].startswith(".severance-ab12_x9q/store/chip.db at byte 0")


def test_a_name_in_the_clear_is_found(store: Path, look: Callable[..., Outcome]) -> None:
    (store / "vault.db-journal").write_bytes(b"log: woke petronella")
    outcome = look(store)
    assert outcome.evidence == ("vault.db-journal at byte 10: the name of a subject, persona or place",)


def _altered_record(store: Path) -> None:
    with closing(sqlite3.connect(store / "vault.db")) as vault, vault:
        space, seq, frame = vault.execute("SELECT space, seq, frame FROM records ORDER BY seq DESC LIMIT 1").fetchone()
        altered = frame[:-1] + bytes([frame[-1] ^ 1])
        vault.execute("UPDATE records SET frame = ? WHERE space = ? AND seq = ?", (altered, space, seq))


def _altered_records(store: Path) -> None:
    with closing(sqlite3.connect(store / "vault.db")) as vault, vault:
        vault.execute("UPDATE records SET frame = zeroblob(length(frame))")


def _cut_vault(store: Path) -> None:
    with (store / "vault.db").open("r+b") as vault:
        vault.truncate(5_000)


def _no_vault(store: Path) -> None:
    (store / "vault.db").write_bytes(b"nothing of the kind" * 1_000)


def _altered_chip(store: Path) -> None:
    with closing(sqlite3.connect(store / "chip.db")) as chip, chip:
        rows = chip.execute("SELECT id, frame FROM rows WHERE owner IS NOT NULL").fetchall()
        altered = [(frame[:-1] + bytes([frame[-1] ^ 1]), id) for id, frame in rows]  # noqa: A001
        chip.executemany("UPDATE rows SET frame = ? WHERE id = ?", altered)


def _other_layout(store: Path) -> None:
    with closing(sqlite3.connect(store / "chip.db")) as chip, chip:
        chip.execute("CREATE TABLE more (one)")


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize(
    "damage", [_altered_record, _altered_records, _cut_vault, _no_vault, _altered_chip, _other_layout]
)
def test_damage_is_no_crossing_and_is_told_as_damage(
    store: Path,
    look: Callable[..., Outcome],
    damage: Callable[[Path], None],
    key: bytes | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEVERANCE_KEY", base64.b64encode(KEY).decode())
    damage(store)
    outcome = look(store, key)
    assert (outcome.verdict, outcome.tried, outcome.found) == (Verdict.INCONCLUSIVE, 0, 0)
    assert outcome.note.startswith("Your store is damaged, which is no crossing: ")
    assert "`severance check`" in outcome.note
    assert outcome.note.count("severance check") == 1


def test_damage_in_a_store_with_nothing_to_look_for_is_told(folder: Path, look: Callable[..., Outcome]) -> None:
    with severance.open(folder / "new", key=KEY) as house:
        house.sever("irving", ["work"])
        house.place("office", {"irving": "work"})
        with house.cross("irving", "office") as session:
            session.remember("short")
    _altered_record(folder / "new")
    assert look(folder / "new").note.startswith("Your store is damaged")


def test_of_much_damage_the_first_is_told_and_the_rest_counted(store: Path, look: Callable[..., Outcome]) -> None:
    _altered_records(store)
    assert re.search(r"is not what was written there, and \d+ more;", look(store).note)


def test_a_memory_that_comes_back_to_another_persona_is_found(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a cache of recollections that forgets whose they are."""
    asked = Session.recall
    kept: list[severance.Recollection] = []

    def recall(self: Session, query: str, *, limit: int = 10) -> list[severance.Recollection]:
        kept.extend(asked(self, query, limit=limit) or [])
        return kept[-limit:]

    with severance.open(store, key=KEY) as house, house.cross("irving", "marmalade work") as session:
        kept += session.recall("printer")
    monkeypatch.setattr(Session, "recall", recall)
    outcome = look(store)
    assert outcome.verdict is Verdict.BROKEN
    assert "recall: a persona got a memory that is not its own" in outcome.evidence


def test_an_answer_that_tells_a_foreign_id_from_an_unknown_one_is_found(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    with severance.open(store, key=KEY) as house, house.cross("irving", "marmalade work") as session:
        foreign = {memory.id for memory in session.memories()}
    asked = Session.get

    def get(self: Session, id: str) -> severance.Memory:  # noqa: A002
        try:
            return asked(self, id)
        except severance.NotFoundError:
            raise severance.NotFoundError("it is another's" if id in foreign else "unknown") from None

    monkeypatch.setattr(Session, "get", get)
    outcome = look(store)
    assert outcome.verdict is Verdict.BROKEN
    assert any(line.startswith("get: ") for line in outcome.evidence)


def test_a_sweep_that_finds_nothing_is_noticed(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("severance.barrier.residue.Sweep._candidates", lambda self, data: iter(()))
    outcome = look(store)
    assert (outcome.verdict, outcome.note.startswith("The control was missed")) == (Verdict.INCONCLUSIVE, True)


NEAR_COPIES = (
    *(f"Invoice number {number} was paid by the office in March." for number in range(4410, 4420)),
    *(f"The elevator stops between the floors at noon{end}" for end in ("", ".", "!", "?", "...", " ;")),
    *(f"Order {first}{second} of pens arrived" for first in "abcd" for second in "wxyz"),
)


def test_near_copies_of_memories_do_not_miss_the_control(store: Path, look: Callable[..., Outcome]) -> None:
    with severance.open(store, key=KEY) as house, house.cross("irving", "marmalade work") as session:
        session.remember_many(NEAR_COPIES)
    outcome = look(store)
    assert outcome.control is not None
    assert (outcome.verdict, outcome.control.works) == (Verdict.HELD, True)


def test_a_recall_that_gives_near_copies_only_is_found(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    with severance.open(store, key=KEY) as house, house.cross("petronella", "marmalade outie") as session:
        session.remember_many(NEAR_COPIES[:10])
    asked = Session.recall

    def recall(self: Session, query: str, *, limit: int = 10) -> list[severance.Recollection]:
        return [hit for hit in asked(self, query, limit=limit) if hit.memory.text != query]

    monkeypatch.setattr(Session, "recall", recall)
    assert look(store).verdict is Verdict.HELD


@pytest.mark.parametrize("given", ["nothing", "another"])
def test_a_recall_that_does_not_find_what_is_asked_for_misses_the_control(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """Of two sentences of a persona it gives the other, or neither."""
    asked = Session.recall

    def recall(self: Session, query: str, *, limit: int = 10) -> list[severance.Recollection]:
        return [hit for hit in asked(self, query, limit=limit) if given == "another" and hit.memory.text != query]

    monkeypatch.setattr(Session, "recall", recall)
    outcome = look(store)
    assert (outcome.verdict, outcome.note.startswith("The control was missed")) == (Verdict.INCONCLUSIVE, True)


def test_a_memory_that_is_what_the_format_writes_in_the_clear_is_no_residue(
    store: Path, look: Callable[..., Outcome]
) -> None:
    with closing(sqlite3.connect(store / "vault.db")) as vault:
        [statement] = vault.execute("SELECT sql FROM sqlite_schema WHERE name = 'records'").fetchone()
    with severance.open(store, key=KEY) as house, house.cross("irving", "marmalade work") as session:
        session.remember(statement)
    assert look(store).verdict is Verdict.HELD


def test_ctrl_c_keeps_what_was_counted(store: Path, folder: Path) -> None:
    tally = Tally()
    calls = iter(range(3))

    def more(so_far: Tally) -> bool:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return True

    before = _state(store)
    (folder / "work").mkdir()
    with pytest.raises(KeyboardInterrupt):
        own.part(store, KEY).run(Scene(folder / "work", 7, more), tally)
    assert tally.tried > 6
    assert _state(store) == before


def test_nothing_remembered_is_in_the_scratch_in_the_clear(store: Path, folder: Path) -> None:
    seen = b""

    def more(so_far: Tally) -> bool:
        nonlocal seen
        seen += b"".join(path.read_bytes() for path in (folder / "work").rglob("*") if path.is_file())
        return True

    (folder / "work").mkdir()
    own.part(store, KEY).run(Scene(folder / "work", 7, more), Tally())
    assert len(seen) > 100_000
    for word in (b"printer", b"Radar", b"petronella", b"marmalade"):
        assert word not in seen


def test_many_personas_are_drawn_from_in_a_quick_run(
    store: Path, look: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "_PERSONAS_QUICK", 2)
    assert "2 of 3 personas were drawn." in look(store).note


def test_a_file_that_changes_all_the_time_is_refused(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = steady._copied

    def while_somebody_writes(source: Path, target: Path) -> None:
        with source.open("ab") as file:
            file.write(b"x")
        copied(source, target)

    waited: list[float] = []
    monkeypatch.setattr(steady, "_copied", while_somebody_writes)
    with pytest.raises(StoreBusyError, match=r"chip\.db"):
        steady.copy_store(store, folder / "copy", waited.append)
    assert len(waited) > 10


def test_a_log_that_changes_while_it_is_copied_is_copied_again(
    store: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, waited = steady._copied, list[float]()

    def once(source: Path, target: Path) -> None:
        if source.name == "vault.db" and not waited:
            (store / "vault.db-wal").write_bytes(b"a new log")
        copied(source, target)

    monkeypatch.setattr(steady, "_copied", once)
    steady.copy_store(store, folder / "copy", waited.append)
    assert len(waited) == 1
    assert (folder / "copy" / "vault.db-wal").read_bytes() == b"a new log"


def test_short_names_are_told_from_chance_only_in_small_stores() -> None:
    assert Names(["mark", "petronella"], 1_000).covered == 2
    short = Names(["mark", "petronella"], 10_000_000)
    assert (short.covered, short.note) == (1, "1 of 2 names are too short to be told from chance.")
    assert list(short.offsets(b"mark and petronella")) == [9]


def test_what_is_known_is_masked_in_place(store: Path) -> None:
    known = known_bytes(store)
    assert any(b"CREATE TABLE records" in each for each in known)
    content = b"ab" + known[0] + b"cd"
    assert masked(content, known) == b"ab" + bytes(len(known[0])) + b"cd"
    assert b"CREATE" not in masked((store / "vault.db").read_bytes(), known)


def test_the_control_has_every_encoding() -> None:
    forms = in_the_clear(["A sentence that is long enough to have every form."], bundled())
    assert set(forms) == {"utf-8", "utf-16", "hex", "base64", "zlib", "json", "vector", "tokens", "digest"}
    assert Control("x", len(forms), len(forms)).works


def test_a_store_that_is_a_file_is_refused_before_anything_else(folder: Path) -> None:
    (folder / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file"):
        own.part(folder / "file", KEY)


def test_the_own_store_is_no_sample_and_has_no_bound(store: Path, look: Callable[..., Outcome]) -> None:
    outcome = look(store)
    assert (outcome.verdict, outcome.at_most) == (Verdict.HELD, None)


def test_what_was_not_drawn_of_the_own_store_is_said(store: Path) -> None:
    said = " ".join(own.part(store, KEY).not_covered)
    assert str(own._SENTENCES) in said
    assert str(own._PERSONAS_QUICK) in said
