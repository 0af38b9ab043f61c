"""The periodic tasks of offers."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from caching.jobs import run_job
from offers import expiration, reminders
from offers.delivery import courier


@shared_task(name="offers.tasks.process_expired_offers")
def process_expired_offers() -> dict[str, Any] | None:
    """Close offers whose time has passed; None if another worker is doing so."""
    return run_job("process_expired_offers", expiration.process_expired_offers)


@shared_task(name="offers.tasks.send_offer_reminders")
def send_offer_reminders() -> dict[str, Any] | None:
    """Note a reminder for each offer that soon ends; None if another worker is doing so."""
    return run_job("send_offer_reminders", reminders.send_offer_reminders)


@shared_task(name="offers.tasks.deliver_offer_events")
def deliver_offer_events() -> dict[str, Any] | None:
    """Tell people outside what is due to be told; None if another worker is doing so."""
    return run_job("deliver_offer_events", courier.deliver_offer_events)
