"""Which memory is meant, and one sentence where there is none."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from severance.barrier.findings import Tally, Verdict
from severance.barrier.peers.classes import LEAKS
from severance.barrier.peers.remote import Limits
from severance.barrier.peers.run import parts_against
from severance.barrier.peers.targets import KNOWN, Target, target_of
from severance.barrier.run import verdict_of
from severance.barrier.scene import Scene, Skipped
from severance.errors import InputError

SMALL = """
from severance.barrier.peers.port import Found

class Small:
    def __init__(self, folder):
        self.texts = []

    def add(self, tenant, text):
        self.texts.append(text)
        return "1"

    def list(self, tenant):
        return [Found("1", text) for text in self.texts]

number = 7
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "small.py"
    file.write_text(SMALL, encoding="utf-8")
    return file


def test_a_file_a_module_and_a_name_are_adapters(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert target_of(f"{file}:Small") == Target(f"{file}:Small", str(file), "Small")
    monkeypatch.chdir(tmp_path)
    assert target_of("small.py:Small").where == str(file)
    assert target_of("small:Small") == Target("small:Small", "small", "Small")
    assert target_of("severance") is KNOWN["severance"]
    assert set(KNOWN["severance"].versions) == {"severance"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "there is no adapter called nothing; name one of severance, mem0, "),
        ("small.py", "the adapter's class is missing; name it as small.py:CLASS"),
        ("", "there is no adapter called nothing; name one of "),
        ("small.py:", "there is no adapter called small.py:; name one of "),
        ("small.py:a b", "there is no adapter called small.py:a b; name one of "),
        ("gone.py:Small", "there is no file gone.py with an adapter in it"),
        ("a b:Small", "a b is neither a Python file nor a module; name the adapter as FILE.py:CLASS"),
        (
            "small.py:Large",
            "the adapter small.py:Large cannot be used: there is no class Large in it; docs/how-to/",
        ),
        ("small.py:number", "the adapter small.py:number cannot be used: it is not a class; docs/how-to/"),
        ("no.such.module:A", "the adapter no.such.module:A cannot be used: ModuleNotFoundError: No module named 'no'"),
        ("broken.py:A", "the adapter broken.py:A cannot be used: SyntaxError: "),
        ("needy.py:A", "the adapter needy.py:A cannot be used: ModuleNotFoundError: No module named 'needed_memory'"),
        ("exits.py:A", "the adapter exits.py:A cannot be used: it ended its process (exit code 4) in its import"),
    ],
)
def test_what_is_no_adapter_is_said_in_one_sentence(
    text: str, said: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("class A:\n  x =\n")
    (tmp_path / "needy.py").write_text("import needed_memory\n")
    (tmp_path / "exits.py").write_text("import os\nos._exit(4)\n")
    with pytest.raises(InputError) as caught:
        target_of(text)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_an_import_that_never_ends_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "slow.py"
    file.write_text("import time\ntime.sleep(10_000)\n")
    with pytest.raises(InputError, match=r"cannot be used: it gave no answer within 1 seconds to its import"):
        target_of(f"{file}:A", Limits(start=1))


@pytest.mark.parametrize("name", sorted(set(KNOWN) - {"severance"}))
def test_a_memory_that_is_not_installed_is_named_with_how_to_install_it(name: str) -> None:
    target = KNOWN[name]
    if all(find_spec(module.partition(".")[0]) for module in target.needs):
        pytest.skip("it is installed here")
    with pytest.raises(InputError) as caught:
        target_of(name)
    assert str(caught.value) == f"{name} is not installed here; run `pip install {' '.join(target.packages)}`"


def test_there_is_a_part_for_each_class_with_its_control(file: Path, tmp_path: Path) -> None:
    parts = parts_against(f"{file}:Small")
    assert [part.name for part in parts] == [f"leak.{leak.slug}" for leak in LEAKS]
    tally = Tally()
    parts[2].run(Scene(tmp_path / "scratch", 1, lambda _: False), tally)
    assert tally.control is not None
    assert tally.control.works
    assert verdict_of(tally) is Verdict.BROKEN


def test_a_class_without_the_calls_that_it_needs_is_skipped(tmp_path: Path, file: Path) -> None:
    file.write_text(SMALL.replace("for text in self.texts", "for text in self.texts if tenant in text"))
    [part] = [part for part in parts_against(f"{file}:Small") if part.name == "leak.id"]
    file.write_text(
        SMALL.replace("append(text)", "append((tenant, text))").replace(
            "for text in self.texts", "for who, text in self.texts if who == tenant"
        )
    )
    with pytest.raises(Skipped, match="none of the calls"):
        part.run(Scene(tmp_path / "scratch", 1, lambda _: False), Tally())
