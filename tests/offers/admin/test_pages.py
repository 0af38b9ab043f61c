"""The pagination of lists that may be very long."""

from __future__ import annotations

import pytest
from django.test import Client

from offers.admin import pages
from tests.factories import OfferFactory
from tests.offers.admin.staff_client import LIST

pytestmark = pytest.mark.django_db


def test_a_very_long_list_is_counted_up_to_a_limit(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_COUNTED", 3)
    offers = OfferFactory.create_batch(4)
    long, short = reader.get(LIST), reader.get(f"{LIST}?seller={offers[0].seller}")
    assert [row.pk for row in long.context["cl"].result_list] == [offer.pk for offer in reversed(offers)]
    assert (long.context["cl"].result_count, b"There may be more" in long.content) == (3, True)
    assert (short.context["cl"].result_count, b"There may be more" in short.content) == (1, False)
