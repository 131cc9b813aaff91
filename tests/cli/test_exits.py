"""One mapping from errors to exit codes, and nothing that escapes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from severance import errors
from severance.cli import exits

from .conftest import Run

SECRET = "xylophone-marmalade"
CODES = {
    errors.SeveranceError: 1,
    errors.InputError: 2,
    errors.NotFoundError: 1,
    errors.AsleepError: 1,
    errors.PermitError: 1,
    errors.OverrideError: 1,
    errors.EmbedderError: 1,
    errors.RerankerError: 1,
    errors.StoreError: 1,
    errors.StoreMissingError: 1,
    errors.NotUpError: 1,
    errors.AlreadyUpError: 7,
    errors.StoreBusyError: 1,
    errors.StoreFullError: 1,
    errors.StoreReadOnlyError: 1,
    errors.NewerVersionError: 1,
    errors.ConflictError: 1,
    errors.KeyMissingError: 3,
    errors.WrongKeyError: 3,
    errors.DamagedError: 4,
    errors.RolledBackError: 4,
}


def test_every_error_is_in_the_table() -> None:
    tree = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert tree == set(CODES)


@pytest.mark.parametrize(("kind", "code"), CODES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_codes(
    run: Run, store: Path, kind: type[errors.SeveranceError], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: object) -> None:
        raise kind("a sentence")

    monkeypatch.setattr("severance.house.House.status", failing)
    ended = run("status")
    assert (ended.code, ended.err) == (code, "severance: a sentence\n")
    assert run("status", "--json").error["kind"] == kind.__name__
    assert code in exits.EXPLAINED


def test_damage_says_where(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object) -> None:
        raise errors.RolledBackError("older", space="ab", record=7)

    monkeypatch.setattr("severance.house.House.status", failing)
    assert run("status", "--json").error == {
        "kind": "RolledBackError",
        "message": "older",
        "exit_code": 4,
        "space": "ab",
        "record": 7,
    }


@pytest.mark.parametrize("kind", [RuntimeError, KeyError, AssertionError, MemoryError, RecursionError, UnicodeError])
def test_a_bug_is_told_by_its_type_alone(
    run: Run, store: Path, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: object) -> None:
        raise kind(SECRET)

    monkeypatch.setattr("severance.house.House.status", failing)
    ended = run("status")
    said = f"severance: this is a bug in Severance: {kind.__name__}; nothing of your memories is in this message\n"
    assert (ended.code, ended.out, ended.err) == (1, "", said)
    assert run("status", "--json").error["kind"] == "Bug"


def test_a_traceback_only_where_asked_for(store: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("severance.house.House.status", failing)
    monkeypatch.setenv("SEVERANCE_DEBUG", "1")
    with pytest.raises(AssertionError, match="Traceback"):
        run("status")


def test_ctrl_c_anywhere(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("severance.house.House.status", failing)
    ended = run("status")
    assert (ended.code, ended.err) == (130, "severance: interrupted\n")
    assert run("status", "--json").error["kind"] == "Interrupted"


def test_the_system_refusing_is_no_bug(run: Run, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object) -> None:
        raise OSError(28, "No space left on device", SECRET)

    monkeypatch.setattr("severance.house.House.status", failing)
    ended = run("status")
    assert ended.code == 1
    assert "No space left on device" in ended.err
    assert SECRET not in ended.err


@pytest.mark.parametrize(
    "at", ["severance.cli.group.streams.prepare", "severance.cli.group.SeveranceGroup.make_context"]
)
def test_ctrl_c_before_the_command_begins_is_told_too(run: Run, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    def interrupted(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(at, interrupted)
    ended = run("version")
    assert (ended.code, ended.out, ended.err) == (130, "", "severance: interrupted\n")
