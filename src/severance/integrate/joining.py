"""A client and a house: what lets the client in at a place, and what ends that; found out first, done when asked."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from severance import credentials
from severance.errors import InputError, NotFoundError, SeveranceError, StoreMissingError
from severance.house import House
from severance.integrate import plan
from severance.integrate.client import Client
from severance.integrate.files import Change, check
from severance.integrate.machine import Machine
from severance.integrate.parts import option
from severance.integrate.plan import Program, There

_MOST_SAID = 500
"""Characters of a command that is told."""


@dataclass(slots=True)
class Work:
    """What will be done.

    Attributes:
        changes: of files; some may change nothing.
        steps: the rest, in sentences.
        acts: what does the rest, in order, before the files are written.
        undo: what takes it back where the files cannot be written.
        after: what is done when they are.
    """

    changes: list[Change]
    steps: list[str] = field(default_factory=list)
    acts: list[Callable[[], object]] = field(default_factory=list)
    undo: list[Callable[[], object]] = field(default_factory=list)
    after: list[Callable[[], object]] = field(default_factory=list)

    @property
    def writes(self) -> list[Change]:
        """The files that will be others."""
        return [change for change in self.changes if change.does_something]

    @property
    def is_nothing(self) -> bool:
        """Whether all is as it is to be."""
        return not self.writes and not self.steps

    def carry_out(self) -> None:
        """Do it.

        Raises:
            ConflictError: a file was changed since it was read.
            SeveranceError: as the house, or a file, raises it.
        """
        check(self.changes)
        for act in self.acts:
            act()
        try:
            for change in self.writes:
                change.carry_out()
        except SeveranceError:
            for act in self.undo:
                act()
            raise
        for act in self.after:
            act()


@dataclass(frozen=True, slots=True)
class Joining:
    """One client on one machine, and one store.

    Attributes:
        client: which.
        store: the directory of the store, absolute.
        machine: where the client's files are.
        runs: how this program is run from anywhere: the words before its options.
        project: the project's folder; None for all that its user does.
    """

    client: Client
    store: str
    machine: Machine
    runs: tuple[str, ...]
    project: Path | None = None

    def adding(
        self, house: House, program: Program, subject: str, wakes: str | None = None, *, hooks: bool = False
    ) -> Work:
        """What integrates the client.

        Args:
            house: of the store.
            program: what the client will run, and where.
            subject: whose personas wake for it.
            wakes: the persona that is to wake there, made with the place where they are not there; None to leave that.
            hooks: whether its hooks are wanted.

        Raises:
            InputError: as `plan.adding`, the place is there and somebody else wakes, or another program than this one
                is there for another place.
        """
        work = Work(plan.adding(self.client, program, self.machine, self.project, hooks=hooks))
        was, here = plan.there(self.client, self.machine, self.project), There(self.store, program.place)
        if wakes is not None:
            _declare(work, house, program.place, subject, wakes)
        if not self._is_open(house, program.place, subject):
            work.steps.append(f"Make a place credential for {self.client.title} at {program.place}, and keep it.")
            work.acts.append(lambda: self._renew(house, here, subject))
            work.undo.append(lambda: self._end(house, here))
        if was is not None and was != here and was.store == self.store and not self._used_elsewhere(was):
            self._check_own(was)
            work.steps.append(f"End what {self.client.title} has at {was.place}.")
            work.after.append(lambda: self._end(house, was))
        return work

    def removing(self, opened: Callable[[], House], place: str | None) -> Work:
        """What takes the client out.

        Args:
            opened: opens the house of the store; called only where there is something to revoke.
            place: where it is; None for where its configuration says.

        Raises:
            InputError: as `plan.removing`, it is integrated with another store, or another program than this one is
                there and no place was named.
            NotFoundError: it is at another place.
        """
        work = Work(plan.removing(self.client, self.machine, self.project))
        was = plan.there(self.client, self.machine, self.project)
        if was is None:
            was = None if place is None else There(self.store, place)
        elif was.store != self.store:
            raise InputError(f"{self.client.title} is integrated with another store; say --store {was.store}")
        elif place not in (None, was.place):
            raise NotFoundError(f"{self.client.title} is not integrated at that place, but at {was.place}")
        elif place is None:
            self._check_own(was)
        if was is None or self._used_elsewhere(was):
            return work
        if credentials.kept(self.store, was.place, self.client.name) is not None:
            work.steps.append(f"Revoke the place credential of {self.client.title} at {was.place}, and drop it.")
            work.acts.append(lambda: self._revoke(opened, was))
        return work

    def server(self, options: Sequence[str], place: str | None) -> list[str]:
        """The command that the client starts, if it is the one that is written here; no other is given out to be run.

        Args:
            options: of this program, before its command.
            place: where it is to be; None for where its configuration says.

        Raises:
            InputError: its configuration is broken.
            NotFoundError: nothing of Severance's is in it, or not what would be written with these options.
        """
        found = plan.command(self.client, self.machine, self.project, anyones=True)
        if found is None:
            raise NotFoundError(f"{self.client.title} is not integrated here; `severance integrate` does it")
        there = place or option(found, "--place") or ""
        if found != [*Program((*self.runs, *options), there).server(self.client)]:
            raise NotFoundError(
                f"nothing was started: what {self.client.title} would start here is not what `severance integrate`"
                f" writes with these options: {_said(found)}"
            )
        return found

    def _is_open(self, house: House, place: str, subject: str) -> bool:
        """Whether what is kept for the client opens what it is to open."""
        text = credentials.kept(self.store, place, self.client.name)
        found = None if text is None else credentials.id_of(text)
        wanted = (found, place, subject, self.client.name, None)
        infos = house.credentials()
        return any((each.id, each.place, each.subject, each.program, each.revoked) == wanted for each in infos)

    def _renew(self, house: House, here: There, subject: str) -> None:
        self._end(house, here)
        text = house.register(subject, here.place, self.client.name)
        try:
            credentials.keep(self.store, here.place, self.client.name, text)
        except SeveranceError:
            house.revoke(credentials.id_of(text))
            raise

    def _end(self, house: House, was: There) -> None:
        """Revoke what is kept, if it is open, and keep it no longer."""
        text = credentials.kept(self.store, was.place, self.client.name)
        if text is None:
            return
        found = credentials.id_of(text)
        if any(each.id == found and each.revoked is None for each in house.credentials()):
            house.revoke(found)
        credentials.drop(self.store, was.place, self.client.name)

    def _revoke(self, opened: Callable[[], House], was: There) -> None:
        try:
            with opened() as house:
                self._end(house, was)
        except StoreMissingError:  # with the store, all that it opened is gone
            credentials.drop(self.store, was.place, self.client.name)

    def _check_own(self, was: There) -> None:
        """Whoever wrote a project's files chose the place in them, and is not to end what the user has there."""
        found = plan.command(self.client, self.machine, self.project) or []
        if tuple(found[: len(self.runs)]) != self.runs:
            raise InputError(
                f"what {self.client.title} would start here is not this program: {_said(found)};"
                f" if you wrote it, --remove --place {was.place} takes it out"
            )

    def _used_elsewhere(self, was: There) -> bool:
        """Whether it is a project's place that the configuration of its user has, too."""
        return self.project is not None and plan.there(self.client, self.machine, None) == was


