"""The periodic tasks of offers."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs import run_job
from offers import expiration
from offers.delivery import courier, reminders

# Celery limits. Each delivery has its own 15 s timeout; these stop what it cannot interrupt: DNS, a host with many
# addresses, a third-party mail backend.
_SOFT_LIMIT = 45
_HARD_LIMIT = 60


@shared_task(name="offers.tasks.process_expired_offers")
def process_expired_offers() -> dict[str, Any] | None:
    """Close the offers whose end has passed; None if another worker runs the job."""
    return run_job("process_expired_offers", expiration.process_expired_offers)


@shared_task(name="offers.tasks.send_offer_reminders")
def send_offer_reminders() -> dict[str, Any] | None:
    """Record a reminder for each offer that ends soon; None if another worker runs the job."""
    return run_job("send_offer_reminders", reminders.send_offer_reminders)


@shared_task(name="offers.tasks.deliver_offer_events", soft_time_limit=_SOFT_LIMIT, time_limit=_HARD_LIMIT)
def deliver_offer_events() -> dict[str, Any] | None:
    """Deliver the due events of offers; None if another worker runs the job."""
    return run_job("deliver_offer_events", courier.deliver_offer_events)
