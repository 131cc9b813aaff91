"""A large store and a small one, made once for each module that reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from format.given import Counter
from format.stores import FIRST, SECOND, answers, copied, live, open_house, settle, sever

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("large") / "store"
    with open_house(directory, FIRST) as house:
        sever(house)
        live(house, 2_100)
    with open_house(directory, SECOND) as house:
        settle(house)
    return directory


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("small") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("severance.sleeping._LOOSE", 2)
        entropy = Counter()
        with open_house(directory, FIRST, entropy=entropy) as house:
            sever(house)
            live(house, 20)
        with open_house(directory, SECOND, entropy=entropy) as house:
            settle(house)
    return directory


@pytest.fixture(scope="module")
def expected(small: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Any, Any]:
    with open_house(copied(small, tmp_path_factory.mktemp("expected"))) as house:
        assert house.check() == []
        return answers(house)
