"""The write-behind buffer: what is accepted is counted once, whatever happens to a flush."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import connection
from redis.exceptions import ResponseError

from caching.counters import CounterFamily
from caching.flush import flush
from caching.models import CounterBucket

pytestmark = pytest.mark.django_db(transaction=True)


class Totals:
    """Where a flush applies counts: a dict for PostgreSQL's rows, of which some ids are missing."""

    def __init__(self, *missing: int) -> None:
        self.counts: dict[int, int] = {}
        self.hours: list[datetime] = []
        self.missing = set(missing)
        self.lock = threading.Lock()

    def apply(self, hour: datetime, views: dict[int, int]) -> set[int]:
        existing = set(views) - self.missing
        with self.lock:
            self.hours.append(hour)
            for id in existing:
                self.counts[id] = self.counts.get(id, 0) + views[id]
        return existing


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5, clock=clock)


@pytest.fixture
def totals() -> Totals:
    return Totals()


def start(family: CounterFamily, *ids: int) -> None:
    family.seed(dict.fromkeys(ids, 0), frozenset())


def test_an_id_that_was_never_seeded_is_not_counted(family, redis_state):
    assert family.increment(1) is None
    assert list(redis_state.scan_iter("mp:n:*")) == []


def test_counts_are_live_at_once_and_reach_the_database_when_their_bucket_is_over(family, totals, clock):
    start(family, 1, 2, 3)
    assert [family.increment(1), family.increment(1), family.increment(2, 5)] == [1, 2, 5]

    assert flush(family, totals.apply).total == 0  # the bucket is still open
    clock.advance(5)
    done = flush(family, totals.apply)

    assert totals.counts == {1: 2, 2: 5}
    assert (done.ids, done.total, done.buckets, done.orphaned) == (2, 7, 2, 0)
    assert family.live([1, 2, 3]) == {1: 2, 2: 5, 3: 0}
    hour = datetime.fromtimestamp(clock.now / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    assert set(totals.hours) == {hour}


def test_an_increment_is_one_round_trip(family, redis_commands):
    start(family, 1)
    with redis_commands() as trips:
        family.increment(1)
    assert trips == [["EVALSHA"]]


def test_a_bucket_is_applied_once_however_often_it_is_flushed(family, totals, clock):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    for _ in range(3):
        flush(family, totals.apply)
    assert totals.counts == {1: 1}


def test_many_flushers_at_once_without_any_lock_count_exactly(family, totals, clock):
    # Given 40 ids in several buckets
    start(family, *range(1, 41))
    for _ in range(5):
        for id in range(1, 41):
            family.increment(id, id)
        clock.advance(5)

    # When twelve flushers start together
    barrier = threading.Barrier(12)

    def work() -> None:
        try:
            barrier.wait()
            flush(family, totals.apply)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # Then
    assert totals.counts == {id: 5 * id for id in range(1, 41)}


def test_a_flush_that_fails_is_made_up_for_by_the_next(family, totals, clock):
    start(family, 1)
    family.increment(1)
    clock.advance(5)

    def fail(hour: datetime, views: dict[int, int]) -> set[int]:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        flush(family, fail)
    assert CounterBucket.objects.count() == 0

    flush(family, totals.apply)
    assert totals.counts == {1: 1}


def test_redis_restored_to_before_the_flush_counts_nothing_twice(family, totals, clock, redis_state):
    # Given a snapshot from before the flush
    start(family, 1)
    family.increment(1, 3)
    snapshot = {name: redis_state.dump(name) for name in redis_state.scan_iter("mp:n:*")}
    clock.advance(5)
    flush(family, totals.apply)

    # When Redis comes back as it was then, and new views arrive
    redis_state.flushdb()
    for name, dump in snapshot.items():
        redis_state.restore(name, 0, dump)
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)

    # Then
    assert totals.counts == {1: 4}


@pytest.mark.parametrize("seconds", [5, 60])
def test_no_increment_enters_a_sealed_bucket_when_the_clock_steps_back(family, totals, clock, seconds):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)

    clock.advance(-seconds)
    family.increment(1)
    clock.advance(70)
    flush(family, totals.apply)

    assert totals.counts == {1: 2}


