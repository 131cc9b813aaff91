"""An adapter in its own process: what it gets, what it cannot reach, and how it answers."""

from __future__ import annotations

import re
import time
from ast import literal_eval
from contextlib import suppress
from pathlib import Path

import pytest

from severance.barrier.peers import leaky
from severance.barrier.peers.remote import Limits, NoAnswerError, NotMadeError, Remote
from severance.barrier.peers.wire import Call

SPEAKS = """
import os, re, stat, resource
from severance.barrier.peers.leaky import Strict

def pipe():
    '''The worker's own end, which an adapter that looks for it finds.'''
    mine = [int(name) for name in os.listdir("/proc/self/fd") if int(name) > 2]
    return max(number for number in mine if is_pipe(number))

def is_pipe(number):
    try:
        return stat.S_ISFIFO(os.fstat(number).st_mode) and os.get_inheritable(number) is False and writes(number)
    except OSError:
        return False

def writes(number):
    import fcntl
    return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY

class Speaks(Strict):
    def search(self, tenant, query, limit):
        os.write(pipe(), query.encode())
        return super().search(tenant, query, limit)

    def get(self, tenant, id):
        if id == "limits":
            return repr([resource.getrlimit(each) for each in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)])
        raise FileNotFoundError(2, "No such file", "/home/jane doe/notes.db")
"""

CURIOUS = """
import os, sys
from severance.barrier.peers.port import Found

class Curious:
    calls = {"get": "Store.read(key)"}

    def __init__(self, folder):
        self.folder = folder

    def get(self, tenant, id):
        return os.environ.get(id)

    def list(self, tenant):
        return [Found(name, os.path.expanduser(name)) for name in ("~", ".")] + [Found("cwd", os.getcwd())]

    def add(self, tenant, text):
        (self.folder / "note").write_text(text)
        return str(self.folder)
"""


def remote(folder: Path, name: str = "Strict", where: str = leaky.__name__) -> Remote:
    return Remote(where, name, folder, Limits())


def test_calls_are_answered_and_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with remote(tmp_path) as peer:
        peer.open(store)
        added = peer.call(Call("add", ["ann", "one"])).text
        assert added is not None
        assert peer.call(Call("get", ["ann", added])).text == "one"
        assert peer.call(Call("get", ["ben", added])).text is None
        peer.call(Call("update", ["ann", added, "two"]))
        peer.close()
    with remote(tmp_path) as again:
        again.open(store)
        assert [row.text for row in again.call(Call("list", ["ann"])).rows] == ["two"]


@pytest.mark.parametrize("method", ["add_with", "__init__", "close", "_save", "nothing"])
def test_only_the_methods_of_a_peer_are_called(method: str, tmp_path: Path) -> None:
    with remote(tmp_path) as peer:
        peer.open(tmp_path / "store")
        assert peer.call(Call(method, ["ann"])).kind == "missing"


def test_what_is_raised_is_a_refusal_in_one_line(tmp_path: Path) -> None:
    with remote(tmp_path, "RegexTenant") as peer:
        peer.open(tmp_path / "store")
        peer.call(Call("add", ["ann", "one"]))
        answer = peer.call(Call("list", ["("]))
    assert answer.kind == "raised"
    assert answer.note.startswith(f"{re.error.__name__}: missing ), unterminated subpattern")


def test_the_home_is_a_scratch_and_nothing_of_severance_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "curious.py"
    file.write_text(CURIOUS, encoding="utf-8")
    monkeypatch.setenv("SEVERANCE_KEY", "secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://me:secret@host/db")
    with remote(tmp_path / "scratch", "Curious", str(file)) as peer:
        peer.open(tmp_path / "store")
        home, here, cwd = (row.text for row in peer.call(Call("list", ["ann"])).rows)
        values = {name: peer.call(Call("get", ["", name])).text for name in ("SEVERANCE_KEY", "DATABASE_URL", "TMPDIR")}
        assert peer.call(Call("add", ["ann", "one"])).text == str(tmp_path / "store")
        assert peer.calls == {"get": "Store.read(key)"}
    assert (home, here, cwd) == (str(tmp_path / "scratch" / "home"), ".", str(tmp_path / "scratch"))
    assert values["SEVERANCE_KEY"] is None
    assert values["DATABASE_URL"] is None
    assert values["TMPDIR"] == str(tmp_path / "scratch" / "tmp")
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith("__")] == []


def test_lanes_run_at_the_same_time_and_are_answered_in_order(tmp_path: Path) -> None:
    lanes = [[Call("add", [tenant, f"{tenant} {number}"]) for number in range(30)] for tenant in ("ann", "ben")]
    lanes = [[*lane, Call("list", [str(lane[0].args[0])])] for lane in lanes]
    with remote(tmp_path) as peer:
        peer.open(tmp_path / "store")
        first, second = peer.race(lanes)
    assert [row.text for row in first[-1].rows] == [f"ann {number}" for number in range(30)]
    assert [row.text for row in second[-1].rows] == [f"ben {number}" for number in range(30)]


