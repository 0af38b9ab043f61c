"""Rebuilding an index in one run, while others write."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caching.deadlines import Deadline
from caching.deadlines.index import DeadlineFamily
from caching.deadlines.repairing import rebuild
from tests.caching.deadlines.deadline_table import NOW, Table, members, scores


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=3)


@pytest.fixture
def table() -> Table:
    return Table({id: NOW + timedelta(seconds=id // 10) for id in range(1, 1001)})


@pytest.fixture(autouse=True)
def small_pages(monkeypatch) -> None:
    monkeypatch.setattr("caching.deadlines.repairing.REBUILD_ROWS", 100)
    monkeypatch.setattr("caching.deadlines.repairing.REBUILD_MEMBERS", 100)


def test_a_lost_index_is_made_anew(family, table) -> None:
    done = rebuild(family, table)
    assert (done.entered, done.moved, done.removed, done.complete) == (1000, 0, 0, True)
    assert members(family) == scores(table)


def test_a_wrong_one_is_put_right(family, table, redis_state) -> None:
    # given wrong scores, unknown ids, rubbish, a member in a wrong shard, and a key that is no index
    family.put_missing(Deadline(NOW + timedelta(days=id), id) for id in range(1, 60))
    family.put_missing(Deadline(NOW, id) for id in range(5000, 5300))
    redis_state.zadd(family.key(0), {"1": 5, "x": 6})
    redis_state.delete(family.key(2))
    redis_state.hset(family.key(2), "a", 1)
    done = rebuild(family, table)
    assert members(family) == scores(table)
    assert (done.moved, done.removed) == (40 - 1, 200 + 2 + 1)


def test_it_reports_its_progress(family, table) -> None:
    table.deadlines[1001] = NOW
    advanced: list[int] = []
    rebuild(family, table, advanced.append)
    assert advanced == [100] * 10 + [1]


def test_pages_are_large_and_commands_are_not(family, monkeypatch, redis_commands) -> None:
    monkeypatch.setattr("caching.deadlines.repairing.REBUILD_ROWS", 5000)
    monkeypatch.setattr("caching.deadlines.repairing.REBUILD_MEMBERS", 1000)
    table = Table(dict.fromkeys(range(1, 6001), NOW))
    with redis_commands() as trips:
        rebuild(family, table)
    # 1,666 of each shard on the first page, at most a thousand to a command
    assert trips[:3] == [["TYPE"] * 3, ["ZADD"] * 6, ["ZADD"] * 3]
    assert {name for trip in trips[3:] for name in trip} == {"ZSCAN"}
    assert 6 <= len(trips[3:]) <= 9


def test_what_others_write_meanwhile_is_kept(family, table) -> None:
    # given an index that lacks half of its members and has wrong scores for the other half
    family.put_missing(Deadline(NOW - timedelta(hours=1), id) for id in range(1, 501))
    changes = iter(range(1, 1001))
    pages = Table.page

    def change() -> None:
        """Extend one deadline and remove the next one, in the table and in the index."""
        later, closed = next(changes), next(changes)
        table.deadlines[later] += timedelta(days=1)
        assert family.schedule(later, table.deadlines[later])
        del table.deadlines[closed]
        assert family.cancel([closed])

    class Busy:
        """The table, in which others change rows after each answer and before the answer is used."""

        def page(self, after, limit):
            answer = pages(table, after, limit)
            for _ in range(10):
                change()
            return answer

        def deadlines_of(self, ids):
            answer = table.deadlines_of(ids)
            for _ in range(10):
                change()
            return answer

    rebuild(family, Busy())
    assert next(changes) > 400
    assert members(family) == scores(table)
