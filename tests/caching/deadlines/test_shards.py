"""The shards of an expiry index: where an id lives, what is due, and what a name and a score mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from caching.deadlines import Deadline
from caching.deadlines.index import DeadlineFamily
from caching.deadlines.shards import Member, to_ms

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=4)


def ids(members: list[Member]) -> list[int | None]:
    return [member.id for member in members]


def test_each_id_lives_in_the_shard_of_its_remainder(family, redis_state: redis.Redis) -> None:
    assert family.key(0) == "mp:d:{parcels:0}:due"
    family.schedule_many(Deadline(NOW, id) for id in range(1, 9))
    assert redis_state.zrange(family.key(1), 0, -1) == [b"1", b"5"]
    assert [redis_state.zcard(family.key(shard)) for shard in range(4)] == [2, 2, 2, 2]


def test_due_are_the_earliest_of_each_shard_and_they_stay(family) -> None:
    # given two shards with due members, one of them due in this very millisecond
    for id, at in [(1, NOW), (5, NOW - HOUR), (9, NOW + MILLISECOND), (2, NOW - HOUR), (6, NOW - 2 * HOUR)]:
        assert family.schedule(id, at)
    # then they come by shard, the earliest first
    assert ids(family.due(8, NOW)) == [5, 1, 6, 2]
    # and with a smaller limit fewer come from each, but at least one, so that no shard starves
    assert ids(family.due(4, NOW)) == ids(family.due(1, NOW)) == [5, 6]
    assert family.count() == 5


def test_members_carry_the_shard_they_lay_in(family) -> None:
    family.schedule(6, NOW)
    assert family.due(4, NOW) == [Member(b"6", to_ms(NOW), 2)]
    assert family.scan(2, 0, 10) == (0, [Member(b"6", to_ms(NOW), 2)])
    assert family.scan(1, 0, 10) == (0, [])


def test_counting(family) -> None:
    family.schedule_many(Deadline(NOW + id * MILLISECOND, id) for id in range(1, 11))
    assert family.count() == 10


def test_scores_round_up(family) -> None:
    assert to_ms(NOW + timedelta(microseconds=1)) == to_ms(NOW) + 1
    assert to_ms(datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC)) == 0
    family.schedule(1, NOW + timedelta(microseconds=1))
    assert family.due(10, NOW) == []


@pytest.mark.parametrize("micros", [0, 1, 999, 1000, 1001, 999_999])
def test_a_score_is_the_exact_time(micros) -> None:
    assert to_ms(NOW + timedelta(microseconds=micros)) == 1_893_456_000_000 + -(-micros // 1000)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        (b"1", 1),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b"007", None),
        (b"0", None),
        (b"", None),
        (b"-1", None),
        (b"1.0", None),
        (b"\xff", None),
        ("\u0661".encode(), None),
        (b"1" * 5000, None),
    ],
)
def test_which_members_are_ids(name, id) -> None:
    assert Member(name, 0).id == id


def test_no_key_has_a_ttl_and_bookmarks_lie_beside_the_first_shard(family, redis_state: redis.Redis) -> None:
    family.schedule(4, NOW)
    family.set_bookmark("table", "5")
    keys = list(redis_state.scan_iter("*"))
    assert len(keys) == 2
    assert all(b"{parcels:0}" in key and redis_state.ttl(key) == -1 for key in keys)


def test_bookmarks(family) -> None:
    assert family.bookmark("table") is None
    family.set_bookmark("table", "5")
    assert family.bookmark("table") == "5"
    family.set_bookmark("table", None)
    assert family.bookmark("table") is None
