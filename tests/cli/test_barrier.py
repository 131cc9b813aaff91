"""`severance barrier` at the command line: what it takes, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from severance.barrier import parts
from severance.barrier.findings import Control, Tally
from severance.barrier.reports import document, page, suite
from severance.barrier.scene import Part, Scene
from severance.errors import StoreError

from .conftest import Ran, Run, command

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX")
REAL = ("barrier", "--no-store", "--only", "doors", "--for", "1s")
ONLY_TOYS = ("barrier", "--no-store")


def _holds(scene: Scene, tally: Tally) -> None:
    tally.held(2)
    tally.control = Control("planted", 1, 1)


def _breaks(scene: Scene, tally: Tally) -> None:
    _holds(scene, tally)
    tally.broke("here it crossed")


def _fails(scene: Scene, tally: Tally) -> None:
    raise StoreError("the disk is gone")


def _stops(scene: Scene, tally: Tally) -> None:
    _holds(scene, tally)
    raise KeyboardInterrupt


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts toys in the place of all parts."""

    def putting(*works: Callable[[Scene, Tally], None]) -> None:
        made = tuple(Part(f"toy.{work.__name__[1:]}", "A toy", "P1", "trials", "Mend it.", work) for work in works)
        monkeypatch.setattr(parts, "of_severance", lambda *given: made)

    return putting


def _one_sentence(ended: Ran, code: int, *said: str) -> None:
    assert (ended.code, ended.out) == (code, ""), ended.err
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("severance: ")
    for part in said:
        assert part in ended.err


@pytest.mark.parametrize(
    ("works", "code", "last"),
    [
        ((_holds,), 0, "Nothing crossed"),
        ((_holds, _breaks, _fails), 5, "Something crossed in 1 of 3 parts"),
        ((_holds, _fails), 6, "No conclusion: 1 of 2 parts"),
        ((), 6, "No conclusion: nothing was tried"),
    ],
)
def test_the_exit_code_says_what_was_found(
    run: Run, toys: Callable[..., None], works: tuple[Callable[[Scene, Tally], None], ...], code: int, last: str
) -> None:
    toys(*works)
    ended = run(*ONLY_TOYS)
    assert (ended.code, ended.err) == (code, "")
    assert ended.out.splitlines()[-1].startswith(last)
    assert run(*ONLY_TOYS, "--json").code == code


def test_ctrl_c_prints_and_writes_what_was_counted(run: Run, toys: Callable[..., None], tmp_path: Path) -> None:
    toys(_holds, _stops, _holds)
    file = tmp_path / "r.json"
    ended = run(*ONLY_TOYS, "--report", str(file))
    assert (ended.code, ended.err) == (130, "severance: interrupted\n")
    assert [line.split("  ")[0] for line in ended.out.splitlines()[1:4]] == ["held", "held", "not tried"]
    assert json.loads(file.read_text())["stopped"] is True
    as_json = run(*ONLY_TOYS, "--json")
    assert (as_json.code, as_json.json["stopped"], as_json.error["kind"]) == (130, True, "Interrupted")


def test_every_form_is_written(run: Run, toys: Callable[..., None], tmp_path: Path) -> None:
    toys(_holds, _breaks)
    files = {name: tmp_path / f"r.{name}" for name in ("html", "junit", "report")}
    words = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    for _ in range(2):  # an earlier report may be replaced
        assert run(*ONLY_TOYS, *words, "--seed", "7").code == 5
        assert "here it crossed" in files["html"].read_text(encoding="utf-8")
        assert ET.parse(files["junit"]).getroot().get("failures") == "1"
        assert json.loads(files["report"].read_text(encoding="utf-8"))["seed"] == 7
    assert sorted(path.name for path in tmp_path.glob("r.*")) == ["r.html", "r.junit", "r.report"]


def test_the_command_in_the_report_repeats_it_and_names_no_path(
    run: Run, toys: Callable[..., None], tmp_path: Path
) -> None:
    toys(_holds)
    words = (*ONLY_TOYS, "--only", "toy", "--for", "5s", "--scratch", str(tmp_path))
    first = run(*words, "--json").json
    assert first["command"] == f"severance barrier --quick --for 5s --only toy --no-store --seed {first['seed']}"
    again = run(*first["command"].split()[1:], "--json").json
    assert (again["seed"], again["outcomes"][0]["name"]) == (first["seed"], "toy.holds")
    assert str(tmp_path) not in json.dumps(first)


