"""Each client's configuration: before, after, and back again."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from severance.errors import ConflictError, InputError, StoreReadOnlyError
from severance.integrate import plan
from severance.integrate.client import Client
from severance.integrate.clients import CLIENTS
from severance.integrate.files import BACKUP, Change
from severance.integrate.machine import Machine
from severance.integrate.plan import Program

PROGRAM = Program(("/bin/severance", "--store", "/s"), "laptop")
ARGS = '"--store", "/s", "mcp", "--place", "laptop", "--program",'
HOOK = "/bin/severance --store /s hook"

USERS = {
    "claude-code": (".claude.json", "Library/../.claude.json", ".claude.json"),
    "claude-desktop": (
        ".config/Claude/claude_desktop_config.json",
        "Library/Application Support/Claude/claude_desktop_config.json",
        "AppData/Roaming/Claude/claude_desktop_config.json",
    ),
    "cursor": (".cursor/mcp.json",) * 3,
    "vscode": (
        ".config/Code/User/mcp.json",
        "Library/Application Support/Code/User/mcp.json",
        "AppData/Roaming/Code/User/mcp.json",
    ),
    "codex": (".codex/config.toml",) * 3,
    "gemini": (".gemini/settings.json",) * 3,
    "zed": (".config/zed/settings.json", ".config/zed/settings.json", "AppData/Roaming/Zed/settings.json"),
    "windsurf": (".codeium/windsurf/mcp_config.json",) * 3,
}
"""Where each client reads what its user has set, on Linux, macOS and Windows."""

BEFORE_AND_AFTER = {
    "claude-code": (
        '{\n  "numStartups": 3,\n  "mcpServers": {\n    "o": {\n      "type": "http"\n    }\n  },\n  "z": "é"\n}\n',
        '{\n  "numStartups": 3,\n  "mcpServers": {\n    "o": {\n      "type": "http"\n    },\n    "severance": {\n'
        '      "type": "stdio",\n      "command": "/bin/severance",\n      "args": [\n        "--store",\n'
        '        "/s",\n        "mcp",\n        "--place",\n        "laptop",\n        "--program",\n'
        '        "claude-code"\n      ]\n    }\n  },\n  "z": "é"\n}\n',
    ),
    "claude-desktop": (
        '{"globalShortcut": ""}',
        '{"globalShortcut": "", "mcpServers": {"severance": {"command": "/bin/severance", "args": '
        f'[{ARGS} "claude-desktop"]}}}}}}',
    ),
    "cursor": (
        '{\n\t// what the team uses\n\t"mcpServers": {\n\t\t"o": {"url": "https://example.com"}, // keep\n\t}\n}\n',
        '{\n\t// what the team uses\n\t"mcpServers": {\n\t\t"o": {"url": "https://example.com"}, // keep\n'
        '\t\t"severance": {\n\t\t\t"type": "stdio",\n\t\t\t"command": "/bin/severance",\n\t\t\t"args": [\n'
        '\t\t\t\t"--store",\n\t\t\t\t"/s",\n\t\t\t\t"mcp",\n\t\t\t\t"--place",\n\t\t\t\t"laptop",\n'
        '\t\t\t\t"--program",\n\t\t\t\t"cursor"\n\t\t\t]\n\t\t},\n\t}\n}\n',
    ),
    "vscode": (
        '{\r\n    "inputs": [], /* none */\r\n    "servers": {}\r\n}',
        '{\r\n    "inputs": [], /* none */\r\n    "servers": {\r\n        "severance": {\r\n'
        '            "type": "stdio",\r\n            "command": "/bin/severance",\r\n            "args": [\r\n'
        '                "--store",\r\n                "/s",\r\n                "mcp",\r\n'
        '                "--place",\r\n                "laptop",\r\n                "--program",\r\n'
        '                "vscode"\r\n            ]\r\n        }\r\n    }\r\n}',
    ),
    "codex": (
        '# mine\nmodel = "o"\n\n[mcp_servers.docs]\nurl = "https://example.com" # keep\n',
        '# mine\nmodel = "o"\n\n[mcp_servers.docs]\nurl = "https://example.com" # keep\n\n[mcp_servers.severance]\n'
        f'command = "/bin/severance"\nargs = [{ARGS} "codex"]\n',
    ),
    "gemini": (
        '{\n  // theme\n  "ui": {"theme": "GitHub"}\n}\n',
        '{\n  // theme\n  "ui": {"theme": "GitHub"},\n  "mcpServers": {\n    "severance": {\n'
        '      "command": "/bin/severance",\n      "args": [\n        "--store",\n        "/s",\n        "mcp",\n'
        '        "--place",\n        "laptop",\n        "--program",\n        "gemini"\n      ]\n    }\n  }\n}\n',
    ),
    "zed": (
        '// Zed settings\n{\n  "vim_mode": true,\n  "context_servers": {\n    "o": {"command": "o"},\n  },\n}\n',
        '// Zed settings\n{\n  "vim_mode": true,\n  "context_servers": {\n    "o": {"command": "o"},\n'
        '    "severance": {\n      "command": "/bin/severance",\n      "args": [\n        "--store",\n'
        '        "/s",\n        "mcp",\n        "--place",\n        "laptop",\n        "--program",\n        "zed"\n'
        "      ]\n    },\n  },\n}\n",
    ),
    "windsurf": (
        '{\n  "mcpServers": {\n  }\n}\n',
        '{\n  "mcpServers": {\n    "severance": {\n      "command": "/bin/severance",\n      "args": [\n'
        '        "--store",\n        "/s",\n        "mcp",\n        "--place",\n        "laptop",\n'
        '        "--program",\n        "windsurf"\n      ]\n    }\n  }\n}\n',
    ),
}


def written(machine: Machine, client: Client, before: bytes | None) -> Path:
    """A client's file with this in it."""
    path = client.file.of_user(machine)
    if before is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(before)
    return path


