"""Buckets: a sealed bucket does not change, whatever the clock does, and no reply is large."""

from __future__ import annotations

import pytest
from redis.exceptions import ResponseError

from caching.counters import buckets
from caching.counters.family import CounterFamily

WIDTH = 5
NOW = 1_800_000_000 // WIDTH


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=WIDTH, clock=clock)


def view(family: CounterFamily, *ids: int) -> None:
    family.seed(dict.fromkeys(ids, 0), frozenset())
    family.increment_many(dict.fromkeys(ids, 1))


def test_a_bucket_is_sealed_when_its_time_is_over(family, clock):
    view(family, 2)
    assert family.seal(0).numbers == []

    clock.advance(WIDTH)

    assert family.seal(0) == ([NOW], clock.now)


def test_a_bucket_ahead_of_the_clock_is_sealed_and_no_view_enters_it_any_more(family, clock):
    # Given a clock that ran an hour ahead
    clock.advance(3600)
    view(family, 2)
    clock.advance(-3600)

    # When
    assert family.seal(0).numbers == [NOW + 720]
    view(family, 2)

    # Then views go to the bucket after it, which is sealed in its turn
    assert family.seal(0).numbers == [NOW + 720, NOW + 721]
    assert family.age_seconds(NOW + 720, clock.now) == 0


def test_what_the_ledger_has_is_sealed_though_redis_has_forgotten_it(family, clock, redis_state):
    family.seal(0, newest=NOW + 3)

    view(family, 2)

    assert family.backlog() == [(0, NOW + 4)]


@pytest.mark.parametrize("rubbish", [1e300, 2.0**53, float("inf")])
def test_a_score_that_is_no_bucket_number_does_not_stop_the_numbers(family, clock, redis_state, rubbish):
    redis_state.zadd("mp:n:{clicks:0}:buckets", {"1": rubbish})
    view(family, 2)
    clock.advance(WIDTH)

    assert family.seal(0).numbers == [NOW]
    view(family, 2)
    assert (0, NOW + 1) in family.backlog()


def test_redis_has_forgotten_what_the_ledger_has_if_it_was_emptied(family, clock, redis_state):
    for shard in range(2):
        family.seal(shard)
    assert not family.has_forgotten([NOW - 1, NOW - 1])

    redis_state.flushdb()

    assert family.has_forgotten([-1, NOW - 1])
    assert not family.has_forgotten([-1, -1])


def test_small_buckets_are_read_together_and_large_ones_in_pages(family, clock, redis_commands, monkeypatch):
    # Given three buckets of 2, 1 and 700 fields; Redis keeps up to 512 in one piece
    monkeypatch.setattr(buckets, "PAGE", 300)
    for ids in ([2, 4], [2], range(2, 1402, 2)):
        view(family, *ids)
        clock.advance(WIDTH)
    numbers = family.seal(0).numbers
    sizes = dict(zip(numbers, family.sizes(0, numbers), strict=True))
    assert list(sizes.values()) == [2, 1, 700]

    # When
    with redis_commands() as trips:
        found = list(family.read(0, sizes))

    # Then
    assert {bucket.number: len(bucket.increments) for bucket in found} == sizes
    assert trips[0] == ["HSCAN"]
    assert len(trips) >= 3
    assert trips[-1] == ["HGETALL", "HGETALL"]


def test_a_bucket_set_aside_is_kept_where_no_flush_looks(family, clock, redis_state):
    view(family, 2)
    clock.advance(WIDTH)

    family.set_aside(0, NOW)

    assert family.backlog() == []
    assert redis_state.hgetall(f"mp:n:{{clicks:0}}:aside:{NOW}") == {b"2": b"1"}
    assert redis_state.ttl(f"mp:n:{{clicks:0}}:aside:{NOW}") == -1


def test_an_index_of_another_type_counts_nothing_that_no_flush_would_find(family, redis_state):
    family.seed({2: 0}, frozenset())
    redis_state.set("mp:n:{clicks:0}:buckets", "rubbish")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        family.increment(2)

    assert redis_state.hget(f"mp:n:{{clicks:0}}:b:{NOW}", "2") in (None, b"0")
    assert family.live([2]) == {2: 0}


def test_after_a_long_time_without_a_flush_an_hour_has_one_bucket(family, clock):
    # Given as many buckets as an hour has, none of them flushed
    family.seed({2: 0}, frozenset())
    for _ in range(720):
        family.increment(2)
        clock.advance(WIDTH)
    assert len(family.backlog()) == 720

    # When five more hours pass, with a view every half minute
    for _ in range(600):
        family.increment(2)
        clock.advance(30)

    # Then each of them has one bucket, in that hour, and nothing is lost
    numbers = family.seal(0).numbers
    assert len(numbers) == 720 + 5
    assert [number % 720 for number in numbers[-5:]] == [0] * 5
    sizes = dict(zip(numbers, family.sizes(0, numbers), strict=True))
    assert sum(int(bucket.increments[b"2"]) for bucket in family.read(0, sizes)) == 1320
    family.delete(0, numbers)
    family.increment(2)
    assert family.backlog() == [(0, clock.now // 1000 // WIDTH)]
