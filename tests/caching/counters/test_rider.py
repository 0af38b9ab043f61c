"""Riders on a fill: seeds of live counts, or the totals of PostgreSQL if nothing may be seeded."""

from __future__ import annotations

import pytest
from django.db import transaction

from caching.counters.family import CounterFamily
from caching.counters.rider import Seeds, Totals
from caching.readthrough.loader import Load
from caching.redis.connections import pool

pytestmark = pytest.mark.django_db(transaction=True)

FOUND = Load({1: b"{}", 2: b"{}"}, totals={1: 40, 2: 7})


@pytest.fixture
def family() -> CounterFamily:
    return CounterFamily("likes", shards=2, bucket_seconds=4)


def test_the_ids_that_exist_are_seeded_and_no_other(family):
    # given one row that is gone, and one whose live count nobody asked for
    rider = Seeds(family, [1, 3])

    # when the seeds are sent
    replies = pool("state").call(rider.seeds(FOUND))

    # then
    assert rider.seeded(FOUND, replies) == family.live([1, 2, 3]) == {1: 40}


def test_a_live_count_that_was_seeded_meanwhile_is_the_answer(family):
    rider = Seeds(family, [1])
    family.seed({1: 41}, ())

    assert rider.seeded(FOUND, pool("state").call(rider.seeds(FOUND))) == {1: 41}


def test_inside_a_transaction_the_totals_are_answered_and_nothing_is_seeded(family):
    rider = Seeds(family, [1, 2])
    with transaction.atomic():
        assert rider.seeds(FOUND) == []
    assert rider.seeded(FOUND, ()) == {1: 40, 2: 7}
    assert family.live([1, 2]) == {}


@pytest.mark.parametrize("unknown", [True, False])
def test_without_redis_both_riders_answer_the_totals(family, unknown):
    for rider in (Seeds(family, [1, 3]), Totals([1, 3])):
        assert rider.without_redis(FOUND, unknown) == {1: 40}
    assert Totals([1, 3]).seeds(FOUND) == []