def add(client: Client, machine: Machine, *, hooks: bool = False, program: Program = PROGRAM) -> list[Change]:
    """Integrate; returns what it wrote."""
    done = [change for change in plan.adding(client, program, machine, None, hooks=hooks) if change.does_something]
    for change in done:
        change.carry_out()
    return done


def take_out(client: Client, machine: Machine) -> None:
    """Take it out again."""
    for change in plan.removing(client, machine, None):
        if change.does_something:
            change.carry_out()


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize(("number", "platform"), [(0, "linux"), (1, "darwin"), (2, "win32")])
def test_each_has_its_place_on_each_system(name: str, number: int, platform: str, home: Path) -> None:
    found = CLIENTS[name].file.of_user(Machine(home, {}, platform))
    assert os.path.normpath(found) == os.path.normpath(home / USERS[name][number])


def test_variables_move_what_they_move(home: Path) -> None:
    environ = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x", "XDG_CONFIG_HOME": "/g"}
    machine = Machine(home, environ, "linux")
    files = {name: str(client.file.of_user(machine)) for name, client in CLIENTS.items()}
    assert files["claude-code"] == "/c/.claude.json"
    assert files["codex"] == "/x/config.toml"
    assert files["vscode"] == "/g/Code/User/mcp.json"
    assert Machine(home, {"XDG_CONFIG_HOME": "g"}, "linux").settings() == home / ".config"


@pytest.mark.parametrize("name", CLIENTS)
def test_before_and_after_and_back_again(name: str, machine: Machine) -> None:
    client = CLIENTS[name]
    before, after = BEFORE_AND_AFTER[name]
    path = written(machine, client, before.encode())
    add(client, machine)
    assert path.read_bytes().decode() == after
    assert path.with_name(path.name + BACKUP).read_bytes() == before.encode()
    take_out(client, machine)
    assert path.read_bytes() == before.encode()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("hooks", [False, True])
