"""The expiry index: what its owner enters, corrects and cancels, and that nothing stored in it does harm."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from caching import metrics
from caching.deadlines import Deadline
from caching.deadlines.index import Corrected, DeadlineFamily
from caching.deadlines.shards import Member, to_ms
from caching.redis.connection_pool import Pool
from caching.redis.scripts import script

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def script_is_known(redis_state: redis.Redis) -> None:
    """Load the script into Redis, so that its first call is not two round trips."""
    redis_state.script_load(script("deadline_correct").source)


@pytest.fixture
def family() -> DeadlineFamily:
    return DeadlineFamily("parcels", shards=4)


def ids(members: list[Member]) -> list[int | None]:
    return [member.id for member in members]


def scores(family: DeadlineFamily) -> dict[int | None, float]:
    members = [member for shard in range(family.shards) for member in family.scan(shard, 0, 100)[1]]
    return {member.id: member.score for member in members}


def test_schedules_may_arrive_out_of_order(family) -> None:
    # given a later deadline that overtook an earlier one
    family.schedule(1, NOW + HOUR)
    assert family.schedule(1, NOW)
    # then the later one stands
    assert family.due(10, NOW) == []


def test_many_are_scheduled_and_cancelled_in_few_round_trips(family, redis_commands) -> None:
    with redis_commands() as trips:
        assert family.schedule_many(Deadline(NOW, id) for id in range(1, 20_001))
    # 8,000 to a round trip, a thousand to a command
    assert trips == [["ZADD"] * 8, ["ZADD"] * 8, ["ZADD"] * 4]
    with redis_commands() as trips:
        assert family.cancel(range(1, 19_901))
    # 25 to a command, a round trip each, so that Redis serves other clients in between
    assert trips == [["ZREM"]] * (19_900 // 25)
    assert family.count() == 100
    assert family.schedule_many([])
    assert family.cancel([])


def test_reads_and_corrections_are_one_round_trip_each(family, redis_commands) -> None:
    with redis_commands() as trips:
        family.put_missing(Deadline(NOW, id) for id in range(1, 6001))
        seen = family.due(6000, NOW)
        family.count()
        family.scan(0, 0, 10)
        # each shard has 1,500 members, so two commands
        family.correct(seen, {})
    assert trips == [
        ["ZADD"] * 8,
        ["ZRANGEBYSCORE"] * 4,
        ["ZCARD"] * 4,
        ["ZSCAN"],
        ["EVALSHA"] * 8,
    ]
    assert family.count() == 0


def test_put_missing_leaves_what_is_known(family, redis_state: redis.Redis) -> None:
    family.schedule(1, NOW)
    assert family.put_missing([Deadline(NOW + HOUR, 1), Deadline(NOW, 2)]) == 1
    assert ids(family.due(10, NOW)) == [1, 2]
    assert family.put_missing([]) == 0


def test_a_correction_sets_what_the_table_says_and_removes_the_rest(family) -> None:
    # given three due members: one is extended, one is gone, and one was moved after it was seen
    family.schedule_many(Deadline(NOW, id) for id in (1, 2, 3))
    seen = family.due(12, NOW)
    family.schedule(3, NOW + 2 * HOUR)
    # when they are corrected
    assert family.correct(seen, {1: NOW + HOUR}) == Corrected(moved=1, removed=1)
    # then the one that moved was left alone
    assert scores(family) == {1: to_ms(NOW + HOUR), 3: to_ms(NOW + 2 * HOUR)}
    assert family.correct([], {}) == Corrected(0, 0)


def test_a_correction_does_not_bring_back_what_was_cancelled(family) -> None:
    family.schedule(1, NOW)
    seen = family.due(4, NOW)
    family.cancel([1])
    assert family.correct(seen, {1: NOW + HOUR}) == Corrected(0, 0)
    assert family.count() == 0


@pytest.mark.parametrize("score", ["-inf", "inf", "0.1", "-3e300"])
def test_any_score_can_be_corrected(family, redis_state: redis.Redis, score) -> None:
    redis_state.zadd(family.key(1), {"1": score})
    assert family.correct(family.scan(1, 0, 10)[1], {1: NOW}) == Corrected(1, 0)
    assert ids(family.due(4, NOW)) == [1]


def test_a_member_in_a_shard_not_its_own_is_removed_there_and_only_there(family, redis_state: redis.Redis) -> None:
    # given an id in its own shard, and the same id in another one
    family.schedule(6, NOW)
    redis_state.zadd(family.key(1), {"6": to_ms(NOW) - 1, "x": 0})
    seen = family.due(12, NOW)
    assert [(member.name, family.id_of(member)) for member in seen] == [(b"x", None), (b"6", None), (b"6", 6)]
    # when both are corrected by the same table
    assert family.correct(seen, {6: NOW + HOUR}) == Corrected(moved=1, removed=2)
    # then only its own shard has it
    assert family.scan(2, 0, 10)[1] == [Member(b"6", to_ms(NOW + HOUR), 2)]
    assert family.count() == 1


def test_a_correction_survives_a_script_flush(family, own_server: redis.Redis) -> None:
    family.schedule(1, NOW)
    own_server.script_flush()
    assert family.correct(family.due(4, NOW), {}).removed == 1


def test_a_foreign_key_costs_its_own_shard_only_and_is_discarded(family, redis_state: redis.Redis) -> None:
    family.schedule_many(Deadline(NOW, id) for id in range(1, 5))
    assert family.discard_foreign() == 0
    # given something else under the key of one shard
    redis_state.delete(family.key(1))
    redis_state.hset(family.key(1), "a", 1)
    # then the write returns False, and the other shards have their part
    assert not family.schedule_many(Deadline(NOW, id) for id in range(5, 9))
    assert [redis_state.zcard(family.key(shard)) for shard in (0, 2, 3)] == [2, 2, 2]
    with pytest.raises(redis.ResponseError):
        family.due(8, NOW)
    # until the foreign key is discarded
    assert family.discard_foreign() == 1
    assert family.schedule(1, NOW)
    assert family.discard_foreign() == 0
    assert family.count() == 7


def test_while_redis_is_away_writes_do_not_raise_and_one_line_is_logged(family, monkeypatch, caplog) -> None:
    # given a Redis that refuses connections
    away = Pool(host="127.0.0.1", port=1)
    failures = metrics.REDIS_FAILURES.labels("deadline_cancel")._value
    before = failures.get()
    with monkeypatch.context() as patch:
        for module in ("index", "shards"):
            patch.setattr(f"caching.deadlines.{module}.pool", lambda role: away)
        # then writes return False, and one line is logged
        assert not family.schedule(1, NOW)
        assert not family.schedule_many([Deadline(NOW, 1)])
        assert not family.cancel([1, 2])
        assert len([record for record in caplog.records if record.name == "caching.deadlines.index"]) == 1
        assert failures.get() == before + 1
        # and reads raise
        with pytest.raises(redis.ConnectionError):
            family.due(1, NOW)
    away.breaker.probe = lambda: True
    # and writes work again once it is back
    assert family.schedule(1, NOW)
