"""The live counts of many ids, read in one command; those that are missing are seeded by the fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from caching.counters.counts import Counts
from caching.counters.family import CounterFamily
from caching.redis.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Snapshot:
    """What a loader returns: totals by id, and no bucket that they already include."""

    totals: dict[Any, int] = field(default_factory=dict)
    applied: frozenset[tuple[int, int]] = frozenset()


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("likes", shards=2, bucket_seconds=4)


def test_many_counts_come_in_one_command_and_seed_what_is_missing(family):
    family.seed({1: 10}, ())
    counts = Counts(family, [1, 2, 3])
    replies = pool("state").call(counts.commands())
    live = counts.live(replies)
    assert (live, counts.unknown(live)) == ({1: 10}, [2, 3])

    rider = counts.rider([2, 3], replies)
    found = Snapshot({2: 20})
    seeded = rider.seeded(found, pool("state").call(rider.seeds(found)))

    assert seeded == family.live([2, 3]) == {2: 20}


def test_without_the_counters_redis_the_totals_are_the_counts(family):
    counts = Counts(family, [1, 2])
    rider = counts.rider(counts.unknown(counts.live(None)), None)
    found = Snapshot({1: 10})
    assert rider.seeds(found) == []
    assert rider.seeded(found, ()) == rider.without_redis(found, unknown=False) == {1: 10}
