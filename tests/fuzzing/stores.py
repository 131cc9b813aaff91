"""Whole stores and backups of them: the right answer, the right error, or found by `check`; never anything else."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from contextlib import suppress
from functools import cache

import msgspec

from fuzzing.chips import alter
from fuzzing.target import Choices, Target, scratch
from severance.barrier.endurance.damage import SOUND, Bench
from severance.errors import SeveranceError
from severance.store import CHIP_NAME, VAULT_NAME
from severance.upkeep.backup import _unpack


@cache
def _bench() -> Bench:
    folder = scratch() / "bench"
    folder.mkdir()
    return Bench(folder)


def run_store_file(data: bytes) -> None:
    """A store whose vault or chip has other bytes in its file answers as before, refuses, or is found by `check`."""
    choices, bench = Choices(data), _bench()
    name = choices.pick((VAULT_NAME, VAULT_NAME, CHIP_NAME))
    content = bytearray(bench.built.files[name])
    while choices:
        alter(choices, content, (bench.built.files[name],))
    (bench.store / name).write_bytes(content)
    try:
        outcome = bench.outcome()
    finally:
        bench.reset()
    assert outcome.kind in SOUND, f"{outcome.kind}: {outcome.detail}"


def _backup() -> bytes:
    files = {CHIP_NAME: b"chip" * 10, VAULT_NAME: b"vault" * 200}
    members = [
        {"name": name, "size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()} for name, raw in files.items()
    ]
    manifest = msgspec.json.encode({"format": 1, "store": "00" * 16, "members": members})
    return _tar([("manifest.json", manifest), *files.items()])


def _tar(members: list[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.USTAR_FORMAT) as tar:
        for name, raw in members:
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            tar.addfile(info, io.BytesIO(raw))
    return out.getvalue()


def run_backup(data: bytes) -> None:
    """A backup unpacks to the files that its manifest names, with the bytes that it names, or is refused."""
    unpacked(data)


def unpacked(content: bytes) -> None:
    """Unpack a backup and look at all that it left."""
    folder = scratch() / "backup"
    into = folder / "inside"
    shutil.rmtree(folder, ignore_errors=True)
    into.mkdir(parents=True)
    file = folder / "backup.tar"
    file.write_bytes(content)
    try:
        names = _unpack(file, into)
    except SeveranceError:
        names = None
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert left <= {"backup.tar", "inside", f"inside/{CHIP_NAME}", f"inside/{VAULT_NAME}"}, "a backup wrote elsewhere"
    if names is not None:
        with tarfile.open(file, "r:") as tar:
            manifest = msgspec.json.decode(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
        said = {member["name"]: member["sha256"] for member in manifest["members"]}
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in into.iterdir()}
        assert said == found, "a backup unpacked to something else than its manifest says"
        assert names == set(said)


def run_backup_altered(data: bytes) -> None:
    """A backup of odd members: links, devices, sparse files, sizes that are not, headers that go on."""
    choices, out = Choices(data), io.BytesIO()
    kind = choices.pick((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT))
    with tarfile.open(fileobj=out, mode="w:", format=kind) as tar:
        for name, raw in (("manifest.json", _parts()[0]), *zip((CHIP_NAME, VAULT_NAME), _parts()[1:], strict=True)):
            info = tarfile.TarInfo(choices.pick((name, name, name, f"./{name}", f"../{name}", "x" * 120, f"/{name}")))
            info.type = choices.pick((tarfile.REGTYPE,) * 6 + tuple(b"123456gxLKSAV"[at : at + 1] for at in range(13)))
            info.linkname = choices.pick(("", VAULT_NAME, "/etc/passwd"))
            info.size = len(raw)
            if kind == tarfile.PAX_FORMAT and choices.byte() % 2:
                info.pax_headers = {
                    choices.pick(("size", "path", "GNU.sparse.map", "GNU.sparse.major", "mtime")): choices.pick(
                        ("0", "-1", "9" * 30, "x", "1,2", VAULT_NAME)
                    )
                }
            with suppress(ValueError, OverflowError):
                tar.addfile(info, io.BytesIO(raw))
    content = bytearray(out.getvalue())
    while choices:
        block = choices.below(max(len(content) // 512, 1)) * 512
        at = choices.pick((124, 124, 156, 148, 0, 257, 345, 482, 386))
        content[block + at : block + at + 8] = choices.pick(
            (b"\x80\0\0\0\0\0\0\x7f", b"\xff" * 8, b"77777777", b"\0" * 8, choices.take(8))
        )
        if choices.byte() % 4:
            _checksum(content, block)
    unpacked(bytes(content))


def _checksum(content: bytearray, block: int) -> None:
    header = content[block : block + 512]
    if len(header) == 512:
        header[148:156] = b" " * 8
        content[block + 148 : block + 156] = b"%06o\0 " % sum(header)


@cache
def _parts() -> tuple[bytes, ...]:
    with tarfile.open(fileobj=io.BytesIO(_backup())) as tar:
        return tuple(tar.extractfile(member).read() for member in tar)  # type: ignore[union-attr]


TARGETS = (
    Target(
        name="store-file",
        decoder="vault",
        run=run_store_file,
        seeds=lambda: [bytes([file, edit, page, 1, 5, 7]) for file in (0, 2) for edit in range(6) for page in range(6)],
        longest=40,
        weight=0.02,
        short=12,
    ),
    Target(
        name="backup",
        decoder="backup",
        run=run_backup,
        seeds=lambda: [_backup()],
        longest=10_240,
        tokens=(b"ustar", b"manifest.json\0", b"\x80\0\0\0\0\0\0\x7f", b"vault.db", b'"size":'),
        weight=0.5,
        short=60,
    ),
    Target(
        name="backup-altered",
        decoder="backup",
        run=run_backup_altered,
        seeds=lambda: [
            b"",
            *(bytes([kind, 0, number, 0, 0, 0, 0, 0, number]) for kind in range(3) for number in range(6, 19)),
        ],
        longest=60,
        weight=0.4,
        short=80,
    ),
)
