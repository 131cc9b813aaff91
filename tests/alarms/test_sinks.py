"""How sinks are told: real commands, a real server, and what they get."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import os
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kit.serving import Serving, serving
from severance.alarms.kinds import KINDS
from severance.alarms.rules import THE_LOG
from severance.alarms.sinks import LOGGER, Message, Reach, sentence
from severance.alarms.state import SECOND, Group, Key
from severance.chip.register import SinkForm
from severance.crypto.rootkey.allowed import allow

NOW = 1_717_243_200 * SECOND
NAMED = Group(Key("canary", "mark", "innie", "floor"), 1, NOW, NOW, NOW)
BARE = Group(Key("refused.repeated"), 1_234, NOW, NOW + 60 * SECOND, NOW)
MESSAGE = Message("ab" * 16, "cd" * 16, (NAMED, BARE))
SECRET = bytes(range(32))

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of POSIX")


def reach(seconds: float = 10.0, environ: Mapping[str, str] | None = None) -> Reach:
    return Reach(lambda sink: SECRET if sink.name == "hook" else bytes(32), environ or os.environ, seconds)


def hook(url: str) -> SinkForm:
    return SinkForm("hook", "webhook", (url,), 10)


def command(*argv: str) -> SinkForm:
    return SinkForm("desk", "command", argv, 10)


def test_a_message_is_kinds_counts_times_and_the_names_that_it_was_given() -> None:
    document = json.loads(MESSAGE.json())
    assert document == {
        "severance_alarms": 1,
        "id": "ab" * 16,
        "house": "cd" * 16,
        "alarms": [
            {
                "kind": "canary",
                "count": 1,
                "first": "2024-06-01T12:00:00+00:00",
                "last": "2024-06-01T12:00:00+00:00",
                "subject": "mark",
                "persona": "innie",
                "place": "floor",
            },
            {
                "kind": "refused.repeated",
                "count": 1_234,
                "first": "2024-06-01T12:00:00+00:00",
                "last": "2024-06-01T12:01:00+00:00",
            },
        ],
    }


def test_a_person_gets_a_sentence() -> None:
    assert sentence(NAMED) == "alarm: canary, once at 2024-06-01 12:00:00 UTC, subject mark, persona innie, place floor"
    assert sentence(BARE) == (
        "alarm: refused.repeated, 1,234 times from 2024-06-01 12:00:00 UTC to 2024-06-01 12:01:00 UTC"
    )


def test_the_log_is_the_programs_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "severance.alarms"):
        assert reach().tell(THE_LOG, MESSAGE, NOW) == ""
    assert [record.getMessage() for record in caplog.records] == [sentence(NAMED), sentence(BARE)]


def test_a_program_without_a_log_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    root, kept = logging.getLogger(), logging.getLogger().handlers[:]
    try:
        root.handlers.clear()
        LOGGER.warning("nothing of this is printed")
    finally:
        root.handlers[:] = kept
    assert capfd.readouterr() == ("", "")


def verified(server: Serving, secret: bytes = SECRET) -> list[bool]:
    """Whether each message that came has the signature that docs/how-to/alarms.md says."""
    found = []
    for asked in server.asked:
        at, given = (part.split("=", 1)[1] for part in asked.headers["Severance-Signature"].split(","))
        wanted = hmac.new(secret, f"{at}.".encode() + asked.raw, hashlib.sha256).hexdigest()
        found.append(hmac.compare_digest(wanted, given) and int(at) == NOW // SECOND)
    return found


def test_a_webhook_gets_it_signed_with_the_time_in_the_signature() -> None:
    with serving("200") as server:
        assert reach().tell(hook(f"{server.url}/alarms?for=mark"), MESSAGE, NOW) == ""
        assert verified(server) == [True]
        assert verified(server, bytes(32)) == [False]
        server.asked[0].headers["Severance-Signature"] = (
            server.asked[0].headers["Severance-Signature"].replace(f"t={NOW // SECOND}", f"t={NOW // SECOND + 1}")
        )
        assert verified(server) == [False], "the same body at another time"
        assert server.asked[0].raw == MESSAGE.json()
        assert server.asked[0].path == "/v1/alarms?for=mark"


def test_each_webhook_has_a_secret_of_its_own() -> None:
    with serving("200") as server:
        reach().tell(SinkForm("other", "webhook", (server.url,), 10), MESSAGE, NOW)
        assert (verified(server), verified(server, bytes(32))) == ([False], [True])


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("500", "answered with status 500"),
        ("404", "answered with status 404"),
        ("redirect:http://127.0.0.1:1/", "answered with status 307"),
        ("hangs", "did not answer within 0.3 seconds"),
        ("drips", "did not answer within 0.3 seconds"),
        ("closed", "broke the connection off"),
    ],
)
def test_a_webhook_that_fails_is_told_of_in_half_a_sentence(mode: str, said: str) -> None:
    with serving(mode) as server:
        found = reach(seconds=0.3).tell(hook(server.url), MESSAGE, NOW)
        assert said in found
        assert server.url not in found


def test_a_webhook_that_is_not_there_is_no_exception() -> None:
    with serving("200") as server:
        url = server.url
    assert "nothing listens there" in reach().tell(hook(url), MESSAGE, NOW)


@pytest.fixture
def allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[SinkForm], SinkForm]:
    """Allows commands in a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("SEVERANCE_KEY", "a secret of this process")

    def allowing(sink: SinkForm) -> SinkForm:
        allow(sink.values, os.environ)
        return sink

    return allowing


