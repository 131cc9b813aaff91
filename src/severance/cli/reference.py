"""Writes docs/reference/cli.md: `python -m severance.cli.reference > docs/reference/cli.md`.

What a command is and takes comes from the commands themselves; only what their help has no room for is written here.
"""

from __future__ import annotations

import inspect
import sys
from types import MappingProxyType
from typing import Any

from typer.main import get_command

from severance.cli import exits
from severance.cli.app import app
from severance.cli.group import leaves

_HEAD = """\
# The command line

<!-- Written by `python -m severance.cli.reference`; a test fails when it is out of date. -->

`severance` is for the owner of a store, who has the root key. `--store`, `--key` and `--json` can stand before the
command or after it; after it wins.

A crossing must start a new model context: what a model still holds of one persona is out of Severance's reach. Every
command with `--at` is a crossing of its own.

## What others can see

Arguments are seen in the list of processes, and shells keep them in a history. Where a command takes `-`, it reads the
text from standard input instead. `--key` names where the root key is, never the key.

What is printed is not sealed. Control characters in memories are shown as escapes at a terminal, so that no memory can
command it; `--json`, `export` and `context` in a pipe give every character as it is. Arguments must be valid UTF-8.

## Exit codes

| code | meaning |
| --- | --- |
"""

_ENVIRONMENT = """
`check` ends with 4 when it has findings. `barrier` ends with 0 only when something was tried, all of it answered, every
control was found and nothing crossed; with 5 when anything crossed; else with 6. `import` ends with 0 when anything was
read, and with 1 when every entry was skipped.

## Errors

One sentence on standard error, without content of memories. With `--json` it is an object on one line, on standard
error: `{"error": {"kind": ..., "message": ..., "exit_code": ...}}`; `kind` is the name of an error's class (such as
`WrongKeyError`), or `UsageError`, `Interrupted`, `OSError` or `Bug`. Errors about damage have `space` and `record` as
well.

A bug is told by its type alone, since anything else could hold a memory. `SEVERANCE_DEBUG=1` prints the traceback
before it: **a traceback can hold content**, so read it before you pass it on.

## Environment

| variable | meaning |
| --- | --- |
| `SEVERANCE_STORE` | the store's directory, where `--store` is not given |
| `SEVERANCE_KEY` | the root key, 32 bytes as base64, where `--key` is not given |
| `SEVERANCE_EMBEDDER` | the spec of the embedder, where `--embedder` is not given |
| `SEVERANCE_RERANKER` | the spec of the re-ranker, where `--reranker` is not given |
| `SEVERANCE_PLACE` | the place, where `--at` is not given |
| `SEVERANCE_SUBJECT` | the subject, where `--subject` is not given |
| `SEVERANCE_PERMIT` | a permit or a place credential: who it opens wakes, and may do what it allows |
| `SEVERANCE_CREDENTIAL` | for `mcp`: a place credential or a permit, where `--credential` is not given |
| `SEVERANCE_CONFIG` | the folder in which credentials of clients are kept, in place of the user's settings |
| `SEVERANCE_DEBUG` | `1` prints tracebacks, which can hold content |
| `NO_COLOR` | no colours |

## Times and values

A TIME is a date or time in ISO 8601; without a zone it is UTC. In `NAME=VALUE` a value that is a JSON number, `true`,
`false`, `null` or a quoted text is read as that, anything else as text: `--where year=2024` asks for the number, and
`--where 'year="2024"'` for the text.

## Import

Every memory that was imported has an `origin` in its metadata, and an entry whose origin is remembered already is
passed over. What was forgotten since comes back with the next import. Entries are remembered in batches of 512; Ctrl-C
ends the import after the batch at hand, and a second Ctrl-C at once. Of an export, `repeats` up to 100 are remembered
as repeats; earlier versions (with `superseded_by`) are skipped; ids and the times of recording are not taken over.

Keys and passwords are taken out as `watch` takes them out, unless `--keep-secrets` is given, or the extra `watch` is
not installed, which is said. The lines of Severance's own export are left as they are.

Ctrl-C while `import` or `reembed` runs loses nothing that was acknowledged: run the command again to go on.
"""

