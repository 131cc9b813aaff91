"""Key files: real files, with real modes."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.test_rootkey_parts import KEY, STORE, WRITTEN, Counted, leaks, strangers_home, where
from severance.crypto.rootkey import KeyFile, Where, decode_key
from severance.errors import DamagedError, InputError, KeyMissingError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists, which the mode does not show")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    strangers_home(monkeypatch, tmp_path)


def written(path: Path, content: str | bytes = WRITTEN + "\n", mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_makes_a_key_where_there_is_none(tmp_path: Path) -> None:
    path, entropy = tmp_path / "key", Counted()
    key, recorded = KeyFile(path).make(where(tmp_path), entropy)
    assert entropy.drawn == [(32, b"root")]
    assert decode_key(path.read_bytes()) == key
    assert path.read_bytes().endswith(b"=\n")
    assert recorded == {"source": "file", "base": "root", "path": str(path)}
    assert KeyFile.fetch_recorded(where(tmp_path, recorded)) == key


@posix
def test_the_new_file_is_the_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyFile(tmp_path / "key").make(where(tmp_path), Counted())
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_uses_the_key_that_is_there(tmp_path: Path) -> None:
    path, entropy = written(tmp_path / "key"), Counted()
    assert KeyFile(path).make(where(tmp_path), entropy)[0] == KEY
    assert entropy.drawn == []
    assert path.read_text() == WRITTEN + "\n"


def test_never_writes_over_what_is_there(tmp_path: Path) -> None:
    path = written(tmp_path / "key", "precious")
    with pytest.raises(KeyMissingError, match="does not hold 32 bytes"):
        KeyFile(path).make(where(tmp_path), Counted())
    assert path.read_text() == "precious"


def test_uses_the_key_that_somebody_made_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "key")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    assert KeyFile(path).make(where(tmp_path), Counted())[0] == KEY
    assert path.read_text() == WRITTEN + "\n"


def test_leaves_no_half_key_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(KeyMissingError, match="No space left"):
        KeyFile(tmp_path / "key").make(where(tmp_path), Counted())
    assert not (tmp_path / "key").exists()


def test_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyMissingError, match=r"cannot be read \(No such file.*--key file:PATH"):
        KeyFile(tmp_path / "absent").fetch(where(tmp_path))
    with pytest.raises(KeyMissingError, match="cannot be made"):
        KeyFile(tmp_path / "no" / "directory" / "key").make(where(tmp_path), Counted())
    with pytest.raises(KeyMissingError):
        KeyFile(tmp_path).fetch(where(tmp_path))


@pytest.mark.parametrize(
    "content", ["", "\n", "nonsense", WRITTEN[:-4], WRITTEN * 2, b"\xff\xfe" * 30, KEY, "a" * 9999]
)
def test_refuses_a_file_that_holds_no_key(tmp_path: Path, content: str | bytes) -> None:
    with pytest.raises(KeyMissingError, match="does not hold") as caught:
        KeyFile(written(tmp_path / "key", content)).fetch(where(tmp_path))
    assert not content.strip() or leaks(caught.value, content) == []


@posix
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_takes_modes_that_keep_others_out(tmp_path: Path, mode: int) -> None:
    assert KeyFile(written(tmp_path / "key", mode=mode)).fetch(where(tmp_path)) == KEY


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o777])
def test_refuses_modes_that_let_others_in(tmp_path: Path, mode: int) -> None:
    with pytest.raises(KeyMissingError, match=r"run: chmod 600 .*key"):
        KeyFile(written(tmp_path / "key", mode=mode)).fetch(where(tmp_path))


@posix
def test_refuses_a_file_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, me = written(tmp_path / "key"), os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    with pytest.raises(KeyMissingError, match="belongs to another user"):
        KeyFile(path).fetch(where(tmp_path))


@posix
def test_refuses_what_is_not_a_file_and_does_not_wait_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "pipe", Path(os.devnull), tmp_path):
        with pytest.raises(KeyMissingError, match=r"not a regular file|cannot be read"):
            KeyFile(path).fetch(where(tmp_path))


@posix
def test_follows_a_link_but_makes_nothing_through_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written(tmp_path / "key"))
    assert KeyFile(tmp_path / "link").fetch(where(tmp_path)) == KEY
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyMissingError):
        KeyFile(tmp_path / "dangling").make(where(tmp_path), Counted())
    assert not (tmp_path / "elsewhere").exists()


class TestRecordedPath:
    def test_inside_the_store_it_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="protects nothing"):
            KeyFile(tmp_path / "store" / "key").make(where(tmp_path), Counted())
        assert not list((tmp_path / "store").iterdir())

    def test_recorded_inside_the_store_it_is_not_used(self, tmp_path: Path) -> None:
        # A store that somebody replaced whole, with a key of their own beside it.
        written(tmp_path / "store" / "key")
        recorded = {"source": "file", "base": "root", "path": str(tmp_path / "store" / "key")}
        with pytest.raises(KeyMissingError, match="inside the store"):
            KeyFile.fetch_recorded(where(tmp_path, recorded))
        assert KeyFile(tmp_path / "store" / "key").fetch(where(tmp_path)) == KEY

    def test_under_the_home_it_does_not_tell_the_users_name(self, tmp_path: Path) -> None:
        key, recorded = KeyFile(Path("~/key")).make(where(tmp_path), Counted())
        assert recorded == {"source": "file", "base": "home", "path": "key"}
        assert (tmp_path / "home" / "key").is_file()
        assert KeyFile.fetch_recorded(where(tmp_path, recorded)) == key
        assert KeyFile(tmp_path / "store" / ".." / "home" / "key").make(where(tmp_path), Counted()) == (key, recorded)

    def test_from_the_current_directory_it_holds_from_any_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        key, recorded = KeyFile(Path("key")).make(where(tmp_path), Counted())
        monkeypatch.chdir(tmp_path / "home")
        assert KeyFile.fetch_recorded(where(tmp_path, recorded)) == key

    @pytest.mark.parametrize(
        "recorded",
        [
            {},
            {"base": "home"},
            {"base": "store", "path": "key"},
            {"base": "home", "path": ""},
            {"base": "home", "path": 7},
            {"base": "root", "path": "/a\0b"},
            {"base": "root", "path": "/\ud800"},
            {"base": [], "path": "key"},
        ],
    )
    def test_an_altered_one_is_damage(self, tmp_path: Path, recorded: dict[str, object]) -> None:
        with pytest.raises(DamagedError):
            KeyFile.fetch_recorded(where(tmp_path, recorded))

    @pytest.mark.parametrize(("base", "path"), [("home", "/etc/key"), ("root", "etc/key")])
    def test_one_that_is_no_path_here_is_refused(self, tmp_path: Path, base: str, path: str) -> None:
        path = path.replace("/etc", str(tmp_path)) if path.startswith("/") else path
        with pytest.raises(KeyMissingError, match="cannot be found from here"):
            KeyFile.fetch_recorded(where(tmp_path, {"base": base, "path": path}))

    @pytest.mark.skipif(sys.platform != "win32", reason="only Windows has paths to other hosts")
    def test_one_on_another_host_is_not_even_opened(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError, match="cannot be found from here"):
            KeyFile.fetch_recorded(where(tmp_path, {"base": "root", "path": r"\\host\share\key"}))

    def test_what_it_shows_is_escaped(self, tmp_path: Path) -> None:
        with pytest.raises(KeyMissingError) as caught:
            KeyFile.fetch_recorded(where(tmp_path, {"base": "home", "path": "\x1b[2J" + "a" * 5000}))
        assert "\x1b" not in str(caught.value)
        assert len(str(caught.value)) < 500

    def test_one_that_cannot_be_written_as_utf8_is_refused_before_anything_is_made(self, tmp_path: Path) -> None:
        with pytest.raises(InputError):
            KeyFile(tmp_path / "\udcff")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "store"]

    @given(
        st.sampled_from(["home", "elsewhere"]),
        st.lists(
            st.text(
                st.characters(exclude_categories=("Cs", "Cc"), exclude_characters='/\\:*?"<>|.~ '),
                min_size=1,
                max_size=9,
            ),
            min_size=1,
            max_size=3,
        ),
    )
    def test_leads_back_to_the_key(self, base: str, parts: list[str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            top = Path(name)
            path = top.joinpath(base, *parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            environ = {"HOME": str(top / "home"), "USERPROFILE": str(top / "home")}
            key, recorded = KeyFile(path).make(Where(store=STORE, directory=top / "store", environ=environ), Counted())
            again = json.loads(json.dumps(recorded))
            here = Where(store=STORE, directory=top / "store", environ=environ, recorded=again)
            assert KeyFile.fetch_recorded(here) == key
            assert (name in str(again)) is (base == "elsewhere")
