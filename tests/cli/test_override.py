"""Overrides at the command line: keys, requests, answers that travel as texts, and use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Ran, Run, command

NAMES = ("irving", "burt", "dylan")


@pytest.fixture
def keys(run: Run, store: Path, tmp_path: Path) -> dict[str, str]:
    """Of three people, registered."""
    made = {name: str(tmp_path / f"{name}.key") for name in NAMES}
    for name, path in made.items():
        public = run("override", "keygen", path).out.removesuffix("\n")
        assert public.startswith("sevk1.")
        assert run("override", "register", name, public).code == 0
    return made


def said(found: Ran) -> str:
    """Standard error without what rings."""
    return "".join(f"{line}\n" for line in found.err.splitlines() if not line.startswith("severance: alarm: "))


def asked(run: Run, keys: dict[str, str], *more: str) -> str:
    found = run(
        "override", "request", "irving", "work", "--as", keys["irving"], "--reason", "ill", "--for", "30m", *more
    )
    assert (found.code, said(found)) == (0, "")
    return found.out.removesuffix("\n")


def id_of(run: Run, text: str) -> str:
    found: str = run("--json", "override", "show", input=text).json["id"]
    return found


def approved(run: Run, keys: dict[str, str], *more: str) -> str:
    given = id_of(run, asked(run, keys, *more))
    for name in ("burt", "dylan"):
        assert run("override", "approve", given, "--as", keys[name]).code == 0
    return given


def test_a_key_is_made_once_and_its_secret_is_not_printed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.key"
    found = run("--json", "override", "keygen", str(path))
    assert found.json.keys() == {"file", "public"}
    secret = path.read_text().splitlines()[-1]
    assert secret.startswith("sevs1.")
    assert secret.split(".")[1] not in found.out
    again = run("override", "keygen", str(path))
    assert (again.code, again.out) == (1, "")
    assert path.read_text().splitlines()[-1] == secret


def test_keys_are_listed_and_taken_out(run: Run, keys: dict[str, str]) -> None:
    listed = run("--json", "override", "keys").json["keys"]
    assert [each["name"] for each in listed] == list(NAMES)
    assert "irving" in run("override", "keys").out
    assert run("override", "unregister", "burt").code == 0
    assert "burt" not in run("override", "keys").out
    assert run("override", "unregister", "burt").code == 1


def test_a_request_says_to_approvers_what_it_asks(run: Run, keys: dict[str, str]) -> None:
    text = asked(run, keys, "--thread", "monday", "--rights", "recall,remember")
    shown = run("override", "show", input=text).out
    for line in (
        "wakes: work of irving",
        "because: ill",
        "rights: recall, remember",
        "threads: monday",
        "for: 0:30:00",
    ):
        assert line in shown.splitlines()
    altered = run("override", "show", input=text[:-6] + "AAAAAA")
    assert (altered.code, altered.out) == (1, "")
    assert "altered" in altered.err


def test_answers_are_made_without_a_store_and_handed_in(run: Run, keys: dict[str, str]) -> None:
    text = asked(run, keys)
    nowhere = {"SEVERANCE_STORE": "/nowhere", "SEVERANCE_KEY": ""}
    for name, state in (("burt", "requested"), ("dylan", "approved")):
        answer = run("override", "approve", "-", "--as", keys[name], "--offline", input=text, env=nowhere)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.startswith("seva1.")
        assert run("--json", "override", "submit", input=answer.out).json["state"] == state
    again = run("override", "submit", input=answer.out)
    assert (again.code, again.out) == (1, "")
    assert said(again) == "severance: that key has approved this request already; another one has to\n"


def test_a_request_is_made_without_a_store_and_handed_in(run: Run, keys: dict[str, str]) -> None:
    nowhere = {"SEVERANCE_STORE": "/nowhere", "SEVERANCE_KEY": ""}
    own = ("--as", keys["irving"])
    given = ("override", "request", "irving", "work", *own, "--reason", "ill", "--for", "30m", "--offline")
    wish = run(*given, env=nowhere)
    assert (wish.code, wish.out[:6]) == (0, "sevw1.")
    assert said(wish).startswith("It can be approved until ")
    again = run("--json", *given, env=nowhere)
    assert (again.json.keys(), again.err) == ({"wish"}, "")
    draft = run("override", "submit", input=wish.out)
    assert (draft.code, draft.out[:6]) == (0, "sevd1.")
    assert run("--json", "override", "list").json["overrides"] == []
    request = run("override", "sign", *own, input=draft.out, env=nowhere)
    assert (request.code, said(request), request.out[:6]) == (0, said(wish), "sevr1."), "the times stay"
    quiet = run("--json", "override", "sign", *own, input=draft.out, env=nowhere)
    both = quiet.json
    assert (both, quiet.err) == ({"id": id_of(run, request.out), "request": request.out.strip()}, "")
    shown = run("--json", "override", "show", input=request.out).json
    for text in ("approve_by", "use_by"):
        assert f"{shown[text][:19].replace('T', ' ')} UTC" in said(request)
    assert run("override", "submit", input=request.out).out == "It has none of two approvals.\n"
    assert run("--json", "override", "submit", input=request.out).json["id"] == both["id"]
    wrong = run("override", "sign", "--as", keys["burt"], input=draft.out, env=nowhere)
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err == "severance: the draft is of a wish of another key; sign it with that\n"
    assert run("override", "sign", *own, input=wish.out, env=nowhere).code == 2


def test_what_is_no_request_yet_is_shown_and_called_what_it_is(run: Run, keys: dict[str, str]) -> None:
    own = ("--as", keys["irving"])
    given = ("override", "request", "irving", "work", *own, "--reason", "ill", "--for", "30m", "--offline")
    texts = {"wish": run(*given).out}
    texts["draft"] = run("override", "submit", input=texts["wish"]).out
    texts["request"] = run("override", "sign", *own, input=texts["draft"]).out
    found = {kind: run("--json", "override", "show", input=text).json for kind, text in texts.items()}
    assert {kind: each["kind"] for kind, each in found.items()} == {kind: kind for kind in texts}
    assert found["draft"] == {**found["request"], "kind": "draft", "digest": ""}
    added = {"id": "", "requester": found["wish"]["key"], "digest": "", "kind": "wish"}
    assert found["wish"] == {**found["request"], **added}
    for kind, then in (("wish", "override submit"), ("draft", "override sign")):
        lines = run("override", "show", input=texts[kind]).out.splitlines()
        assert lines[0] == f"this is: a {kind}, and no request yet; `severance {then}` " + lines[0].partition("` ")[2]
        assert "because: ill" in lines
        assert not [line for line in lines if line.startswith("digest")]
        for answer in (("approve", "-", *own), ("deny", "-", *own), ("approve", "-", *own, "--offline")):
            refused = run("override", *answer, input=texts[kind])
            assert (refused.code, refused.out) == (2, "")
            assert said(refused).startswith(f"severance: that is a {kind}, and no request yet: ")
            assert then in said(refused)
    assert "override submit" in run("override", "sign", *own, input=texts["wish"]).err
    assert "override sign" in run("override", "submit", input=texts["draft"]).err
    text = texts["draft"]
    altered = run("override", "show", input=text[:40] + ("A" if text[40] != "A" else "B") + text[41:])
    assert (altered.code, altered.out) == (1, "")
    assert "altered" in altered.err
    broken = run("override", "show", input="sevw1.AAAA")
    assert (broken.code, said(broken)[:28]) == (2, "severance: that is no wish f")


def test_it_is_used_once_and_told_at_the_next_crossing(run: Run, keys: dict[str, str]) -> None:
    given = approved(run, keys)
    assert given in run("status").out
    used = run("override", "use", given, "--as", keys["irving"], "--ask", "printer")
    assert used.code == 0
    assert "second floor" in used.out
    again = run("override", "use", given, "--as", keys["irving"], "--ask", "printer")
    assert (again.code, again.out, said(again)) == (1, "", "severance: it is over; ask again\n")
    assert given not in run("status").out
    first, second = (run("recall", "printer", "--at", "office", "--subject", "irving") for _ in range(2))
    assert said(first).startswith("Notice: an override by irving woke this persona at ")
    assert 'because: "ill"; it ended at ' in said(first)
    assert first.out == second.out
    assert said(second) == ""


def test_a_notice_is_json_where_that_is_asked_for(run: Run, keys: dict[str, str]) -> None:
    run("override", "use", approved(run, keys), "--as", keys["irving"], "--ask", "printer")
    found = run("--json", "history", "a" * 30, "--at", "office", "--subject", "irving")
    notice, error = map(json.loads, found.err.splitlines())
    assert notice["notice"].keys() == {"at", "what", "requester", "reason", "until", "ended"}
    assert (notice["notice"]["requester"], notice["notice"]["reason"]) == ("irving", "ill")
    assert error["error"]["kind"] == "NotFoundError"


def test_questions_are_the_lines_of_standard_input(run: Run, keys: dict[str, str]) -> None:
    found = run("--json", "override", "use", approved(run, keys), "--as", keys["irving"], input="printer\n\nprinter\n")
    assert found.code == 0
    assert found.out.count('"recollections"') == 2


def test_one_that_reaches_some_threads_answers_in_those(run: Run, keys: dict[str, str]) -> None:
    one = approved(run, keys, "--thread", "mdr")
    assert "second floor" in run("override", "use", one, "--as", keys["irving"], "--ask", "printer").out
    two = approved(run, keys, "--thread", "mdr", "--thread", "monday")
    for more, why in (((), "name one of them"), (("--thread", "tuesday"), "this is none of them")):
        refused = run("override", "use", two, "--as", keys["irving"], "--ask", "printer", *more)
        assert (refused.code, refused.out) == (2, "")
        assert why in refused.err
    used = run("override", "use", two, "--as", keys["irving"], "--ask", "printer", "--thread", "mdr")
    assert "second floor" in used.out, "what was refused has not used it up"


def test_a_refusal_ends_it_for_good(run: Run, keys: dict[str, str]) -> None:
    given = approved(run, keys)
    assert run("override", "deny", given, "--as", keys["dylan"]).out == "It is refused, for good.\n"
    refused = run("--json", "override", "use", given, "--as", keys["irving"], "--ask", "printer")
    assert (refused.code, refused.error["kind"]) == (1, "OverrideError")
    assert run("--json", "override", "list").json["overrides"][0]["denied"] == "dylan"


def test_it_can_be_ended_by_its_id(run: Run, keys: dict[str, str]) -> None:
    given = approved(run, keys)
    assert run("--json", "override", "end", given).json["state"] == "ended"
    assert "ended (stopped)" in run("override", "list").out
    assert run("override", "end", "a" * 32).code == 1


@pytest.mark.parametrize(
    "wrong", [("--ask", ""), ("--ask", "printer", "--ask", " "), ("--ask", "printer", "--limit", "0")]
)
def test_a_question_that_cannot_be_meant_uses_nothing_up(
    run: Run, keys: dict[str, str], wrong: tuple[str, ...]
) -> None:
    given = approved(run, keys)
    refused = run("override", "use", given, "--as", keys["irving"], *wrong)
    assert (refused.code, refused.out) == (2, "")
    assert "second floor" in run("override", "use", given, "--as", keys["irving"], "--ask", "printer").out


def test_what_is_refused_with_a_store_at_hand_is_in_its_log(run: Run, keys: dict[str, str], tmp_path: Path) -> None:
    text = asked(run, keys)
    stranger = str(tmp_path / "stranger.key")
    run("override", "keygen", stranger)
    tries = (
        ("own", run("override", "approve", id_of(run, text), "--as", keys["irving"])),
        ("stranger", run("override", "approve", "-", "--as", stranger, input=text)),
        ("altered", run("override", "deny", "-", "--as", keys["burt"], input=text[:-6] + "AAAAAA")),
    )
    assert [found.code for _, found in tries] == [1, 1, 1]
    events = run("--json", "audit", "show", "--what", "override.refused").json["events"]
    assert [(each["detail"]["step"], each["detail"]["why"]) for each in events] == [
        ("approve", "own"),
        ("approve", "stranger"),
        ("deny", "altered"),
    ]
    assert {(each["persona"], each["id"]) for each in events} == {("work", id_of(run, text))}


def test_a_length_of_time_is_refused_by_the_name_of_its_option(run: Run, keys: dict[str, str]) -> None:
    words = ("override", "request", "irving", "work", "--as", keys["irving"], "--reason", "ill")
    for option, wrong in (("--for", "31d"), ("--for", "0s"), ("--use-within", "soon"), ("--approve-within", "31d")):
        found = run(*words, "--for", "5m", option, wrong)
        assert (found.code, f"{option} is a length of time from 1s to 30d" in found.err) == (2, True)
    far = run("permit", "make", "irving", "--at", "office", "--rights", "recall", "--for", "999999999d999999999d")
    assert (far.code, "--for is a length of time from 1s to 36500d" in far.err) == (2, True)


@pytest.mark.parametrize("name", ["", ".", "folder"])
def test_a_key_needs_the_name_of_a_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    found = run("override", "keygen", name)
    assert (found.code, found.out, "name a file" in found.err) == (2, "", True)


@pytest.mark.parametrize(
    "words",
    [
        ("override", "request", "irving", "work", "--as", "KEY", "--reason", "ill", "--for", "soon"),
        ("override", "request", "irving", "work", "--as", "KEY", "--reason", "", "--for", "5m"),
        ("override", "request", "irving", "work", "--as", "KEY", "--reason", "x", "--for", "99d"),
        ("override", "request", "irving", "work", "--as", "KEY", "--reason", "x", "--for", "5m", "--rights", "all"),
        ("override", "approve", "a" * 32, "--as", "KEY", "--offline"),
        ("override", "approve", "-", "--as", "KEY", "--offline"),
        ("override", "register", "mark", "sevk1.AAAA"),
        ("override", "submit"),
        ("override", "show"),
    ],
)
def test_what_cannot_be_meant_is_said(run: Run, keys: dict[str, str], words: tuple[str, ...]) -> None:
    found = run(*(keys["irving"] if word == "KEY" else word for word in words))
    assert (found.code, found.out) == (2, "")
    assert said(found).count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_a_key_that_others_can_read_is_refused(run: Run, keys: dict[str, str]) -> None:
    Path(keys["burt"]).chmod(0o644)
    found = run("override", "approve", id_of(run, asked(run, keys)), "--as", keys["burt"])
    assert (found.code, found.out) == (3, "")
    assert "can be reached by others" in found.err


def test_the_override_ends_with_the_process_that_uses_it(run: Run, keys: dict[str, str], store: Path) -> None:
    given = approved(run, keys)
    argv = command("--json", "override", "use", given, "--as", keys["irving"])
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"printer\n")
        process.stdin.flush()
        assert b"second floor" in process.stdout.readline()
        assert run("--json", "override", "list").json["overrides"][0]["state"] == "active"
        other = run("override", "use", given, "--as", keys["irving"], "--ask", "printer")
        assert (other.code, said(other)) == (1, "severance: it is in use\n")
        process.kill()
        process.wait(60)
    (found,) = run("--json", "override", "list").json["overrides"]
    assert (found["state"], found["why"]) == ("ended", "gone")
    ended = run("--json", "audit", "show", "--what", "override.ended").out
    assert "gone" in ended
