"""Jobs: at most one run has effects, every run leaves a record, and a killed one shows as lost."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time
from threading import Event, Thread

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction

from caching.jobs.run import run_job
from caching.jobs.status import job_status, latest_runs
from caching.models import JobRun
from tests.other_session import other_session

JOB = "process_expired_offers"


def records() -> list[str]:
    return list(JobRun.objects.order_by("id").values_list("outcome", flat=True))


@pytest.mark.django_db
def test_a_run_is_recorded_with_its_stats(caplog) -> None:
    with caplog.at_level(logging.INFO):
        stats = run_job(JOB, lambda: {"processed": 3})
    run = JobRun.objects.get()
    assert stats is not None
    assert stats["processed"] == 3
    assert stats["duration_ms"] >= 0
    assert (run.job, run.outcome, run.stats, run.error) == (JOB, "succeeded", stats, "")
    assert run.started_at <= run.finished_at
    assert "processed=3" in caplog.text


@pytest.mark.django_db
def test_a_failure_is_recorded_and_raised() -> None:
    def fail() -> dict:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        run_job(JOB, fail)
    run = JobRun.objects.get()
    assert (run.outcome, run.error) == ("failed", "LookupError: no such thing")
    assert run.finished_at is not None
    # and the lock is free again
    assert run_job(JOB, dict) is not None


@pytest.mark.django_db(transaction=True)
def test_a_failed_statement_is_recorded_outside_a_transaction() -> None:
    def fail() -> dict:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        return {}

    with pytest.raises(DatabaseError):
        run_job(JOB, fail)
    assert records() == ["failed"]


@pytest.mark.django_db(transaction=True)
def test_a_stopped_worker_is_recorded() -> None:
    def stop() -> dict:
        raise SystemExit

    with pytest.raises(SystemExit):
        run_job(JOB, stop)
    assert records() == ["failed"]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one_run() -> None:
    # given a run that is under way
    begun, done = Event(), Event()

    def work() -> dict:
        begun.set()
        done.wait(10)
        return {}

    def first() -> None:
        try:
            run_job(JOB, work)
        finally:
            connection.close()

    thread = Thread(target=first)
    thread.start()
    assert begun.wait(10)
    try:
        # when the same job starts again, it does nothing and leaves no record
        assert run_job(JOB, dict) is None
        assert records() == ["running"]
        assert latest_runs([JOB])[JOB].outcome == "running"
        # and another job does run
        assert run_job("sync_view_counts", dict) is not None
    finally:
        done.set()
        thread.join(10)
    # then the next one runs
    assert run_job(JOB, dict) is not None
    assert list(JobRun.objects.filter(job=JOB).values_list("outcome", flat=True)) == ["succeeded", "succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_cut_off_fails_clearly(caplog) -> None:
    # given a run whose database session ends in the middle
    def work() -> dict:
        with other_session(autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {}

    with pytest.raises(OperationalError):
        run_job(JOB, work)
    # then it is recorded through a new session, and the lock was freed with the old one
    assert records() == ["failed"]
    assert "lock of process_expired_offers was lost" in caplog.text
    assert run_job(JOB, dict) is not None


@pytest.mark.django_db(transaction=True)
def test_a_run_that_lost_its_lock_does_not_overwrite_the_outcome_lost() -> None:
    # given a run that a later one has marked lost
    def work() -> dict:
        JobRun.objects.update(outcome="lost", finished_at="2030-01-01T00:00:00Z")
        return {}

    run_job(JOB, work)
    assert records() == ["lost"]


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_killed_run_shows_as_lost_and_blocks_no_later_run(process_env) -> None:
    # given a process that holds the job and is killed
    process = subprocess.Popen([sys.executable, "-c", HOLDER], env=process_env, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "working"
    assert latest_runs([JOB])[JOB].outcome == "running"
    assert run_job(JOB, dict) is None
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    wait_until_unlocked(JOB)
    # then its run reads as lost, though its row still says running
    assert records() == ["running"]
    shown = next(job for job in job_status()["jobs"] if job["id"] == JOB)
    assert (shown["last_run"]["outcome"], shown["last_run"]["finished_at"]) == ("lost", None)
    # and the next run marks it lost and does its work
    assert run_job(JOB, dict) is not None
    assert records() == ["lost", "succeeded"]


HOLDER = f"""
import time, django
django.setup()
from caching.jobs.run import run_job
def work():
    print("working", flush=True)
    time.sleep(60)
run_job("{JOB}", work)
"""


def wait_until_unlocked(job: str, seconds: float = 10) -> None:
    """PostgreSQL ends the dead client's session within milliseconds; wait for it, but not for ever."""
    until = time.monotonic() + seconds
    while latest_runs([job])[job].locked:
        assert time.monotonic() < until
        time.sleep(0.01)
