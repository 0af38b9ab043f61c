"""Repair of an index of many pages: bounded, resumed, and complete in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caching.deadlines.index import DeadlineFamily
from caching.deadlines.repairing import Budget, repair
from caching.deadlines.table import Deadline
from caching.deadlines.walks import Repair
from tests.caching.deadlines.deadline_table import NOW, Table, members, scores


@pytest.fixture(autouse=True)
def small_pages(monkeypatch) -> None:
    monkeypatch.setattr("caching.deadlines.repairing.PAGE", 10)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=3)


@pytest.fixture
def table() -> Table:
    """105 rows; ten at a time share a deadline."""
    return Table({id: NOW + timedelta(seconds=id // 10) for id in range(1, 106)})


def unlimited() -> Budget:
    return Budget(60, 60)


def no_time() -> Budget:
    return Budget(0, 0)


def test_an_empty_index_is_filled_across_pages(family, table) -> None:
    done = repair(family, table, unlimited)
    assert (done.entered, done.moved, done.removed, done.complete) == (105, 0, 0, True)
    assert members(family) == scores(table)


def test_everything_wrong_is_put_right(family, table) -> None:
    # given an index with missing members, wrong scores and unknown ids
    family.put_missing(Deadline(NOW + timedelta(days=id), id) for id in range(1, 60))
    family.put_missing(Deadline(NOW, id) for id in range(1000, 1300))
    done = repair(family, table, unlimited)
    assert done.entered == 46
    assert done.moved == 59
    assert done.removed == 300
    assert members(family) == scores(table)


def test_without_time_it_goes_on_where_it_stopped(family, table) -> None:
    # given an empty index and runs that have time for one page each
    assert not repair(family, table, no_time).complete
    runs = 1
    while members(family) != scores(table):
        repair(family, table, no_time)
        runs += 1
        assert runs < 50
    # then several runs filled it, and the next has nothing to do
    assert runs > 5
    assert repair(family, table, no_time) == Repair()


def test_a_walk_goes_on_while_it_finds_faults(family, table) -> None:
    # given time for faults only
    done = repair(family, table, lambda: Budget(0, 60))
    # then a wiped index is filled in one run
    assert done.entered == 105
    # and a complete one costs a page of each walk
    table.pages = 0
    repair(family, table, lambda: Budget(0, 60))
    assert table.pages <= 3


def test_members_in_a_wrong_shard_are_moved_to_their_own(family, table, redis_state) -> None:
    # given an index that had another number of shards, and one key that is no index
    other = DeadlineFamily(family.name, shards=2)
    other.put_missing(Deadline(at, id) for id, at in table.deadlines.items())
    redis_state.set(family.key(2), "x")
    astray = sum(id % 2 != id % 3 for id in table.deadlines)
    done = repair(family, table, unlimited)
    # then the key was replaced, and each member is in its own shard only
    assert (done.entered, done.moved, done.removed, done.complete) == (astray, 0, astray + 1, True)
    assert members(family) == scores(table)
    assert family.count() == 105