_MEMORY = '{"memory": MEMORY}'
JSON_SHAPES = MappingProxyType(
    {
        "init": '{"store", "created"}',
        "sever": '{"subject", "personas": [NAME]}',
        "place": '{"place", "wakes": {SUBJECT: PERSONA}, "depends": {SUBJECT: [PERSONA]}, "replaced": TOML}',
        "threshold apply": '{"changes": [TEXT], "applied"}',
        "threshold show": '{"toml": TEXT}',
        "threshold check": '{"rules": COUNT}',
        "threshold explain": '{"subject", "place", "wakes", "until", "rules": [{"persona", "holds", "conditions": '
        '[{"holds", "why"}]}], "later": {PERSONA: TIME}, "zone", "spent", "budget": SECONDS, "awake": SECONDS, "free"}',
        "status": '{"store", "house": HOUSE, "personas": [{"subject", "persona", "places", "records", "writes", '
        '"awake", "budget"}], '
        '"places": [{"place", "wakes", "depends"}], "overrides": [OVERRIDE]}',
        "permit make": '{"permit": TEXT}',
        "permit list": '{"permits": [{"id", "subject", "persona", "place", "rights": [RIGHT], "made", "until", '
        '"ended"}]}',
        "permit revoke": '{"revoked": ID}',
        "permit weaken": '{"permit": TEXT}',
        "permit show": '{"id", "rights": [RIGHT], "until", "threads": [THREAD], "tool", "weakened": COUNT}',
        "credential make": '{"credential": TEXT}',
        "credential list": '{"credentials": [{"id", "subject", "place", "program", "rights": [RIGHT], "made", '
        '"revoked"}]}',
        "credential revoke": '{"revoked": ID}',
        "owner token": '{"token": TEXT}',
        "owner list": '{"tokens": [{"id", "label", "made", "until", "ended"}]}',
        "owner revoke": '{"revoked": ID}',
        "audit show": '{"events": [{"number", "at", "what", "subject", "persona", "place", "id", "detail": {}}]}',
        "audit verify": '{"entries": COUNT, "root", "at", "verifier", "witnesses": [SPEC], "new": [SPEC]}',
        "audit export": '{"file", "entries": COUNT}',
        "audit accept": '{"entries": COUNT, "remembered": COUNT, "begun": BOOL, "aside": BOOL, "changed": BOOL}',
        "events": '{"events": [{"at", "what", "place"}]}',
        "clock show": '{"time"}',
        "clock accept": '{"time"}',
        "remember": _MEMORY,
        "recall": '{"recollections": [{"score", "reasons": [TEXT], "memory": MEMORY}]}',
        "context": '{"context"}',
        "forget": '{"forgotten": ID, "versions": COUNT}',
        "amend": _MEMORY,
        "history": '{"versions": [MEMORY]}',
        "import": '{"format", "imported", "already_there", "skipped", "first_skipped": [{"where", "why"}], '
        '"secrets": {KIND: COUNT} or null, "left_out": {KIND: COUNT}, "first_left_out": [PATH], "finished", "seconds"}',
        "watch": '{"files", "remembered", "amended", "forgotten", "gone", "secrets": {KIND: COUNT}, "skipped": COUNT, '
        '"first_skipped": [{"where", "why"}], "missing"}; without --once, one such a line for each round',
        "route": '{"plan", "subject", "personas": [{"persona", "planned": COUNT, "moved": COUNT, '
        '"already_there": COUNT}], "forgotten": COUNT, "unsure": COUNT, "missing": COUNT, "unplanned": COUNT, '
        '"skipped": COUNT, "applied", "finished"}',
        "export": '{"file", "memories": COUNT}; without FILE, JSON Lines: one MEMORY a line',
        "check": '{"intact", "findings": [{"what", "space", "record", "subject", "persona"}]} and, with '
        '--salvage, "salvaged": {"file", '
        '"personas": [{"subject", "persona", "memories": COUNT}]}',
        "backup": '{"file", "bytes", "chip"}',
        "restore": '{"store", "file", "bytes", "chip"}',
        "reembed": '{"embedded": COUNT}',
        "integrate": '{"client", "done": BOOL, "steps": [TEXT], "files": [{"file", "changed": BOOL, "copy"}], "tools": '
        "[NAME]}",
        "version": '{"version"}',
    }
)
_JSON_HEAD = """
## JSON

One document on one line. A MEMORY has `id`, `text`, `at`, `recorded`, `thread`, `source`, `kind`, `metadata`, `pinned`,
`repeats`, `echo_of`, `supersedes` and `superseded_by`; times are ISO 8601 in UTC. Fields are added, never renamed.
"""


def page() -> str:
    """The whole page, in Markdown."""
    group: Any = get_command(app)
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in exits.EXPLAINED.items())
    parts = [_HEAD, codes, _ENVIRONMENT, _JSON_HEAD, "\n## Options before the command\n\n", _options(group)]
    for name, command in leaves(group).items():
        parts.append(
            f"\n## severance {name}\n\n```\n{_usage(name, command)}\n```\n\n{inspect.cleandoc(command.help)}\n"
        )
        if _of_kind(command, "option"):
            parts.append(f"\n{_options(command)}")
        if name in JSON_SHAPES:
            parts.append(f"\nWith `--json`: `{JSON_SHAPES[name]}`\n")
    return "".join(parts)


def _usage(name: str, command: Any) -> str:
    arguments = [
        (param, f"{param.metavar}{'' if param.nargs == 1 else '...'}") for param in _of_kind(command, "argument")
    ]
    words = [name if param.required else f"[{name}]" for param, name in arguments]
    return " ".join(["severance", name, *words, "[OPTIONS]"])


def _options(command: Any) -> str:
    rows = [f"| {_names(param)} | {_meaning(param)} |\n" for param in _of_kind(command, "option")]
    return "".join(["| option | meaning |\n| --- | --- |\n", *rows])


def _names(param: Any) -> str:
    names = [*param.opts, *param.secondary_opts]
    value = "" if param.is_flag else f" {param.metavar or param.name.upper()}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _meaning(param: Any) -> str:
    default = f" Default: `{param.default}`." if isinstance(param.default, str | int) and not param.is_flag else ""
    variable = f" Environment: `{param.envvar}`." if param.envvar else ""
    return f"{param.help}{default}{variable}".replace("|", "\\|")


def _of_kind(command: Any, kind: str) -> list[Any]:
    # The help and completion options are the framework's, and differ between its versions.
    foreign = ("install_completion", "show_completion", "help")
    return [param for param in command.params if param.param_type_name == kind and param.name not in foreign]


if __name__ == "__main__":
    # Not a command, so not through its streams: the page is UTF-8 wherever it is written.
    sys.stdout.buffer.write(page().encode())
