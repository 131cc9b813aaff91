"""The audit log tells what happens at the door, shows no name to who reads the disk, and cannot be taken back."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

import severance
from kit import make_house, open_house
from severance import DamagedError, House, NotFoundError, SeveranceError
from severance.barrier.traces.ports import KEY, ScopedEntropy, StillClock
from severance.chip.register import HeadRow
from severance.store import open_store


def the_log_tells_and_hides(folder: Path) -> None:
    """Crossings and refusals are in it, in their order; no name is in its file, and its entries look alike."""
    with make_house(folder) as house:
        before = len(house.events())
        house.cross("mark", "floor").sleep()
        with pytest.raises(NotFoundError):
            house.cross("mark", "nowhere at all")
        told = house.events()[before:]
        assert [(event.what, event.persona) for event in told] == [
            ("crossed", "innie"),
            ("slept", "innie"),
            ("refused", None),
        ]
        sizes = {len(frame) for frame in house._audit._log.entries(0, before + 3)}
        assert len(sizes) == 1, "an entry is longer than another"
    raw = b"".join(file.read_bytes() for file in (folder / "store").iterdir() if file.name.startswith("audit"))
    assert not [name for name in (b"mark", b"innie", b"nowhere at all", b"crossed") if name in raw], "in the clear"


def a_log_that_was_taken_back_is_noticed(folder: Path) -> None:
    """By a witness, when somebody puts back an older log with the chip of then, which are whole by themselves."""
    store, witness = folder / "store", [f"file:{folder / 'seen'}"]
    make_house(folder).close()
    shutil.copytree(store, folder / "older")
    with open_house(store) as house:
        house.cross("mark", "floor").sleep()
        house.verify_audit(witness)
    for name in ("audit.db", "chip.db"):
        shutil.copy(folder / "older" / name, store / name)
    with open_house(store) as house:
        house.verify_audit()
        _refuses(lambda: house.verify_audit(witness), "the log was cut, and the witness did not say so")


def a_log_that_was_cut_is_noticed_by_the_chip(folder: Path) -> None:
    """At the next opening, without any witness: an older log, another of the same length, or none."""
    store = folder / "store"
    make_house(folder).close()
    shutil.copy(store / "audit.db", folder / "older")
    with open_house(store) as house:
        house.cross("mark", "floor").sleep()
        size = len(house.events())
    whole = {file.name: file.read_bytes() for file in store.iterdir()}

    def opens() -> None:
        open_house(store, create=False).close()

    opens()  # the control
    shutil.copy(folder / "older", store / "audit.db")
    _refuses(opens, "the log was cut, and nobody said so")
    (store / "chip.db").write_bytes(_without_head(store))
    with open_house(store) as house:
        while len(house.events()) < size:
            house.cross("mark", "home").sleep()
        house.verify_audit()
    (store / "chip.db").write_bytes(whole["chip.db"])
    _refuses(opens, "the log was rewritten, and nobody said so")
    (store / "audit.db").unlink()
    _refuses(opens, "the log was taken away, and nobody said so")


def an_export_shows_what_is_in_the_log(folder: Path) -> None:
    """And nothing else; and what opens an entry of it opens no other."""
    make_house(folder).close()
    shutil.copytree(folder / "store", folder / "fork")
    lines, verifier = _exported(folder / "store", "floor")
    fork, _ = _exported(folder / "fork", "home")
    (folder / "export").write_bytes(b"".join(lines))
    severance.verify_export(folder / "export", verifier=verifier)  # the control

    def verify() -> None:
        severance.verify_export(folder / "altered", verifier=verifier)

    (folder / "altered").write_bytes(b"".join([*lines[:-1], fork[-1]]))
    _refuses(
        lambda: severance.verify_export(folder / "altered", verifier=verifier), "an entry of another log was taken"
    )
    one, other = (json.loads(line) for line in lines[1:3])
    for name, value in (("persona", "somebody"), ("opens", other["opens"]), ("number", 1)):
        altered = json.dumps({**one, name: value}, separators=(",", ":")).encode() + b"\n"
        (folder / "altered").write_bytes(b"".join([lines[0], altered, *lines[3:]]))
        _refuses(
            lambda: severance.verify_export(folder / "altered", verifier=verifier),
            f"another {name}, and nobody said so",
        )


def an_export_is_what_the_log_wrote(folder: Path) -> None:
    """A line that only reads as the same, and a header that names another key, are no export."""
    make_house(folder).close()
    lines, verifier = _exported(folder / "store", "floor")
    (folder / "export").write_bytes(b"".join(lines))
    severance.verify_export(folder / "export", verifier=verifier)  # the control
    for which, old, new in (
        (1, b'{"number":0', b'{"subject":"somebody","number":0'),
        (1, b'"number":0', b'"number": 0'),
        (0, verifier.encode(), b"severance/0+0+0"),
    ):
        assert old in lines[which]
        altered = [*lines[:which], lines[which].replace(old, new), *lines[which + 1 :]]
        (folder / "export").write_bytes(b"".join(altered))
        _refuses(lambda: severance.verify_export(folder / "export", verifier=verifier), f"{new!r}, and nobody said so")


def _exported(store: Path, place: str) -> tuple[list[bytes], str]:
    """The lines of an export after a crossing, and the verifier key."""
    out = io.BytesIO()
    with open_house(store) as house:
        house.cross("mark", place).sleep()
        house.export_audit(out)
        return out.getvalue().splitlines(keepends=True), house.verify_audit().verifier


def a_persona_is_shown_its_own_entries_only(folder: Path) -> None:
    """However much others do, and nothing of what the owner looks for behind its back."""
    with make_house(folder) as house, house.cross("mark", "floor") as innie:
        before = innie.events()
        assert [(event.what, event.place) for event in before] == [
            ("severed", None),
            ("placed", "floor"),
            ("crossed", "floor"),
        ]
        for _ in range(3):
            house.cross("mark", "home").sleep()
            house.cross("helly", "floor").sleep()
        house._telling.tell("canary", {"subject": "mark", "persona": "innie", "place": "floor"})  # type: ignore[arg-type]
        assert innie.events() == before, "it depends on what others did"
        assert innie.events(limit=2) == before[1:], "it depends on what others did"
        assert not hasattr(before[0], "number")


def a_restore_is_told(folder: Path) -> None:
    """In the log, which is not taken back by it."""
    store = folder / "store"
    with make_house(folder) as house:
        house.backup(folder / "backup")
        house.cross("mark", "floor").sleep()
        before = house.events()
    severance.restore(folder / "backup", store, key=KEY, replace=True, clock=StillClock(), entropy=ScopedEntropy())
    with open_house(store) as house:
        after = house.events()
    assert after[: len(before)] == before, "the restore took the log back"
    assert [event.what for event in after[len(before) :]] == ["restored"]


def strangers_are_told_or_counted(folder: Path) -> None:
    """Each of them, once; the log does not grow with them, and who holds something has an entry each time."""
    clock = StillClock()
    with make_house(folder, clock=clock) as house:
        over = house.permit("mark", "floor", rights=["recall"], until=timedelta(seconds=1))
        clock.tick(2)
        before, rang = len(house.events(limit=1_000)), _wrong(house)
        for text in ("nothing", over):
            for _ in range(60):
                _refuses(partial(house.admit, text), "something else opens", NotFoundError)
        assert len(house.events(limit=1_000)) - before == 20 + 60, "the log grows with strangers, or holders are merged"
        assert _wrong(house) - rang == 120, "alarms do not hear of each"
        clock.tick(60)
        house._refusals.tick()
        found = [event for event in house.events(what="refused", limit=1_000) if event.subject is None]
        assert sum(int(event.detail.get("more", 1)) for event in found) == 60, "a stranger is forgotten, or told twice"
        assert _wrong(house) - rang == 120, "alarms hear of some twice"
        house.verify_audit()


def _wrong(house: House) -> int:
    status = house.alarm_status()
    groups = [*(each.alarm for each in status.told), *(each for sink in status.sinks for each in sink.waiting)]
    return sum(group.count for group in groups if group.kind == "permit.wrong")


def _without_head(store: Path) -> bytes:
    """The chip as if it had never heard of the log."""
    vault, chip = open_store(store, key=KEY, create=False, entropy=ScopedEntropy(b"beside"))
    with closing(vault), closing(chip):
        chip.change(lambda change: change.remove(HeadRow(0, b"")))
    return (store / "chip.db").read_bytes()


def _refuses(call: Callable[[], object], otherwise: str, kind: type[SeveranceError] = DamagedError) -> None:
    try:
        call()
    except kind:
        return
    raise AssertionError(otherwise)
