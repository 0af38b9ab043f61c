"""Products over HTTP: what a reader sees, what counts as a view, and what a warm read costs."""

from __future__ import annotations

from typing import Any

import pytest

from products.api.serializers import ProductSerializer
from products.cache import product_views, products
from products.models import ProductStatus
from tests.factories import ProductFactory
from tests.marketplace.problems import problem

pytestmark = pytest.mark.django_db(transaction=True)


def url(product: Any) -> str:
    return f"/api/v1/products/{product.pk}/"


def views(product: Any) -> int:
    return product_views.live([product.pk]).get(product.pk, 0)


def test_detail_has_exactly_the_fields_of_the_contract(api: Any) -> None:
    product = ProductFactory(views=7)

    body = api.get(url(product)).json()

    assert list(body) == [
        "id", "title", "description", "price", "currency", "category", "image_url", "seller_id", "status",
        "created_at", "updated_at", "view_count",
    ]  # fmt: skip
    assert list(ProductSerializer().fields) == list(body)
    assert (body["price"], body["currency"], body["status"]) == ("12.50", "EUR", "available")
    assert (body["category"], body["seller_id"]) == (product.category.slug, product.seller_id)
    assert body["created_at"] == product.created_at.isoformat().replace("+00:00", "Z")
    assert body["view_count"] == 8


@pytest.mark.parametrize("text", ['"quotes" and \\ slashes', "Grüße, 日本 🚲", "</script>", "line\nbreak\ttab"])
def test_text_arrives_as_it_was_written(api: Any, text: str) -> None:
    product = ProductFactory(title=text, description=text)

    body = api.get(url(product)).json()

    assert (body["title"], body["description"]) == (text, text)


def test_headers_say_where_the_answer_came_from(api: Any, queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    product = ProductFactory()

    miss, hit = api.get(url(product)), api.get(url(product))
    clock = products.store.clock
    monkeypatch.setattr(products.store, "clock", lambda: clock() + products.policy.soft_ms(negative=False))
    stale = api.get(url(product))

    assert miss["Cache-Status"] == "marketplace; fwd=miss"
    assert hit["Cache-Status"] == "marketplace; hit"
    assert stale["Cache-Status"] == "marketplace; hit; detail=stale"
    for answer in (miss, hit, stale):
        assert "stale-while-revalidate=" in answer["Cache-Control"]
        assert answer["Content-Type"] == "application/json"
        assert answer["Vary"] == "Accept"
    assert [message.task for message in queue.run()] == ["caching.tasks.refresh"]
    assert api.get(url(product))["Cache-Status"] == "marketplace; hit"


def test_a_warm_detail_counts_and_reads_in_one_round_trip(
    api: Any, redis_commands: Any, django_assert_num_queries: Any
) -> None:
    product = ProductFactory()
    api.get(url(product))

    with redis_commands() as trips, django_assert_num_queries(0):
        body = api.get(url(product)).json()

    assert trips == [["MGET", "EVALSHA"]]
    assert body["view_count"] == 2


def test_a_cold_detail_asks_the_database_once(api: Any, django_assert_num_queries: Any) -> None:
    product = ProductFactory()

    with django_assert_num_queries(1):
        api.get(url(product))


def test_every_get_counts_a_304_too_and_a_head_does_not(api: Any) -> None:
    product = ProductFactory(views=10)
    etag = api.get(url(product))["ETag"]

    not_modified = api.get(url(product), HTTP_IF_NONE_MATCH=etag)
    head = api.head(url(product))

    assert (not_modified.status_code, not_modified.content, not_modified["ETag"]) == (304, b"", etag)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", etag)
    assert views(product) == 12
    assert api.get(url(product)).json()["view_count"] == 13


def test_a_cold_head_counts_nothing(api: Any) -> None:
    product = ProductFactory(views=10)

    api.head(url(product))

    assert api.get(url(product)).json()["view_count"] == 11


@pytest.mark.parametrize("header", ["*", '"x", {etag}', "{strong}"])
def test_a_tag_is_found_in_any_form_of_the_header(api: Any, header: str) -> None:
    product = ProductFactory()
    etag = api.get(url(product))["ETag"]

    sent = header.format(etag=etag, strong=etag.removeprefix("W/"))

    assert api.get(url(product), HTTP_IF_NONE_MATCH=sent).status_code == 304


def test_an_edit_changes_the_tag_and_a_view_does_not(api: Any, as_user: Any) -> None:
    product = ProductFactory()
    before, viewed = api.get(url(product))["ETag"], api.get(url(product))["ETag"]
    as_user(product.seller).patch(url(product), {"price": "13.00"}, format="json")

    edited = api.get(url(product), HTTP_IF_NONE_MATCH=before)

    assert viewed == before
    assert edited.status_code == 200
    assert edited["ETag"] != before


@pytest.mark.parametrize("pk", ["0", "999999999", str(2**63), "9" * 40, "9" * 5000, "x", "-1", "1.5", "%00"])
def test_what_does_not_exist_is_404(api: Any, pk: str) -> None:
    problem(api.get(f"/api/v1/products/{pk}/"), 404, "not_found")


def test_a_missing_product_is_asked_for_once(api: Any, django_assert_num_queries: Any) -> None:
    api.get("/api/v1/products/999999999/")

    with django_assert_num_queries(0):
        problem(api.get("/api/v1/products/999999999/"), 404, "not_found")


def test_a_sold_product_is_shown_as_sold_and_a_withdrawn_one_not_at_all(api: Any) -> None:
    sold, gone = ProductFactory(status=ProductStatus.SOLD), ProductFactory(status=ProductStatus.WITHDRAWN)

    assert api.get(url(sold)).json()["status"] == "sold"
    problem(api.get(url(gone)), 404, "not_found")


def test_the_slash_is_optional_and_no_redirect(api: Any) -> None:
    product = ProductFactory()

    assert api.get(f"/api/v1/products/{product.pk}").status_code == 200
    assert api.get("/api/v1/products").status_code == 200


def test_reading_does_not_depend_on_credentials(api: Any) -> None:
    product = ProductFactory()
    api.credentials(HTTP_AUTHORIZATION="Token nonsense")

    assert api.get(url(product)).status_code == 200
    assert api.get("/api/v1/products/").status_code == 200


def test_methods_that_are_not_there_are_405(api: Any, as_user: Any) -> None:
    product = ProductFactory()
    seller = as_user(product.seller)

    assert "PATCH" in seller.put(url(product), {}, format="json")["Allow"]
    problem(seller.put(url(product), {}, format="json"), 405, "method_not_allowed")
    problem(seller.delete("/api/v1/products/"), 405, "method_not_allowed")
