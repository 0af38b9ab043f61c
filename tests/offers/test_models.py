"""The constraints of offers in the database."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, ProtectedError
from django.utils import timezone

from offers.models import Offer, OfferStatus
from tests.factories import OfferFactory, UserFactory

pytestmark = pytest.mark.django_db

CLOSED = [status for status in OfferStatus if status != OfferStatus.ACTIVE]


def refused(offer: Offer, **changes: Any) -> str:
    """Return the name of the constraint that refuses an UPDATE, without validation by Django."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        Offer.objects.filter(pk=offer.pk).update(**changes)
    name: str = caught.value.__cause__.diag.constraint_name
    return name


def closed(status: OfferStatus = OfferStatus.DECLINED, **fields: Any) -> Offer:
    """Make a closed offer."""
    return OfferFactory(status=status, closed_at=timezone.now(), **fields)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"amount": 0}, "offer_amount_positive"),
        ({"amount": Decimal("-0.01")}, "offer_amount_positive"),
        ({"currency": "XYZ"}, "offer_currency"),
        ({"currency": "eur"}, "offer_currency"),
        ({"currency": ""}, "offer_currency"),
        ({"expires_at": F("created_at")}, "offer_expires_later"),
        ({"expires_at": F("created_at") - timedelta(microseconds=1)}, "offer_expires_later"),
        ({"buyer": F("seller")}, "offer_buyer_is_not_seller"),
        ({"seller": F("buyer")}, "offer_buyer_is_not_seller"),
        ({"closed_at": F("created_at")}, "offer_closed_at"),
    ],
)
def test_an_offer_that_breaks_a_rule_is_refused(changes: dict[str, Any], constraint: str) -> None:
    assert refused(OfferFactory(), **changes) == constraint


@pytest.mark.parametrize("status", ["", "lost", "Active"])
def test_an_unknown_state_is_refused(status: str) -> None:
    assert refused(closed(), status=status) == "offer_status"


@pytest.mark.parametrize("status", CLOSED)
def test_a_closed_offer_has_closed_at(status: OfferStatus) -> None:
    assert refused(OfferFactory(), status=status) == "offer_closed_at"
    assert refused(closed(status), closed_at=None) == "offer_closed_at"


def test_an_active_offer_has_no_closed_at() -> None:
    assert refused(closed(), status=OfferStatus.ACTIVE) == "offer_closed_at"


def test_a_buyer_has_one_active_offer_on_a_product() -> None:
    first = OfferFactory()
    second = closed(product=first.product, buyer=first.buyer)

    assert refused(second, status=OfferStatus.ACTIVE, closed_at=None) == "offer_one_active"


def test_closed_offers_and_offers_of_others_do_not_conflict() -> None:
    first = OfferFactory()
    for status in CLOSED:
        closed(status, product=first.product, buyer=first.buyer)
    OfferFactory(product=first.product)
    OfferFactory(buyer=first.buyer)

    assert Offer.objects.filter(product=first.product).count() == 2 + len(CLOSED)


@pytest.mark.parametrize("part", ["product", "buyer", "seller"])
def test_product_and_parties_of_an_offer_are_protected(part: str) -> None:
    offer = OfferFactory(buyer=UserFactory())

    with pytest.raises(ProtectedError):
        getattr(offer, part).delete()
