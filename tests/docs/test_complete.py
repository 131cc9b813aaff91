"""The documentation says everything that there is, and nothing that is not."""

from __future__ import annotations

import inspect
import re
import runpy
import unicodedata
from typing import TYPE_CHECKING

import pytest

import severance
from docs.runner import ROOT
from severance import errors
from severance.cli import exits
from severance.cli.surface import names
from severance.transfer import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCS = ROOT / "docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "changelog.d").glob("*.md")),
]
COMMANDS = names()

# The words of the design; one that is not there yet is under "To come".
WORDS = """
subject persona place threshold cross permit session space commons floor vault mind chip memory recollection letter gate
override refine temper block reintegrate retire barrier witness
"""

_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+)\)")
_FENCED = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1\s*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"severance(?: +--?[a-z-]+ +[^\s`-][^\s`]*)* +([a-z]+(?: [a-z]+)?)")
_FRAGMENT = re.compile(r"\d{4}-[a-z0-9-]+\.(added|changed|fixed|removed|security)\.md")


def _text(*parts: str) -> str:
    return DOCS.joinpath(*parts).read_text(encoding="utf-8")


def _links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
            if not re.match(r"[a-z]+:", target):
                yield page, target


def _anchors(page: Path) -> set[str]:
    """What GitHub calls the headings: lower case, blanks as hyphens, other signs left out, repeats counted."""
    found: dict[str, int] = {}
    outside = re.sub(
        r"^(`{3,})[^\n]*\n.*?^\1\s*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    anchors = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", outside, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = "".join(char for char in plain if char in " -_" or unicodedata.category(char)[0] in "LN").replace(
            " ", "-"
        )
        count = found.get(slug, 0)
        found[slug] = count + 1
        anchors.add(f"{slug}-{count}" if count else slug)
    return anchors


@pytest.mark.parametrize(("page", "target"), list(_links()), ids=lambda part: str(part).removeprefix(f"{ROOT}/"))
def test_links_lead_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    assert there.exists(), f"{page.name} links to {target}"
    if anchor:
        assert anchor in _anchors(there), f"{there.name} has no heading #{anchor}"


def test_every_page_can_be_reached_from_the_first() -> None:
    index = DOCS / "index.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for page, target in _links() if page == index}
    assert set(DOCS.rglob("*.md")) - {index} <= linked


def test_every_command_is_in_the_reference() -> None:
    reference = _text("reference", "cli.md")
    assert [name for name in COMMANDS if not re.search(rf"severance {name}\b", reference)] == []


def test_every_command_is_used_in_a_tutorial_or_how_to() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "tutorial.md", *DOCS.glob("how-to/*.md")))
    used = set(_COMMAND.findall(pages))
    used |= {words.partition(" ")[0] for words in used}
    assert set(COMMANDS) - used == set()


def test_every_format_is_in_the_how_to() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", _text("how-to", "import-and-export.md"), re.MULTILINE)) == set(FORMATS)


def test_the_library_reference_is_what_the_docstrings_say() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))["library"]()
    assert _text("reference", "library.md") == made, "run `python docs/generate.py`"


def test_every_public_name_is_in_the_reference() -> None:
    reference = _text("reference", "library.md")
    assert [name for name in severance.__all__ if not re.search(rf"\b{name}\b", reference)] == []


@pytest.mark.parametrize("word", [*WORDS.split(), "house", "store", "record", "salvage"])
def test_every_word_is_in_the_glossary(word: str) -> None:
    rows = re.findall(r"^\| ([a-z, ]+) \|", _text("glossary.md"), re.MULTILINE)
    assert word in {each.strip() for row in rows for each in row.split(",")}


def test_every_error_is_in_the_reference_with_its_exit_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", _text("reference", "errors-and-exit-codes.md"), re.MULTILINE))
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.SeveranceError)]
    assert rows == {kind.__name__: str(exits.code_of(kind("no message"))) for kind in kinds}


def test_every_exit_code_is_in_the_reference() -> None:
    rows = re.findall(r"^\| (\d+) \|", _text("reference", "errors-and-exit-codes.md"), re.MULTILINE)
    assert [int(code) for code in rows] == sorted(exits.EXPLAINED)


def test_every_variable_is_in_the_reference() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r"\bSEVERANCE_[A-Z_]+\b", sources))
    assert set(re.findall(r"^\| (SEVERANCE_\w+) \|", _text("reference", "environment.md"), re.MULTILINE)) == read


def test_changelog_fragments_have_names_that_sort_and_tell() -> None:
    names = [file.name for file in (ROOT / "changelog.d").iterdir() if file.name != "README.md"]
    assert names
    assert [name for name in names if not _FRAGMENT.fullmatch(name)] == []
