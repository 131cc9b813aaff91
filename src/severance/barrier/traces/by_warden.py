"""What is done in a trace so that somebody hears of it: overrides, alarms, canaries.

Who looks after these sees all of it. A persona sees of an override that woke it what its session shows and its
notices, and of a canary the memory.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from severance import approving
from severance.alarms.sinks import LOGGER
from severance.barrier.traces.observing import observed, plain
from severance.barrier.traces.people import Who
from severance.barrier.traces.ports import ScopedEntropy
from severance.barrier.traces.steps import owner_step, session_step
from severance.barrier.traces.world import Awake, World
from severance.chip.override.keys import PrivateKey
from severance.chip.override.texts import request_of
from severance.model import OverrideInfo

HOLDERS = ("ann", "ben", "cas")
"""Of override keys: the first asks, the others approve."""

ALARMS = (
    '[[rule]]\non = "*"\nto = "log"\n',
    '[[rule]]\non = ["canary", "override.*"]\nto = "log"\nnames = true\n',
    '[[rule]]\non = "refused.repeated"\nto = "log"\ntimes = 2\nwithin = "1h"\n',
)
"""Rules of alarms that tell the log, which is for the owner to read."""


@contextmanager
def owners_log() -> Iterator[None]:
    """Within, what alarms tell the log of the program is for the owner alone: no persona hears it, nor does an output
    that everybody may see.
    """
    nobody, propagated = logging.NullHandler(), LOGGER.propagate
    LOGGER.addHandler(nobody)
    LOGGER.propagate = False
    try:
        yield
    finally:
        LOGGER.removeHandler(nobody)
        LOGGER.propagate = propagated


@owner_step("House.register_override_key", "House.unregister_override_key", "House.override_keys")
def escrow(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """The keys of all holders are registered, or one of them is taken out."""
    house = world.house()
    known = [each.name for each in house.override_keys()]
    if not args["all"] and HOLDERS[-1] in known:
        house.unregister_override_key(HOLDERS[-1])
    elif len(known) < len(HOLDERS):
        with _keys(world) as files:
            for name, file in zip(HOLDERS, files, strict=True):
                if name not in known:
                    house.register_override_key(name, PrivateKey.load(file).public.text())
    return {None: [(each.name, each.id) for each in house.override_keys()]}


@owner_step(
    "House.request_override",
    "House.override_request",
    "House.draft_override",
    "House.submit_override",
    "House.answer_override",
    "House.use_override",
    "House.end_override",
    "House.overrides",
)
def override(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """A persona is woken outside its place by three holders of keys, or one of them refuses."""
    house, who = world.house(), args["whom"]
    with _keys(world) as (asks, *approve):
        text = house.request_override(*who, key=asks, reason="to see that all is well", length=timedelta(minutes=5))
        request = approving.show_request(text).id
        assert house.override_request(request) == text  # noqa: S101 - what else it says is looked at by who uses it
        answers = [_answer(world, text, file, approves=args["approved"] or file != approve[0]) for file in approve]
        seen: list[Any] = [observed(partial(_state, house.answer_override, answer)) for answer in answers]
        seen += [observed(lambda: house.use_override(request, key=approve[0]))]
        if args["approved"]:
            with house.use_override(request, key=asks) as session:
                seen += [
                    plain(session.recall(world.contents[who].text((0, 1)))),
                    observed(lambda: session.remember("not allowed")),
                ]
        seen.append(observed(partial(_state, house.end_override, request)))
        wish = approving.wish_override(
            *who, key=asks, reason="to see it again", length=timedelta(minutes=5), clock=world.clock
        )
        asked = house.submit_override(approving.sign_draft(house.draft_override(wish), asks))
        seen.append(observed(partial(_state, house.end_override, asked.id)))
    own = [(each.state, each.why) for each in house.overrides() if (each.subject, each.persona) == who]
    return {who: (*seen, own)}


@owner_step("House.plant_canary", "House.canaries", "House.remove_canary")
def canary(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Whoever wakes there has a memory that rings from now on. The oldest of its others does not any more."""
    house, subject = world.house(), args["subject"]
    memory = house.plant_canary(subject, args["place"], _bait(world, args))
    who = next((each.subject, each.persona) for each in house.canaries() if each.id == memory.id)
    world.ids[who].append(memory.id)
    own = [each.id for each in house.canaries() if (each.subject, each.persona) == who]
    for old in own[:-2]:
        house.remove_canary(old)
    return {who: (memory, own)}