def test_two_runs_have_different_seeds_and_a_named_one_is_used(run: Run, toys: Callable[..., None]) -> None:
    toys(_holds)
    seeds = {run(*ONLY_TOYS, "--json").json["seed"] for _ in range(3)}
    assert len(seeds) == 3
    assert run(*ONLY_TOYS, "--json", "--seed", "0").json["seed"] == 0


def test_full_is_deep_and_longer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, int]] = []

    def looks(scene: Scene, tally: Tally) -> None:
        seen.append((scene.deep, scene.jobs))
        _holds(scene, tally)

    monkeypatch.setattr(parts, "of_severance", lambda *given: [Part("toy", "A toy", "P1", "trials", "", looks)])
    assert run(*ONLY_TOYS, "--full", "--jobs", "3", "--json").json["mode"] == "full"
    run(*ONLY_TOYS, "--quick", "--jobs", "1")
    assert seen == [(True, 3), (False, 1)]


def test_the_list_names_the_parts_and_tries_nothing(run: Run, toys: Callable[..., None]) -> None:
    toys(_stops, _breaks)
    ended = run("barrier", "--list")
    assert (ended.code, ended.err) == (0, "")
    for name in ("store.own", "toy.stops", "toy.breaks"):
        assert name in ended.out
    assert [part["name"] for part in run("barrier", "--list", "--only", "toy.b", "--json").json["parts"]] == [
        "toy.breaks"
    ]
    assert "leak." in run("barrier", "--against", "severance", "--list").out


def test_only_takes_names_and_beginnings(run: Run, toys: Callable[..., None]) -> None:
    toys(_holds, _breaks)
    tried = run(*ONLY_TOYS, "--only", "toy.h", "--json").json
    assert [outcome["name"] for outcome in tried["outcomes"]] == ["toy.holds"]
    assert "1 of 2 parts, which --only left out." in tried["not_covered"]
    for name in ("nothing", "", "oy"):
        _one_sentence(run(*ONLY_TOYS, "--only", name), 2, "--list")


def test_every_part_has_a_name_of_its_own(run: Run) -> None:
    names = [part.name for part in parts.of_severance()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("time", ["0", "-1", "0s", "10", "s", "1d", "1.5h", "", "٣s", "9" * 5_000 + "s", " 1s"])
def test_a_time_that_is_none(run: Run, time: str) -> None:
    _one_sentence(run("barrier", "--for", time), 2, "30m")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--quick", "--full"), "exclude"),
        (("--seed", "x"), "--seed"),
        (("--seed", "-1"), "--seed"),
        (("--seed", "9" * 5_000), "--seed"),
        (("--jobs", "0"), "--jobs"),
        (("--jobs", "many"), "--jobs"),
        (("--data", "nothing"), "KIND=FILE"),
        (("--data", "=x"), "KIND=FILE"),
        (("--data", "novel=x"), "locomo"),
        (("--data", "locomo=/none/at/all"), ""),
        (("--data", "locomo=."), "folder"),
        (("--data", "locomo=a", "--data", "locomo=b"), "twice"),
        (("--against", "nothing"), "mem0"),
        (("--against", ""), "FILE.py:CLASS"),
        (("--against", "severance", "--data", "locomo=x"), "--data"),
        (("--key", "nonsense"), "file:PATH"),
        (("--store", ""), "--store"),
        (("--scratch", "/none/at/all", "--only", "doors", "--no-store"), "--scratch"),
        (("--scratch", ""), "--scratch is empty"),
        (("--html", ""), "--html is empty"),
        (("--junit", ""), "--junit is empty"),
        (("--report", ""), "--report is empty"),
        (("--against", "severance", "--store", "x"), "--store is for Severance itself"),
        (("--against", "severance", "--key", "env"), "--key is for Severance itself"),
        (("--no-store", "--store", "x"), "--no-store and --store exclude one another"),
        (("--no-store", "--key", "env"), "--no-store and --key exclude one another"),
        (("--bogus",), "--bogus"),
        (("word",), "arguments"),
    ],
)
def test_nonsense_is_one_sentence(run: Run, words: tuple[str, ...], said: str) -> None:
    _one_sentence(run("barrier", *words), 2, said)


