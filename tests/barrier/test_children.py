"""What the barrier starts: nothing from the current folder, nothing of the user's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from severance.barrier import children
from severance.barrier.traces.crew import lanes

HOSTILE = "import os, pathlib\npathlib.Path(os.environ.get('CAUGHT', {caught!r})).touch()\n"
NAMES = ("severance/__init__.py", "msgspec.py", "json/__init__.py", "multiprocessing/__init__.py", "encodings/idna.py")
SECRETS = ("SEVERANCE_KEY", "SEVERANCE_DEBUG", "AWS_SECRET_ACCESS_KEY", "PYTHONSTARTUP", "PYTHONINSPECT", "LD_PRELOAD")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder with modules that shadow what is needed, and that leave a file beside it when they are run."""
    folder = tmp_path / "hostile"
    for name in NAMES:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(HOSTILE.format(caught=str(tmp_path / "caught")), encoding="utf-8")
    return folder


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "relative", os.path.abspath(os.sep)]))  # noqa: PTH100


def environment_of(_: object) -> tuple[dict[str, str], list[str]]:
    """That of the process in which it is called, and where this looks for modules."""
    return dict(os.environ), sys.path


def test_a_child_gets_a_home_and_nothing_of_the_users(tmp_path: Path, secrets: None) -> None:
    found = children.environment(tmp_path / "new")
    assert set(SECRETS) & set(found) == set()
    assert found["PYTHONPATH"] == os.path.abspath(os.sep)  # noqa: PTH100
    assert found["HOME"] == str(tmp_path / "new" / "home")
    assert {found[name] for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")} == {str(tmp_path / "new" / "tmp")}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["home", "tmp"]
    assert found["PATH"] == os.environ["PATH"]


def test_a_child_runs_nothing_of_the_current_folder(hostile: Path, tmp_path: Path) -> None:
    show = "import json, sys; print(json.dumps(sys.path))"
    plain = [sys.executable, "-m", "json.tool", "-h"]
    subprocess.run(plain, cwd=hostile, capture_output=True, check=False)
    assert (tmp_path / "caught").exists(), "the folder is hostile"
    (tmp_path / "caught").unlink()
    around = children.environment(tmp_path)
    done = subprocess.run(
        children.command("json.tool", "-h"), cwd=hostile, env=around, capture_output=True, check=False
    )
    assert done.returncode == 0
    told = subprocess.run([sys.executable, "-c", show], cwd=hostile, env=around, capture_output=True, check=True)
    assert "" not in json.loads(told.stdout), "what it starts itself is as careful"
    assert not (tmp_path / "caught").exists()


def test_within_a_shelter_the_environment_is_a_childs_and_afterwards_as_before(secrets: None) -> None:
    before = dict(os.environ)
    within: dict[str, str] = {}
    with suppress(KeyError), children.sheltered():
        within |= os.environ
        raise KeyError
    assert dict(os.environ) == before
    assert set(SECRETS) & set(within) == set()
    assert within["PYTHONSAFEPATH"] == "1"
    assert {name: within.get(name) for name in ("HOME", "TMPDIR")} == {
        name: before.get(name) for name in ("HOME", "TMPDIR")
    }


def test_lanes_run_nothing_of_the_current_folder_and_know_no_key(hostile: Path, tmp_path: Path) -> None:
    program = (
        "import json\n"
        "from contextlib import closing\n"
        "from barrier.test_children import environment_of\n"
        "from severance.barrier.traces.crew import lanes\n"
        "if __name__ == '__main__':\n"
        "    with closing(lanes([environment_of], [1], jobs=1)) as made:\n"
        "        print(json.dumps(next(made)[1][0]))\n"
    )
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    searched = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, "PYTHONPATH": searched.rstrip(os.pathsep), "SEVERANCE_KEY": "secret"}
    command = [sys.executable, str(tmp_path / "program.py")]
    done = subprocess.run(command, cwd=hostile, env=environ, capture_output=True, check=True, timeout=600)
    around, folders = json.loads(done.stdout)
    assert "SEVERANCE_KEY" not in around
    assert not {"", str(hostile)} & set(folders)
    assert not (tmp_path / "caught").exists()


def test_lanes_work_where_the_shelter_is() -> None:
    with closing(lanes([environment_of], [1, 2], jobs=1)) as made:
        assert [item for item, _ in made] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    [  # the others start nothing, or lanes, which have a test of their own
        ("--no-store", "--for", "2s", "--only", "residue", "--only", "durability"),
        ("--no-store", "--for", "20s", "--only", "suite"),  # time enough for its commands, which come last
        ("--for", "2s", "--against", "severance", "--only", "leak.id"),
    ],
)
def test_no_part_runs_anything_of_the_current_folder(parts: tuple[str, ...], hostile: Path, tmp_path: Path) -> None:
    """The console script, with its key in the environment, in a folder that somebody else has made."""
    words = ["barrier", "--seed", "1", "--json", "--scratch", str(tmp_path), *parts]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"SEVERANCE_KEY": "A" * 43 + "=", "CAUGHT": str(tmp_path / "caught"), "HOME": str(tmp_path)}
    script = Path(sys.executable).with_name("severance")
    done = subprocess.run(
        [str(script), *words], cwd=hostile, env=environ, capture_output=True, check=False, timeout=600
    )
    outcomes = json.loads(done.stdout)["outcomes"]
    assert not (tmp_path / "caught").exists()
    assert [outcome["name"] for outcome in outcomes if outcome["verdict"] in ("broken", "inconclusive")] == []
