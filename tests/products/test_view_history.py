"""The history of views: trending products, a product's hours without gaps, and old hours deleted in batches."""

from __future__ import annotations

import math
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from products import view_history
from products.models import Product, ProductViewsHour
from products.view_history import forget_old_hours, trending_ids, views_by_hour
from tests.factories import ProductFactory
from tests.other_session import other_session

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]


def viewed(product: Product, views: int, hours_ago: float) -> ProductViewsHour:
    hour = (timezone.now() - timedelta(hours=hours_ago)).replace(minute=0, second=0, microsecond=0)
    return ProductViewsHour.objects.create(product=product, hour=hour, views=views)


def test_views_count_half_as_much_after_each_half_life(settings: Any) -> None:
    settings.TRENDING_HALF_LIFE_HOURS = 5.0
    now, five, ten = (ProductFactory() for _ in range(3))
    viewed(now, 10, 0)
    viewed(five, 21, 5)
    viewed(ten, 39, 10)

    assert trending_ids(0, 10) == [five.pk, now.pk, ten.pk]


def test_an_hour_that_has_yet_to_begin_weighs_as_much_as_the_running_one() -> None:
    fewer, ahead, more = (ProductFactory() for _ in range(3))
    viewed(fewer, 4, 0)
    viewed(ahead, 5, -3)
    viewed(more, 6, 0)

    assert trending_ids(0, 10) == [more.pk, ahead.pk, fewer.pk]


@pytest.mark.parametrize("half_life", [5e-324, 1e-3, 1.0, 1e308, math.inf])
def test_no_half_life_is_too_short_or_too_long(settings: Any, half_life: float) -> None:
    settings.TRENDING_HALF_LIFE_HOURS = half_life
    now, old, oldest, fewest = (ProductFactory() for _ in range(4))
    viewed(now, 8, 0)
    viewed(old, 7, 20)
    viewed(oldest, 5, 22)
    viewed(fewest, 1, 22)

    assert trending_ids(0, 10) == [now.pk, old.pk, oldest.pk, fewest.pk]


def test_no_count_is_too_large() -> None:
    many, few = ProductFactory(), ProductFactory()
    for hours_ago in range(3):
        viewed(many, 2**63 - 1, hours_ago)
    viewed(few, 1, 0)

    assert trending_ids(0, 10) == [many.pk, few.pk]


def test_products_viewed_alike_are_listed_by_id_in_whatever_order_their_rows_lie() -> None:
    products, random = ProductFactory.create_batch(30), Random(1)
    rows = [(product, hours_ago) for product in products for hours_ago in range(23)]
    random.shuffle(rows)
    for product, hours_ago in rows:
        viewed(product, 3 + hours_ago, hours_ago)

    pages = [trending_ids(start, 7) for start in range(0, 35, 7)]

    assert [id for page in pages for id in page] == sorted((product.pk for product in products), reverse=True)


@pytest.mark.parametrize("value", ["0", "-1"])
def test_a_half_life_that_is_no_span_of_time_stops_the_start(process_env: dict[str, str], value: str) -> None:
    command = [sys.executable, "-c", "import marketplace.settings"]
    env = {**process_env, "TRENDING_HALF_LIFE_HOURS": value}

    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)

    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured: TRENDING_HALF_LIFE_HOURS")


def test_the_hours_of_a_product_have_no_gaps(django_assert_num_queries: Any) -> None:
    product, other = ProductFactory(), ProductFactory()
    viewed(product, 7, 0)
    viewed(product, 5, 3)
    viewed(product, 9, 5)
    viewed(other, 100, 2)

    with django_assert_num_queries(1):
        hours = views_by_hour(product.pk, 5)

    assert [views for _, views in hours] == [0, 5, 0, 0, 7]
    running = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    assert [hour for hour, _ in hours] == [running - timedelta(hours=ago) for ago in (4, 3, 2, 1, 0)]


def test_hours_are_those_of_utc_in_a_session_of_any_time_zone() -> None:
    product = ProductFactory()
    viewed(product, 7, 1)
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Kolkata'")
    try:
        hours = views_by_hour(product.pk, 3)
    finally:
        connection.close()

    # Hours of Kolkata begin at half past, and would find none of the rows.
    assert [views for _, views in hours] == [0, 7, 0]


def test_a_product_that_does_not_exist_has_hours_without_views() -> None:
    assert [views for _, views in views_by_hour(10**12, 48)] == [0] * 48


def test_old_hours_are_forgotten(settings: Any) -> None:
    settings.VIEW_HISTORY_DAYS = 2
    product = ProductFactory()
    kept = [viewed(product, 1, hours_ago) for hours_ago in (0, 24, 47)]
    for hours_ago in (49, 50, 1000):
        viewed(product, 1, hours_ago)

    assert forget_old_hours() == 3
    assert set(ProductViewsHour.objects.values_list("hour", flat=True)) == {row.hour for row in kept}
    assert forget_old_hours() == 0


@pytest.mark.parametrize(("rows", "statements"), [(0, 1), (2, 1), (3, 2), (7, 3)])
def test_a_backlog_is_forgotten_in_batches_each_its_own_transaction(
    monkeypatch: pytest.MonkeyPatch, rows: int, statements: int
) -> None:
    monkeypatch.setattr(view_history, "FORGET_BATCH", 3)
    product = ProductFactory()
    for n in range(rows):
        viewed(product, 1, 10_000 + n)

    with CaptureQueriesContext(connection) as captured:
        forgotten = forget_old_hours()

    assert forgotten == rows
    # No BEGIN among them: each commits by itself.
    assert [query["sql"].split()[0] for query in captured] == ["DELETE"] * statements


def test_a_row_that_is_being_written_is_left_without_waiting_for_it() -> None:
    product = ProductFactory()
    held, free = viewed(product, 1, 10_000), viewed(product, 1, 10_001)
    with other_session() as session:
        session.execute("SELECT FROM products_productviewshour WHERE hour = %s FOR UPDATE", [held.hour])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")

        forgotten = forget_old_hours()

    connection.close()
    assert forgotten == 1
    assert not ProductViewsHour.objects.filter(hour=free.hour).exists()
    assert forget_old_hours() == 1
