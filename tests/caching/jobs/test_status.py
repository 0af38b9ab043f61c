"""The status of the jobs, and that a run whose record still says running may be lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from celery.schedules import crontab
from django.db import connection

from caching.jobs import status as module
from caching.jobs.run import run_job
from caching.jobs.status import job_status
from caching.models import JobRun

pytestmark = pytest.mark.django_db

SCHEDULE = {
    "often": {"task": "x", "schedule": 5.0},
    "hourly": {"task": "y", "schedule": timedelta(hours=1)},
    "nightly": {"task": "z", "schedule": crontab(hour=3, minute=0)},
}


@pytest.fixture(autouse=True)
def schedule(settings) -> None:
    settings.CELERY_BEAT_SCHEDULE = SCHEDULE


def ran(job: str, ago: timedelta, outcome: str = "succeeded", **fields) -> JobRun:
    now = datetime.now(UTC)
    finished = None if outcome == "running" else now - ago
    return JobRun.objects.create(job=job, started_at=now - ago, finished_at=finished, outcome=outcome, **fields)


def described(id: str) -> dict:
    return next(job for job in job_status()["jobs"] if job["id"] == id)


def test_before_anything_ran() -> None:
    status = job_status()
    assert not status["running"]
    assert [job["id"] for job in status["jobs"]] == ["often", "hourly", "nightly"]
    assert [job["schedule"] for job in status["jobs"]] == ["every 5 s", "every 3600 s", "0 3 * * *"]
    assert all(job["last_run"] is None for job in status["jobs"])
    assert all(job["next_run_time"] > datetime.now(UTC) for job in status["jobs"])


def test_the_last_run_and_the_next() -> None:
    ran("hourly", timedelta(hours=3))
    last = ran("hourly", timedelta(minutes=20), "failed", stats={"done": 1}, error="LookupError: x")
    job = described("hourly")
    assert job["last_run"] == {
        "started_at": last.started_at,
        "finished_at": last.finished_at,
        "outcome": "failed",
        "stats": {"done": 1},
    }
    assert abs(job["next_run_time"] - (last.started_at + timedelta(hours=1))) < timedelta(seconds=1)


def test_the_next_run_of_a_crontab() -> None:
    ran("nightly", timedelta(minutes=1))
    following = described("nightly")["next_run_time"]
    assert (following.hour, following.minute, following.tzinfo) == (3, 0, UTC)
    assert timedelta(0) < following - datetime.now(UTC) <= timedelta(days=1)


@pytest.mark.parametrize(
    ("job", "ago", "outcome", "running"),
    [
        ("often", 8, "succeeded", True),
        ("often", 8, "failed", True),
        ("often", 12, "succeeded", False),
        ("often", 1, "lost", False),
        ("hourly", 1, "succeeded", False),
    ],
)
def test_the_scheduler_is_alive_while_its_most_frequent_job_runs(job, ago, outcome, running) -> None:
    ran(job, timedelta(seconds=ago), outcome)
    assert job_status()["running"] == running


def test_a_long_run_counts_as_alive() -> None:
    seen = []
    run_job("often", lambda: seen.append(job_status()) or {})
    assert seen[0]["running"]
    assert seen[0]["jobs"][0]["last_run"]["outcome"] == "running"


def test_a_run_without_its_lock_is_lost() -> None:
    ran("often", timedelta(seconds=1), "running")
    status = job_status()
    assert status["jobs"][0]["last_run"]["outcome"] == "lost"
    assert not status["running"]


def test_a_run_that_ends_while_it_is_looked_at_is_not_lost(monkeypatch) -> None:
    # given a run that finishes just after its row was read as running, with its lock free
    run = ran("often", timedelta(seconds=1), "running")
    query = module._query

    def finish_after(names):
        rows = query(names)
        JobRun.objects.filter(pk=run.pk, outcome="running").update(outcome="succeeded", finished_at=datetime.now(UTC))
        return rows

    monkeypatch.setattr(module, "_query", finish_after)
    assert job_status()["jobs"][0]["last_run"]["outcome"] == "succeeded"


def test_it_takes_one_query(django_assert_num_queries) -> None:
    ran("often", timedelta(seconds=1))
    with django_assert_num_queries(1):
        job_status()


def test_it_does_not_read_the_history() -> None:
    """A job that runs every five seconds leaves a quarter of a million rows in two weeks, the retention."""
    now = datetime.now(UTC)
    JobRun.objects.bulk_create(
        JobRun(job="often", started_at=now - timedelta(seconds=5 * n), finished_at=now, outcome="succeeded")
        for n in range(3000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE caching_jobrun")
        cursor.execute(f"EXPLAIN {module._LATEST}", [["often", "nightly"], [1, 2]])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert plan.count("Index Scan using job_run_latest on caching_jobrun") == 2, plan
