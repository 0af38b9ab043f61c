"""The outbox and the reminders find their indexes among 200,000 offers and as many events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from caching.deadlines import Deadline
from offers.delivery import backlog, outbox, reminders
from offers.delivery.reminders import record_page
from offers.models import Offer
from offers.overdue import overdue
from tests.bulk import drop_everything, make_catalogue, make_offers
from tests.plans import Plan, plan_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

EVENTS = "offers_offerevent"
WEEK = 7 * 24 * 3600.0
# One in two hundred is due; the others are history, delivered, or given up.
_MAKE_EVENTS = """
    INSERT INTO offers_offerevent (offer_id, kind, at, role, expires_at, due_at, delivered_at, error)
    SELECT id, 'expired', created_at, 'time', expires_at,
           CASE WHEN id %% 200 = 0 THEN now() - id * interval '1 second' END,
           CASE WHEN id %% 200 = 1 THEN now() END, CASE WHEN id %% 200 = 2 THEN 'answered 500' ELSE '' END
    FROM offers_offer
"""


@pytest.fixture(scope="module", autouse=True)
def many_events(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Products, offers and events, committed once for all tests of this module."""
    with django_db_blocker.unblock():
        make_catalogue(10_000)
        make_offers()
        with connection.cursor() as cursor:
            cursor.execute(_MAKE_EVENTS.replace("%%", "%"))
            cursor.execute("ANALYZE offers_offerevent")
    yield
    with django_db_blocker.unblock():
        drop_everything()


def assert_reads(plan: Plan, *indexes: str) -> None:
    assert plan.indexes & set(indexes), plan.text
    assert not plan.scanned_tables & {EVENTS, "offers_offer"}, plan.text


def condition(plan: Plan, index: str) -> str:
    """Return the condition of an index scan in the plan."""
    return plan.text.split(f'"Index Name": "{index}"')[1].split('"Index Cond": "')[1].split('"')[0]


def test_a_claim_takes_the_longest_due_from_their_index() -> None:
    assert_reads(plan_of(lambda: outbox.claim(50, 60), EVENTS), "offer_event_due")


def test_settlements_find_their_events_by_index() -> None:
    settlements = [*map(outbox.delivered, outbox.claim(50, 60))]

    plan = plan_of(lambda: outbox.settle(settlements), EVENTS)

    assert_reads(plan, "offers_offerevent_pkey", "offer_event_due")


def test_dropped_events_are_found_by_the_index() -> None:
    assert_reads(plan_of(lambda: outbox.drop_due(50, "no backend"), EVENTS), "offer_event_due")


def test_the_backlog_is_read_from_the_index() -> None:
    assert_reads(plan_of(backlog.measure, EVENTS), "offer_event_due")


def test_overdue_offers_are_read_from_the_index_of_live_offers() -> None:
    assert_reads(plan_of(overdue, "offers_offer"), "offer_due_in_order")


def test_the_first_page_of_reminders_is_read_from_the_index_of_live_offers() -> None:
    plan = in_order(lambda: record_page(WEEK, 100))

    assert_reads(plan, "offer_due_in_order")
    assert_reads(plan, "offer_event_one_reminder")
    assert "offer_id = " in condition(plan, "offer_event_one_reminder")
    assert "expires_at > " in condition(plan, "offer_event_one_reminder")


def test_the_next_page_starts_after_the_last_one() -> None:
    some = Offer.objects.filter(status="active").order_by("-expires_at").values_list("expires_at", "pk")[1000]

    plan = in_order(lambda: record_page(WEEK, 100, Deadline(*some)))

    assert_reads(plan, "offer_due_in_order")
    assert "ROW(expires_at, id) >" in condition(plan, "offer_due_in_order")
    assert "expires_at >" not in condition(plan, "offer_due_in_order").replace("ROW(expires_at, id) >", "")


def in_order(act: Callable[[], Any]) -> Plan:
    """Return the plan of a page under the setting of its transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(reminders._IN_ORDER)
        return plan_of(act, "offers_offer")


def test_a_large_window_without_new_reminders_is_read_once() -> None:
    # Given that every offer of the window has its reminder
    recorded, known = walk()
    assert recorded > 5_000
    # When the window is read again
    recorded, blocks = walk()
    # Then nothing is recorded, and no page reads the entries of earlier pages
    assert recorded == 0
    assert len(blocks) == len(known) > 5
    assert max(blocks) < 3 * min(blocks[:-1])


def walk() -> tuple[int, list[int]]:
    """Read the window in pages; return the number recorded, and the index blocks that each page read."""
    recorded, blocks, last = 0, [], None
    while True:
        before = fetched()
        page = record_page(4 * WEEK, 1000, last)
        blocks.append(fetched() - before)
        recorded += page.recorded
        if page.looked_at < 1000:
            return recorded, blocks
        last = page.last


def fetched() -> int:
    """Return how many blocks of the index of live offers this transaction has read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_get_xact_blocks_fetched('offer_due_in_order'::regclass)")
        return int(cursor.fetchone()[0])