@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("before", [None, b"", b"\n", b"\xef\xbb\xbf"])
def test_where_nothing_was_there_is_nothing_afterwards(
    name: str, before: bytes | None, hooks: bool, machine: Machine
) -> None:
    client = CLIENTS[name]
    if hooks and isinstance(client.hooks, str):
        return
    path = written(machine, client, before)
    add(client, machine, hooks=hooks)
    assert path.read_bytes().startswith(before or b"")
    assert add(client, machine, hooks=hooks) == [], "a second time changes nothing"
    take_out(client, machine)
    assert (path.read_bytes() if path.exists() else None) == before
    files = [each for each in machine.home.rglob("*") if each.is_file()]
    assert files == ([] if before is None else [path])


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.file.form == "json"])
@given(st.dictionaries(st.text(max_size=4), st.recursive(st.integers() | st.text(max_size=4), st.lists, max_leaves=5)))
def test_any_configuration_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, name: str, found: dict[str, object]
) -> None:
    machine = Machine(tmp_path_factory.mktemp("home"), {}, "linux")
    client = CLIENTS[name]
    before = json.dumps({**found, "mcpServers": {}}, indent=len(found) % 4 or None).encode()
    path = written(machine, client, before)
    add(client, machine)
    after = json.loads(path.read_bytes())
    assert after.pop("mcpServers")["severance"]["args"][-1] == name
    assert after == {key: value for key, value in found.items() if key != "mcpServers"}
    take_out(client, machine)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", CLIENTS)
def test_what_its_user_changed_since_stays(name: str, machine: Machine) -> None:
    client = CLIENTS[name]
    path = written(machine, client, BEFORE_AND_AFTER[name][0].encode())
    add(client, machine)
    text = path.read_bytes().decode()
    changed = f"{text}\n[new]\nx = 1\n" if client.file.form == "toml" else text.replace("{", '{"new": {"x": 1}, ', 1)
    path.write_bytes(changed.encode())
    take_out(client, machine)
    left = path.read_bytes().decode()
    assert '"new": {"x": 1}' in left or "[new]\nx = 1\n" in left
    assert "severance" not in left
    assert path.with_name(path.name + BACKUP).exists(), "what was there before is not lost"
    if client.file.form == "toml":
        tomllib.loads(left)
    assert plan.there(client, machine, None) is None


def test_another_place_changes_the_arguments_alone(machine: Machine) -> None:
    client = CLIENTS["claude-code"]
    path = written(machine, client, BEFORE_AND_AFTER["claude-code"][0].encode())
    add(client, machine, hooks=True)
    first = path.read_bytes()
    added = first.replace(b'"type": "stdio",', b'"type": "stdio",\n      "env": {"A": "b"},')
    path.write_bytes(added)
    add(client, machine, program=Program(PROGRAM.words, "desk"))
    assert path.read_bytes() == added.replace(b'"laptop"', b'"desk"')
    settings = machine.home / ".claude" / "settings.json"
    assert "laptop" not in settings.read_text(), "hooks that are there go where the server goes"
    assert settings.read_text().count("--place desk") == 2
    assert plan.there(client, machine, None) == plan.There("/s", "desk")


def test_hooks_of_others_stay(machine: Machine) -> None:
    client = CLIENTS["claude-code"]
    path = machine.home / ".claude" / "settings.json"
    path.parent.mkdir()
    before = (
        '{\n  "hooks": {\n    "Stop": [\n      {"hooks": [{"type": "command", "command": "beep"}]}\n    ]\n  }\n}\n'
    )
    path.write_text(before)
    add(client, machine, hooks=True)
    found = json.loads(path.read_text())["hooks"]
    assert [group["hooks"][0]["command"] for group in found["Stop"]] == ["beep", f"{HOOK} claude-code --place laptop"]
    assert [group["hooks"][0]["timeout"] for group in found["SessionStart"]] == [10]
    merged = path.read_text().replace('"command": "beep"}]}', '"command": "beep"}, {"command": "boop"}]}')
    path.write_text(merged)
    take_out(client, machine)
    assert path.read_text() == before.replace('"command": "beep"}]}', '"command": "beep"}, {"command": "boop"}]}')


