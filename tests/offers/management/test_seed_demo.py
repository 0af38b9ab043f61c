"""The demo: whole or not at all, once, the same everywhere, and never a way into production."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from offers.models import Offer, OfferStatus
from products.demo.catalogue import DAYS, generate
from products.demo.vocabulary import SHELVES
from products.models import Category, Product, ProductStatus, ProductViews, ProductViewsHour

NOW = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def seed(**options: Any) -> str:
    out = StringIO()
    call_command("seed_demo", quiet=True, stdout=out, **{"products": 300, **options})
    return out.getvalue()


def rows_being_written() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE relation = 'products_product'::regclass AND mode = 'RowExclusiveLock'"
        )
        return cursor.fetchone()[0] > 0


def test_the_catalogue_is_the_same_on_every_machine() -> None:
    assert list(generate(50, 3, NOW)) == list(generate(50, 3, NOW))
    assert list(generate(50, 3, NOW)) != list(generate(50, 3, NOW, seed=2))


def test_products_are_spread_over_the_last_weeks_with_a_few_of_them_popular() -> None:
    products = list(generate(2_000, 6, NOW))
    ages = [(NOW - product.created_at).total_seconds() / 86400 for product in products]
    assert ages == sorted(ages, reverse=True)
    assert DAYS - 1 < ages[0] < DAYS
    assert 0 < ages[-1] < 1
    views = sorted((product.views for product in products), reverse=True)
    assert sum(views[:20]) > 0.2 * sum(views)
    assert all(sum(product.recent_views.values()) <= product.views for product in products)
    assert len({product.category for product in products}) == len(SHELVES)


@pytest.mark.django_db
def test_everything_there_is_to_see_is_seeded() -> None:
    seed()
    assert Product.objects.count() == ProductViews.objects.count() == 300
    assert Category.objects.count() == len(SHELVES)
    assert ProductViewsHour.objects.filter(hour__gt=timezone.now() - timedelta(hours=25)).exists()
    assert set(Offer.objects.values_list("status", flat=True)) == set(OfferStatus.values)
    accepted = Offer.objects.filter(status=OfferStatus.ACCEPTED).values_list("product_id", flat=True)
    sold = Product.objects.filter(status=ProductStatus.SOLD).values_list("id", flat=True)
    assert set(accepted) == set(sold)


@pytest.mark.django_db
def test_the_printed_logins_work_and_the_others_cannot_log_in() -> None:
    output = seed()
    for login in ("admin/admin", "seller/seller-demo", "buyer/buyer-demo"):
        assert login in output
        username, password = login.split("/")
        assert authenticate(username=username, password=password) is not None
    assert not get_user_model().objects.get(username="attic-finds").has_usable_password()
    assert get_user_model().objects.get(username="admin").is_superuser


@pytest.mark.django_db
def test_a_second_run_does_nothing() -> None:
    seed()
    before = list(Product.objects.order_by("id").values())
    assert "nothing to do" in seed(products=500)
    assert list(Product.objects.order_by("id").values()) == before


@pytest.mark.django_db
def test_somebody_of_a_demo_users_name_keeps_their_password() -> None:
    get_user_model().objects.create_user("admin", password="own", display_name="Me")
    seed()
    assert authenticate(username="admin", password="admin") is None
    assert not get_user_model().objects.get(username="admin").is_superuser


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_a_seeding_that_is_killed_leaves_nothing_and_the_next_one_is_whole(process_env: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "seed_demo", "--products", "20000", "--quiet"],
        cwd=settings.BASE_DIR,
        env=process_env,
    )
    try:
        deadline = time.monotonic() + 60
        while not rows_being_written():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert not Product.objects.exists()

    # The next one waits for the lock until PostgreSQL has noticed that the first is gone.
    seed()
    assert Product.objects.count() == ProductViews.objects.count() == 300


@pytest.mark.django_db
def test_production_is_refused_and_forced_only_without_logins(settings) -> None:
    settings.IS_PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        seed()
    assert "admin/admin" not in seed(force=True)
    assert not any(user.has_usable_password() for user in get_user_model().objects.all())


@pytest.mark.django_db
@pytest.mark.parametrize("products", [0, -1, 10**9])
def test_a_senseless_number_is_refused(products: int) -> None:
    with pytest.raises(CommandError, match="--products"):
        seed(products=products)