@pytest.mark.parametrize("option", ["--store", "--key"])
@pytest.mark.parametrize("without", [("--no-store",), ("--against", "severance")])
def test_an_option_before_the_command_that_would_be_ignored_is_refused(
    run: Run, toys: Callable[..., None], option: str, without: tuple[str, ...]
) -> None:
    toys(_holds)
    _one_sentence(run(option, "env", "barrier", *without), 2, option)
    assert run("barrier", "--list", *without).code == 0, "what the environment names was not named for this run"


def test_a_store_that_is_a_file(run: Run, tmp_path: Path, toys: Callable[..., None]) -> None:
    toys(_holds)
    (tmp_path / "store").write_text("mine")
    _one_sentence(run("barrier"), 2, "is a file")
    assert run("barrier", "--no-store").code == 0


@pytest.mark.parametrize("option", ["--html", "--junit", "--report"])
def test_a_report_that_cannot_be_written_is_refused_before_the_run(
    run: Run, tmp_path: Path, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: object, **named: object) -> None:
        raise AssertionError("it ran")

    monkeypatch.setattr("severance.cli.barrier.perform", never)
    (tmp_path / "thesis").write_text("mine")
    for name in ("none/r.html", "", "thesis", "thesis/r.html", "x" * 300):
        _one_sentence(run(*ONLY_TOYS, option, str(tmp_path / name)), 2)
    assert (tmp_path / "thesis").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "thesis"]


@posix
def test_a_report_is_no_device_and_no_link(run: Run, tmp_path: Path, toys: Callable[..., None]) -> None:
    toys(_holds)
    _one_sentence(run(*ONLY_TOYS, "--html", os.devnull), 2, "is not a file")
    os.mkfifo(tmp_path / "pipe")
    _one_sentence(run(*ONLY_TOYS, "--html", str(tmp_path / "pipe")), 2, "is not a file")
    (tmp_path / "empty").touch()
    (tmp_path / "thesis").write_text("mine")
    for name in ("none", "empty", "thesis", "link"):
        (tmp_path / "link").unlink(missing_ok=True)
        (tmp_path / "link").symlink_to(tmp_path / name)
        _one_sentence(run(*ONLY_TOYS, "--html", str(tmp_path / "link")), 2, "is a link")
        assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "none").exists()
    assert (tmp_path / "thesis").read_text() == "mine"


@posix
def test_nothing_is_written_through_a_link_even_to_an_earlier_report(
    run: Run, tmp_path: Path, toys: Callable[..., None]
) -> None:
    """Somebody else may have made the link. Folders on the way may be links."""
    toys(_holds)
    real, link = tmp_path / "real", tmp_path / "link"
    assert run(*ONLY_TOYS, "--html", str(real)).code == 0
    before = real.read_bytes()
    link.symlink_to(real)
    _one_sentence(run(*ONLY_TOYS, "--html", str(link), "--seed", "5"), 2, "is a link")
    assert (link.is_symlink(), real.read_bytes()) == (True, before)
    (tmp_path / "folder").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "folder")
    assert run(*ONLY_TOYS, "--html", str(tmp_path / "way" / "r")).code == 0
    assert (tmp_path / "folder" / "r").exists()


@posix
@pytest.mark.parametrize("linked", [False, True])
def test_what_has_come_to_the_name_meanwhile_is_not_replaced(
    run: Run, tmp_path: Path, toys: Callable[..., None], linked: bool
) -> None:
    thesis, file = tmp_path / "thesis", tmp_path / "r.html"
    thesis.write_text("mine")

    def _comes(scene: Scene, tally: Tally) -> None:
        _holds(scene, tally)
        if linked:
            file.symlink_to(thesis)
        else:
            file.write_text("mine")

    toys(_comes)
    ended = run(*ONLY_TOYS, "--html", str(file))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert (thesis.read_text(), file.read_text(), file.is_symlink()) == ("mine", "mine", linked)
    assert not list(tmp_path.glob("*.part-*"))


def test_an_earlier_report_does_not_outlive_a_run_that_fails_before_it_can_report(
    run: Run, tmp_path: Path, toys: Callable[..., None]
) -> None:
    toys(_holds)
    file = tmp_path / "r.xml"
    assert run(*ONLY_TOYS, "--junit", str(file)).code == 0
    assert file.exists()
    _one_sentence(run("barrier", "--no-store", "--against", "none", "--junit", str(file)), 2, "no adapter")
    assert not file.exists()


