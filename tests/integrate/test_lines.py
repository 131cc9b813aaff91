"""Lines of a shell that are hooks: those that are ours, with what their users put behind, and those that look alike."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from severance.integrate import plan
from severance.integrate.clients import CLIENTS
from severance.integrate.lines import hook_of, line_of, renewed
from severance.integrate.machine import Machine
from severance.integrate.plan import Program

OURS = "/bin/severance --store /s hook claude-code --place laptop"
MODULE = "/usr/bin/python -P -m severance.cli.main --store /s hook claude-code --place laptop"
WINDOWS = '"C:\\Program Files (x86)\\severance.exe" --store C:\\s(1) hook claude-code --place "the lap\'top"'
LOOK_ALIKE = (
    "beep",
    f"{OURS} && beep",
    f"{OURS}; beep",
    f"{OURS};beep",
    f"{OURS} > /tmp/log",
    f"{OURS} --marker $(cat marker)",
    f"beep && {OURS}",
    f"echo '{OURS}'",
    f"echo {OURS}",
    f"# {OURS}",
    f"time {OURS}",
    "/bin/severance-wrapper --store /s hook claude-code --place laptop",
    "/bin/severance hook claude-code --place laptop",
    "/bin/severance --store /s --verbose hook claude-code --place laptop",
    "/bin/severance --store /s hook codex --place laptop",
    "/bin/severance --store /s hook claude-code --place",
    "/bin/severance --store /s hook claude-code --place laptop --marker",
    "/bin/severance --store /s hook claude-code --place laptop --loudly",
    "/bin/severance --store /s hook claude-code --place laptop --place desk",
    "/bin/severance --store /s hook claude-code --place 'laptop",
    '/bin/severance --store "$(beep)" hook claude-code --place laptop',
    "/bin/severance --store `beep` hook claude-code --place laptop",
    "/bin/severance --store ~/s hook claude-code --place laptop",
    "$HERE/severance --store /s hook claude-code --place laptop",
    f"{OURS}\n--strict",
    f"{OURS}\r",
    *(f"{OURS} --about {word}" for word in ("$PWD", '"$PWD"', "\"it's $HOME, isn't it\"", '"`beep`"', '"\\$PWD"')),
    *(f"{OURS} --about {word}" for word in ("*", "a?", "[ab]", "{a,b}", "!x", '"!x"', "~", "\\\n--strict")),
    f"{WINDOWS}\n--strict",
    f"{WINDOWS} && beep",
    f"{WINDOWS} | more",
    "",
    None,
    3,
)
WITH_MORE = (
    (OURS, ()),
    (MODULE, ()),
    (WINDOWS, ()),
    (f"{OURS} --marker ADR --strict", ("--marker", "ADR", "--strict")),
    (f'{OURS} --about "what was settled"', ("--about", "what was settled")),
    (f"{OURS} --phrase='we said; so be it'", ("--phrase", "we said; so be it")),
    (f"{OURS} --about '$HOME, `a*`? [x]\n!'", ("--about", "$HOME, `a*`? [x]\n!")),
    (f'{OURS} --about "a*, ~b? {{c}}"', ("--about", "a*, ~b? {c}")),
    (f"{OURS} --about it\\'s\\ \\$5", ("--about", "it's $5")),
    (f"{WINDOWS} --marker ADR", ("--marker", "ADR")),
    ("/bin/severance --store /s --key file:/k hook claude-code --strict --place laptop", ("--strict",)),
)


@pytest.mark.parametrize("line", LOOK_ALIKE)
def test_a_line_that_looks_alike_is_its_users_own(line: object) -> None:
    assert hook_of(line, "claude-code") is None


@pytest.mark.parametrize(("line", "more"), WITH_MORE)
def test_a_line_of_ours_is_known_with_what_is_behind_it(line: str, more: tuple[str, ...]) -> None:
    found = hook_of(line, "claude-code")
    assert found is not None
    assert found.more == more


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="\\\x7f"), min_size=1))
@example("a&b")
@example("<\xa0")
@example("$(beep)")
def test_whatever_place_is_written_is_known_again(place: str) -> None:
    for platform, program in (("linux", "/my bin/severance"), ("win32", "C:\\my\\severance.exe")):
        if platform == "win32" and '"' in place:
            continue  # no Windows shell agrees with another about these
        line = line_of([program, "--store", "/s x", "hook", "codex", "--place", place], platform)
        found = hook_of(line, "codex")
        assert found is not None
        assert found.words[-1] == place


def test_what_is_behind_a_line_stays_behind_the_new_one() -> None:
    desk = OURS.replace("laptop", "desk")
    assert renewed(OURS, desk, "claude-code") == desk
    assert renewed(f'{OURS} --about "a b"', desk, "claude-code") == f"{desk} --about 'a b'"
    assert renewed(f'{OURS} --about "a b"', OURS, "claude-code") == f'{OURS} --about "a b"'
    other = WINDOWS.replace("the lap'top", "the desk")
    assert renewed(f'{WINDOWS} --about "a b"', other, "claude-code") == f'{other} --about "a b"'


def test_in_a_clients_settings_users_lines_stay_and_ours_go(machine: Machine) -> None:
    client = CLIENTS["claude-code"]
    path = machine.home / ".claude" / "settings.json"
    path.parent.mkdir()
    theirs = [line for line in LOOK_ALIKE if isinstance(line, str)]
    ours = [line for line, _ in WITH_MORE]
    groups = [
        {"hooks": [{"type": "command", "command": line}]} for pair in zip(theirs, ours, strict=False) for line in pair
    ]
    groups += [{"hooks": [{"type": "command", "command": line}]} for line in theirs[len(ours) :]]
    path.write_text(json.dumps({"hooks": {"Stop": groups}}))
    for change in plan.removing(client, machine, None):
        change.carry_out()
    left = json.loads(path.read_text())["hooks"]["Stop"]
    assert [group["hooks"][0]["command"] for group in left] == theirs


def test_a_line_that_looks_alike_is_not_replaced_and_ours_keeps_what_is_behind_it(machine: Machine) -> None:
    client, program = CLIENTS["claude-code"], Program(("/bin/severance", "--store", "/s"), "desk")
    path = machine.home / ".claude" / "settings.json"
    path.parent.mkdir()
    theirs, ours = f"{OURS} && beep", f"{OURS} --marker ADR"
    path.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [{"command": theirs}]}, {"hooks": [{"command": ours}]}]}}))
    for _ in range(2):
        for change in plan.adding(client, program, machine, None, hooks=True):
            change.carry_out()
        stop = [group["hooks"][0]["command"] for group in json.loads(path.read_text())["hooks"]["Stop"]]
        assert stop == [theirs, ours.replace("laptop", "desk")]
