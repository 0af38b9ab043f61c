from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from caching.jobs.run import run_job
from caching.models import CounterBucket, JobRun
from caching.redis.connections import pool
from caching.upkeep.cleanup import cleanup_old_cache

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


def test_the_sweep_over_redis_reports_with_it(redis_state):
    redis_state.set("mp:c:{forgotten:1}", b"", ex=100)
    size = redis_state.memory_usage("mp:c:{forgotten:1}")

    stats = cleanup_old_cache()

    assert stats["removed"] == {"bad_header": {"keys": 1, "bytes": size}}
    assert stats["scan_complete"]
    assert redis_state.dbsize() == 0


def test_what_its_budget_left_is_done_by_the_next_run(redis_state):
    redis_state.mset({f"mp:c:{{forgotten:{id}}}": b"" for id in range(3000)})

    first = run_job("cleanup_old_cache", lambda: cleanup_old_cache(keys=1000))
    left = redis_state.dbsize()
    second = run_job("cleanup_old_cache", cleanup_old_cache)

    assert not first["scan_complete"]
    assert 0 < left < 3000
    assert second["scan_complete"]
    assert second["scanned"] <= left + 1000
    assert redis_state.dbsize() == 0


def test_without_redis_the_rest_is_done_and_recorded(monkeypatch):
    bucket(1, 8, retained=False)
    monkeypatch.setattr(pool("cache").breaker, "is_open", True)

    stats = cleanup_old_cache()

    assert stats["ledger_rows"] == 1
    assert not stats["scan_complete"]
