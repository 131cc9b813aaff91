"""A short run of every target with the plain engine, and proof that both the engine and the properties can fail.

The long, guided run is `make fuzz`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace

from fuzzing.engine import Judge, inputs, minimised, search, tried
from fuzzing.logs import STORY
from fuzzing.planted import FATAL, MAGIC, PLANTED
from fuzzing.table import EVERY, TARGETS, shares
from fuzzing.target import Choices, Target
from fuzzing.worker import finding, written
from kit.processes import LONGEST, children_of, none_outlives, until, with_proc
from severance.crypto import envelope
from severance.errors import DamagedError
from severance.records import decode, encode
from severance.transfer import FORMATS

ROOT = Path(__file__).parents[2]


def found_in(name: str, executions: int | None = None) -> Judge:
    """A short run without a clock, so that it is the same on every machine."""
    target = EVERY[name]
    judge = Judge(target, slow=None)
    search(judge, executions or target.short, 1)
    return judge


@pytest.mark.parametrize("name", TARGETS)
def test_the_property_holds(name: str) -> None:
    assert not [(found.kind, found.place, found.message, found.data) for found in found_in(name).findings.values()]


def test_every_decoder_that_reads_what_others_may_have_written_has_a_target() -> None:
    wanted = {"envelope", "record", "snapshot", "chip", "vault", "backup", "keys", "times", "queries", "sniff", "zip"}
    assert wanted | set(FORMATS) <= {target.decoder for target in TARGETS.values()}
    assert all((target.run.__doc__ or "").endswith(".") for target in TARGETS.values())


def test_the_planted_fault_is_found_and_made_small() -> None:
    faults = found_in(PLANTED.name, 20_000).findings
    assert {fault.kind for fault in faults.values()} == {"AssertionError"}
    for fault in faults.values():
        small = minimised(PLANTED, fault)
        assert small.signature == fault.signature
        assert small.data.startswith(MAGIC + bytes([FATAL]))
        assert len(small.data) <= len(MAGIC) + 3
        assert finding(written(small)) == small


def test_the_same_seed_gives_the_same_inputs() -> None:
    def first(name: str, seed: int) -> list[bytes]:
        return [data for data, _ in zip(inputs(EVERY[name], seed), range(300), strict=False)]

    for name in ("frame", "log", "mbox"):
        assert first(name, 1) == first(name, 1) != first(name, 2)
        assert all(len(data) <= EVERY[name].longest for data in first(name, 1))


def test_an_input_that_takes_too_long_is_a_fault() -> None:
    judge = Judge(EVERY["time"], slow=-1.0)
    judge(b"2024-05-31")
    assert [fault.kind for fault in judge.findings.values()] == ["hang"]
    assert Judge(EVERY["time"], slow=None)(b"2024-05-31") is None


def test_what_stops_the_engine_is_no_fault() -> None:
    def stop(data: bytes) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tried(Target(name="stopped", decoder="none", run=stop, seeds=list), b"")


@pytest.mark.parametrize("executions", [1, 100, 10_000_000])
def test_the_shares_are_as_many_as_were_asked_for(executions: int) -> None:
    given = shares(list(TARGETS), executions)
    assert min(given.values()) >= 1
    assert sum(given.values()) == max(executions, len(TARGETS))
    assert shares(["record"], executions) == {"record": executions}


def test_choices_never_end() -> None:
    choices = Choices(b"\x01\x02")
    assert [choices.byte(), choices.below(300), choices.below(7), choices.number(), choices.take(2)] == [
        1,
        212,
        0,
        0,
        b"",
    ]
    assert not choices


# Seeded faults: each makes the property of its target fail


def _open_wherever(self: envelope.Opener, where: envelope.Where, frame: bytes) -> bytes:
    for kind in envelope.Kind:
        for seq in (1, 2):
            try:
                return _OPEN(self, envelope.Where(kind, seq, bytes([seq]) * 32), frame)
            except DamagedError:
                continue
    raise DamagedError("refused")


_OPEN = envelope.Opener.open
_FAULTS: dict[str, tuple[str, str, Any]] = {
    "padding is not looked at": ("frame-forged", "severance.crypto.envelope.bucket", lambda _: 256),
    "a frame opens at every place": ("frame-altered", "severance.crypto.envelope.Opener.open", _open_wherever),
    "another record is written": ("record", "fuzzing.logs.encode", lambda event: encode(STORY[0])),
    "records have no limits": ("record", "fuzzing.logs.decode", lambda data: replace(decode(data), scale=-1.0)),
    "numbers of rows may be any": ("snapshot-altered", "severance.mind.layer.within", lambda *_: True),
    "texts may end anywhere": ("snapshot-altered", "severance.mind.stack._check_texts", lambda *_: None),
    "the set of rows is not verified": ("chip-rows", "severance.chip.chip.Chip._verify_set", lambda _: None),
    "rows have no limits": ("row", "fuzzing.chips.within_limits", lambda _: True),
    "a tar may hold links": ("backup-altered", "severance.upkeep.backup._NOT_A_BACKUP", (KeyError,)),
    "texts are not checked": ("mem0", "severance.transfer.fit.text", str),
    "labels are not checked": ("jsonl-entry", "severance.transfer.fit.label", lambda value: value),
    "origins are as long as may be": ("claude", "severance.transfer.fit.origin", lambda *parts: "x".join(parts) * 9),
    "nested JSON is not expected": ("chatgpt", "severance.transfer.files.parse", lambda text: json.loads(text)["a"]),
    "a mail's date may be anything": ("mail", "severance.transfer.mbox._date", lambda _: 5),
    "a damaged .zip is not expected": ("archive", "severance.transfer.bundle._ZIP_ERRORS", ()),
    "every command is allowed": ("key-record", "severance.crypto.rootkey.command.is_allowed", lambda *_: True),
    "a time may be anything": ("time", "fuzzing.texts.parse_time", lambda text: _anything()),
    "words may be empty": ("words", "severance.mind.analysis._words", lambda text, singles: text.split(" ")),
    "labels of drafts may be longer": ("draft", "severance.drafts.MAX_LABEL_BYTES", 100_000),
}


def _anything() -> Any:
    raise KeyError("anything")


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_seeded_fault_is_found(fault: str) -> None:
    name, place, wrong = _FAULTS[fault]
    with mock.patch(place, wrong):
        short, is_slow = TARGETS[name].short, TARGETS[name].weight < 1
        assert found_in(name, 4 * short if is_slow else max(1_500, short)).findings


# The tool


@contextmanager
def _tool(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    command = [sys.executable, str(ROOT / "tools" / "fuzz.py"), "--engine", "plain", *arguments]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as tool:
        try:
            yield tool
        finally:
            tool.kill()


def _begun(tool: subprocess.Popen[str]) -> None:
    """Wait until it has found its control, and begun with the targets."""
    assert tool.stdout is not None
    assert "the control was found" in tool.stdout.readline()
    assert tool.stdout.readline().startswith("target ")


_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the tool ends its processes by POSIX signals")


@_POSIX
def test_the_tool_shares_runs_and_reports(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with _tool("--target", "record,row", "--executions", "3001", "--jobs", "2", "--report", str(report)) as tool:
        said, _ = tool.communicate()
    assert tool.returncode == 0, said
    told = json.loads(report.read_text())
    assert (told["executions"], told["asked"], told["control_found"], told["interrupted"]) == (3001, 3001, True, False)
    assert [(each["target"], each["findings"]) for each in told["targets"]] == [("record", []), ("row", [])]
    assert "3,001 executions of 2 targets" in said


@_POSIX
def test_the_tool_ends_with_1_when_something_is_found(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with _tool("--target", "planted", "--executions", "20000", "--report", str(report)) as tool:
        tool.communicate()
    assert tool.returncode == 1
    (result,) = json.loads(report.read_text())["targets"]
    assert all(bytes.fromhex(found["data"]).startswith(MAGIC) for found in result["findings"])


@_POSIX
def test_the_tool_that_is_interrupted_reports_what_was_done(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with _tool("--target", "record,row", "--executions", "1000000000", "--report", str(report)) as tool:
        _begun(tool)
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=LONGEST)
    assert tool.returncode == 130
    told = json.loads(report.read_text())
    assert told["interrupted"]
    assert told["executions"] == sum(each["executions"] for each in told["targets"]) < 1_000_000_000


@_POSIX
@with_proc
def test_what_the_tool_has_started_ends_with_it_also_when_it_is_killed() -> None:
    with _tool("--target", "record,row", "--executions", "1000000000", "--jobs", "2") as tool:
        _begun(tool)
        until(lambda: len(children_of(tool.pid)) == 2)
        none_outlives(tool, children_of(tool.pid))


def test_a_target_that_is_not_there_is_named() -> None:
    with _tool("--target", "frame,nothing") as tool:
        said, _ = tool.communicate()
    assert tool.returncode == 1
    assert "there is no target 'nothing'" in said
