from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from caching.counters.ledger import APPLIED_BUCKETS, parse_applied
from caching.models import CounterBucket

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("pairs", [[], [(0, 7)], [(0, 7), (0, 8), (3, 7)]])
def test_a_query_carries_the_applied_buckets_that_redis_may_still_hold(pairs):
    def enter(family: str, shard: int, bucket: int, retained: bool = True) -> None:
        CounterBucket.objects.create(
            family=family,
            shard=shard,
            bucket=bucket,
            total=1,
            fields=1,
            orphaned=0,
            applied_at=timezone.now(),
            retained=retained,
        )

    for shard, bucket in pairs:
        enter("clicks", shard, bucket)
    enter("clicks", 1, 1, retained=False)
    enter("other", 0, 9)

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {APPLIED_BUCKETS}", ["clicks"])
        (column,) = cursor.fetchone()

    assert parse_applied(column) == set(pairs)
