"""Selling over HTTP: the permissions to create, change and withdraw products, and errors in the input."""

from __future__ import annotations

from typing import Any

import pytest

from offers.models import OfferStatus
from products.models import Product, ProductStatus
from tests.factories import CategoryFactory, OfferFactory, ProductFactory, UserFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/api/v1/products/"


def url(product: Any) -> str:
    return f"{LIST}{product.pk}/"


@pytest.fixture
def lamp() -> dict[str, Any]:
    """A product as its seller sends it."""
    return {"title": "Lamp", "price": "19.90", "currency": "USD", "category": CategoryFactory(slug="lamps").slug}


def test_a_product_is_put_up_for_sale(as_user: Any, api: Any, lamp: dict[str, Any]) -> None:
    seller = UserFactory()

    created = as_user(seller).post(LIST, lamp, format="json")

    body = created.json()
    assert created.status_code == 201
    assert created["Location"] == f"/api/v1/products/{body['id']}/"
    assert created["Cache-Control"] == "no-store"
    assert {name: body[name] for name in lamp} == lamp
    assert (body["seller_id"], body["status"], body["view_count"]) == (seller.pk, "available", 0)
    assert api.get(created["Location"]).json() == {**body, "view_count": 1}


def test_what_a_seller_cannot_set_is_ignored(as_user: Any, lamp: dict[str, Any]) -> None:
    seller, other = UserFactory(), UserFactory()
    more = {"id": 1, "seller_id": other.pk, "seller": other.pk, "status": "sold", "view_count": 9, "source": "x"}

    body = as_user(seller).post(LIST, {**lamp, **more}, format="json").json()

    assert (body["seller_id"], body["status"], body["view_count"]) == (seller.pk, "available", 0)


def test_the_currency_is_the_marketplaces_unless_it_is_sent(as_user: Any, lamp: dict[str, Any]) -> None:
    del lamp["currency"]

    assert as_user(UserFactory()).post(LIST, lamp, format="json").json()["currency"] == "EUR"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "   "),
        ("title", None),
        ("title", "x" * 201),
        ("title", ["x"]),
        ("title", "a\0b"),
        ("description", "x" * 10_001),
        ("price", "0"),
        ("price", "-1"),
        ("price", "1.234"),
        ("price", "NaN"),
        ("price", "Infinity"),
        ("price", "99999999999.00"),
        ("price", "free"),
        ("price", None),
        ("currency", "XYZ"),
        ("currency", "eur"),
        ("category", "unknown"),
        ("category", None),
        ("category", 5),
        ("category", {"slug": "lamps"}),
        ("image_url", "no url"),
        ("image_url", "javascript:alert(1)"),
        ("image_url", "https://example.com/" + "x" * 500),
    ],
)
def test_an_error_names_its_field(as_user: Any, lamp: dict[str, Any], field: str, value: Any) -> None:
    answer = as_user(UserFactory()).post(LIST, {**lamp, field: value}, format="json")

    assert list(problem(answer, 400, "invalid_input")["errors"]) == [field]
    assert not Product.objects.exists()


def test_all_errors_are_answered_together(as_user: Any) -> None:
    answer = as_user(UserFactory()).post(LIST, {}, format="json")

    assert set(problem(answer, 400, "invalid_input")["errors"]) == {"title", "price", "category"}


def test_a_change_is_of_the_fields_sent_and_seen_everywhere_at_once(as_user: Any, api: Any) -> None:
    # Given
    product = ProductFactory()
    paths = [LIST, "/api/v1/feeds/discover/", f"/api/v1/feeds/seller/{product.seller_id}/"]
    paths.append(f"/api/v1/feeds/category/{product.category.slug}/")
    before = everywhere(api, product, paths)

    # When
    changed = as_user(product.seller).patch(url(product), {"price": "9.99"}, format="json")

    # Then
    assert changed.status_code == 200
    assert changed.json()["title"] == product.title
    assert changed.json()["updated_at"] > changed.json()["created_at"]
    assert {row["price"] for row in before} == {"12.50"}
    assert {row["price"] for row in everywhere(api, product, paths)} == {"9.99"}


