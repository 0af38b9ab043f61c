"""docs/architecture.md lists the files that a hit, a view and an offer pass, and these are the files."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path

import pytest

from offers.models import Offer, OfferStatus
from offers.tasks import process_expired_offers
from products.cache import product_views
from products.models import ProductViews
from products.tasks import sync_view_counts
from products.view_counts import increment_view
from tests.database_clock import DatabaseClock, database_clock
from tests.factories import ProductFactory, UserFactory
from tests.trips import files_passed

pytestmark = pytest.mark.django_db(transaction=True)

_PAGE = Path(__file__).resolve().parents[1] / "docs/architecture.md"


def listed(heading: str) -> list[str]:
    """Return the files named in the first column of the table under a heading."""
    _, found, rest = _PAGE.read_text().partition(f"\n## {heading}\n")
    assert found
    return re.findall(r"^\| `([^`]+\.py)` \|", rest.partition("\n## ")[0], flags=re.MULTILINE)


def test_a_hit_passes_the_files_that_are_listed(client) -> None:
    # Given a product that was read before
    path = f"/api/v1/products/{ProductFactory().pk}/"
    client.get(path)
    # When it is read again
    passed = files_passed(lambda: client.get(path))
    # Then these files ran
    assert sorted(passed) == sorted(listed("The life of a read"))


def test_a_view_passes_the_files_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a product of which a view was flushed before
    product = ProductFactory().pk
    increment_view(product)
    monkeypatch.setattr(product_views, "clock", lambda: time.time_ns() // 1_000_000 + 600_000)
    sync_view_counts()
    # When it is viewed, and the view is flushed once its bucket is sealed
    passed = files_passed(lambda: increment_view(product))
    monkeypatch.setattr(product_views, "clock", lambda: time.time_ns() // 1_000_000 + 1_200_000)
    passed += files_passed(sync_view_counts)
    # Then these files ran
    assert sorted({*passed}) == sorted(listed("The life of a view"))
    assert ProductViews.objects.get(product=product).views == 2


def test_an_offer_passes_the_files_that_are_listed(as_user) -> None:
    bids = as_user(UserFactory())

    def live(product: int, clock: DatabaseClock) -> None:
        body = {"product_id": product, "amount": "5"}
        assert bids.post("/api/v1/offers/", body, format="json").status_code == 201
        clock.advance(timedelta(days=3))
        process_expired_offers()

    # Given an offer that was made and expired before
    first, second = ProductFactory().pk, ProductFactory().pk
    with database_clock() as clock:
        live(first, clock)
        # When another one is made, and its time runs out
        passed = files_passed(lambda: live(second, clock))
    # Then these files ran
    assert sorted(passed) == sorted(listed("The life of an offer"))
    assert [*Offer.objects.values_list("status", flat=True)] == [OfferStatus.EXPIRED] * 2
