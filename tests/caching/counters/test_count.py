"""One rule: count in Redis, else seed and count, else spill, else refuse. On a read, on a fill, and alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from caching import metrics
from caching.counters.count import NO_COUNT, Count
from caching.counters.counts import NO_COUNTS, Counts
from caching.counters.family import MAX_INCREMENT, CounterFamily
from caching.errors import IncrementRefused
from caching.models import CounterSpill
from caching.redis.connections import pool
from tests.deploy.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Snapshot:
    """What a loader returns: totals by id, and no bucket that they already include."""

    totals: dict[Any, int] = field(default_factory=dict)
    applied: frozenset[tuple[int, int]] = frozenset()


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("likes", shards=2, bucket_seconds=4)


@pytest.fixture
def refused() -> Callable[[str], float]:
    """Return a function that returns how many increments this test had refused for a reason."""

    def total(reason: str) -> float:
        return metrics.INCREMENTS_REFUSED.labels("likes", reason)._value.get()

    before = {reason: total(reason) for reason in ("unknown", "full", "database")}
    return lambda reason: total(reason) - before[reason]


def load(totals: dict[Any, int]) -> Callable[[Any], Snapshot]:
    return lambda ids: Snapshot({id: totals[id] for id in ids if id in totals})


def spilled() -> list[tuple[int, int]]:
    return list(CounterSpill.objects.values_list("counter", "amount"))


def test_a_count_rides_on_a_read_and_its_seed_on_the_fill(family):
    count = Count(family, 1, 2)
    # Never seeded: nothing was counted
    assert count.live(pool("state").call(count.commands())) is None

    seeds = count.seeds(Snapshot({1: 40}))
    replies = pool("state").call(seeds)

    assert count.seeded(Snapshot({1: 40}), replies) == {1: 42}
    assert count.live(pool("state").call(count.commands())) == 44
    assert count.counted().live(pool("state").call(count.counted().commands())) == 44


def test_a_row_that_does_not_exist_is_not_seeded(family):
    assert Count(family, 1, 1).seeds(Snapshot()) == []
    assert Count(family, 1, 1).seeded(Snapshot(), ()) == {}
    assert Count(family, 1, 1).alone(load({})) is None
    assert family.live([1]) == {}


def test_inside_a_transaction_only_a_count_seeds(family):
    with transaction.atomic():
        assert Count(family, 1).seeds(Snapshot({1: 40})) == []
        assert len(Count(family, 1, 1).seeds(Snapshot({1: 40}))) == 1
        assert Counts(family, [1]).rider([1], [[None]]).seeds(Snapshot({1: 40})) == []


def test_alone_it_counts_and_seeds_what_redis_does_not_know(family, redis_commands):
    with redis_commands() as trips:
        assert Count(family, 1, 1).alone(load({1: 40})) == 41
    assert len([trip for trip in trips if trip != ["EVAL"]]) == 2
    with redis_commands() as trips:
        assert Count(family, 1, 1).alone(load({})) == 42
    assert trips == [["EVALSHA"]]


@pytest.mark.parametrize("amount", [0, -1, MAX_INCREMENT + 1])
def test_alone_it_takes_no_amount_that_is_none(family, amount):
    with pytest.raises(ValueError, match="an increment is between"):
        Count(family, 1, amount).alone(load({1: 40}))


@pytest.mark.parametrize("amount", [1.5, True, "1", None])
def test_an_amount_that_is_no_whole_number_is_refused_before_anybody_is_asked(family, redis_commands, amount):
    with redis_commands() as trips, pytest.raises(TypeError, match="an increment is a whole number, not"):
        Count(family, 1, amount).alone(load({1: 40}))
    assert trips == []


def test_without_redis_the_spill_takes_it(family, reroute):
    reroute(free_port())

    assert Count(family, 1, 3).alone(load({1: 40})) == 43
    assert Count(family, 1, 1).without_redis(Snapshot({1: 43}), unknown=False) == {1: 44}
    assert spilled() == [(1, 4)]
    # A row that does not exist is not spilled either
    assert Count(family, 2, 1).alone(load({})) is None


def test_what_redis_may_have_counted_is_refused_and_not_repeated(family, refused):
    assert Count(family, 1, 1).without_redis(Snapshot({1: 40}), unknown=True) == {1: 40}
    assert (spilled(), refused("unknown")) == ([], 1)


def test_without_redis_and_without_room_it_is_refused(family, reroute, refused, settings):
    settings.CACHING = {**settings.CACHING, "SPILL_ROWS": 0}
    reroute(free_port())

    with pytest.raises(IncrementRefused, match="an increment of likes was refused"):
        Count(family, 1, 1).alone(load({1: 40}))
    assert refused("full") == 1


def test_without_redis_and_postgresql_it_is_refused(family, reroute, refused):
    def away(ids: Any) -> Snapshot:
        raise DatabaseError("gone")

    reroute(free_port())
    with pytest.raises(DatabaseError):
        Count(family, 1, 1).alone(away)
    assert refused("database") == 1


def test_after_the_fill_of_another_process_it_counts_again(family):
    count = Count(family, 1, 1)
    assert count.again() == (count, None)
    family.seed({1: 40}, ())
    assert count.again() == (count.counted(), 41)


def test_a_resource_without_counters_sends_and_counts_nothing():
    found = Snapshot({1: 10})
    assert (NO_COUNT.commands(), NO_COUNT.live(()), NO_COUNT.seeds(found), list(NO_COUNT.unseeded)) == ((), 0, [], [])
    assert NO_COUNT.again() == (NO_COUNT, 0)
    assert NO_COUNT.seeded(found, ()) == NO_COUNT.without_redis(found, unknown=True) == {}
    with NO_COUNT.refused_on_error():
        NO_COUNT.forget()
    assert (NO_COUNTS.commands(), NO_COUNTS.live([]), NO_COUNTS.unknown({})) == ((), {}, [])
    assert NO_COUNTS.rider([1], None) is NO_COUNT
