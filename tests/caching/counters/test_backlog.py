"""The backlog in numbers, and which numbers raise an alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from caching.counters.application import Applied
from caching.counters.backlog import Backlog, measure_backlog
from caching.counters.family import CounterFamily
from caching.counters.flushing import flush
from caching.models import CounterBucket
from tests.factories import CounterSpillFactory

pytestmark = pytest.mark.django_db(transaction=True)
CALM = Backlog(buckets=4, fields=9, bytes=800, seconds=4.0, spilled=0, spill_rows=0, last_flush_seconds=3.0)
MB = 1024 * 1024


@pytest.fixture
def family(clock) -> CounterFamily:
    return CounterFamily("clicks", shards=2, bucket_seconds=5, clock=clock)


def test_nothing_waits_where_nothing_was_counted(family):
    assert measure_backlog(family) == Backlog(0, 0, 0, 0.0, 0, 0, None)


def test_it_is_what_the_ledger_does_not_have(family, clock, redis_commands, django_assert_num_queries):
    # Given an applied bucket, and two buckets that wait with three fields
    family.seed({1: 0, 2: 0, 4: 0}, frozenset())
    family.increment(1)
    clock.advance(5)
    flush(family, lambda hour, counts: Applied())
    for id in (2, 4, 1):
        family.increment(id, 10)
    CounterSpillFactory(family="clicks", counter=1, amount=7)
    clock.advance(65)

    # When
    with redis_commands() as trips, django_assert_num_queries(3):
        found = measure_backlog(family)

    # Then
    assert (found.buckets, found.fields, found.seconds) == (2, 3, 60.0)
    assert (found.spilled, found.spill_rows) == (7, 1)
    assert found.bytes > 100
    assert found.last_flush_seconds < 30
    # One trip for the indexes of both shards; then for each shard one for the sizes and one for the memory.
    assert len(trips) == 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, []),
        ({"seconds": 60.0, "bytes": 256 * MB, "spill_rows": 500}, []),
        ({"seconds": 61.0}, ["the oldest increments have waited for 61 s"]),
        ({"bytes": 300 * MB}, ["increments that wait take 300 MB of Redis"]),
        ({"spill_rows": 501}, ["the spill has 501 rows, and takes 1000"]),
    ],
)
def test_an_alarm_is_age_or_size_out_of_bounds(settings, wrong, said):
    settings.CACHING = {**settings.CACHING, "ALARM_SECONDS": 60, "ALARM_MB": 256, "SPILL_ROWS": 1000}
    assert replace(CALM, **wrong).alarms() == said


def test_what_a_clock_that_ran_ahead_has_counted_waits_since_the_last_flush(family, clock):
    # Given a flush while the clock was a day ahead, and a clock that is right again
    family.seed({1: 0}, frozenset())
    clock.advance(24 * 3600)
    family.increment(1)
    clock.advance(5)
    flush(family, lambda hour, counts: Applied())
    clock.advance(-24 * 3600)
    family.increment(1)
    CounterBucket.objects.update(applied_at=timezone.now() - timedelta(hours=2))

    # When / Then
    found = measure_backlog(family)
    assert found.buckets == 1
    assert 7200 <= found.seconds < 7230
    assert found.alarms() == [f"the oldest increments have waited for {found.seconds:.0f} s"]
