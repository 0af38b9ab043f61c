"""The schedule of beat, and the queues of its tasks, each of which a worker consumes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.schedules import crontab
from django.conf import settings

from marketplace.celery import app
from marketplace.development import programs

ROOT = Path(__file__).resolve().parents[2]
SCHEDULE: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
TASKS = {
    "sync_view_counts": "products.tasks.sync_view_counts",
    "process_expired_offers": "offers.tasks.process_expired_offers",
    "send_offer_reminders": "offers.tasks.send_offer_reminders",
    "deliver_offer_events": "offers.tasks.deliver_offer_events",
    "cleanup_old_cache": "caching.tasks.cleanup_old_cache",
}


def queue_of(task: str) -> str:
    """Return the queue that the application sends a task to."""
    return str(app.amqp.router.route({}, task)["queue"].name)


def consumed(arguments: list[str]) -> set[str]:
    """Return the queues in the arguments of a worker."""
    at = next(at for at, argument in enumerate(arguments) if argument in ("-Q", "--queues"))
    return set(arguments[at + 1].split(","))


def deployed_queues(service: str) -> set[str]:
    """Return the queues that a worker of docker-compose.yml consumes."""
    (name,) = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"][service]["command"]
    script = (ROOT / "deploy" / "bin" / name).read_text()
    return consumed(re.sub(r"\\\n", " ", script).split())


def test_these_jobs_are_scheduled_and_no_others() -> None:
    assert {name: entry["task"] for name, entry in SCHEDULE.items()} == TASKS


@pytest.mark.parametrize(
    ("job", "seconds"),
    [
        ("sync_view_counts", 5),
        ("process_expired_offers", 60),
        ("send_offer_reminders", 60),
        ("deliver_offer_events", 10),
    ],
)
def test_a_frequent_job_has_its_period_and_a_message_lives_as_long(job: str, seconds: int) -> None:
    assert SCHEDULE[job]["schedule"] == seconds
    assert SCHEDULE[job]["options"]["expires"] == seconds


def test_the_tidying_is_at_three_in_the_morning_utc_and_its_message_lives_an_hour() -> None:
    entry = SCHEDULE["cleanup_old_cache"]

    assert isinstance(entry["schedule"], crontab)
    assert (entry["schedule"].hour, entry["schedule"].minute) == ({3}, {0})
    assert len(entry["schedule"].day_of_week) == 7
    assert (len(entry["schedule"].day_of_month), len(entry["schedule"].month_of_year)) == (31, 12)
    assert entry["options"]["expires"] == 3600
    assert (app.conf.timezone, app.conf.enable_utc) == ("UTC", True)


@pytest.mark.parametrize("task", TASKS.values())
def test_what_is_scheduled_is_a_task_that_workers_know(task: str) -> None:
    app.loader.import_default_modules()

    assert task in app.tasks


@pytest.mark.parametrize("task", TASKS.values())
def test_jobs_have_a_queue_of_their_own(task: str) -> None:
    # A refresh must not wait behind a long job, and no job behind a receiver that hangs.
    assert queue_of(task) == ("events" if task == "offers.tasks.deliver_offer_events" else "jobs")


def test_the_worker_that_flushes_views_in_a_deployment_delivers_no_events() -> None:
    assert deployed_queues("courier") == {"events"}
    assert "events" not in deployed_queues("worker")


@pytest.mark.parametrize("consumes", ["deployed", "developed"])
def test_a_worker_consumes_every_queue_that_is_sent_to(consumes: str) -> None:
    app.loader.import_default_modules()
    known = {name for name in app.tasks if not name.startswith("celery.")}
    deployed = deployed_queues("worker") | deployed_queues("courier")
    queues = deployed if consumes == "deployed" else consumed(programs.worker({}).argv)

    assert {queue_of(task) for task in known} <= queues
