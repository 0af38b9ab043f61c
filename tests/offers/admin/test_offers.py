"""Offers in the admin: effective states, search, escaping, and no editing."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from tests.factories import OfferFactory, ProductFactory, UserFactory
from tests.offers.admin.staff_client import LIST, listed, page_of

pytestmark = pytest.mark.django_db

EVIL = '"><script>alert(1)</script>'


def test_the_list_shows_the_effective_state(reader: Client, let_expire: Any) -> None:
    # given a live offer, and one that ended and was not closed
    alive, dead = OfferFactory(), OfferFactory()
    let_expire(dead)
    # when the list is read
    page = reader.get(LIST).content.decode()
    # then each is in its effective state
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


def test_search_finds_ids_and_whole_names(reader: Client) -> None:
    offer, other = OfferFactory(buyer=UserFactory(username="Grace")), OfferFactory()
    assert listed(reader, f"?q={other.pk}") >= {other.pk}
    assert listed(reader, f"?q={offer.product_id}") >= {offer.pk}
    assert listed(reader, "?q=grace") == {offer.pk}
    for nothing in ("gra", "9" * 30, "²", "%27%22%5C"):
        assert listed(reader, f"?q={nothing}") == set()


def test_user_input_is_escaped(reader: Client) -> None:
    # given an offer whose names, title and message contain markup
    product = ProductFactory(title=EVIL, seller=UserFactory(username=EVIL + "s"))
    offer = OfferFactory(product=product, buyer=UserFactory(username=EVIL + "b"), message=EVIL)
    # when it is shown, and filtered by such a name
    pages = [reader.get(LIST), reader.get(page_of(offer)), reader.get(LIST, {"seller": EVIL, "buyer": EVIL + "b"})]
    # then all of it is escaped
    for page in pages:
        assert "<script>alert" not in page.content.decode()
        assert escape(EVIL) in page.content.decode()


def test_readers_can_view_but_get_no_actions(reader: Client) -> None:
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