@owner_step(
    "House.alarms",
    "House.apply_alarms",
    "House.alarm_rules",
    "House.alarm_secret",
    "House.alarm_status",
    "House.test_alarms",
    "House.barrier_failed",
    "House.owner_token",
    "House.owner_tokens",
    "House.revoke_owner_token",
)
def alarms(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """Other rules, each sink is tried, and something rings. What waits, and what was told, is the owner's to see, also
    with a token, which is made and revoked.
    """
    house = world.house()
    house.apply_alarms(ALARMS[args["number"]])
    house.barrier_failed(1)
    house.alarm_status()
    secret = observed(lambda: house.alarm_secret("nobody"))
    token = house.owner_token(until=timedelta(hours=8), label="a console")
    turned_away = observed(lambda: house.admit(token))
    house.revoke_owner_token(house.owner_tokens()[-1].id)
    owners = turned_away, house.owner_tokens()[-1].ended is None
    return {None: (house.alarms(), plain(house.alarm_rules()), plain(house.test_alarms()), secret, owners)}


@owner_step(
    "severance alarm apply",
    "severance alarm check",
    "severance alarm list",
    "severance alarm secret",
    "severance alarm show",
    "severance alarm status",
    "severance alarm test",
    "severance owner token",
    "severance owner list",
    "severance owner revoke",
)
def type_alarm(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """As `alarms`, typed."""
    if world.ports.commands is None:
        return {}
    file = world.folder / "alarms.toml"
    file.write_text(ALARMS[args["number"]], encoding="utf-8")
    try:
        ran = [world.command("alarm", word, str(file), "--json") for word in ("check", "apply")]
    finally:
        file.unlink()
    ran += [world.command("alarm", word, "--json") for word in ("show", "list", "test")]
    ends = [world.command("alarm", *words)[0] for words in (("status",), ("secret", "nobody"))]
    ends.append(world.command("owner", "token", "--for", "8h", "--label", "a console")[0])
    (*_, newest) = json.loads(world.command("owner", "list", "--json")[1])["tokens"]
    ends.append(world.command("owner", "revoke", newest["id"])[0])
    return {None: ([each[:2] for each in ran[2:]], [each[0] for each in ran], ends)}


@owner_step("severance canary plant", "severance canary list", "severance canary remove")
def type_canary(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """As `canary`, typed; the new one is none any more."""
    where = ("--at", args["place"], "--subject", args["subject"], "--json")
    ran = world.command("canary", "plant", _bait(world, args), *where)
    if ran is None or ran[0] != 0:
        return {}
    new = json.loads(ran[1])["memory"]["id"]
    listed = json.loads(world.command("canary", "list", "--json")[1])["canaries"]
    who = next((each["subject"], each["persona"]) for each in listed if each["id"] == new)
    own = [each["id"] for each in listed if (each["subject"], each["persona"]) == who]
    return {who: (ran[1], own, world.command("canary", "remove", new)[0])}


@owner_step(
    "severance override keygen",
    "severance override register",
    "severance override unregister",
    "severance override keys",
    "severance override request",
    "severance override show",
    "severance override approve",
    "severance override submit",
    "severance override deny",
    "severance override use",
    "severance override end",
    "severance override list",
)
def type_override(world: World, args: Mapping[str, Any]) -> Mapping[Who | None, Any]:
    """As `override`, typed; one of the approvals was given without the store."""
    if world.ports.commands is None:
        return {}

    def typed(*words: str, stdin: str = "") -> tuple[int, str]:
        code, out, _ = world.command("override", *words, stdin=stdin)
        return code, out

    asked = world.contents[args["whom"]].text((0, 1))
    with _keys(world) as (asks, *approve):
        new = world.folder / "new.key"
        ends = [typed(*words)[0] for words in (("keygen", str(new)), ("register", "dan", "no key"), ("keys",))]
        new.unlink()
        ends.append(typed("unregister", "nobody")[0])
        code, out = typed("request", *args["whom"], "--as", str(asks), "--reason", "to see", "--for", "5m", "--json")
        if code == 0:
            request, number = json.loads(out)["request"], json.loads(out)["id"]
            _, answer = typed("approve", "-", "--as", str(approve[0]), "--offline", stdin=request)
            ends += [typed("show", stdin=request)[0], typed("submit", stdin=answer)[0]]
            ends.append(typed("approve" if args["approved"] else "deny", number, "--as", str(approve[1]))[0])
            code, out = typed("use", number, "--as", str(asks), "--ask", asked)
            ends += [typed("end", number)[0], typed("list")[0]]
    return {args["whom"]: (code, out if args["approved"] else "", ends)}


@session_step("Session.notices")
def notices(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """What the persona was not told before."""
    return awake.session.notices()


def _bait(world: World, args: Mapping[str, Any]) -> str:
    """What whoever wakes there is made to remember, in its own words: whether it is found, follows from them."""
    persona = world.seats.wakes(args["place"], args["subject"], world.minute)
    return world.contents[args["subject"], persona].text((0, 3, 4)) if persona else "nobody's"


def _state(call: Callable[[str], OverrideInfo], given: str) -> str:
    return call(given).state


def _answer(world: World, request: str, key: Path, *, approves: bool) -> str:
    return approving.answer(request_of(request), PrivateKey.load(key), approves=approves, entropy=world.entropy)


@contextmanager
def _keys(world: World) -> Iterator[Sequence[Path]]:
    """The files of the keys, always the same, which are gone afterwards: no reader of the store's disk has them."""
    files = [world.folder / f"{name}.key" for name in HOLDERS]
    try:
        for name, file in zip(HOLDERS, files, strict=True):
            PrivateKey.make(file, ScopedEntropy(name.encode()))
        yield files
    finally:
        for file in files:
            file.unlink(missing_ok=True)
