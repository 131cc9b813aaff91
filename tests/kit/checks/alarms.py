"""Alarms ring, are told to whom they may be told to and no more than they must, and none is lost."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections import Counter
from pathlib import Path

from kit import make_house, open_house
from kit.serving import Serving, serving
from severance import House
from severance.alarms.kinds import Ring
from severance.alarms.sinks import LOGGER
from severance.barrier.traces.ports import StillClock

_CANARY = "the combination of the safe is under the stapler"


def _hook(house: House, url: str, more: str = "") -> None:
    house.apply_alarms(
        f'sink = [{{ name = "hook", webhook = "{url}"{more} }}]\nrule = [{{ on = "*", to = ["hook", "log"] }}]'
    )


def _told(server: Serving) -> Counter[str]:
    found = Counter[str]()
    for request in server.asked:
        for alarm in request.body["alarms"]:
            found[alarm["kind"]] += alarm["count"]
    return found


class _Heard(logging.Handler):
    """Keeps what the log is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def sinks_hear_no_more_than_they_may(folder: Path) -> None:
    """No name where no rule says so, and never what was read; and each message is signed with its time."""
    heard = _Heard()
    LOGGER.addHandler(heard)
    try:
        with serving("200") as server, make_house(folder) as house:
            _hook(house, server.url)
            house.plant_canary("mark", "floor", _CANARY)
            with house.cross("mark", "floor") as innie:
                innie.recall("the combination of the safe")
            house._bell.flush(60)
            (sink,) = house._bell.rules().sinks
            secret = house._bell.secret(sink)
    finally:
        LOGGER.removeHandler(heard)
    (asked,) = server.asked
    said = [asked.raw.decode(), *heard.lines]
    assert len(said) == 2
    assert all("canary" in each for each in said)
    secrets = ("mark", "innie", "floor", "safe", "stapler")
    assert not [word for word in secrets for each in said if word in each], "a sink was told what it may not know"
    at, given = (part.split("=", 1)[1] for part in asked.headers["Severance-Signature"].split(","))
    wanted = hmac.new(secret, f"{at}.".encode() + asked.raw, hashlib.sha256).hexdigest()
    assert given == wanted, "the signature is not over time and body"


def names_that_wait_go_only_where_they_may(folder: Path) -> None:
    """What waits with names loses them when the sink has another address, and when no rule gives it names any more."""
    clock = StillClock()
    with serving("500") as first, serving("200") as second, make_house(folder, clock=clock) as house:
        for names in ("true", "false"):
            for url, named in ((first.url, "true"), (second.url, names)):
                house.apply_alarms(
                    f'sink = [{{ name = "hook", webhook = "{url}" }}]\n'
                    f'rule = [{{ on = "*", to = "hook", names = {named} }}]'
                )
                if url == first.url:
                    house._bell.ring([Ring("damage", "mark", "innie", "floor")])
                house._bell.flush(60)
                clock.tick(7_200)
                house._bell.begin()
                house._bell.flush(60)
    assert first.asked
    assert all(b"mark" in asked.raw for asked in first.asked), "the control"
    assert _told(second) == {"damage": 2}
    assert not [asked for asked in second.asked if b"mark" in asked.raw], "names went where no rule sent them"


def no_alarm_is_lost(folder: Path) -> None:
    """A sink that fails, a house that is closed and opened again, and more than may be told in a minute."""
    clock = StillClock()
    with serving("500") as server:
        with make_house(folder, clock=clock) as house:
            _hook(house, server.url, ", most = 2")
            house.barrier_failed(1)
            house._bell.flush(60)
        server.asked.clear()
        server.modes = ["200"]
        clock.tick(6)
        with open_house(folder / "store", clock=clock) as house:
            house._bell.flush(60)
            for number in range(20):
                clock.tick(1)
                house._bell.ring([Ring("damage" if number % 2 else "canary")])
                house._bell.flush(60)
            for _ in range(4):
                clock.tick(61)
                house._bell.begin()
                house._bell.flush(60)
        assert _told(server) == {"barrier.failed": 1, "damage": 10, "canary": 10}
        assert len(server.asked) <= 8, "a storm"


def canaries_ring_however_they_are_read(folder: Path) -> None:
    """By every way to read, each once; and nothing else rings."""
    with make_house(folder) as house:
        with house.cross("mark", "floor") as innie:
            innie.remember("lunch was at noon")
        planted = house.plant_canary("mark", "floor", _CANARY).id
        with house.cross("mark", "floor") as innie:
            reads = {
                "recall": lambda: innie.recall("combination of the safe"),
                "context": lambda: innie.context("combination of the safe"),
                "get": lambda: innie.get(planted),
                "memories": lambda: list(innie.memories()),
                "history": lambda: innie.history(planted),
            }
            for number, (name, read) in enumerate(reads.items(), 1):
                innie.recall("lunch at noon", limit=1)
                read()
                assert len(house.events(what="canary")) == number, name


def alarms_wait_sealed(folder: Path) -> None:
    """Who reads the disk finds no name, and no kind, in what waits."""
    with make_house(folder) as house:
        house.apply_alarms('rule = [{ on = "*", to = "log", names = true }]')
        house.barrier_failed(1)
        house._bell.ring([Ring("damage", "mark", "innie", "floor")])
    raw = b"".join(file.read_bytes() for file in (folder / "store").iterdir() if file.name.startswith("alarms"))
    assert b"SQLite" in raw
    assert not [name for name in (b"mark", b"innie", b"floor", b"damage", b"barrier") if name in raw]
