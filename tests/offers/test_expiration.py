"""The job that closes dead offers, and the index that it repairs: the table is the truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
import redis

from caching.jobs.work_budget import WorkBudget
from caching.redis.connections import pool
from offers import sweep
from offers.clock import database_now
from offers.deadlines import extend_offer_expiration, offer_deadlines, track_offer_expiration
from offers.expiration import process_expired_offers
from offers.models import Offer
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db


def make(count: int) -> list[Offer]:
    product, buyers = ProductFactory(), UserFactory.create_batch(count)
    return [OfferFactory(product=product, buyer=buyer) for buyer in buyers]


def track(*offers: Offer) -> None:
    for offer in offers:
        track_offer_expiration(offer.pk, offer.expires_at)


def index() -> dict[int | None, float]:
    shards = range(offer_deadlines.shards)
    return {member.id: member.score for shard in shards for member in offer_deadlines.scan(shard, 0, 1000)[1]}


def truth() -> dict[int, float]:
    active = Offer.objects.filter(status="active")
    return {offer.pk: -(-offer.expires_at.timestamp() * 1000 // 1) for offer in active}


def assert_index_is_true() -> None:
    assert {id: pytest.approx(score, abs=1) for id, score in truth().items()} == index()


def test_dead_offers_are_closed_as_of_their_end(let_expire) -> None:
    # given two dead offers in the index, and one alive
    dead, also_dead, alive = make(3)
    let_expire(dead, also_dead, seconds_ago=5)
    track(dead, also_dead, alive)
    # when the job runs
    stats = process_expired_offers()
    # then
    assert stats["processed"] == stats["database_updated"] == 2
    assert stats["errors"] == stats["repaired"] == stats["orphans"] == stats["backlog"] == 0
    dead.refresh_from_db()
    assert (dead.status, dead.closed_at) == ("expired", dead.expires_at)
    assert list(index()) == [alive.pk]


def test_a_second_run_finds_nothing(let_expire) -> None:
    offers = make(3)
    let_expire(*offers)
    track(*offers)
    process_expired_offers()
    assert process_expired_offers() == {
        "processed": 0,
        "database_updated": 0,
        "errors": 0,
        "rescored": 0,
        "orphans": 0,
        "repaired": 0,
        "backlog": 0,
    }


def test_an_extension_unknown_to_the_index_is_honoured() -> None:
    # given an offer that the index believes dead
    (offer,) = make(1)
    track_offer_expiration(offer.pk, database_now() - timedelta(hours=1))
    # when the job runs, it lives, and the index learns of it
    stats = process_expired_offers()
    assert (stats["database_updated"], stats["rescored"]) == (0, 1)
    offer.refresh_from_db()
    assert offer.status == "active"
    assert_index_is_true()


def test_a_wiped_index_is_filled_again(let_expire) -> None:
    offers = make(5)
    let_expire(offers[0])
    stats = process_expired_offers()
    assert (stats["database_updated"], stats["repaired"]) == (1, 5)
    assert_index_is_true()


def test_a_half_deleted_index_is_filled_again() -> None:
    offers = make(6)
    track(*offers)
    offer_deadlines.cancel([offer.pk for offer in offers[::2]])
    assert process_expired_offers()["repaired"] == 3
    assert_index_is_true()


def test_rubbish_is_removed(redis_state: redis.Redis) -> None:
    # given members that are no ids, ids of no offer or of closed ones, and impossible scores
    offers = make(3)
    track(*offers)
    closed = OfferFactory(status="withdrawn", closed_at=database_now())
    rubbish = {b"\xff\x00": 1, "abc": 2e12, "007": 5, "-1": 6, "1" * 30: 7, str(2**62): 8, "": 9}
    far = {str(closed.pk): float("inf"), "999999": 3e12, str(offers[0].pk): float("inf"), str(offers[1].pk): 3e12}
    for shard in range(offer_deadlines.shards):
        redis_state.zadd(offer_deadlines.key(shard), rubbish)
    for name, score in far.items():
        redis_state.zadd(offer_deadlines.key(offer_deadlines.shard(int(name))), {name: score})
    # when the job runs
    stats = process_expired_offers()
    # then
    assert stats["orphans"] == 7 * offer_deadlines.shards + 2
    assert stats["rescored"] == 2
    assert_index_is_true()


def test_an_index_of_another_type_is_replaced(redis_state: redis.Redis) -> None:
    make(2)
    redis_state.set(offer_deadlines.key(3), "not a sorted set")
    assert process_expired_offers()["errors"] == 0
    assert_index_is_true()


def test_scores_that_were_shifted_are_corrected(redis_state: redis.Redis) -> None:
    offers = make(4)
    track(*offers)
    for offer in offers:
        redis_state.zincrby(offer_deadlines.key(offer_deadlines.shard(offer.pk)), 86_400_000 * 365, str(offer.pk))
    assert process_expired_offers()["rescored"] == 4
    assert_index_is_true()


def test_without_redis_the_table_is_swept(let_expire, monkeypatch) -> None:
    # given dead offers, and a Redis that nobody answers for
    offers = make(3)
    let_expire(*offers)
    monkeypatch.setattr(pool("state").breaker, "is_open", True)
    # when the job runs
    stats = process_expired_offers()
    # then
    assert (stats["database_updated"], stats["errors"]) == (3, 1)
    assert set(Offer.objects.values_list("status", flat=True)) == {"expired"}
    # and nobody who tracks an offer fails
    assert not track_offer_expiration(1, offers[0].expires_at)
    assert not extend_offer_expiration(1, offers[0].expires_at)


def test_work_is_bounded_by_time_and_goes_on_next_time(let_expire, monkeypatch) -> None:
    # given more dead offers than one batch, in the index and out of it
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(40)
    let_expire(*offers)
    track(*offers[:16])
    # when runs have time for three batches: one by the index, two by the table
    stats = process_expired_offers(WorkBudget(2.5, 0, 0, ticking()))
    # then each says what is left, and the next ones do the rest
    assert (stats["database_updated"], stats["backlog"]) == (16, 24)
    assert process_expired_offers()["database_updated"] == 24
    assert not Offer.objects.filter(status="active").exists()


def test_what_the_index_lacks_has_half_of_the_time(let_expire, monkeypatch) -> None:
    # given more dead offers in the index than a run has time for, and some that it lacks
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(64)
    let_expire(*offers[:56])
    let_expire(*offers[56:], seconds_ago=5)
    track(*offers[:56])
    # when the job runs
    process_expired_offers(WorkBudget(5, 0, 0, ticking()))
    # then those are closed too
    assert not Offer.objects.filter(status="active", pk__in=[offer.pk for offer in offers[56:]]).exists()
    assert Offer.objects.filter(status="active").exists()


def test_what_the_index_knew_was_not_repaired(let_expire, monkeypatch) -> None:
    # given a backlog that the index knows, of which the table brings a part
    monkeypatch.setattr(sweep, "_BATCH", 8)
    monkeypatch.setattr(sweep, "_RESTART_EVERY", 2)
    monkeypatch.setattr(sweep, "_MAX_BY_INDEX", 16)
    offers = make(48)
    let_expire(*offers)
    track(*offers)
    claims = counted_claims(monkeypatch)
    # when the job closes it
    stats = process_expired_offers()
    # then the index brought what it should, and nothing was missing
    assert (stats["database_updated"], stats["repaired"], len(claims)) == (48, 0, 2)


@pytest.mark.django_db(transaction=True)
def test_offers_that_somebody_is_busy_with_do_not_hold_up_the_others(let_expire, monkeypatch) -> None:
    # given dead offers in the index, with the first of which somebody is busy for long
    monkeypatch.setattr(sweep, "_BATCH", 8)
    offers = make(40)
    let_expire(*offers)
    let_expire(*offers[:32], seconds_ago=5)
    track(*offers)
    claims = counted_claims(monkeypatch)
    with other_session() as session:
        session.execute("SELECT FROM offers_offer WHERE id = ANY(%s) FOR UPDATE", [[offer.pk for offer in offers[:32]]])
        # when the job runs
        stats = process_expired_offers()
    # then it asks the index no second time for what it cannot close, and takes the others from the table
    assert (stats["database_updated"], stats["repaired"], len(claims)) == (8, 0, 1)
    # and the next run does the rest
    assert process_expired_offers()["database_updated"] == 32


def counted_claims(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with each claim."""
    claims: list[int] = []
    due = offer_deadlines.due
    monkeypatch.setattr(offer_deadlines, "due", lambda *args: (claims.append(1), due(*args))[1])
    return claims