@pytest.mark.parametrize(
    ("toy", "sees", "tampered"), [("Strict", ["hers"], ["his"]), ("SharedResults", ["his"], ["his"])]
)
def test_results_are_kept_and_written_to(toy: str, sees: list[str], tampered: list[str], tmp_path: Path) -> None:
    with remote(tmp_path, toy) as peer:
        peer.open(tmp_path / "store")
        peer.call(Call("add", ["ann", "hers"]))
        peer.call(Call("add", ["ben", "his"]))
        second, first, again = peer.share(Call("list", ["ann"]), Call("list", ["ben"]), "written")
    assert [[row.text for row in answer.rows] for answer in (second, first, again)] == [["his"], sees, tampered]


def test_after_a_silence_the_next_store_has_a_new_process(tmp_path: Path) -> None:
    with Remote(leaky.__name__, "Strict", tmp_path, Limits()) as peer:
        peer.open(tmp_path / "store")
        peer.kill()
        with pytest.raises(NoAnswerError, match="it is not running"):
            peer.call(Call("list", ["ann"]))
        peer.open(tmp_path / "store")
        assert peer.call(Call("list", ["ann"])).kind == "ok"


def test_one_that_cannot_be_imported_cannot_be_made(tmp_path: Path) -> None:
    with remote(tmp_path, "Missing") as peer, pytest.raises(NotMadeError, match="there is no class Missing in it"):
        peer.open(tmp_path / "store")


linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to find the pipe")
OK = '[{"kind":"ok"}]'


def speaking(folder: Path) -> Remote:
    file = folder / "speaks.py"
    file.write_text(SPEAKS, encoding="utf-8")
    return remote(folder / "scratch", "Speaks", str(file))


@linux
@pytest.mark.parametrize(
    "said", ["garbage\n", "[]\n", f"[{OK[1:-1]},{OK[1:-1]}]\n", '{"kind":"ok"}\n', "[" * 99_999 + "\n"]
)
def test_what_is_no_answer_on_the_pipe_is_told_as_such(said: str, tmp_path: Path) -> None:
    with speaking(tmp_path) as peer:
        peer.open(tmp_path / "store")
        with pytest.raises(NoAnswerError, match=r"^something other than one answer came from its process in search\("):
            peer.call(Call("search", ["ann", said, 3]))
        with pytest.raises(NoAnswerError, match="not running"):
            peer.call(Call("list", ["ann"]))


@linux
def test_a_line_too_many_is_noticed_before_the_next_call(tmp_path: Path) -> None:
    with speaking(tmp_path) as peer:
        peer.open(tmp_path / "store")
        assert peer.call(Call("search", ["ann", f"{OK}\n", 3])).rows == []
        for _ in range(100):
            if not peer._lines.empty():
                break
            time.sleep(0.05)
        with pytest.raises(NoAnswerError, match="something other than one answer"):
            peer.call(Call("list", ["ann"]))


@linux
def test_of_endless_lines_few_are_kept(tmp_path: Path) -> None:
    with speaking(tmp_path) as peer:
        peer.open(tmp_path / "store")
        with suppress(NoAnswerError):
            for _ in range(3):
                peer.call(Call("search", ["ann", f"{OK}\n" * 100_000, 3]))
            pytest.fail("it was believed")
        assert peer._lines.qsize() <= 4
        assert peer._reader is not None
        assert not peer._reader.is_alive()


@linux
def test_an_adapter_leaves_no_core_dump_and_no_endless_file(tmp_path: Path) -> None:
    with speaking(tmp_path) as peer:
        peer.open(tmp_path / "store")
        core, size = literal_eval(peer.call(Call("get", ["ann", "limits"])).text or "")
    assert core == (0, 0)
    assert 0 < size[0] <= 2**31


@linux
def test_what_is_raised_names_files_without_their_folders(tmp_path: Path) -> None:
    with speaking(tmp_path) as peer:
        peer.open(tmp_path / "store")
        note = peer.call(Call("get", ["ann", "1"])).note
    assert note == "FileNotFoundError: [Errno 2] No such file: 'notes.db'"


def test_an_adapter_of_ours_imports_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = "def add(self, tenant, text): ...", "def list(self, tenant): ..."
    lines = ["class Own:", *(f"    {line}" for line in ("def __init__(self, folder): ...", *methods))]
    (tmp_path / "own_module_of_the_user.py").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    with remote(tmp_path / "scratch", "Own", "own_module_of_the_user") as peer:
        assert peer.load() == ""
    assert remote(tmp_path)._load.paths == []
