"""Offers and the Redis index of their deadlines: helpers that make both and compare them."""

from __future__ import annotations

import pytest

from offers.deadlines import offer_deadlines, track_offer_expiration
from offers.models import Offer
from tests.factories import OfferFactory, ProductFactory, UserFactory


def make(count: int) -> list[Offer]:
    product, buyers = ProductFactory(), UserFactory.create_batch(count)
    return [OfferFactory(product=product, buyer=buyer) for buyer in buyers]


def track(*offers: Offer) -> None:
    for offer in offers:
        track_offer_expiration(offer.pk, offer.expires_at)


def index() -> dict[int | None, float]:
    shards = range(offer_deadlines.shards)
    return {member.id: member.score for shard in shards for member in offer_deadlines.scan(shard, 0, 1000)[1]}


def expected_index() -> dict[int, float]:
    active = Offer.objects.filter(status="active")
    return {offer.pk: -(-offer.expires_at.timestamp() * 1000 // 1) for offer in active}


def assert_index_matches_the_table() -> None:
    assert {id: pytest.approx(score, abs=1) for id, score in expected_index().items()} == index()
