"""The sweep: batches by the index and by the table, bounded in time, that neither wait nor starve each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest

from caching.deadlines import Deadline
from caching.jobs.work_budget import WorkBudget
from offers import sweep
from offers.clock import database_now
from offers.deadlines import offer_deadlines
from offers.expiration import process_expired_offers
from offers.models import Offer
from tests.factories import ProductFactory, UserFactory
from tests.offers.deadline_index import index, make, track
from tests.other_session import other_session

pytestmark = pytest.mark.django_db


def test_a_run_ends_with_its_budget_and_the_next_one_goes_on(let_expire, monkeypatch) -> None:
    # given more expired offers than one batch, some of them in the index
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(40)
    let_expire(*offers)
    track(*offers[:16])
    # when a run has time for three batches
    stats = process_expired_offers(WorkBudget(2.5, 0, 0, ticking()))
    # then it reports the backlog, and the next run does the rest
    assert (stats["database_updated"], stats["backlog"]) == (16, 24)
    assert process_expired_offers()["database_updated"] == 24
    assert not Offer.objects.filter(status="active").exists()


def test_offers_that_the_index_lacks_get_half_of_the_budget(let_expire, monkeypatch) -> None:
    # given more expired offers in the index than a run has time for, and some that it lacks
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(64)
    let_expire(*offers[:56])
    let_expire(*offers[56:], seconds_ago=5)
    track(*offers[:56])
    # when the job runs
    process_expired_offers(WorkBudget(5, 0, 0, ticking()))
    # then the missing ones are closed too
    assert not Offer.objects.filter(status="active", pk__in=[offer.pk for offer in offers[56:]]).exists()
    assert Offer.objects.filter(status="active").exists()


def test_offers_in_the_index_do_not_count_as_repaired(let_expire, monkeypatch) -> None:
    # given a backlog in the index, part of which is closed by the table
    monkeypatch.setattr(sweep, "_BATCH", 8)
    monkeypatch.setattr(sweep, "_RESTART_EVERY", 2)
    monkeypatch.setattr(sweep, "_MAX_BY_INDEX", 16)
    offers = make(48)
    let_expire(*offers)
    track(*offers)
    reads = counted_reads(monkeypatch)
    # when the job closes it
    stats = process_expired_offers()
    # then nothing counts as missing in the index
    assert (stats["database_updated"], stats["repaired"], len(reads)) == (48, 0, 2)


@pytest.mark.django_db(transaction=True)
def test_locked_offers_in_the_index_do_not_hold_up_the_others(let_expire, monkeypatch) -> None:
    # given expired offers in the index, the first of which are locked for long
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(40)
    let_expire(*offers)
    let_expire(*offers[:32], seconds_ago=5)
    track(*offers)
    reads = counted_reads(monkeypatch)
    with other_session() as session:
        session.execute("SELECT FROM offers_offer WHERE id = ANY(%s) FOR UPDATE", [[offer.pk for offer in offers[:32]]])
        # when the job runs
        stats = process_expired_offers()
    # then it does not read the same members of the index again, and closes the others by the table
    assert (stats["database_updated"], stats["repaired"], len(reads)) == (8, 0, 1)
    # and the next run does the rest
    assert process_expired_offers()["database_updated"] == 32


def test_each_batch_is_a_transaction_of_its_own(let_expire, monkeypatch, django_assert_num_queries) -> None:
    # given 20 expired offers that are not in the index
    monkeypatch.setattr(sweep, "_BATCH", 8)
    let_expire(*make(20))
    # when the job runs in batches of 8, then the queries are: clock, three batches, repair of an empty index, backlog
    with django_assert_num_queries(1 + 3 + 1 + 1):
        process_expired_offers()


@pytest.mark.django_db(transaction=True)
def test_locked_rows_are_skipped(let_expire) -> None:
    # given two expired offers, one of them locked by another session
    busy, free = make(2)
    let_expire(busy, free)
    track(busy, free)
    with other_session() as session:
        session.execute("SELECT 1 FROM offers_offer WHERE id = %s FOR UPDATE", [busy.pk])
        # when the job runs, it does not wait
        assert process_expired_offers()["database_updated"] == 1
    # and the next run closes the other
    assert process_expired_offers()["database_updated"] == 1
    assert index() == {}


def test_fifteen_hundred_due_offers_take_under_a_second(let_expire) -> None:
    # given
    product, buyers = ProductFactory(), UserFactory.build_batch(1500)
    users = type(buyers[0]).objects.bulk_create(buyers)
    now = database_now()
    offers = Offer.objects.bulk_create(
        Offer(
            product=product,
            buyer=user,
            seller=product.seller,
            amount=1,
            currency="EUR",
            created_at=now - timedelta(days=1),
            expires_at=now,
        )
        for user in users
    )
    offer_deadlines.put_missing(Deadline(offer.expires_at, offer.pk) for offer in offers)
    # when
    start = database_now()
    stats = process_expired_offers()
    # then
    assert stats["database_updated"] == 1500
    assert database_now() - start < timedelta(seconds=1)


def counted_reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with each read of due members."""
    reads: list[int] = []
    due = offer_deadlines.due
    monkeypatch.setattr(offer_deadlines, "due", lambda *args: (reads.append(1), due(*args))[1])
    return reads


def ticking() -> Callable[[], float]:
    """Return a clock that advances half a second with each reading."""
    return count(step=0.5).__next__
