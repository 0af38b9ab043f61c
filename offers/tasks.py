"""The periodic tasks of offers."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs import run_job
from offers import expiration
from offers.delivery import courier, reminders

# Seconds for a run that tells. Our deliveries have a deadline, so it takes less. These end what no deadline can cut: a
# search for a name, a host with many addresses, a backend of somebody else's.
_SOFT_LIMIT = 45
_HARD_LIMIT = 60


@shared_task(name="offers.tasks.process_expired_offers")
def process_expired_offers() -> dict[str, Any] | None:
    """Close offers whose time has passed; None if another worker is doing so."""
    return run_job("process_expired_offers", expiration.process_expired_offers)


@shared_task(name="offers.tasks.send_offer_reminders")
def send_offer_reminders() -> dict[str, Any] | None:
    """Note a reminder for each offer that soon ends; None if another worker is doing so."""
    return run_job("send_offer_reminders", reminders.send_offer_reminders)


@shared_task(name="offers.tasks.deliver_offer_events", soft_time_limit=_SOFT_LIMIT, time_limit=_HARD_LIMIT)
def deliver_offer_events() -> dict[str, Any] | None:
    """Tell people outside what is due to be told; None if another worker is doing so."""
    return run_job("deliver_offer_events", courier.deliver_offer_events)