def _said(words: Sequence[str]) -> str:
    said = shlex.join(words)
    return said if len(said) <= _MOST_SAID else f"{said[:_MOST_SAID]}..."


def _declare(work: Work, house: House, place: str, subject: str, persona: str) -> None:
    """Add what severs the subject and declares the place, as far as they are not there."""
    status = house.status()
    known = next((each for each in status.places if each.name == place), None)
    is_severed = any((each.subject, each.name) == (subject, persona) for each in status.personas)
    if known is not None and known.wakes.get(subject) != persona:
        first = "" if is_severed else f"{shlex.join(['severance', 'sever', subject, persona])}` and then `"
        raise InputError(
            f"the place {place} is there already, and {subject} does not wake there as {persona}; "
            f"`{first}{shlex.join(['severance', 'place', place, f'{subject}={persona}'])}` changes that"
        )
    if not is_severed:
        work.steps.append(f"Sever {subject}, with the persona {persona}.")
        work.acts.append(lambda: house.sever(subject, [persona]))
    if known is None:
        work.steps.append(f"Declare the place {place}, where {subject} wakes as {persona}.")
        work.acts.append(lambda: house.place(place, {subject: persona}))


def files(changes: Sequence[Change]) -> list[dict[str, object]]:
    """The files as JSON: where each is, whether it changes, and where its copy is."""
    return [
        {
            "file": str(each.path),
            "changed": each.does_something,
            "copy": None if each.backup is None else str(each.copy),
        }
        for each in changes
    ]