def test_counts_of_rows_that_are_gone_are_orphaned_and_poison_is_set_aside(family, clock, redis_state):
    totals = Totals(4)
    start(family, 2, 4)
    family.increment(2)
    family.increment(4, 6)
    (bucket,) = redis_state.scan_iter("mp:n:{clicks:0}:b:*")
    redis_state.hset(bucket, mapping={"nonsense": "1", "6": "many", "8": str(2**62), "-1": "3", "02": "5", "10": "1_0"})
    clock.advance(5)

    done = flush(family, totals.apply)

    assert totals.counts == {2: 1}
    assert (done.total, done.orphaned, done.poison) == (7, 6, 6)
    assert CounterBucket.objects.get().orphaned == 6


def test_redis_forgets_a_bucket_a_while_after_it_was_applied(family, totals, clock):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)
    assert len(family.backlog()) == 1

    CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))
    flush(family, totals.apply)

    assert family.backlog() == []
    assert CounterBucket.objects.get().retained is False
    assert totals.counts == {1: 1}


def test_a_live_count_lost_to_eviction_is_seeded_again_to_the_same_number(family, totals, clock, redis_state):
    # Given three applied views whose bucket Redis still has, and two that wait
    start(family, 1)
    family.increment(1, 3)
    clock.advance(5)
    flush(family, totals.apply)
    family.increment(1, 2)
    applied = frozenset(CounterBucket.objects.values_list("shard", "bucket"))

    # When
    redis_state.delete("mp:n:{clicks:1}:live:1")

    # Then
    assert family.seed({1: totals.counts[1]}, applied) == {1: 5}


def test_a_backlog_is_applied_in_transactions_of_one_hour(family, totals, clock):
    start(family, 1)
    for _ in range(3):
        family.increment(1)
        clock.advance(3600)

    done = flush(family, totals.apply)

    assert len(set(totals.hours)) == 3
    assert totals.counts == {1: 3}
    assert done.backlog_seconds > 7000


def test_after_a_script_flush_nothing_is_lost_or_doubled(family, totals, clock, redis_state):
    start(family, 1)
    family.increment(1)
    redis_state.script_flush()
    assert family.increment(1) == 2
    clock.advance(5)
    flush(family, totals.apply)
    assert totals.counts == {1: 2}


def test_no_state_key_but_the_live_count_has_a_ttl(family, redis_state):
    """Law 8: the live count can be computed again, the others cannot."""
    start(family, 1)
    family.increment(1)
    ttls = {name.decode().split(":")[4]: redis_state.ttl(name) for name in redis_state.scan_iter("mp:n:*")}
    assert ttls.pop("live") > 0
    assert set(ttls.values()) == {-1}


def test_the_ledger_lets_go_of_buckets_that_redis_lost_by_itself(family, totals, clock, redis_state):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)
    redis_state.flushdb()
    CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))

    flush(family, totals.apply)

    assert CounterBucket.objects.get().retained is False


def test_trouble_in_one_shard_does_not_hold_up_another(family, totals, clock, redis_state):
    """Law 13."""
    start(family, 1, 2)
    family.increment(1)
    family.increment(2)
    clock.advance(5)
    (bucket,) = redis_state.scan_iter("mp:n:{clicks:0}:b:*")
    redis_state.set(bucket, "of the wrong type")

    with pytest.raises(ResponseError):
        flush(family, totals.apply)

    assert totals.counts == {1: 1}


@pytest.mark.parametrize("rubbish", ["rubbish", "-3", "1.5", "9" * 19, "9" * 5000, None])
def test_a_live_count_that_is_rubbish_is_seeded_again(family, redis_state, rubbish):
    name = "mp:n:{clicks:1}:live:1"
    redis_state.set(name, rubbish) if rubbish else redis_state.rpush(name, "of another type")
    assert family.live([1]) == {}
    assert family.increment(1) is None
    assert family.seed({1: 4}, frozenset(), amount=1) == {1: 5}


def test_a_bucket_without_a_number_holds_up_its_own_shard_only(family, totals, clock, redis_state):
    start(family, 1)
    family.increment(1)
    redis_state.zadd("mp:n:{clicks:0}:buckets", {"rubbish": 1})
    clock.advance(5)

    with pytest.raises(ValueError, match="rubbish"):
        flush(family, totals.apply)

    assert totals.counts == {1: 1}
