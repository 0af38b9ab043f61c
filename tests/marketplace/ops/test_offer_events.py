"""Metrics of offers: the backlog of events, events given up, and offers overdue."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from prometheus_client.parser import text_string_to_metric_families

from offers.clock import database_now
from offers.delivery import backlog
from offers.overdue import overdue
from tests.factories import OfferEventFactory, OfferFactory

pytestmark = pytest.mark.django_db(transaction=True)


def scraped(api: Any) -> dict[str, float]:
    """Return the samples of offers of this process alone, without the directory shared by all processes."""
    # The first request creates the series in that directory.
    api.get("/metrics")
    with patch.dict(os.environ):
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
        page = api.get("/metrics").content.decode()
    families = text_string_to_metric_families(page)
    return {sample.name: sample.value for family in families for sample in family.samples if "offer" in sample.name}


def test_without_a_backlog_every_gauge_is_zero(api: Any) -> None:
    OfferEventFactory(due_at=None)
    OfferFactory()

    assert scraped(api) == {
        "offer_events_known": 1,
        "offer_events_waiting": 0,
        "offer_events_oldest_seconds": 0,
        "offer_events_given_up": 0,
        "offers_due": 0,
        "offers_due_oldest_seconds": 0,
    }


def test_the_backlog_is_measured_with_its_age(api: Any) -> None:
    # Given events that are due, due later, given up, obsolete, delivered and history
    now = database_now()
    minute = timedelta(minutes=1)
    offer = OfferFactory()
    OfferEventFactory(offer=offer, at=now - minute, due_at=now - minute)
    OfferEventFactory(offer=offer, at=now - 2 * minute, due_at=now + minute, error="answered 500")
    OfferEventFactory(offer=offer, due_at=None, error="answered 500")
    OfferEventFactory(offer=offer, due_at=None, error="obsolete: no backend")
    OfferEventFactory(offer=offer, due_at=None, delivered_at=now)
    OfferEventFactory(offer=offer, due_at=None)
    # And two offers past their end, one of which is closed
    ended = {"created_at": now - 9 * minute, "expires_at": now - 3 * minute}
    OfferFactory(**ended)
    OfferFactory(**ended, status="expired", closed_at=now - 3 * minute)
    # When
    found = scraped(api)
    # Then
    assert (found["offer_events_waiting"], found["offer_events_given_up"]) == (2, 1)
    assert 120 <= found["offer_events_oldest_seconds"] < 150
    assert found["offers_due"] == 1
    assert 180 <= found["offers_due_oldest_seconds"] < 210


def test_without_the_database_the_backlog_is_unknown(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(backlog, "measure", away)

    assert scraped(api) == {"offer_events_known": 0}


def test_each_measurement_is_one_statement(django_assert_num_queries: Any) -> None:
    for measure in (backlog.measure, backlog.count_given_up, overdue):
        with django_assert_num_queries(1):
            measure()
