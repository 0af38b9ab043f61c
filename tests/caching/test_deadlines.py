"""The expiry index: what goes in and out, and that nothing in it can hurt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from caching.deadlines import DeadlineFamily, Member, Settled, to_ms

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels")


def ids(members: list[Member]) -> list[int | None]:
    return [member.id for member in members]


def test_due_is_ordered_bounded_and_inclusive(family) -> None:
    for id, at in [(1, NOW), (2, NOW - HOUR), (3, NOW + timedelta(milliseconds=1))]:
        assert family.schedule(id, at)
    assert ids(family.due(10, NOW)) == [2, 1]
    assert ids(family.due(1, NOW)) == [2]
    assert ids(family.soon(10, NOW, NOW + HOUR)) == [3]
    assert family.count() == 3


def test_scores_round_up(family) -> None:
    assert to_ms(NOW + timedelta(microseconds=1)) == to_ms(NOW) + 1
    family.schedule(1, NOW + timedelta(microseconds=1))
    assert family.due(10, NOW) == []


def test_commands_may_arrive_out_of_order(family) -> None:
    # given an extension that overtook the creation
    family.schedule(1, NOW + HOUR)
    family.schedule(1, NOW)
    # then the later deadline stands
    assert family.due(10, NOW) == []
    # but a move may shorten it
    family.move(1, NOW - HOUR)
    assert ids(family.due(10, NOW)) == [1]


def test_cancelling(family) -> None:
    family.put_missing((id, NOW) for id in range(1, 2500))
    assert family.cancel(range(1, 2400))
    assert family.cancel([])
    assert family.count() == 100


def test_put_missing_leaves_what_is_known(family) -> None:
    family.schedule(1, NOW)
    assert family.put_missing([(1, NOW + HOUR), (2, NOW)]) == 1
    assert ids(family.due(10, NOW)) == [1, 2]
    assert family.put_missing([]) == 0


def test_settling_sets_the_truth_and_removes_the_rest(family) -> None:
    # given three due members of which one is extended, one gone, and one moved after it was seen
    for id in (1, 2, 3):
        family.schedule(id, NOW)
    seen = family.due(10, NOW)
    family.move(3, NOW + 2 * HOUR)
    # when they are settled
    assert family.settle(seen, {1: NOW + HOUR}) == Settled(moved=1, removed=1)
    # then the one that moved was left alone
    assert {member.id: member.score for member in family.soon(10, NOW, NOW + 9 * HOUR)} == {
        1: to_ms(NOW + HOUR),
        3: to_ms(NOW + 2 * HOUR),
    }
    assert family.settle([], {}) == Settled(0, 0)


def test_settling_survives_a_script_flush(family, redis_state: redis.Redis) -> None:
    family.schedule(1, NOW)
    redis_state.script_flush()
    assert family.settle(family.due(1, NOW), {}).removed == 1


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


def test_a_foreign_key_is_discarded(family, redis_state: redis.Redis) -> None:
    assert not family.discard_foreign()
    redis_state.hset(family.key, "a", 1)
    assert family.discard_foreign()
    assert family.schedule(1, NOW)
    assert not family.discard_foreign()


def test_a_redis_that_is_away_fails_nobody_and_is_said_once(family, monkeypatch, caplog) -> None:
    # given a Redis that refuses connections
    away = redis.Redis.from_url("redis://127.0.0.1:1")
    with monkeypatch.context() as patch:
        patch.setattr("caching.deadlines.client", lambda role: away)
        # then writes say so
        assert not family.schedule(1, NOW)
        assert not family.move(1, NOW)
        assert not family.cancel([1, 2])
        assert len(caplog.records) == 1
        # and reads raise
        with pytest.raises(redis.ConnectionError):
            family.due(1, NOW)
    # and it comes back by itself
    assert family.schedule(1, NOW)


def test_no_key_has_a_ttl_and_all_share_a_slot(family, redis_state: redis.Redis) -> None:
    family.schedule(1, NOW)
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
