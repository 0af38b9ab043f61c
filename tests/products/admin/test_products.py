"""Products in the admin: changes are seen at once, rules are errors of the form, and permissions hold."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from caching.redis.connections import pool
from offers.models import OfferStatus
from products.models import Product, ProductStatus, ProductViews
from tests.factories import CategoryFactory, OfferFactory, ProductFactory, UserFactory
from tests.products.admin.catalogue_pages import LIST, form_of, page_of, plots_of, titles, viewed

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_product_shows_its_different_visitors_as_far_as_they_are_kept(admin: Any, settings: Any, api: Any) -> None:
    product = ProductFactory()
    page = f"/admin/products/product/{product.pk}/change/"
    assert "Not kept: VIEW_UNIQUE_DAYS is 0." in admin.get(page).content.decode()

    settings.VIEW_UNIQUE_DAYS = 7
    for name in ("Firefox", "Firefox", "Safari"):
        api.get(f"/api/v1/products/{product.pk}/", headers={"user-agent": name})

    assert "About 2 today, 2 in 7 days." in admin.get(page).content.decode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool("state").breaker, "is_open", True)
        assert "Unknown while Redis is away." in admin.get(page).content.decode()


def test_a_product_is_found_by_its_id(admin: Any) -> None:
    product = ProductFactory()

    assert titles(admin.get(f"{LIST}?q={product.pk}")) >= {product.title}


def test_an_edit_is_seen_by_the_next_request_and_touches_nothing_else(admin: Any, api: Any) -> None:
    product = ProductFactory()
    api.get(f"/api/v1/products/{product.pk}/")

    response = admin.post(page_of(product), form_of(product, title="Edited", status="withdrawn", currency="USD"))

    assert response.status_code == 302, response.context["errors"]
    body = api.get(f"/api/v1/products/{product.pk}/").json()
    assert (body["title"], body["status"], body["currency"]) == ("Edited", "available", "EUR")
    assert body["updated_at"] > body["created_at"]


def test_a_product_is_added_with_its_row_of_views(admin: Any) -> None:
    form = {
        "title": "New",
        "price": "5.00",
        "currency": "EUR",
        "seller": UserFactory().pk,
        "category": CategoryFactory().pk,
    }

    response = admin.post(f"{LIST}add/", form)

    assert response.status_code == 302, response.context["errors"]
    assert ProductViews.objects.get(product__title="New").views == 0


@pytest.mark.filterwarnings("error::DeprecationWarning", "error::PendingDeprecationWarning")
def test_an_image_without_a_scheme_is_fetched_by_https(admin: Any) -> None:
    product = ProductFactory()

    response = admin.post(page_of(product), form_of(product, image_url="images.example/lamp.jpg"))

    assert response.status_code == 302, response.context["errors"]
    assert Product.objects.get().image_url == "https://images.example/lamp.jpg"


@pytest.mark.parametrize(("field", "value"), [("price", "0"), ("title", ""), ("price", "-3")])
def test_a_rule_of_the_database_is_an_error_of_the_form(admin: Any, field: str, value: str) -> None:
    product = ProductFactory()

    response = admin.post(page_of(product), form_of(product, **{field: value}))

    assert response.status_code == 200
    assert response.context["errors"]


def test_products_are_withdrawn_by_the_action_and_never_deleted(admin: Any, api: Any) -> None:
    offer = OfferFactory()
    path = f"/api/v1/products/{offer.product_id}/"
    api.get(path)

    page = admin.get(LIST).content.decode()
    admin.post(LIST, {"action": "withdraw", "_selected_action": [offer.product_id]})

    offer.refresh_from_db()
    assert "delete_selected" not in page
    assert admin.post(f"{LIST}{offer.product_id}/delete/", {"post": "yes"}).status_code == 403
    assert Product.objects.get().status == ProductStatus.WITHDRAWN
    assert offer.status == OfferStatus.DECLINED
    assert api.get(path).status_code == 404
    assert LogEntry.objects.get().object_id == str(offer.product_id)


def test_readers_see_everything_and_change_nothing(reader: Any) -> None:
    product = ProductFactory()
    viewed(product, 1, 0)

    listed, detail = reader.get(LIST), reader.get(page_of(product))
    posted = reader.post(page_of(product), form_of(product, title="Edited"))
    reader.post(LIST, {"action": "withdraw", "_selected_action": [product.pk]})

    assert titles(listed) == {product.title}
    assert detail.status_code == 200
    assert len(plots_of(detail)) == 2
    assert b'name="_save"' not in detail.content
    assert b"withdraw" not in listed.content.lower().replace(b"withdrawn", b"")
    assert posted.status_code == 403
    assert reader.get(f"{LIST}add/").status_code == 403
    now = Product.objects.get()
    assert (now.title, now.status) == (product.title, ProductStatus.AVAILABLE)


def test_others_are_asked_to_log_in(client: Any) -> None:
    client.force_login(UserFactory())

    assert client.get(LIST).status_code == 302
