"""The command leaves no core dump, however the kernel ends it; without that defence there is one, and all is in it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from severance.barrier.residue import Sweep, dumps, processes
from severance.barrier.residue.planted import planted
from severance.embed import bundled
from severance.errors import SeveranceError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whether it has dumped a process")

SENTENCES = planted(20, "dumps")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    dumps.prepare(folder, SENTENCES)
    return folder


@pytest.fixture
def folder(tmp_path: Path, prepared: Path) -> Path:
    shutil.copytree(prepared / "store", tmp_path / "store")
    return tmp_path


@pytest.mark.parametrize("name", dumps.FATAL)
def test_the_command_line_leaves_no_core_dump(name: str, folder: Path) -> None:
    with dumps.recalling(folder, SENTENCES[0]) as child:
        assert not dumps.may_dump(child.pid)
        death = dumps.death(child, name, folder)
    assert death.signal == signal.Signals[name]
    assert not death.dumped
    assert not [file for file in death.files if file.is_file()]


def test_a_command_that_is_begun_in_the_background_is_ended_too(folder: Path) -> None:
    before = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        with dumps.recalling(folder, SENTENCES[0]) as child:
            assert dumps.death(child, "SIGQUIT", folder).signal == signal.SIGQUIT
    finally:
        signal.signal(signal.SIGQUIT, before)


def test_a_command_that_the_signal_does_not_end_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with dumps.recalling(folder, SENTENCES[0]) as child:
        monkeypatch.setattr(dumps, "LONGEST", 0.1)
        assert dumps.death(child, "SIGCONT", folder).signal == signal.SIGKILL


@pytest.mark.skipif(not dumps.kernel_dumps_here(), reason="core dumps go elsewhere here, or are off for good")
def test_with_core_dumps_on_there_is_one_and_all_is_in_it(folder: Path) -> None:
    with dumps.recalling(folder, SENTENCES[0], defended=False) as child:
        assert dumps.may_dump(child.pid)
        death = dumps.death(child, "SIGSEGV", folder)
    assert death.dumped
    (core,) = [file for file in death.files if file.name.startswith("core")]
    assert core.read_bytes()[:4] == b"\x7fELF"
    assert Sweep(SENTENCES, bundled()).paths([core]).sentences == set(range(20))


def test_what_would_be_in_a_core_dump_is_in_the_memory(folder: Path) -> None:
    with dumps.recalling(folder, SENTENCES[0], defended=False) as child:
        processes.dump(child.pid, folder / "copy")
        child.kill()
    assert Sweep(SENTENCES, bundled()).paths([folder / "copy"]).sentences == set(range(20))


def test_a_command_that_ends_by_itself_cannot_be_killed_in_the_middle(tmp_path: Path) -> None:
    with pytest.raises(SeveranceError, match="ended by itself"), dumps.recalling(tmp_path, SENTENCES[0]):
        pass


def test_what_is_started_by_a_process_without_core_dumps_has_none_either() -> None:
    script = (
        "import ctypes, resource, subprocess, sys\n"
        "from severance.system import no_core_dumps\n"
        "no_core_dumps()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), flush=True)\n"
        "child = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'\n"
        "subprocess.run([sys.executable, '-c', child], check=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(0, 0) 0", "(0, 0)"]


@pytest.mark.parametrize(
    ("pattern", "here"),
    [("core\n", True), ("core.%p\n", True), ("|/usr/lib/x %P\n", False), ("/var/cores/%e\n", False), ("\n", False)],
)
def test_where_the_kernel_puts_core_dumps(
    pattern: str, here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pattern").write_text(pattern)
    monkeypatch.setattr(dumps, "_PATTERN", tmp_path / "pattern")
    limit = dumps.resource.getrlimit(dumps.resource.RLIMIT_CORE)
    monkeypatch.setattr(dumps.resource, "getrlimit", lambda which: (limit[0], 2**20))
    assert dumps.kernel_dumps_here() == here
    monkeypatch.setattr(dumps.resource, "getrlimit", lambda which: (0, 0))
    assert not dumps.kernel_dumps_here(), "nothing can lift a limit of none"
    monkeypatch.setattr(dumps, "_PATTERN", tmp_path / "nothing")
    assert not dumps.kernel_dumps_here()