def test_a_command_of_ours_in_a_group_of_others_is_taken_out_alone(machine: Machine) -> None:
    client = CLIENTS["claude-code"]
    path = machine.home / ".claude" / "settings.json"
    path.parent.mkdir()
    ours = {"type": "command", "command": f"{HOOK} claude-code --place laptop"}
    path.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [{"command": "beep"}, ours]}, {"hooks": [ours, ours]}]}}))
    take_out(client, machine)
    assert json.loads(path.read_text()) == {"hooks": {"Stop": [{"hooks": [{"command": "beep"}]}]}}


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("codex", {"Stop": "hooks", "SessionStart": "hooks"}),
        ("gemini", {"AfterAgent": "hooks", "SessionStart": "hooks"}),
        ("cursor", {"afterAgentResponse": "command", "sessionStart": "command"}),
        ("windsurf", {"post_cascade_response": "command"}),
    ],
)
def test_hooks_are_written_as_each_client_reads_them(name: str, events: dict[str, str], machine: Machine) -> None:
    client = CLIENTS[name]
    add(client, machine, hooks=True)
    assert not isinstance(client.hooks, str)
    found = json.loads(client.hooks.file.of_user(machine).read_text())
    assert {event: next(iter(elements[0])) for event, elements in found["hooks"].items()} == events
    assert found.get("version") == (1 if name == "cursor" else None)
    assert f"{HOOK} {name} --place laptop" in json.dumps(found)


@pytest.mark.parametrize("name", ["claude-desktop", "vscode", "zed"])
def test_a_client_without_hooks_says_so(name: str, machine: Machine) -> None:
    with pytest.raises(InputError, match="leave --hooks out"):
        plan.adding(CLIENTS[name], PROGRAM, machine, None, hooks=True)


def test_words_with_blanks_are_one_word_for_a_shell() -> None:
    program = Program(("/my bin/severance", "--store", "/s"), "the lap'top")
    assert program.hook(CLIENTS["codex"], "linux").startswith("'/my bin/severance' --store /s hook codex --place ")
    assert program.hook(CLIENTS["codex"], "win32") == '"/my bin/severance" --store /s hook codex --place "the lap\'top"'


@pytest.mark.parametrize("name", CLIENTS)
def test_a_project_has_files_of_its_own(name: str, machine: Machine, tmp_path: Path) -> None:
    client = CLIENTS[name]
    project = tmp_path / "project"
    project.mkdir()
    if client.file.in_project is None:
        with pytest.raises(InputError, match="leave --project out"):
            plan.adding(client, PROGRAM, machine, project, hooks=False)
        return
    for change in plan.adding(client, PROGRAM, machine, project, hooks=False):
        if change.does_something:
            change.carry_out()
    assert [each for each in machine.home.rglob("*") if each.is_file()] == []
    assert plan.there(client, machine, project) == plan.There("/s", "laptop")
    assert (project / client.file.in_project).is_file()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("claude-code", '{\n  "a": 1,\n}', "line 2, column 9: there is a comma too many"),
        ("claude-desktop", "{ // no\n}", "line 1, column 3: a name in quotes"),
        ("vscode", '{"servers": []}', "line 1, column 13: this should be an object"),
        ("codex", "a = \n", "line 1, column 5: invalid value"),
        ("codex", 'mcp_servers = {o = {command = "x"}}\n', "line 1, column 1: this is written in a way"),
        ("zed", '{"context_servers": {"severance": {"command": "x"}}}', "line 1, column 35: a server called severance"),
        ("codex", 'x = 1\n[mcp_servers.severance]\nurl = "x"\n', "line 2, column 1: a server called severance"),
    ],
)
def test_what_is_broken_is_one_sentence_and_nothing_is_written(
    name: str, text: str, said: str, machine: Machine
) -> None:
    path = written(machine, CLIENTS[name], text.encode())
    with pytest.raises(InputError) as refused:
        add(CLIENTS[name], machine)
    assert str(refused.value).startswith(f"{path}, {said}")
    assert str(refused.value).endswith("; nothing was changed")
    assert path.read_text() == text
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_is_not_utf8_is_told_with_its_place(machine: Machine) -> None:
    written(machine, CLIENTS["cursor"], b'{\n "a": "\xff"}')
    with pytest.raises(InputError, match="line 2, column 8: this is not UTF-8"):
        add(CLIENTS["cursor"], machine)


