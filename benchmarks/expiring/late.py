"""How late offers are marked as expired by a real Celery worker and beat."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from benchmarks.expiring.market import Ends, Market
from benchmarks.expiring.marks import Lateness, lateness, marks
from benchmarks.harness.progress import say
from benchmarks.harness.rows import Reach, Row, row
from benchmarks.harness.service import ServiceFailed, service
from caching.models import JobRun
from marketplace.development import programs
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.tasks import process_expired_offers

JOB = "process_expired_offers"
# Offers that fall due each second.
_PER_SECOND = 50
# Seconds to wait after the last run is due, so that its end is measured.
_ASIDE = 10.0
_LOOK_SECONDS = 0.1
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """What orders the job, the period in seconds, and the number of runs that the benchmark waits for."""

    name: str
    period: float
    times: int
    order: Callable[[], object] | None = None

    @property
    def seconds(self) -> float:
        return self.times * self.period + (0 if self.order else _ASIDE)

    @property
    def reach(self) -> Reach:
        return Reach(self.period + 1, at_least=False, unit="s")


def by_beat(times: int) -> Schedule:
    """Return the real schedule."""
    period = float(settings.CELERY_BEAT_SCHEDULE[JOB]["schedule"])
    return Schedule(f"beat, every {period:g} s", period, times)


def by_order(period: float, times: int) -> Schedule:
    """Return a schedule that sends the job to the worker directly, for a shorter measurement."""
    return Schedule(f"no beat, ordered every {period:g} s", period, times, process_expired_offers.delay)


def rows(market: Market, schedule: Schedule) -> list[Row]:
    """Return the rows of offers that fall due continuously. Raises ServiceFailed."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="beat-")))
        stack.enter_context(marks())
        stack.enter_context(service(programs.worker(dict(os.environ))))
        if schedule.order is None:
            stack.enter_context(service(programs.beat(dict(os.environ), place / "schedule")))
            _await_beat()
        say(f"watching the worker for {schedule.seconds:g} s ({schedule.name})")
        found, runs = _observed(market, schedule)
    name = f"mark of expiry, {schedule.seconds:g} s observed"
    said = f"{schedule.name}; {found.marked:,} of {found.due:,} marked by {runs} runs"
    return [
        row(f"{name}: latest", found.seconds, "s", said, None, schedule.reach),
        Row(f"{name}: before the end", found.early, "", f"{found.marked:,} marks", None, "0", not found.early),
    ]


def _observed(market: Market, schedule: Schedule) -> tuple[Lateness, int]:
    """Return the lateness of the marks, and the number of runs."""
    count = round(schedule.seconds * _PER_SECOND)
    began, start, runs = database_now(), time.monotonic(), _runs()
    ends = Ends(count, began, timedelta(seconds=1 / _PER_SECOND))
    offer_deadlines.schedule_many(market.offers(market.take(-(-count // len(market.buyers))), ends))
    ordered = 0
    while time.monotonic() < start + schedule.seconds:
        if schedule.order and time.monotonic() >= start + (ordered + 1) * schedule.period:
            schedule.order()
            ordered += 1
        time.sleep(_LOOK_SECONDS)
    return lateness(began), _runs() - runs


def _await_beat() -> None:
    """Wait until beat has ordered a job, which starts its period. Raises ServiceFailed."""
    deadline, before = time.monotonic() + _START_SECONDS, JobRun.objects.count()
    while JobRun.objects.count() == before:
        if time.monotonic() > deadline:
            raise ServiceFailed(f"beat has ordered nothing for {_START_SECONDS:g} s")
        time.sleep(_LOOK_SECONDS)


def _runs() -> int:
    return JobRun.objects.filter(job=JOB, outcome=JobRun.Outcome.SUCCEEDED).count()