def test_one_file_for_two_reports_is_refused(run: Run, tmp_path: Path) -> None:
    file = str(tmp_path / "r")
    _one_sentence(run(*ONLY_TOYS, "--html", file, "--junit", file), 2, "same file")


def test_a_disk_that_fills_up_costs_one_file_and_not_the_report(
    run: Run, tmp_path: Path, toys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys(_holds)
    synced = os.fsync

    def full(descriptor: int) -> None:
        if not (tmp_path / "r.html").exists():
            synced(descriptor)
            return
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ended = run(*ONLY_TOYS, "--html", str(tmp_path / "r.html"), "--junit", str(tmp_path / "r.xml"))
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "the disk is full" in ended.err
    assert "Nothing crossed" in ended.out
    assert [path.name for path in tmp_path.glob("r.*")] == ["r.html"]


def test_the_own_store_is_part_of_it_where_there_is_one(run: Run, store: Path, toys: Callable[..., None]) -> None:
    toys(_holds)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in store.iterdir()}
    own = run("barrier", "--json").json["outcomes"][0]
    assert (own["name"], own["verdict"], own["evidence"]) == ("store.own", "held", [])
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in store.iterdir()} == before
    assert [outcome["name"] for outcome in run("barrier", "--no-store", "--json").json["outcomes"]] == ["toy.holds"]


def test_without_a_store_that_part_is_not_tried(
    run: Run, toys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys(_holds)
    for name in ("SEVERANCE_STORE", "SEVERANCE_KEY"):
        monkeypatch.delenv(name)
    ended = run("barrier", "--json")
    assert (ended.code, ended.json["outcomes"][0]["verdict"]) == (0, "not tried")


@pytest.mark.parametrize(
    ("before", "after", "environ"),
    [
        (("--store", "{}"), (), {}),
        ((), ("--store", "{}"), {}),
        ((), (), {"SEVERANCE_STORE": "{}"}),
    ],
)
@pytest.mark.parametrize("there", ["none", "empty", "of somebody else"])
def test_a_store_that_was_named_and_is_none_is_refused_before_the_run(
    run: Run,
    toys: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: tuple[str, ...],
    after: tuple[str, ...],
    environ: dict[str, str],
    there: str,
) -> None:
    def _never(scene: Scene, tally: Tally) -> None:
        raise AssertionError("it ran")

    toys(_never)
    monkeypatch.delenv("SEVERANCE_STORE")
    place = tmp_path / "place"
    if there != "none":
        place.mkdir()
    if there == "of somebody else":
        (place / "notes.db").write_text("mine")
    for name, value in environ.items():
        monkeypatch.setenv(name, value.format(place))
    words = [word.format(place) for word in (*before, "barrier", *after)]
    _one_sentence(run(*words), 1, f"there is no store at {place}", "--no-store")
    _one_sentence(run(*words, "--only", "toy"), 1, f"there is no store at {place}", "--no-store")
    assert run(*words, "--list").code == 0
    assert run(*words, "--only", "toy", "--list").code == 0


def test_a_store_that_the_environment_names_and_no_store_leaves_out_is_not_missed(
    run: Run, toys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys(_holds)
    monkeypatch.setenv("SEVERANCE_STORE", "nowhere")
    assert run("barrier", "--no-store").code == 0
    assert run("barrier", "--against", "severance", "--list").code == 0


@pytest.mark.parametrize("name", ["store.own", "store"])
def test_only_the_own_store_and_no_store_exclude_one_another(run: Run, toys: Callable[..., None], name: str) -> None:
    toys(_holds)
    _one_sentence(run("barrier", "--no-store", "--only", name), 2, "--no-store leaves out")
    _one_sentence(run("barrier", "--no-store", "--only", "toy", "--only", name), 2, "--no-store leaves out")


@pytest.mark.parametrize(
    ("words", "environ"),
    [
        (("--key", "env:NOT_SET"), {}),
        (("--key", "passphrase"), {}),
        (("--key", "env:OTHER"), {"OTHER": "A" * 43 + "="}),
        ((), {"SEVERANCE_KEY": "A" * 43 + "="}),
        ((), {"SEVERANCE_KEY": ""}),
        (("--store", "{store}"), {"SEVERANCE_KEY": None}),
    ],
)
def test_a_key_that_was_named_and_does_not_open_the_store_is_no_conclusion(
    run: Run,
    store: Path,
    toys: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    environ: dict[str, str | None],
) -> None:
    toys(_holds)
    for name, value in environ.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    ended = run("barrier", *(word.format(store=store) for word in words), "--json")
    own = ended.json["outcomes"][0]
    assert (ended.code, own["name"], own["verdict"]) == (6, "store.own", "inconclusive")
    assert "key" in own["note"]


def test_a_key_that_was_named_for_no_store_is_refused(
    run: Run, toys: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    toys(_holds)
    monkeypatch.delenv("SEVERANCE_STORE")
    monkeypatch.setenv("HOME", os.devnull + "none")
    _one_sentence(run("barrier", "--key", "env:SOME"), 1, "there is no store at ")


def test_a_damaged_store_is_no_crossing(run: Run, store: Path, toys: Callable[..., None]) -> None:
    toys(_holds)
    (store / "vault.db").write_bytes(b"nothing of the kind" * 1_000)
    ended = run("barrier")
    assert (ended.code, "crossed" in ended.out.split("\n", 1)[1].split("0 of 2")[0]) == (6, False)
    assert "Your store is damaged, which is no crossing" in ended.out


def test_a_temporary_directory_that_is_none_is_refused(
    run: Run, toys: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toys(_holds)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "none"))
    _one_sentence(run(*ONLY_TOYS), 2, "TMPDIR", "--scratch")
    assert run(*ONLY_TOYS, "--scratch", str(tmp_path)).code == 0


def test_a_real_run_holds(spawn: Run, tmp_path: Path) -> None:
    ended = spawn(*REAL, "--html", str(tmp_path / "r.html"), "--json")
    assert (ended.code, ended.err) == (0, "")
    [outcome] = ended.json["outcomes"]
    assert (outcome["name"], outcome["verdict"]) == ("doors", "held")


@posix
def test_a_reader_that_stops_still_leaves_the_files(tmp_path: Path) -> None:
    words = command(*REAL, "--report", str(tmp_path / "r.json"))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, check=False, timeout=600)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "held"


@posix
def test_a_closed_or_full_standard_output_is_no_traceback() -> None:
    closed = subprocess.run(
        command(*REAL), stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1), check=False, timeout=600
    )
    assert (closed.returncode, closed.stderr.count(b"\n")) == (1, 1)
    if Path("/dev/full").exists():
        with Path("/dev/full").open("wb") as full:
            filled = subprocess.run(command(*REAL), stdout=full, stderr=subprocess.PIPE, check=False, timeout=600)
        assert (filled.returncode, filled.stderr.count(b"\n")) == (1, 1)
        assert b"Traceback" not in filled.stderr


