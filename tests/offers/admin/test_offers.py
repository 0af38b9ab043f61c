"""Offers in the admin: true states, filters, search, and that nobody edits them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from offers import formatting
from offers.admin import pages
from tests.factories import OfferFactory, ProductFactory, UserFactory
from tests.offers.admin.staff_client import LIST, listed, page_of, staff

pytestmark = pytest.mark.django_db

EVIL = '"><script>alert(1)</script>'


@pytest.fixture
def reader() -> Client:
    return staff("view_offer")


@pytest.fixture
def editor() -> Client:
    return staff("view_offer", "change_offer")


def test_the_list_tells_the_true_state(reader: Client, let_expire: Any) -> None:
    # given an offer alive, and one that ended and was not swept
    alive, dead = OfferFactory(), OfferFactory()
    let_expire(dead)
    # when the list is read
    page = reader.get(LIST).content.decode()
    # then each has the state it truly is in
    assert page.count("field-state") == 2
    assert '<td class="field-state">Expired</td>' in page
    assert '<td class="field-state">Active</td>' in page
    assert "23 h 59 min" in page
    assert str(alive.seller) in page


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_as_many_queries_for_one_as_for_forty(
    reader: Client, count: int, django_assert_num_queries: Any
) -> None:
    seller = OfferFactory.create_batch(count)[0].seller
    # Session, user and two for the permissions; count and page.
    with django_assert_num_queries(6):
        reader.get(LIST)
    # The seller of that name.
    with django_assert_num_queries(7):
        reader.get(f"{LIST}?seller={seller}")


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


def test_filters_by_seller_and_buyer_in_full_and_in_any_case(reader: Client) -> None:
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


def test_a_filter_by_name_keeps_all_else_and_can_be_taken_away(reader: Client) -> None:
    page = reader.get(f"{LIST}?seller=ada&state=active&left=day&currency__exact=EUR&q=7&o=-3&p=1").content.decode()
    form = page.split('class="person-filter"')[1].split("</form>")[0]
    for name, value in [("state", "active"), ("left", "day"), ("currency__exact", "EUR"), ("q", "7"), ("o", "-3")]:
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert 'type="hidden" name="seller"' not in form
    assert 'type="hidden" name="p"' not in form
    assert '<label for="filter-seller">' in form
    assert 'href="?currency__exact=EUR&amp;left=day&amp;o=-3&amp;q=7&amp;state=active">Any seller</a>' in form


def test_a_seller_in_the_list_narrows_it_to_them(reader: Client) -> None:
    offer = OfferFactory(seller=UserFactory(username="ada & co"))
    OfferFactory()
    page = reader.get(f"{LIST}?state=active").content.decode()
    assert 'href="?seller=ada+%26+co&amp;state=active"' in page
    assert listed(reader, "?seller=ada+%26+co&state=active") == {offer.pk}


def test_search_finds_ids_and_whole_names(reader: Client) -> None:
    offer, other = OfferFactory(buyer=UserFactory(username="Grace")), OfferFactory()
    assert listed(reader, f"?q={other.pk}") >= {other.pk}
    assert listed(reader, f"?q={offer.product_id}") >= {offer.pk}
    assert listed(reader, "?q=grace") == {offer.pk}
    for nothing in ("gra", "9" * 30, "²", "%27%22%5C"):
        assert listed(reader, f"?q={nothing}") == set()


def test_a_very_long_list_is_counted_only_so_far(reader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_COUNTED", 3)
    offers = OfferFactory.create_batch(4)
    long, short = reader.get(LIST), reader.get(f"{LIST}?seller={offers[0].seller}")
    assert [row.pk for row in long.context["cl"].result_list] == [offer.pk for offer in reversed(offers)]
    assert (long.context["cl"].result_count, b"There may be more" in long.content) == (3, True)
    assert (short.context["cl"].result_count, b"There may be more" in short.content) == (1, False)


def test_what_people_wrote_is_never_markup(reader: Client) -> None:
    # given an offer whose names, title and message are an attack
    product = ProductFactory(title=EVIL, seller=UserFactory(username=EVIL + "s"))
    offer = OfferFactory(product=product, buyer=UserFactory(username=EVIL + "b"), message=EVIL)
    # when it is shown, and looked for by such a name
    pages = [reader.get(LIST), reader.get(page_of(offer)), reader.get(LIST, {"seller": EVIL, "buyer": EVIL + "b"})]
    # then all of it is text
    for page in pages:
        assert "<script>alert" not in page.content.decode()
        assert escape(EVIL) in page.content.decode()


def test_readers_see_and_are_offered_no_action(reader: Client) -> None:
    offer = OfferFactory()
    page = reader.get(LIST)
    assert page.status_code == 200
    assert b'name="action"' not in page.content
    assert reader.get(page_of(offer)).status_code == 200


def test_nobody_edits_an_offer(editor: Client) -> None:
    offer = OfferFactory()
    page = editor.get(page_of(offer))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    changes = {"amount": "1.00", "status": "accepted", "message": "changed"}
    assert editor.post(page_of(offer), changes).status_code == 403
    offer.refresh_from_db()
    assert (offer.amount, offer.status, offer.message) == (10, "active", "")
    assert editor.get(f"{LIST}add/").status_code == 403
    assert editor.get(f"{LIST}{offer.pk}/delete/").status_code == 403


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(days=2, hours=3, minutes=9), "2 d 3 h"),
        (timedelta(hours=5), "5 h 0 min"),
        (timedelta(seconds=61), "1 min 1 s"),
        (timedelta(milliseconds=5), "0 s"),
        (timedelta(seconds=-5), "0 s"),
    ],
)
def test_durations_in_words(duration: timedelta, words: str) -> None:
    assert formatting.duration(duration) == words
