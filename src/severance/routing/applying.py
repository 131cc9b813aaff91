"""Doing what a plan says: each item goes to its persona, at a place that wakes it, and nowhere else.

Items are imported as `severance import` does it: what a persona has already does not come again, so that a plan that
was cut short is gone on with by doing it once more. From a persona, an item is remembered by the other first and
forgotten by the first only when the other has it; cut short in between, it is in both until the plan is done once more.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from severance.errors import InputError, NotFoundError
from severance.house import House
from severance.routing.plan import Plan
from severance.routing.sources import Files, Piece, Pile, Remembered
from severance.session import Session
from severance.transfer import Skipped, fit
from severance.transfer.cleaning import Clean
from severance.transfer.ingest import Report, ingest
from severance.transfer.items import Found, Progress, Reading
from severance.transfer.outgoing import exporting

_STEP = 512


@dataclass(slots=True)
class Carried:
    """How it went, or is going.

    Attributes:
        moved, there: by persona, how many it remembers now, and how many it had already.
        forgotten: how many the persona that they came from has forgotten.
        unsure: items that the plan gives to nobody.
        missing: items that the plan gives to somebody, and that are not in the sources any more.
        unplanned: items in the sources that are not in the plan.
        skipped, first_skipped: entries that could not be read, and the first twenty of them.
        finished: whether it came to its end.
    """

    moved: dict[str, int] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)
    forgotten: int = 0
    unsure: int = 0
    missing: int = 0
    unplanned: int = 0
    skipped: int = 0
    first_skipped: list[Skipped] = field(default_factory=list)
    finished: bool = False


def places(house: House, subject: str) -> dict[str, tuple[str, ...]]:
    """Where each persona of the subject wakes, those places first at which it always does.

    Raises:
        NotFoundError: there is no such subject.
    """
    found = house.status()
    names = {each.name: each.places for each in found.personas if each.subject == subject}
    if not names:
        raise NotFoundError("there is no subject of that name here; `severance status` lists them")
    always = {place.name: place.wakes.get(subject) for place in found.places}
    return {name: tuple(sorted(there, key=lambda place: always[place] != name)) for name, there in names.items()}


def check_places(wanted: Collection[str], known: Mapping[str, Collection[str]]) -> None:
    """Look whether each of these personas can be given anything.

    Raises:
        InputError: one wakes at no place.
    """
    for name in sorted(wanted):
        if not known.get(name):
            raise InputError(f"{name} wakes at no place, and so can be given nothing; `severance place` declares one")


def carry_out(house: House, plan: Plan, carried: Carried, clean: Clean | None = None) -> Generator[None]:
    """Move what the plan decides; yields now and then, so that the caller can look, or close it.

    Nobody is asked for a yes here: that is the caller's part.

    Args:
        house: the owner's.
        plan: read with the personas of its subject.
        carried: counted up as it goes; when this raises, it says what was done until then.
        clean: what takes secrets out, where the plan was made so.

    Raises:
        InputError: a persona wakes nowhere, or a source cannot be read; then nothing was moved.
        NotFoundError: there is no such subject, or a persona does not wake at its places now.
    """
    known = places(house, plan.subject)
    wanted: dict[str, set[str]] = {}
    for item, name in plan.items.items():
        if name is not None:
            wanted.setdefault(name, set()).add(item)
    check_places(wanted, known)
    yield from _counted(house, plan, carried, clean)
    for name, items in sorted(wanted.items()):
        if plan.place is None:
            yield from _imported(house, plan, name, items, known[name], carried, clean)
        else:
            yield from _moved(house, plan, name, items, known[name], carried)
    carried.finished = True


def _counted(house: House, plan: Plan, carried: Carried, clean: Clean | None) -> Generator[None]:
    """Compare the plan with what is there. What cannot be read is found here, before anything is moved."""
    left = dict(plan.items)
    with _pile(house, plan, clean) as pile:
        for number, piece in enumerate(pile.pieces()):
            carried.unplanned += piece.name not in plan.items
            left.pop(piece.name, None)
            if number % _STEP == 0:
                yield
        carried.skipped, carried.first_skipped = pile.skipped, list(pile.first_skipped)
    carried.missing = sum(name is not None for name in left.values())
    carried.unsure = sum(name is None for name in plan.items.values())


@contextmanager
def _pile(house: House, plan: Plan, clean: Clean | None) -> Iterator[Pile]:
    if plan.place is None:
        yield Files([(Path(path), format_) for path, format_ in plan.sources], plan.options, clean)
        return
    with house.cross(plan.subject, plan.place) as session:
        yield Remembered(session)


def _imported(
    house: House,
    plan: Plan,
    name: str,
    items: Collection[str],
    where: Collection[str],
    carried: Carried,
    clean: Clean | None,
) -> Generator[None]:
    """Import what one persona is given."""
    with _woken(house, plan.subject, name, where) as session:
        for path, format_ in plan.sources:
            files = Files([(Path(path), format_)], plan.options, clean)
            pieces = (piece for piece in files.pieces() if piece.name in items)
            yield from _given(session, Path(path), format_, pieces, name, carried)


def _moved(
    house: House, plan: Plan, name: str, items: Collection[str], where: Collection[str], carried: Carried
) -> Generator[None]:
    """Have one persona remember what is its own, and the persona that had it forget it."""
    place = str(plan.place)
    with house.cross(plan.subject, place) as session:
        if session.persona == name:
            return  # it stays
        pieces = [piece for piece in Remembered(session).pieces() if piece.name in items]
        exporting(session, len(pieces))
    yield
    with _woken(house, plan.subject, name, where) as session:
        yield from _given(session, Path(place), "jsonl", iter(pieces), name, carried)
        held = _held(session)
    with house.cross(plan.subject, place) as session:
        for number, piece in enumerate(pieces):
            if piece.item.id is not None and _kept_as(piece) in held:
                with suppress(NotFoundError):  # somebody was quicker
                    session.forget(piece.item.id)
                    carried.forgotten += 1
            if number % _STEP == 0:
                yield


def _given(
    session: Session, path: Path, format_: str, pieces: Iterator[Piece], name: str, carried: Carried
) -> Generator[None]:
    found: Iterator[Found] = (piece.item for piece in pieces)
    report = Report(format_)
    try:
        with (
            Reading(format_, path, Progress(), lambda: found) as reading,
            closing(ingest(session, reading, report)) as steps,
        ):
            for _ in steps:
                yield
    finally:
        carried.moved[name] = carried.moved.get(name, 0) + report.imported
        carried.there[name] = carried.there.get(name, 0) + report.already_there


def _held(session: Session) -> set[tuple[object, str]]:
    return {(memory.metadata.get(fit.ORIGIN), memory.text) for memory in session.memories()}


def _kept_as(piece: Piece) -> tuple[object, str]:
    return piece.item.draft.metadata.get(fit.ORIGIN, piece.item.origin), piece.item.draft.text


@contextmanager
def _woken(house: House, subject: str, name: str, where: Collection[str]) -> Iterator[Session]:
    """The persona of that name, awake. Where it wakes only under conditions, another may wake, and is left alone."""
    with _first(house, subject, name, where) as session:
        yield session


def _first(house: House, subject: str, name: str, where: Collection[str]) -> Session:
    for place in where:
        with suppress(NotFoundError):
            session = house.cross(subject, place)
            if session.persona == name:
                return session
            session.sleep()
    raise NotFoundError(f"{name} does not wake at any of its places now; nothing was moved there")
