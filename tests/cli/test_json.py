"""The JSON that each command prints: field names and types are a contract."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from severance.cli import surface
from severance.cli.reference import JSON_SHAPES

from .conftest import Run

ID = str
MEMORY = {
    "id": str,
    "text": str,
    "at": str,
    "recorded": str,
    "thread": (str, type(None)),
    "source": (str, type(None)),
    "kind": str,
    "metadata": dict,
    "pinned": bool,
    "repeats": int,
    "echo_of": (str, type(None)),
    "supersedes": (str, type(None)),
    "superseded_by": (str, type(None)),
}
PLACE = {"place": str, "wakes": dict, "depends": dict}
PERSONA = {
    "subject": str,
    "persona": str,
    "places": [str],
    "records": int,
    "writes": int,
    "awake": int,
    "budget": (int, type(None)),
}
FINDING = {
    "what": str,
    "space": (str, type(None)),
    "record": (int, type(None)),
    "subject": (str, type(None)),
    "persona": (str, type(None)),
}
SAVED = {"file": str, "personas": [{"subject": str, "persona": str, "memories": int}]}

PERMIT = {
    "id": str,
    "subject": str,
    "persona": str,
    "place": str,
    "rights": [str],
    "made": str,
    "until": str,
    "ended": (str, type(None)),
}
CREDENTIAL = {
    "id": str,
    "subject": str,
    "place": str,
    "program": str,
    "rights": [str],
    "made": str,
    "revoked": (str, type(None)),
}
OWNER_TOKEN = {"id": str, "label": str, "made": str, "until": str, "ended": (str, type(None))}
EVENT = {
    "number": int,
    "at": str,
    "what": str,
    "subject": (str, type(None)),
    "persona": (str, type(None)),
    "place": (str, type(None)),
    "id": (str, type(None)),
    "detail": dict,
}
THREADS = (list, type(None))
MAKE_PERMIT = ("irving", "--at", "office", "--rights", "recall", "--for", "8h")
MAKE_CREDENTIAL = ("office", "--for", "irving", "--name", "editor")

CASES: dict[str, tuple[tuple[str, ...], object]] = {
    "permit make": (MAKE_PERMIT, {"permit": str}),
    "permit list": ((), {"permits": [PERMIT]}),
    "permit revoke": (("{permit}",), {"revoked": str}),
    "permit weaken": (("--rights", "recall"), {"permit": str}),
    "permit show": (
        (),
        {
            "id": str,
            "rights": [str],
            "until": str,
            "threads": (list, type(None)),
            "tool": (str, type(None)),
            "weakened": int,
        },
    ),
    "credential make": (MAKE_CREDENTIAL, {"credential": str}),
    "credential list": ((), {"credentials": [CREDENTIAL]}),
    "credential revoke": (("{credential}",), {"revoked": str}),
    "owner token": (("--for", "8h", "--label", "a console"), {"token": str}),
    "owner list": ((), {"tokens": [OWNER_TOKEN]}),
    "owner revoke": (("{token}",), {"revoked": str}),
    "clock show": ((), {"time": str}),
    "clock accept": ((), {"time": str}),
    "audit show": ((), {"events": [EVENT]}),
    "audit verify": ((), {"entries": int, "root": str, "at": str, "verifier": str, "witnesses": [str], "new": [str]}),
    "audit export": (("{tmp}/audit.jsonl",), {"file": str, "entries": int}),
    "audit accept": (
        (),
        {"entries": int, "remembered": int, "begun": bool, "aside": bool, "changed": bool},
    ),
    "events": (("--at", "office"), {"events": [{"at": str, "what": str, "place": (str, type(None))}]}),
    "init": ((), {"store": str, "created": bool}),
    "sever": (("helly", "a", "b"), {"subject": str, "personas": [str]}),
    "place": (("office", "mark=outie"), {**PLACE, "replaced": (str, type(None))}),
    "threshold apply": (("{tmp}/rules.toml",), {"changes": [str], "applied": bool}),
    "threshold show": ((), {"toml": str}),
    "threshold check": (("{tmp}/rules.toml",), {"rules": int}),
    "threshold explain": (
        ("irving", "--at", "office"),
        {
            "subject": str,
            "place": str,
            "wakes": (str, type(None)),
            "until": (str, type(None)),
            "rules": [{"persona": str, "holds": bool, "conditions": [{"holds": bool, "why": str}]}],
            "later": dict,
            "zone": str,
            "spent": (str, type(None)),
            "budget": (int, type(None)),
            "awake": int,
            "free": (str, type(None)),
        },
    ),
    "status": (
        (),
        {"store": str, "house": (dict, type(None)), "personas": [PERSONA], "places": [PLACE], "overrides": list},
    ),
    "remember": (("words", "--at", "office"), {"memory": MEMORY}),
    "recall": (
        ("printer", "--at", "office"),
        {"recollections": [{"score": float, "reasons": [str], "memory": MEMORY}]},
    ),
    "context": (("printer", "--at", "office"), {"context": str}),
    "forget": (("{id}", "--yes", "--at", "office"), {"forgotten": str, "versions": int}),
    "amend": (("{id}", "New.", "--at", "office"), {"memory": MEMORY}),
    "history": (("{id}", "--at", "office"), {"versions": [MEMORY]}),
    "import": (
        ("{tmp}/half.jsonl", "--at", "office"),
        {
            "format": str,
            "imported": int,
            "already_there": int,
            "skipped": int,
            "first_skipped": [{"where": str, "why": str}],
            "secrets": dict,
            "left_out": dict,
            "first_left_out": [str],
            "finished": bool,
            "seconds": float,
        },
    ),
    "watch": (
        ("{tmp}/notes", "--at", "office", "--once"),
        {
            "files": int,
            "remembered": int,
            "amended": int,
            "forgotten": int,
            "gone": int,
            "secrets": dict,
            "skipped": int,
            "first_skipped": [{"where": str, "why": str}],
            "missing": bool,
        },
    ),
    "route": (
        (
            *("{tmp}/half.jsonl", "--subject", "irving"),
            *("--examples", "{tmp}/examples.toml", "--plan", "{tmp}/plan.jsonl"),
        ),
        {
            "plan": str,
            "subject": str,
            "personas": [{"persona": str, "planned": int, "moved": int, "already_there": int}],
            "forgotten": int,
            "unsure": int,
            "missing": int,
            "unplanned": int,
            "skipped": int,
            "applied": bool,
            "finished": bool,
        },
    ),
    "export": (("{tmp}/out.jsonl", "--at", "office"), {"file": str, "memories": int}),
    "check": (("--salvage", "{tmp}/s.zip"), {"intact": bool, "findings": [FINDING], "salvaged": SAVED}),
    "backup": (("{tmp}/b.tar",), {"file": str, "bytes": int, "chip": bool}),
    "restore": (
        ("{tmp}/before.tar", "--store", "{tmp}/other"),
        {"store": str, "file": str, "bytes": int, "chip": bool},
    ),
    "reembed": ((), {"embedded": int}),
    "integrate": (
        ("zed", "--place", "office", "--yes"),
        {
            "client": str,
            "done": bool,
            "steps": [str],
            "files": [{"file": str, "changed": bool, "copy": (str, type(None))}],
            "tools": [str],
        },
    ),
    "version": ((), {"version": str}),
}


def _matches(value: object, shape: object) -> bool:
    if isinstance(shape, dict):
        return (
            isinstance(value, dict)
            and list(value) == list(shape)
            and all(_matches(value[name], inner) for name, inner in shape.items())
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(_matches(item, shape[0]) for item in value)
    kinds = shape if isinstance(shape, tuple) else (shape,)
    return type(value) in kinds


def test_every_command_has_json() -> None:
    # What these print is tested beside their exit codes, in files of their own; docs/reference/json.md has samples.
    elsewhere = {"tour", "barrier", "up", "down", "lock", "unlock", "serve", "hook", "mcp"}
    groups = ("alarm ", "canary ", "override ")
    names = {name for name in surface.names() if name not in elsewhere and not name.startswith(groups)}
    assert names == set(CASES) == set(JSON_SHAPES)


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_fields(run: Run, store: Path, printer: str, tmp_path: Path, name: str, before: bool) -> None:
    (tmp_path / "half.jsonl").write_text('{"text": "good"}\nnot json\n')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "plan.md").write_text("# Plan\n\nFriday.")
    (tmp_path / "notes" / "photo.md").write_bytes(b"\0")
    (tmp_path / "rules.toml").write_text('rule = [{subject="irving", place="office", persona="home", host="*"}]')
    (tmp_path / "examples.toml").write_text('rule = [{persona = "work", words = "good"}]')
    run("backup", str(tmp_path / "before.tar"))
    permit = run("permit", "make", *MAKE_PERMIT).out
    (made,) = run("--json", "permit", "list").json["permits"]
    run("credential", "make", *MAKE_CREDENTIAL)
    (credential,) = run("--json", "credential", "list").json["credentials"]
    run("owner", "token", "--for", "8h")
    (token,) = run("--json", "owner", "list").json["tokens"]
    words, shape = CASES[name]
    ids = {"id": printer, "permit": made["id"], "credential": credential["id"], "token": token["id"]}
    filled = [word.format(tmp=tmp_path, **ids) for word in words]
    given = permit if name in ("permit weaken", "permit show") else None
    line = ("--json", *name.split(), *filled) if before else (*name.split(), *filled, "--json")
    ended = run(*line, input=given)
    assert (ended.code, ended.err) == (0, "")
    assert _matches(ended.json, shape), ended.out


@pytest.mark.parametrize("name", CASES)
def test_documented_fields_are_the_fields(name: str) -> None:
    def names(shape: object) -> set[str]:
        if isinstance(shape, dict):
            return set() if shape is MEMORY else set(shape).union(*(names(value) for value in shape.values()))
        return names(shape[0]) if isinstance(shape, list) else set()

    assert set(re.findall(r'"(\w+)"', JSON_SHAPES[name])) == names(CASES[name][1])


def test_the_memory_of_an_export_has_the_same_fields(run: Run, store: Path) -> None:
    line = json.loads(run("export", "--at", "office").out.splitlines()[0])
    assert _matches(line, MEMORY)


def test_an_error_is_json_on_standard_error(run: Run, store: Path) -> None:
    for words in (("recall", "x", "--at", "office", "--thread", "\0", "--json"), ("--json", "recall", "--bogus")):
        ended = run(*words)
        assert ended.out == ""
        assert ended.error["exit_code"] == 2
    assert run("recall", "x", "--at", "mars", "--json").error["kind"] == "NotFoundError"


def test_json_after_a_double_dash_is_a_text(run: Run, store: Path) -> None:
    assert run("remember", "--at", "office", "--", "--json").out.startswith("Remembered: ")
