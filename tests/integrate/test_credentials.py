"""Credentials of programs, kept for this user alone."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from severance import credentials
from severance.errors import InputError, StoreError

TEXT = "sevc." + "0" * 32 + "." + "A" * 43


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}


@pytest.fixture
def file(environ: dict[str, str]) -> Path:
    """What is kept for the laptop."""
    credentials.keep("/s", "laptop", "codex", TEXT, environ=environ)
    (found,) = (Path(environ["HOME"]) / ".config" / "severance" / "credentials").iterdir()
    return found


def kept(environ: dict[str, str]) -> str | None:
    return credentials.kept("/s", "laptop", "codex", environ=environ)


def test_what_is_kept_is_there_until_it_is_dropped(environ: dict[str, str]) -> None:
    assert kept(environ) is None
    assert not credentials.drop("/s", "laptop", "codex", environ=environ)
    credentials.keep("/s", "laptop", "codex", f"{TEXT}\n", environ=environ)
    assert kept(environ) == TEXT
    credentials.keep("/s", "laptop", "codex", "another", environ=environ)
    assert kept(environ) == "another"
    assert credentials.drop("/s", "laptop", "codex", environ=environ)
    assert kept(environ) is None


def test_each_store_place_and_program_has_its_own(environ: dict[str, str], tmp_path: Path) -> None:
    credentials.keep("/s", "laptop", "codex", TEXT, environ=environ)
    for other in (
        ("/t", "laptop", "codex"),
        ("/s", "desk", "codex"),
        ("/s", "laptop", "zed"),
        ("/s", "lapto", "pcodex"),
    ):
        assert credentials.kept(*other, environ=environ) is None
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    credentials.keep(tmp_path / "link", "laptop", "codex", "x", environ=environ)
    assert credentials.kept(tmp_path / "real", "laptop", "codex", environ=environ) == "x", "one store, by any path"


def test_nobody_else_reads_it_and_no_name_is_in_it(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not {"laptop", "codex"} & set(str(file).replace("/", " ").split())
    assert file.read_text() == f"{TEXT}\n"


def test_another_folder_can_be_named(tmp_path: Path, environ: dict[str, str]) -> None:
    named = {**environ, "SEVERANCE_CONFIG": str(tmp_path / "config")}
    credentials.keep("/s", "laptop", "codex", TEXT, environ=named)
    assert len(list((tmp_path / "config" / "credentials").iterdir())) == 1
    assert kept(environ) is None


def test_the_environment_of_the_process_counts_where_none_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVERANCE_CONFIG", str(tmp_path / "config"))
    credentials.keep("/s", "laptop", "codex", TEXT)
    assert credentials.kept("/s", "laptop", "codex") == TEXT


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_what_others_can_reach_is_refused(mode: int, file: Path, environ: dict[str, str]) -> None:
    file.chmod(mode)
    with pytest.raises(StoreError, match="can be read by others"):
        kept(environ)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_that_others_can_reach_is_refused(mode: int, file: Path, environ: dict[str, str]) -> None:
    file.parent.chmod(mode)
    with pytest.raises(StoreError, match="chmod 700"):
        kept(environ)
    with pytest.raises(StoreError, match="chmod 700"):
        credentials.keep("/s", "laptop", "codex", TEXT, environ=environ)


def test_a_folder_above_that_others_can_write_is_refused(file: Path, environ: dict[str, str]) -> None:
    file.parent.parent.chmod(0o777)
    with pytest.raises(StoreError, match="chmod go-w"):
        kept(environ)


def test_links_are_not_followed(file: Path, environ: dict[str, str], tmp_path: Path) -> None:
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        kept(environ)
    credentials.keep("/s", "laptop", "codex", "new", environ=environ)
    assert (tmp_path / "elsewhere").read_text() == f"{TEXT}\n", "what a link led to is not written"
    assert kept(environ) == "new"


def test_a_folder_that_is_a_link_is_refused(file: Path, environ: dict[str, str], tmp_path: Path) -> None:
    file.parent.rename(tmp_path / "elsewhere")
    file.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is not a folder"):
        kept(environ)


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", "é".encode()])
def test_what_is_no_text_is_refused(content: bytes, file: Path, environ: dict[str, str]) -> None:
    file.write_bytes(content)
    with pytest.raises(StoreError, match="does not hold a credential"):
        kept(environ)


def test_what_is_no_file_is_refused(file: Path, environ: dict[str, str]) -> None:
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(StoreError, match="not a regular file"):
        kept(environ)


@pytest.mark.parametrize("uid", ["another", "above"])
def test_what_belongs_to_another_user_is_refused(uid: str, file: Path, environ: dict[str, str]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file if uid == "another" else file.parent, 12_345, -1)
    with pytest.raises(StoreError, match="belongs to another user"):
        kept(environ)


@pytest.mark.parametrize("text", ["", " \n", "a" * 70_000])
def test_what_is_no_credential_is_not_kept(text: str, environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match="severance credential make"):
        credentials.keep("/s", "laptop", "codex", text, environ=environ)


@pytest.mark.parametrize("names", [("", "codex"), ("laptop", ""), ("a\0b", "codex")])
def test_names_that_are_none_are_refused(names: tuple[str, str], environ: dict[str, str]) -> None:
    with pytest.raises(InputError):
        credentials.kept("/s", *names, environ=environ)


def test_the_id_is_in_the_text() -> None:
    assert credentials.id_of(TEXT) == "0" * 32
    assert credentials.id_of("nothing") == ""


def test_whoever_reads_while_it_is_written_gets_one_or_the_other(environ: dict[str, str]) -> None:
    texts = ["a" * 4_000, "b" * 4_000]
    credentials.keep("/s", "laptop", "codex", texts[0], environ=environ)
    seen: set[str | None] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(kept(environ))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        credentials.keep("/s", "laptop", "codex", texts[number % 2], environ=environ)
    done.set()
    reader.join()
    assert seen <= set(texts)
