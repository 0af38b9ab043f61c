from __future__ import annotations

import pytest
from django.utils import timezone

from caching.ledger import applied_buckets, parse_applied
from caching.models import CounterBucket, JobRun

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
    JobRun.objects.create(job="any row", started_at=timezone.now())

    (column,) = JobRun.objects.values_list(applied_buckets("clicks"), flat=True)

    assert parse_applied(column) == set(pairs)
