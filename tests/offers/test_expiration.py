"""The job that closes expired offers and repairs the index: the table is the source of truth."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis

from caching.redis.connections import pool
from offers.clock import database_now
from offers.deadlines import extend_offer_expiration, offer_deadlines, track_offer_expiration
from offers.expiration import process_expired_offers
from offers.models import Offer
from tests.factories import OfferFactory
from tests.offers.deadline_index import assert_index_matches_the_table, index, make, track

pytestmark = pytest.mark.django_db


def test_dead_offers_are_closed_as_of_their_end(let_expire) -> None:
    # given two expired offers in the index, and a live one
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


def test_an_extension_that_the_index_missed_is_honoured() -> None:
    # given an offer whose deadline in the index has passed, but not in the table
    (offer,) = make(1)
    track_offer_expiration(offer.pk, database_now() - timedelta(hours=1))
    # when the job runs, then the offer stays active, and the index is corrected
    stats = process_expired_offers()
    assert (stats["database_updated"], stats["rescored"]) == (0, 1)
    offer.refresh_from_db()
    assert offer.status == "active"
    assert_index_matches_the_table()


def test_a_wiped_index_is_filled_again(let_expire) -> None:
    offers = make(5)
    let_expire(offers[0])
    stats = process_expired_offers()
    assert (stats["database_updated"], stats["repaired"]) == (1, 5)
    assert_index_matches_the_table()


def test_a_half_deleted_index_is_filled_again() -> None:
    offers = make(6)
    track(*offers)
    offer_deadlines.cancel([offer.pk for offer in offers[::2]])
    assert process_expired_offers()["repaired"] == 3
    assert_index_matches_the_table()


def test_garbage_is_removed_from_the_index(redis_state: redis.Redis) -> None:
    # given members that are no ids, ids without an active offer, and impossible scores
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
    assert_index_matches_the_table()


def test_an_index_of_another_type_is_replaced(redis_state: redis.Redis) -> None:
    make(2)
    redis_state.set(offer_deadlines.key(3), "not a sorted set")
    assert process_expired_offers()["errors"] == 0
    assert_index_matches_the_table()


def test_scores_that_were_shifted_are_corrected(redis_state: redis.Redis) -> None:
    offers = make(4)
    track(*offers)
    for offer in offers:
        redis_state.zincrby(offer_deadlines.key(offer_deadlines.shard(offer.pk)), 86_400_000 * 365, str(offer.pk))
    assert process_expired_offers()["rescored"] == 4
    assert_index_matches_the_table()


def test_without_redis_the_table_is_swept(let_expire, monkeypatch) -> None:
    # given expired offers, and an open circuit breaker of Redis
    offers = make(3)
    let_expire(*offers)
    monkeypatch.setattr(pool("state").breaker, "is_open", True)
    # when the job runs
    stats = process_expired_offers()
    # then
    assert (stats["database_updated"], stats["errors"]) == (3, 1)
    assert set(Offer.objects.values_list("status", flat=True)) == {"expired"}
    # and tracking an offer does not fail
    assert not track_offer_expiration(1, offers[0].expires_at)
    assert not extend_offer_expiration(1, offers[0].expires_at)
