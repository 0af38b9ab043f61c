"""The rules of the ledger and of job runs are constraints of the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from caching.models import CounterBucket, JobRun

pytestmark = pytest.mark.django_db


def refused(rows: models.QuerySet[Any], **changes: Any) -> str:
    """Return the name of the constraint that refuses an UPDATE that bypasses Django's validation."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        rows.update(**changes)
    name: str = caught.value.__cause__.diag.constraint_name
    return name


def enter(**changes: Any) -> models.QuerySet[CounterBucket]:
    """Write a row of the ledger and return it as a query."""
    row = {"family": "clicks", "shard": 0, "bucket": 7, "total": 5, "fields": 2, "orphaned": 1}
    created = CounterBucket.objects.create(applied_at=timezone.now(), **(row | changes))
    return CounterBucket.objects.filter(pk=created.pk)


def run(outcome: str = JobRun.Outcome.RUNNING) -> models.QuerySet[JobRun]:
    """Write a job run and return it as a query."""
    finished = None if outcome == JobRun.Outcome.RUNNING else timezone.now()
    created = JobRun.objects.create(job="tidy", started_at=timezone.now(), finished_at=finished, outcome=outcome)
    return JobRun.objects.filter(pk=created.pk)


@pytest.mark.parametrize("changes", [{"total": -1}, {"fields": -1}, {"orphaned": -1}, {"orphaned": 6}, {"total": 0}])
def test_the_ledger_refuses_impossible_amounts(changes: dict[str, int]) -> None:
    assert refused(enter(), **changes) == "counter_bucket_amounts"


def test_the_ledger_accepts_an_empty_bucket_and_one_that_is_all_orphaned() -> None:
    enter(bucket=1, total=0, fields=0, orphaned=0)
    enter(bucket=2, total=3, orphaned=3)

    assert CounterBucket.objects.count() == 2


def test_a_bucket_is_entered_once() -> None:
    enter()
    other = enter(bucket=8)

    assert refused(other, bucket=7) == "counter_bucket_once"


@pytest.mark.parametrize("changes", [{"family": "likes"}, {"shard": 1}, {"bucket": 9}])
def test_a_bucket_is_identified_by_family_shard_and_number(changes: dict[str, Any]) -> None:
    enter()
    enter(**changes)

    assert CounterBucket.objects.count() == 2


@pytest.mark.parametrize("outcome", ["", "done", "Succeeded"])
def test_an_unknown_outcome_is_refused(outcome: str) -> None:
    assert refused(run(JobRun.Outcome.SUCCEEDED), outcome=outcome) == "job_run_outcome"


def test_a_run_that_is_running_has_no_end() -> None:
    assert refused(run(), finished_at=timezone.now()) == "job_run_finished"


@pytest.mark.parametrize("outcome", [JobRun.Outcome.SUCCEEDED, JobRun.Outcome.FAILED, JobRun.Outcome.LOST])
def test_a_run_that_is_over_has_an_end(outcome: str) -> None:
    assert refused(run(), outcome=outcome) == "job_run_finished"
    assert refused(run(outcome), finished_at=None) == "job_run_finished"