def everywhere(api: Any, product: Any, paths: list[str]) -> list[dict[str, Any]]:
    """Return the product from each of the routes that shows it."""
    pages = [api.get(path).json()["results"] for path in paths]
    batch = api.post("/api/v1/batch/products/", {"product_ids": [product.pk]}, format="json").json()
    detail = api.get(url(product))
    return [row for rows in (*pages, batch) for row in rows] + ([detail.json()] if detail.status_code == 200 else [])


def test_a_withdrawn_product_is_gone_everywhere_at_once(as_user: Any, api: Any) -> None:
    # Given
    product = ProductFactory()
    paths = [LIST, "/api/v1/feeds/discover/", f"/api/v1/feeds/seller/{product.seller_id}/"]
    seller = as_user(product.seller)
    assert len(everywhere(api, product, paths)) == 5

    # When
    withdrawn = seller.delete(url(product))

    # Then
    assert (withdrawn.status_code, withdrawn.content) == (204, b"")
    assert everywhere(api, product, paths) == []
    problem(api.get(url(product)), 404, "not_found")
    problem(seller.delete(url(product)), 404, "not_found")
    problem(seller.patch(url(product), {"title": "x"}, format="json"), 404, "not_found")


def test_a_sold_product_is_shown_as_sold_by_the_next_request(as_user: Any, api: Any) -> None:
    offer = OfferFactory()
    paths = ["/api/v1/feeds/discover/"]
    everywhere(api, offer.product, paths)

    accepted = as_user(offer.seller).post(f"/api/v1/offers/{offer.pk}/accept/")

    assert accepted.status_code == 200, accepted.content
    assert {row["status"] for row in everywhere(api, offer.product, paths)} == {"sold"}
    assert api.get(LIST).json()["results"] == []


def test_withdrawing_declines_the_offers(as_user: Any) -> None:
    offer = OfferFactory()

    as_user(offer.seller).delete(url(offer.product))

    offer.refresh_from_db()
    assert offer.status == OfferStatus.DECLINED


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_change_without_permission_is_refused_with_the_reason(as_user: Any, api: Any, method: str) -> None:
    product = ProductFactory()
    stranger = getattr(as_user(UserFactory()), method)

    problem(getattr(api, method)(url(product), {}, format="json"), 401, "not_authenticated")
    problem(stranger(url(product), {}, format="json"), 403, "not_the_seller")
    problem(stranger(f"{LIST}999999999/", {}, format="json"), 404, "not_found")


def test_nobody_sells_without_a_token(api: Any, lamp: dict[str, Any]) -> None:
    answer = api.post(LIST, lamp, format="json")

    assert "Token" in answer["WWW-Authenticate"]
    problem(answer, 401, "not_authenticated")


def test_a_sold_product_is_not_changed_any_more(as_user: Any) -> None:
    product = ProductFactory(status=ProductStatus.SOLD)

    problem(as_user(product.seller).patch(url(product), {"title": "x"}, format="json"), 409, "product_sold")


def test_the_currency_of_a_product_stays(as_user: Any) -> None:
    product = ProductFactory(currency="EUR")
    seller = as_user(product.seller)

    assert list(problem(seller.patch(url(product), {"currency": "USD"}, format="json"), 400, "invalid_input")["errors"])
    assert seller.patch(url(product), {"currency": "EUR"}, format="json").status_code == 200


def test_a_change_of_nothing_is_fine(as_user: Any) -> None:
    product = ProductFactory()

    assert as_user(product.seller).patch(url(product), {}, format="json").json()["title"] == product.title


def test_only_json_is_understood(as_user: Any, lamp: dict[str, Any]) -> None:
    seller = as_user(UserFactory())

    form = seller.post(LIST, "title=x", content_type="application/x-www-form-urlencoded")
    problem(form, 415, "unsupported_media_type")
    problem(seller.post(LIST, "{", content_type="application/json"), 400, "parse_error")
    problem(seller.post(LIST, "[]", content_type="application/json"), 400, "invalid_input")
