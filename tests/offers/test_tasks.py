"""The periodic tasks of offers: their records, schedule and limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings

from caching.models import JobRun
from offers.clock import database_now
from offers.delivery import courier, total_timeout
from offers.tasks import deliver_offer_events, process_expired_offers, send_offer_reminders
from tests.factories import OfferEventFactory, OfferFactory
from tests.offers.delivery.recording_backend import RecordingBackend

pytestmark = pytest.mark.django_db


def test_the_expiry_task_closes_offers_and_records_its_run(let_expire) -> None:
    offer = OfferFactory()
    let_expire(offer)
    stats = process_expired_offers()
    offer.refresh_from_db()
    assert offer.status == "expired"
    run = JobRun.objects.get(job="process_expired_offers")
    assert (run.outcome, run.stats) == ("succeeded", stats)
    assert stats["database_updated"] == 1


def test_the_schedule_names_the_task() -> None:
    assert settings.CELERY_BEAT_SCHEDULE["process_expired_offers"]["task"] == process_expired_offers.name
    assert process_expired_offers.name in current_app.tasks


def test_celerys_limits_are_between_the_longest_run_and_the_lease() -> None:
    longest = courier.SECONDS + 2 * total_timeout.TOTAL

    assert longest < deliver_offer_events.soft_time_limit < deliver_offer_events.time_limit <= 60 < courier.LEASE


def test_the_delivery_task_records_its_run(backend: RecordingBackend) -> None:
    OfferEventFactory.create_batch(2)

    stats = deliver_offer_events()

    run = JobRun.objects.get(job="deliver_offer_events")
    assert (run.outcome, run.stats) == ("succeeded", stats)
    assert stats is not None
    assert stats["delivered"] == 2


def test_the_reminder_task_records_its_run_and_the_next_job_delivers(backend: RecordingBackend) -> None:
    now = database_now()
    offer = OfferFactory(created_at=now - timedelta(days=1), expires_at=now + timedelta(minutes=30))

    stats = send_offer_reminders()
    deliver_offer_events()

    assert stats is not None
    assert stats["recorded"] == 1
    assert JobRun.objects.get(job="send_offer_reminders").stats == stats
    assert [(message.kind, message.offer) for message in backend.messages] == [("reminder", offer.pk)]
