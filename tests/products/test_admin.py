"""The catalogue in the admin: live counts in few queries, changes seen at once, and permissions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from caching.redis.connections import pool
from offers.models import OfferStatus
from products.models import Category, Product, ProductStatus, ProductViews, ProductViewsHour
from products.view_counts import increment_view
from tests.factories import CategoryFactory, OfferFactory, ProductFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/products/product/"


@pytest.fixture
def admin(client: Any) -> Any:
    """A browser in which a superuser is logged in."""
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def reader(client: Any) -> Any:
    """A browser of a member of the staff who may look at products and categories, and nothing else."""
    user = UserFactory(is_staff=True)
    names = ["view_product", "view_category", "view_productviews"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return client


@pytest.fixture
def seen() -> Any:
    """A product with views of an hour, which were flushed."""
    product = ProductFactory(views=4000)
    viewed(product, 4000, 1)
    return product


@pytest.fixture
def redis_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that no command reaches."""

    def refuse(self: Any, *_: Any, **__: Any) -> None:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(redis.connection.AbstractConnection, "send_packed_command", refuse)


def page_of(product: Any) -> str:
    return f"{LIST}{product.pk}/change/"


def titles(response: Any) -> set[str]:
    assert response.status_code == 200
    return {product.title for product in response.context["cl"].result_list}


def viewed(product: Any, views: int, hours_ago: int) -> datetime:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    ProductViewsHour.objects.create(product=product, hour=hour, views=views)
    return hour


def plots_of(response: Any) -> list[ElementTree.Element]:
    """Return the plots of a page, each of which must be XML by itself."""
    page = response.content.decode()
    drawn = [part.split("</svg>")[0] for part in page.split('<svg class="plot"')[1:]]
    return [ElementTree.XML(f'<svg class="plot"{part}</svg>') for part in drawn]


def form_of(product: Any, **changes: Any) -> dict[str, Any]:
    inline = {"views-TOTAL_FORMS": 0, "views-INITIAL_FORMS": 0}
    fields = {name: getattr(product, name) for name in ("title", "description", "price", "image_url")}
    return {**fields, "category": product.category_id, **inline, **changes}


def test_the_list_shows_live_counts(admin: Any) -> None:
    product = ProductFactory(views=4000)
    increment_view(product.pk)

    response = admin.get(LIST)

    assert '<td class="field-live_views">4001</td>' in response.content.decode()
    assert "4000 views flushed, no flush is on record" in response.content.decode()
    assert "the counts of 1 product wait" in response.content.decode()


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_takes_as_many_queries_for_one_as_for_forty(
    admin: Any, count: int, django_assert_num_queries: Any, redis_commands: Any
) -> None:
    for product in ProductFactory.create_batch(count):
        increment_view(product.pk)
    admin.get(LIST)

    # Session, user; count and page; categories of the filter; total, last flush and applied buckets.
    with django_assert_num_queries(8), redis_commands() as trips:
        response = admin.get(LIST)

    assert len(response.context["cl"].result_list) == count
    assert len([trip for trip in trips if trip == ["MGET"]]) == 1


def test_without_redis_the_flushed_totals_are_shown_and_said_to_be(admin: Any, seen: Any, redis_away: None) -> None:
    listed, detail = admin.get(LIST), admin.get(page_of(seen))

    assert len(plots_of(detail)) == 2
    for response in (listed, detail):
        assert response.status_code == 200
        assert response.content.decode().count("Redis does not answer") == 1
        assert "4000" in response.content.decode()


def test_a_product_shows_what_is_flushed_and_what_waits(admin: Any) -> None:
    product = ProductFactory(views=4000)
    increment_view(product.pk)
    increment_view(product.pk)

    page = admin.get(page_of(product)).content.decode()

    for label, value in [("Live views", 4002), ("Flushed views", 4000), ("Views waiting for the flush", 2)]:
        assert label in page
        assert f'<div class="readonly">{value}</div>' in page


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


@pytest.mark.parametrize("hours", [0, 60])
def test_a_product_takes_as_many_queries_with_a_long_history_as_without(
    admin: Any, hours: int, django_assert_num_queries: Any
) -> None:
    product = ProductFactory()
    for hours_ago in range(hours):
        viewed(product, 3, hours_ago)
    admin.get(page_of(product))

    # Session, user; product; seller and category by name; its row of views; its history.
    with django_assert_num_queries(7):
        response = admin.get(page_of(product))

    assert len(plots_of(response)) == (2 if hours else 0)


def test_a_product_shows_its_views_by_hour_and_by_day(admin: Any) -> None:
    product = ProductFactory()
    viewed(product, 1200, 47)
    then = viewed(product, 1500, 3)
    viewed(product, 1, 0)
    viewed(ProductFactory(), 9999, 1)

    response = admin.get(page_of(product))

    name = f"{then:%-d %b, %H}:00 to {then + timedelta(hours=1):%H}:00 UTC"
    words = f"2,701 views in the last 48 hours, at most 1,500 in one hour ({name})."
    assert f"<div>{words}</div>" in response.content.decode()
    hours, days = plots_of(response)
    assert [hours.find("title").text, hours.find("desc").text] == ["Views by hour in the last 48 hours", words]
    assert days.find("title").text == "Views by day in the last 30 days"
    names = [title.text for title in hours.findall("g/g/title")]
    assert (len(names), names[-4], names[-1][-15:]) == (48, f"{name}: 1,500 views", ": 1 view so far")
    assert sum(": 0 views" in name for name in names) == 45
    assert len(hours.findall("g/g/rect")) == 48 + 3
    assert len(days.findall("g/g/title")) == 30


