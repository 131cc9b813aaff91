"""What the adapters share: a framework that is not there is told in one sentence, and its import stays in one file."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kit.frameworks import ADAPTERS, PINS, framework, installed, pinned
from severance import InputError, SeveranceError
from severance.integrations import frame
from severance.integrations.values import readable, words, written

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "severance"
WITHOUT = """
import sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r} or name.startswith({module!r} + "."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Gone())
import severance

try:
    import severance.integrations.{adapter}
except severance.InputError as told:
    assert isinstance(told, ImportError)
    print(told)
"""


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_without_its_framework_says_which_extra_brings_it(adapter: str) -> None:
    wanted = ADAPTERS[adapter]
    program = WITHOUT.format(module=wanted.module, adapter=adapter)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    told = f"{wanted.module} is not installed; install it with `pip install severance[{wanted.extra}]`"
    assert done.stdout.strip() == told


def test_every_adapter_is_in_the_table_of_the_tests() -> None:
    assert adapters() == set(ADAPTERS)


def test_no_adapter_takes_the_name_of_a_subject_a_persona_or_a_place() -> None:
    found = {
        f"{name}.{function.name}"
        for name in adapters() | {"tools"}
        for function in ast.walk(ast.parse((SOURCES / "integrations" / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)) and not function.name.startswith("_")
        for given in (*function.args.args, *function.args.kwonlyargs)
        if given.arg in ("subject", "persona", "place", "credential", "permit", "house", "store")
    }
    assert found == set()


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_has_an_extra_pins_and_a_page(adapter: str) -> None:
    wanted = ADAPTERS[adapter]
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert [each.partition(">=")[0] for each in extras[wanted.extra]] == [wanted.distribution]
    assert [name.stem for name in PINS.glob("*.txt") if wanted.distribution in pinned(name.stem)] != []
    pages = [page.read_text() for page in (ROOT / "docs" / "how-to" / "frameworks").glob("*.md")]
    assert any(f"<!-- examples: need {adapter} -->" in page for page in pages)


def test_a_framework_is_imported_in_its_own_adapter_and_nowhere_else() -> None:
    elsewhere = {
        file.relative_to(SOURCES).as_posix()
        for file in SOURCES.rglob("*.py")
        for wanted in ADAPTERS.values()
        if any(name == wanted.module or name.startswith(f"{wanted.module}.") for name in _imported(file))
    }
    assert elsewhere - {f"integrations/{name}.py" for name in ADAPTERS} == {"barrier/peers/adapters/langgraph.py"}


def test_a_framework_of_another_version_is_told_as_that() -> None:
    with pytest.raises(InputError, match="is installed and is not the version"), frame.framework("json", "thing"):
        from json import nothing_of_that_name  # type: ignore[attr-defined]  # noqa: F401, PLC0415
    with pytest.raises(InputError, match="is installed and is not the version"), frame.framework("json", "thing"):
        import json.nothing_of_that_name  # noqa: F401, PLC0415


def test_what_is_pinned_here_and_missing_fails_and_is_not_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.frameworks.find_spec", lambda _: None)
    monkeypatch.delenv("FRAMEWORKS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="langgraph is not installed here"), framework("langgraph"):
        pass
    monkeypatch.setenv("FRAMEWORKS", "most")
    with pytest.raises(AssertionError, match="pinned, and not installed"):
        installed("langgraph")
    assert not installed("crewai")


def test_every_error_is_either_the_models_or_ends_the_run() -> None:
    assert {kind.__name__ for kind in frame.MENDABLE} == {"InputError", "NotFoundError", "PermitError"}
    assert all(issubclass(kind, SeveranceError) for kind in frame.MENDABLE)


@pytest.mark.parametrize("value", [{"b": 1, "a": [None, True, 1.5, "\0 \ud800 é"]}, [], "", 0])
def test_a_value_is_written_as_json_that_can_be_kept(value: object) -> None:
    text = written(value)
    assert ast.literal_eval(text.replace("null", "None").replace("true", "True")) == value
    assert "\0" not in text
    text.encode()


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": object()}, {1, 2}, b"raw"])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="not JSON"):
        written(value)


def test_the_words_of_a_value_are_what_a_person_would_read_in_it() -> None:
    value = {
        "text": "Waffles",
        "n": 3,
        "yes": True,
        "none": None,
        "tags": ["a", {"deep": "b", "id": "x"}],
        "blank": " ",
    }
    assert words(value, frozenset({"id"})) == "Waffles\n3\na\nb"
    assert readable("a\0b \ud800", "else") == "a b ?"
    assert readable("\0 \n", "else") == "else"


def adapters() -> set[str]:
    """The files that import a framework."""
    files = (SOURCES / "integrations").glob("*.py")
    return {file.stem for file in files if "\nwith framework(" in file.read_text(encoding="utf-8")}


def _imported(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {str(node.module), *(f"{node.module}.{name.name}" for name in node.names)}
    return found
