"""The write-behind buffer: an accepted increment is counted once, whatever happens to a flush."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection
from redis.exceptions import ResponseError

from caching.counters.application import Applied
from caching.counters.family import CounterFamily
from caching.counters.flushing import flush
from caching.models import CounterBucket, CounterField

pytestmark = pytest.mark.django_db(transaction=True)


class Totals:
    """The target of a flush: a dict in place of PostgreSQL's rows, in which some ids are missing."""

    def __init__(self, *missing: int) -> None:
        self.counts: dict[int, int] = {}
        self.hours: list[datetime] = []
        self.missing = set(missing)
        self.lock = threading.Lock()

    def apply(self, hour: datetime, views: dict[int, int]) -> Applied:
        with self.lock:
            self.hours.append(hour)
            for id in set(views) - self.missing:
                self.counts[id] = self.counts.get(id, 0) + views[id]
        return Applied(gone=frozenset(views) & self.missing)


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5, clock=clock)


@pytest.fixture
def totals() -> Totals:
    return Totals()


def start(family: CounterFamily, *ids: int) -> None:
    family.seed(dict.fromkeys(ids, 0), frozenset())


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


def test_after_a_failed_flush_the_next_one_applies_the_bucket(family, totals, clock):
    start(family, 1)
    family.increment(1)
    clock.advance(5)

    def fail(hour: datetime, views: dict[int, int]) -> Applied:
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


def test_a_bucket_is_deleted_from_redis_a_while_after_it_was_applied(family, totals, clock):
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


def test_after_a_script_flush_nothing_is_lost_or_doubled(family, totals, clock, own_server):
    start(family, 1)
    family.increment(1)
    own_server.script_flush()
    assert family.increment(1) == 2
    clock.advance(5)
    flush(family, totals.apply)
    assert totals.counts == {1: 2}


def test_buckets_that_redis_lost_are_marked_released(family, totals, clock, redis_state):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)
    redis_state.flushdb()
    CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))

    flush(family, totals.apply)

    assert CounterBucket.objects.get().retained is False


def test_trouble_in_one_shard_does_not_hold_up_another(family, totals, clock, redis_state):
    start(family, 1, 2)
    family.increment(1)
    family.increment(2)
    clock.advance(5)
    (bucket,) = redis_state.scan_iter("mp:n:{clicks:0}:b:*")
    redis_state.set(bucket, "of the wrong type")

    with pytest.raises(ResponseError):
        flush(family, totals.apply)

    assert totals.counts == {1: 1}


def test_rubbish_in_place_of_numbers_does_not_stop_a_flush(family, totals, clock, redis_state, caplog):
    start(family, 1, 2)
    family.increment(1)
    family.increment(2)
    redis_state.zadd("mp:n:{clicks:0}:buckets", {"rubbish": 1})
    redis_state.set("mp:n:{clicks:1}:sealed", "rubbish")
    assert len(family.backlog()) == 2
    clock.advance(5)

    flush(family, totals.apply)

    assert totals.counts == {1: 1, 2: 1}
    assert "the index of clicks:0 holds what is no bucket: [b'rubbish']" in caplog.text
    assert b"rubbish" not in redis_state.zrange("mp:n:{clicks:0}:buckets", 0, -1)


def test_a_bucket_that_another_flusher_has_just_deleted_costs_no_live_count(family, totals, clock, monkeypatch):
    # Given a flusher that lists a bucket, and reads the ledger after another one has deleted and released it
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)
    seal = family.seal

    def seal_and_be_overtaken(shard, newest):
        sealed = seal(shard, newest)
        monkeypatch.setattr(family, "seal", seal)
        CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))
        flush(family, totals.apply)
        return sealed

    monkeypatch.setattr(family, "seal", seal_and_be_overtaken)

    # When
    flush(family, totals.apply)

    # Then
    assert family.live([1]) == {1: 1}


def test_an_error_in_a_flush_does_not_keep_applied_buckets_in_redis(family, totals, clock):
    start(family, 1)
    family.increment(1)
    clock.advance(5)
    flush(family, totals.apply)
    CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))
    family.increment(1)
    clock.advance(5)

    def fail(hour: datetime, views: dict[int, int]) -> Applied:
        raise DatabaseError("no")

    with pytest.raises(DatabaseError):
        flush(family, fail)

    assert len(family.backlog()) == 1


