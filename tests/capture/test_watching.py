"""Watching goes on: what changes is followed, folders go and come back, sessions end, and it stops when asked."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from capture.drawn import TOKENS
from capture.test_notes import write
from severance import AsleepError, House, InputError, PermitError, Session
from severance.barrier.traces.ports import StillClock
from severance.capture import watching
from severance.capture.exclusion import Exclusion
from severance.capture.keeping import Folder, Round

SECONDS = 60


@dataclass
class Watcher:
    """A watch in a thread of its own, and what came of each look."""

    folders: list[Folder]
    enter: Callable[[], AbstractContextManager[Session]]
    stop: Event = field(default_factory=Event)
    rounds: list[Round] = field(default_factory=list)
    ended: list[BaseException] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._told = threading.Condition()
        self._thread = Thread(target=self._work)

    def _work(self) -> None:
        try:
            with closing(watching.watch(self.folders, self.enter, self.stop, back=0.2)) as rounds:
                for done in rounds:
                    with self._told:
                        self.rounds.append(done)
                        self._told.notify_all()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.ended.append(error)
        with self._told:
            self._told.notify_all()

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until this is so after a look, or until the watch has ended."""
        with self._told:
            assert self._told.wait_for(lambda: bool(self.ended) or true(), timeout=SECONDS)

    def __enter__(self) -> Watcher:
        self._thread.start()
        self.until(lambda: bool(self.rounds))
        return self

    def __exit__(self, *raised: object) -> None:
        self.stop.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "notes"
    write(made, {"a.md": "# A\n\nfirst"})
    return made


@pytest.fixture
def texts(house: House) -> Callable[[], set[str]]:
    """What is remembered, as another session of the same persona sees it."""
    session = house.cross("mark", "floor")
    return lambda: {memory.text for memory in session.memories()}


@pytest.fixture
def watcher(root: Path, house: House) -> Callable[..., Watcher]:
    def make(*patterns: str, **options: bool) -> Watcher:
        return Watcher([Folder(root, Exclusion(patterns), **options)], lambda: house.cross("mark", "floor"))

    return make


def test_what_is_written_is_remembered_amended_and_forgotten(
    root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]
) -> None:
    with watcher(forget=True) as watch:
        assert texts() == {"# A\n\nfirst"}
        write(root, {"sub/b.md": "# B\n\nnew"})
        watch.until(lambda: "# B\n\nnew" in texts())
        write(root, {"a.md": "# A\n\nchanged"})
        watch.until(lambda: "# A\n\nchanged" in texts())
        shutil.rmtree(root / "sub")
        watch.until(lambda: texts() == {"# A\n\nchanged"})
    assert not watch.ended


def test_a_way_of_saving_is_no_change_beside_the_text(
    root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]
) -> None:
    def over(text: str) -> None:
        """As vim does: away with the old one, a new one in its place."""
        (root / "a.md").rename(root / "a.md~")
        (root / "4913").write_text("")
        (root / "4913").unlink()
        (root / "a.md").write_text(text)
        (root / "a.md~").unlink()

    def aside(text: str) -> None:
        """As many do: a temporary file, put in the place of the old one."""
        (root / ".a.md.swp").write_text("x")
        (root / "a.md.tmp").write_text(text)
        (root / "a.md.tmp").replace(root / "a.md")
        (root / ".a.md.swp").unlink()

    with watcher(forget=True) as watch:
        for number, save in enumerate((over, aside, over)):
            save(f"# A\n\nversion {number}")
            watch.until(lambda number=number: texts() == {f"# A\n\nversion {number}"})
        assert sum(each.remembered for each in watch.rounds) == 1
        assert sum(each.forgotten for each in watch.rounds) == 0


def test_what_is_left_out_wakes_nobody(
    root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]
) -> None:
    with watcher("drafts") as watch:
        write(root, {"drafts/x.md": "hidden", ".git/index.md": "hidden", "b.md": "seen"})
        watch.until(lambda: "seen" in texts())
    assert texts() == {"# A\n\nfirst", "seen"}
    folder = watch.folders[0]
    paths = ("drafts/x.md", ".git/x/y", "node_modules/z.md", "../elsewhere.md")
    assert not any(folder.concerns(str(root / path)) for path in paths)
    assert folder.concerns(str(root / "sub" / "new.md"))


