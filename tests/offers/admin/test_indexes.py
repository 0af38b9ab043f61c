"""The admin's pages find their indexes among 200,000 offers and as many events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from offers.admin.history import history_of
from offers.models import Offer, OfferEvent
from tests.bulk import DEALER, drop_everything, make_catalogue, make_offers
from tests.offers.admin.staff_client import EVENTS, LIST, staff
from tests.plans import Plan, explain, plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

_EVENTS = """
    INSERT INTO offers_offerevent (offer_id, kind, at, actor_id, role, expires_at, due_at)
    SELECT id, 'made', created_at, buyer_id, 'buyer', expires_at, CASE WHEN id % 1000 = 0 THEN now() END
    FROM offers_offer
"""


@pytest.fixture(scope="module", autouse=True)
def many_offers(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Offers with an event each, committed once for all tests of this module."""
    with django_db_blocker.unblock():
        make_catalogue(10_000)
        make_offers()
        with connection.cursor() as cursor:
            cursor.execute(_EVENTS)
            cursor.execute("ANALYZE offers_offerevent")
            # The users of the catalogue were inserted with ids of their own.
            cursor.execute("SELECT setval(pg_get_serial_sequence('accounts_user', 'id'), 100000)")
    yield
    with django_db_blocker.unblock():
        drop_everything()


@pytest.fixture
def reader() -> Client:
    return staff("view_offer", "view_offerevent")


def page_plan(client: Client, url: str, table: str) -> Plan:
    """Return the plan of the query for a page's rows, the last one of the request."""
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return explain([query["sql"] for query in captured if f'FROM "{table}"' in query["sql"]][-1])


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "offers_offer_pkey"),
        ("?seller=bulk7", "offer_seller"),
        ("?buyer=bulk7", "offer_buyer"),
        ("?left=hour", "offer_due_in_order"),
        ("?q=77", "offer_product"),
        ("?q=bulk7", "offer_seller"),
    ],
)
def test_a_page_of_offers_reads_no_more_than_its_index(reader: Client, query: str, index: str) -> None:
    plan = page_plan(reader, LIST + query, "offers_offer")

    assert any(name.startswith(index) for name in plan.indexes), plan.text
    assert "offers_offer" not in plan.scanned_tables, plan.text


@pytest.mark.parametrize(
    ("query", "index"),
    [("", "offers_offerevent_pkey"), ("?delivery=waiting", "offer_event_due"), ("?q=77", "offer_event_of_offer")],
)
def test_a_page_of_events_reads_no_more_than_its_index(reader: Client, query: str, index: str) -> None:
    plan = page_plan(reader, EVENTS + query, "offers_offerevent")

    assert index in plan.indexes, plan.text
    assert "offers_offerevent" not in plan.scanned_tables, plan.text


def test_a_history_is_read_from_the_index_of_its_offer() -> None:
    offer = Offer.objects.filter(seller=get_user_model().objects.get(pk=DEALER)).first()

    plan = plan_of(lambda: history_of(offer.pk, link=False), "offers_offerevent")

    assert "offer_event_of_offer" in plan.indexes, plan.text


def test_the_events_of_an_actor_are_read_from_their_index() -> None:
    plan = plan_of(lambda: list(OfferEvent.objects.filter(actor=7)), "offers_offerevent")

    assert "offer_event_actor" in plan.indexes, plan.text
