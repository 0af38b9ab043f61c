"""The periodic task: one run at a time, on record, bound to the schedule by its name."""

from __future__ import annotations

import pytest
from celery import current_app
from django.conf import settings

from caching.models import JobRun
from offers.delivery import courier, total_timeout
from offers.tasks import deliver_offer_events, process_expired_offers
from tests.factories import OfferFactory

pytestmark = pytest.mark.django_db


def test_the_task_sweeps_and_leaves_a_record(let_expire) -> None:
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


def test_a_run_that_tells_is_ended_after_all_it_may_take_and_before_its_claims_are_free() -> None:
    longest = courier.SECONDS + 2 * total_timeout.TOTAL

    assert longest < deliver_offer_events.soft_time_limit < deliver_offer_events.time_limit <= 60 < courier.LEASE
