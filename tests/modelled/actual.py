"""The real houses, driven by the model's operations: what each of them answers is told in the model's words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from unittest import mock

from kit import make_house, open_house
from modelled.interpose import Cut, Interposer
from modelled.nouns import ASLEEP, DONE, FORBIDDEN, KEEPERS, REFUSED, SEATS, UNKNOWN, Op
from modelled.overrides import listed
from modelled.spec import shown
from severance import AsleepError, House, InputError, NotFoundError, OverrideError, PermitError, Right, Session
from severance.approving import approve, deny, new_override_key, show_request
from severance.barrier.traces.ports import NOON, SECOND, ScopedEntropy, StillClock
from severance.chip.override.held import Held
from severance.chip.permits import weaken
from severance.model import micros
from severance.weakening import show

_DOOR = "nobody of that name wakes at a place of that name here"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Template:
    """A store as it is at the beginning, made once and copied for each story; and another house with nothing of it."""

    def __init__(self, folder: Path) -> None:
        self.keys = {name: folder / f"{name}.key" for name in KEEPERS}
        with make_house(folder) as house:
            _limit(house, frozenset({"mark"}))
            for name, path in self.keys.items():
                house.register_override_key(name, new_override_key(path))
        self.store = folder / "store"
        self.other = make_house(folder / "other", entropy=ScopedEntropy(b"another house"))

    def close(self) -> None:
        """Let go of the other house."""
        self.other.close()


class Actual:
    """Houses on one store of their own, with everything that was handed out. One thread drives them."""

    def __init__(self, template: Template, folder: Path, houses: int = 1, interposer: Interposer | None = None) -> None:
        self._template = template
        self._folder = folder
        self._between = interposer or Interposer()
        self._openings = 0
        self.clock = StillClock(NOON)
        shutil.copytree(template.store, folder)
        self._houses = [self._open() for _ in range(houses)]
        self._texts: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._sessions: dict[str, tuple[Session, int]] = {}
        self._does: dict[str, Callable[[House, Op], str]] = {
            "make": self._make,
            "register": self._register,
            "weaken": self._weaken,
            "revoke": self._revoke,
            "admit": self._admit,
            "cross": self._cross,
            "call": self._call,
            "sleep": self._sleep,
            "tick": self._tick,
            "accept": self._accept,
            "place": self._place,
            "limit": lambda house, op: _limit(house, op.value),
            "kill": self._kill,
            "close": self._close,
            "look": self._look,
            "ask": self._ask,
            "answer": self._answer,
            "use": self._use,
            "stop": self._stop,
            "list": self._list,
            "forge": self._forge,
            "elsewhere": self._elsewhere,
            "drop": self._drop,
        }

    def do(self, op: Op) -> str:
        """Do it, and say what was answered.

        Raises:
            AssertionError: it answered something that no operation may.
            Cut: the interposer killed its house in the middle of it; the house was opened again.
        """
        try:
            return self._does[op.what](self._houses[op.house], op)
        except Cut:
            self._between.rest()
            self._kill(self._houses[op.house], op)
            raise

    def end(self) -> None:
        """Close everything, and remove the store."""
        for house in self._houses:
            house.close()
        shutil.rmtree(self._folder)

    def _open(self) -> House:
        self._openings += 1
        entropy = ScopedEntropy(f"{self._folder.name} {self._openings}".encode())
        return open_house(self._folder, clock=self.clock, entropy=entropy, create=False)

    def _make(self, house: House, op: Op) -> str:
        subject, place = SEATS[op.seat]
        rights, seconds = op.value
        with suppress(NotFoundError):
            return self._keep(op, house.permit(subject, place, rights=rights, until=timedelta(seconds=seconds)))
        return REFUSED

    def _register(self, house: House, op: Op) -> str:
        subject, place = SEATS[op.seat]
        return self._keep(op, house.register(subject, place, "editor", rights=op.value))

    def _keep(self, op: Op, text: str) -> str:
        self._texts[op.fresh], self._ids[op.fresh] = text, identity(text)
        return DONE

    def _weaken(self, house: House, op: Op) -> str:
        rights, until, threads, tool = op.value
        end = None if until is None else NOON + until * SECOND
        less = None if rights is None else [Right(each) for each in rights]
        with suppress(InputError):
            self._texts[op.fresh] = weaken(self._texts[op.who], rights=less, until=end, threads=threads, tool=tool)
            return DONE
        return REFUSED

    def _revoke(self, house: House, op: Op) -> str:
        with suppress(NotFoundError):
            house.revoke(self._ids[op.who])
            return DONE
        return REFUSED

    def _admit(self, house: House, op: Op) -> str:
        place, tool = op.value or (None, None)
        return self._woken(op, lambda: house.admit(self._texts[op.who], place=place, tool=tool))

    def _cross(self, house: House, op: Op) -> str:
        return self._woken(op, lambda: house.cross(*SEATS[op.seat]))

    def _woken(self, op: Op, wake: Callable[[], Session]) -> str:
        try:
            session = wake()
        except NotFoundError as error:
            said = str(error)
        else:
            self._sessions[op.fresh] = session, op.house
            return session.persona
        assert said == _DOOR, f"the door says why: {said}"
        return REFUSED

    def _call(self, house: House, op: Op) -> str:
        right, thread = op.value
        session, _ = self._sessions[op.who]
        try:
            if right == "forget":
                session.forget("0" * 30)
            elif right == "remember":
                session.remember("a file", thread=thread)
            else:
                session.recall("file", thread=thread)
        except AsleepError:
            return ASLEEP
        except PermitError:
            return FORBIDDEN
        except NotFoundError:
            return UNKNOWN
        return DONE

    def _sleep(self, house: House, op: Op) -> str:
        self._sessions[op.who][0].sleep()
        return DONE

    def _drop(self, house: House, op: Op) -> str:
        self._sessions.pop(op.who)[0].sleep()
        return DONE

    def _tick(self, house: House, op: Op) -> str:
        self.clock.tick(op.value)
        return DONE

    def _accept(self, house: House, op: Op) -> str:
        house.accept_clock()
        return DONE

    def _place(self, house: House, op: Op) -> str:
        subject, place = SEATS[op.seat]
        house.place(place, {subject: op.value})
        return DONE

    def _kill(self, house: House, op: Op) -> str:
        """As `kill -9`: the files are let go of as they are, and no session is told."""
        for name in [name for name, (_, owner) in self._sessions.items() if owner == op.house]:
            _killed(self._sessions.pop(name)[0])
        house._vault.close()
        house._chip.close()
        assert house._audit is not None
        house._audit.close()
        house._bell._queue.close()
        self._houses[op.house] = self._open()
        return DONE

    def _close(self, house: House, op: Op) -> str:
        house.close()
        for name in [name for name, (_, owner) in self._sessions.items() if owner == op.house]:
            del self._sessions[name]
        self._houses[op.house] = self._open()
        return DONE

    def _look(self, house: House, op: Op) -> str:
        names = {known: name for name, known in self._ids.items()}
        over = {each.id: each.ended is not None for each in house.permits()}
        over |= {each.id: each.revoked is not None for each in house.credentials()}
        now = (micros(house.clock()) - NOON) // SECOND
        return shown({names[known]: said for known, said in over.items() if known in names}, now)

    def _ask(self, house: House, op: Op) -> str:
        (subject, persona), by, rights, threads, *times = op.value
        length, approve, use = (timedelta(seconds=each) for each in times)
        self._texts[op.fresh] = text = house.request_override(
            subject,
            persona,
            key=self._template.keys[by],
            reason="he does not answer",
            rights=rights,
            threads=threads,
            length=length,
            approve_within=approve,
            use_within=use,
        )
        self._ids[op.fresh] = show_request(text).id
        return DONE

    def _answer(self, house: House, op: Op) -> str:
        by, approves = op.value
        answer = approve if approves else deny
        with suppress(OverrideError, NotFoundError):
            house.answer_override(answer(self._texts[op.who], self._template.keys[by]))
            return DONE
        return REFUSED

    def _use(self, house: House, op: Op) -> str:
        with suppress(OverrideError, NotFoundError):
            session = house.use_override(self._ids[op.who], key=self._template.keys[op.value])
            self._sessions[op.fresh] = session, op.house
            return session.persona
        return REFUSED

    def _stop(self, house: House, op: Op) -> str:
        with suppress(NotFoundError):
            house.end_override(self._ids[op.who])
            return DONE
        return REFUSED

    def _list(self, house: House, op: Op) -> str:
        names = {known: name for name, known in self._ids.items()}
        known = {names[each.id]: each.state.value for each in house.overrides() if each.id in names}
        return listed(known, (micros(house.clock()) - NOON) // SECOND)

    def _forge(self, house: House, op: Op) -> str:
        return self._refused(house, altered(self._texts[op.who], op.value))

    def _elsewhere(self, house: House, op: Op) -> str:
        return self._refused(self._template.other, self._texts[op.who])

    def _refused(self, house: House, text: str) -> str:
        return self._woken(Op("forge", fresh="nobody"), lambda: house.admit(text))


@contextmanager
def acted(template: Template, folder: Path, houses: int = 1, interposer: Interposer | None = None) -> Iterator[Actual]:
    """Real houses that are closed and removed at the end."""
    # Without the thread that looks at an override each quarter of a second: it would end what no call has looked at.
    with mock.patch.object(Held, "watch"):
        actual = Actual(template, folder, houses, interposer)
        try:
            yield actual
        finally:
            actual.end()


def identity(text: str) -> str:
    """The id of a permit or a credential."""
    return text.split(".")[1] if text.startswith("sevc") else show(text).id


def altered(text: str, at: int) -> str:
    """A text with another character somewhere: all of them are tried, if `at` takes all values."""
    place = at % len(text)
    other = _LETTERS[(at // len(text)) % len(_LETTERS)]
    if other == text[place]:
        other = "-" if text[place] != "-" else "_"
    return text[:place] + other + text[place + 1 :]


def _killed(session: Session) -> None:
    """It writes nothing any more, and what the system takes back from a process that ends is given back."""
    session._left_behind()
    held = vars(session).get("_admission")
    if isinstance(held, Held):
        held._lease._left_behind()


def _limit(house: House, exclusive: frozenset[str]) -> str:
    _, first, rules = house.thresholds().partition("[[rule]]")
    limits = "".join(f'[[subject]]\nname = "{name}"\nexclusive = true\n' for name in sorted(exclusive))
    house.apply_thresholds(limits + first + rules)
    return DONE