@posix
@pytest.mark.parametrize("after", [0.0, 0.3, 0.7, 1.2, 1.8])
def test_ctrl_c_at_any_moment_is_no_traceback(tmp_path: Path, after: float) -> None:
    words = command(*REAL, "--report", str(tmp_path / "r.json"), "--scratch", str(tmp_path))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=600)
    # Before Python has come as far as `main`, it ends as Python ends (with 1, while Python itself is being imported);
    # after the end of the run, with the run's code.
    if process.returncode == 1:
        assert err.rstrip().endswith(b"KeyboardInterrupt")
        assert b"severance" not in err.partition(b"Traceback")[2].replace(os.fsencode(Path.cwd()), b"")
    else:
        assert process.returncode in (0, 130, -signal.SIGINT)
    if process.returncode == 130:
        assert err == b"severance: interrupted\n"
    assert not list(tmp_path.glob("severance-barrier-*"))
    assert not list(tmp_path.glob("*.part-*"))


def test_what_is_printed_is_what_the_forms_make(run: Run, toys: Callable[..., None], tmp_path: Path) -> None:
    """One run, three files: none says what another does not."""
    toys(_holds, _breaks, _fails)
    files = {"html": page, "junit": suite, "report": document}
    words = [word for name in files for word in (f"--{name}", str(tmp_path / name))]
    run(*ONLY_TOYS, *words)
    for name in files:
        said = (tmp_path / name).read_text(encoding="utf-8")
        for part in ("toy.holds", "toy.breaks", "toy.fails", "The disk is gone.", "here it crossed"):
            assert part in said


def test_other_commands_do_not_load_the_barrier() -> None:
    code = "import sys, severance.cli.app; print('severance.barrier.run' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