def test_secrets_do_not_come_along(root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]) -> None:
    with watcher() as watch:
        write(root, {"key.md": f"the key {TOKENS['npm-token'][0]}"})
        watch.until(lambda: len(texts()) == 2)
    assert "the key [secret removed: npm-token]" in texts()


def test_a_folder_goes_and_comes_back(
    root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]
) -> None:
    with watcher(forget=True) as watch:
        root.rename(root.parent / "away")
        watch.until(lambda: watch.rounds[-1].missing)
        assert texts() == {"# A\n\nfirst"}
        write(root.parent / "away", {"b.md": "new"})
        (root.parent / "away").rename(root)
        watch.until(lambda: "new" in texts())
        write(root, {"c.md": "newer"})
        watch.until(lambda: "newer" in texts())
    assert texts() == {"# A\n\nfirst", "new", "newer"}


def test_two_watches_of_one_folder_remember_once(
    root: Path, watcher: Callable[..., Watcher], texts: Callable[[], set[str]]
) -> None:
    with watcher() as one, watcher() as two:
        write(root, {"b.md": "new"})
        one.until(lambda: any(each.remembered for each in one.rounds[1:]))
        two.until(lambda: any(each.remembered for each in two.rounds[1:]))
    assert texts() == {"# A\n\nfirst", "new"}


def test_it_stops_at_once_also_where_nothing_happens(watcher: Callable[..., Watcher]) -> None:
    with watcher() as watch:
        pass
    assert not any(each.is_news for each in watch.rounds[1:])
    assert not watch.ended


def test_it_ends_with_what_it_was_let_in_with(root: Path, house: House, clock: StillClock) -> None:
    permit = house.permit("mark", "floor", rights=["recall", "remember"], until=timedelta(hours=1))
    with Watcher([Folder(root, Exclusion())], lambda: house.admit(permit)) as watch:
        clock.tick(7_200)
        watch.until(lambda: False)
    assert isinstance(watch.ended[0], AsleepError | LookupError)


def test_a_session_that_was_put_to_sleep_is_entered_again(
    root: Path, house: House, texts: Callable[[], set[str]]
) -> None:
    entered: list[Session] = []

    @contextmanager
    def enter() -> Iterator[Session]:
        with house.cross("mark", "floor") as session:
            entered.append(session)
            yield session

    with Watcher([Folder(root, Exclusion())], enter) as watch:
        entered[0].sleep()
        watch.until(lambda: len(entered) == 2 or bool(watch.ended))
        write(root, {"b.md": "new"})
        watch.until(lambda: "new" in texts())
    assert not watch.ended


def test_another_persona_is_given_nothing(root: Path, house: House) -> None:
    places = iter(["floor", "home"])
    entered: list[Session] = []

    @contextmanager
    def enter() -> Iterator[Session]:
        with house.cross("mark", next(places)) as session:
            entered.append(session)
            yield session

    with Watcher([Folder(root, Exclusion())], enter) as watch:
        entered[0].sleep()
        write(root, {"b.md": "of the one who was awake"})
        watch.until(lambda: False)
    assert isinstance(watch.ended[0], AsleepError)
    with house.cross("mark", "home") as outie:
        assert list(outie.memories()) == []


@pytest.mark.parametrize("rights", [["recall"], ["remember"]])
def test_a_right_that_is_missing_ends_it(root: Path, house: House, rights: list[str]) -> None:
    permit = house.permit("mark", "floor", rights=rights, until=timedelta(hours=1))
    with pytest.raises(PermitError), house.admit(permit) as session:
        watching.once([Folder(root, Exclusion())], session)


def test_folders_that_cannot_be_meant(root: Path) -> None:
    write(root, {"sub/x.md": ""})
    with pytest.raises(InputError, match="no folder"):
        watching.checked([root / "a.md"])
    with pytest.raises(InputError, match="no folder"):
        watching.checked([root / "none"])
    for twice in ([root, root], [root, root / "sub"], [root / "sub", root]):
        with pytest.raises(InputError, match="lies in another"):
            watching.checked(twice)
    assert watching.checked([root / "sub" / ".."]) == [root.resolve()]


def test_without_the_extra_it_says_what_to_install(
    watcher: Callable[..., Watcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with watcher() as watch:
        watch.until(lambda: False)
    assert isinstance(watch.ended[0], InputError)
    assert "severance[watch]" in str(watch.ended[0])
