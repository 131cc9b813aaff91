"""Anthropic's memory tool: its commands by their documentation, the SDK's own tool beside it, and the SDK's runner."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from kit import recalled
from kit.frameworks import framework, in_workers
from severance import AsleepError, InputError

with framework("anthropic_memory"):
    import httpx2
    from anthropic import Anthropic, AsyncAnthropic
    from anthropic.lib.tools import ToolError
    from anthropic.tools import BetaLocalFilesystemMemoryTool

    from severance.integrations.anthropic_memory import Files, SeveranceAsyncMemoryTool, SeveranceMemoryTool

if TYPE_CHECKING:
    from pathlib import Path

    from severance import House, Session
    from severance.barrier.traces.ports import StillClock

LIST = "/memories/people/list.txt"


@pytest.fixture
def files(innie: Session) -> Files:
    made = Files(innie)
    made.create(LIST, "Helly\nDylan\nIrving\n")
    return made


@pytest.fixture
def tool(innie: Session) -> SeveranceMemoryTool:
    return SeveranceMemoryTool(innie)


def call(tool: Any, command: str, **arguments: Any) -> Any:
    return tool.call({"command": command, **arguments})


def test_a_file_is_shown_with_its_lines_numbered(files: Files) -> None:
    shown = f"Here's the content of {LIST} with line numbers:\n     1\tHelly\n     2\tDylan\n     3\tIrving\n     4\t"
    assert files.view(LIST) == shown
    assert files.view("/memories/people/list.txt/") == shown


@pytest.mark.parametrize(
    ("lines", "shown"),
    [([2, 3], "     2\tDylan\n     3\tIrving"), ([3, -1], "     3\tIrving\n     4\t"), ([1, 1], "     1\tHelly")],
)
def test_a_range_of_lines_is_shown(files: Files, lines: list[int], shown: str) -> None:
    assert files.view(LIST, lines) == f"Here's the content of {LIST} with line numbers:\n{shown}"


@pytest.mark.parametrize("lines", [[3, 2], [9, 10], [1], [1, 2, 3], ["1", 2], [True, 2]])
def test_a_range_that_is_none_is_refused(files: Files, lines: list[Any]) -> None:
    with pytest.raises(InputError, match="view_range"):
        files.view(LIST, lines)


def test_a_directory_is_shown_two_levels_deep_with_sizes(files: Files) -> None:
    files.create("/memories/a.md", "x" * 1536)
    files.create("/memories/people/deep/er/file.txt", "y" * 1024)
    files.create("/memories/.hidden", "z")
    files.create("/memories/people/node_modules/x", "z")
    head = "Here're the files and directories up to 2 levels deep in {}, excluding hidden items and node_modules:"
    assert files.view("/memories").splitlines() == [
        head.format("/memories"),
        "2.5K\t/memories",
        "1.5K\t/memories/a.md",
        "1.0K\t/memories/people",
        "1K\t/memories/people/deep",
        "19B\t/memories/people/list.txt",
    ]
    assert files.view("/memories/people/deep/").splitlines() == [
        head.format("/memories/people/deep"),
        "1K\t/memories/people/deep",
        "1K\t/memories/people/deep/er",
        "1K\t/memories/people/deep/er/file.txt",
    ]


def test_the_root_is_there_before_any_file(innie: Session) -> None:
    assert Files(innie).view("/memories").splitlines()[1:] == ["0B\t/memories"]


@pytest.mark.parametrize("path", ["/memories/none", "/memories/people/list", "/memories/people/list.txt/x"])
def test_what_is_not_there_is_said_in_the_documented_words(files: Files, path: str) -> None:
    there = "does not exist. Please provide a valid path."
    for told, wrong in [
        (f"The path {path} {there}", lambda: files.view(path)),
        (f"Error: The path {path} {there}", lambda: files.str_replace(path, "a", "b")),
        (f"Error: The path {path} does not exist", lambda: files.insert(path, 0, "a")),
        (f"Error: The path {path} does not exist", lambda: files.delete(path)),
        (f"Error: The path {path} does not exist", lambda: files.rename(path, "/memories/new")),
    ]:
        with pytest.raises(InputError) as refused:
            wrong()
        assert str(refused.value) == told


def test_a_file_is_created_once(files: Files) -> None:
    assert files.create("/memories/new.md", "x") == "File created successfully at: /memories/new.md"
    for path in ("/memories/new.md", "/memories/people", "/memories/new.md/below", "/memories"):
        with pytest.raises(InputError) as refused:
            files.create(path, "y")
        assert str(refused.value) == f"Error: File {path} already exists"


@pytest.mark.parametrize(
    "content", ["", "\n\n", " \t", "(nothing that can be seen)", "é\u2028\n\r\nx", "\ufeff", "no end"]
)
def test_a_file_has_exactly_what_was_written(files: Files, innie: Session, content: str) -> None:
    files.create("/memories/new", content)
    shown = files.view("/memories/new").split("\n", 1)[1]
    assert "\n".join(line.partition("\t")[2] for line in shown.split("\n")) == content


@pytest.mark.parametrize("content", ["x" * 70_000, "a\0b", "\ud800"])
def test_what_cannot_be_kept_is_refused_with_the_reason(files: Files, content: str) -> None:
    with pytest.raises(InputError, match="the text"):
        files.create("/memories/new", content)
    with pytest.raises(InputError, match="the text"):
        files.str_replace(LIST, "Dylan", content)
    assert "Dylan" in files.view(LIST)


@in_workers
def test_a_text_is_replaced_where_it_is_once(files: Files, innie: Session) -> None:
    done = files.str_replace(LIST, "Dylan\n", "Dylan G.\nBalll\n")
    assert done == (
        "The memory file has been edited.\n     1\tHelly\n     2\tDylan G.\n     3\tBalll\n     4\tIrving\n     5\t"
    )
    assert len(innie.history(next(innie.memories()).id)) == 2
    for old, told in [
        ("Mark", f"No replacement was performed, old_str `Mark` did not appear verbatim in {LIST}."),
        ("", f"No replacement was performed, old_str `` did not appear verbatim in {LIST}."),
        (
            "ll",
            "No replacement was performed. Multiple occurrences of old_str `ll` in lines: 1, 3, 3. "
            "Please ensure it is unique",
        ),
        (
            "l",
            "No replacement was performed. Multiple occurrences of old_str `l` in lines: 1, 1, 2, 3, 3, 3. "
            "Please ensure it is unique",
        ),
    ]:
        with pytest.raises(InputError) as refused:
            files.str_replace(LIST, old, "x")
        assert str(refused.value) == told


@pytest.mark.parametrize(
    ("line", "text", "after"),
    [(0, "Mark", "Mark\na\nb\n"), (1, "Mark\n", "a\nMark\nb\n"), (2, "Mark\n\n", "a\nb\nMark\n\n")],
)
def test_lines_are_put_behind_a_line(files: Files, line: int, text: str, after: str) -> None:
    files.create("/memories/new", "a\nb\n")
    assert files.insert("/memories/new", line, text) == "The file /memories/new has been edited."
    shown = files.view("/memories/new").split("\n")[1:]
    assert "\n".join(each.partition("\t")[2] for each in shown) == after


@pytest.mark.parametrize("line", [-1, 4])
def test_a_line_that_is_none_is_refused(files: Files, line: int) -> None:
    with pytest.raises(InputError) as refused:
        files.insert(LIST, line, "x")
    assert str(refused.value) == (
        f"Error: Invalid `insert_line` parameter: {line}. It should be within the range of lines of the file: [0, 3]"
    )


def test_deleting_a_file_or_a_directory_forgets_what_was_in_it(files: Files, innie: Session) -> None:
    files.create("/memories/people/deep/x", "waffles")
    files.create("/memories/peoples", "goats")
    assert files.delete("/memories/people") == "Successfully deleted /memories/people"
    assert [memory.text for memory in innie.memories()] == ["goats"]
    assert innie.stats()["versions"] == 1
    with pytest.raises(InputError, match="cannot be deleted"):
        files.delete("/memories/")


def test_what_two_delete_at_the_same_time_is_gone(files: Files, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Files(house.cross("mark", "floor"))
    seen = other._at_or_below(LIST)
    monkeypatch.setattr(other, "_at_or_below", lambda _: seen)  # the other looks before the first has deleted
    for each in (files, other):
        assert each.delete(LIST) == f"Successfully deleted {LIST}"


@pytest.mark.parametrize("content", ["", "(nothing that can be seen)", "Helly"])
def test_a_file_that_another_program_amends_has_the_text_that_it_was_given(
    files: Files, innie: Session, content: str
) -> None:
    files.create("/memories/new", content)
    innie.amend(next(innie.memories(thread="/memories/new")).id, "Dylan")
    assert files.view("/memories/new").endswith("     1\tDylan")


def test_renaming_moves_a_file_or_a_directory_with_its_history(files: Files, innie: Session) -> None:
    files.str_replace(LIST, "Dylan", "Burt")
    files.create("/memories/other", "x")
    assert files.rename("/memories/people", "/memories/team/all") == (
        "Successfully renamed /memories/people to /memories/team/all"
    )
    assert "Burt" in files.view("/memories/team/all/list.txt")
    assert len(innie.history(next(innie.memories(thread="/memories/team/all/list.txt")).id)) == 3
    for old, new in [("/memories/other", "/memories/team"), ("/memories/team", "/memories/other")]:
        with pytest.raises(InputError) as refused:
            files.rename(old, new)
        assert str(refused.value) == f"Error: The destination {new} already exists"
    for old, new in [("/memories", "/memories/x"), ("/memories/team", "/memories/team/below")]:
        with pytest.raises(InputError, match="cannot be renamed"):
            files.rename(old, new)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "memories/x",
        "/memoriesx",
        "/memories/../secret",
        "/memories/a/../../b",
        "/memories/./a",
        "/memories//a",
        "/memories/%2e%2e/a",
        "/memories/a%2fb",
        "/memories/a\\..\\b",
        "/memories/a\nb",
        "/etc/passwd",
        "/memories/" + "x" * 600,
        "..",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_by_every_command(files: Files, path: str) -> None:
    tries = [lambda: files.view(path), lambda: files.create(path, "x"), lambda: files.str_replace(path, "a", "b")]
    tries += [lambda: files.insert(path, 0, "x"), lambda: files.delete(path)]
    tries += [lambda: files.rename(path, "/memories/y"), lambda: files.rename(LIST, path)]
    for each in tries:
        with pytest.raises(InputError):
            each()


def test_files_are_found_by_recall_and_other_memories_are_no_files(files: Files, innie: Session) -> None:
    innie.remember("a note", thread="/memories/note")
    with pytest.raises(InputError, match="does not exist"):
        files.view("/memories/note")
    assert any("Helly" in text for text in recalled(innie, "Helly"))


@in_workers
def test_files_of_one_persona_are_not_there_for_another(files: Files, outie: Session) -> None:
    other = Files(outie)
    assert other.view("/memories").splitlines()[1:] == ["0B\t/memories"]
    with pytest.raises(InputError, match="does not exist"):
        other.view(LIST)


def test_of_two_that_create_one_file_at_the_same_time_the_later_stands(
    files: Files, house: House, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Files(house.cross("mark", "floor"))
    with monkeypatch.context() as patched:  # the other looks before the first has written
        patched.setattr(other, "_check_free", lambda *_: None)
        files.create("/memories/both", "first")
        clock.tick()
        other.create("/memories/both", "second")
    assert "second" in files.view("/memories/both")
    assert "second" in other.view("/memories/both")
    files.delete("/memories/both")
    with pytest.raises(InputError, match="does not exist"):
        files.view("/memories/both")


@pytest.mark.parametrize("seed", range(5))
def test_it_does_what_the_sdks_own_tool_does(tool: SeveranceMemoryTool, tmp_path: Path, seed: int) -> None:
    """The same commands to both: the same are refused, and the same files are there in the end."""
    drawn = random.Random(seed)
    own = BetaLocalFilesystemMemoryTool(str(tmp_path))
    paths = [f"/memories/{name}" for name in ("a", "b", "d/x", "d/y", "d")]
    outcomes: list[tuple[bool, bool]] = []
    for _ in range(120):
        command = drawn.choice(["create", "str_replace", "insert", "delete", "rename", "view"])
        path, other = drawn.choice(paths), drawn.choice(paths)
        given: dict[str, Any] = {
            "create": {"file_text": drawn.choice(["one\n", "one\ntwo", "two\n", ""])},
            "str_replace": {"old_str": drawn.choice(["one", "two", "o"]), "new_str": drawn.choice(["two", "", "x\ny"])},
            "insert": {"insert_line": drawn.randrange(3), "insert_text": "one\n"},
        }.get(command, {})
        asked = {
            "command": command,
            **({"old_path": path, "new_path": other} if command == "rename" else {"path": path}),
        }
        if command == "rename" and (path == other or other.startswith(path)):
            continue
        pair = [succeeded(each, asked | given) for each in (tool, own)]
        outcomes.append((pair[0], pair[1]))
        for each in own.memory_root.rglob("*"):  # a directory of ours is there as long as a file is below it
            if each.is_dir() and not any(each.iterdir()):
                each.rmdir()
    assert [ours for ours, _ in outcomes] == [theirs for _, theirs in outcomes]
    assert {True, False} == {ours for ours, _ in outcomes}
    there = {
        f"/memories/{each.relative_to(own.memory_root)}": each for each in own.memory_root.rglob("*") if each.is_file()
    }
    for path in paths:
        if path in there:
            shown = call(tool, "view", path=path).split("\n")[1:]
            ours = "\n".join(line.partition("\t")[2] for line in shown)
            assert ours.rstrip("\n") == there[path].read_text().rstrip("\n")


def succeeded(tool: Any, asked: dict[str, Any]) -> bool:
    try:
        tool.call(asked)
    except (ToolError, OSError):
        return False
    return True


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"command": "format"},
        {"command": "view"},
        {"command": "view", "path": 3},
        {"command": "view", "path": LIST, "view_range": "1-2"},
        {"command": "create", "path": "/memories/x"},
        {"command": "insert", "path": LIST, "insert_line": "1", "insert_text": "x"},
        {"command": "insert", "path": LIST, "insert_line": True, "insert_text": "x"},
        {"command": "rename", "old_path": LIST, "new_path": None},
    ],
)
def test_a_call_of_another_shape_is_answered_as_an_error(tool: SeveranceMemoryTool, given: Any) -> None:
    with pytest.raises(ToolError, match=r"^Error: "):
        tool.call(given)


def test_all_memory_is_cleared_by_the_program(files: Files, tool: SeveranceMemoryTool, innie: Session) -> None:
    innie.remember("a note")
    assert tool.clear_all_memory() == "All memory cleared"
    asyncio.run(SeveranceAsyncMemoryTool(innie).clear_all_memory())
    assert [memory.text for memory in innie.memories()] == ["a note"]


class Claude:
    """Answers the requests of the SDK's real client: what is next in its part; notes what it was sent."""

    def __init__(self, *part: Any) -> None:
        self.part = list(part)
        self.sent: list[dict[str, Any]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(json.loads(request.content))
        said = self.part.pop(0)
        block = {"type": "text", "text": said}
        if isinstance(said, dict):
            block = {"type": "tool_use", "id": f"t{len(self.sent)}", "name": "memory", "input": said}
        answer = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": [block]}
        stop = "tool_use" if isinstance(said, dict) else "end_turn"
        usage = {"input_tokens": 1, "output_tokens": 1}
        return httpx2.Response(200, json=answer | {"stop_reason": stop, "stop_sequence": None, "usage": usage})

    def results(self) -> list[dict[str, Any]]:
        """What the tool has answered."""
        return [block for block in self.sent[-1]["messages"][-1]["content"] if block["type"] == "tool_result"]


def run(claude: Claude, session: Session) -> str:
    client = Anthropic(api_key="x", http_client=httpx2.Client(transport=httpx2.MockTransport(claude)))
    messages: Any = [{"role": "user", "content": "Who is on the list?"}]
    tool = SeveranceMemoryTool(session)
    runner = client.beta.messages.tool_runner(model="claude", max_tokens=99, messages=messages, tools=[tool])
    return str(runner.until_done().content[0].text)


def run_async(claude: Claude, session: Session) -> str:
    async def life() -> str:
        transport = httpx2.MockTransport(claude)
        async with AsyncAnthropic(api_key="x", http_client=httpx2.AsyncClient(transport=transport)) as client:
            messages: Any = [{"role": "user", "content": "Who is on the list?"}]
            tool = SeveranceAsyncMemoryTool(session)
            runner = client.beta.messages.tool_runner(model="claude", max_tokens=99, messages=messages, tools=[tool])
            return str((await runner.until_done()).content[0].text)

    return asyncio.run(life())


@pytest.mark.parametrize("life", [run, run_async])
@in_workers
def test_the_sdks_runner_drives_it(innie: Session, life: Any) -> None:
    claude = Claude(
        {"command": "create", "path": LIST, "file_text": "Helly\n"},
        {"command": "insert", "path": LIST, "insert_line": 1, "insert_text": "Dylan"},
        {"command": "view", "path": LIST},
        "Helly and Dylan.",
    )
    assert life(claude, innie) == "Helly and Dylan."
    assert claude.sent[0]["tools"] == [{"type": "memory_20250818", "name": "memory"}]
    (result,) = claude.results()
    assert "     2\tDylan" in result["content"]
    assert not result.get("is_error")


@pytest.mark.parametrize("life", [run, run_async])
@in_workers
def test_the_model_is_told_what_it_can_mend(innie: Session, life: Any) -> None:
    claude = Claude({"command": "view", "path": "/memories/../x"}, "I see.")
    assert life(claude, innie) == "I see."
    (result,) = claude.results()
    assert (result["content"], result["is_error"]) == ("Error: The path /memories/../x is not one in /memories", True)


@pytest.mark.parametrize("life", [run, run_async])
@pytest.mark.filterwarnings("ignore")
@in_workers
def test_a_session_that_sleeps_ends_the_run(innie: Session, life: Any) -> None:
    innie.sleep()
    claude = Claude({"command": "view", "path": "/memories"}, *["never"] * 3)
    with pytest.raises(AsleepError, match="cross again"):
        life(claude, innie)
    assert len(claude.sent) == 1


def test_the_options_of_the_sdks_class_are_sent(innie: Session) -> None:
    for kind in (SeveranceMemoryTool, SeveranceAsyncMemoryTool):
        tool = kind(innie, cache_control={"type": "ephemeral"})
        assert tool.to_dict() == {"type": "memory_20250818", "name": "memory", "cache_control": {"type": "ephemeral"}}
