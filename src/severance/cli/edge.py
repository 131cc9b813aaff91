"""From what was said on the command line to an open house or an awake persona."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import typer

from severance import house as houses
from severance.cli import heard, screen, shapes
from severance.drafts import name_of
from severance.errors import InputError, NotFoundError, NotUpError, PermitError
from severance.house import House
from severance.model import Notice
from severance.resident.client import HouseState, ResidentHouse, connect
from severance.session import Session
from severance.store import path_of

DEFAULT_STORE = "~/.severance"
PERMIT_VARIABLE = "SEVERANCE_PERMIT"
_PERMIT = f"what is in {PERMIT_VARIABLE}"
TOOL = "severance"
"""What a permit for one tool must be for, to be used here."""


@dataclass(frozen=True, slots=True)
class Globals:
    """The options before the command, and what a run within another program puts in the place of the machine's own.

    Attributes:
        store, key, embedder, reranker, as_json: the options. A program may give the 32 bytes of the key.
        written: which of `--store` and `--key` stand on the command line.
        open_house: opens a store, with the arguments of `severance.open` that the command line has.
        ports: clock and entropy, for what is done to a store that is not open.
        ticks: seconds that pass, from any beginning.
        environ: where a permit is looked for. Other variables are the business of their options.
    """

    store: str | None = None
    key: str | bytes | None = None
    embedder: str | None = None
    reranker: str | None = None
    as_json: bool = False
    written: tuple[str, ...] = ()
    open_house: Callable[..., House] = houses.open
    ports: Mapping[str, Any] = field(default_factory=dict)
    ticks: Callable[[], float] = time.monotonic
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class Edge:
    """What applies to one command: options after it win over those before it.

    Attributes:
        store: the store's directory.
        key: the spec of the root key's source, or None for the usual.
        embedder: the spec of the embedder, or None for the usual.
        as_json: whether output is JSON.
        ports: clock and entropy for what is done to a store that is not open, as far as they are not the machine's.
        ticks: seconds that pass, from any beginning.
        written: which of `--store` and `--key` stand on the command line.
        named: whether a store or a key was named, there or by SEVERANCE_STORE.
        chosen: the specs of embedder and re-ranker, as far as they were given.
    """

    def __init__(
        self, ctx: typer.Context, store: str | None, key: str | None, as_json: bool, *, embedder: str | None = None
    ) -> None:
        """Join the options after the command with those before it.

        Raises:
            InputError: the store's path is empty, or cannot be one.
        """
        heard.quiet()  # until it is known whose command this is
        before = ctx.obj if isinstance(ctx.obj, Globals) else Globals()
        named = store if store is not None else before.store
        if named == "":
            raise InputError("--store is empty; name a directory")
        self.store = path_of(named or DEFAULT_STORE)
        self.key = key if key is not None else before.key
        self.as_json = as_json or before.as_json
        here = {"--store": store, "--key": key}
        self.written = [option for option, value in here.items() if value is not None or option in before.written]
        self.named = named is not None or self.key is not None
        self.ports = before.ports
        self.ticks = before.ticks
        self._permit = before.environ.get(PERMIT_VARIABLE) or None
        self._open = before.open_house
        self.embedder = embedder if embedder is not None else before.embedder
        specs = {"embedder": self.embedder, "reranker": before.reranker}
        self.chosen = {name: spec for name, spec in specs.items() if spec is not None}

    def house(self, *, create: bool = False) -> House:
        """The house, open for its owner, who sees on standard error what rings. Only `init` makes one."""
        if not self.as_json:
            heard.aloud()
        return self._open(self.store, key=self.key, create=create, **self.chosen)

    @property
    def words(self) -> list[str]:
        """The options that say the same to another command: absolute, where they can be.

        Raises:
            InputError: the root key itself was given, by a program.
        """
        if isinstance(self.key, bytes):
            raise InputError("a root key is not handed on as an argument; name where it comes from")
        given = {"store": os.path.abspath(self.store), "key": self.key, **self.chosen}  # noqa: PTH100 - a link stays
        return [word for name, value in given.items() if value is not None for word in (f"--{name}", value)]

    def opened(self, key: bytes | None) -> House:
        """The house, open with this root key, or else with the one that was named."""
        return self._open(self.store, key=self.key if key is None else key, create=False, **self.chosen)

    def up(self) -> HouseState | None:
        """How the house is that is up for this store; None where none is.

        Raises:
            StoreError: who listens there is not this user's.
        """
        with suppress(NotUpError):
            return connect(self.store).state()
        return None

    @contextmanager
    def _door(self) -> Iterator[House | ResidentHouse]:
        """Where a permit is shown: at the house that is up, or where none is, or a key is named, at one of our own."""
        up = None
        if self.key is None and not self.chosen:
            with suppress(NotUpError):
                up = connect(self.store)
        if up is not None:
            yield up
            return
        with self.opened(None) as house:
            yield house

    @contextmanager
    def session(self, place: str | None, subject: str | None) -> Iterator[Session]:
        """The persona that wakes at the place, awake; asleep again afterwards.

        With a permit or a place credential in the environment, the one that it opens, if that is whom it is asked for.

        Raises:
            InputError: no place was named, or it holds more than one subject and none was named.
            NotFoundError: nobody wakes there.
        """
        text = self._permit
        if text is not None:
            with (
                self._door() as door,
                let_in(lambda: door.admit(text.strip(), place=place or None, tool=TOOL), _PERMIT) as session,
            ):
                if subject and subject != session.subject:
                    raise NotFoundError("what is in SEVERANCE_PERMIT is not for the subject that was named")
                self._tell_notices(session)
                yield session
            return
        if not place:
            raise InputError("say where, with --at PLACE or SEVERANCE_PLACE; `severance status` lists the places")
        with self.opened(None) as house, house.cross(subject or only_subject(house, place), place) as session:
            self._tell_notices(session)
            yield session

    def _tell_notices(self, session: Session) -> None:
        """Say on standard error what the persona has not been told yet, each in a line of its own."""
        with suppress(PermitError):  # somebody who may not read leaves it to who may
            for notice in session.notices():
                text = json.dumps({"notice": shapes.of_notice(notice)}) if self.as_json else _in_words(notice)
                screen.console(errors=True).print(text, soft_wrap=True)


def _in_words(notice: Notice) -> str:
    ended = "it goes on" if notice.ended is None else f"it ended at {shapes.short(notice.ended)}"
    return (
        f"Notice: an override by {screen.on_one_line(notice.requester)} woke this persona at "
        f'{shapes.short(notice.at)}, because: "{screen.on_one_line(notice.reason)}"; {ended}.'
    )


@contextmanager
def let_in(entered: Callable[[], AbstractContextManager[Session]], what: str) -> Iterator[Session]:
    """Enter with something that was shown, and say where that opens nobody what it was, since nobody was named.

    Args:
        entered: crosses, and stays as long as the `with` lasts.
        what: what was shown, as the beginning of a sentence.

    Raises:
        NotFoundError: it opens nobody. Why is not told apart: it would tell of others than who shows it.
    """
    with ExitStack() as stack:
        try:
            session = stack.enter_context(entered())
        except NotFoundError:
            raise NotFoundError(
                f"{what} opens nobody here: it is no permit or place credential, or has ended, or is for another place "
                "or tool, or nobody wakes there now"
            ) from None
        yield session


def only_subject(house: House, name: str) -> str:
    """The subject of the place that holds one.

    Raises:
        InputError: it holds several.
        NotFoundError: there is no such place, or it holds none.
    """
    name = name_of(name, "the place")
    found = [place for place in house.status().places if place.name == name]
    if not found:
        raise NotFoundError("no such place here; `severance status` lists them")
    subjects = sorted({*found[0].wakes, *found[0].depends})
    if not subjects:
        raise NotFoundError("nobody wakes at that place; `severance place NAME SUBJECT=PERSONA` says who does")
    if len(subjects) > 1:
        raise InputError("this place holds more than one subject; say which with --subject")
    return subjects[0]
