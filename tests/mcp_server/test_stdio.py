"""`severance mcp` as a process, with two clients: the library's, and one written from the specification alone."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from kit.processes import children_of, is_there, until
from severance.credentials import keep
from severance.mcp.wire import MOST_BYTES
from severance.mcp.words import ENDED

from .conftest import Place
from .plain import ENVELOPE, NEW, OLD, Lines

pytestmark = pytest.mark.timeout(120)  # a message that does not come is waited for

SECRET = "xylophone-marmalade"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="its signals are POSIX's")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_librarys_client_from_end_to_end(place: Place, mode: str) -> None:
    program = StdioServerParameters(command=place.words[0], args=place.words[1:], env=place.environ)

    async def main() -> None:
        async with Client(program, mode=mode) as client:
            assert client.protocol_version == {"legacy": OLD[-1], "auto": NEW}[mode]
            assert (client.server_info.name, "not orders" in (client.instructions or "")) == ("severance", True)
            kept = await client.call_tool("remember", {"text": "The list is in the blue folder.", "more": ["Second."]})
            number = kept.structured_content["kept"][0]["id"]
            found = await client.call_tool("recall", {"query": "where is the list?", "limit": 1})
            assert [each["id"] for each in found.structured_content["memories"]] == [number]
            await client.call_tool("amend", {"id": number, "text": "The list is in the red folder."})
            (context,) = (await client.read_resource("severance://context/the%20list")).contents
            assert "red folder" in context.text  # type: ignore[union-attr]
            assert (await client.get_prompt("start-of-day")).messages
            assert (await client.call_tool("status", {})).structured_content["persona"] == "innie"
            second = kept.structured_content["kept"][1]["id"]
            assert (await client.call_tool("forget", {"id": second})).structured_content == {"forgotten": 1}

    anyio.run(main)
    assert place.texts() == ["The list is in the red folder."]


@pytest.mark.parametrize("version", OLD)
def test_every_older_version_is_spoken(started: Callable[..., Lines], version: str) -> None:
    client = started()
    assert client.begin(version)["protocolVersion"] == version
    assert not client.call("remember", text=f"in {version}")["isError"]
    found = client.call("recall", query=version)
    assert json.loads(found["content"][0]["text"])["memories"][0]["text"] == f"in {version}"
    assert client.end()[::2] == (0, b"")


def test_an_unknown_version_is_answered_with_the_newest_that_begins_a_session(started: Callable[..., Lines]) -> None:
    assert started().begin("1999-01-01")["protocolVersion"] == OLD[-1]


def test_the_new_version_without_a_handshake(started: Callable[..., Lines]) -> None:
    client = started()
    found = client.ask("server/discover", _meta=ENVELOPE)["result"]
    assert found["supportedVersions"] == [NEW]
    called = client.ask("tools/call", name="remember", arguments={"text": "new"}, _meta=ENVELOPE)["result"]
    assert (called["isError"], called["resultType"]) == (False, "complete")
    listed = client.ask("resources/read", uri="severance://recent", _meta=ENVELOPE)["result"]
    assert (listed["cacheScope"], listed["ttlMs"]) == ("private", 0)
    assert "error" in client.ask("initialize", protocolVersion=OLD[0], capabilities={}, clientInfo={})
    assert client.end()[::2] == (0, b"")


def test_a_client_that_says_nothing_of_itself_is_served(started: Callable[..., Lines]) -> None:
    client = started()
    params = {"protocolVersion": OLD[0], "capabilities": {}, "clientInfo": {"name": "", "version": ""}}
    assert client.ask("initialize", **params)["result"]["capabilities"]["tools"]
    client.tell("notifications/initialized")
    assert not client.call("status")["isError"]


def test_two_calls_at_once_are_both_answered(started: Callable[..., Lines]) -> None:
    client = started()
    client.begin()
    first = client.send("tools/call", name="remember", arguments={"text": "one", "more": [str(i) for i in range(99)]})
    second = client.send("tools/call", name="recall", arguments={"query": "one"})
    answers = {found["id"]: found for found in (client.next(), client.next())}
    assert {*answers} == {first, second}
    assert not any(found["result"]["isError"] for found in answers.values())


def test_two_clients_of_one_persona_remember_together(started: Callable[..., Lines], place: Place) -> None:
    first, second = started(), started()
    for client in (first, second):
        client.begin()
    for number in range(5):
        first.call("remember", text=f"first {number}")
        second.call("remember", text=f"second {number}")
    for client in (first, second):
        assert client.call("status")["structuredContent"]["memories"] == 10
        assert client.end()[::2] == (0, b"")
    assert len(place.texts()) == 10


def test_progress_comes_to_who_asked_for_it(started: Callable[..., Lines]) -> None:
    client = started()
    client.begin()
    given = {"text": "0", "more": [str(number) for number in range(1, 25)]}
    answer = client.ask("tools/call", name="remember", arguments=given, _meta={"progressToken": "p"})
    assert len(answer["result"]["structuredContent"]["kept"]) == 25
    told = [each["params"] for each in client.beside if each["method"] == "notifications/progress"]
    assert [(each["progressToken"], each["progress"], each["total"]) for each in told] == [
        ("p", 1, 3),
        ("p", 2, 3),
        ("p", 3, 3),
    ]


BAD = {
    "no JSON": (b"nonsense", -32700),
    "half of it": (b'{"jsonrpc": "2.0", "id": 1', -32700),
    "not UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
    "a number": (b"7", -32600),
    "nothing": (b"null", -32600),
    "a batch": (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
    "no version": (b'{"id":1,"method":"ping"}', -32600),
    "an id that is an object": (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
    "a method that is a number": (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
    "infinity": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":Infinity}}', -32700),
    "deep": (b"[" * 100_000, -32700),
    "a long number": (b"9" * 100_000, -32700),
}


def test_what_is_no_message_is_answered_and_survived(started: Callable[..., Lines]) -> None:
    client = started()
    client.begin()
    for what, (raw, code) in BAD.items():
        client.write(raw + b"\n")
        found = client.next()
        assert found["error"]["code"] == code, what
        assert found["id"] in (None, 1), what
        assert "Traceback" not in str(found), what
    for raw in (b"", b"   ", b"\r"):
        client.write(raw + b"\n")
    assert not client.call("status")["isError"]
    assert client.end()[::2] == (0, b"")


def test_a_line_of_10_mb_is_refused_and_the_next_one_served(started: Callable[..., Lines], place: Place) -> None:
    client = started()
    client.begin()
    message = {"jsonrpc": "2.0", "id": 9, "method": "tools/call"}
    message |= {"params": {"name": "remember", "arguments": {"text": SECRET * 600_000}}}
    raw = json.dumps(message).encode()
    assert len(raw) > 10_000_000
    client.write(raw + b"\n")
    found = client.next()
    assert (found["id"], found["error"]["code"]) == (None, -32600)
    assert f"{MOST_BYTES:,} bytes" in found["error"]["message"]
    assert client.call("remember", text="small")["structuredContent"]["kept"]
    assert client.end()[::2] == (0, b"")
    assert place.texts() == ["small"]


def test_what_was_asked_before_the_end_is_still_answered(started: Callable[..., Lines], place: Place) -> None:
    client = started()
    client.begin()
    numbers = [client.send("tools/call", name="remember", arguments={"text": f"last {number}"}) for number in range(5)]
    code, out, err = client.end()
    assert (code, err) == (0, b"")
    assert [json.loads(line)["id"] for line in out.splitlines()] == numbers
    assert place.texts() == [f"last {number}" for number in range(5)]


def test_a_last_line_without_its_end_counts(started: Callable[..., Lines]) -> None:
    client = started()
    client.begin()
    client.write(b'{"jsonrpc":"2.0","id":"x","method":"ping"}')
    code, out, _ = client.end()
    assert (code, json.loads(out)["id"]) == (0, "x")


def test_who_never_says_anything_is_let_go(started: Callable[..., Lines]) -> None:
    assert started().end() == (0, b"", b"")


@posix_only
def test_a_client_that_vanishes_in_the_middle_of_a_call_loses_nothing_acknowledged(
    started: Callable[..., Lines], place: Place
) -> None:
    client = started()
    client.begin()
    assert client.call("remember", text="acknowledged")["structuredContent"]["kept"]
    client.send("tools/call", name="remember", arguments={"text": "begun", "more": [str(i) for i in range(99)]})
    process = client.process
    workers = children_of(process.pid)
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()  # nobody reads any more
    process.stdin.close()
    assert process.wait(60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    until(lambda: not any(map(is_there, workers)))
    assert place.texts()[0] == "acknowledged"


@posix_only
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [False, True])
def test_asked_to_end_it_ends_and_keeps_what_it_said_that_it_keeps(
    started: Callable[..., Lines], place: Place, number: signal.Signals, busy: bool
) -> None:
    client = started()
    client.begin()
    assert client.call("remember", text="acknowledged")["structuredContent"]["kept"]
    if busy:
        client.send("tools/call", name="remember", arguments={"text": "begun", "more": [str(i) for i in range(99)]})
    workers = children_of(client.process.pid)
    client.process.send_signal(number)
    assert client.process.wait(60) == 0
    assert client.process.stderr is not None
    assert client.process.stderr.read() == b""
    until(lambda: not any(map(is_there, workers)))
    assert place.texts()[0] == "acknowledged"


@posix_only
def test_a_client_that_does_not_read_does_not_keep_it_from_ending(started: Callable[..., Lines]) -> None:
    client = started()
    client.begin()
    for _ in range(300):  # some 2 MB of answers, and a pipe holds 64 kB
        client.send("tools/list")
    client.process.send_signal(signal.SIGTERM)
    assert client.process.wait(60) == 0


@posix_only
def test_killed_it_has_kept_what_it_said_that_it_keeps(started: Callable[..., Lines], place: Place) -> None:
    client = started()
    client.begin()
    kept = [client.call("remember", text=f"{number}")["structuredContent"]["kept"] for number in range(10)]
    workers = children_of(client.process.pid)
    client.process.kill()
    client.process.wait(60)
    until(lambda: not any(map(is_there, workers)))
    assert len(kept) == 10
    assert place.texts() == [f"{number}" for number in range(10)]


def test_a_session_that_was_ended_from_outside_is_not_begun_again(started: Callable[..., Lines], place: Place) -> None:
    client = started()
    client.begin()
    assert not client.call("remember", text="before")["isError"]
    with place.open() as house:
        (info,) = house.credentials()
        house.revoke(info.id)
    for tool, given in [("recall", {"query": "before"}), ("remember", {"text": "after"}), ("status", {})] * 2:
        answer = client.call(tool, **given)
        assert (answer["isError"], answer["content"][0]["text"]) == (True, ENDED)
    assert "tools" in client.ask("tools/list")["result"], "what says nothing of memories is answered"
    assert client.end()[::2] == (0, b"")
    again = started()
    code, out, err = again.end()
    assert (code, out) == (1, b"")
    assert err.startswith(b"severance: ")
    assert place.texts() == ["before"]


def test_nothing_but_messages_is_on_standard_output_and_no_content_in_the_log(started: Callable[..., Lines]) -> None:
    client = started(SEVERANCE_DEBUG="1")
    client.begin()
    client.call("remember", text=SECRET)
    client.call("recall", query=SECRET)
    client.call("recall", query=SECRET, persona=SECRET)
    client.ask("resources/read", uri=f"severance://{SECRET}")
    client.ask(SECRET)
    client.tell(SECRET, a=SECRET)
    client.tell("notifications/progress", progress=SECRET)
    client.write(SECRET.encode() + b"\n")
    client.next()
    code, out, err = client.end()
    assert (code, out, err) == (0, b"", b"")


@pytest.mark.parametrize("way", ["variable", "file", "kept"])
def test_a_credential_comes_from_the_environment_a_file_or_where_it_is_kept(
    started: Callable[..., Lines], place: Place, way: str
) -> None:
    words: list[str] = []
    if way == "file":
        file = place.store.parent / "credential"
        file.write_text(place.credential + "\n")
        file.chmod(0o600)
        words = ["--credential", str(file)]
    if way == "kept":
        keep(place.store, "floor", "mcp", place.credential, environ={"SEVERANCE_CONFIG": str(place.config)})
    client = started(*words, **({} if way == "variable" else {"SEVERANCE_CREDENTIAL": ""}))
    client.begin()
    assert client.call("status")["structuredContent"]["persona"] == "innie"


@pytest.mark.skipif(sys.platform == "win32", reason="access lists do not show in the mode")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_could_have_read_is_refused(started: Callable[..., Lines], place: Place, mode: int) -> None:
    file = place.store.parent / "credential"
    file.write_text(place.credential + "\n")
    file.chmod(mode)
    code, out, err = started("--credential", str(file), SEVERANCE_CREDENTIAL="").end()
    assert (code, out, err.count(b"\n")) == (1, b"", 1)
    assert f"run: chmod 600 {file}" in err.decode()
    assert place.credential not in err.decode()


@pytest.mark.parametrize("content", [b"", b"\xff", b"a" * 70_000])
def test_a_file_without_a_credential_is_said(started: Callable[..., Lines], place: Place, content: bytes) -> None:
    file = place.store.parent / "credential"
    file.write_bytes(content)
    file.chmod(0o600)
    code, _, err = started("--credential", str(file), SEVERANCE_CREDENTIAL="").end()
    assert (code, "holds no credential and no permit" in err.decode()) == (2, True)


REFUSED = {
    "nothing to show": (["--program", "other"], {"SEVERANCE_CREDENTIAL": ""}, 1, "no credential is kept"),
    "another place": (["--place", "home"], {}, 1, ""),
    "nonsense": ([], {"SEVERANCE_CREDENTIAL": "nonsense"}, 1, ""),
    "no file": (["--credential", "nowhere"], {}, 2, "cannot be read"),
    "no store": (["--store", "nowhere"], {}, 1, "there is no store"),
}


@pytest.mark.parametrize(("words", "environ", "code", "sentence"), REFUSED.values(), ids=REFUSED)
def test_who_is_not_let_in_is_told_so_before_the_first_message(
    started: Callable[..., Lines], words: list[str], environ: dict[str, str], code: int, sentence: str
) -> None:
    ended, out, err = started(*words, **environ).end()
    assert (ended, out) == (code, b"")
    assert re.fullmatch(r"severance: [^\n]+\n", err.decode())
    assert sentence in err.decode()


def test_without_the_library_it_says_which_extra_it_needs(place: Place) -> None:
    hidden = (
        "import sys; from importlib import util; real = util.find_spec;"
        "util.find_spec = lambda name, *rest: None if name == 'mcp' else real(name, *rest);"
        "from severance.cli.main import main; sys.argv = ['severance', *sys.argv[1:]]; main()"
    )
    arguments = [sys.executable, "-c", hidden, *place.words[5:]]
    done = subprocess.run(arguments, env=place.environ, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"severance: MCP needs an extra: pip install 'severance[mcp]'\n"


def test_the_command_line_imports_the_library_for_this_command_only() -> None:
    look = "import sys, severance.cli.app; sys.exit(bool({'mcp', 'pydantic', 'starlette', 'anyio'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", look], timeout=60).returncode == 0


def test_where_a_house_is_up_no_root_key_is_needed(place: Place, started: Callable[..., Lines]) -> None:
    if sys.platform == "win32":
        pytest.skip("no house is up there")
    words = [*place.words[: place.words.index("mcp")]]
    subprocess.run([*words, "up"], env=place.environ, check=True, capture_output=True, timeout=60)
    try:
        client = started("--key", "env:NO_SUCH_VARIABLE")
        client.begin()
        assert client.call("status")["structuredContent"]["persona"] == "innie"
        assert children_of(client.process.pid) == set(), "the persona is awake in the house"
        subprocess.run([*words, "lock"], env=place.environ, check=True, capture_output=True, timeout=60)
        assert client.call("status")["content"][0]["text"] == ENDED
        subprocess.run([*words, "unlock"], env=place.environ, check=True, capture_output=True, timeout=60)
        assert client.call("status")["content"][0]["text"] == ENDED, "an open house wakes nobody by itself"
        assert client.end()[::2] == (0, b"")
    finally:
        subprocess.run([*words, "down"], env=place.environ, check=True, capture_output=True, timeout=60)
