"""Every refusal about an offer, byte for byte: programs compare codes and members, people read the details."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from offers.clock import database_now
from tests.factories import OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/offers/"

NOT_THE_BUYER = (
    b'{"type":"urn:problem:not-the-buyer","title":"Not the buyer","status":403,'
    b'"detail":"Only the buyer who made this offer can do that.","code":"not_the_buyer"}'
)
NOT_THE_SELLER = (
    b'{"type":"urn:problem:not-the-seller","title":"Not the seller","status":403,'
    b'"detail":"Only the seller who received this offer can do that.","code":"not_the_seller"}'
)
OWN_PRODUCT = (
    b'{"type":"urn:problem:own-product","title":"Own product","status":403,'
    b'"detail":"You cannot make an offer on your own product.","code":"own_product"}'
)
NOT_AVAILABLE = (
    b'{"type":"urn:problem:product-not-available","title":"Product not available","status":409,'
    b'"detail":"The product is not available any more.","code":"product_not_available"}'
)
OFFER_EXISTS = (
    b'{"type":"urn:problem:offer-exists","title":"Offer exists","status":409,'
    b'"detail":"You have an active offer on this product; withdraw it before you make another.","code":"offer_exists"}'
)


def invalid(field: str, message: str) -> bytes:
    """Return the answer to input whose `field` is wrong."""
    return (
        '{"type":"urn:problem:invalid-input","title":"Invalid input","status":400,'
        f'"detail":"{field}: {message}","code":"invalid_input","errors":{{"{field}":["{message}"]}}}}'
    ).encode()


def no_longer_active(code: str, state: str, closed_at: str) -> bytes:
    """Return the answer to an action on a closed or expired offer."""
    title, kind = code.replace("_", " ").capitalize(), code.replace("_", "-")
    return (
        f'{{"type":"urn:problem:{kind}","title":"{title}","status":409,'
        f'"detail":"The offer is no longer active: it is {state}.","code":"{code}",'
        f'"offer_status":"{state}","closed_at":"{closed_at}"}}'
    ).encode()


def bid(client: Any, product_id: int, **more: Any) -> Any:
    return client.post(URL, {"product_id": product_id, "amount": "1.00", **more}, format="json")


def check(response: Any, status: int, body: bytes) -> None:
    assert (response.status_code, response.content) == (status, body)
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert not {"Retry-After", "WWW-Authenticate"} & set(response.headers)


def test_products_that_take_no_offer(as_user: Any) -> None:
    buyer = UserFactory()
    client, product = as_user(buyer), ProductFactory()

    check(bid(client, 2**62), 400, invalid("product_id", f"There is no product {2**62}."))
    check(bid(client, ProductFactory(seller=buyer).pk), 403, OWN_PRODUCT)
    check(bid(client, ProductFactory(status="sold").pk), 409, NOT_AVAILABLE)
    assert bid(client, product.pk).status_code == 201
    check(bid(client, product.pk), 409, OFFER_EXISTS)


def test_amounts_and_ends_that_an_offer_cannot_have(as_user: Any) -> None:
    client, product = as_user(UserFactory()), ProductFactory(currency="JPY", price=1200)
    late = (database_now() + timedelta(days=31)).isoformat()

    check(bid(client, product.pk, amount="1.50"), 400, invalid("amount", "JPY has no smaller unit than 1."))
    check(
        bid(client, product.pk, expires_at="2020-01-01T00:00:00Z"),
        400,
        invalid("expires_at", "An offer lives at least 60 seconds from now."),
    )
    check(
        bid(client, product.pk, expires_at=late),
        400,
        invalid("expires_at", "An offer lives at most 30 days from now."),
    )


def test_an_extension_that_is_no_later(as_user: Any) -> None:
    offer = OfferFactory()

    response = as_user(offer.buyer).post(f"{URL}{offer.pk}/extend/", {"expires_in": 60}, format="json")

    check(response, 400, invalid("expires_in", "An extension must end later than the offer does now."))


def test_what_only_the_other_party_may_do(as_user: Any) -> None:
    offer = OfferFactory()
    buyer, seller = as_user(offer.buyer), as_user(offer.seller)

    check(seller.post(f"{URL}{offer.pk}/withdraw/"), 403, NOT_THE_BUYER)
    check(buyer.post(f"{URL}{offer.pk}/accept/"), 403, NOT_THE_SELLER)


def test_what_is_done_with_an_offer_that_is_closed_or_expired(as_user: Any, let_expire: Any) -> None:
    withdrawn, expired = OfferFactory(), OfferFactory()
    buyer = as_user(withdrawn.buyer)
    closed_at = buyer.post(f"{URL}{withdrawn.pk}/withdraw/").json()["closed_at"]
    let_expire(expired)
    seller = as_user(expired.seller)
    end = seller.get(f"{URL}{expired.pk}/").json()["expires_at"]

    check(buyer.post(f"{URL}{withdrawn.pk}/withdraw/"), 409, no_longer_active("offer_closed", "withdrawn", closed_at))
    check(seller.post(f"{URL}{expired.pk}/accept/"), 409, no_longer_active("offer_expired", "expired", end))


def test_an_accept_of_an_offer_whose_product_is_sold(as_user: Any) -> None:
    offer = OfferFactory(product__status="sold")

    check(as_user(offer.seller).post(f"{URL}{offer.pk}/accept/"), 409, NOT_AVAILABLE)


def test_an_offer_that_is_not_there(as_user: Any) -> None:
    response = as_user(UserFactory()).post(f"{URL}{2**62}/accept/")

    check(
        response,
        404,
        b'{"type":"urn:problem:not-found","title":"Not found","status":404,'
        b'"detail":"There is no offer 4611686018427387904.","code":"not_found"}',
    )
