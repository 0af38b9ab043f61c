"""The filters of offers in the admin: by state, by time left, and by the username of a party."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.factories import OfferFactory, ProductFactory, UserFactory
from tests.offers.admin.staff_client import LIST, listed

pytestmark = pytest.mark.django_db


def test_filters_by_status_and_time_left(reader: Client, let_expire: Any, expire_in: Any) -> None:
    late, hour, day, week, more = (OfferFactory() for _ in range(5))
    closed = OfferFactory(status="declined", closed_at=late.created_at)
    let_expire(late)
    for offer, seconds in [(hour, 3000), (day, 80_000), (week, 500_000), (more, 700_000)]:
        expire_in(offer, seconds=seconds)
    assert listed(reader, "?state=expired") == {late.pk}
    assert listed(reader, "?state=declined") == {closed.pk}
    assert listed(reader, "?state=rubbish") == set()
    assert listed(reader, "?left=late") == {late.pk}
    assert listed(reader, "?left=hour") == {hour.pk}
    assert listed(reader, "?left=day") == {hour.pk, day.pk}
    assert listed(reader, "?left=week") == {hour.pk, day.pk, week.pk}
    assert listed(reader, "?left=more") == {more.pk}


def test_filters_by_the_whole_username_in_any_case(reader: Client) -> None:
    offer, other = OfferFactory(seller=UserFactory(username="Ada")), OfferFactory()
    same = OfferFactory(product=ProductFactory(seller=offer.seller), buyer=other.buyer)
    assert listed(reader, "?seller=Ada") == listed(reader, "?seller=+aDA+") == {offer.pk, same.pk}
    assert listed(reader, f"?buyer={other.buyer}") == {other.pk, same.pk}
    assert listed(reader, f"?seller=ada&buyer={other.buyer}&state=active&left=day") == {same.pk}
    assert listed(reader, "?seller=ada&state=declined") == set()
    assert listed(reader, "?seller=") == {offer.pk, same.pk, other.pk}


@pytest.mark.parametrize("name", ["ad", "ada%", "nobody", "ada%00", "%25", "x" * 5000])
def test_a_filter_by_an_unknown_name_says_so_and_shows_nothing(reader: Client, name: str) -> None:
    OfferFactory(seller=UserFactory(username="ada"))
    page = reader.get(f"{LIST}?seller={name}")
    assert listed(reader, f"?seller={name}") == set()
    assert page.content.decode().count("Nobody is called") == 1
    assert 'aria-invalid="true" aria-describedby="filter-seller-unknown"' in page.content.decode()


def test_a_filter_by_name_preserves_other_filters_and_can_be_removed(reader: Client) -> None:
    page = reader.get(f"{LIST}?seller=ada&state=active&left=day&currency__exact=EUR&q=7&o=-3&p=1").content.decode()
    form = page.split('class="person-filter"')[1].split("</form>")[0]
    for name, value in [("state", "active"), ("left", "day"), ("currency__exact", "EUR"), ("q", "7"), ("o", "-3")]:
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert 'type="hidden" name="seller"' not in form
    assert 'type="hidden" name="p"' not in form
    assert '<label for="filter-seller">' in form
    assert 'href="?currency__exact=EUR&amp;left=day&amp;o=-3&amp;q=7&amp;state=active">Any seller</a>' in form


def test_a_seller_in_the_list_links_to_their_offers(reader: Client) -> None:
    offer = OfferFactory(seller=UserFactory(username="ada & co"))
    OfferFactory()
    page = reader.get(f"{LIST}?state=active").content.decode()
    assert 'href="?seller=ada+%26+co&amp;state=active"' in page
    assert listed(reader, "?seller=ada+%26+co&state=active") == {offer.pk}