@needs_posix
def test_a_command_gets_it_on_standard_input_and_few_variables(
    allowed: Callable[[SinkForm], SinkForm], tmp_path: Path
) -> None:
    script = "import os, sys; open('got', 'wb').write(sys.stdin.buffer.read()); open('env', 'w').write(str(os.environ))"
    assert reach().tell(allowed(command(sys.executable, "-c", script)), MESSAGE, NOW) == ""
    assert (tmp_path / "got").read_bytes() == MESSAGE.json()
    assert "secret of this process" not in (tmp_path / "env").read_text()
    assert "HOME" in (tmp_path / "env").read_text()


@needs_posix
def test_a_command_that_this_user_has_not_allowed_is_not_run(
    allowed: Callable[[SinkForm], SinkForm], tmp_path: Path
) -> None:
    allowed(command("/usr/bin/touch", "other"))
    said = reach().tell(command("/usr/bin/touch", "here"), MESSAGE, NOW)
    assert said.startswith("is not allowed on this machine")
    assert not (tmp_path / "here").exists()


@needs_posix
def test_a_command_that_fails_hangs_or_is_not_there_is_told_of(allowed: Callable[[SinkForm], SinkForm]) -> None:
    for sink, said in (
        (command("/bin/sh", "-c", "exit 3"), "ended with status 3"),
        (command("/bin/sh", "-c", "exec sleep 60"), "did not end within 0.3 seconds"),
        (command("/nowhere/at/all"), "could not be started"),
        (command("/bin/sh", "-c", "exit 0"), ""),
    ):
        assert reach(seconds=0.3).tell(allowed(sink), MESSAGE, NOW) == said


@needs_posix
def test_a_command_may_be_in_the_home(allowed: Callable[[SinkForm], SinkForm], tmp_path: Path) -> None:
    script = tmp_path / "tell"
    script.write_text("#!/bin/sh\ncat > heard\n")
    script.chmod(0o700)
    assert reach().tell(allowed(command("~/tell")), MESSAGE, NOW) == ""
    assert (tmp_path / "heard").read_bytes() == MESSAGE.json()


@needs_posix
def test_nothing_is_run_when_others_can_say_what_may_be(
    allowed: Callable[[SinkForm], SinkForm], tmp_path: Path
) -> None:
    sink = allowed(command("/bin/sh", "-c", "exit 0"))
    (tmp_path / ".config" / "severance").chmod(0o777)
    assert "others could have written" in reach().tell(sink, MESSAGE, NOW)


MAIL = SinkForm("mail", "apprise", ("mailto://mark:secret@example.org",), 10)


def test_without_the_extra_apprise_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert reach().tell(MAIL, MESSAGE, NOW) == "needs the extra: pip install 'severance[alarms]'"


class Apprise:
    """What this uses of the library: `add` and `notify`."""

    taken: bool | Exception = True
    told: list[Mapping[str, str]]

    def add(self, address: str) -> bool:
        return address.startswith("mailto")

    def notify(self, *, title: str, body: str) -> bool:
        if isinstance(self.taken, Exception):
            raise self.taken
        self.told.append({"title": title, "body": body})
        return self.taken


@pytest.mark.parametrize(
    ("sink", "taken", "said"),
    [
        (MAIL, True, ""),
        (MAIL, False, "did not take it, says apprise"),
        (MAIL, OSError("mark:secret@example.org"), "failed in a way that apprise did not foresee"),
        (SinkForm("mail", "apprise", ("pigeon://roof",), 10), True, "has an address that apprise does not know"),
    ],
)
def test_apprise_gets_sentences(
    sink: SinkForm, taken: bool | Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = types.ModuleType("apprise")
    library.Apprise = type("Apprise", (Apprise,), {"taken": taken, "told": []})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apprise", library)
    assert reach().tell(sink, MESSAGE, NOW) == said
    told = library.Apprise.told  # type: ignore[attr-defined]
    assert told == ([{"title": "Severance", "body": "\n".join(MESSAGE.lines())}] if not said or taken is False else [])


def test_every_kind_can_be_said() -> None:
    for kind in KINDS:
        group = Group(Key(kind), 1, NOW, NOW, NOW)
        assert kind in sentence(group)
        assert json.loads(Message("", "", (group,)).json())["alarms"][0]["kind"] == kind
