"""The status of the scheduled jobs: their schedule, their last run, and whether the scheduler is alive."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from celery.schedules import BaseSchedule, crontab, maybe_schedule, schedule
from django.db import connection

from caching.jobs.default_app import layer_app
from caching.jobs.lock import lock_key
from caching.models import JobRun

# The scheduler never counts as stopped within this time after its most frequent job finished.
_GRACE = timedelta(seconds=10)

# BETWEEN instead of `=` keeps the name in the sort order. With `=` the planner may scan the index on started_at alone,
# which reads the whole history for a job that seldom or never ran.
_LATEST = """
    SELECT job.name, run.id, run.started_at, run.finished_at, run.outcome, run.stats, ended.finished_at,
           EXISTS (SELECT FROM pg_locks
                   WHERE locktype = 'advisory' AND objsubid = 1 AND granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                     AND (classid::bigint << 32 | objid::bigint) = job.key),
           clock_timestamp()
    FROM unnest(%s::text[], %s::bigint[]) AS job (name, key)
    LEFT JOIN LATERAL (SELECT * FROM caching_jobrun
                       WHERE caching_jobrun.job BETWEEN job.name AND job.name
                       ORDER BY caching_jobrun.job, started_at DESC LIMIT 1) AS run ON true
    LEFT JOIN LATERAL (SELECT finished_at FROM caching_jobrun
                       WHERE caching_jobrun.job BETWEEN job.name AND job.name AND outcome IN ('succeeded', 'failed')
                       ORDER BY caching_jobrun.job, started_at DESC LIMIT 1) AS ended ON true
"""


class LatestRun(NamedTuple):
    """The newest run of one job, None throughout if it never ran, and the state of the job in the database.

    `last_finish` is when a run last succeeded or failed, `locked` whether a session holds the lock of the job, and
    `now` the time by PostgreSQL's clock.
    """

    job: str
    id: int | None
    started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    stats: dict[str, Any]
    last_finish: datetime | None
    locked: bool
    now: datetime

    @property
    def unlocked(self) -> bool:
        """Whether the record says running while no session holds the lock."""
        return self.outcome == JobRun.Outcome.RUNNING and not self.locked


def job_status() -> dict[str, Any]:
    """Return `running` (the scheduler is alive) and every scheduled job with its next and its last run.

    `jobs` is a list of dicts with `id`, `schedule`, `next_run_time` and `last_run`, which is None or a dict with
    `started_at`, `finished_at`, `outcome` and `stats`. A run that is recorded as running while no session holds its
    lock has the outcome lost. Times are datetimes in UTC.
    """
    entries: Mapping[str, Mapping[str, Any]] = layer_app().conf.beat_schedule
    schedules = {name: maybe_schedule(entry["schedule"]) for name, entry in entries.items()}
    runs = latest_runs(list(schedules))
    return {
        "running": _alive(schedules, runs),
        "jobs": [_describe(name, plan, runs[name]) for name, plan in schedules.items()],
    }


def latest_runs(names: list[str]) -> dict[str, LatestRun]:
    """Return the newest run of each job by name, as lost if its process is dead; one query, rarely two."""
    runs = _query(names)
    suspects = [run.job for run in runs.values() if run.unlocked]
    if suspects:
        # The query reads the rows before the locks, so a run that has just finished may look unlocked too. One that
        # is still unfinished in rows read after its lock was seen free is dead.
        for name, again in _query(suspects).items():
            dead = again.unlocked and again.id == runs[name].id
            runs[name] = again._replace(outcome=JobRun.Outcome.LOST.value) if dead else again
    return runs


def _query(names: list[str]) -> dict[str, LatestRun]:
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, [names, [lock_key(name) for name in names]])
        rows = cursor.fetchall()
    return {row[0]: LatestRun._make((*row[:5], _decoded(row[5]), *row[6:])) for row in rows}


def _decoded(stats: str | None) -> dict[str, Any]:
    # Django leaves jsonb as text on its own connections, so that JSONField can choose the decoder.
    decoded: dict[str, Any] = orjson.loads(stats) if stats else {}
    return decoded


def _describe(name: str, plan: BaseSchedule, run: LatestRun) -> dict[str, Any]:
    last = None
    if run.id is not None:
        last = {
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "outcome": run.outcome,
            "stats": run.stats,
        }
    return {
        "id": name,
        "schedule": _in_words(plan),
        "next_run_time": _next(plan, run.started_at or run.now, run.now),
        "last_run": last,
    }


def _alive(schedules: Mapping[str, BaseSchedule], runs: Mapping[str, LatestRun]) -> bool:
    """Whether the most frequent job runs now, or finished within twice its period or the grace."""
    if not schedules:
        return False
    name = min(schedules, key=lambda each: _period(schedules[each]))
    run = runs[name]
    if run.outcome == JobRun.Outcome.RUNNING:
        return True
    allowed = max(2 * _period(schedules[name]), _GRACE)
    return run.last_finish is not None and run.now - run.last_finish <= allowed


def _period(plan: BaseSchedule) -> timedelta:
    # A crontab counts as daily. A job with an interval shows sooner that the scheduler has stopped.
    return plan.run_every if isinstance(plan, schedule) else timedelta(days=1)


def _next(plan: BaseSchedule, last: datetime, now: datetime) -> datetime:
    fixed = copy.copy(plan)
    fixed.nowfun = lambda: now
    left: timedelta = fixed.remaining_estimate(last)
    return (now + left).astimezone(UTC)


def _in_words(plan: BaseSchedule) -> str:
    if isinstance(plan, schedule):
        return f"every {plan.seconds:g} s"
    if isinstance(plan, crontab):
        return str(plan).removeprefix("<crontab: ").removesuffix(" (m/h/dM/MY/d)>")
    return str(plan)
