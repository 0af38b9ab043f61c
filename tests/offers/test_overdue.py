"""Offers past their end that are not closed: their number, and for how long the first has been due."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from offers.overdue import Overdue, overdue
from tests.factories import OfferFactory

pytestmark = pytest.mark.django_db


def test_without_overdue_offers_both_are_zero() -> None:
    OfferFactory()

    assert overdue() == Overdue(0, 0.0)


def test_only_active_offers_past_their_end_count(let_expire: Callable[..., None]) -> None:
    # given a live offer, two past their end, and a closed one
    _, first, second = (OfferFactory() for _ in range(3))
    let_expire(first, seconds_ago=90)
    let_expire(second, seconds_ago=30)
    OfferFactory(status="expired", created_at=first.created_at, expires_at=first.expires_at, closed_at=first.expires_at)

    # when they are counted
    found = overdue()

    # then the age is that of the first
    assert found.count == 2
    assert 90 <= found.oldest_seconds < 120


def test_the_count_has_a_limit(let_expire: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offers.overdue._MAX_COUNTED", 2)
    let_expire(*OfferFactory.create_batch(3))

    assert overdue().count == 2