def ticking() -> Callable[[], float]:
    """Return a clock that shows half a second more at each look."""
    return count(step=0.5).__next__


def test_each_batch_is_a_transaction_of_its_own(let_expire, monkeypatch, django_assert_num_queries) -> None:
    # given 20 dead offers that the index does not know
    monkeypatch.setattr(sweep, "_BATCH", 8)
    let_expire(*make(20))
    # when the job runs by batches of 8, then it is the clock, three batches, the repair of an empty index, the backlog
    with django_assert_num_queries(1 + 3 + 1 + 1):
        process_expired_offers()


@pytest.mark.django_db(transaction=True)
def test_rows_that_somebody_is_busy_with_are_passed_over(let_expire) -> None:
    # given two dead offers, one of them locked by another session
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


def other_session():
    import psycopg
    from django.db import connection

    settings = connection.settings_dict
    return psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
    )


def test_a_thousand_dead_offers_take_under_a_second(let_expire) -> None:
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
    offer_deadlines.put_missing((offer.pk, offer.expires_at) for offer in offers)
    # when
    start = database_now()
    stats = process_expired_offers()
    # then
    assert stats["database_updated"] == 1500
    assert database_now() - start < timedelta(seconds=1)


def test_the_index_lies_under_a_key_a_shard() -> None:
    assert offer_deadlines.shards == 8
    assert offer_deadlines.key(0).endswith(":d:{offers:0}:due")
    assert offer_deadlines.key(7).endswith(":d:{offers:7}:due")
