from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from caching.cleanup import cleanup_old_cache
from caching.models import CounterBucket, JobRun

pytestmark = pytest.mark.django_db


def bucket(number: int, days: float, retained: bool) -> CounterBucket:
    applied = timezone.now() - timedelta(days=days)
    return CounterBucket.objects.create(
        family="x", shard=0, bucket=number, total=1, fields=1, orphaned=0, applied_at=applied, retained=retained
    )


def test_what_is_past_its_retention_goes_and_the_rest_stays():
    old = timezone.now() - timedelta(days=20)
    gone = [bucket(1, 8, retained=False)]
    kept = [bucket(2, 6, retained=False), bucket(3, 8, retained=True)]
    JobRun.objects.create(job="x", started_at=old, finished_at=old, outcome="succeeded")
    JobRun.objects.create(job="x", started_at=old)
    JobRun.objects.create(job="x", started_at=timezone.now())

    stats = cleanup_old_cache()

    assert stats["ledger_rows"] == len(gone)
    assert stats["job_runs"] == 1
    assert set(CounterBucket.objects.values_list("bucket", flat=True)) == {row.bucket for row in kept}
    assert JobRun.objects.count() == 2
