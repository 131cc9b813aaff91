"""What a process shows of itself is swept, and so is its memory, where the system lets one look."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from severance.barrier.residue import Sweep, processes
from severance.barrier.residue.planted import planted
from severance.embed import Hashing

SENTENCES = planted(40)
SWEEP = Sweep(SENTENCES, Hashing(64))

linux = pytest.mark.skipif(not processes.MEMORY_IS_SHOWN, reason="only Linux shows the memory of a process")
proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@contextmanager
def waiting(script: str, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that has run the script, and waits."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}\nprint(flush=True); sys.stdin.read()", *arguments],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "\n"
        yield child
        child.communicate()


@proc
def test_arguments_environment_and_deleted_files_are_swept(tmp_path: Path) -> None:
    file = tmp_path / "gone"
    file.write_bytes(SENTENCES[2].encode())
    script = "import os, sys; file = open(sys.argv[2], 'rb'); os.unlink(sys.argv[2])"
    with waiting(script, SENTENCES[0], str(file), QUERY=SENTENCES[1]) as child:
        report = processes.shown(SWEEP, child.pid)
    assert {Path(hit.path).name if "fd" not in hit.path else "fd": hit.sentence for hit in report.hits} == {
        "cmdline": 0,
        "environ": 1,
        "fd": 2,
    }
    assert processes.shown(SWEEP, child.pid).bytes == 0, "it has ended"


HOLDS = "import sys; from severance.barrier.residue.planted import planted; said = planted(40); "


@linux
@pytest.mark.parametrize(
    ("held", "encoding"),
    [
        ("raw = [each.encode() for each in said]; del said", "utf-8"),
        ("pass", "utf-16"),
        ("raw = [each.encode().hex() for each in said]; del said", "hex"),
        ("import zlib; raw = zlib.compress(''.join(said).encode()); del said", "zlib"),
        ("from severance.embed import Hashing; raw = Hashing(64).embed(said); del said", "vector"),
    ],
)
def test_what_a_process_holds_is_found_in_its_memory(held: str, encoding: str) -> None:
    with waiting(HOLDS + held) as child:
        report = processes.memory(SWEEP, child.pid)
    assert report.found(whole=True)[encoding] == set(range(40))
    assert {hit.path for hit in report.hits} == {f"/proc/{child.pid}/mem"}
    assert report.bytes > 1_000_000
    assert report.files > 5, "regions"


@linux
def test_a_file_that_is_mapped_and_deleted_is_memory_too(tmp_path: Path) -> None:
    file = tmp_path / "mapped"
    file.write_text("".join(SENTENCES))
    script = "import mmap, os, sys; m = mmap.mmap(os.open(sys.argv[1], os.O_RDONLY), 0, prot=mmap.PROT_READ); m[0]"
    with waiting(script + "; os.unlink(sys.argv[1])", str(file)) as child:
        assert processes.memory(SWEEP, child.pid).sentences == set(range(40))


@linux
def test_nothing_is_found_in_the_memory_of_a_process_that_never_had_it(tmp_path: Path) -> None:
    script = "import sys; from severance.barrier.residue.planted import planted; said = planted(400, 'others')"
    with waiting(script) as child:
        assert processes.memory(SWEEP, child.pid).clean
    with pytest.raises(FileNotFoundError):
        processes.memory(SWEEP, child.pid)


@linux
def test_a_copy_of_its_memory_is_what_a_core_dump_would_be(tmp_path: Path) -> None:
    with waiting(HOLDS) as child:
        processes.dump(child.pid, tmp_path / "core")
        with pytest.raises(FileExistsError):
            processes.dump(child.pid, tmp_path / "core")
    report = SWEEP.paths([tmp_path])
    assert report.sentences == set(range(40))
    assert report.bytes > 1_000_000
