"""A worker whose code is not ours any more: it serves as any worker, and tries what it is told to try.

Started by tests in the place of `severance.worker`: `python -I hijack.py shut` runs all that the product runs before it
is given a key, `python -I hijack.py open` leaves out what shuts it off. A query `probe [NAME, ...]` runs a probe.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from severance.worker import confine

if sys.argv[1] == "open":
    confine.alone = lambda: None
    confine.let_go = lambda keep: None
    confine.confine = lambda *_: confine.Confinement()

confine.alone()

from severance.errors import SeveranceError  # noqa: E402
from severance.worker import serve  # noqa: E402

_LIBC = ctypes.CDLL(None, use_errno=True)
_SEIZE, _INTERRUPT, _DETACH, _ALL = 0x4206, 0x4207, 17, 0x40000000
_GET_DUMPABLE = 3


def _called(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def read(path: str) -> str:
    with Path(path).open("rb") as file:
        return file.read(16).hex()


def write(path: str) -> str:
    with Path(path).open("ab") as file:
        file.write(b"x")
    return "written"


def names(path: str) -> list[str]:
    return sorted(entry.name for entry in Path(path).iterdir())


def memory_of(process: int, address: int, size: int) -> str:
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        memory.seek(address)
        return memory.read(size).hex()


def copied(process: int, address: int, size: int) -> str:
    found = ctypes.create_string_buffer(size)
    here = (ctypes.c_void_p * 2)(ctypes.addressof(found), size)
    there = (ctypes.c_void_p * 2)(address, size)
    _called(_LIBC.process_vm_readv(process, here, 1, there, 1, 0))
    return found.raw.hex()


def put(process: int, address: int, content: str) -> str:
    raw = bytes.fromhex(content)
    given = ctypes.create_string_buffer(raw, len(raw))
    here = (ctypes.c_void_p * 2)(ctypes.addressof(given), len(raw))
    there = (ctypes.c_void_p * 2)(address, len(raw))
    _called(_LIBC.process_vm_writev(process, here, 1, there, 1, 0))
    return "put"


def traced(process: int) -> str:
    _called(_LIBC.ptrace(_SEIZE, process, None, None))
    _called(_LIBC.ptrace(_INTERRUPT, process, None, None))
    os.waitpid(process, _ALL)
    _called(_LIBC.ptrace(_DETACH, process, None, None))
    return "traced"


def signalled(process: int) -> str:
    os.kill(process, 0)
    return "signalled"


def descriptors() -> list[int]:
    found = []
    for number in range(3, 1024):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def through(number: int) -> str:
    return os.read(number, 100).decode()


def connected(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), 5):
        return "connected"


def reached(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(path)
        return "reached"


def listening() -> str:
    with socket.create_server(("127.0.0.1", 0)):
        return "listening"


def forked() -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def spawned() -> str:
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitpid(child, 0)
    return "spawned"


def executed() -> str:
    os.execv(sys.executable, [sys.executable, "-c", ""])
    return "never"


def in_a_thread() -> str:
    said: list[str] = []
    thread = threading.Thread(target=said.append, args=("a thread",))
    thread.start()
    thread.join()
    return said[0]


def dumpable() -> int:
    return int(_LIBC.prctl(_GET_DUMPABLE, 0, 0, 0, 0))


def everything_it_holds() -> list[str]:
    """The bytes of 32 that are somewhere among this process's objects, as hex."""
    import gc  # noqa: PLC0415 - for this probe only

    found: set[bytes] = set()
    for thing in gc.get_objects():
        for part in gc.get_referents(thing):
            if type(part) is bytes and len(part) == 32:
                found.add(part)
    return sorted(part.hex() for part in found)


_true = serve.Serving._recall


def _recall(self: serve.Serving, asked: Any) -> Any:
    if not asked.query.startswith("probe "):
        return _true(self, asked)
    name, *arguments = json.loads(asked.query.removeprefix("probe "))
    try:
        said = {"found": globals()[name](*arguments)}
    except OSError as problem:
        said = {"refused": problem.errno}
    raise SeveranceError(json.dumps(said))


serve.Serving._recall = _recall
serve.main()