def test_the_plots_bring_no_style_no_script_and_nothing_from_elsewhere(admin: Any) -> None:
    product = ProductFactory()
    viewed(product, 1, 0)

    hours, days = plots_of(admin.get(page_of(product)))

    for drawn in (hours, days):
        assert drawn.get("role") == "img"
        ids = {element.get("id") for element in drawn}
        assert {drawn.get("aria-labelledby"), drawn.get("aria-describedby")} <= ids
        assert {element.tag for element in drawn.iter()} == {"svg", "title", "desc", "g", "line", "text", "rect"}
        names = {name for element in drawn.iter() for name in element.attrib}
        assert not names & {"style", "href", "onload", "onclick"}


def test_a_product_nobody_viewed_says_so_in_words(admin: Any) -> None:
    forgotten, lately = ProductFactory(), ProductFactory()
    viewed(forgotten, 1, 31 * 24)
    viewed(lately, 1, 20 * 24)

    nobody, earlier = admin.get(page_of(forgotten)), admin.get(page_of(lately))

    assert plots_of(nobody) == []
    assert "No views in the last 48 hours." in nobody.content.decode()
    assert "No views in the last 30 days." in nobody.content.decode()
    assert [drawn.find("title").text for drawn in plots_of(earlier)] == ["Views by day in the last 30 days"]
    assert "No views in the last 48 hours." in earlier.content.decode()
    assert "1 view in the last 30 days" in earlier.content.decode()


@pytest.mark.parametrize(("days", "hours", "plotted"), [(1, 24, 1), (0, 24, 1), (2, 48, 2), (3650, 48, 90)])
def test_a_plot_is_no_longer_than_what_is_kept_and_can_be_seen(
    admin: Any, settings: Any, days: int, hours: int, plotted: int
) -> None:
    settings.VIEW_HISTORY_DAYS = days
    product = ProductFactory()
    viewed(product, 1, 0)

    by_hour, by_day = plots_of(admin.get(page_of(product)))

    assert len(by_hour.findall("g/g/title")) == hours
    assert len(by_day.findall("g/g/title")) == plotted


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"red lamp", "blue chair"}),
        ("status__exact=sold", {"blue chair"}),
        ("currency__exact=USD", {"blue chair"}),
        ("category=lamps", {"red lamp"}),
        ("category=unknown", set()),
        ("q=red", {"red lamp"}),
        ("q=RE+lam", {"red lamp"}),
        ("q=lamp+chair", set()),
        ("q=amp", set()),
        ("q=%27%22%5C%3A*+%26+%21", set()),
    ],
)
def test_filters_and_search_narrow_the_list(admin: Any, query: str, expected: set[str]) -> None:
    ProductFactory(title="red lamp", description="", category=CategoryFactory(slug="lamps"))
    ProductFactory(title="blue chair", description="", status=ProductStatus.SOLD, currency="USD")

    assert titles(admin.get(f"{LIST}?{query}")) == expected


def test_a_product_is_found_by_its_id(admin: Any) -> None:
    product = ProductFactory()

    assert titles(admin.get(f"{LIST}?q={product.pk}")) >= {product.title}


def test_the_category_filter_keeps_the_others(admin: Any) -> None:
    CategoryFactory(slug="lamps", name="Lamps & more")

    page = admin.get(f"{LIST}?status__exact=sold&category=lamps&q=red").content.decode()

    assert '<option value="lamps">Lamps &amp; more</option>' in page
    assert '<input type="hidden" name="status__exact" value="sold">' in page
    assert '<input type="hidden" name="q" value="red">' in page


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


@pytest.mark.parametrize("count", [1, 30])
def test_categories_are_listed_with_their_products_in_one_query(
    admin: Any, count: int, django_assert_num_queries: Any
) -> None:
    for category in CategoryFactory.create_batch(count):
        ProductFactory(category=category)

    # Session, user, two counts and the page.
    with django_assert_num_queries(5):
        page = admin.get("/admin/products/category/").content.decode()

    assert page.count('<td class="field-product_count">1</td>') == count


def test_only_an_empty_category_is_deleted(admin: Any) -> None:
    held, empty = ProductFactory().category, CategoryFactory()

    refused = admin.post(f"/admin/products/category/{held.pk}/delete/", {"post": "yes"})
    deleted = admin.post(f"/admin/products/category/{empty.pk}/delete/", {"post": "yes"})

    assert (refused.status_code, deleted.status_code) == (403, 302)
    assert list(Category.objects.all()) == [held]


def test_sellers_and_categories_are_completed_from_what_is_typed(admin: Any) -> None:
    CategoryFactory(name="Lamps")
    query = {"app_label": "products", "model_name": "product", "field_name": "category", "term": "lam"}

    found = admin.get("/admin/autocomplete/", query).json()["results"]

    assert [row["text"] for row in found] == ["Lamps"]