def test_a_bucket_larger_than_a_chunk_has_the_time_that_it_needs(family, clock, monkeypatch):
    monkeypatch.setattr("caching.counters.flushing.CHUNK_FIELDS", 2)
    start(family, *range(2, 24, 2))
    family.increment_many(dict.fromkeys(range(2, 24, 2), 1))
    family.seed({1: 0}, frozenset())
    family.increment(1)
    clock.advance(5)
    limits = []

    def apply(hour: datetime, views: dict[int, int]) -> Applied:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits.append((len(views), cursor.fetchone()[0]))
        return Applied()

    flush(family, apply)

    assert dict(limits)[11] == "11ms"
    assert dict(limits)[1] not in ("1ms", "11ms")


@pytest.mark.parametrize(("name", "width"), [("", 5), ("x" * 41, 5), ("clicks", 7), ("clicks", 7200)])
def test_a_family_that_could_not_be_flushed_is_none(name, width):
    with pytest.raises(ValueError, match="divides an hour"):
        CounterFamily(name, shards=1, bucket_seconds=width)


def test_a_live_count_that_has_no_room_counts_nothing(family, totals, clock):
    family.seed({1: 10**15 - 3}, frozenset())
    assert family.increment(1, 2) == 10**15 - 1

    with pytest.raises(ResponseError, match="overflow"):
        family.increment(1)

    clock.advance(5)
    flush(family, totals.apply)
    assert totals.counts == {1: 2}


def test_what_has_no_room_in_the_totals_is_kept_with_its_amount(family, clock):
    start(family, 1, 3)
    family.increment(1, 4)
    family.increment(3, 2)
    clock.advance(5)

    done = flush(family, lambda hour, counts: Applied(full=frozenset({3})))

    assert (done.total, done.overflowed) == (6, 2)
    assert CounterField.objects.values_list("field", "value", "reason").get() == ("3", "2", "overflow")


def test_views_counted_by_a_clock_ahead_belong_to_this_hour(family, totals, clock):
    start(family, 1)
    clock.advance(7200)
    family.increment(1)
    clock.advance(-7200)

    assert flush(family, totals.apply).backlog_seconds == 0

    hour = datetime.fromtimestamp(clock.now / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    assert totals.hours == [hour]


def test_when_redis_has_forgotten_what_was_flushed_its_live_counts_are_seeded_again(
    family, totals, clock, redis_state, caplog
):
    # Given a Redis from before the flush
    start(family, 1, 2)
    family.increment(1)
    old = {name: redis_state.dump(name) for name in redis_state.scan_iter("mp:n:*")}
    family.increment(1, 5)
    clock.advance(5)
    flush(family, totals.apply)
    redis_state.flushdb()
    for name, dump in old.items():
        redis_state.restore(name, 0, dump)
    assert family.live([1]) == {1: 1}

    # When
    flush(family, totals.apply)

    # Then
    assert family.live([1, 2]) == {}
    assert totals.counts == {1: 6}
    assert "has forgotten buckets of clicks" in caplog.text
    flush(family, totals.apply)
    assert caplog.text.count("has forgotten") == 1


def test_a_deleted_bucket_that_a_restore_brings_back_is_in_no_live_count_twice(family, totals, clock, redis_state):
    # Given a Redis restored to before the newest bucket was deleted, which it knows to be sealed
    start(family, 1)
    family.increment(1, 3)
    clock.advance(5)
    flush(family, totals.apply)
    old = {name: redis_state.dump(name) for name in redis_state.scan_iter("mp:n:*")}
    CounterBucket.objects.update(applied_at=datetime(2020, 1, 1, tzinfo=UTC))
    flush(family, totals.apply)
    assert CounterBucket.objects.get().retained is False
    redis_state.flushdb()
    for name, dump in old.items():
        redis_state.restore(name, 0, dump)
    redis_state.delete("mp:n:{clicks:1}:live:1")
    # The ledger says that Redis lacks the bucket, so a seed adds it once more
    assert family.seed({1: 3}, frozenset()) == {1: 6}

    # When
    flush(family, totals.apply)

    # Then
    assert family.live([1]) == {}
    applied = frozenset(CounterBucket.objects.filter(retained=True).values_list("shard", "bucket"))
    assert family.seed({1: 3}, applied) == {1: 3}
    assert totals.counts == {1: 3}