def test_a_link_stays_a_link(machine: Machine, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "claude.json"
    real.parent.mkdir()
    real.write_text("{}")
    (machine.home / ".claude.json").symlink_to(real)
    add(CLIENTS["claude-code"], machine)
    assert (machine.home / ".claude.json").is_symlink()
    assert "severance" in real.read_text()
    assert real.with_name(real.name + BACKUP).read_text() == "{}"
    take_out(CLIENTS["claude-code"], machine)
    assert real.read_text() == "{}"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_who_may_read_it_stays(mode: int, machine: Machine) -> None:
    path = written(machine, CLIENTS["cursor"], b"{}")
    path.chmod(mode)
    add(CLIENTS["cursor"], machine)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(path.with_name(path.name + BACKUP).stat().st_mode) == 0o600


def test_what_may_not_be_written_is_not(machine: Machine) -> None:
    path = written(machine, CLIENTS["cursor"], b"{}")
    path.chmod(0o400)
    with pytest.raises(StoreReadOnlyError, match="may not be written"):
        add(CLIENTS["cursor"], machine)
    assert path.read_bytes() == b"{}"


def test_a_folder_in_the_place_of_the_file_is_told(machine: Machine) -> None:
    (machine.home / ".cursor" / "mcp.json").mkdir(parents=True)
    with pytest.raises(InputError, match="is not a file"):
        add(CLIENTS["cursor"], machine)
    (machine.home / ".codex").write_text("")
    with pytest.raises(InputError, match="should be a folder is a file"):
        add(CLIENTS["codex"], machine)


@pytest.mark.parametrize("before", [None, b"{}"])
def test_what_changed_meanwhile_is_not_overwritten(before: bytes | None, machine: Machine) -> None:
    path = written(machine, CLIENTS["claude-code"], before)
    (change, _) = plan.adding(CLIENTS["claude-code"], PROGRAM, machine, None, hooks=False)
    path.write_text('{"new": 1}')
    with pytest.raises(ConflictError, match="was changed meanwhile"):
        change.carry_out()
    assert path.read_text() == '{"new": 1}'
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_diff_shows_nothing_that_stays(machine: Machine) -> None:
    before = '{\n  "key": "hush",\n  "mcpServers": {\n    "o": 1\n  },\n  "token": "hush"\n}\n'
    written(machine, CLIENTS["claude-code"], before.encode())
    (change,) = add(CLIENTS["claude-code"], machine)
    lines = "\n".join(change.lines())
    assert "hush" not in lines
    assert '+    "severance": {' in lines
    written(machine, CLIENTS["cursor"], ('{"key": "' + "h" * 500 + '", "hush": 1}').encode())
    (change,) = add(CLIENTS["cursor"], machine)
    assert max(map(len, change.lines())) < 300


@pytest.mark.parametrize(
    "text",
    [
        f'mcp_servers = {{severance = {{command = "severance", args = [{ARGS} "codex"]}}}}\n',
        f'[mcp_servers]\nseverance = {{command = "severance", args = [{ARGS} "codex"]}}\n',
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_its_user(text: str, machine: Machine) -> None:
    path = written(machine, CLIENTS["codex"], text.encode())
    for act in (lambda: add(CLIENTS["codex"], machine), lambda: take_out(CLIENTS["codex"], machine)):
        with pytest.raises(InputError, match="written in a way"):
            act()
    assert path.read_text() == text
