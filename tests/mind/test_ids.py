"""Rows by id."""

from __future__ import annotations

import numpy as np
import pytest

from severance.mind.ids import Ids, table

RAW = [bytes([number]) * 8 + bytes([7 - number]) * 7 for number in (3, 1, 4, 2)]
TWINS = [bytes(8) + bytes([number]) * 7 for number in (3, 1, 4, 2)]
"""Ids whose first halves are equal, which random ones never are."""


@pytest.mark.parametrize("raw", [RAW, TWINS, RAW + TWINS], ids=["told apart", "alike", "both"])
def test_each_id_is_found_in_its_row_and_no_other(raw: list[bytes]) -> None:
    ids = table(raw)
    found = Ids(ids)
    assert [found.row(one, ids) for one in raw] == list(range(len(raw)))
    assert found.rows(ids[::-1], ids).tolist() == list(range(len(raw)))[::-1]
    for other in (bytes(15), raw[0][:8] + b"another", b"\xff" * 15):
        assert found.row(other, ids) == -1
        assert found.rows(table([raw[1], other]), ids).tolist() == [1, -1]


@pytest.mark.parametrize("raw", [RAW, TWINS], ids=["told apart", "alike"])
def test_an_id_that_was_dropped_is_found_no_more_and_its_half_is_overwritten(raw: list[bytes]) -> None:
    ids = table(raw)
    for gone in range(len(raw)):
        found = Ids(ids)
        found.drop(raw[gone])
        left = [row for row in range(len(raw)) if row != gone]
        assert [found.row(one, ids) for one in raw] == [row if row in left else -1 for row in range(len(raw))]
        assert found.rows(ids, ids).tolist() == [row if row in left else -1 for row in range(len(raw))]
        if raw is RAW:
            whole = found._sorted if found._sorted.base is None else found._sorted.base
            assert raw[gone][:8] not in whole.tobytes()
    for one in raw:
        found = found if one is not raw[0] else Ids(ids)
        found.drop(one)
    assert found.rows(ids, ids).tolist() == [-1] * len(raw)
    assert found.row(raw[0], ids) == -1


def test_only_the_rows_that_count_are_found() -> None:
    ids = table(RAW)
    found = Ids(ids, np.array([0, 3]))
    assert [found.row(one, ids) for one in RAW] == [0, -1, -1, 3]


@pytest.mark.parametrize("raw", [RAW, TWINS], ids=["told apart", "alike"])
def test_an_id_that_is_there_twice_is_refused(raw: list[bytes]) -> None:
    with pytest.raises(ValueError, match="twice"):
        Ids(table([*raw, raw[2]]))


def test_nothing_is_found_among_none() -> None:
    ids = table([])
    assert Ids(ids).row(RAW[0], ids) == -1
    assert Ids(ids).rows(table(RAW), ids).tolist() == [-1] * 4
