"""Every example in the documentation, run as a reader would run it."""

from __future__ import annotations

import gc
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from docs.runner import ROOT, ExampleError, adapters_of, blocks, matches, needs_shell, run_page
from kit.frameworks import installed, missing

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_RUNS = {"python", "console"}
_SHOWN_ONLY = {"", "text", "json", "sql", "toml", "yaml", "ini"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    languages = {block.language for block in blocks(page)}
    assert languages <= _RUNS | _SHOWN_ONLY, "a block that looks like an example would not be run"
    if not languages & _RUNS:
        return
    if sys.platform == "win32" and needs_shell(page):
        pytest.skip("this page's commands are for a POSIX shell")
    needed = adapters_of(page)
    for adapter in needed:
        if not installed(adapter):
            pytest.skip(missing(adapter))
    with warnings.catch_warnings():
        if needed:
            warnings.simplefilter("ignore")  # what frameworks warn of is their own affair
        run_page(page, tmp_path)
        if needed:
            gc.collect()


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX environment")
def test_the_readme_lets_a_client_remember_on_a_machine_without_a_keychain(tmp_path: Path) -> None:
    (written,) = (block.text for block in blocks(ROOT / "README.md") if "integrate claude-code" in block.text)
    install, *commands = written.splitlines()
    assert install == ".venv/bin/python -m pip install --editable '.[mcp]'", "the tests have what it installs"
    assert all(command.startswith(".venv/bin/severance ") for command in commands)
    lines = [f"$ {command.removeprefix('.venv/bin/')}" for command in commands]
    lines[-1] += " --yes"
    page = tmp_path / "page.md"
    page.write_text("\n".join(["```console", *lines, "$ severance integrate claude-code --check", "```", ""]), "utf-8")
    run_page(page, tmp_path)
    assert (tmp_path / "home" / "severance.key").is_file()


@pytest.mark.parametrize(
    ("expected", "shown", "same"),
    [
        (("a",), "a\n\n", True),
        (("a",), "a b\n", False),
        (("a ... c",), "a b c\n", True),
        (("a", "..."), "a\nb\nc\n", True),
        (("a", "...", "z"), "a\nz\n", True),
        (("a", "...", "z"), "a\nb\n", False),
        (("(x+)",), "(x+)  \n", True),
    ],
)
def test_output_is_compared(expected: tuple[str, ...], shown: str, same: bool) -> None:
    assert matches(expected, shown) is same


@pytest.mark.parametrize(
    "page",
    [
        "```python\nassert 1 == 2\n```\n",
        "```console\n$ python -c 'raise SystemExit(3)'\n```\n",
        "```console\n$ python -c 'raise SystemExit(3)'\n$ echo $?\n4\n```\n",
        "```console\n$ python -c 'print(1)'\n2\n```\n",
        "```python\nx = 1\n",
    ],
)
def test_an_example_that_is_wrong_fails(page: str, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(page, encoding="utf-8")
    with pytest.raises((ExampleError, AssertionError)):
        run_page(file, tmp_path)


def test_an_example_that_is_right_passes(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "```python\nx = 1\n```\n```console\n$ export A_B=7\n$ python -c 'import os; print(os.environ[\"A_B\"], 1)'\n"
        "7 ...\n$ python -c 'raise SystemExit(3)'\n$ echo $?\n3\n```\n",
        encoding="utf-8",
    )
    assert run_page(file, tmp_path)["x"] == 1


def test_a_block_can_be_saved_for_the_commands_below(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "<!-- examples: save as a.py -->\n```python\nx = 1\n```\n```console\n$ python a.py\n```\n", encoding="utf-8"
    )
    run_page(file, tmp_path)
    assert [saved.read_text(encoding="utf-8") for saved in tmp_path.rglob("a.py")] == ["x = 1\n"]


def test_the_adapter_of_the_how_to_is_the_one_in_the_examples() -> None:
    saved = [block.text for block in blocks(ROOT / "docs/how-to/try-another-memory.md") if block.file]
    assert saved == [(ROOT / "docs/examples/notebook_peer.py").read_text(encoding="utf-8")]
